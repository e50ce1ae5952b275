//! All registrations that Claude Code knows where the user stands. Which of them counts there is decided in
//! [`crate::machines::registration`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::server_environment::EnvironmentSetting;
use super::{FileError, SERVER_NAME, ServerEntry, by_hand_in, file, marketplace, plugin, read};
use crate::config::claude_settings::Places;
use crate::config::path::Environment;
use crate::config::{mcp_file, repository};
use crate::machines::mode::ModeSource;
use crate::machines::registration::{self, Opinion, Scope, Standing};
use crate::machines::verdict::SettingsFile;

/// A registration of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// For whom it is registered.
    pub scope: Scope,
    /// Where it is written.
    pub file: PathBuf,
    /// What it says.
    pub entry: ServerEntry,
    /// What it comes to.
    pub standing: Standing,
    /// The id of the plugin that brings it.
    pub plugin: Option<String>,
    /// Why Claude Code cannot load that plugin.
    pub fault: Option<marketplace::Fault>,
}

impl Registration {
    /// Scope and file, for a message.
    pub fn place(&self) -> String {
        match &self.plugin {
            Some(id) => format!("plugin {id}, enabled in {}", self.file.display()),
            None => format!("{} scope, {}", self.scope.name(), self.file.display()),
        }
    }

    /// The command that takes it away; one that works in this directory.
    pub fn removal(&self) -> String {
        if let Some(id) = &self.plugin {
            return format!("claude plugin disable {}", super::quoted(id));
        }
        let removal = format!("claude mcp remove {SERVER_NAME} --scope {}", self.scope.name());
        match (self.scope, self.file.parent()) {
            // The CLI looks for it in its own directory only.
            (Scope::Project, Some(directory)) => {
                format!("(cd {} && {removal})", super::quoted(&directory.to_string_lossy()))
            }
            _ => removal,
        }
    }

    /// The command that makes this entry count here instead of it.
    pub fn replacement(&self, entry: &ServerEntry) -> String {
        match self.scope {
            // Its file is that of all who use the project, and local scope goes before it.
            Scope::Project => by_hand_in(Scope::Local, entry),
            Scope::Local | Scope::User => format!("{} && {}", self.removal(), by_hand_in(self.scope, entry)),
            // It cannot say more than the plugin does.
            Scope::Plugin => format!("{} && {}", self.removal(), by_hand_in(Scope::User, entry)),
        }
    }
}

/// What there is.
#[derive(Debug, Default)]
pub struct Found {
    /// All registrations that could count here, the one that goes first first.
    pub registrations: Vec<Registration>,
    /// Whether the user switched the server off for this project.
    pub is_off: bool,
    /// Other projects that have one of local scope.
    pub elsewhere: Vec<PathBuf>,
    /// Files of project scope that Claude Code passes over, and why.
    pub passed_over: Vec<(PathBuf, String)>,
    /// What Claude Code's settings set for all that it starts here, the file that goes first first.
    pub settings: Vec<EnvironmentSetting>,
}

impl Found {
    /// The one that counts; else the one that would, were it approved.
    pub fn counting(&self) -> Option<&Registration> {
        let standings = self.registrations.iter().map(|registration| registration.standing).collect::<Vec<_>>();
        registration::counting(&standings).and_then(|index| self.registrations.get(index))
    }

    /// The one of the user, wherever he stands.
    pub fn of_user(&self) -> Option<&Registration> {
        self.registrations.iter().find(|registration| registration.scope == Scope::User)
    }

    /// The one of a plugin, where Claude Code starts it.
    pub fn of_plugin(&self) -> Option<&Registration> {
        self.registrations.iter().find(|found| found.scope == Scope::Plugin && found.standing == Standing::Counts)
    }

    /// The one of a plugin that Claude Code cannot load.
    pub fn of_unloadable_plugin(&self) -> Option<&Registration> {
        self.registrations.iter().find(|found| found.standing == Standing::Unloadable)
    }

    /// What is said of sessions that have all tools twice, and the way out.
    pub fn twice(&self) -> Option<(String, String)> {
        let (plugin, other) = (self.of_plugin()?, self.counting()?);
        if other.scope == Scope::Plugin {
            return None;
        }
        let what = format!("sessions have all tools twice: from {}, and from {}", other.place(), plugin.place());
        let way_out = format!(
            "to keep the plugin's ({} in permission rules): {}; to keep the others ({}): {}",
            plugin::TOOLS,
            other.removal(),
            plugin::OTHER_TOOLS,
            plugin.removal()
        );
        Some((what, way_out))
    }
}

