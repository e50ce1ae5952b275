//! News of a run, sent to the client while the call is open.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use tokio::sync::Notify;

use crate::machines::text;
use crate::shell::leash::{News, waiting};

/// A client hears from a quiet run this often, so that it does not give up: every 10 s (contract), on a busy machine too.
const KEEP_ALIVE: Duration = Duration::from_secs(8);
/// How long a progress message is at most, in characters.
const MESSAGE_CHARS: usize = 200;
/// How long a log message is at most, in characters (contract).
const LOG_CHARS: usize = 500;
/// How much news waits for a client that reads slowly, in pieces. What is more is counted and told.
const MAX_QUEUED: usize = 64;

/// Said of a run of which nothing else is known.
const STILL_RUNNING: &str = "still running";

/// Where a client hears of a run.
#[derive(Debug)]
pub struct Reporter {
    peer: Peer<RoleServer>,
    token: Option<ProgressToken>,
    /// Whether each piece of news also goes out as a log message.
    logs: bool,
    agent: String,
    sent: u32,
    verbosity: Verbosity,
    /// What is said when there is nothing new.
    last: String,
}

/// How much of the agent's progress a client hears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// What the agent says and does, as it is.
    Verbatim,
    /// One line about where the run stands.
    Summary,
}

impl Reporter {
    /// For the client of this call. It hears progress if it gave a token.
    #[must_use]
    pub fn new(context: &RequestContext<RoleServer>, agent: &str, verbosity: Verbosity, logs: bool) -> Self {
        // The stateless protocol has no log messages: only a client that went through `initialize` gets them.
        let legacy = context.protocol_version().is_none_or(|version| version.has_initialize());
        Self {
            peer: context.peer.clone(),
            token: context.meta.get_progress_token(),
            logs: logs && legacy,
            agent: agent.to_owned(),
            sent: 0,
            verbosity,
            last: STILL_RUNNING.to_owned(),
        }
    }

    /// Runs `work`, which reports into the sink it is given, and passes the news on meanwhile. All of it is told before the
    /// answer.
    pub async fn during<T>(mut self, work: impl AsyncFnOnce(Sink) -> T) -> T {
        let queue = Arc::new(ProgressQueue::default());
        let work = work(Sink(Arc::clone(&queue)));
        let reporting = async {
            loop {
                match tokio::time::timeout(KEEP_ALIVE, queue.next()).await {
                    Ok(Some(ProgressUpdate::News(news))) => self.tell(&news).await,
                    Ok(Some(ProgressUpdate::Line(line))) => {
                        self.progress(&line).await;
                        self.last = line;
                    }
                    Ok(None) => return,
                    Err(_) => self.progress(&self.last.clone()).await,
                }
            }
        };
        tokio::join!(work, reporting).0
    }

    async fn tell(&mut self, news: &News) {
        let message = match news {
            News::Queued(place) => {
                self.last = waiting(*place);
                self.last.clone()
            }
            News::Started => {
                STILL_RUNNING.clone_into(&mut self.last);
                format!("{} started", self.agent)
            }
            News::Progress { text, activity } => {
                self.last = activity.line();
                match self.verbosity {
                    Verbosity::Verbatim => text.clone(),
                    Verbosity::Summary => self.last.clone(),
                }
            }
            News::Missed(count) => format!("({count} earlier messages left out)"),
            News::Rescued(_) | News::Ended => return,
        };
        self.progress(&message).await;
        if self.logs {
            self.log(&message).await;
        }
    }

    async fn progress(&mut self, message: &str) {
        let Some(token) = self.token.clone() else { return };
        self.sent = self.sent.saturating_add(1);
        let params = ProgressNotificationParam::new(token, f64::from(self.sent))
            .with_message(text::one_line(message, MESSAGE_CHARS));
        // A client that is gone is noticed by the transport.
        drop(self.peer.notify_progress(params).await);
    }

    async fn log(&self, message: &str) {
        let line = format!("[{}] {}", self.agent, text::first_chars(message, LOG_CHARS));
        log::send(&self.peer, line).await;
    }
}

mod log {
    #![expect(deprecated, reason = "clients of the protocol versions with `initialize` are told this way (contract)")]

    use rmcp::RoleServer;
    use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam};
    use rmcp::service::Peer;

    /// A client that is gone is noticed by the transport.
    pub async fn send(peer: &Peer<RoleServer>, line: String) {
        let params = LoggingMessageNotificationParam::new(LoggingLevel::Info, line.into());
        drop(peer.notify_logging_message(params).await);
    }
}

/// One thing that a client is to hear.
#[derive(Debug)]
enum ProgressUpdate {
    /// Of the one run that the call is.
    News(News),
    /// Of a call that is several runs, as it is.
    Line(String),
}

/// News on its way to the client. A client that reads slowly loses the oldest.
#[derive(Debug, Default)]
struct ProgressQueue {
    state: Mutex<QueueState>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct QueueState {
    updates: VecDeque<ProgressUpdate>,
    missed: usize,
    closed: bool,
}

impl ProgressQueue {
    /// The next piece of news; `None` when there will be no more.
    async fn next(&self) -> Option<ProgressUpdate> {
        loop {
            let changed = self.changed.notified();
            {
                let mut queue = self.lock();
                if queue.missed > 0 {
                    return Some(ProgressUpdate::News(News::Missed(std::mem::take(&mut queue.missed))));
                }
                if let Some(news) = queue.updates.pop_front() {
                    return Some(news);
                }
                if queue.closed {
                    return None;
                }
            }
            changed.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes news without ever waiting.
#[derive(Debug)]
pub struct Sink(Arc<ProgressQueue>);

impl Sink {
    /// Passes a piece of news on. Where there is no room the oldest piece makes room, and is counted.
    pub fn put(&mut self, news: &News) {
        match news {
            News::Missed(count) => {
                self.0.lock().missed += count;
                self.0.changed.notify_one();
            }
            News::Queued(_) | News::Started | News::Progress { .. } | News::Rescued(_) | News::Ended => {
                self.push(ProgressUpdate::News(news.clone()));
            }
        }
    }

    /// As [`Self::put`], for a line about a call that is several runs.
    pub fn say(&mut self, line: String) {
        self.push(ProgressUpdate::Line(line));
    }

    fn push(&mut self, update: ProgressUpdate) {
        let mut queue = self.0.lock();
        if queue.updates.len() == MAX_QUEUED {
            queue.updates.pop_front();
            queue.missed += 1;
        }
        queue.updates.push_back(update);
        drop(queue);
        self.0.changed.notify_one();
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.changed.notify_one();
    }
}
