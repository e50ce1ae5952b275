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

/// One finding, with its remedies.
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    section: &'static str,
    status: CheckStatus,
    message: String,
    details: Vec<String>,
}

/// All findings, in the order of the sections.
#[derive(Debug, Default)]
pub struct Report {
    section: &'static str,
    checks: Vec<Check>,
}

impl Report {
    /// Begins a section: what is added from now on belongs to it. The titles are those of the older implementation, which knows
    /// no job records.
    pub fn begin(&mut self, section: &'static str) {
        self.section = section;
    }

    /// Adds what is as it should be.
    pub fn ok(&mut self, message: impl Into<String>) {
        self.add(CheckStatus::Ok, message.into(), Vec::new());
    }

    /// Adds what is not quite right, with its remedy.
    pub fn warning(&mut self, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(CheckStatus::Warning, message.into(), vec![remedy.into()]);
    }

    /// Adds what does not work, with its remedy.
    pub fn failure(&mut self, message: impl Into<String>, remedy: impl Into<String>) {
        self.add(CheckStatus::Failure, message.into(), vec![remedy.into()]);
    }

    /// Adds an entry of agents.yaml that is disabled by a mistake in it.
    pub fn disabled(&mut self, name: &str, problem: &Problem) {
        let message = format!("{name} is disabled: {}{}", problem.message, at(problem.line));
        self.failure(message, "correct the entry in agents.yaml");
    }

    fn add(&mut self, status: CheckStatus, message: String, details: Vec<String>) {
        self.checks.push(Check { section: self.section, status, message, details });
    }

    fn count(&self, status: CheckStatus) -> usize {
        self.checks.iter().filter(|check| check.status == status).count()
    }

    /// The worst of all.
    pub fn status(&self) -> CheckStatus {
        self.checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok)
    }

    /// The findings as JSON.
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
    pub fn to_text(&self) -> String {
        let style = Style::of_stdout();
        let mut text = String::new();
        let mut section = None;
        for check in &self.checks {
            if section != Some(check.section) {
                section = Some(check.section);
                text.push_str(&format!("{}\n", style.bold(check.section)));
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
