//! The server as its clients see it, over real pipes and sockets, with fake-claude behind it.
//! Replay one: `cargo test --test suite mcp::dispatch`.

mod cancel;
mod dispatch;
mod hostile;
mod input;
mod leaving;
mod library;
mod limits;
mod obstacles;
mod progress;
mod schemas;
mod slots;
mod store;
mod timeout;
mod usage_limit;
