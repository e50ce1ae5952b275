//! The `settings:` block of agents.yaml and its defaults.
use serde::{Deserialize, Serialize};

/// Default time limit of a dispatch, in seconds: long enough for an agent that reads a project before it answers.
pub const DEFAULT_TIMEOUT_SECONDS: u64 = 300;
/// Largest time limit kept from the file, in seconds (one year). A larger one is read as this, so that adding it
/// to a clock can never overflow.
pub const MAX_TIMEOUT_SECONDS: u64 = 31_536_000;
/// How many dispatches may be nested (A asks B asks C) before the next one is refused: agents that ask each other
/// in a circle would go on for ever.
pub const DEFAULT_MAX_DISPATCH_DEPTH: u32 = 3;
/// How many claude processes may run at the same time: each takes memory, and usage of the account.
pub const DEFAULT_MAX_CONCURRENCY: u32 = 5;
/// Largest count kept from the file. A larger one is read as this: as good as unlimited, and safe to multiply.
pub const MAX_COUNT: u32 = 1_000_000;
/// Days after which finished jobs are removed when a server starts; 0 keeps them for ever, because a paid answer
/// is only deleted by someone who asked for it.
pub const DEFAULT_JOB_RETENTION_DAYS: u32 = 0;
/// How often a run goes on by itself after it was cut off: never, because each time may cost as much as the first.
pub const DEFAULT_RESUME_ATTEMPTS: u8 = 0;
/// Life of a cached answer, in seconds from its insertion: a question that is repeated within one piece of work.
pub const DEFAULT_CACHE_TTL_SECONDS: u64 = 300;
/// Most answers that are cached, after which the oldest goes: their memory stays bounded.
pub const DEFAULT_CACHE_MAX_SIZE: u32 = 1000;

/// What holds for all agents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Time limit of an agent whose own is 0, in seconds; at least 1.
    pub default_timeout: u64,
    /// Spend cap of an agent without its own, in US dollars; finite and above 0.
    pub default_max_budget_usd: Option<f64>,
    /// Permission mode of an agent without its own.
    pub default_permission_mode: Option<String>,
    /// Allowed tools of an agent that does not say.
    pub default_allowed_tools: Vec<String>,
    /// Disallowed tools of an agent that does not say.
    pub default_disallowed_tools: Vec<String>,
    /// Tools that are given back of those that unattended runs are denied, to an agent that does not say.
    pub unattended_tools: Vec<String>,
    /// Nesting at which a dispatch is refused; at least 1.
    pub max_dispatch_depth: u32,
    /// Live claude processes at the same time; at least 1.
    pub max_concurrency: u32,
    /// Whether agents are told that they run unattended and how to end their answer.
    pub dispatch_protocol: bool,
    /// Whether each dispatch leaves a line in usage.jsonl.
    pub usage_log: bool,
    /// Age in days at which finished jobs are removed; 0 = never.
    pub job_retention_days: u32,
    /// How often a run that was cut off goes on by itself; at most [`crate::machines::plan::MAX_RESUME_ATTEMPTS`].
    pub resume_attempts: u8,
    /// Whether claude waits for an agent's MCP servers before its first turn.
    pub wait_for_mcp: bool,
    /// The answer cache.
    pub cache: CacheSettings,
}

/// The answer cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheSettings {
    /// Whether answers are cached at all.
    pub enabled: bool,
    /// Life of an answer, in seconds from its insertion; 0 = expires at once.
    pub ttl: u64,
    /// Number of answers kept; at least 1.
    pub max_size: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            default_timeout: DEFAULT_TIMEOUT_SECONDS,
            default_max_budget_usd: None,
            default_permission_mode: None,
            default_allowed_tools: Vec::new(),
            default_disallowed_tools: Vec::new(),
            unattended_tools: Vec::new(),
            max_dispatch_depth: DEFAULT_MAX_DISPATCH_DEPTH,
            max_concurrency: DEFAULT_MAX_CONCURRENCY,
            dispatch_protocol: true,
            usage_log: true,
            job_retention_days: DEFAULT_JOB_RETENTION_DAYS,
            resume_attempts: DEFAULT_RESUME_ATTEMPTS,
            wait_for_mcp: true,
            cache: CacheSettings::default(),
        }
    }
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self { enabled: true, ttl: DEFAULT_CACHE_TTL_SECONDS, max_size: DEFAULT_CACHE_MAX_SIZE }
    }
}
