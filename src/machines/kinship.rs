//! Which processes belong to a run, where the system does not show the environment of all of them.
//!
//! Every process of a run inherits the run's mark in its environment. Some systems hide the environment of some programs, or
//! of all. There a process belongs to the run that its ancestors belong to.

use std::collections::{BTreeMap, BTreeSet};

/// What is seen of the mark of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It bears the mark of the run.
    Own,
    /// It can be seen that it does not: it is of another run, or a supervisor, which outlives the run that asked for it.
    Foreign,
    /// The system does not show it.
    Hidden,
}

/// A process, as a look at all of them shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// The id of its parent. That of an orphan is init's.
    pub parent: i32,
    /// The id of its process group.
    pub group: i32,
    /// The id of its session, where the system tells.
    pub session: Option<i32>,
    /// What is seen of its mark.
    pub mark: Mark,
}

/// What is known of a run from elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roots {
    /// The process that it was started as, which leads its group.
    pub leader: Option<i32>,
    /// Its supervisor, which leads the session that it was started in, and is not a part of it.
    pub supervisor: Option<i32>,
    /// Processes of it that an earlier look found.
    pub known: BTreeSet<i32>,
}

/// The ids of the processes that belong to a run: those that bear its mark, those that are known, the group of its leader, the
/// session of its supervisor, and whatever descends from one of these and is not seen to be foreign.
#[must_use]
pub fn members(processes: &[Process], roots: &Roots) -> BTreeSet<i32> {
    let is_of = |root: Option<i32>, id: Option<i32>| root.is_some() && root == id;
    let mut children = BTreeMap::<i32, Vec<&Process>>::new();
    for process in processes {
        children.entry(process.parent).or_default().push(process);
    }
    let is_root = |process: &&Process| match process.mark {
        Mark::Own => true,
        Mark::Foreign => false,
        Mark::Hidden => {
            roots.known.contains(&process.pid)
                || is_of(roots.leader, Some(process.group))
                || (is_of(roots.supervisor, process.session) && roots.supervisor != Some(process.pid))
        }
    };
    let mut due = processes.iter().filter(is_root).collect::<Vec<_>>();
    let mut members = BTreeSet::new();
    while let Some(process) = due.pop() {
        if members.insert(process.pid) {
            let descendants = children.get(&process.pid).into_iter().flatten();
            due.extend(descendants.filter(|child| child.mark != Mark::Foreign));
        }
    }
    members
}
