//! Refusals that need nothing but the flags and the user's configuration (CLI contract, chapters 1, 2, 7, 10 and 14).

use std::path::Path;

use serde_json::Value;

use crate::args::Args;
use crate::out::Format;
use crate::verbs::file::stderr;
use crate::{Stop, mcp, session};

/// Levels of `--effort`; another one only earns a warning.
const EFFORTS: &[&str] = &["low", "medium", "high", "xhigh", "max"];
/// Places that settings may come from.
const SOURCES: &[&str] = &["user", "project", "local"];

/// Format and verbosity, or the refusal.
pub fn check(args: &Args) -> Result<(Format, bool), Stop> {
    permissions(args)?;
    prompts(args)?;
    settings(args)?;
    args.all("--mcp-config").into_iter().try_for_each(mcp_config)?;
    if let Some(level) = args.last("--effort").filter(|e| !EFFORTS.contains(e)) {
        stderr(format!("Warning: unknown effort level '{level}', using the default\n").as_bytes());
    }
    format(args)
}

fn refuse<T>(text: &str) -> Result<T, Stop> {
    Err(Stop::error(format!("{text}\n")))
}

fn permissions(args: &Args) -> Result<(), Stop> {
    let bypass = args.last("--permission-mode") == Some("bypassPermissions")
        || args.has("--dangerously-skip-permissions")
        || args.has("--allow-dangerously-skip-permissions");
    let sandbox = std::env::var_os("IS_SANDBOX").is_some_and(|v| v == "1");
    if bypass && rustix::process::getuid().is_root() && !sandbox {
        return refuse("--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons");
    }
    Ok(())
}

fn prompts(args: &Args) -> Result<(), Stop> {
    for (kind, text, file) in [
        ("System", "--system-prompt", "--system-prompt-file"),
        ("Append system", "--append-system-prompt", "--append-system-prompt-file"),
    ] {
        if args.has(text) && args.has(file) {
            return refuse(&format!("Error: Cannot use both {text} and {file}. Please use only one."));
        }
        if let Some(path) = args.last(file).filter(|p| !Path::new(p).is_file()) {
            return refuse(&format!("Error: {kind} prompt file not found: {path}"));
        }
    }
    Ok(())
}

fn settings(args: &Args) -> Result<(), Stop> {
    if let Some(given) = args.last("--settings")
        && !Path::new(given).is_file()
        && serde_json::from_str::<Value>(given).is_err()
    {
        return refuse(&format!("Error: Settings file not found: {given}"));
    }
    let sources = args.last("--setting-sources").unwrap_or_default();
    match sources.split(',').map(str::trim).find(|s| !s.is_empty() && !SOURCES.contains(s)) {
        Some(bogus) => refuse(&format!(
            "Error processing --setting-sources: Invalid setting source: {bogus}. Valid options are: user, project, local"
        )),
        None => Ok(()),
    }
}

/// Inline JSON or a file. Servers themselves are never refused: a broken one only shows in `init`.
fn mcp_config(given: &str) -> Result<(), Stop> {
    let inline = serde_json::from_str::<Value>(given).ok();
    let from_file = || {
        let text = std::fs::read_to_string(given).ok()?;
        serde_json::from_str(&text).ok()
    };
    let Some(config) = inline.or_else(from_file) else {
        let path = std::env::current_dir().unwrap_or_default().join(given);
        return refuse(&format!("Error: Invalid MCP configuration:\nMCP config file not found: {}", path.display()));
    };
    if config["mcpServers"].is_object() {
        return Ok(());
    }
    refuse("Error: Invalid MCP configuration:\nmcpServers: Invalid input: expected record, received undefined")
}

fn format(args: &Args) -> Result<(Format, bool), Stop> {
    let format = match args.last("--output-format") {
        Some("json") => Format::Json,
        Some("stream-json") => Format::Stream,
        _ => Format::Text,
    };
    let verbose = args.has("--verbose") || configured_verbose(args);
    let streams_in = args.last("--input-format") == Some("stream-json");
    if streams_in && format != Format::Stream {
        return refuse("Error: --input-format=stream-json requires output-format=stream-json.");
    }
    if args.has("--include-partial-messages") && format != Format::Stream {
        return refuse("Error: --include-partial-messages requires --print and --output-format=stream-json.");
    }
    if format == Format::Stream && !verbose {
        return refuse("Error: When using --print, --output-format=stream-json requires --verbose");
    }
    if streams_in {
        return Err(Stop {
            code: 64,
            stderr: "fake-claude: --input-format=stream-json is not played\n".into(),
            ..Stop::default()
        });
    }
    Ok((format, verbose))
}

/// `"verbose": true` in the user's configuration, settings, or `--settings` (chapter 2.4).
fn configured_verbose(args: &Args) -> bool {
    let files = [mcp::config_file(), session::config_dir().map(|d| d.join("settings.json"))];
    let texts = files.into_iter().flatten().filter_map(|f| std::fs::read_to_string(f).ok());
    let given = args.last("--settings").map(|s| std::fs::read_to_string(s).unwrap_or_else(|_| s.to_owned()));
    texts.chain(given).any(|t| serde_json::from_str::<Value>(&t).is_ok_and(|v| v["verbose"] == true))
}
