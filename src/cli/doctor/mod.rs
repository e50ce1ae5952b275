//! `doctor`: what is there, what is wrong, and what to do about it.
//!
//! A section is a file with one function that adds its findings to the [`Report`].

mod agents;
mod commands;
mod config;
mod environment;
mod groups;
mod jobs;
mod registration;
mod report;
mod restrictions;
mod servers;
mod system;

use super::failure::{ExitCode, Failure};
use super::output;
use crate::config::model::Config;
use crate::config::path::{self, Environment, PlaceError};
use crate::config::read::{self, ConfigError};
use crate::config::write;
use crate::shell::lacked_servers;
use report::{CheckStatus, Report};

/// Checks everything. Changes nothing.
pub fn run(environment: Result<Environment, PlaceError>, json: bool, strict: bool) -> Result<ExitCode, Failure> {
    let mut report = Report::default();
    let config = environment.as_ref().ok().map(|here| read::load(&path::config_path(here), here.home.clone()));
    report.begin("Environment");
    environment::check(&mut report, config.as_ref().and_then(|config| config.as_ref().ok()));
    report.begin("Config");
    match (&environment, &config) {
        (Ok(environment), Some(config)) => check(&mut report, environment, config),
        (Err(error), _) => {
            report.failure(error.to_string(), error.hint());
            for section in ["MCP registration", "Agents", "Groups", "Job records"] {
                skip(&mut report, section, "there is no place for the files of agent-dispatch");
            }
        }
        (Ok(_), None) => {}
    }
    report.begin("System");
    system::check(&mut report);
    report.begin("Running servers");
    servers::check(&mut report, environment.as_ref().ok());
    if json {
        output::json(&report.to_json())?;
    } else {
        output::data(&report.to_text())?;
    }
    let failed = match report.status() {
        CheckStatus::Ok => false,
        CheckStatus::Warning => strict,
        CheckStatus::Failure => true,
    };
    Ok(if failed { ExitCode::Failure } else { ExitCode::Success })
}

/// What depends on where the files are.
fn check(report: &mut Report, environment: &Environment, config: &Result<Config, ConfigError>) {
    config::check(report, environment, config);
    report.begin("MCP registration");
    registration::check(report, environment);
    match config {
        Ok(config) => {
            report.begin("Agents");
            let can_add = write::writable(&path::config_path(environment)).is_ok();
            agents::check(report, config, can_add, &lacked_servers::all(&path::jobs_dir(environment)));
            report.begin("Groups");
            groups::check(report, config);
        }
        Err(_) => {
            for section in ["Agents", "Groups"] {
                skip(report, section, "the config cannot be read");
            }
        }
    }
    report.begin("Job records");
    jobs::check(report, &path::jobs_dir(environment));
    if config.as_ref().map_or(true, |config| config.settings.usage_log) {
        jobs::check_usage_log(report, &path::usage_log_path(environment));
    }
}

/// A section that nothing can be told of, for want of the config or of its place.
fn skip(report: &mut Report, section: &'static str, why: &str) {
    report.begin(section);
    report.warning(format!("skipped: {why}"), "see the section Config");
}
