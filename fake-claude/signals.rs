//! What SIGTERM, SIGINT and SIGHUP do, by how far the run is (CLI contract, chapter 8).

use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};

use crate::ending::Ending;
use crate::scene::OnTerm;
use crate::stream::{Stage, Stream, quoted};
use crate::verbs::task;

/// 128 + SIGTERM.
const TERMINATED: i32 = 143;
/// 128 + SIGHUP.
const HUNG_UP: i32 = 129;
/// Handlers are in place long before this.
const READY_WAIT_S: u64 = 5;
/// An interrupt waits so long for a line that is being written.
const LINE_WAIT_MS: u64 = 1_000;

/// Handles signals from here on. Before this call the system's default holds, as in the CLI's first moments.
pub fn handle(stream: Arc<Mutex<Stream>>, on_term: OnTerm) {
    listen(move |kind| {
        if kind == SignalKind::terminate() {
            terminate(&stream, &on_term);
        } else if kind == SignalKind::interrupt() {
            interrupt(&stream);
        } else {
            std::process::exit(HUNG_UP);
        }
    });
}

/// SIGTERM does nothing from here on.
pub fn ignore_term() {
    listen(|kind| {
        if kind != SignalKind::terminate() {
            std::process::exit(HUNG_UP);
        }
    });
}

/// Starts the thread that waits for signals, and returns when the handlers are in place.
fn listen(react: impl Fn(SignalKind) + Send + 'static) {
    let (ready, waiting) = mpsc::channel();
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        runtime.block_on(async {
            let of = |kind| signal(kind);
            let (Ok(mut term), Ok(mut int), Ok(mut hup)) =
                (of(SignalKind::terminate()), of(SignalKind::interrupt()), of(SignalKind::hangup()))
            else {
                return;
            };
            // The other side only waits; when it gave up there is nobody to tell.
            let _ = ready.send(());
            loop {
                let kind = tokio::select! {
                    biased;
                    _ = term.recv() => SignalKind::terminate(),
                    _ = int.recv() => SignalKind::interrupt(),
                    _ = hup.recv() => SignalKind::hangup(),
                };
                react(kind);
            }
        });
    });
    let _ = waiting.recv_timeout(Duration::from_secs(READY_WAIT_S));
}

fn terminate(stream: &Mutex<Stream>, on_term: &OnTerm) {
    match on_term {
        OnTerm::Ignore => return,
        OnTerm::Leave => {
            if let Some(mut stream) = patiently(stream).filter(|stream| !stream.tasks.is_empty()) {
                task::killed_at_exit(&mut stream);
                stream.out.finish();
            }
        }
        OnTerm::HeldBack => {
            if let Some(mut stream) = patiently(stream) {
                let text = stream.said.clone().unwrap_or_else(|| quoted(""));
                stream.end(&Ending::success(text));
                stream.out.finish();
            }
        }
        OnTerm::LeaveAfterMs(ms) => std::thread::sleep(Duration::from_millis(*ms)),
        OnTerm::Result => {
            if let Some(mut stream) = patiently(stream) {
                let text = quoted("finished although it was told to stop");
                stream.say(text.clone());
                stream.end(&Ending::success(text));
                stream.out.finish();
            }
        }
    }
    std::process::exit(TERMINATED);
}

/// SIGINT exits with 0 unless a tool was running, and says something only once the model spoke.
fn interrupt(stream: &Mutex<Stream>) {
    let Some(mut stream) = patiently(stream) else { std::process::exit(0) };
    match stream.stage {
        Stage::Asked | Stage::Done => {}
        Stage::Speaking => stream.end(&Ending::interrupted(false)),
        Stage::Tool(group) => {
            if let Some(group) = group.and_then(Pid::from_raw) {
                // The command may have ended in this very moment.
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
            if let Some(call) = stream.open_call.take() {
                stream.tool_result(
                    &call,
                    "The user doesn't want to proceed with this tool use. The tool use was rejected.",
                    true,
                );
            }
            stream.reminder("[Request interrupted by user for tool use]");
            stream.end(&Ending::interrupted(true));
        }
    }
    stream.out.finish();
    std::process::exit(i32::from(stream.exit));
}

/// The stream, unless a line is stuck in a full pipe.
fn patiently(stream: &Mutex<Stream>) -> Option<MutexGuard<'_, Stream>> {
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(LINE_WAIT_MS) {
        if let Ok(guard) = stream.try_lock() {
            return Some(guard);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    None
}
