//! What can be typed. Types only: what a verb does stands in its own file.

mod group;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgMatches, Args, Parser, Subcommand};

pub use group::{GroupTexts, GroupVerb};

use crate::machines::job::Status;

const EXAMPLES: &str = "\
Examples:
  agent-dispatch demo                                see it work; needs nothing, costs nothing
  agent-dispatch init                                set it up in Claude Code
  agent-dispatch add infra ~/projects/infra          make a project an agent
  agent-dispatch test infra \"Which services run?\"    one real run
  agent-dispatch jobs                                what runs, and what ran in the background
  agent-dispatch stats                               what it took and cost
  agent-dispatch doctor                              find out what is missing

Environment:
  AGENT_DISPATCH_CONFIG     agents.yaml to use
  AGENT_DISPATCH_JOBS_DIR   where job records are kept
  AGENT_DISPATCH_USAGE_LOG  where usage is recorded
  AGENT_DISPATCH_CLAUDE     claude CLI to use
  AGENT_DISPATCH_LOG        log filter, such as debug
  NO_COLOR                  no colours";

/// Delegate work from one Claude Code project to another.
#[derive(Debug, Parser)]
#[command(name = "agent-dispatch", version, after_help = EXAMPLES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Create agents.yaml and register the MCP server with Claude Code
    #[command(after_help = "Can be repeated: what is there already stays as it is.")]
    Init,

    /// Make a project directory an agent
    #[command(after_help = "\
Examples:
  agent-dispatch add infra ~/projects/infra -d \"Servers and deployment\"
  agent-dispatch add docs ./docs --model haiku --allowed-tools Read,Grep --max-budget 0.5")]
    Add(AddArguments),

    /// Change an agent
    #[command(after_help = "\
`none` clears a text or a list, so that the defaults of the settings hold; `[]` sets an empty list: explicitly no tools.
`--max-budget 0` takes the agent's own cap away (a default cap of the settings then holds), `--max-turns 0` its turn limit.

Examples:
  agent-dispatch update infra --timeout 600
  agent-dispatch update infra --allowed-tools \"Read, Bash(git log:*)\" --model none
  agent-dispatch update infra --disallowed-tools \"[]\"")]
    Update(UpdateArguments),

    /// Take an agent out of agents.yaml; its directory stays
    Remove {
        /// Name of the agent
        name: String,
    },

    /// List the agents
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Show everything about an agent
    Describe {
        /// Name of the agent
        name: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Groups: agents that work on one thing and share what they need to know
    Group {
        /// What to do.
        #[command(subcommand)]
        verb: GroupVerb,
    },

    /// Run one real task in an agent; this costs money
    #[command(after_help = "\
Examples:
  agent-dispatch test infra
  agent-dispatch test infra \"Which services run?\" --stream --timeout 120")]
    Test(TestArguments),

    /// List the jobs of all sessions, newest first
    #[command(after_help = "\
Examples:
  agent-dispatch jobs --status running
  agent-dispatch jobs --agent infra --limit 5 --json")]
    Jobs(JobsArguments),

    /// Show a job: what was asked, what the agent did, its answer
    #[command(after_help = "\
With --follow the exit code is 0 when the job succeeded, 1 otherwise; Ctrl-C ends the watching, not the job.

Examples:
  agent-dispatch job 0123456789abcdef0123456789abcdef
  agent-dispatch job 0123456789abcdef0123456789abcdef --transcript > run.md")]
    Job(JobArguments),

    /// Wait for the end of a job and print its answer
    #[command(after_help = "\
Exit codes:
  0  the job succeeded
  1  it failed or was cancelled, or there is no such job
  3  the time is up and the job goes on")]
    Wait(WaitArguments),

    /// End a job, whoever started it, with everything that it runs
    Cancel {
        /// Id of the job, all 32 characters
        id: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },

    /// Remove finished jobs and their answers for good
    #[command(after_help = "\
Examples:
  agent-dispatch gc --dry-run           which ended more than 7 days ago?
  agent-dispatch gc --days 30
  agent-dispatch gc --all               every finished job, however young")]
    Gc(GcArguments),

    /// Show what dispatches took and cost: in all, by agent, by day
    #[command(after_help = "\
Counted is what this machine's usage journal holds; `settings.usage_log: false` in agents.yaml turns that off.

Examples:
  agent-dispatch stats
  agent-dispatch stats --days 7 --agent infra --json")]
    Stats(StatsArguments),

    /// Serve MCP on standard input and output; Claude Code starts this
    Serve,

    /// Check the installation; every finding comes with its remedy
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
        /// Exit with 1 on warnings too
        #[arg(long)]
        strict: bool,
    },

    /// See it work with simulated agents: needs nothing, costs nothing, leaves nothing behind
    Demo {
        /// Run one real task in DIR with Claude Code instead; this costs money
        #[arg(long, value_name = "DIR")]
        real: Option<PathBuf>,
    },

    /// The process that owns one job. Standard input is the leash to its caller, standard output the job's lock.
    #[command(hide = true)]
    Supervise {
        /// Where the job records are.
        jobs_dir: PathBuf,
        /// The job.
        id: String,
    },

    /// Stands in for the claude CLI in the demo; no word but the program's name says so.
    #[command(skip)]
    SimulatedAgent {
        /// As the claude CLI gets them.
        arguments: Vec<OsString>,
    },
}

