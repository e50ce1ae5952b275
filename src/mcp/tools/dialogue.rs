//! `dispatch_dialogue`

use std::sync::Arc;

use serde::Deserialize;

use super::{Call, Desk, typed};
use crate::config::model::Config;
use crate::machines::dialogue::DEFAULT_ROUNDS;
use crate::machines::text;
use crate::mcp::progress::{Reporter, Sink, Telling};
use crate::mcp::reply::{Mistake, Reply, Response};
use crate::mcp::table::{Conduct, Kind, ToolRow, optional, required};
use crate::mcp::tasks;
use crate::shell::call::What;
use crate::shell::dialogue::{self, Talk};

/// `dispatch_dialogue`
pub const DIALOGUE: ToolRow = ToolRow {
    name: "dispatch_dialogue",
    title: "Have two agents talk",
    description: "Two agents work something out, each in its own session, until one says it is resolved. Up to two runs \
                  a round.",
    parameters: &[
        required("requester", Kind::Text, "agent with the question"),
        required("responder", Kind::Text, "agent with the means; speaks first"),
        required("topic", Kind::Text, "what to work out"),
        optional("max_rounds", Kind::Integer, "1..10, default 3"),
    ],
    conduct: Conduct::Runs,
    always_load: false,
};

#[derive(Debug, Deserialize)]
struct Arguments {
    requester: String,
    responder: String,
    topic: String,
    max_rounds: Option<i64>,
}

pub async fn dialogue(desk: &Desk, call: Call) -> Response {
    let (config, talk) = match read(desk, &call) {
        Ok(both) => both,
        Err(mistake) => return mistake.into(),
    };
    if call.tasks
        && let Some(task) = tasks::of_call(desk, &config, What::Dialogue(talk.clone())).await
    {
        return task;
    }
    let reporter = Reporter::new(&call.context, call.row.name, Telling::Standing, false);
    let run =
        async |mut sink: Sink| dialogue::run(&desk.dispatcher, &config, &talk, None, &mut |line| sink.say(line)).await;
    match reporter.during(run).await {
        Ok((conversation, receipts)) => Reply::paid(&conversation, receipts).into(),
        Err(mistake) => Mistake::new(mistake.to_string()).into(),
    }
}

/// The configuration and what the call asks for, checked as far as that is possible before anything runs.
fn read(desk: &Desk, call: &Call) -> Result<(Arc<Config>, Talk), Mistake> {
    let Arguments { requester, responder, topic, max_rounds } = typed(call)?;
    if text::is_blank(&topic) {
        return Err(Mistake::new("topic is empty: say what the two are to work out"));
    }
    let talk = Talk { requester, responder, topic, max_rounds: max_rounds.unwrap_or_else(|| DEFAULT_ROUNDS.into()) };
    let config = desk.config()?;
    dialogue::check(&desk.dispatcher, &config, &talk).map_err(|error| Mistake::new(error.to_string()))?;
    Ok((config, talk))
}
