//! What the version of the claude CLI means.

use super::report::{Report, Section};
use crate::machines::cli_version::{NEWEST, OLDEST, Version};

const SECTION: Section = Section::Environment;

/// Adds what is not as on the newest version; nothing where the version cannot be read.
pub fn check(report: &mut Report, printed: &str) {
    let Some(version) = Version::parse(printed) else { return };
    if version.is_unsupported() {
        let message = format!("claude {version} is older than all tested versions ({OLDEST} to {NEWEST})");
        report.warning(SECTION, message, "claude update");
    }
    if !version.bounds_schema() {
        let message = format!(
            "claude {version}: a response_schema is only part of the task, because this CLI would ask for it without end"
        );
        report.warning(SECTION, message, format!("claude update: from {OLDEST} on it is otherwise"));
    }
    for loss in version.losses() {
        let remedy = format!("claude update: from {} on it is otherwise", loss.below);
        report.warning(SECTION, format!("claude {version}: {}", loss.what), remedy);
    }
}
