//! The MCP server on standard input and output.
//!
//! | file | what |
//! |---|---|
//! | `serve` | the process: runtime, signals, start and end |
//! | `stdio` | the two streams, without a thread where the system allows it |
//! | `transport` | rmcp's transport, tolerant before the first request; redeems receipts of delivered answers |
//! | `lines`, `outline`, `misread` | reading messages; what is told of those that cannot be read |
//! | `sender` | writing messages |
//! | `server` | the protocol's requests |
//! | `state` | what the tools work with: configuration, dispatcher, jobs |
//! | `table`, `arguments` | what each tool takes, and the lenient reading of it |
//! | `call` | a call of a tool, as its handler gets it |
//! | `tools` | a row in the table for each tool, and its handler |
//! | `tasks` | jobs as MCP Tasks |
//! | `progress` | news of a run to the client |
//! | `reply`, `output` | what a tool answers, and what clients are told of it |

pub mod arguments;
pub mod call;
pub mod lines;
mod misread;
mod outline;
pub mod output;
pub mod progress;
pub mod reply;
mod sender;
pub mod serve;
pub mod server;
pub mod state;
mod stdio;
pub mod table;
pub mod tasks;
pub mod tools;
mod transport;
