//! One job in a small machine room: its record, locks, output and claude process, and those who may die over it.
//!
//! What is decided is decided by the shipped `job::step`, `dispatch::step`, `takeover::step` and `slots::has_room`; this world
//! has what the shell does around them, one system call a step. Left out, because nothing depends on them: progress, flags that a CLI does
//! not know, the queue for a slot (which `slots` searches for itself).

use agent_dispatch::machines::dispatch::{self, Effect, Event};
use agent_dispatch::machines::job::{self, State};
use agent_dispatch::machines::slots;
use agent_dispatch::machines::takeover::{self, Tries};

use super::search;
use std::rc::Rc;

/// Two servers and a command line. The first server submits the job; the second never dies: it is whoever looks next.
pub const CALLERS: usize = 3;
/// As many as can live at once, and one that takes over.
pub const SUPERVISORS: usize = 3;
pub const SERVER: usize = 0;
pub const COMMAND_LINE: usize = 2;

/// What is searched.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// How often the run may go on.
    pub resumes: u8,
    pub crashes: u8,
    /// Whether somebody cancels the job.
    pub cancel: bool,
    /// Whether the time of a process may be up.
    pub timeouts: bool,
    /// Whether another run wants the only slot.
    pub rival: bool,
    /// Whether the server that submitted the job looks at it as well.
    pub looks_twice: bool,
    /// Whether it waits for the answer, on a leash. How many supervisors it starts after the first one, before it does
    /// their work itself.
    pub successors: Option<u8>,
    pub design: Design,
    /// What is searched for; anything, where nothing is said.
    pub wanted: Option<Broken>,
}

/// The design that is shipped, and designs that are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Design {
    Shipped,
    /// Whoever finds a job unfinished gives it a supervisor, whether it has one or not.
    NoLock,
    /// Claude is started before the record says so.
    SpawnBeforeWrite,
    /// What was cut off goes on without a look whether its process still lives.
    NoFence,
    /// A run whose supervisor died is ended, not waited for.
    KillInsteadOfAdopt,
    /// A run whose supervisor died while a caller waits is ended by that caller, and what it wrote is judged.
    SettleForTheCaller,
    /// A caller whose run somebody else took over gives up.
    GiveUpElsewhere,
    /// The record is read, changed and written without a lock.
    UnlockedEdit,
    /// The record says cancelled, and nothing says that the run still has to be ended.
    MarkAndForget,
    /// A run that goes on keeps the slot that it has.
    KeptSlot,
}

/// A broken promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// Two workers for one job.
    TwoWorkers,
    /// A terminal job changed.
    Changed,
    /// An answer that was there, or was coming, is lost.
    Lost,
    /// Claude runs for a job that is over.
    Unseen,
    /// More runs than the limit allows.
    Limit,
    /// Claude was started more often than allowed: what was paid for is paid again.
    TooOften,
    /// The machine did not take what happened.
    Rejected,
    /// A caller who waits was told of an end before there was one.
    Misled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Record {
    pub state: State,
    pub resumptions: u8,
}

/// What claude has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Output {
    /// The file is there. It is made a moment before claude is started, which counts as one here.
    pub started: bool,
    pub begun: bool,
    pub result: bool,
}

/// A living claude process; it holds the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Worker {
    pub owner: usize,
    pub told: bool,
    /// Its supervisor died: its slot is given to others while it works on.
    pub orphan: bool,
}

/// Where a caller is in its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Caller {
    Create,
    Publish,
    Rest,
    TryLock,
    ReadAgain,
    Fork,
    Unlock,
    /// On the leash.
    Listen,
    /// Its supervisor died.
    TakeLock,
    TakeRead,
    TakeFork,
    TakeUnlock,
    /// Somebody else gave the run a supervisor.
    Follow,
    SettleRead,
    SettleWrite(Record),
    /// It has its answer.
    Told,
    LookAtStopping,
    MarkRead,
    MarkWrite(Record),
    LockToEnd,
    Sweep {
        locked: bool,
    },
    UnlockEnded,
    StoppedRead,
    StoppedWrite(Record),
    Gone,
    Dead,
}