/// Claude Code's own file, as far as it matters here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClaudeFile {
    mcp_servers: Option<Value>,
    projects: Option<BTreeMap<String, ProjectRecord>>,
}

/// What that file keeps of a project.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ProjectRecord {
    mcp_servers: Lenient<Value>,
    enabled_mcpjson_servers: Lenient<Vec<String>>,
    disabled_mcpjson_servers: Lenient<Vec<String>>,
    disabled_mcp_servers: Lenient<Vec<String>>,
    has_trust_dialog_accepted: Lenient<bool>,
}

/// What a settings file says of servers and of the environment.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Settings {
    enable_all_project_mcp_servers: Lenient<bool>,
    enabled_mcpjson_servers: Lenient<Vec<String>>,
    disabled_mcpjson_servers: Lenient<Vec<String>>,
    env: Lenient<BTreeMap<String, Value>>,
    enabled_plugins: Lenient<BTreeMap<String, Value>>,
    extra_known_marketplaces: Lenient<BTreeMap<String, Value>>,
}

/// A value that may be of another kind than it should be: then it is not there.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Lenient<T> {
    As(T),
    Otherwise(serde::de::IgnoredAny),
}

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self::Otherwise(serde::de::IgnoredAny)
    }
}

impl<T> Lenient<T> {
    const fn get(&self) -> Option<&T> {
        match self {
            Self::As(value) => Some(value),
            Self::Otherwise(_) => None,
        }
    }
}

impl Lenient<Vec<String>> {
    fn names_us(&self) -> bool {
        self.names(SERVER_NAME)
    }

    fn names(&self, wanted: &str) -> bool {
        self.get().is_some_and(|names| names.iter().any(|name| name == wanted))
    }
}

impl ProjectRecord {
    /// What the user answered when he was asked.
    fn opinion(&self) -> Opinion {
        Opinion { approves: self.enabled_mcpjson_servers.names_us(), refuses: self.disabled_mcpjson_servers.names_us() }
    }
}

impl Settings {
    fn opinion(&self) -> Opinion {
        let approves_all = self.enable_all_project_mcp_servers.get() == Some(&true);
        Opinion {
            approves: approves_all || self.enabled_mcpjson_servers.names_us(),
            refuses: self.disabled_mcpjson_servers.names_us(),
        }
    }
}

/// Looks for all of them.
pub fn find(environment: &Environment) -> Result<Found, FileError> {
    let own_file = file(environment);
    let ClaudeFile { mcp_servers, projects } =
        own_file.as_deref().map_or_else(|| Ok(ClaudeFile::default()), claude_file)?;
    let projects = projects.unwrap_or_default();
    let here = &environment.current_dir;
    let key = repository::project(here);
    let project = |directory: &Path| projects.get(directory.to_str()?);
    let known = project(&key).cloned().unwrap_or_default();
    let settings = settings(environment);
    let mut found = Found { is_off: known.disabled_mcp_servers.names_us(), ..Found::default() };
    let mut add = |scope, file: &Path, servers: Option<&Value>, standing| {
        if let Some(entry) = servers.and_then(|servers| servers.get(SERVER_NAME)).map(ServerEntry::of) {
            let file = file.to_path_buf();
            found.registrations.push(Registration { scope, file, entry, standing, plugin: None, fault: None });
        }
    };
    let own_file = own_file.unwrap_or_default();
    add(Scope::Local, &own_file, known.mcp_servers.get(), Standing::Counts);
    let is_trusted =
        [key.as_path()].into_iter().chain(here.ancestors().take(repository::MAX_LEVELS)).any(|directory| {
            project(directory).is_some_and(|project| project.has_trust_dialog_accepted.get() == Some(&true))
        });
    let mut passed_over = Vec::new();
    if let Some((file, servers)) = &shared(here, &mut passed_over) {
        let said = settings.iter().map(|(source, _, settings)| (*source, settings.opinion())).collect::<Vec<_>>();
        add(Scope::Project, file, Some(servers), registration::approval(known.opinion(), &said, is_trusted));
    }
    add(Scope::User, &own_file, mcp_servers.as_ref(), Standing::Counts);
    let off = known.disabled_mcp_servers.names(plugin::SERVER);
    found.registrations.extend(of_plugins(environment, &settings, off));
    let of_all = found.registrations.iter().map(|found| (found.scope, found.standing)).collect::<Vec<_>>();
    for (registration, standing) in found.registrations.iter_mut().zip(registration::ranked(&of_all)) {
        registration.standing = standing;
    }
    found.passed_over = passed_over;
    let has_ours =
        |project: &ProjectRecord| project.mcp_servers.get().is_some_and(|all| all.get(SERVER_NAME).is_some());
    let others = projects.iter().filter(|(directory, project)| Path::new(directory) != key && has_ours(project));
    found.elsewhere = others.map(|(directory, _)| PathBuf::from(directory)).collect();
    let set = settings.into_iter().filter_map(|(_, file, settings)| Some((file, texts(settings.env.get()?))));
    found.settings = set.collect();
    Ok(found)
}

