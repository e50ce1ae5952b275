//! The engine below its surfaces: limit, spawner, supervisor, store.
//! Replay one: `cargo test --test suite shell::limit`.