/// Where a supervisor is in its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum At {
    Absent,
    Name,
    Read,
    AdoptRead,
    AdoptWrite(Record),
    Idle,
    Act,
    ClaimRead,
    ClaimWrite(Record),
    Fence,
    Fork,
    NoteRead,
    NoteWrite(Record),
    EndRead(job::Event),
    EndWrite(Record),
    Leave,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Supervisor {
    pub at: At,
    pub run: dispatch::State,
    pub starting: Option<dispatch::Run>,
    pub to_do: Vec<Effect>,
    pub due: Vec<Event>,
    pub wants_slot: bool,
    pub has_slot: bool,
    pub told: bool,
    /// It waits for a process that is not its child.
    pub adopted: bool,
    pub claimed: Option<State>,
    pub saw_result: bool,
    /// The server that submitted the job waits at the other end.
    pub leashed: bool,
    /// It is a thread of that server.
    pub within: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rival {
    Waits,
    Runs,
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct World {
    pub record: Option<Record>,
    pub editing: Option<Who>,
    /// Who has the job's lock; a new supervisor shares it with whoever starts it.
    pub locked_by: Vec<Who>,
    /// The supervisor whose process id is in the lock file.
    pub named: Option<usize>,
    pub output: Output,
    pub worker: Option<Worker>,
    /// Whose child has ended without being waited for.
    pub zombie: Option<usize>,
    pub callers: [Caller; CALLERS],
    pub supervisors: [Rc<Supervisor>; SUPERVISORS],
    pub rival: Rival,
    pub crashes: u8,
    pub started: u8,
    /// Where the wait of the server stands that submitted the job.
    pub wait: takeover::State,
    /// Whether something other than the death of supervisors and servers can be why there is no answer.
    pub excused: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    Caller(usize),
    Supervisor(usize),
    Claude,
    Rival,
}

/// Who does what.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Move(pub Who, pub &'static str);

impl std::fmt::Debug for Move {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}: {}", self.0, self.1)
    }
}

pub type Next = (Move, Result<World, Broken>);

impl Supervisor {
    pub fn absent() -> Self {
        Self {
            at: At::Absent,
            run: dispatch::begin(dispatch::Run::new(0, 0)).0,
            starting: None,
            to_do: Vec::new(),
            due: Vec::new(),
            wants_slot: false,
            has_slot: false,
            told: false,
            adopted: false,
            claimed: None,
            saw_result: false,
            leashed: false,
            within: false,
        }
    }

    pub fn lives(&self) -> bool {
        self.at != At::Absent
    }
}

impl World {
    pub fn new(scope: &Scope) -> Self {
        // Fewer successors are left where some have died before.
        let deaths = takeover::MAX_SUCCESSORS - scope.successors.unwrap_or(takeover::MAX_SUCCESSORS);
        let command_line = if scope.cancel { Caller::MarkRead } else { Caller::Gone };
        Self {
            record: None,
            editing: None,
            locked_by: Vec::new(),
            named: None,
            output: Output::default(),
            worker: None,
            zombie: None,
            callers: [Caller::Create, Caller::Rest, command_line],
            supervisors: std::array::from_fn(|_| Rc::new(Supervisor::absent())),
            rival: if scope.rival { Rival::Waits } else { Rival::Gone },
            crashes: scope.crashes,
            started: 0,
            wait: takeover::State::OnLeash { tries: Tries { deaths, failures: 0 } },
            excused: false,
        }
    }

    pub fn supervisor_mut(&mut self, index: usize) -> &mut Supervisor {
        Rc::make_mut(&mut self.supervisors[index])
    }

    pub fn state(&self) -> Option<State> {
        self.record.map(|record| record.state)
    }

    /// Whether one more run fits under the limit of one.
    pub fn has_room(&self, scope: &Scope) -> bool {
        let ours =
            self.supervisors.iter().filter(|supervisor| supervisor.lives() && supervisor.has_slot).count() as u64;
        !scope.rival || slots::has_room(ours + u64::from(self.rival == Rival::Runs), 1)
    }

    /// Takes the record's lock, reads it and takes a step. `None`: not at this moment. `Some(None)`: refused.
    pub fn read_to_edit(
        &mut self,
        who: Who,
        event: job::Event,
        resumptions: u8,
        scope: &Scope,
    ) -> Option<Option<Record>> {
        if self.editing.is_some() && scope.design != Design::UnlockedEdit {
            return None;
        }
        let Some(record) = self.record else { return Some(None) };
        let Ok((state, effects)) = job::step(record.state, &event) else { return Some(None) };
        let counts = effects.into_iter().any(|effect| effect == job::Effect::CountResumption);
        self.editing = Some(who);
        let state = match state {
            State::Stopping if scope.design == Design::MarkAndForget => State::Cancelled,
            state => state,
        };
        Some(Some(Record { state, resumptions: if counts { resumptions } else { record.resumptions } }))
    }

    /// Replaces the record and lets go of its lock.
    pub fn write(&mut self, record: Record) -> Result<(), Broken> {
        let status = |state: State| state.in_record().map(|(status, _)| status);
        let before = self.state();
        if let Some(before) = before.filter(|before| before.is_terminal())
            && status(before) != status(record.state)
        {
            return Err(Broken::Changed);
        }
        let ends_now = !before.is_some_and(State::is_terminal);
        let lost = match record.state {
            State::Failed => self.output.result || !self.excused,
            State::Cancelled => self.output.result,
            State::Done => !self.output.result,
            _ => false,
        };
        if ends_now && lost {
            return Err(Broken::Lost);
        }
        self.record = Some(record);
        self.editing = None;
        Ok(())
    }

