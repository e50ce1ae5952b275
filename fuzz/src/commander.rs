//! A parser of command lines that behaves as that of the claude CLI does (which is commander.js): an oracle with
//! another shape than the code that it judges.
//!
//! Facts that it follows: an option with a value eats the argument that follows, whatever that looks like; a variadic
//! option goes on eating until something looks like an option; an optional value is not taken from what looks like an
//! option; `--flag=value` takes its value from the same argument and nothing else; `-p` is a boolean, so `-phi` is
//! `-p` and the unknown option `-hi`; after `--` everything is positional; what looks like an option and is none is
//! refused.

/// How many values an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// None.
    Nothing,
    /// Exactly one.
    One,
    /// One, or none.
    Optional,
    /// One or more.
    Many,
}

/// Options of the CLI: those that we pass, and others that a smuggled value might reach.
const OPTIONS: &[(&str, Takes)] = &[
    ("-p", Takes::Nothing),
    ("--print", Takes::Nothing),
    ("-c", Takes::Nothing),
    ("--continue", Takes::Nothing),
    ("--verbose", Takes::Nothing),
    ("--bare", Takes::Nothing),
    ("--fork-session", Takes::Nothing),
    ("--strict-mcp-config", Takes::Nothing),
    ("--dangerously-skip-permissions", Takes::Nothing),
    ("-h", Takes::Nothing),
    ("--help", Takes::Nothing),
    ("-v", Takes::Nothing),
    ("--version", Takes::Nothing),
    ("-d", Takes::Optional),
    ("--debug", Takes::Optional),
    ("-r", Takes::Optional),
    ("--resume", Takes::Optional),
    ("-n", Takes::One),
    ("--output-format", Takes::One),
    ("--input-format", Takes::One),
    ("--session-id", Takes::One),
    ("--model", Takes::One),
    ("--fallback-model", Takes::One),
    ("--permission-mode", Takes::One),
    ("--permission-prompt-tool", Takes::One),
    ("--permission-prompts", Takes::One),
    ("--system-prompt", Takes::One),
    ("--append-system-prompt", Takes::One),
    ("--system-prompt-snapshot", Takes::One),
    ("--max-budget-usd", Takes::One),
    ("--max-turns", Takes::One),
    ("--json-schema", Takes::One),
    ("--settings", Takes::One),
    ("--setting-sources", Takes::One),
    ("--allowedTools", Takes::Many),
    ("--disallowedTools", Takes::Many),
    ("--tools", Takes::Many),
    ("--mcp-config", Takes::Many),
    ("--add-dir", Takes::Many),
];

/// What a command line was read as.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parsed {
    /// Options in the order in which they came, each with one value; a variadic one appears once for each value.
    pub options: Vec<(String, Option<String>)>,
    /// Everything else.
    pub positionals: Vec<String>,
}

/// Reads a command line; the error is what the CLI would print.
///
/// # Errors
/// The text of the CLI for an unknown option or a missing value.
pub fn parse(arguments: &[String]) -> Result<Parsed, String> {
    let mut parsed = Parsed::default();
    let mut rest: std::collections::VecDeque<String> = arguments.iter().cloned().collect();
    let mut variadic: Option<&str> = None;
    while let Some(argument) = rest.pop_front() {
        if argument == "--" {
            parsed.positionals.extend(rest);
            break;
        }
        if let Some(name) = variadic.filter(|_| !looks_like_option(&argument)) {
            parsed.options.push((name.to_owned(), Some(argument)));
            continue;
        }
        variadic = None;
        if let Some((name, takes)) = option(&argument) {
            let value = match takes {
                Takes::Nothing => None,
                Takes::One | Takes::Many => {
                    Some(rest.pop_front().ok_or_else(|| format!("error: option '{name}' argument missing"))?)
                }
                Takes::Optional if rest.front().is_some_and(|next| !looks_like_option(next)) => rest.pop_front(),
                Takes::Optional => None,
            };
            parsed.options.push((name.to_owned(), value));
            variadic = (takes == Takes::Many).then_some(name);
            continue;
        }
        if let Some((name, takes, tail)) = short_cluster(&argument) {
            if takes == Takes::Nothing {
                parsed.options.push((name.to_owned(), None));
                rest.push_front(format!("-{tail}"));
            } else {
                parsed.options.push((name.to_owned(), Some(tail.to_owned())));
            }
            continue;
        }
        if let Some((name, value)) = with_value(&argument) {
            parsed.options.push((name.to_owned(), Some(value.to_owned())));
            continue;
        }
        if looks_like_option(&argument) {
            return Err(format!("error: unknown option '{argument}'"));
        }
        parsed.positionals.push(argument);
    }
    Ok(parsed)
}

fn looks_like_option(argument: &str) -> bool {
    argument.len() > 1 && argument.starts_with('-')
}

fn option(name: &str) -> Option<(&'static str, Takes)> {
    OPTIONS.iter().copied().find(|(known, _)| *known == name)
}

/// `-pX`: a known short option, and what is glued to it.
fn short_cluster(argument: &str) -> Option<(&'static str, Takes, &str)> {
    let tail = argument.strip_prefix('-')?;
    let first = tail.chars().next().filter(|first| *first != '-')?;
    let (head, rest) = tail.split_at(first.len_utf8());
    let (name, takes) = option(&format!("-{head}")).filter(|_| !rest.is_empty())?;
    Some((name, takes, rest))
}

/// `--name=value` of an option that takes a value.
fn with_value(argument: &str) -> Option<(&'static str, &str)> {
    let (name, value) = argument.split_once('=').filter(|(name, _)| name.starts_with("--") && name.len() > 2)?;
    let (name, _) = option(name).filter(|(_, takes)| *takes != Takes::Nothing)?;
    Some((name, value))
}
