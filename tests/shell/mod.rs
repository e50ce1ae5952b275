//! The engine below its surfaces: slots, spawner, supervisor.
//! Replay one: `cargo test --test suite shell::slots`.

pub mod claude;
mod index;
mod known;
mod slots;
mod store;
mod supervision;
mod usage;
