//! `doctor`: what is there, what is wrong, and what to do about it.
//!
//! A section is a file with one function that adds its checks to the [`Report`].

mod agents;
mod config;
mod environment;
mod groups;
mod jobs;
mod registration;
mod report;
mod servers;

use super::failure::{Exit, Failure};
use super::output;
use crate::config::path::{self, Environment, PlaceError};
use crate::config::read;
pub use registration::shown;
use report::{Report, Section, Status};

/// Checks everything. Changes nothing.
pub fn run(environment: Result<Environment, PlaceError>, json: bool, strict: bool) -> Result<Exit, Failure> {
    let mut report = Report::default();
    environment::check(&mut report);
    match &environment {
        Ok(environment) => check(&mut report, environment),
        Err(error) => report.failure(Section::Config, error.to_string(), error.hint()),
    }
    servers::check(&mut report);
    if json {
        output::json(&report.to_json())?;
    } else {
        output::data(&report.to_text())?;
    }
    let failed = match report.status() {
        Status::Ok => false,
        Status::Warning => strict,
        Status::Failure => true,
    };
    Ok(if failed { Exit::Failure } else { Exit::Success })
}

/// What depends on where the files are.
fn check(report: &mut Report, environment: &Environment) {
    let file = path::config_path(environment);
    let config = read::load(&file, environment.home.clone());
    config::check(report, &file, &config);
    registration::check(report, environment);
    if let Ok(config) = &config {
        agents::check(report, config);
        groups::check(report, config);
    }
    jobs::check(report, &path::jobs_dir(environment));
}
