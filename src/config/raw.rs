//! The tables of agents.yaml as they stand in the file: every key optional, unknown and repeated keys noted,
//! merge keys (`<<: *base`) applied. Turned into the checked types of [`super::model`] while the parser still
//! knows the position.
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor};

use super::expand::expand_home;
use super::misnamed::{Misnamed, TableKind};
use super::model::{Agent, CacheSettings, Group, Member, Settings};
use super::name::is_valid_name;
use super::number::{Dollars, Flag, Seconds, Whole};
use super::rules::{Mode, Rules};
use super::schemas::Schemas;
use super::settings::MAX_COUNT;
use super::shapes::{Refusal, Scalar, list};
use crate::machines::plan::{MAX_RESUME_ATTEMPTS, MAX_TURNS};

type Count = Whole<0, { MAX_COUNT as u64 }>;
type Turns = Whole<0, { MAX_TURNS as u64 }>;
/// More than the most is read as the most.
type Attempts = Whole<0, { MAX_RESUME_ATTEMPTS as u64 }>;
type PositiveCount = Whole<1, { MAX_COUNT as u64 }>;

/// What relative values in the file are relative to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Context {
    /// What a relative `directory` starts from: the directory of the config file.
    pub base: PathBuf,
    /// What `~` stands for.
    pub home: Option<PathBuf>,
}

impl Context {
    /// The context of this config file.
    pub fn of(config: &Path, home: Option<PathBuf>) -> Self {
        Self { base: config.parent().unwrap_or(Path::new("/")).to_path_buf(), home }
    }
}

/// Keys of one table that need a word from `doctor`.
#[derive(Debug, Clone, Default)]
pub(super) struct Noted {
    /// Keys that nothing reads.
    pub unknown: Vec<String>,
    /// Keys given twice.
    pub repeated: Vec<&'static str>,
}

/// A table that is read key by key.
pub(super) trait Table<'de>: Sized {
    /// What a person would call it in an error.
    const EXPECTED: &'static str;
    /// Reads all keys of a mapping.
    fn collect<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;
}

macro_rules! table {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $kind_of_table:expr, { $($field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default)]
        pub(super) struct $name {
            // The outer level: given or not. The inner one: null or a value.
            $(pub $field: Option<Option<$kind>>,)*
            pub noted: Noted,
        }

        impl $name {
            /// All keys that are read.
            pub const KEYS: &'static [&'static str] = &[$(stringify!($field)),*];

            /// Takes from `base` what is not given here.
            fn inherit(&mut self, base: Self) {
                $(if self.$field.is_none() { self.$field = base.$field; })*
            }
        }

        impl<'de> Table<'de> for $name {
            const EXPECTED: &'static str = $expected;

            fn collect<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
                let mut table = Self::default();
                let mut bases = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        $(stringify!($field) => {
                            if table.$field.replace(map.next_value()?).is_some() {
                                table.noted.repeated.push(stringify!($field));
                            }
                        })*
                        "<<" => bases.extend(map.next_value::<Bases<Self>>()?.0),
                        _ => {
                            Misnamed::refuse(&key, $kind_of_table, &mut map)?;
                            map.next_value::<IgnoredAny>()?;
                            table.noted.unknown.push(key);
                        }
                    }
                }
                bases.into_iter().for_each(|base| table.inherit(base));
                Ok(table)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
                source.deserialize_map(TableVisitor(PhantomData))
            }
        }
    };
}

table!(
    /// One agent as it stands in the file.
    RawAgent, "a mapping with at least `directory`, such as `{directory: ~/projects/infra}`", TableKind::Agent, {
    directory: String,
    description: String,
    timeout: Seconds<0>,
    model: String,
    max_budget_usd: Dollars,
    max_turns: Turns,
    permission_mode: Mode,
    allowed_tools: Rules<true>,
    disallowed_tools: Rules<false>,
    unattended_tools: Texts,
    capabilities: Texts,
    risky_capabilities: Texts,
    response_schemas: Schemas,
    instructions: String,
});

