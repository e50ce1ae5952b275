//! The engine below its surfaces: limit, spawner, supervisor.
//! Replay one: `cargo test --test suite shell::limit`.

mod atomic;
mod limit;
mod store;
mod supervision;
