//! Where output goes: three formats, and a stdout that is either complete or cut (CLI contract, chapters 1 and 2).

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::time::{Duration, Instant};

/// A reader that takes nothing for this long when the process leaves loses the rest (chapter 2.5).
const LATE_READER_MS: u64 = 50;
/// Pause between two attempts to write into a full pipe.
const FULL_PIPE_PAUSE_MS: u64 = 1;

/// `--output-format`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// Only the answer.
    Text,
    /// One object, or with `verbose` one array of all events.
    Json,
    /// One event per line, as it happens.
    Stream,
}

enum Sink {
    /// A regular file, a terminal, a device: every write is complete.
    Whole,
    /// A pipe: what does not fit waits in memory and is lost when the process leaves.
    Pipe { end: File, waiting: VecDeque<u8> },
}

/// The output of one invocation.
pub struct Out {
    format: Format,
    verbose: bool,
    sink: Sink,
    /// Events so far, for the array of `json` with `verbose` (chapter 2.4).
    events: Vec<String>,
    /// The last result: its line, and what `text` prints.
    last: Option<(String, String)>,
}

impl Out {
    /// Looks at stdout to learn what it is.
    pub fn new(format: Format, verbose: bool) -> Self {
        Self { format, verbose, sink: Sink::open(), events: Vec::new(), last: None }
    }

    /// One event. `stream-json` escapes the line separators of Unicode, `json` leaves them raw (chapter 2.6).
    pub fn event(&mut self, line: String) {
        match self.format {
            Format::Stream => self.line(&line),
            Format::Json if self.verbose => self.events.push(line),
            Format::Json | Format::Text => {}
        }
    }

    /// A result event, and what the text format prints in its place.
    pub fn result(&mut self, line: String, text: String) {
        if self.format == Format::Stream {
            self.line(&line);
        } else {
            if self.verbose && self.format == Format::Json {
                self.events.push(line.clone());
            }
            self.last = Some((line, text));
        }
    }

    fn line(&mut self, line: &str) {
        if line.contains(['\u{2028}', '\u{2029}']) {
            self.raw(line.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029").as_bytes());
        } else {
            self.raw(line.as_bytes());
        }
        self.raw(b"\n");
    }

    /// Bytes as they are. A reader that is gone is no error: the CLI leaves with 0 and says nothing (chapter 2.5).
    pub fn raw(&mut self, bytes: &[u8]) {
        match &mut self.sink {
            Sink::Whole => {
                let mut stdout = std::io::stdout().lock();
                if stdout.write_all(bytes).and_then(|()| stdout.flush()).is_err() {
                    drop(stdout);
                    self.sink = Sink::Pipe { end: null(), waiting: VecDeque::new() };
                }
            }
            Sink::Pipe { waiting, .. } => {
                waiting.extend(bytes);
                self.pump();
            }
        }
    }

    /// Bytes until the reader took them all: a flood does not fit into memory.
    pub fn flood(&mut self, bytes: &[u8]) {
        self.raw(bytes);
        while self.pump() {
            std::thread::sleep(Duration::from_millis(FULL_PIPE_PAUSE_MS));
        }
    }

    /// Moves what waits into the pipe as far as it goes; answers whether something still waits.
    pub fn pump(&mut self) -> bool {
        let Sink::Pipe { end, waiting } = &mut self.sink else { return false };
        while !waiting.is_empty() {
            match end.write(waiting.as_slices().0) {
                Ok(n) => drop(waiting.drain(..n)),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return true,
                Err(_) => waiting.clear(),
            }
        }
        false
    }

    fn waiting(&self) -> usize {
        match &self.sink {
            Sink::Whole => 0,
            Sink::Pipe { waiting, .. } => waiting.len(),
        }
    }

    /// Prints what is printed at the end, then leaves behind what a late reader did not take.
    pub fn finish(&mut self) {
        let tail = match (self.format, self.verbose, self.last.take()) {
            (Format::Text, _, Some((_, text))) => text,
            (Format::Json, false, Some((line, _))) => line + "\n",
            (Format::Json, true, Some(_)) => format!("[{}]\n", self.events.join(",")),
            _ => String::new(),
        };
        self.raw(tail.as_bytes());
        let (mut left, mut moved) = (self.waiting(), Instant::now());
        while self.pump() && moved.elapsed() < Duration::from_millis(LATE_READER_MS) {
            if self.waiting() < left {
                (left, moved) = (self.waiting(), Instant::now());
            }
            std::thread::sleep(Duration::from_millis(FULL_PIPE_PAUSE_MS));
        }
    }
}

impl Sink {
    fn open() -> Self {
        let is_pipe = std::fs::metadata("/proc/self/fd/1").is_ok_and(|m| m.file_type().is_fifo());
        if !is_pipe {
            return Self::Whole;
        }
        // A description of its own: the flag would otherwise also hold for whoever shares this stdout.
        let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
        match OpenOptions::new().write(true).custom_flags(flags).open("/proc/self/fd/1") {
            Ok(end) => Self::Pipe { end, waiting: VecDeque::new() },
            Err(_) => Self::Whole,
        }
    }
}

/// Swallows everything; when even that cannot be opened, stderr's copy is as good as nothing.
fn null() -> File {
    OpenOptions::new().write(true).open("/dev/null").unwrap_or_else(|_| std::process::exit(0))
}
