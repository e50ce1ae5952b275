//! The session store: `$HOME/.claude/projects/<slug>/<id>.jsonl` (CLI contract, chapter 3).

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::args::Args;
use crate::{Stop, clock};

/// Longer directory names are cut here and get a hash.
const SLUG_CHARS: usize = 200;

const RESUME_USAGE: &str = "Error: --resume requires a valid session ID or session title when used with --print. Usage: claude -p \
     --resume <session-id|title>.";

/// Why no session could be opened.
pub enum Refusal {
    /// Said on stderr alone.
    Plain(Stop),
    /// `--resume` of an unknown id: `stream-json` gets a result event as well.
    Unknown(String),
}

/// One conversation.
#[derive(Clone)]
pub struct Session {
    /// As given, or random.
    pub id: String,
    /// Earlier prompts of this conversation, oldest first.
    pub earlier: Vec<String>,
    /// The model that an earlier turn used.
    pub model: Option<String>,
    /// Where the turns are written; nothing with `--no-session-persistence`.
    path: Option<PathBuf>,
    /// Lines of the conversation that this one was forked from.
    forked: String,
    title: Option<String>,
}

impl Session {
    /// A conversation that is not kept.
    pub fn nowhere(id: &str) -> Self {
        Self { id: id.to_owned(), earlier: Vec::new(), model: None, path: None, forked: String::new(), title: None }
    }

    /// Opens what the flags ask for. Nothing is written yet: that happens at the first request to the model.
    pub fn open(args: &Args, cwd: &Path) -> Result<Self, Refusal> {
        let asked = args.last("--session-id").filter(|id| !id.is_empty());
        let resumes = args.has("--resume") || args.has("--continue");
        let forks = args.has("--fork-session") && resumes;
        check_asked(asked, resumes, forks, cwd).map_err(Refusal::Plain)?;
        let old = find_old(args, cwd)?;
        let (old_id, old_path) =
            old.map_or((None, None), |p| (p.file_stem().map(|s| s.to_string_lossy().into_owned()), Some(p)));
        let id = match (asked, old_id) {
            (Some(asked), _) => asked.to_owned(),
            (None, Some(old)) if !forks => old,
            (None, _) => Uuid::new_v4().to_string(),
        };
        let history = old_path.as_deref().and_then(|p| fs::read_to_string(p).ok()).unwrap_or_default();
        let (earlier, model) = remember(&history);
        let path = match old_path {
            _ if args.has("--no-session-persistence") => None,
            Some(path) if !forks => Some(path),
            _ => projects().map(|p| p.join(slug(cwd)).join(format!("{id}.jsonl"))),
        };
        let title = args.last("--name").map(str::to_owned);
        Ok(Self { id, earlier, model, path, forked: if forks { history } else { String::new() }, title })
    }

    /// Creates the file, at about the time of the first request, and notes the prompt.
    pub fn begin(&mut self, prompt: &str, cwd: &Path) {
        let forked = std::mem::take(&mut self.forked);
        self.append(&forked);
        if let Some(title) = self.title.clone() {
            self.append(&format!("{}\n", json!({"type":"custom-title","customTitle":title,"sessionId":self.id})));
        }
        let line = json!({"parentUuid":null,"isSidechain":false,"userType":"external","cwd":cwd.to_string_lossy(),"sessionId":self.id,
            "version":crate::VERSION,"type":"user","message":{"role":"user","content":prompt},"uuid":Uuid::new_v4().to_string(),
            "timestamp":clock::timestamp()});
        self.append(&format!("{line}\n"));
    }

    /// One finished message of the conversation, as its JSON text.
    pub fn note(&self, kind: &str, message: &str) {
        if self.path.is_some() {
            let (uuid, at) = (Uuid::new_v4(), clock::timestamp());
            let id = Value::from(self.id.as_str());
            self.append(&format!(
                "{{\"type\":\"{kind}\",\"sessionId\":{id},\"message\":{message},\"uuid\":\"{uuid}\",\"timestamp\":\"{at}\"}}\n"
            ));
        }
    }

    /// An unwritable home does not fail a run (chapter 12), so neither does this.
    fn append(&self, text: &str) {
        let Some(path) = self.path.as_deref().filter(|_| !text.is_empty()) else { return };
        if let Some(dir) = path.parent() {
            let _ = fs::create_dir_all(dir);
        }
        let file: std::io::Result<File> = OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut f| f.write_all(text.as_bytes()));
    }
}

fn check_asked(asked: Option<&str>, resumes: bool, forks: bool, cwd: &Path) -> Result<(), Stop> {
    let Some(id) = asked else { return Ok(()) };
    if resumes && !forks {
        return Err(Stop::error(
            "Error: --session-id can only be used with --continue or --resume if --fork-session is also specified.\n"
                .to_owned(),
        ));
    }
    if !is_uuid(id) {
        return Err(Stop::error("Error: Invalid session ID. Must be a valid UUID.\n".to_owned()));
    }
    if projects().is_some_and(|p| p.join(slug(cwd)).join(format!("{id}.jsonl")).exists()) {
        return Err(Stop::error(format!("Error: Session ID {id} is already in use.\n")));
    }
    Ok(())
}

