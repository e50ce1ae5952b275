//! All integration tests, in one binary.
#![expect(clippy::unwrap_used, reason = "a test that unwraps nothing fails, as it should")]

#[path = "core/mod.rs"]
mod core_text;
