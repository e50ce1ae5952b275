//! rmcp's line transport with two things added: what comes before the first request cannot end the server, and an answer
//! that has left this process redeems its receipt.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, RequestId, ServerJsonRpcMessage};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio_util::sync::CancellationToken;

use super::stdio::{Input, Output};
use crate::shell::engine::Receipt;

/// Longest line that is read, in bytes. The largest prompt of 10 MiB grows at most sixfold by JSON's escapes.
const MAX_LINE_BYTES: usize = 64 * 1024 * 1024;

/// Receipts of answers that are on their way out, by the request they answer.
#[derive(Debug, Clone, Default)]
pub struct Outgoing(Arc<Mutex<HashMap<RequestId, Receipt>>>);

impl Outgoing {
    /// The answer to `request` is about to be sent.
    pub fn put(&self, request: RequestId, receipt: Receipt) {
        // A receipt that is displaced here belongs to an answer that never left; its record stays.
        drop(self.lock().insert(request, receipt));
    }

    fn take(&self, request: &RequestId) -> Option<Receipt> {
        self.lock().remove(request)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RequestId, Receipt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The transport.
pub struct Tolerant {
    lines: AsyncRwTransport<RoleServer, Input, Output>,
    outgoing: Outgoing,
    /// Set at the end of the input.
    ended: CancellationToken,
    /// Whether a request was seen.
    begun: bool,
}

impl Tolerant {
    /// Over these streams. `ended` is cancelled at the end of the input.
    pub fn new(input: Input, output: Output, outgoing: Outgoing, ended: CancellationToken) -> Self {
        let lines = AsyncRwTransport::new(input, output).with_max_line_length(MAX_LINE_BYTES);
        Self { lines, outgoing, ended, begun: false }
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
        let sending = self.lines.send(message);
        async move {
            sending.await?;
            if let Some(receipt) = answered.and_then(|id| outgoing.take(&id)) {
                receipt.redeem();
            }
            Ok(())
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let Some(message) = self.lines.receive().await else {
                self.ended.cancel();
                return None;
            };
            self.begun |= matches!(message, ClientJsonRpcMessage::Request(_));
            if self.begun {
                return Some(message);
            }
            tracing::debug!("a message before the first request is passed over");
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        self.lines.close().await
    }
}
