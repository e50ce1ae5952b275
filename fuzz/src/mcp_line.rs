//! Lines that an MCP client sends: any bytes are read without a panic, and whoever sent a request that can be told as one
//! is answered by its id.

use agent_dispatch::mcp::arguments;
use agent_dispatch::mcp::lines::{InputLine, read};
use agent_dispatch::mcp::tools::ROWS;
use serde_json::Value;

/// Ids of lines up to this length are read back whole, whatever they hold.
const SHORT_BYTES: usize = 256;

/// Reads the bytes as a line, and as the arguments of every tool.
///
/// # Panics
/// When a request would stay without its answer, or arguments change by being read twice.
pub fn check(data: &[u8]) {
    if data.contains(&b'\n') {
        return;
    }
    let line = read(data);
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    if data.len() <= SHORT_BYTES && !data.contains(&b'\\') {
        answered_by_its_id(&line, &value);
    }
    if let Some(given) = value["params"]["arguments"].as_object() {
        for tool in ROWS {
            let Ok(Value::Object(read)) = arguments::read(tool, Some(given.clone())) else { continue };
            let again = arguments::read(tool, Some(read.clone()));
            assert_eq!(again.ok(), Some(Value::Object(read)), "{}: {given:?}", tool.name);
        }
    }
}

/// A request has a method and an id that is a string or an integer.
fn answered_by_its_id(line: &InputLine, value: &Value) {
    let id = &value["id"];
    if value["method"].is_null() || !(id.is_string() || id.is_i64()) {
        return;
    }
    let told = match line {
        InputLine::Message(message) => serde_json::to_value(message).map(|message| message["id"].clone()).ok(),
        InputLine::Unreadable(unreadable) => serde_json::to_value(&unreadable.id).ok(),
        InputLine::Ignored => None,
    };
    assert_eq!(told.as_ref(), Some(id), "{value}: {line:?}");
}
