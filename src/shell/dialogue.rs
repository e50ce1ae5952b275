//! A dialogue of two agents: each message a run of its own, each side a session of its own.
//!
//! Every message is a job whose record stays until the whole dialogue was delivered: when the server dies in the middle, or
//! its caller gives up, what was said and paid for is in the job store.

use std::sync::Arc;

use super::call::batch::Item;
use super::call::ledger::Ledger;
use super::call::{OnLine, Talk};
use super::dispatcher::{Caching, Dispatcher};
use super::engine::Receipt;
use super::leash::News;
use super::parts::Parts;
use crate::config::model::Config;
use crate::config::plan::{Request, RequestError};
use crate::machines::dialogue::record::{Conversation, Record};
use crate::machines::dialogue::{self, Effect, Event, Role, prompts};
use crate::machines::effect::Effects;

/// Checks everything that can be checked without a run.
///
/// # Errors
/// The first mistake.
pub fn check(dispatcher: &Dispatcher, config: &Config, talk: &Talk) -> Result<(), RequestError> {
    let dialogue = Dialogue::of(talk);
    [Role::Requester, Role::Responder]
        .into_iter()
        .try_for_each(|role| dispatcher.check(config, &dialogue.request(role)))
}

/// Runs a dialogue to its end: one step, its effects in order, the next event. With a ledger its messages are noted there in
/// their order, and go on whatever becomes of this process. `tell` hears a line whenever something happened. The receipts
/// are to be redeemed when the conversation was delivered.
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
    let parts = Parts { dispatcher, config, ledger, caching: Caching::Never };
    let mut dialogue = Dialogue::of(talk);
    let (mut state, effects) = dialogue::begin(talk.max_rounds);
    dialogue.perform_all(effects);
    while let Some(event) = dialogue.next_event(&parts, state.round(), tell).await? {
        match dialogue::step(state, &event) {
            Ok((next, effects)) => {
                state = next;
                dialogue.perform_all(effects);
            }
            Err(_) => tracing::error!("bug: dialogue rejected {} in {}", event.name(), state.name()),
        }
    }
    Ok((dialogue.record.conclude(&state), dialogue.receipts))
}

/// A dialogue that runs.
struct Dialogue<'a> {
    talk: &'a Talk,
    /// Who speaks next; nobody once it is over.
    speaker: Option<Role>,
    record: Record,
    /// How many messages there are.
    messages: usize,
    /// The session of each side, once it is known.
    requester_session: String,
    responder_session: String,
    receipts: Vec<Receipt>,
}

impl<'a> Dialogue<'a> {
    fn of(talk: &'a Talk) -> Self {
        Self {
            talk,
            speaker: None,
            record: Record::default(),
            messages: 0,
            requester_session: String::new(),
            responder_session: String::new(),
            receipts: Vec::new(),
        }
    }

    fn perform_all(&mut self, effects: Effects<Effect>) {
        for effect in effects {
            self.speaker = match effect {
                Effect::Ask(role) => Some(role),
                Effect::Conclude => None,
            };
        }
    }

    /// Has the next one speak, unless it has spoken before this process. `None` once nobody is to speak any more.
    async fn next_event(
        &mut self,
        parts: &Parts<'_>,
        round: u32,
        tell: OnLine<'_>,
    ) -> Result<Option<Event>, RequestError> {
        let Some(role) = self.speaker.take() else { return Ok(None) };
        let item = Item { request: self.request(role), summary_chars: None };
        let agent = &item.request.agent;
        let mut on_news = |news: &News| {
            if let Some(says) = news.says() {
                tell(format!("round {round} · {agent}: {says}"));
            }
        };
        let (part, mut receipt) = parts.run(self.messages, &item, &mut on_news).await?;
        self.messages += 1;
        // It is delivered with all others: until then its supervisor need not stay.
        receipt.iter_mut().for_each(Receipt::release);
        self.receipts.extend(receipt);
        if let Some(id) = &part.answer.session_id {
            match role {
                Role::Requester => self.requester_session.clone_from(id),
                Role::Responder => self.responder_session.clone_from(id),
            }
        }
        Ok(Some(self.record.add(role, round, part.answer)))
    }

    /// What `role` is asked next.
    fn request(&self, role: Role) -> Request {
        let Talk { requester, responder, topic, .. } = self.talk;
        let (agent, other, session) = match role {
            Role::Requester => (requester, responder, &self.requester_session),
            Role::Responder => (responder, requester, &self.responder_session),
        };
        let task = match self.record.last() {
            Some(last) => prompts::reply(other, &last.message),
            None => prompts::opening(other),
        };
        Request {
            agent: agent.clone(),
            task,
            caller: other.clone(),
            goal: topic.clone(),
            session_id: session.clone(),
            ..Request::default()
        }
    }
}
