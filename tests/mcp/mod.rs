//! The server as its clients see it, over real pipes and sockets, with fake-claude behind it.
//! Replay one: `cargo test --test suite mcp::dispatch`.

mod advice;
mod cancel;
mod dialogue;
mod dispatch;
mod groups;
mod hostile;
mod input;
mod leaving;
mod library;
mod limits;
mod logs;
mod misplaced;
mod obstacles;
mod parallel;
mod places;
mod progress;
mod protocol;
mod reach;
mod schemas;
mod servers;
mod several;
mod slots;
mod store;
mod supervisor_deaths;
mod task_calls;
mod task_deaths;
mod tasks;
mod timeout;
mod usage;
mod usage_limit;
