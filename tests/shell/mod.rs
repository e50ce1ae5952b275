//! The engine below its surfaces: slots, spawner, supervisor.
//! Replay one: `cargo test --test suite shell::slots`.

mod slots;
mod supervision;
