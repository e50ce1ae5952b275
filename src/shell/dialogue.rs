//! A dialogue of two agents: each message a run of its own, each side a session of its own.
//!
//! Every message is a job whose record stays until the whole dialogue was delivered: when the server dies in the middle, or
//! its caller gives up, what was said and paid for is in the job store.

use std::sync::Arc;

use super::call::ledger::Ledger;
use super::call::part::PartAnswer;
use super::call::{OnLine, Talk};
use super::dispatcher::{Caching, Dispatcher, Held};
use super::engine::{Delivery, Receipt};
use super::leash::{News, OnNews};
use super::random;
use crate::config::model::Config;
use crate::config::plan::{Request, RequestError};
use crate::machines::dialogue::record::{Conversation, Record};
use crate::machines::dialogue::{self, Effect, Role, State, prompts};

/// The two sessions, once they are known.
#[derive(Debug, Default)]
struct Sessions {
    requester: String,
    responder: String,
}

/// What `role` is asked next.
fn request(talk: &Talk, role: Role, record: &Record, sessions: &mut Sessions) -> Request {
    let (agent, other) = match role {
        Role::Requester => (&talk.requester, &talk.responder),
        Role::Responder => (&talk.responder, &talk.requester),
    };
    let task = match record.last() {
        Some(last) => prompts::reply(other, &last.message),
        None => prompts::opening(other),
    };
    Request {
        agent: agent.clone(),
        task,
        caller: other.clone(),
        goal: talk.topic.clone(),
        session_id: sessions.of(role).clone(),
        ..Request::default()
    }
}

impl Sessions {
    const fn of(&mut self, role: Role) -> &mut String {
        match role {
            Role::Requester => &mut self.requester,
            Role::Responder => &mut self.responder,
        }
    }
}

/// Checks everything that can be checked without a run.
///
/// # Errors
/// The first mistake.
pub fn check(dispatcher: &Dispatcher, config: &Config, talk: &Talk) -> Result<(), RequestError> {
    [Role::Requester, Role::Responder].into_iter().try_for_each(|role| {
        dispatcher.check(config, &request(talk, role, &Record::default(), &mut Sessions::default()))
    })
}

/// Runs a dialogue to its end. With a ledger its messages are noted there in their order, and go on whatever becomes of
/// this process. `tell` hears a line whenever something happened. The receipts are to be redeemed when the conversation was
/// delivered.
///
/// # Errors
/// What [`check`] would have said.
pub async fn run(
    dispatcher: &Dispatcher,
    config: &Config,
    talk: &Talk,
    ledger: Option<&Arc<Ledger>>,
    tell: OnLine<'_>,
) -> Result<(Conversation, Vec<Receipt>), RequestError> {
    let (mut record, mut sessions, mut receipts) = (Record::default(), Sessions::default(), Vec::new());
    let (mut state, effects) = dialogue::begin(talk.max_rounds);
    let mut due = effects.into_iter().next();
    let mut messages = 0_u32..;
    while let (Some(Effect::Ask(role)), Some(message)) = (due, messages.next()) {
        let request = request(talk, role, &record, &mut sessions);
        let place = Place { state, agent: &request.agent };
        let mut on_news = |news: &News| news.says().into_iter().for_each(|says| tell(place.line(&says)));
        let Delivery { answer, mut receipt } =
            speak(dispatcher, config, &request, ledger, message, &mut on_news).await?;
        // It is delivered with all others: until then its supervisor need not stay.
        receipt.iter_mut().for_each(Receipt::release);
        receipts.extend(receipt);
        if let Some(id) = &answer.session_id {
            sessions.of(role).clone_from(id);
        }
        let event = record.add(role, state.round(), answer);
        match dialogue::step(state, &event) {
            Ok((next, effects)) => (state, due) = (next, effects.into_iter().next()),
            Err(refused) => {
                tracing::error!(%refused, "a dialogue lost its place");
                break;
            }
        }
    }
    Ok((record.conclude(&state), receipts))
}

/// Has one of them speak, unless it has spoken before this process.
async fn speak(
    dispatcher: &Dispatcher,
    config: &Config,
    request: &Request,
    ledger: Option<&Arc<Ledger>>,
    message: u32,
    on_news: OnNews<'_>,
) -> Result<Delivery, RequestError> {
    let fresh = random::session_id();
    let Some(ledger) = ledger else {
        return dispatcher.dispatch_as(fresh, config, request, Caching::Never, on_news).await;
    };
    if let Some(part) = ledger.answer(message) {
        return Ok(Delivery { answer: part.answer, receipt: None });
    }
    let held = Held::ByCall(Arc::clone(ledger), message);
    let delivery = dispatcher.dispatch_held(held, fresh, config, request, Caching::Never, on_news).await?;
    // The answer of one that was submitted is in its job.
    if !ledger.was_submitted(message) {
        let (ledger, part) = (Arc::clone(ledger), PartAnswer::whole(delivery.answer.clone()));
        dispatcher.engine().blocking().run(move || ledger.settle(message, part)).await;
    }
    Ok(delivery)
}

/// Where a dialogue stands, in words.
struct Place<'a> {
    state: State,
    agent: &'a str,
}

impl Place<'_> {
    fn line(&self, says: &str) -> String {
        format!("round {} · {}: {says}", self.state.round(), self.agent)
    }
}
