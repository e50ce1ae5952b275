//! The two streams as rmcp's transport. What cannot be read is answered, what comes before the session begins cannot end
//! the server, and an answer that has left this process redeems its receipts.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ClientRequest, GetMeta, ProtocolVersion, RequestId, ServerJsonRpcMessage};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio_util::sync::CancellationToken;

use super::lines::{InputLine, Lines};
use super::sender::Sender;
use super::stdio::{Input, Output};
use crate::shell::dispatcher::TaskHandle;
use crate::shell::engine::Receipt;

/// What is done once an answer has left this process.
#[derive(Debug)]
pub enum OnDelivered {
    /// The answer was paid for: its record is removed.
    Receipt(Receipt),
    /// The answer names a task: from then on somebody knows of it.
    Task(TaskHandle),
}

/// Does what was to be done on delivery.
fn delivered(actions: Vec<OnDelivered>) {
    let mut receipts = Vec::new();
    for action in actions {
        match action {
            OnDelivered::Receipt(receipt) => receipts.push(receipt),
            OnDelivered::Task(task) => task.delivered(),
        }
    }
    Receipt::redeem_soon(receipts);
}

/// What is done on delivery of the answers that are on their way out, by the request they answer.
#[derive(Debug, Clone, Default)]
pub struct Outgoing(Arc<Mutex<HashMap<RequestId, Vec<OnDelivered>>>>);

impl Outgoing {
    /// The answer to `request` is about to be sent.
    pub fn put(&self, request: RequestId, on_delivered: Vec<OnDelivered>) {
        let mut waiting = self.lock();
        // What is displaced here belongs to an answer that never left, of an earlier request with the same id: its
        // records stay, its task is cancelled.
        let displaced =
            if on_delivered.is_empty() { waiting.remove(&request) } else { waiting.insert(request, on_delivered) };
        drop(waiting);
        drop(displaced);
    }

    fn take(&self, request: &RequestId) -> Option<Vec<OnDelivered>> {
        self.lock().remove(request)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RequestId, Vec<OnDelivered>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The transport of one session.
pub struct Tolerant {
    lines: Lines,
    sender: Sender,
    outgoing: Outgoing,
    /// Set at the end of the input.
    ended: CancellationToken,
    /// Whether a request was seen with which the session begins.
    begun: bool,
}

impl Tolerant {
    /// Over these streams. `ended` is cancelled at the end of the input.
    pub fn new(input: Input, output: Output, outgoing: Outgoing, ended: CancellationToken) -> Self {
        Self { lines: Lines::new(input), sender: Sender::new(output), outgoing, ended, begun: false }
    }
}

impl Transport<RoleServer> for Tolerant {
    type Error = io::Error;

    fn send(&mut self, message: TxJsonRpcMessage<RoleServer>) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let answered = match &message {
            ServerJsonRpcMessage::Response(response) => Some(response.id.clone()),
            ServerJsonRpcMessage::Request(_)
            | ServerJsonRpcMessage::Notification(_)
            | ServerJsonRpcMessage::Error(_) => None,
        };
        let outgoing = self.outgoing.clone();
        let sending = self.sender.clone().send(message);
        async move {
            let sent = sending.await;
            // What never left is dropped with what is to be done on delivery: its records stay, its task is cancelled.
            let on_delivered = answered.and_then(|id| outgoing.take(&id));
            sent?;
            if let Some(on_delivered) = on_delivered {
                delivered(on_delivered);
            }
            Ok(())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let Some(line) = self.lines.next().await else {
                self.ended.cancel();
                return None;
            };
            let message = match line {
                InputLine::Message(message) => message,
                InputLine::Ignored => continue,
                InputLine::Unreadable(unreadable) => {
                    // Not waited for: a client that does not read must not keep us from reading.
                    tokio::spawn(
                        self.sender.clone().send(ServerJsonRpcMessage::error(unreadable.error, unreadable.id)),
                    );
                    continue;
                }
            };
            let request = matches!(message, ClientJsonRpcMessage::Request(_));
            self.begun |= begins(&message);
            if self.begun || request {
                return Some(message);
            }
            tracing::debug!("a message that is no request, before the session begins, is passed over");
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.sender.close().await;
        Ok(())
    }
}

/// Whether rmcp takes the message for the beginning of a session: `initialize`, or a request that says of itself who sends
/// it in a version that is spoken here. Until then rmcp ends at anything that is no request.
fn begins(message: &RxJsonRpcMessage<RoleServer>) -> bool {
    let ClientJsonRpcMessage::Request(request) = message else { return false };
    match &request.request {
        ClientRequest::InitializeRequest(_) => true,
        ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
        other => {
            let meta = other.get_meta();
            meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
                && meta.protocol_version().is_some_and(|version| ProtocolVersion::KNOWN_VERSIONS.contains(&version))
        }
    }
}
