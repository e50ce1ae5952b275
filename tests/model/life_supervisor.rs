//! What a supervisor does, as the shell's supervisor does it.

use agent_dispatch::machines::dispatch::{self, CancelledBy, Effect, Event, SessionFate, SessionSigns};
use agent_dispatch::machines::job::{self, State};
use agent_dispatch::machines::start;
use agent_dispatch::machines::time::Millis;

use super::life_world::{
    At, Broken, Caller, Design, Move, Next, Output, Rival, SERVER, Scope, Supervisor, Who, Worker, World,
};

/// Any time: what matters is the order of deadlines, and a deadline is due when the search says so.
const TIMEOUT_MS: u64 = 10;
const NOW: Millis = Millis(0);

type Step = Option<(&'static str, Result<At, Broken>)>;

impl World {
    pub fn supervisor(&self, index: usize, scope: &Scope, all: &mut Vec<Next>) {
        let me = Who::Supervisor(index);
        match self.supervisors[index].at {
            At::Absent => {}
            At::Leave => {
                let mut next = self.clone();
                next.bury(index);
                all.push((Move(me, "leaves"), next.judged()));
            }
            At::Idle => self.happenings(index, scope, all),
            _ => {
                let mut next = self.clone();
                if let Some((what, done)) = next.work(index, scope) {
                    let judged = done.and_then(|at| {
                        next.mine(index).at = at;
                        next.judged()
                    });
                    all.push((Move(me, what), judged));
                }
            }
        }
    }

    fn mine(&mut self, index: usize) -> &mut Supervisor {
        self.supervisor_mut(index)
    }

    /// One system call.
    fn work(&mut self, index: usize, scope: &Scope) -> Step {
        let me = Who::Supervisor(index);
        Some(match self.supervisors[index].at {
            At::Name => {
                self.named = Some(index);
                ("writes its process id", Ok(At::Read))
            }
            At::Read => ("reads the record", Ok(self.begin(index, scope))),
            At::AdoptRead => match self.read_to_edit(me, job::Event::Adopt, 0, scope)? {
                Some(record) => ("reads, to say that it adopts", Ok(At::AdoptWrite(record))),
                None => ("adopts what is to end", Ok(At::Idle)),
            },
            At::AdoptWrite(record) => {
                self.mine(index).claimed = Some(record.state);
                ("says that it adopts", self.write(record).map(|()| At::Idle))
            }
            At::Act => return self.act(index, scope),
            At::NoteRead => match self.read_to_edit(me, job::Event::Resume, 0, scope)? {
                Some(record) => ("reads, to say that it is cut off", Ok(At::NoteWrite(record))),
                None => {
                    self.mine(index).due.push(Event::Cancel { by: CancelledBy::Request, now: NOW });
                    ("finds that it is to end", Ok(At::Act))
                }
            },
            At::NoteWrite(record) => {
                self.mine(index).claimed = Some(record.state);
                ("says that it is cut off", self.write(record).map(|()| At::Act))
            }
            At::EndRead(event) => match self.read_to_edit(me, event, 0, scope)? {
                Some(record) => ("reads, to write the end", Ok(At::EndWrite(record))),
                None => ("finds it over", Ok(At::Act)),
            },
            At::EndWrite(record) => ("writes the end", self.write(record).map(|()| At::Act)),
            _ => return self.start(index, scope),
        })
    }

    fn begin(&mut self, index: usize, scope: &Scope) -> At {
        let Some(record) = self.record else { return At::Leave };
        match record.state {
            State::Pending => {
                let (run, effects) = dispatch::begin(dispatch::Run::new(TIMEOUT_MS, scope.resumes));
                let mine = self.mine(index);
                (mine.run, mine.to_do) = (run, effects.into_iter().collect());
                At::Act
            }
            State::Running | State::Adopted | State::Resuming => {
                if scope.design == Design::KillInsteadOfAdopt {
                    self.kill_worker();
                }
                let left = scope.resumes.saturating_sub(record.resumptions);
                let mine = self.mine(index);
                mine.run = dispatch::adopted(dispatch::Run::new(TIMEOUT_MS, left), NOW.plus(TIMEOUT_MS));
                (mine.adopted, mine.has_slot, mine.claimed) = (true, true, Some(record.state));
                At::AdoptRead
            }
            State::Stopping | State::Done | State::Failed | State::Cancelled | State::Collected => At::Leave,
        }
    }

    /// Claim, fence, fork, and in that order.
    fn start(&mut self, index: usize, scope: &Scope) -> Step {
        let me = Who::Supervisor(index);
        let run = self.supervisors[index].starting?;
        let early = scope.design == Design::SpawnBeforeWrite;
        Some(match self.supervisors[index].at {
            At::ClaimRead => {
                let resumptions = scope.resumes - run.resumes_left;
                match self.read_to_edit(me, job::Event::Claim, resumptions, scope)? {
                    Some(record) => ("reads, to claim it", Ok(At::ClaimWrite(record))),
                    None => {
                        self.mine(index).due.push(Event::SpawnFailed);
                        ("finds that it is to end", Ok(At::Act))
                    }
                }
            }
            At::ClaimWrite(record) => {
                self.mine(index).claimed = Some(record.state);
                let then = if early { At::Act } else { At::Fence };
                ("claims it", self.write(record).map(|()| then))
            }
            At::Fence if self.worker.is_none() || scope.design == Design::NoFence => {
                ("finds the fence free", Ok(At::Fork))
            }
            At::Fork => {
                let forked = self.fork(index, scope);
                let then = if early && self.must_claim(index) { At::ClaimRead } else { At::Act };
                ("starts claude", forked.map(|()| then))
            }
            _ => return None,
        })
    }

    fn must_claim(&self, index: usize) -> bool {
        start::must_claim(self.supervisors[index].claimed)
    }

    fn fork(&mut self, index: usize, scope: &Scope) -> Result<(), Broken> {
        if self.worker.is_some() {
            return Err(Broken::TwoWorkers);
        }
        if scope.rival && self.rival == Rival::Runs {
            return Err(Broken::Limit);
        }
        self.output.started = true;
        self.started += 1;
        if self.started > 1 + scope.resumes {
            return Err(Broken::TooOften);
        }
        self.worker = Some(Worker { owner: index, told: false, orphan: false });
        let mine = self.mine(index);
        (mine.adopted, mine.saw_result) = (false, false);
        mine.due.push(Event::Spawned { now: NOW });
        Ok(())
    }

    /// Performs the next effect.
    fn act(&mut self, index: usize, scope: &Scope) -> Step {
        let mine = self.mine(index);
        if mine.to_do.is_empty() {
            let over = matches!(mine.run, dispatch::State::Ended { .. });
            return Some(("is done", Ok(if over { At::Leave } else { At::Idle })));
        }
        let keeps = scope.design == Design::KeptSlot && mine.claimed.is_some();
        let effect = mine.to_do.remove(0);
        Some(match effect {
            Effect::RequestSlot => {
                mine.wants_slot = true;
                ("asks for a slot", Ok(At::Act))
            }
            Effect::ReleaseSlot if keeps => ("keeps its slot", Ok(At::Act)),
            Effect::WithdrawSlot | Effect::ReleaseSlot => {
                (mine.wants_slot, mine.has_slot) = (false, false);
                ("gives its slot back", Ok(At::Act))
            }
            Effect::NoteResumption if mine.claimed == Some(State::Resuming) => ("is known to be cut off", Ok(At::Act)),
            Effect::NoteResumption => ("is cut off", Ok(At::NoteRead)),
            Effect::Spawn(run) => {
                mine.starting = Some(run);
                let claims = self.must_claim(index) && scope.design != Design::SpawnBeforeWrite;
                ("is to start claude", Ok(if claims { At::ClaimRead } else { At::Fence }))
            }
            Effect::Terminate => {
                if let Some(worker) = &mut self.worker {
                    worker.told = true;
                }
                ("sends SIGTERM", Ok(At::Act))
            }
            Effect::Kill => {
                self.kill_worker();
                ("sends SIGKILL", Ok(At::Act))
            }
            Effect::Sweep => {
                if scope.design != Design::NoFence {
                    self.kill_worker();
                }
                ("ends what is left", Ok(At::Act))
            }
            Effect::Conclude(end) => {
                let answered = self.output.result;
                ("judges", Ok(At::EndRead(job::Event::of_run(end, answered, answered))))
            }
        })
    }

    /// What the loop of a supervisor may find next.
    fn happenings(&self, index: usize, scope: &Scope, all: &mut Vec<Next>) {
        let mine = &self.supervisors[index];
        let mut on = |what, change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            all.push((Move(Who::Supervisor(index), what), next.take(index).and_then(Self::judged)));
        };
        if !mine.due.is_empty() {
            return on("goes on", &|_| ());
        }
        let result = self.output.result && !mine.saw_result && process_is_there(&mine.run);
        let look = |next: &mut Self| {
            if result {
                next.mine(index).saw_result = true;
                next.mine(index).due.push(Event::ResultSeen { now: NOW });
            }
        };
        let then = |next: &mut Self, event: Event| {
            look(next);
            next.mine(index).due.push(event);
        };
        if result {
            on("sees the answer", &look);
        }
        let gone = self.worker.is_none() || scope.design == Design::NoFence;
        let over = if mine.adopted { gone && process_is_there(&mine.run) } else { self.zombie == Some(index) };
        if over {
            let Output { started, begun, .. } = self.output;
            let signs = SessionSigns { started, begun, worked: false, missing: false, known: true };
            let exited = Event::Exited {
                unknown: None,
                seen: !mine.adopted,
                session: SessionFate::of(signs),
                answer: dispatch::AnswerKind::Final,
            };
            on("sees that claude is gone", &|next| {
                next.zombie = None;
                then(next, exited);
            });
        }
        if mine.told {
            on("hears that it is to end", &|next| {
                next.mine(index).told = false;
                then(next, Event::Cancel { by: CancelledBy::Request, now: NOW });
            });
        }
        if mine.leashed && self.callers[SERVER] == Caller::Dead {
            on("finds its caller gone", &|next| {
                next.excused = true;
                next.mine(index).leashed = false;
                then(next, Event::Cancel { by: CancelledBy::CallerGone, now: NOW });
            });
        }
        if mine.wants_slot && (self.has_room(scope) || mine.has_slot) {
            on("gets a slot", &|next| {
                (next.mine(index).wants_slot, next.mine(index).has_slot) = (false, true);
                next.mine(index).due.push(Event::SlotGranted);
            });
        }
        if let Some(now) = mine.run.next_deadline().filter(|_| self.worker.is_some()) {
            match mine.run {
                dispatch::State::Running { .. } if scope.timeouts => on("finds the time up", &|next| {
                    next.excused = true;
                    then(next, Event::Tick { now });
                }),
                dispatch::State::Terminating { .. } => {
                    on("finds the grace over", &|next| then(next, Event::Tick { now }))
                }
                _ => {}
            }
        }
    }

    /// The shipped decision about the first event that is due.
    fn take(mut self, index: usize) -> Result<Self, Broken> {
        let mine = self.mine(index);
        let event = mine.due.remove(0);
        let (run, effects) = dispatch::step(mine.run, &event).map_err(|_| Broken::Rejected)?;
        mine.run = run;
        mine.to_do.extend(effects);
        let over = matches!(run, dispatch::State::Ended { .. });
        mine.at = if over || !mine.to_do.is_empty() { At::Act } else { At::Idle };
        Ok(self)
    }
}

fn process_is_there(run: &dispatch::State) -> bool {
    match run {
        dispatch::State::Running { .. }
        | dispatch::State::Answered { .. }
        | dispatch::State::Terminating { .. }
        | dispatch::State::Killing { .. } => true,
        dispatch::State::Waiting { .. } | dispatch::State::Starting { .. } | dispatch::State::Ended { .. } => false,
    }
}
