//! The shell: carries out what the machines decide. It reads clocks, files and processes, and decides nothing itself.
//!
//! In layers; a file uses those above it and never those below (`tests/tidy.rs`).
//!
//! | layer | file | what |
//! |---|---|---|
//! | ground | `clock`, `random` | the two clocks; ids that nobody has had |
//! | | `tail`, `generations` | a file while it grows; lines that several processes append to |
//! | | `blocking` | work on a thread of its own, which always finishes |
//! | | `known` | small facts that outlive the jobs or that all processes share |
//! | | `slots`, `session_lock`, `pause` | how many runs at once; one run for each session; the usage limit's pause |
//! | | `environment`, `claude`, `cli_version` | what the child sees, where the CLI is, which version it has |
//! | store | `store`, `record`, `job_lock` | job records and job folders; whether a job has a supervisor |
//! | | `watch` | news of a job |
//! | | `spawner`, `leftovers` | starts and signals processes; finds what a run left in sessions of its own |
//! | | `directory_facts`, `session_file` | what a project's directory brings into a run; where the CLI keeps a session |
//! | | `session_owners`, `refused_options`, `lacked_servers` | whose a session is; what claude refused; which servers lacked |
//! | | `usage` | the journal of what dispatches took and cost |
//! | | `leash` | the socket between a waiting caller and its supervisor |
//! | runs | `run_output`, `run_progress` | what claude has written so far, and what of it the record shows |
//! | | `abandon`, `cancelled`, `orphan` | the end of a job that nobody supervises, that was cancelled, that ended without a supervisor |
//! | | `supervisor` | owns one job from its claim to its end: the only event loop around the dispatch machine |
//! | ledger | `call` | a call of several requests as data, and the ledger of its parts |
//! | engine | `engine` | submits a job and waits for it: the one way to run claude |
//! | jobs | `jobs` | all jobs: read, list, cancel, remove; one whose supervisor is lost gets another |
//! | dispatcher | `dispatcher` | the way of a request: checks, cache, shared runs, tasks |
//! | calls | `parts`, `parallel`, `dialogue` | calls of several requests |
//! | conductor | `conductor` | the supervisor of a call that is a job |
//! | verb | `supervise` | the process that owns a job: one request, or a call |

pub mod abandon;
pub mod blocking;
pub mod call;
pub mod cancelled;
pub mod claude;
pub mod cli_version;
pub mod clock;
pub mod conductor;
pub mod dialogue;
pub mod directory_facts;
pub mod dispatcher;
pub mod engine;
pub mod environment;
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
pub mod tail;
pub mod usage;
pub mod watch;
