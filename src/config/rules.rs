//! Permission rules and modes as they stand in agents.yaml, checked where they stand, so that the parser knows the place.
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::machines::misnamed;
use crate::machines::mode;
use crate::machines::rule::{self, Fault, List};

/// A list of permission rules, each of which can have an effect. `ALLOWED`: in a list of what is allowed.
#[derive(Debug, Clone)]
pub(super) struct Rules<const ALLOWED: bool>(pub Vec<String>);

/// The list that is meant.
const fn list(allowed: bool) -> List {
    if allowed { List::Allowed } else { List::Disallowed }
}

impl<'de, const ALLOWED: bool> Deserialize<'de> for Rules<ALLOWED> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_seq(RulesVisitor::<ALLOWED>)
    }
}

struct RulesVisitor<const ALLOWED: bool>;

impl<'de, const ALLOWED: bool> Visitor<'de> for RulesVisitor<ALLOWED> {
    type Value = Rules<ALLOWED>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a list of rules, such as `[Read, Grep]`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut rules = Vec::new();
        while let Some(Rule(rule)) = seq.next_element::<Rule<ALLOWED>>()? {
            rules.push(rule);
        }
        Ok(Rules(rules))
    }
}

/// One rule.
struct Rule<const ALLOWED: bool>(String);

impl<'de, const ALLOWED: bool> Deserialize<'de> for Rule<ALLOWED> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_any(RuleVisitor::<ALLOWED>)
    }
}

struct RuleVisitor<const ALLOWED: bool>;

impl<'de, const ALLOWED: bool> Visitor<'de> for RuleVisitor<ALLOWED> {
    type Value = Rule<ALLOWED>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a rule, such as `Read` or `Bash(git log:*)`")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
        match rule::check(value, list(ALLOWED)) {
            Ok(()) => Ok(Rule(value.to_owned())),
            // What was meant stands in the line, not in what YAML left of it.
            Err(wrong) if wrong.fault == Fault::Open => Err(E::custom(format_args!(
                "{}; without quotes, ` #` and, in `[…]`, a comma end an entry",
                rule::Wrong { corrected: None, ..wrong }
            ))),
            Err(wrong) => Err(E::custom(wrong)),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Err(E::custom("an entry of the list says nothing; take it out, or write a rule there"))
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        self.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Err(A::Error::custom("a list stands within the list; write each of its rules as an entry of its own"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Err(A::Error::custom("a colon and a space make this a mapping; put the rule in quotes"))
    }
}

/// A permission mode; `None` where nothing is said.
#[derive(Debug, Clone)]
pub(super) struct Mode(pub Option<String>);

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        source.deserialize_str(ModeVisitor)
    }
}

struct ModeVisitor;

impl Visitor<'_> for ModeVisitor {
    type Value = Mode;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name of a permission mode")
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Mode, E> {
        let mode = value.trim();
        if mode.is_empty() {
            return Ok(Mode(None));
        }
        match misnamed::check_mode(mode, mode::KNOWN) {
            Ok(()) => Ok(Mode(Some(mode.to_owned()))),
            Err(wrong) => Err(E::custom(format_args!("`{}` {wrong}", super::name::echoed(mode)))),
        }
    }
}
