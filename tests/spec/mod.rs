//! The shipped machines compared with `spec/*.yaml`, and the spec compared with itself.
//!
//! `file` reads the spec, `subject` is what a machine must show to be compared, one file per machine implements it.
//! The spec is read when the tests run; `AGENT_DISPATCH_SPEC_DIR` names another directory.

pub mod actors;
pub mod cache;
pub mod citation;
mod conformance;
pub mod dialogue;
pub mod dispatch;
pub mod file;
mod freshness;
pub mod job;
pub mod parallel;
pub mod part;
mod render;
pub mod scenario;
pub mod slots;
mod soundness;
pub mod subject;
pub mod takeover;
