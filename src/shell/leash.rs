//! The socket between a waiting caller and the supervisor of its job.
//!
//! The supervisor sends one JSON line for each piece of news; the caller sends nothing. Its end is closed when the caller
//! no longer wants the answer, or is gone: the kernel closes it for a caller that was killed.

use std::collections::VecDeque;
use std::io;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;

use super::record::Record;
use crate::machines::activity::Activity;
use crate::machines::job::Status;
use crate::machines::json;

/// Who hears the news of a run. One type for all listeners: what goes through a run is built once, not once for each.
pub type OnNews<'a> = &'a mut (dyn FnMut(&News) + Send);

/// What a supervisor tells its caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// The run waits; its place in the queue for a slot, 1 for the next one.
    Queued(usize),
    /// The process runs.
    Started,
    /// Something the agent said or did.
    Progress {
        /// As it was said, at most 500 characters.
        text: String,
        /// How far the run has come with it.
        activity: Activity,
    },
    /// The caller read too slowly: that many pieces of progress were left out here.
    Missed(usize),
    /// The record could not be written, for want of disk space say: this is what it would have held.
    Rescued(Box<Record>),
    /// The run is over, and the record is terminal unless it came as [`News::Rescued`].
    Ended,
}

impl News {
    /// Where a job stands, as its supervisor would tell it. `place`: its place in the queue.
    #[must_use]
    pub fn standing(record: &Record, place: Option<usize>) -> Option<Self> {
        match (place, &record.activity) {
            (Some(place), _) => Some(Self::Queued(place)),
            (None, Some(activity)) => Some(Self::Progress { text: activity.line(), activity: activity.clone() }),
            (None, None) => (record.status == Status::Running).then_some(Self::Started),
        }
    }

    /// In words, for whoever waits; nothing where there is nothing to say.
    #[must_use]
    pub fn says(&self) -> Option<String> {
        match self {
            Self::Queued(place) => Some(waiting(*place)),
            Self::Started => Some("started".to_owned()),
            Self::Progress { activity, .. } => Some(activity.line()),
            Self::Missed(_) | Self::Rescued(_) | Self::Ended => None,
        }
    }
}

/// What is said of a run that waits for its slot.
#[must_use]
pub fn waiting(place: usize) -> String {
    format!("waiting: place {place} in the queue")
}

/// How many pieces of progress are kept for a caller that does not read. Then the oldest gives way to the newest.
const BACKLOG: usize = 64;

/// The supervisor's end: never blocks, drops old progress for a slow reader.
#[derive(Debug)]
pub struct Outlet {
    socket: UnixStream,
    backlog: VecDeque<(String, Activity)>,
    missed: usize,
    partial: Vec<u8>,
}

impl Outlet {
    /// The supervisor's end of a new leash: nothing waits to be sent.
    #[must_use]
    pub const fn new(socket: UnixStream) -> Self {
        Self { socket, backlog: VecDeque::new(), missed: 0, partial: Vec::new() }
    }

    /// Queues a piece of progress, to be sent with the next [`Self::flush`]: pieces that come together leave together.
    pub fn progress(&mut self, text: &str, activity: &Activity) {
        if self.backlog.len() == BACKLOG {
            self.backlog.pop_front();
            self.missed += 1;
        }
        self.backlog.push_back((text.to_owned(), activity.clone()));
    }

    /// Sends a piece of news that must not be lost, after the progress that still waits.
    pub fn tell(&mut self, news: &News) {
        self.write_out();
        self.partial.extend(json::line(news));
        self.flush();
    }

    /// Turns everything that waits into lines.
    fn write_out(&mut self) {
        if self.missed > 0 {
            self.partial.extend(json::line(&News::Missed(std::mem::take(&mut self.missed))));
        }
        for (text, activity) in self.backlog.drain(..) {
            self.partial.extend(json::line(&News::Progress { text, activity }));
        }
    }

    /// Sends what the socket takes.
    pub fn flush(&mut self) {
        loop {
            if self.partial.is_empty() {
                self.write_out();
                if self.partial.is_empty() {
                    return;
                }
            }
            match self.socket.try_write(&self.partial) {
                Ok(written) => drop(self.partial.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // A caller that is gone is noticed by reading.
                Err(_) => {
                    self.partial.clear();
                    self.backlog.clear();
                    return;
                }
            }
        }
    }

    /// Whether something waits to be sent.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        !self.partial.is_empty() || !self.backlog.is_empty()
    }

    /// Completes when the socket may take more.
    pub async fn writable(&self) {
        drop(self.socket.writable().await);
    }

    /// Completes when the caller has closed its end.
    pub async fn closed(&self) {
        let mut byte = [0_u8; 64];
        loop {
            if self.socket.readable().await.is_err() {
                return;
            }
            match self.socket.try_read(&mut byte) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }
}

/// The caller's end.
#[derive(Debug)]
pub struct Intake(tokio::io::Lines<BufReader<UnixStream>>);

impl Intake {
    /// The caller's end of a new leash.
    #[must_use]
    pub fn new(socket: UnixStream) -> Self {
        Self(BufReader::new(socket).lines())
    }

    /// The next piece of news; `None` when the supervisor is gone. A line that is no news is passed over.
    pub async fn next(&mut self) -> Option<News> {
        while let Ok(Some(text)) = self.0.next_line().await {
            if let Ok(news) = serde_json::from_str(&text) {
                return Some(news);
            }
        }
        None
    }

    /// Whether the supervisor is gone at this moment. What it told and nobody read is lost.
    #[must_use]
    pub fn is_over(&mut self) -> bool {
        let mut unread = [0; 4096];
        loop {
            match rustix::io::read(self.0.get_mut().get_ref(), &mut unread) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    }
}
