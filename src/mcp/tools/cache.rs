//! `cache_stats`, `cache_clear`.

use serde_json::json;

use super::ToolCall;
use crate::mcp::output::Output;
use crate::mcp::reply::{CallError, Response};
use crate::mcp::state::ServerState;
use crate::mcp::table::ToolEffect::{Reads, Sets};
use crate::mcp::table::{ToolRow, handler};

pub const STATS: ToolRow = ToolRow::new(Reads, "cache_stats", "Cache statistics", handler!(stats))
    .description("Size, hits and misses of this server's answer cache.")
    .output(Output::new(
        "size?: integer, max_size?: integer, hits?: integer, misses?: integer, evictions?: integer, \
         hit_rate?: number, enabled?: boolean, message?: string",
    ));

pub const CLEAR: ToolRow = ToolRow::new(Sets, "cache_clear", "Clear the cache", handler!(clear))
    .description("Forget all cached answers, so that the next dispatch runs.")
    .output(Output::new("cleared?: integer, enabled?: boolean, message?: string"));

async fn stats(state: &ServerState, _: ToolCall) -> Result<Response, CallError> {
    let stats = state.dispatcher.cache_stats(&state.config()?.settings);
    Ok(stats.map_or_else(disabled, |stats| Response::of(&stats)))
}

async fn clear(state: &ServerState, _: ToolCall) -> Result<Response, CallError> {
    if !state.config()?.settings.cache.enabled {
        return Ok(disabled());
    }
    Ok(Response::of(&json!({"cleared": state.dispatcher.cache_clear()})))
}

fn disabled() -> Response {
    let message = "the cache is off; set settings.cache.enabled to true in agents.yaml to use it";
    Response::of(&json!({"enabled": false, "message": message}))
}
