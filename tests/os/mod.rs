//! The system: what it says, read; and what is done with it, on the system that this runs on.

mod kinship;
mod process;
mod ps;
mod refusal;
mod stat;
