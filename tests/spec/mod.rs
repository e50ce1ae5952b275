//! The shipped machines compared with `spec/*.yaml`, and the spec compared with itself.
//!
//! `file` reads the spec, `subject` is what a machine must show to be compared, one file per machine implements it.
//! The spec is read when the tests run; `AGENT_DISPATCH_SPEC_DIR` names another directory.

mod cache;
mod citation;
mod conformance;
mod dialogue;
mod dispatch;
mod file;
mod freshness;
mod job;
mod parallel;
mod part;
mod render;
mod slots;
mod soundness;
mod subject;
mod takeover;
