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
mod version;

use super::failure::{Exit, Failure};
use super::output;
use crate::config::path::{self, Environment};
use crate::config::read;
pub use registration::shown;
use report::{Report, Status};

/// Checks everything. Changes nothing.
pub fn run(environment: &Environment, json: bool, strict: bool) -> Result<Exit, Failure> {
    let mut report = Report::default();
    environment::check(&mut report, environment);
    let file = path::config_path(environment);
    let config = read::load(&file, environment.home.clone());
    config::check(&mut report, &file, &config);
    registration::check(&mut report, environment);
    if let Ok(config) = &config {
        agents::check(&mut report, config);
        groups::check(&mut report, config);
    }
    jobs::check(&mut report, &path::jobs_dir(environment));
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
