//! Verbs about processes: children in and outside the group, real commands, and this process's own end (chapter 8).

use std::time::Duration;

use rustix::process::Signal;

use super::{needed, number};
use crate::children::{self, Child};
use crate::player::{Flow, Player};
use crate::stream::Stage;
use serde_json::json;

/// A step about processes.
#[derive(Debug)]
pub enum Process {
    /// `spawn-in-group`, `spawn-setsid`, `spawn-holding-stdout`, `spawn-holding-stderr`
    Spawn(Child),
    /// `bash COMMAND`
    Bash(String),
    /// `tool-hang NAME`
    ToolHang(String),
    /// `exit N`
    Exit(u8),
    /// `signal NAME`
    Signal(Signal),
}

/// `None` when the word is none of these.
pub fn parse(word: &str, rest: &str) -> Result<Option<Process>, String> {
    Ok(Some(match word {
        "spawn-in-group" => Process::Spawn(Child::parse(rest.split_whitespace())?),
        "spawn-setsid" => Process::Spawn(Child { setsid: true, ..Child::parse(rest.split_whitespace())? }),
        "spawn-holding-stdout" => Process::Spawn(Child { stdout: true, ..Child::parse(rest.split_whitespace())? }),
        "spawn-holding-stderr" => Process::Spawn(Child { stderr: true, ..Child::parse(rest.split_whitespace())? }),
        "bash" => Process::Bash(needed(word, rest)?),
        "tool-hang" => Process::ToolHang(needed(word, rest)?),
        "exit" => {
            Process::Exit(u8::try_from(number(word, rest)?).map_err(|_| "exit needs a code up to 255".to_owned())?)
        }
        "signal" => Process::Signal(signal(rest.trim())?),
        _ => return Ok(None),
    }))
}

fn signal(name: &str) -> Result<Signal, String> {
    Ok(match name.trim_start_matches("SIG") {
        "KILL" => Signal::KILL,
        "TERM" => Signal::TERM,
        "INT" => Signal::INT,
        "HUP" => Signal::HUP,
        "QUIT" => Signal::QUIT,
        "ABRT" => Signal::ABORT,
        "SEGV" => Signal::SEGV,
        "BUS" => Signal::BUS,
        "ILL" => Signal::ILL,
        "FPE" => Signal::FPE,
        "STOP" => Signal::STOP,
        other => {
            return Err(format!(
                "unknown signal \"{other}\"; there are: KILL, TERM, INT, HUP, QUIT, ABRT, SEGV, BUS, ILL, FPE, STOP"
            ));
        }
    })
}

/// A signal that was sent to the process itself has arrived long before this.
const SIGNAL_TIME_MS: u64 = 100;

impl Process {
    /// Can it last?
    pub const fn lasts(&self) -> bool {
        matches!(self, Self::Bash(_) | Self::ToolHang(_))
    }

    /// Does it.
    pub fn play(&self, player: &mut Player) -> Flow {
        match self {
            Self::Spawn(child) => match child.start() {
                Ok(()) => Flow::Next,
                Err(e) => Flow::broken(&format!("cannot start a child: {e}")),
            },
            Self::Bash(command) => bash(player, command),
            Self::ToolHang(name) => {
                player.stream().tool_use(name, &json!({}));
                player.pass(None, || false)
            }
            Self::Exit(code) => Flow::Leave(*code),
            Self::Signal(signal) => {
                die(*signal);
                Flow::Next
            }
        }
    }
}

/// Sends a signal to this process. Twice, because the runtime's own handler for SIGSEGV and SIGBUS takes the first one.
fn die(signal: Signal) {
    for _ in 0..2 {
        // The process exists and may signal itself: there is nothing that could fail.
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
        if signal == Signal::STOP {
            return;
        }
        std::thread::sleep(Duration::from_millis(SIGNAL_TIME_MS));
    }
}

/// A real command the way the Bash tool runs it: own session, no stdin, output in a file.
fn bash(player: &mut Player, command: &str) -> Flow {
    let (id, session) = {
        let mut stream = player.stream();
        (stream.tool_use("Bash", &json!({"command":command})), stream.session.id.clone())
    };
    let (mut child, mut output) = match children::bash(command, &session) {
        Ok(started) => started,
        Err(e) => return Flow::broken(&format!("cannot run bash: {e}")),
    };
    player.stream().stage = Stage::Tool(i32::try_from(child.id()).ok());
    let mut status = None;
    let flow = player.pass(None, || {
        status = child.try_wait().ok().flatten();
        status.is_some()
    });
    if !matches!(flow, Flow::Next) {
        return flow;
    }
    let text = children::read_back(&mut output);
    let failed = status.is_none_or(|s| !s.success());
    player.stream().tool_result(&id, text.trim_end(), failed);
    player.after_tool()
}
