//! The engine below its surfaces: limit, slots, spawner, supervisor.
//! Replay one: `cargo test --test suite shell::limit`.

mod limit;
mod slots;
mod supervision;