/// The file of the conversation to go on with.
fn find_old(args: &Args, cwd: &Path) -> Result<Option<PathBuf>, Refusal> {
    if args.has("--resume") {
        let Some(wanted) = args.last("--resume").filter(|v| !v.is_empty()) else {
            return Err(Refusal::Plain(Stop::error(format!("{RESUME_USAGE}\n"))));
        };
        let dirs = places(cwd);
        if is_uuid(wanted) {
            let name = format!("{wanted}.jsonl");
            let found = dirs.into_iter().chain(elsewhere()).map(|d| d.join(&name)).find(|p| p.exists());
            return found.map(Some).ok_or_else(|| Refusal::Unknown(wanted.to_owned()));
        }
        let titled = dirs.iter().find_map(|d| by_title(d, wanted));
        return titled.map(Some).ok_or_else(|| {
            Refusal::Plain(Stop::error(format!(
                "{RESUME_USAGE} Provided value \"{wanted}\" is not a UUID and does not match any session title.\n"
            )))
        });
    }
    if args.has("--continue") {
        let dir = projects().map(|p| p.join(slug(cwd)));
        return Ok(
            dir.and_then(|d| transcripts(&d).into_iter().max_by_key(|p| p.metadata().and_then(|m| m.modified()).ok()))
        );
    }
    Ok(None)
}

/// The folders of all directories: an id is found wherever its session was made (chapter 17.4).
fn elsewhere() -> impl Iterator<Item = PathBuf> {
    let entries = projects().and_then(|projects| fs::read_dir(projects).ok());
    entries.into_iter().flatten().flatten().map(|entry| entry.path())
}

fn transcripts(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
    entries.filter(|p| p.extension().is_some_and(|e| e == "jsonl")).collect()
}

fn by_title(dir: &Path, title: &str) -> Option<PathBuf> {
    transcripts(dir).into_iter().find(|path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut titles = text.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok());
        titles.rfind(|v| v["type"] == "custom-title").is_some_and(|v| v["customTitle"] == title)
    })
}

/// Prompts and the last model of a transcript.
fn remember(history: &str) -> (Vec<String>, Option<String>) {
    let (mut prompts, mut model) = (Vec::new(), None);
    for line in history.lines().filter_map(|l| serde_json::from_str::<Value>(l).ok()) {
        match (line["type"].as_str(), line["message"]["content"].as_str(), line["message"]["model"].as_str()) {
            (Some("user"), Some(prompt), _) => prompts.push(prompt.to_owned()),
            (Some("assistant"), _, Some(m)) if m != "<synthetic>" => {
                model = Some(m.trim_end_matches("[1m]").to_owned())
            }
            _ => {}
        }
    }
    (prompts, model)
}

/// Five groups of hexadecimal digits, in either case.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// The store below the configuration directory, if there is a home.
fn projects() -> Option<PathBuf> {
    config_dir().map(|c| c.join("projects"))
}

/// `CLAUDE_CONFIG_DIR`, else `.claude` in the home.
pub fn config_dir() -> Option<PathBuf> {
    std::env::var_os("CLAUDE_CONFIG_DIR")
        .filter(|d| !d.is_empty())
        .map(PathBuf::from)
        .or_else(|| home().map(|h| h.join(".claude")))
}

/// `HOME`, else the home in the passwd file (chapter 12).
pub fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").filter(|h| !h.is_empty()).map(PathBuf::from).or_else(|| {
        let uid = rustix::process::getuid().as_raw().to_string();
        let passwd = fs::read_to_string("/etc/passwd").ok()?;
        let fields =
            passwd.lines().map(|l| l.split(':').collect::<Vec<_>>()).find(|f| f.get(2) == Some(&uid.as_str()))?;
        fields.get(5).map(PathBuf::from)
    })
}

/// Name of a directory's folder in the store: different directories may share one (`/col-a` and `/col/a`).
pub fn slug(dir: &Path) -> String {
    let real = fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
    let text = real.to_string_lossy();
    let name: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    if name.len() <= SLUG_CHARS {
        return name;
    }
    let hash = text.encode_utf16().fold(0_i32, |h, unit| h.wrapping_mul(31).wrapping_add(i32::from(unit)));
    format!("{}-{:x}", &name[..SLUG_CHARS], hash.unsigned_abs())
}

/// Folders in which a session is looked for first, and a title only: its own, its repository's root, and the repository's
/// other worktrees.
fn places(cwd: &Path) -> Vec<PathBuf> {
    let Some(projects) = projects() else { return Vec::new() };
    let mut dirs = vec![cwd.to_owned()];
    if let Some(root) = cwd.ancestors().find(|d| d.join(".git").exists()) {
        dirs.push(root.to_owned());
        let main = main_worktree(root);
        for entry in fs::read_dir(main.join(".git/worktrees")).into_iter().flatten().flatten() {
            let gitdir = fs::read_to_string(entry.path().join("gitdir")).unwrap_or_default();
            dirs.extend(Path::new(gitdir.trim()).parent().map(Path::to_owned));
        }
        dirs.push(main);
    }
    dirs.iter().map(|d| projects.join(slug(d))).collect()
}

/// A linked worktree's `.git` is a file that points into the main one's `.git/worktrees`.
fn main_worktree(root: &Path) -> PathBuf {
    let pointer = fs::read_to_string(root.join(".git")).unwrap_or_default();
    let linked = pointer.trim().strip_prefix("gitdir: ").map(|d| root.join(d));
    linked.and_then(|d| d.ancestors().nth(3).map(Path::to_owned)).unwrap_or_else(|| root.to_owned())
}
