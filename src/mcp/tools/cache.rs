//! `cache_stats`, `cache_clear`.

use serde_json::json;

use super::Desk;
use crate::mcp::reply::Reply;
use crate::mcp::table::{Conduct, ToolRow};

/// `cache_stats`
pub const STATS: ToolRow = ToolRow {
    name: "cache_stats",
    title: "Cache statistics",
    description: "Size, hits and misses of this server's answer cache.",
    parameters: &[],
    conduct: Conduct::Reads,
    always_load: false,
};

/// `cache_clear`
pub const CLEAR: ToolRow = ToolRow {
    name: "cache_clear",
    title: "Clear the cache",
    description: "Forget all cached answers, so that the next dispatch runs.",
    parameters: &[],
    conduct: Conduct::Sets,
    always_load: false,
};

pub fn stats(desk: &Desk) -> Reply {
    match desk.config() {
        Err(mistake) => mistake.into(),
        Ok(config) => match desk.dispatcher.cache_stats(&config.settings) {
            Some(stats) => Reply::of(&stats),
            None => disabled(),
        },
    }
}

pub fn clear(desk: &Desk) -> Reply {
    match desk.config() {
        Err(mistake) => mistake.into(),
        Ok(config) if config.settings.cache.enabled => Reply::of(&json!({"cleared": desk.dispatcher.cache_clear()})),
        Ok(_) => disabled(),
    }
}

fn disabled() -> Reply {
    let message = "the cache is off; set settings.cache.enabled to true in agents.yaml to use it";
    Reply::of(&json!({"enabled": false, "message": message}))
}