table!(
    /// One group as it stands in the file.
    RawGroup, "a mapping with `members`, such as `{members: [{agent: infra}]}`", TableKind::Other, {
    description: String,
    shared_context: String,
    members: Members,
});

table!(
    /// One member of a group.
    RawMember, "a mapping with `agent`, such as `{agent: infra}`", TableKind::Other, {
    agent: AgentName,
    use_for: String,
});

table!(
    /// The settings as they stand in the file.
    RawSettings, "a mapping of settings, such as `{default_timeout: 600}`", TableKind::Settings, {
    default_timeout: Seconds<1>,
    default_max_budget_usd: Dollars,
    default_permission_mode: Mode,
    default_allowed_tools: Rules<true>,
    default_disallowed_tools: Rules<false>,
    unattended_tools: Texts,
    max_dispatch_depth: PositiveCount,
    max_concurrency: PositiveCount,
    dispatch_protocol: Flag,
    usage_log: Flag,
    job_retention_days: Count,
    resume_attempts: Attempts,
    wait_for_mcp: Flag,
    cache: RawCache,
});

table!(
    /// The settings of the cache.
    RawCache, "a mapping of cache settings, such as `{enabled: false}`", TableKind::Other, {
    enabled: Flag,
    ttl: Seconds<0>,
    max_size: PositiveCount,
});

struct TableVisitor<T>(PhantomData<T>);

impl<'de, T: Table<'de>> Visitor<'de> for TableVisitor<T> {
    type Value = T;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(T::EXPECTED)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::collect(map)
    }
}

/// The value of a merge key: one table or a list of them, the earlier ones first in rank.
struct Bases<T>(Vec<T>);

impl<'de, T: Table<'de> + Deserialize<'de>> Deserialize<'de> for Bases<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        struct BasesVisitor<T>(PhantomData<T>);
        impl<'de, T: Table<'de> + Deserialize<'de>> Visitor<'de> for BasesVisitor<T> {
            type Value = Bases<T>;
            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a mapping or a list of mappings to merge")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Bases<T>, A::Error> {
                Ok(Bases(vec![T::collect(map)?]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Bases<T>, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(seq)).map(Bases)
            }
        }
        source.deserialize_any(BasesVisitor(PhantomData))
    }
}

/// The name of an agent, checked where it stands.
#[derive(Debug, Clone)]
pub(super) struct AgentName(String);

impl<'de> Deserialize<'de> for AgentName {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let check = |found: Unexpected<'_>| match found {
            Unexpected::Str(name) if is_valid_name(name) => Ok(Self(name.to_owned())),
            Unexpected::Str(_) => Err(Refusal::Value),
            _ => Err(Refusal::Type),
        };
        source.deserialize_str(Scalar { expected: "the name of an agent (letters, digits, `-` and `_`)", check })
    }
}

/// A list of texts, none of them null.
#[derive(Debug, Clone)]
pub(super) struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let take = |text: Option<String>| text.ok_or("a text in the list is missing");
        list(source, "a list of texts, such as `[Read, Grep]`", take).map(Self)
    }
}

/// The members of a group.
#[derive(Debug, Clone, Default)]
pub(super) struct Members(pub Vec<RawMember>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        list(source, "a list of members, such as `[{agent: infra}]`", Ok).map(Self)
    }
}

