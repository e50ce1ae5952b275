//! `init`

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::failure::{ExitCode, Failure};
use super::registration::installation::{self, typed};
use super::registration::scopes::{self, Found, Registration};
use super::registration::soundness::{self, Finding};
use super::registration::{self, FileError, SERVER_NAME, ServerEntry};
use super::subprocess::{self, SubprocessError};
use super::{output, places};
use crate::config::path::{self, Environment};
use crate::config::write;
use crate::machines::registration::{Scope, Standing};
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
pub fn run(environment: &Environment) -> Result<ExitCode, Failure> {
    let config = path::config_path(environment);
    let created = write::create(&config, TEMPLATE)?;
    let config = places::told(environment);
    output::data(&if created { format!("created {config}") } else { format!("kept {config}") })?;
    let own = register(environment)?;
    // What was registered a moment ago is in the file now.
    let found = scopes::find(environment).unwrap_or_default();
    let counting = found.counting().unwrap_or(&own);
    if counting.scope != own.scope {
        works(environment, counting)?;
        warn_of_another(counting);
    }
    if let Some((what, way_out)) = found.twice() {
        output::warning(&what);
        output::hint(&way_out);
    }
    warn_of_variables(environment, counting, &found);
    warn_of_place(&own);
    output::hint(&format!(
        "{} add NAME DIR makes a project an agent; then restart Claude Code and ask it to use one",
        typed()
    ));
    Ok(ExitCode::Success)
}

/// Returns what is registered for the user then, or what a plugin brings.
fn register(environment: &Environment) -> Result<Registration, Failure> {
    let own = own_command()?;
    let by_hand = format!("register by hand: {}", registration::by_hand(&own));
    let found = scopes::find(environment).map_err(|error| unusable(&error).hint(by_hand.as_str()))?;
    if let Some(registration) = found.of_user() {
        works(environment, registration)?;
        return already(registration, &own).map(|()| registration.clone());
    }
    // With a second server sessions would have all tools twice.
    if let Some(registration) = found.of_plugin().or_else(|| found.of_unloadable_plugin()) {
        works(environment, registration)?;
        output::data(&format!("MCP server {SERVER_NAME} is there already: {}", registration.place()))?;
        return Ok(registration.clone());
    }
    let registered = || Registration {
        scope: Scope::User,
        file: registration::file(environment).unwrap_or_default(),
        entry: ServerEntry::ours(&own),
        standing: Standing::Counts,
        plugin: None,
        fault: None,
    };
    let claude = claude::find().map_err(|error| {
        Failure::new(format!("the MCP server is not registered: {error}"))
            .hint(format!("{}; then run {} init again", error.way_out(), typed()))
            .hint(format!("or {by_hand}"))
    })?;
    let mut command = claude::command(&claude);
    command.args(["mcp", "add-json", SERVER_NAME, &registration::wanted(&own).to_string(), "--scope", "user"]);
    match subprocess::run(command, REGISTER_LIMIT) {
        Ok(done) if done.status.success() => {
            output::data(&format!("registered MCP server {SERVER_NAME}: {own} serve"))?;
            Ok(registered())
        }
        Ok(done) if format!("{}{}", done.stdout, done.stderr).to_lowercase().contains("already exists") => {
            output::data(&format!("MCP server {SERVER_NAME} is registered already"))?;
            Ok(registered())
        }
        Ok(done) => Err(refused(&claude, done.first_line()).hint(by_hand)),
        Err(SubprocessError::Interrupted) => {
            Err(Failure::new("interrupted; the MCP server is not registered").hint(by_hand))
        }
        Err(error) => Err(refused(&claude, &error.to_string()).hint(by_hand)),
    }
}

/// A registration that goes before the user's where he stands.
fn warn_of_another(counting: &Registration) {
    let about = match counting.standing {
        Standing::Unapproved => "here another registration counts once it is approved, and for `claude -p` now",
        Standing::Counts | Standing::Behind(_) | Standing::Refused | Standing::Off | Standing::Unloadable => {
            "here another registration counts"
        }
    };
    output::warning(&format!("{about}: {} ({})", counting.entry.shown(), counting.place()));
}