    /// SIGKILL to whatever of the run lives.
    pub fn kill_worker(&mut self) {
        if let Some(worker) = self.worker.take()
            && !worker.orphan
        {
            self.zombie = Some(worker.owner);
        }
    }

    /// SIGTERM to the supervisor that the lock file names. One that is only beginning dies of it.
    pub fn tell_supervisor(&mut self) {
        let Some(named) = self.named else { return };
        if self.supervisors[named].at == At::Read {
            self.bury(named);
        } else {
            self.supervisor_mut(named).told = true;
        }
    }

    /// A supervisor is gone, and with it its locks and its slot.
    pub fn bury(&mut self, index: usize) {
        self.supervisors[index] = Rc::new(Supervisor::absent());
        let me = Who::Supervisor(index);
        self.locked_by.retain(|who| *who != me);
        self.editing = self.editing.filter(|who| *who != me);
        self.named = self.named.filter(|named| *named != index);
        self.zombie = self.zombie.filter(|parent| *parent != index);
        if let Some(worker) = self.worker.as_mut().filter(|worker| worker.owner == index) {
            worker.orphan = true;
        }
    }

    pub fn judged(self) -> Result<Self, Broken> {
        let settled = self.state().is_some_and(|state| !state.is_unsettled());
        if settled && self.worker.is_some() { Err(Broken::Unseen) } else { Ok(self) }
    }

    fn claude(&self, all: &mut Vec<Next>) {
        let Some(worker) = self.worker else { return };
        let mut on = |what, change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            all.push((Move(Who::Claude, what), next.judged()));
        };
        if !self.output.begun {
            on("begins to work", &|next| next.output.begun = true);
        } else if !self.output.result {
            on("answers", &|next| next.output.result = true);
        }
        if self.output.result || worker.told {
            on("leaves", &Self::kill_worker);
        }
        if self.crashes > 0 {
            on("is killed", &|next| {
                next.crashes -= 1;
                next.excused = true;
                next.kill_worker();
            });
        }
    }

    fn deaths(&self, all: &mut Vec<Next>) {
        if self.crashes == 0 {
            return;
        }
        for (index, caller) in self.callers.iter().enumerate() {
            if index != 1 && !matches!(caller, Caller::Gone | Caller::Told | Caller::Dead) {
                let mut next = self.clone();
                next.crashes -= 1;
                next.callers[index] = Caller::Dead;
                let me = Who::Caller(index);
                next.locked_by.retain(|who| *who != me);
                next.editing = next.editing.filter(|who| *who != me);
                for thread in (0..SUPERVISORS).filter(|other| index == SERVER && self.supervisors[*other].within) {
                    next.bury(thread);
                }
                all.push((Move(me, "is killed"), next.judged()));
            }
        }
        let processes = self.supervisors.iter().map(|supervisor| supervisor.lives() && !supervisor.within);
        for (index, _) in processes.enumerate().filter(|(_, lives)| *lives) {
            let mut next = self.clone();
            next.crashes -= 1;
            next.bury(index);
            all.push((Move(Who::Supervisor(index), "is killed"), next.judged()));
        }
    }

    fn rival(&self, scope: &Scope, all: &mut Vec<Next>) {
        let (what, rival) = match self.rival {
            Rival::Waits if self.has_room(scope) => ("enters", Rival::Runs),
            Rival::Runs => ("leaves", Rival::Gone),
            Rival::Waits | Rival::Gone => return,
        };
        all.push((Move(Who::Rival, what), Self { rival, ..self.clone() }.judged()));
    }
}

impl search::World for World {
    type Scope = Scope;
    type Move = Move;
    type Broken = Broken;

    fn successors(&self, scope: &Scope) -> Vec<Next> {
        let mut all = Vec::new();
        for index in 0..CALLERS {
            self.caller(index, scope, &mut all);
        }
        for index in 0..SUPERVISORS {
            self.supervisor(index, scope, &mut all);
        }
        self.claude(&mut all);
        self.deaths(&mut all);
        self.rival(scope, &mut all);
        all.retain(|(_, next)| match (next, scope.wanted) {
            (Err(broken), Some(wanted)) => *broken == wanted,
            _ => true,
        });
        all
    }

    /// The job was never submitted, or it is over and nothing of it is left.
    fn is_over(&self) -> bool {
        let settled = self.record.is_none_or(|record| !record.state.is_unsettled());
        let submitted = !matches!(self.callers[SERVER], Caller::Create | Caller::Publish);
        let told = !matches!(
            self.callers[SERVER],
            Caller::Listen
                | Caller::TakeLock
                | Caller::TakeRead
                | Caller::TakeFork
                | Caller::TakeUnlock
                | Caller::Follow
                | Caller::SettleRead
                | Caller::SettleWrite(_)
        );
        let quiet = self.supervisors.iter().all(|supervisor| !supervisor.lives());
        settled && submitted && told && quiet && self.worker.is_none() && self.editing.is_none()
    }
}