/// Text that says something, without the space around it.
fn said(value: Option<Option<String>>) -> Option<String> {
    let text = value.flatten()?;
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// Text as it stands; not given is empty.
fn text(value: Option<Option<String>>) -> String {
    value.flatten().unwrap_or_default()
}

/// A number whose most fits into its type.
fn count<T: TryFrom<u64>, const MIN: u64, const MAX: u64>(value: Option<Option<Whole<MIN, MAX>>>) -> Option<T> {
    value.flatten().and_then(|whole| T::try_from(whole.0).ok())
}

impl RawAgent {
    /// The checked agent.
    ///
    /// # Errors
    /// What is wrong with its directory.
    pub fn checked(self, context: &Context) -> Result<Agent, String> {
        let Some(written) = said(self.directory) else {
            return Err("`directory` is missing: give the path of the agent's project".to_owned());
        };
        let expanded = expand_home(Path::new(&written), context.home.as_deref())
            .map_err(|reason| format!("directory: {reason}"))?;
        if written.contains('\0') {
            return Err("`directory` contains a zero byte".to_owned());
        }
        Ok(Agent {
            directory: context.base.join(expanded).components().collect(),
            description: text(self.description),
            timeout_seconds: self.timeout.flatten().map(|seconds| seconds.0),
            model: said(self.model),
            max_budget_usd: self.max_budget_usd.flatten().map(|dollars| dollars.0),
            max_turns: count(self.max_turns).filter(|turns| *turns > 0),
            permission_mode: self.permission_mode.flatten().and_then(|mode| mode.0),
            allowed_tools: self.allowed_tools.flatten().map(|rules| rules.0),
            disallowed_tools: self.disallowed_tools.flatten().map(|rules| rules.0),
            unattended_tools: self.unattended_tools.flatten().map(|texts| texts.0),
            capabilities: self.capabilities.flatten().map(|texts| texts.0).unwrap_or_default(),
            risky_capabilities: self.risky_capabilities.flatten().map(|texts| texts.0).unwrap_or_default(),
            response_schemas: self.response_schemas.flatten().map(|schemas| schemas.0).unwrap_or_default(),
            instructions: self.instructions.flatten().filter(|text| !text.trim().is_empty()),
        })
    }
}

impl RawGroup {
    /// The checked group.
    ///
    /// # Errors
    /// The member that names no agent.
    pub fn checked(self) -> Result<Group, String> {
        let member = |(index, raw): (usize, RawMember)| {
            let Some(AgentName(agent)) = raw.agent.flatten() else {
                return Err(format!("members[{index}]: `agent` is missing"));
            };
            Ok(Member { agent, use_for: said(raw.use_for) })
        };
        let members = self.members.flatten().unwrap_or_default().0;
        Ok(Group {
            description: text(self.description),
            shared_context: text(self.shared_context),
            members: members.into_iter().enumerate().map(member).collect::<Result<_, _>>()?,
        })
    }
}

impl RawSettings {
    /// The settings with their defaults filled in.
    pub fn checked(self) -> Settings {
        let default = Settings::default();
        Settings {
            default_timeout: self.default_timeout.flatten().map_or(default.default_timeout, |seconds| seconds.0),
            default_max_budget_usd: self.default_max_budget_usd.flatten().map(|dollars| dollars.0),
            default_permission_mode: self.default_permission_mode.flatten().and_then(|mode| mode.0),
            default_allowed_tools: self.default_allowed_tools.flatten().map(|rules| rules.0).unwrap_or_default(),
            default_disallowed_tools: self.default_disallowed_tools.flatten().map(|rules| rules.0).unwrap_or_default(),
            unattended_tools: self.unattended_tools.flatten().map(|texts| texts.0).unwrap_or_default(),
            max_dispatch_depth: count(self.max_dispatch_depth).unwrap_or(default.max_dispatch_depth),
            max_concurrency: count(self.max_concurrency).unwrap_or(default.max_concurrency),
            dispatch_protocol: self.dispatch_protocol.flatten().map_or(default.dispatch_protocol, |flag| flag.0),
            usage_log: self.usage_log.flatten().map_or(default.usage_log, |flag| flag.0),
            job_retention_days: count(self.job_retention_days).unwrap_or(default.job_retention_days),
            resume_attempts: count(self.resume_attempts).unwrap_or(default.resume_attempts),
            wait_for_mcp: self.wait_for_mcp.flatten().map_or(default.wait_for_mcp, |flag| flag.0),
            cache: self.cache.flatten().map_or(default.cache, RawCache::checked),
        }
    }
}

impl RawCache {
    fn checked(self) -> CacheSettings {
        let default = CacheSettings::default();
        CacheSettings {
            enabled: self.enabled.flatten().map_or(default.enabled, |flag| flag.0),
            ttl: self.ttl.flatten().map_or(default.ttl, |seconds| seconds.0),
            max_size: count(self.max_size).unwrap_or(default.max_size),
        }
    }
}
