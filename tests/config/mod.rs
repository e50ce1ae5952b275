//! agents.yaml: reading, editing, writing, and what is made of it.
mod edit;
mod edit_random;
