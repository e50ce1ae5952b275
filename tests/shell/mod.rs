//! The shell against the real machine: files, locks, processes.

mod slots;
