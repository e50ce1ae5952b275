//! The engine below its surfaces: limit, slots, spawner, supervisor.
//! Replay one: `cargo test --test suite shell::limit`.

mod atomic;
mod limit;
mod slots;
mod store;
mod supervision;
