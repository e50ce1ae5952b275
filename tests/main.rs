//! All integration tests, in one binary.
mod fake_claude;
mod real_claude;
