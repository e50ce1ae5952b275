//! The system: what it says, read; and what is done with it, on the system that this runs on.

mod kevent;
mod kinfo;
mod kinship;
mod lsof;
mod procargs;
mod process;
mod ps;
mod refusal;
mod stat;
mod tool;