/// Whether the verb was given `--json`: then standard output is read by a program.
pub fn wants_json(given: &ArgMatches) -> bool {
    match given.subcommand() {
        Some((_, verb)) => wants_json(verb),
        None => given.try_get_one("json").is_ok_and(|json| json == Some(&true)),
    }
}

#[derive(Debug, Args)]
pub struct AddArguments {
    /// Name of the agent: letters, digits, - and _
    pub name: String,
    /// Its project directory
    #[arg(value_name = "DIR")]
    pub directory: String,
    /// The rest.
    #[command(flatten)]
    pub fields: FieldArguments,
}

#[derive(Debug, Args)]
pub struct UpdateArguments {
    /// Name of the agent
    pub name: String,
    /// What to change.
    #[command(flatten)]
    pub fields: FieldArguments,
}

/// What can be said of an agent.
#[derive(Debug, Args)]
pub struct FieldArguments {
    /// What it is for, in a sentence for its callers
    #[arg(short, long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Time limit of a run; 0 takes settings.default_timeout
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds::<u64>, allow_negative_numbers = true)]
    pub timeout: Option<u64>,
    /// Spend cap of a run
    #[arg(long, visible_alias = "max-budget-usd", value_name = "USD", value_parser = values::dollars, allow_negative_numbers = true)]
    pub max_budget: Option<f64>,
    /// Turn limit of a run
    #[arg(long, value_name = "TURNS", value_parser = values::turns, allow_negative_numbers = true)]
    pub max_turns: Option<u32>,
    /// Model, such as sonnet
    #[arg(long)]
    pub model: Option<String>,
    /// Permission mode: acceptEdits, auto, bypassPermissions, default (or manual), dontAsk, plan
    #[arg(long, value_name = "MODE")]
    pub permission_mode: Option<String>,
    /// Tools it may use without asking, separated by commas; [] for none
    #[arg(long, value_name = "TOOLS")]
    pub allowed_tools: Option<String>,
    /// Tools it must not use, separated by commas; [] for none
    #[arg(long, value_name = "TOOLS")]
    pub disallowed_tools: Option<String>,
    /// Tools given back of those that unattended runs are denied, separated by commas
    #[arg(long, value_name = "TOOLS")]
    pub unattended_tools: Option<String>,
    /// Labels that callers see, separated by commas
    #[arg(long, value_name = "LABELS")]
    pub capabilities: Option<String>,
    /// Labels of what needs care, separated by commas
    #[arg(long, value_name = "LABELS")]
    pub risky_capabilities: Option<String>,
    /// Standing orders for every run
    #[arg(long, value_name = "TEXT")]
    pub instructions: Option<String>,
}

#[derive(Debug, Args)]
pub struct TestArguments {
    /// Name of the agent
    pub name: String,
    /// What to do
    #[arg(default_value = "What project is this? Describe in one sentence.")]
    pub task: String,
    /// Show what the agent says and does meanwhile
    #[arg(long)]
    pub stream: bool,
    /// Time limit instead of the agent's own; 10 to 7200
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds::<u32>, default_value = "0", hide_default_value = true, allow_negative_numbers = true)]
    pub timeout: u32,
    /// Print the whole answer as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct JobsArguments {
    /// Only those: pending, running, done, failed, cancelled
    #[arg(long, value_parser = values::status)]
    pub status: Option<Status>,
    /// Only this agent's
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// How many at most; 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    pub limit: u16,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct JobArguments {
    /// Id of the job, all 32 characters
    pub id: String,
    /// Print the record as JSON
    #[arg(long, conflicts_with_all = ["follow", "transcript"])]
    pub json: bool,
    /// Show what the agent says and does until the job ends, then its answer
    #[arg(long, conflicts_with = "transcript")]
    pub follow: bool,
    /// Print everything as Markdown
    #[arg(long)]
    pub transcript: bool,
}

#[derive(Debug, Args)]
pub struct WaitArguments {
    /// Id of the job, all 32 characters
    pub id: String,
    /// How long to wait at most; without it until the job ends
    #[arg(long, value_name = "SECONDS", value_parser = values::seconds::<u32>, allow_negative_numbers = true)]
    pub timeout: Option<u32>,
    /// Print the record as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct GcArguments {
    /// Only those that ended more than N days ago
    #[arg(long, value_name = "N", default_value_t = 7.0, value_parser = values::days, allow_negative_numbers = true)]
    pub days: f64,
    /// All finished jobs
    #[arg(long, conflicts_with = "days")]
    pub all: bool,
    /// Only say which
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct StatsArguments {
    /// Only the last N days; 0 is all
    #[arg(long, value_name = "N", default_value_t = 0.0, hide_default_value = true, value_parser = values::period, allow_negative_numbers = true)]
    pub days: f64,
    /// Only this agent's
    #[arg(long, value_name = "NAME")]
    pub agent: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
