//! What servers and command lines do with a job: submit it, look at it, give it a supervisor, cancel it.

use agent_dispatch::machines::job::{Event, State};
use agent_dispatch::machines::takeover::{self, Effect};

use super::life_world::{At, Broken, COMMAND_LINE, Caller, Design, Move, Next, Record, SERVER, Scope, Who, World};

/// A step that is not possible at this moment, or one that is, with what it is and what comes of it.
type Step = Option<(&'static str, Result<Caller, Broken>)>;

impl World {
    pub fn caller(&self, index: usize, scope: &Scope, all: &mut Vec<Next>) {
        let me = Who::Caller(index);
        let mut next = self.clone();
        if let Some((what, done)) = next.call(index, scope) {
            let judged = done.and_then(|at| {
                next.callers[index] = at;
                next.judged()
            });
            all.push((Move(me, what), judged));
        }
        // Whoever ends a run does not wait for its supervisor for ever.
        if self.callers[index] == Caller::LockToEnd && !self.locked_by.is_empty() {
            let mut next = self.clone();
            next.callers[index] = Caller::Sweep { locked: false };
            all.push((Move(me, "waits no longer for the supervisor"), next.judged()));
        }
    }

    /// One system call.
    fn call(&mut self, index: usize, scope: &Scope) -> Step {
        let me = Who::Caller(index);
        Some(match self.callers[index] {
            Caller::Create => {
                self.locked_by.push(me);
                ("makes the folder and locks it", Ok(Caller::Publish))
            }
            Caller::Publish => {
                self.record = Some(Record { state: State::Pending, resumptions: 0 });
                ("writes the record", Ok(Caller::Fork))
            }
            Caller::Rest => return self.look(),
            Caller::TryLock => {
                if self.locked_by.is_empty() {
                    self.locked_by.push(me);
                } else if scope.design != Design::NoLock {
                    return Some(("finds it supervised", Ok(Caller::Rest)));
                }
                ("locks it", Ok(Caller::ReadAgain))
            }
            Caller::ReadAgain => match self.state() {
                Some(state) if !state.is_terminal() => ("reads that it is unfinished", Ok(Caller::Fork)),
                _ => ("reads that it is over", Ok(Caller::Unlock)),
            },
            Caller::Fork => {
                // Two are enough to show what they do to each other; without a lock there would be ever more of them.
                let most = if scope.design == Design::NoLock { 2 } else { self.supervisors.len() };
                let free = self.supervisors.iter().take(most).position(|supervisor| !supervisor.lives())?;
                self.supervisor_mut(free).at = At::Name;
                self.supervisor_mut(free).leashed = index == SERVER && scope.successors.is_some();
                self.locked_by.push(Who::Supervisor(free));
                ("starts a supervisor", Ok(Caller::Unlock))
            }
            Caller::Unlock if index == SERVER && scope.successors.is_some() => {
                self.locked_by.retain(|who| *who != me);
                ("lets go of the lock and waits", Ok(Caller::Listen))
            }
            Caller::Unlock => {
                self.locked_by.retain(|who| *who != me);
                let looks = index != SERVER || scope.looks_twice;
                ("lets go of the lock", Ok(if looks { Caller::Rest } else { Caller::Gone }))
            }
            Caller::LookAtStopping if self.locked_by.is_empty() => {
                ("finds it without a supervisor", Ok(Caller::LockToEnd))
            }
            Caller::LookAtStopping => {
                self.tell_supervisor();
                ("tells the supervisor", Ok(Caller::Rest))
            }
            Caller::Listen
            | Caller::TakeLock
            | Caller::TakeRead
            | Caller::TakeFork
            | Caller::TakeUnlock
            | Caller::Follow
            | Caller::SettleRead
            | Caller::SettleWrite(_)
            | Caller::Told => return self.wait(index, scope),
            _ => return self.end(index, scope),
        })
    }

    /// What a caller does who waits for the answer.
    fn wait(&mut self, index: usize, scope: &Scope) -> Step {
        let me = Who::Caller(index);
        let over = self.state().is_none_or(State::is_terminal);
        Some(match self.callers[index] {
            Caller::Listen if self.supervisors.iter().any(|supervisor| supervisor.leashed) => return None,
            Caller::Listen if over => ("has its answer", self.after(takeover::Event::RecordEnded)),
            Caller::Listen => ("finds its supervisor gone", self.after(takeover::Event::LeashClosed)),
            Caller::TakeLock if self.locked_by.is_empty() => {
                self.locked_by.push(me);
                ("locks it", Ok(Caller::TakeRead))
            }
            Caller::TakeLock if scope.design == Design::GiveUpElsewhere && !over => ("gives up", Err(Broken::Misled)),
            Caller::TakeLock => ("finds it supervised", self.after(takeover::Event::LockBusy)),
            Caller::TakeRead if over => {
                self.locked_by.retain(|who| *who != me);
                ("reads that it is over", self.after(takeover::Event::RecordEnded))
            }
            Caller::TakeRead if scope.design == Design::SettleForTheCaller => {
                self.kill_worker();
                ("ends what is left", Ok(Caller::SettleRead))
            }
            Caller::TakeRead => ("reads that it is unfinished", self.after(takeover::Event::LockTaken)),
            Caller::TakeFork => {
                let free = self.supervisors.iter().position(|supervisor| !supervisor.lives())?;
                let within = matches!(self.wait, takeover::State::StandingIn { .. });
                let successor = self.supervisor_mut(free);
                (successor.leashed, successor.within) = (true, within);
                successor.at = if within { At::Read } else { At::Name };
                self.named = self.named.filter(|_| !within);
                self.locked_by.push(Who::Supervisor(free));
                ("gives it a supervisor", Ok(Caller::TakeUnlock))
            }
            Caller::TakeUnlock => {
                self.locked_by.retain(|who| *who != me);
                ("lets go of the lock and waits", self.after(takeover::Event::Started))
            }
            Caller::Follow if over => ("has its answer", self.after(takeover::Event::RecordEnded)),
            Caller::Follow if self.locked_by.is_empty() => {
                ("finds it without a supervisor", self.after(takeover::Event::Unsupervised))
            }
            Caller::SettleRead => {
                let answered = self.output.result;
                let event = if answered { Event::Finish { success: true } } else { Event::Abandon { worker: false } };
                match self.read_to_edit(me, event, 0, scope)? {
                    Some(record) => ("reads, to write the end", Ok(Caller::SettleWrite(record))),
                    None => ("finds it over", Ok(Caller::TakeRead)),
                }
            }
            Caller::SettleWrite(record) => ("writes the end", self.write(record).map(|()| Caller::TakeRead)),
            _ => return None,
        })
    }

    /// What the machine has the caller do next, who waits for the answer.
    fn after(&mut self, event: takeover::Event) -> Result<Caller, Broken> {
        let (wait, effects) = takeover::step(self.wait, &event).map_err(|_| Broken::Rejected)?;
        self.wait = wait;
        match effects.as_slice().last() {
            Some(Effect::Listen | Effect::ListenAndLook) => Ok(Caller::Listen),
            Some(Effect::Follow) => Ok(Caller::Follow),
            Some(Effect::TakeLock) => Ok(Caller::TakeLock),
            Some(Effect::StartProcess | Effect::StartThread) => Ok(Caller::TakeFork),
            Some(Effect::Pause) => self.after(takeover::Event::PauseOver),
            Some(Effect::Answer) => Ok(Caller::Told),
            _ => Err(Broken::Rejected),
        }
    }

    fn look(&self) -> Step {
        match self.state()? {
            State::Pending | State::Running | State::Adopted | State::Resuming => {
                Some(("reads that it is unfinished", Ok(Caller::TryLock)))
            }
            State::Stopping => Some(("reads that it is to end", Ok(Caller::LookAtStopping))),
            State::Done | State::Failed | State::Cancelled | State::Collected => None,
        }
    }

    /// The way of a cancel: mark, tell, wait, sweep, say so.
    fn end(&mut self, index: usize, scope: &Scope) -> Step {
        let me = Who::Caller(index);
        let leaves = if index == COMMAND_LINE { Caller::Gone } else { Caller::Rest };
        Some(match self.callers[index] {
            // It names a job that it saw.
            Caller::MarkRead if self.record.is_none() => return None,
            Caller::MarkRead => match self.read_to_edit(me, Event::Cancel, 0, scope)? {
                Some(record) => ("reads, to mark it cancelled", Ok(Caller::MarkWrite(record))),
                None if self.state() == Some(State::Stopping) => ("finds it marked", Ok(Caller::LockToEnd)),
                None => ("finds it over", Ok(Caller::Gone)),
            },
            Caller::MarkWrite(record) => ("marks it cancelled", self.write(record).map(|()| Caller::LockToEnd)),
            Caller::LockToEnd if self.locked_by.is_empty() => {
                self.locked_by.push(me);
                ("locks it", Ok(Caller::Sweep { locked: true }))
            }
            Caller::LockToEnd => {
                let told = self.named.is_some_and(|named| self.supervisors[named].told);
                if self.named.is_none() || told {
                    return None;
                }
                self.tell_supervisor();
                ("tells the supervisor", Ok(Caller::LockToEnd))
            }
            Caller::Sweep { locked } => {
                self.kill_worker();
                ("ends what is left", Ok(if locked { Caller::StoppedRead } else { leaves }))
            }
            Caller::UnlockEnded => {
                self.locked_by.retain(|who| *who != me);
                ("lets go of the lock", Ok(leaves))
            }
            Caller::StoppedRead => match self.read_to_edit(me, Event::Stopped, 0, scope)? {
                Some(record) => ("reads, to say that it is ended", Ok(Caller::StoppedWrite(record))),
                None => ("finds that said", Ok(Caller::UnlockEnded)),
            },
            Caller::StoppedWrite(record) => ("says that it is ended", self.write(record).map(|()| Caller::UnlockEnded)),
            _ => return None,
        })
    }
}
