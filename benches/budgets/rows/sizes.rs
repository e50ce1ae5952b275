//! What does not depend on time.

use std::fs;

use serde_json::{Value, json};

use crate::Result;
use crate::client::{Client, Link};
use crate::rounds::Samples;
use crate::rows::Bench;
use crate::subject::Subject;
use crate::table::{Budget, Row};
use crate::world::Agent;

const BUDGET_TOOLS_BYTES: f64 = 9_000.0;
const MB: f64 = 1_000_000.0;

/// `tools/list`: what a model reads of it, and all of it.
pub fn tools(bench: &Bench) -> Result<Vec<Row>> {
    let pair = bench.servers("tools", &[Agent::plays("plain", "")], "")?;
    let ours = Listing::of(&pair.ours)?;
    let python = pair.python.as_ref().map(Listing::of).transpose()?;
    let what = format!("tools/list, name + description + schema of {} tools", ours.tools);
    Ok(vec![
        Row::new(what, "bytes", Samples::one(ours.read))
            .python(python.as_ref().map(|python| Samples::one(python.read)))
            .budget(Budget::Under(BUDGET_TOOLS_BYTES)),
        Row::new("tools/list, whole answer", "bytes", Samples::one(ours.whole))
            .python(python.as_ref().map(|python| Samples::one(python.whole))),
        Row::new("discovery: greeting, tools/list, list_agents", "bytes", Samples::one(ours.discovery))
            .python(python.as_ref().map(|python| Samples::one(python.discovery))),
    ])
}

/// Sizes of an answer to `tools/list`, in bytes.
struct Listing {
    tools: usize,
    read: f64,
    whole: f64,
    discovery: f64,
}

impl Listing {
    #[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
    fn of(subject: &Subject) -> Result<Self> {
        let mut server = Client::greeted(subject, Link::Pipes)?;
        let greeting = server.response().len();
        let id = server.send("tools/list", &json!({}))?;
        server.receive(id)?;
        let answer: Value = serde_json::from_str(server.response())?;
        let tools = answer["result"]["tools"].as_array().ok_or("tools/list has no tools")?;
        let read = tools.iter().map(|tool| {
            let text = |key: &str| tool[key].as_str().map_or(0, str::len);
            text("name") + text("description") + tool["inputSchema"].to_string().len()
        });
        let (count, read, whole) = (tools.len(), read.sum::<usize>() as f64, server.response().len());
        server.call("list_agents", &json!({}))?;
        let discovery = (greeting + whole + server.response().len()) as f64;
        Ok(Self { tools: count, read, whole: whole as f64, discovery })
    }
}

/// The built program.
#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
pub fn program(bench: &Bench) -> Result<Vec<Row>> {
    let bytes = fs::metadata(bench.program())?.len() as f64;
    Ok(vec![Row::new("size of the program", "MB", Samples::one(bytes / MB))])
}
