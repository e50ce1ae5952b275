//! The file operations that all rooms share.
//! Replay one: `cargo test --test suite fs::lock`.

mod atomic;
mod identity;
mod lock;
mod open;
mod owner_only;
