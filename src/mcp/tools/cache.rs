//! `cache_stats`, `cache_clear`.

use serde_json::json;

use crate::mcp::reply::Reply;
use crate::mcp::state::ServerState;
use crate::mcp::table::{ToolEffect, ToolRow};

/// `cache_stats`
pub const STATS: ToolRow = ToolRow {
    name: "cache_stats",
    title: "Cache statistics",
    description: "Size, hits and misses of this server's answer cache.",
    parameters: &[],
    effect: ToolEffect::Reads,
    always_load: false,
};

/// `cache_clear`
pub const CLEAR: ToolRow = ToolRow {
    name: "cache_clear",
    title: "Clear the cache",
    description: "Forget all cached answers, so that the next dispatch runs.",
    parameters: &[],
    effect: ToolEffect::Sets,
    always_load: false,
};

pub fn stats(state: &ServerState) -> Reply {
    match state.config() {
        Err(error) => error.into(),
        Ok(config) => match state.dispatcher.cache_stats(&config.settings) {
            Some(stats) => Reply::of(&stats),
            None => disabled(),
        },
    }
}

pub fn clear(state: &ServerState) -> Reply {
    match state.config() {
        Err(error) => error.into(),
        Ok(config) if config.settings.cache.enabled => Reply::of(&json!({"cleared": state.dispatcher.cache_clear()})),
        Ok(_) => disabled(),
    }
}

fn disabled() -> Reply {
    let message = "the cache is off; set settings.cache.enabled to true in agents.yaml to use it";
    Reply::of(&json!({"enabled": false, "message": message}))
}
