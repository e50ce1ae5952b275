//! Command line of the CLI, parsed the way its parser does it (CLI contract, chapters 4 to 6).

use std::collections::VecDeque;

use crate::Stop;
use crate::suggest::did_you_mean;

/// Every option, as declared in the CLI: names, then what it takes (`<one>`, `[maybe]`, `<many...>`).
const OPTIONS: &[&str] = &[
    "-d, --debug [filter]",
    "--debug-file <path>",
    "--verbose",
    "-p, --print",
    "--output-format <format>",
    "--json-schema <schema>",
    "--include-partial-messages",
    "--include-hook-events",
    "--input-format <format>",
    "--dangerously-skip-permissions",
    "--allow-dangerously-skip-permissions",
    "--max-turns <turns>",
    "--max-budget-usd <amount>",
    "--replay-user-messages",
    "--allowedTools, --allowed-tools <tools...>",
    "--tools <tools...>",
    "--disallowedTools, --disallowed-tools <tools...>",
    "--mcp-config <configs...>",
    "--permission-prompt-tool <tool>",
    "--permission-prompts <target>",
    "--system-prompt <prompt>",
    "--system-prompt-file <file>",
    "--append-system-prompt <prompt>",
    "--append-system-prompt-file <file>",
    "--system-prompt-snapshot <on|off>",
    "--permission-mode <mode>",
    "-c, --continue",
    "-r, --resume [value]",
    "--fork-session",
    "--no-session-persistence",
    "--model <model>",
    "--agent <agent>",
    "--agents <json>",
    "--betas <betas...>",
    "--fallback-model <model>",
    "--settings <file-or-json>",
    "--add-dir <directories...>",
    "--strict-mcp-config",
    "--session-id <uuid>",
    "-n, --name <name>",
    "--setting-sources <sources>",
    "--disable-slash-commands",
    "--file <specs...>",
    "--effort <level>",
    "--bare",
    "--safe-mode",
    "--exclude-dynamic-system-prompt-sections",
    "-v, --version",
];

/// Options whose value must be one of a few words (chapters 1.2 and 7).
const CHOICES: &[(&str, &[&str])] = &[
    ("--output-format", &["text", "json", "stream-json"]),
    ("--input-format", &["text", "stream-json"]),
    ("--permission-mode", &["acceptEdits", "auto", "bypassPermissions", "manual", "dontAsk", "plan"]),
    ("--permission-prompts", &["host", "none"]),
];

/// What `manual` was called before; not listed any more, and still taken (chapter 17.4).
const UNLISTED_MODE: &str = "default";

/// The permission mode as the CLI reports it.
pub fn mode(given: &str) -> &str {
    if given == "manual" { UNLISTED_MODE } else { given }
}

/// How many values an option takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Maybe,
    One,
    Many,
}

/// One declared option.
struct Spec {
    /// As declared; error texts repeat it.
    flags: &'static str,
    names: Vec<&'static str>,
    takes: Takes,
}

impl Spec {
    fn new(flags: &'static str) -> Self {
        let words = || flags.split([' ', ',']).filter(|w| !w.is_empty());
        let takes = match words().next_back() {
            Some(w) if w.ends_with("...>") => Takes::Many,
            Some(w) if w.starts_with('<') => Takes::One,
            Some(w) if w.starts_with('[') => Takes::Maybe,
            _ => Takes::Nothing,
        };
        Self { flags, names: words().filter(|w| w.starts_with('-')).collect(), takes }
    }

    /// The name under which values are kept: the first long one.
    fn key(&self) -> &'static str {
        self.names.iter().find(|n| n.starts_with("--")).copied().unwrap_or(self.flags)
    }
}

/// What was given.
#[derive(Default)]
pub struct Args {
    /// Option by its first long name, and its value (empty for a switch), in order.
    given: Vec<(&'static str, Option<String>)>,
    /// Only the first is the prompt; the CLI ignores the others.
    pub positionals: Vec<String>,
    /// `-h` or `--help` was asked for.
    pub help: bool,
}

impl Args {
    /// Was the option given at all?
    pub fn has(&self, key: &str) -> bool {
        self.given.iter().any(|(k, _)| *k == key)
    }

    /// The last value given: repeats override (chapter 6).
    pub fn last(&self, key: &str) -> Option<&str> {
        self.given.iter().rev().find(|(k, _)| *k == key)?.1.as_deref()
    }

    /// All values of a variadic option.
    pub fn all(&self, key: &str) -> Vec<&str> {
        self.given.iter().filter(|(k, _)| *k == key).filter_map(|(_, v)| v.as_deref()).collect()
    }

