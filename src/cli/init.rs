//! `init`

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::bounded::{self, Unfinished};
use super::failure::{Exit, Failure};
use super::registration::{self, Entry, FileError, SERVER_NAME};
use super::{doctor, output, places};
use crate::config::path::{self, Environment};
use crate::config::write;
use crate::shell::claude;
use crate::shell::environment::CLAUDE;

/// How long `claude mcp add-json` may take. It usually takes a second; a first start on a slow disk takes more.
const REGISTER_LIMIT: Duration = Duration::from_secs(30);

const TEMPLATE: &str = "\
# The agents that agent-dispatch can send work to. `agent-dispatch add NAME DIR` writes here and keeps comments.
#
# agents:
#   infra:
#     directory: ~/projects/infra      # required
#     description: \"Servers and deployment\"
#     timeout: 300                     # seconds
#     model: sonnet
#     max_budget_usd: 1.0              # spend cap of a run
#     max_turns: 50                    # turn limit of a run
#     permission_mode: default         # acceptEdits, auto, bypassPermissions, default, dontAsk or plan
#     allowed_tools: [Read, Grep]      # absent: the default of the settings; []: none
#     instructions: |                  # standing orders for every run
#       Read-only.
#
# settings:
#   default_timeout: 300
#   max_concurrency: 5
#   cache: {enabled: true, ttl: 300}
";

/// Creates the config and registers the server. What is there already stays as it is.
pub fn run(environment: &Environment) -> Result<Exit, Failure> {
    let config = path::config_path(environment);
    let created = write::create(&config, TEMPLATE)?;
    let config = places::told(environment);
    output::data(&if created { format!("created {config}") } else { format!("kept {config}") })?;
    let entry = register(environment)?;
    warn_of_variables(environment, &entry);
    output::hint(
        "agent-dispatch add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one",
    );
    Ok(Exit::Success)
}

/// Returns what is registered then.
fn register(environment: &Environment) -> Result<Entry, Failure> {
    let own = own_command()?;
    let by_hand = format!("register by hand: {}", registration::by_hand(&own));
    let file = registration::file(environment);
    match file.as_deref().map_or(Ok(None), registration::entry) {
        Ok(Some(entry)) => return already(&entry, &own).map(|()| entry),
        Ok(None) => {}
        Err(error) => return Err(unusable(&error).hint(by_hand)),
    }
    let claude = claude::find().map_err(|error| {
        Failure::new(format!("the MCP server is not registered: {error}"))
            .hint(format!("{}; then run agent-dispatch init again", error.way_out()))
            .hint(format!("or {by_hand}"))
    })?;
    let mut command = claude::command(&claude);
    command.args(["mcp", "add-json", SERVER_NAME, &registration::wanted(&own).to_string(), "--scope", "user"]);
    match bounded::run(command, REGISTER_LIMIT) {
        Ok(done) if done.status.success() => {
            output::data(&format!("registered MCP server {SERVER_NAME}: {own} serve"))?;
            Ok(Entry::ours(&own))
        }
        Ok(done) if format!("{}{}", done.stdout, done.stderr).to_lowercase().contains("already exists") => {
            output::data(&format!("MCP server {SERVER_NAME} is registered already"))?;
            Ok(Entry::ours(&own))
        }
        Ok(done) => Err(refused(&claude, done.first_line()).hint(by_hand)),
        Err(Unfinished::Interrupted) => {
            Err(Failure::new("interrupted; the MCP server is not registered").hint(by_hand))
        }
        Err(error) => Err(refused(&claude, &error.to_string()).hint(by_hand)),
    }
}

/// What is set here need not be set where Claude Code starts the server.
fn warn_of_variables(environment: &Environment, entry: &Entry) {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let missing = |name: &&str| !entry.environment.contains_key(*name);
    let set = path::VARIABLES.into_iter().chain([CLAUDE]).filter(set).filter(missing).collect::<Vec<_>>().join(", ");
    if !set.is_empty() {
        output::warning(&format!(
            "set here: {set}; the server sees that only if Claude Code itself is started with it"
        ));
    }
    let differences = places::differences(environment, entry);
    for difference in &differences {
        output::warning(&difference.what);
    }
    if let Some(difference) = differences.first() {
        output::hint(&difference.remedy);
    }
}

fn own_command() -> Result<String, Failure> {
    let again = "install agent-dispatch again, then run agent-dispatch init";
    let own: PathBuf = registration::own_path()
        .map_err(|error| Failure::new(format!("the path of this program cannot be told: {error}")).hint(again))?;
    own.into_os_string().into_string().map_err(|own| {
        let own = Path::new(&own).display().to_string();
        Failure::new(format!("the path of this program is not UTF-8 text: {own}"))
            .hint("move agent-dispatch to another directory; Claude Code could not start it from there")
    })
}

fn already(entry: &Entry, own: &str) -> Result<(), Failure> {
    output::data(&format!("MCP server {SERVER_NAME} is registered already: {}", doctor::shown(entry)))?;
    if entry.command != own {
        output::warning(&format!("it is not this program, which is {own}"));
        output::hint(&format!(
            "to change that: claude mcp remove {SERVER_NAME} --scope user && {}",
            registration::by_hand(own)
        ));
    }
    Ok(())
}

/// The CLI would replace a damaged file by an empty one.
fn unusable(error: &FileError) -> Failure {
    Failure::new(format!("the MCP server is not registered: {error}")).hint(match error {
        FileError::Damaged { .. } => {
            "repair the file, or move it away, then run agent-dispatch init again; claude itself would replace it"
        }
        FileError::Unreadable { .. } => "check its owner and permissions, then run agent-dispatch init again",
    })
}

fn refused(claude: &Path, what: &str) -> Failure {
    Failure::new(format!("the MCP server is not registered: {} mcp add-json: {what}", claude.display()))
}
