//! Permission rules and modes as they stand in agents.yaml, checked where they stand, so that the parser knows the place.
use serde::de::{Deserialize, Deserializer, Unexpected};

use super::name::echoed;
use super::shapes::{Refusal, Scalar, list};
use crate::machines::misnamed::check_mode;
use crate::machines::mode;
use crate::machines::rule::{self, Fault, List};

/// A list of permission rules, each of which can have an effect. `ALLOWED`: in a list of what is allowed.
#[derive(Debug, Clone)]
pub(super) struct Rules<const ALLOWED: bool>(pub Vec<String>);

impl<'de, const ALLOWED: bool> Deserialize<'de> for Rules<ALLOWED> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        list(source, "a list of rules, such as `[Read, Grep]`", |Rule::<ALLOWED>(rule)| Ok(rule)).map(Self)
    }
}

struct Rule<const ALLOWED: bool>(String);

impl<'de, const ALLOWED: bool> Deserialize<'de> for Rule<ALLOWED> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let check = |found: Unexpected<'_>| match found {
            Unexpected::Str(rule) => checked(rule, ALLOWED).map(|()| Self(rule.to_owned())).map_err(Refusal::Because),
            Unexpected::Unit => because("an entry of the list says nothing; take it out, or write a rule there"),
            Unexpected::Seq => because("a list stands within the list; write each of its rules as an entry of its own"),
            Unexpected::Map => because("a colon and a space make this a mapping; put the rule in quotes"),
            _ => Err(Refusal::Type),
        };
        source.deserialize_any(Scalar { expected: "a rule, such as `Read` or `Bash(git log:*)`", check })
    }
}

fn checked(rule: &str, allowed: bool) -> Result<(), String> {
    rule::check(rule, if allowed { List::Allowed } else { List::Disallowed }).map_err(|wrong| match wrong.fault {
        // What was meant stands in the line, not in what YAML left of it.
        Fault::Open => format!(
            "{}; without quotes, ` #` and, in `[…]`, a comma end an entry",
            rule::Wrong { corrected: None, ..wrong }
        ),
        _ => wrong.to_string(),
    })
}

fn because<T>(reason: &str) -> Result<T, Refusal> {
    Err(Refusal::Because(reason.to_owned()))
}

/// A permission mode; `None` where nothing is said.
#[derive(Debug, Clone)]
pub(super) struct Mode(pub Option<String>);

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        let check = |found: Unexpected<'_>| {
            let Unexpected::Str(text) = found else { return Err(Refusal::Type) };
            let mode = text.trim();
            if mode.is_empty() {
                return Ok(Self(None));
            }
            let wrong = |wrong| Refusal::Because(format!("`{}` {wrong}", echoed(mode)));
            check_mode(mode, mode::KNOWN).map(|()| Self(Some(mode.to_owned()))).map_err(wrong)
        };
        source.deserialize_str(Scalar { expected: "the name of a permission mode", check })
    }
}
