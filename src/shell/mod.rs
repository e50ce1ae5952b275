//! The shell: carries out what the machines decide. It reads clocks, files and processes, and decides nothing itself.
//!
//! | file | what |
//! |---|---|
//! | `dispatcher` | a request's way: checks, cache, shared runs |
//! | `part` | what a caller is told of one request: its answer, or a reference to it |
//! | `parallel`, `dialogue` | calls that are several requests |
//! | `call` | such calls as jobs, which outlive their server |
//! | `engine` | submits a job and waits for it: the one way to run claude |
//! | `supervisor` | the small detached process that owns one job: the only event loop around the dispatch machine |
//! | `jobs` | all jobs: read, list, cancel, remove; a lost supervisor is replaced |
//! | `leash` | the socket between a waiting caller and its supervisor |
//! | `store`, `record` | job records and job folders on disk |
//! | `session_lock` | two runs of one claude session never overlap |
//! | `session_file` | where the claude CLI keeps a session |
//! | `spawner` | the injected trait that starts and signals processes, and the real one |
//! | `leftovers` | finds what a run left behind in sessions of its own |
//! | `orphan` | the account of a run that was ended while it had no supervisor |
//! | `abandon` | gives up a job that nobody can supervise, unless its claude lives |
//! | `job_lock` | whether a job has a supervisor, and how to tell it |
//! | `blocking` | work on files that must neither hold up a loop nor be cut off |
//! | `tail` | reads a file while it grows |
//! | `watch` | news of a job's end |
//! | `known`, `session_owners`, `refused_options`, `lacked_servers` | small facts that outlive the jobs |
//! | `environment`, `claude`, `cli_version` | what the child sees, where the CLI is, and which version it has |
//! | `usage` | the journal of what dispatches took and cost |
//! | `slots` | how many runs at once, over all processes |
//! | `clock`, `random` | the two clocks; random ids |

pub mod abandon;
pub mod blocking;
pub mod call;
pub mod cancelled;
pub mod claude;
pub mod cli_version;
pub mod clock;
pub mod conductor;
pub mod dialogue;
pub mod dispatcher;
pub mod engine;
pub mod environment;
pub use crate::fs::{atomic, failpoint};
pub mod generations;
pub mod job_lock;
pub mod jobs;
mod known;
pub mod lacked_servers;
pub mod leash;
pub mod leftovers;
pub mod orphan;
pub mod parallel;
pub mod parts;
pub mod pause;
pub mod random;
pub mod record;
pub mod refused_options;
pub mod run_output;
pub mod run_progress;
pub mod session_file;
pub mod session_lock;
pub mod session_owners;
pub mod slots;
pub mod spawner;
pub mod store;
pub mod supervise;
pub mod supervisor;
pub mod surroundings;
pub mod tail;
pub mod usage;
pub mod watch;
