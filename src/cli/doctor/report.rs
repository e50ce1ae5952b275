//! What `doctor` found.

use serde::Serialize;
use serde_json::{Value, json};

use crate::cli::format::counted;
use crate::cli::output::{self, Style};
use crate::config::model::Problem;

/// Version of the JSON form; it grows when a reader of the old form would be misled.
const SCHEMA_VERSION: u32 = 1;

/// How bad it is. The words of the JSON form are those of the older implementation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum CheckStatus {
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
    /// The agents of agents.yaml.
    Agents,
    /// The groups of agents.yaml.
    Groups,
    /// The job records.
    Jobs,
    /// Servers that run.
    Servers,
}

/// One finding, with its remedies.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    section: Section,
    status: CheckStatus,
    message: String,
    details: Vec<String>,
}

/// All findings, in the order of the sections.
#[derive(Debug, Default)]
pub struct Report {
    checks: Vec<Check>,
}

impl Report {
    /// Adds what is as it should be.
    pub fn ok(&mut self, section: Section, message: impl Into<String>) {
        self.add(section, CheckStatus::Ok, message.into(), Vec::new());
    }

    /// Adds what is not quite right, with its remedy.
    pub fn warning(&mut self, section: Section, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(section, CheckStatus::Warning, message.into(), vec![remedy.into()]);
    }

    /// Adds what does not work, with its remedy.
    pub fn failure(&mut self, section: Section, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(section, CheckStatus::Failure, message.into(), vec![remedy.into()]);
    }

    /// Adds an entry of agents.yaml that is disabled by a mistake in it.
    pub fn disabled(&mut self, section: Section, name: &str, problem: &Problem) {
        let message = format!("{name} is disabled: {}{}", problem.message, at(problem.line));
        self.failure(section, message, "correct the entry in agents.yaml");
    }

    fn add(&mut self, section: Section, status: CheckStatus, message: String, details: Vec<String>) {
        self.checks.push(Check { section, status, message, details });
    }

    fn count(&self, status: CheckStatus) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }

    /// The worst of all.
    #[must_use]
    pub fn status(&self) -> CheckStatus {
        self.checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok)
    }

    /// The findings as JSON.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "schema_version": SCHEMA_VERSION,
            "status": self.status(),
            "issues": self.count(CheckStatus::Failure),
            "warnings": self.count(CheckStatus::Warning),
            "checks": self.checks,
        })
    }

    /// The findings as text for a terminal.
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
                CheckStatus::Ok => style.green("  ok       "),
                CheckStatus::Warning => style.yellow("  warning  "),
                CheckStatus::Failure => style.red("  FAILURE  "),
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
        let (issues, warnings) = (self.count(CheckStatus::Failure), self.count(CheckStatus::Warning));
        let counted = |count: usize, noun| counted(count as u64, noun);
        match (issues, warnings) {
            (0, 0) => style.green("All checks passed."),
            (0, _) => style.yellow(format!("No failures, {}.", counted(warnings, "warning"))),
            (_, 0) => style.red(format!("{}.", counted(issues, "failure"))),
            (_, _) => style.red(format!("{}, {}.", counted(issues, "failure"), counted(warnings, "warning"))),
        }
    }
}

/// A line of agents.yaml, behind what is wrong there.
pub fn at(line: Option<u32>) -> String {
    line.map_or_else(String::new, |line| format!(" (line {line})"))
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
