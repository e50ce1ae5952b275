//! What `doctor` found.

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::output::{self, Style};

/// Version of the JSON form; it grows when a reader of the old form would be misled.
const SCHEMA_VERSION: u32 = 1;

/// How bad it is. The words of the JSON form are those of the older implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Status {
    /// As it should be.
    #[serde(rename = "ok")]
    Ok,
    /// Works, but not as somebody may think.
    #[serde(rename = "warn")]
    Warning,
    /// Does not work.
    #[serde(rename = "fail")]
    Failure,
}

/// The parts of an installation, by the titles of the older implementation; it knows no job records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The claude CLI and the home.
    Environment,
    /// agents.yaml.
    Config,
    /// What Claude Code knows of us.
    Registration,
    /// The agents.
    Agents,
    /// The groups.
    Groups,
    /// The job records.
    Jobs,
    /// Servers that run.
    Servers,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    section: Section,
    status: Status,
    message: String,
    details: Vec<String>,
}

/// All findings.
#[derive(Debug, Default)]
pub struct Report {
    checks: Vec<Check>,
}

impl Report {
    /// Adds what is as it should be.
    pub fn ok(&mut self, section: Section, message: impl Into<String>) {
        self.add(section, Status::Ok, message.into(), Vec::new());
    }

    /// Adds what is not quite right, with its remedy.
    pub fn warning(&mut self, section: Section, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(section, Status::Warning, message.into(), vec![remedy.into()]);
    }

    /// Adds what does not work, with its remedy.
    pub fn failure(&mut self, section: Section, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(section, Status::Failure, message.into(), vec![remedy.into()]);
    }

    fn add(&mut self, section: Section, status: Status, message: String, details: Vec<String>) {
        self.checks.push(Check { section, status, message, details });
    }

    fn count(&self, status: Status) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }

    /// The worst of all.
    #[must_use]
    pub fn status(&self) -> Status {
        self.checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok)
    }

    /// For programs.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "schema_version": SCHEMA_VERSION,
            "status": self.status(),
            "issues": self.count(Status::Failure),
            "warnings": self.count(Status::Warning),
            "checks": self.checks,
        })
    }

    /// For people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let style = Style::of_stdout();
        let mut text = String::new();
        let mut section = None;
        for check in &self.checks {
            if section != Some(check.section) {
                section = Some(check.section);
                text.push_str(&format!("{}\n", style.bold(check.section.title())));
            }
            let mark = match check.status {
                Status::Ok => style.green("  ok       "),
                Status::Warning => style.yellow("  warning  "),
                Status::Failure => style.red("  FAILURE  "),
            };
            text.push_str(&format!("{mark}{}\n", output::printable(&check.message)));
            for detail in &check.details {
                text.push_str(&format!("           → {}\n", output::printable(detail)));
            }
        }
        text.push_str(&format!("\n{}", self.verdict(style)));
        text
    }

    fn verdict(&self, style: Style) -> String {
        let (issues, warnings) = (self.count(Status::Failure), self.count(Status::Warning));
        let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        match (issues, warnings) {
            (0, 0) => style.green("All checks passed."),
            (0, _) => style.yellow(format!("No failures, {}.", counted(warnings, "warning"))),
            (_, 0) => style.red(format!("{}.", counted(issues, "failure"))),
            (_, _) => style.red(format!("{}, {}.", counted(issues, "failure"), counted(warnings, "warning"))),
        }
    }
}

impl Serialize for Section {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.title())
    }
}

impl Section {
    const fn title(self) -> &'static str {
        match self {
            Self::Environment => "Environment",
            Self::Config => "Config",
            Self::Registration => "MCP registration",
            Self::Agents => "Agents",
            Self::Groups => "Groups",
            Self::Jobs => "Job records",
            Self::Servers => "Running servers",
        }
    }
}
