//! The files of a job's folder.

/// A file in a job's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobFile {
    /// Held by the supervisor for its whole life.
    Lock,
    /// What to run; locked for the length of one change of the record.
    Plan,
    /// Claude's standard input.
    Prompt,
    /// Claude's standard input when it goes on in its session.
    Continuation,
    /// Of a call of several requests: what became of its parts.
    Parts,
    /// Claude's event stream.
    Stdout,
    /// Claude's standard error.
    Stderr,
    /// The process that the run was started as, where the system does not show its mark.
    Leader,
}

impl JobFile {
    pub(in crate::shell) const fn as_str(self) -> &'static str {
        match self {
            Self::Lock => "lock",
            Self::Plan => "plan.json",
            Self::Prompt => "prompt",
            Self::Continuation => "continuation",
            Self::Parts => "parts",
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
            Self::Leader => "leader",
        }
    }
}
