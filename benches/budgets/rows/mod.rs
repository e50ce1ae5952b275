//! The rows, in groups that are measured together.

mod answer;
mod burst;
mod cache;
mod calls;
mod cli;
mod dispatch;
mod end;
mod idle;
mod jobs;
mod records;
mod sizes;
mod start;
mod stream;

use std::path::Path;

use crate::Result;
use crate::options::Options;
use crate::python::Python;
use crate::subject::{OURS, Subject};
use crate::table::Row;
use crate::world::{Agent, Scratch, Side};

/// What every group works with.
pub struct Bench {
    pub scratch: Scratch,
    pub options: Options,
    pub python: Option<Python>,
}

/// Rows that are measured together.
pub struct Group {
    pub name: &'static str,
    pub what: &'static str,
    pub measure: fn(&Bench) -> Result<Vec<Row>>,
}

/// All groups, in the table's order.
pub const GROUPS: &[Group] = &[
    Group { name: "start", what: "process start to `initialize` answered", measure: start::measure },
    Group { name: "idle", what: "memory and threads of an idle server", measure: idle::measure },
    Group { name: "list", what: "list_agents with 4 and 500 agents", measure: calls::list },
    Group { name: "cached", what: "a dispatch from the cache", measure: calls::cached },
    Group { name: "many", what: "1,000 calls in a row and 200 at once", measure: calls::many },
    Group { name: "dispatch", what: "what a dispatch adds to its child", measure: dispatch::measure },
    Group { name: "end", what: "end of a run to its caller answered", measure: end::measure },
    Group { name: "burst", what: "500 dispatches of 100 ms at limit 32", measure: burst::measure },
    Group { name: "jobs", what: "submit, wait, cancel, supervisors, 1,000 at once", measure: jobs::measure },
    Group { name: "records", what: "lists and starts over up to 50,000 records", measure: records::measure },
    Group { name: "stream", what: "rate and memory of a long event stream", measure: stream::measure },
    Group { name: "answer", what: "memory for a 50 MB answer", measure: answer::measure },
    Group { name: "cache", what: "insertion into a full cache", measure: cache::measure },
    Group { name: "cli", what: "start of command line verbs", measure: cli::measure },
    Group { name: "tools", what: "bytes of tools/list", measure: sizes::tools },
    Group { name: "size", what: "bytes of the program", measure: sizes::program },
];

/// The two implementations over the same projects, each in a world of its own.
pub struct Pair {
    pub ours: Subject,
    pub our_side: Side,
    pub python: Option<Subject>,
    pub python_side: Option<Side>,
}

impl Bench {
    /// Servers over these agents. `name` is the group's own.
    pub fn servers(&self, name: &str, agents: &[Agent], settings: &str) -> Result<Pair> {
        self.programs(name, agents, settings, None, &["serve"])
    }

    /// As [`Self::servers`], with a program in the place of fake-claude.
    pub fn servers_with(&self, name: &str, agents: &[Agent], settings: &str, claude: &Path) -> Result<Pair> {
        self.programs(name, agents, settings, Some(claude), &["serve"])
    }

    /// Both programs with these arguments.
    pub fn programs(
        &self,
        name: &str,
        agents: &[Agent],
        settings: &str,
        claude: Option<&Path>,
        arguments: &[&str],
    ) -> Result<Pair> {
        let side = |whose: &str| Side::new(&self.scratch, &format!("{name}-{whose}"), agents, settings, claude);
        let our_side = side("ours")?;
        let ours = Subject::new(self.program(), arguments).on(&our_side);
        let Some(python) = &self.python else { return Ok(Pair { ours, our_side, python: None, python_side: None }) };
        let python_side = side("python")?;
        let subject = Subject::new(python.program(), arguments).on(&python_side);
        Ok(Pair { ours, our_side, python: Some(subject), python_side: Some(python_side) })
    }

    /// The program under test.
    pub fn program(&self) -> &Path {
        self.options.program.as_deref().unwrap_or(Path::new(OURS))
    }

    /// Rounds of a quick measurement.
    pub fn rounds(&self) -> usize {
        self.options.rounds as usize
    }

    /// Rounds of one that is some hundred times slower.
    pub fn few_rounds(&self) -> usize {
        (self.rounds() / 6).max(1)
    }
}
