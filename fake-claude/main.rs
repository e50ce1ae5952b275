//! A scripted stand-in for the claude CLI.
fn main() {}
