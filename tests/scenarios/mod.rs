//! What the spec tells of several machines at once, tried on the machines of the program: the scenarios of
//! `spec/scenarios/`, and the tables of `spec/actors.yaml` that can be followed through the events of one machine.

mod machines;
mod replay;
mod resources;