/// What is set here need not be set where Claude Code starts the server.
fn warn_of_variables(environment: &Environment, counting: &Registration, found: &Found) {
    let set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let missing = |name: &&str| {
        let in_settings = found.settings.iter().any(|(_, set)| set.contains_key(*name));
        !in_settings && !counting.entry.environment.contains_key(*name)
    };
    let set = path::VARIABLES.into_iter().chain([CLAUDE]).filter(set).filter(missing).collect::<Vec<_>>().join(", ");
    if !set.is_empty() {
        output::warning(&format!(
            "set here: {set}; the server sees that only if Claude Code itself is started with it"
        ));
    }
    let differences = places::differences(environment, counting, &found.settings);
    for difference in &differences {
        output::warning(&difference.what);
    }
    if let Some(difference) = differences.first() {
        output::hint(&difference.remedy);
    }
}

/// Where this program is registered and may not stay. One that is not this program was told already.
fn warn_of_place(registration: &Registration) {
    let command = &registration.entry.command;
    let registered = Path::new(command);
    if installation::lasting_path().is_ok_and(|own| own != registered) {
        return;
    }
    let removal = registration.removal();
    if let Some(runner) = installation::runner_of(registered) {
        output::warning(&format!("this program, {command}, is {}", runner.told()));
        output::hint(&format!("{}; then {removal} && {SERVER_NAME} init", runner.install));
    } else if installation::is_off_path(registered) {
        output::warning(&format!(
            "this program, {command}, is not on PATH; Claude Code starts it from there, so it must stay there"
        ));
        output::hint(&format!(
            "to have it elsewhere: move it to a directory on PATH, then {removal} && {SERVER_NAME} init"
        ));
    }
}

/// What is registered and cannot be started is what brings people here.
fn works(environment: &Environment, registration: &Registration) -> Result<(), Failure> {
    match soundness::judge(environment, registration) {
        Finding::Sound(_) | Finding::Doubtful { .. } => Ok(()),
        Finding::Broken { what, remedy } => {
            Err(Failure::new(format!("MCP server {SERVER_NAME} does not work: {what}")).hint(remedy))
        }
    }
}

fn own_command() -> Result<String, Failure> {
    let again = format!("install {SERVER_NAME} again, then run {} init", typed());
    let own: PathBuf = installation::lasting_path()
        .map_err(|error| Failure::new(format!("the path of this program cannot be told: {error}")).hint(again))?;
    own.into_os_string().into_string().map_err(|own| {
        let own = Path::new(&own).display().to_string();
        Failure::new(format!("the path of this program is not UTF-8 text: {own}"))
            .hint("move agent-dispatch to another directory; Claude Code could not start it from there")
    })
}

fn already(registration: &Registration, own: &str) -> Result<(), Failure> {
    output::data(&format!("MCP server {SERVER_NAME} is registered already: {}", registration.entry.shown()))?;
    if registration.entry.command != own {
        output::warning(&format!("it is not this program, which is {own}"));
        let entry = registration.entry.with_command(own);
        output::hint(&format!("to change that: {}", registration.replacement(&entry)));
    }
    Ok(())
}

/// The CLI would replace a damaged file by an empty one.
fn unusable(error: &FileError) -> Failure {
    let own = typed();
    Failure::new(format!("the MCP server is not registered: {error}")).hint(match error {
        FileError::Damaged { .. } => {
            format!("repair the file, or move it away, then run {own} init again; claude itself would replace it")
        }
        FileError::Unreadable { .. } => format!("check its owner and permissions, then run {own} init again"),
    })
}

fn refused(claude: &Path, what: &str) -> Failure {
    Failure::new(format!("the MCP server is not registered: {} mcp add-json: {what}", claude.display()))
}
