//! The server as a process: runtime, signals, start and end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::server::Server;
use super::state::ServerState;
use super::stdio;
use super::transport::{Outgoing, Tolerant};
use crate::config::path::PlaceError;

/// How long answers that are ready may take to leave once the server is asked to go. Claude Code sends SIGTERM 100 ms
/// after SIGINT.
const LEAVE_WITHIN: Duration = Duration::from_millis(80);

/// How long files may take to be written to their end after that: microseconds each, but a disk may be busy. Claude Code
/// sends SIGKILL 500 ms after SIGINT.
const FILES_WITHIN: Duration = Duration::from_millis(300);

/// When the jobs directory is looked after. Later than the client's first requests, which must not wait for a disk; soon
/// enough that a job without a supervisor is noticed within a second.
const MAINTENANCE_DELAY: Duration = Duration::from_millis(500);

/// Why the server could not run.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The process's own handles, runtime or signals.
    #[error("cannot set up the server: {0}")]
    Setup(#[from] io::Error),
    /// The client's first messages.
    #[error("the MCP session could not begin: {0}")]
    Session(String),
}

/// Serves one client on standard input and output until it leaves or a signal comes. Nothing that nobody wants is left
/// running: with this process the leashes of all waiting calls are closed.
///
/// # Errors
/// [`ServeError`].
pub fn run(state: Result<ServerState, PlaceError>) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(serve(state));
    // A read of standard input cannot be taken back; it must not keep the process.
    runtime.shutdown_background();
    result
}

async fn serve(state: Result<ServerState, PlaceError>) -> Result<(), ServeError> {
    let input_ended = CancellationToken::new();
    // Also by a signal.
    let stopping = input_ended.child_token();
    // Before the first message: a signal right after it must already find its handler.
    watch_signals(stopping.clone())?;
    let outgoing = Outgoing::default();
    let (input, output) = stdio::streams();
    let transport = Tolerant::new(input, output, outgoing.clone(), input_ended.clone());
    let state = state.map(Arc::new);
    let blocking = state.as_ref().ok().map(|state| state.dispatcher.engine().blocking().clone());
    if let Ok(state) = &state {
        maintain_later(Arc::clone(state));
    }
    let server = Server::new(state, outgoing, stopping.clone(), input_ended);
    let session = async {
        match server.serve(transport).await {
            Ok(running) => running.waiting().await.map(drop).map_err(|error| ServeError::Session(error.to_string())),
            Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => Ok(()),
            Err(error) => Err(ServeError::Session(error.to_string())),
        }
    };
    let leaving = async {
        stopping.cancelled().await;
        tokio::time::sleep(LEAVE_WITHIN).await;
    };
    let ended = tokio::select! {
        biased;
        ended = session => ended,
        () = leaving => Ok(()),
    };
    if let Some(blocking) = blocking {
        blocking.done(FILES_WITHIN).await;
    }
    ended
}

/// Has the server look after the jobs directory, once and beside its answers.
fn maintain_later(state: Arc<ServerState>) {
    tokio::spawn(async move {
        tokio::time::sleep(MAINTENANCE_DELAY).await;
        drop(tokio::task::spawn_blocking(move || state.maintain()).await);
    });
}

fn watch_signals(stopping: CancellationToken) -> io::Result<()> {
    let (mut interrupt, mut terminate, mut hangup) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        stopping.cancel();
    });
    Ok(())
}