fn claude_file(path: &Path) -> Result<ClaudeFile, FileError> {
    let Some(text) = read(path).map_err(|source| FileError::Unreadable { path: path.to_path_buf(), source })? else {
        return Ok(ClaudeFile::default());
    };
    if text.iter().all(u8::is_ascii_whitespace) {
        return Ok(ClaudeFile::default());
    }
    serde_json::from_slice(&text)
        .map_err(|error| FileError::Damaged { path: path.to_path_buf(), reason: error.to_string() })
}

/// The nearest `.mcp.json` from here up that has an entry of ours, and its servers. Those on the way that cannot be read are
/// passed over. A repository's top ends nothing.
fn shared(here: &Path, passed_over: &mut Vec<(PathBuf, String)>) -> Option<(PathBuf, Value)> {
    for directory in here.ancestors().take(repository::MAX_LEVELS) {
        let file = directory.join(mcp_file::FILE);
        match mcp_file::servers(directory) {
            Some(servers) if servers.get(SERVER_NAME).is_some() => return Some((file, servers)),
            Some(_) => {}
            None => passed_over.extend(mcp_file::error(directory).map(|error| (file, error))),
        }
    }
    None
}

/// The registrations that enabled plugins bring. The first settings file that says something of a plugin decides.
fn of_plugins(environment: &Environment, settings: &[Said], is_off: bool) -> Vec<Registration> {
    let mut said = BTreeMap::new();
    for (_, file, settings) in settings {
        for (id, enabled) in settings.enabled_plugins.get().into_iter().flatten() {
            said.entry(id).or_insert((file, enabled));
        }
    }
    let marketplace = |id: &str| {
        let (_, name) = id.split_once('@')?;
        settings.iter().find_map(|(_, _, settings)| settings.extra_known_marketplaces.get()?.get(name))
    };
    let enabled = said.into_iter().filter(|(id, (_, enabled))| plugin::is_ours(id) && **enabled == Value::Bool(true));
    let registration = |(id, (file, _)): (&String, (&PathBuf, &Value))| {
        let fault = marketplace::fault(environment, id, marketplace(id));
        Registration {
            scope: Scope::Plugin,
            file: file.clone(),
            entry: ServerEntry::ours(SERVER_NAME),
            standing: match fault {
                Some(_) => Standing::Unloadable,
                None if is_off => Standing::Off,
                None => Standing::Counts,
            },
            plugin: Some(id.clone()),
            fault,
        }
    };
    enabled.map(registration).collect()
}

/// Numbers and switches become texts; what is of another kind counts for nothing.
fn texts(values: &BTreeMap<String, Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    values.iter().filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect()
}

/// Whose settings file it is, where it is, and what it says.
type Said = (ModeSource, PathBuf, Settings);

/// The settings that count here, those that go first first.
fn settings(environment: &Environment) -> Vec<Said> {
    let directory = super::configuration_directory(environment);
    let read = |(source, file): (ModeSource, SettingsFile)| {
        let settings = serde_json::from_str(file.text.trim_start_matches('\u{feff}')).unwrap_or_default();
        (source, PathBuf::from(file.path), settings)
    };
    Places::of_machine(directory.as_deref()).files(&environment.current_dir).into_iter().map(read).collect()
}
