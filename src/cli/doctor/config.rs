//! agents.yaml as a file.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::report::{Report, Section};
use crate::config::model::Config;
use crate::config::read::ConfigError;

/// Rights of others than the owner.
const OTHERS: u32 = 0o077;
/// The right of others to write.
const OTHERS_WRITE: u32 = 0o022;
const SECTION: Section = Section::Config;

/// Adds the section.
pub fn check(report: &mut Report, file: &Path, config: &Result<Config, ConfigError>) {
    let config = match config {
        Ok(config) => config,
        Err(error) => return report.failure(SECTION, error.to_string(), error.hint()),
    };
    if !file.exists() {
        let message = format!("{} does not exist, so there are no agents", file.display());
        return report.warning(SECTION, message, "agent-dispatch init creates it");
    }
    report.ok(SECTION, format!("{} can be read", file.display()));
    check_rights(report, file);
    let at = |line: Option<u32>| line.map_or_else(String::new, |line| format!(" (line {line})"));
    for key in &config.unknown_keys {
        let remedy = key.nearest.map_or_else(
            || "take it out; nothing reads it".to_owned(),
            |nearest| format!("did you mean `{nearest}`? nothing reads it as it is"),
        );
        report.warning(SECTION, format!("unknown key {}{}", key.path, at(key.line)), remedy);
    }
    for key in &config.duplicates {
        let message = format!("{} is given twice; only the last one counts{}", key.path, at(key.line));
        report.warning(SECTION, message, "take the others out");
    }
}

fn check_rights(report: &mut Report, file: &Path) {
    let mode = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode(file) & OTHERS != 0 {
        let message = format!("others may read or write {} (mode {:o})", file.display(), mode(file) & 0o777);
        report.warning(SECTION, message, format!("chmod 600 {}", file.display()));
    }
    let directory = file.parent().unwrap_or(Path::new("/"));
    if mode(directory) & OTHERS_WRITE != 0 {
        let message = format!("others may write in {} (mode {:o})", directory.display(), mode(directory) & 0o777);
        report.warning(SECTION, message, format!("chmod 700 {}", directory.display()));
    }
}
