//! agents.yaml as a file.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::report::{Report, at};
use super::restrictions;
use crate::cli::places;
use crate::cli::registration::installation::typed;
use crate::config::model::Config;
use crate::config::path::{self, CONFIG_VARIABLE, Environment, Origin};
use crate::config::read::ConfigError;
use crate::config::rights;
use crate::config::write;
use crate::fs::owner_only::OTHERS;

/// The right of others to write.
const OTHERS_WRITE: u32 = 0o022;

pub fn check(report: &mut Report, environment: &Environment, config: &Result<Config, ConfigError>) {
    let file = &path::config_path(environment);
    if let Origin::Xdg { unread: Some(old) } = &environment.origin {
        let message =
            format!("{} has files of agent-dispatch too; with XDG_CONFIG_HOME set they are not read", old.display());
        let remedy = format!("move what is wanted to {}, or unset XDG_CONFIG_HOME", environment.directory.display());
        report.warning(message, remedy);
    }
    let config = match config {
        Ok(config) => config,
        Err(error) => return report.failure(error.to_string(), error.hint()),
    };
    if !file.exists() {
        let message = format!("{} does not exist, so there are no agents", places::told(environment));
        return match write::writable(file) {
            Ok(()) => report.warning(message, format!("{} init creates it", typed())),
            Err(error) => {
                let remedy = format!("{}; then {} init creates it", error.remedy(), typed());
                report.warning(format!("{message}; it cannot be made: {error}"), remedy);
            }
        };
    }
    report.ok(format!("{} can be read", places::told(environment)));
    check_rights(report, file);
    if let Err(error) = write::writable(file) {
        report.warning(format!("it cannot be changed: {error}"), error.remedy());
    }
    for key in &config.unknown_keys {
        let remedy = key.nearest.map_or_else(
            || "take it out; nothing reads it".to_owned(),
            |nearest| format!("did you mean `{nearest}`? nothing reads it as it is"),
        );
        report.warning(format!("unknown key {}{}", key.path, at(key.line)), remedy);
    }
    for key in &config.duplicates {
        report.warning(key.to_string(), "take the others out");
    }
    restrictions::check_settings(report, &config.settings);
}

fn check_rights(report: &mut Report, file: &Path) {
    let mode = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    let closing = |path: &Path, mode: &str| rights::closing(path, mode, CONFIG_VARIABLE, "file");
    if mode(file) & OTHERS != 0 {
        let message = format!("others may read or write {} (mode {:o})", file.display(), mode(file) & 0o777);
        report.warning(message, closing(file, "600"));
    }
    let directory = file.parent().unwrap_or(Path::new("/"));
    if rights::is_ours(directory) && mode(directory) & OTHERS != 0 {
        let message = format!("others may look into {} (mode {:o})", directory.display(), mode(directory) & 0o777);
        let itself =
            if rights::is_tightened(directory) { "; the next change of the config does so as well" } else { "" };
        report.warning(message, closing(directory, "700") + itself);
    } else if mode(directory) & OTHERS_WRITE != 0 {
        let message = format!("others may write in {} (mode {:o})", directory.display(), mode(directory) & 0o777);
        report.warning(message, closing(directory, "700"));
    }
}