    fn put(&mut self, spec: &Spec, value: Option<String>) -> Result<(), Stop> {
        if let Some(value) = &value {
            check_value(spec, value)?;
        }
        self.given.push((spec.key(), value));
        Ok(())
    }
}

fn check_value(spec: &Spec, value: &str) -> Result<(), Stop> {
    if let Some((_, choices)) = CHOICES.iter().find(|(k, _)| *k == spec.key())
        && !choices.contains(&value)
        && value != UNLISTED_MODE
    {
        return Err(Stop::error(format!(
            "error: option '{}' argument '{value}' is invalid. Allowed choices are {}.\n",
            spec.flags,
            choices.join(", ")
        )));
    }
    if spec.key() == "--max-budget-usd" && !value.trim().parse::<f64>().is_ok_and(|v| v > 0.0) {
        return Err(Stop::error(crash("--max-budget-usd must be a positive number greater than 0")));
    }
    Ok(())
}

/// Size of the dump that the CLI leaves on stderr when a value parser throws (chapter 1.2).
const CRASH_BYTES: usize = 12_000;

fn crash(message: &str) -> String {
    let mut dump = String::with_capacity(CRASH_BYTES + 200);
    while dump.len() < CRASH_BYTES {
        dump.push_str("var e=t(n),r=o?.(i)??a;if(!r)throw Error(s);");
    }
    format!("{dump}\n\nerror: {message}\n      at parse (/$bunfs/root/claude:1:1)\n")
}

/// Does the parser take this word for an option? A lone `-` is a word.
fn looks_like_option(arg: &str) -> bool {
    arg.len() > 1 && arg.starts_with('-')
}

/// Parses; `rejected` options are unknown to this CLI, as in a version that does not have them.
pub fn parse(argv: &[String], rejected: &[String]) -> Result<Args, Stop> {
    let specs: Vec<Spec> = OPTIONS
        .iter()
        .map(|f| Spec::new(f))
        .filter(|s| !s.names.iter().any(|n| rejected.iter().any(|r| r == n)))
        .collect();
    let mut parser =
        Parser { specs: &specs, rest: argv.iter().cloned().collect(), args: Args::default(), unknown: Vec::new() };
    parser.run()?;
    let Parser { mut args, unknown, .. } = parser;
    args.help = unknown.iter().any(|u| u == "-h" || u == "--help");
    match unknown.first() {
        Some(first) if !args.help => {
            let mut known: Vec<String> = specs.iter().map(|s| s.key().to_owned()).collect();
            known.push("--help".to_owned());
            Err(Stop::error(format!("error: unknown option '{first}'{}\n", did_you_mean(first, &known))))
        }
        _ => Ok(args),
    }
}

struct Parser<'a> {
    specs: &'a [Spec],
    rest: VecDeque<String>,
    args: Args,
    /// From the first unknown option on, loose words gather here and not among the positionals.
    unknown: Vec<String>,
}

impl<'a> Parser<'a> {
    fn find(&self, name: &str) -> Option<&'a Spec> {
        self.specs.iter().find(|s| s.names.contains(&name))
    }

    fn run(&mut self) -> Result<(), Stop> {
        let mut swallowing: Option<&Spec> = None;
        while let Some(arg) = self.rest.pop_front() {
            if arg == "--" {
                self.args.positionals.extend(self.rest.drain(..));
                return Ok(());
            }
            let swallows = swallowing.filter(|_| !looks_like_option(&arg));
            if let Some(spec) = swallows {
                self.args.put(spec, Some(arg))?;
            } else if let Some(spec) = self.find(&arg) {
                self.take(spec)?;
                swallowing = (spec.takes == Takes::Many).then_some(spec);
            } else if self.joined(&arg)? {
                swallowing = None;
            } else {
                swallowing = None;
                let to_unknown = looks_like_option(&arg) || !self.unknown.is_empty();
                if to_unknown { self.unknown.push(arg) } else { self.args.positionals.push(arg) }
            }
        }
        Ok(())
    }

    /// The value follows as the next word. A needed one is eaten even when it looks like a flag (chapter 6).
    fn take(&mut self, spec: &Spec) -> Result<(), Stop> {
        let value = match spec.takes {
            Takes::Nothing => None,
            Takes::Maybe if self.rest.front().is_none_or(|next| looks_like_option(next)) => None,
            Takes::Maybe => self.rest.pop_front(),
            Takes::One | Takes::Many => Some(
                self.rest
                    .pop_front()
                    .ok_or_else(|| Stop::error(format!("error: option '{}' argument missing\n", spec.flags)))?,
            ),
        };
        self.args.put(spec, value)
    }

    /// `-xyz` and `--name=value`. Answers whether the word was understood.
    fn joined(&mut self, arg: &str) -> Result<bool, Stop> {
        let mut chars = arg.chars();
        if chars.next() == Some('-')
            && let Some(letter) = chars.next().filter(|c| *c != '-')
            && !chars.as_str().is_empty()
            && let Some(spec) = self.find(&format!("-{letter}"))
        {
            if spec.takes == Takes::Nothing {
                self.args.put(spec, None)?;
                self.rest.push_front(format!("-{}", chars.as_str()));
            } else {
                self.args.put(spec, Some(chars.as_str().to_owned()))?;
            }
            return Ok(true);
        }
        if arg.starts_with("--")
            && let Some((name, value)) = arg.split_once('=')
            && let Some(spec) = self.find(name).filter(|s| s.takes != Takes::Nothing)
        {
            self.args.put(spec, Some(value.to_owned()))?;
            return Ok(true);
        }
        Ok(false)
    }
}

/// The text of `--help`: every option that this CLI knows.
pub fn help(rejected: &[String]) -> String {
    let mut text = String::from(
        "Usage: claude [options] [command] [prompt]\n\nClaude Code - starts an interactive session by default, use -p/--print for \
         non-interactive output\n\nArguments:\n  prompt  Your prompt\n\nOptions:\n",
    );
    for spec in OPTIONS.iter().map(|f| Spec::new(f)) {
        if !spec.names.iter().any(|n| rejected.iter().any(|r| r == n)) {
            text.push_str("  ");
            text.push_str(spec.flags);
            text.push('\n');
        }
    }
    text.push_str("  -h, --help\n\nCommands:\n  mcp  Configure and manage MCP servers\n");
    text
}
