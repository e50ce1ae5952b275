//! What makes a run fail.

use super::super::answer::ErrorType;

/// What made a run fail, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The limit of the account, which all agents share and which ends by itself.
    UsageLimit,
    /// A tool or an action that the agent was not allowed.
    Permission,
    Login,
    Cloud,
    Terms,
    Credit,
    SpendLimit,
    GatewayBudget,
    RateLimit,
    Model,
    TooLong,
    AnswerTooLong,
    UsagePolicy,
    ManagedSettings,
    UnknownSession,
    SessionInUse,
    Root,
    BadOption,
    MaxTurns,
    Certificate,
    Network,
    Temporary,
    Npm,
    Node,
    CannotRun,
    FileAccess,
    WorkingDirectory,
    Disk,
    Memory,
    OpenFiles,
    GitOwner,
    Unknown,
}

impl Cause {
    pub(super) const fn error_type(self) -> ErrorType {
        match self {
            Self::UsageLimit => ErrorType::UsageLimit,
            Self::Permission => ErrorType::Permission,
            _ => ErrorType::CliError,
        }
    }
}
