//! Scratch projects and configurations.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::subject::FAKE_CLAUDE;

/// What a usage journal has at most, in bytes.
const JOURNAL_BYTES: usize = 1_990_000;

/// A folder, usually below the target directory, that is removed at the end.
#[derive(Debug)]
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(parent: Option<&Path>) -> Result<Self> {
        let path =
            parent.unwrap_or(Path::new(env!("CARGO_TARGET_TMPDIR"))).join(format!("budgets-{}", std::process::id()));
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    /// A new folder in it. The name must be new.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.0.join(name);
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("budgets: {} stays behind: {error}", self.0.display());
        }
    }
}

/// An agent's project.
#[derive(Debug, Clone)]
pub struct Agent {
    pub name: String,
    /// What fake-claude plays there; empty: its default, an answer at once.
    pub scene: String,
    /// Whether the project has the files that a listing looks at.
    pub furnished: bool,
}

impl Agent {
    pub fn plays(name: &str, scene: impl Into<String>) -> Self {
        Self { name: name.to_owned(), scene: scene.into(), furnished: false }
    }

    pub fn furnished(number: usize) -> Self {
        Self { name: format!("agent-{number}"), scene: String::new(), furnished: true }
    }
}

/// What one implementation works with: its own configuration, jobs, home and CLI.
#[derive(Debug, Clone)]
pub struct Side {
    root: PathBuf,
}

impl Side {
    /// Makes the folder `name` with these agents. `claude` is what the implementation finds as `claude`.
    pub fn new(scratch: &Scratch, name: &str, agents: &[Agent], settings: &str, claude: Option<&Path>) -> Result<Self> {
        let side = Self { root: scratch.folder(name)? };
        for folder in ["bin", "home", "projects"] {
            fs::create_dir(side.root.join(folder))?;
        }
        symlink(claude.unwrap_or(Path::new(FAKE_CLAUDE)), side.claude())?;
        let mut config = "agents:\n".to_owned();
        for agent in agents {
            let project = side.project(&agent.name);
            fs::create_dir(&project)?;
            if !agent.scene.is_empty() {
                fs::write(project.join(".fake-claude"), &agent.scene)?;
            }
            if agent.furnished {
                furnish(&project)?;
            }
            config += &format!(
                "  {}:\n    directory: {}\n    description: \"Looks after one of many projects\"\n    timeout: 300\n",
                agent.name,
                project.display()
            );
        }
        fs::write(side.config(), config + settings)?;
        Ok(side)
    }

    pub fn config(&self) -> PathBuf {
        self.root.join("agents.yaml")
    }

    pub fn project(&self, agent: &str) -> PathBuf {
        self.root.join("projects").join(agent)
    }

    /// What is found as `claude`.
    pub fn claude(&self) -> PathBuf {
        self.root.join("bin/claude")
    }

    /// A file for the measurement's own use.
    pub fn file(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Fills the usage journal with runs of these agents, as many as it may hold before it is moved aside.
    pub fn fill_journal(&self, agents: &[Agent]) -> Result<()> {
        let mut text = String::new();
        for (number, agent) in (0_u64..).zip(agents.iter().cycle()) {
            if text.len() >= JOURNAL_BYTES {
                break;
            }
            text += &format!(
                "{{\"t\":{},\"agent\":\"{}\",\"ok\":true,\"cost\":0.25,\"ms\":{},\"turns\":3,\"outcome\":\"done\",\
                 \"caller\":\"shop\",\"job\":\"{number:032x}\"}}\n",
                1_700_000_000 + number,
                agent.name,
                1_000 + number % 60_000
            );
        }
        fs::write(self.root.join("usage.jsonl"), &text)?;
        Ok(fs::write(self.root.join("usage.jsonl.1"), text)?)
    }

    /// All that a program of this side has in its environment.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut path = OsString::from(self.root.join("bin"));
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        vec![
            ("PATH".into(), path),
            ("HOME".into(), self.root.join("home").into()),
            ("AGENT_DISPATCH_CONFIG".into(), self.config().into()),
            ("AGENT_DISPATCH_JOBS_DIR".into(), self.root.join("jobs").into()),
            ("AGENT_DISPATCH_USAGE_LOG".into(), self.root.join("usage.jsonl").into()),
        ]
    }
}

/// The files of an ordinary project.
fn furnish(project: &Path) -> Result<()> {
    fs::write(project.join("CLAUDE.md"), "# Project\n\nKeeps the accounts of a small shop.\nWritten in Rust.\n")?;
    fs::write(project.join("README.md"), "# Project\n\nA shop that sells tea, with its accounts and its stock.\n")?;
    fs::write(project.join("Cargo.toml"), "[package]\nname = \"shop\"\n")?;
    fs::write(project.join(".mcp.json"), "{\"mcpServers\":{\"database\":{\"command\":\"db\"}}}\n")?;
    Ok(())
}
