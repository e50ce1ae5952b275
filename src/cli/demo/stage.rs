//! The world of a demo: a temporary directory with projects, a config and a stand-in for claude.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::agent::{self, SESSIONS_VARIABLE};
use crate::cli::failure::Failure;
use crate::config::path::{self, Environment};
use crate::machines::dispatch::{KILL_GRACE_MS, TERM_GRACE_MS};
use crate::shell::environment;

/// Most that a real demo may cost, in US dollars: a question about a project costs a few cents.
pub const REAL_CAP_USD: f64 = 0.5;
/// How long what the demo started may take to end: the supervisor's own patience, and a second for what surrounds it.
const END_WITHIN: Duration = Duration::from_millis(TERM_GRACE_MS + KILL_GRACE_MS + 1_000);
/// How often to look whether it ended.
const END_POLL: Duration = Duration::from_millis(5);

const BOOKSHOP: &str =
    "# bookshop\n\nThe web shop of a small bookstore: catalogue, cart and orders, in Rust with PostgreSQL.\n";
const LEDGER: &str = "# ledger\n\nThe books of the bookshop, a file a month. Check them one by one.\n";
/// A month's sales, in a shop's currency.
const MONTHS: [(&str, &str); 6] = [
    ("1-january.csv", "atlas,24.90\nnovel,12.00\n"),
    ("2-february.csv", "poems,9.50\natlas,24.90\n"),
    ("3-march.csv", "novel,12.00\nnovel,12.00\n"),
    ("4-april.csv", "cookbook,31.00\n"),
    ("5-may.csv", "novel,12.00\npoems,9.50\n"),
    ("6-june.csv", "atlas,24.90\ncookbook,31.00\n"),
];

/// The world. What it holds is removed with it.
pub struct Stage {
    root: TempDir,
    own: PathBuf,
    jobs: PathBuf,
    /// Jobs of others, which are not waited for.
    others: BTreeSet<OsString>,
    real: bool,
}

impl Stage {
    /// A world with simulated agents.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub fn simulated(own: PathBuf) -> Result<Self, Failure> {
        let root = temporary()?;
        let at = root.path().to_path_buf();
        let written = || -> io::Result<()> {
            for directory in ["home", "sessions", "bookshop", "ledger"] {
                fs::create_dir(at.join(directory))?;
            }
            fs::write(at.join("bookshop/CLAUDE.md"), BOOKSHOP)?;
            fs::write(at.join("bookshop/Cargo.toml"), "[package]\nname = \"bookshop\"\n")?;
            fs::write(at.join("ledger/CLAUDE.md"), LEDGER)?;
            for (name, sales) in MONTHS {
                fs::write(at.join("ledger").join(name), sales)?;
            }
            let ledger = entry("ledger", &at.join("ledger"), "Bookkeeping, a file a month", "timeout: 2");
            let bookshop = entry("bookshop", &at.join("bookshop"), "Web shop of a small bookstore", "timeout: 60");
            fs::write(at.join("agents.yaml"), format!("agents:\n{bookshop}{ledger}"))?;
            symlink(&own, at.join(agent::NAME))
        };
        written().map_err(|error| unusable(&at, &error.to_string()))?;
        let jobs = at.join("jobs");
        Ok(Self { root, own, jobs, others: BTreeSet::new(), real: false })
    }

    /// A world with one real agent, which works in `directory`. Its answers are kept where all are until they arrive:
    /// they cost money.
    ///
    /// # Errors
    /// When there is no place for temporary files.
    pub fn real(own: PathBuf, directory: &Path, environment: &Environment) -> Result<Self, Failure> {
        let root = temporary()?;
        let config = entry("real", directory, "The project that was named", &format!("max_budget_usd: {REAL_CAP_USD}"));
        fs::write(root.path().join("agents.yaml"), format!("agents:\n{config}"))
            .map_err(|error| unusable(root.path(), &error.to_string()))?;
        let jobs = path::jobs_dir(environment);
        let others = folders(&jobs);
        Ok(Self { root, own, jobs, others, real: true })
    }

    /// The server of this world, not yet started.
    pub fn server(&self) -> Command {
        let at = self.root.path();
        let mut command = Command::new(&self.own);
        command
            .arg("serve")
            .env(path::CONFIG_VARIABLE, at.join("agents.yaml"))
            .env(path::JOBS_DIR_VARIABLE, &self.jobs);
        if !self.real {
            command
                .env("HOME", at.join("home"))
                .env(path::USAGE_LOG_VARIABLE, at.join("usage.jsonl"))
                .env(environment::CLAUDE, at.join(agent::NAME))
                .env(SESSIONS_VARIABLE, at.join("sessions"))
                .env_remove(environment::DEPTH)
                .env_remove(environment::JOB);
        }
        command
    }

    /// Waits until what ran here is gone, then removes everything. The server must have left.
    pub fn strike(self) -> Result<(), Failure> {
        let give_up = Instant::now() + END_WITHIN;
        while self.busy() && Instant::now() < give_up {
            std::thread::sleep(END_POLL);
        }
        let at = self.root.path().to_path_buf();
        self.root.close().map_err(|error| {
            Failure::new(format!("the demo could not remove {}: {error}", at.display())).hint("remove it by hand")
        })
    }

    /// Whether a job's supervisor lives: it holds the job's lock for its whole life.
    fn busy(&self) -> bool {
        let held = |folder: &OsString| {
            let lock = OpenOptions::new().read(true).write(true).open(self.jobs.join(folder).join("lock"));
            lock.is_ok_and(|lock: File| lock.try_lock().is_err())
        };
        folders(&self.jobs).difference(&self.others).any(held)
    }
}

fn folders(jobs: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(jobs).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.file_name()).collect()
}

fn temporary() -> Result<TempDir, Failure> {
    tempfile::Builder::new()
        .prefix("agent-dispatch-demo-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir()
        .map_err(|error| unusable(&std::env::temp_dir(), &error.to_string()))
}

fn unusable(place: &Path, why: &str) -> Failure {
    Failure::new(format!("the demo cannot use {}: {why}", place.display()))
        .hint("set TMPDIR to a directory that can be written")
}

/// An entry of agents.yaml. A JSON text is a YAML text.
fn entry(name: &str, directory: &Path, description: &str, more: &str) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    format!(
        "  {name}:\n    directory: {}\n    description: {}\n    {more}\n",
        quoted(&directory.to_string_lossy()),
        quoted(description)
    )
}
