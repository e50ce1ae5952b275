//! Where the scene comes from, and which invocation this is.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::Stop;
use crate::scene::{self, Scene};

/// Scene file in the working directory.
const LOCAL_SCENE: &str = ".fake-claude";
/// A line of the prompt that begins so is a scene.
const PROMPT_MARK: &str = "!scene ";

/// A scene with the number of this invocation.
pub struct Loaded {
    /// What to play.
    pub scene: Scene,
    /// From 1; counted only for scenes with `on-call`.
    pub call: u64,
}

/// The scene of the environment or of the working directory; none when the prompt has to be asked.
pub fn outer() -> Result<Option<Loaded>, Stop> {
    if let Some(value) = std::env::var_os("FAKE_CLAUDE_SCENE").filter(|v| !v.is_empty()) {
        let path = PathBuf::from(&value);
        let text = value.to_string_lossy();
        if path.is_file() || path.is_absolute() {
            return from_file(&path).map(Some);
        }
        return load("FAKE_CLAUDE_SCENE", &scene::inline(&text), None).map(Some);
    }
    let local = Path::new(LOCAL_SCENE);
    if local.is_file() { from_file(local).map(Some) } else { Ok(None) }
}

/// The scene in the lines of a prompt.
pub fn from_prompt(prompt: &str) -> Result<Option<Loaded>, Stop> {
    let lines: Vec<String> =
        prompt.lines().filter_map(|l| l.trim_start().strip_prefix(PROMPT_MARK)).map(scene::inline).collect();
    if lines.is_empty() { Ok(None) } else { load("the prompt's scene", &lines.join("\n"), None).map(Some) }
}

fn from_file(path: &Path) -> Result<Loaded, Stop> {
    let text = fs::read_to_string(path).map_err(|e| broken(&format!("scene {}: {e}", path.display())))?;
    load(&path.display().to_string(), &text, Some(path))
}

fn load(name: &str, text: &str, file: Option<&Path>) -> Result<Loaded, Stop> {
    let call = if scene::counts_calls(text) { count(file)? } else { 1 };
    Ok(Loaded { scene: scene::parse(name, text, call)?, call })
}

/// The next number from the counter beside the scene, or from `FAKE_CLAUDE_CALLS`; a lock orders invocations.
fn count(file: Option<&Path>) -> Result<u64, Stop> {
    let named = std::env::var_os("FAKE_CLAUDE_CALLS").map(PathBuf::from);
    let path = named.or_else(|| {
        file.map(|f| {
            let mut name = f.as_os_str().to_owned();
            name.push(".calls");
            PathBuf::from(name)
        })
    });
    let path =
        path.ok_or_else(|| broken("on-call needs a scene file, or FAKE_CLAUDE_CALLS with the path of a counter"))?;
    let next = || -> std::io::Result<u64> {
        let mut counter = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        counter.lock()?;
        let mut text = String::new();
        counter.read_to_string(&mut text)?;
        let next = text.trim().parse::<u64>().unwrap_or(0) + 1;
        counter.seek(SeekFrom::Start(0))?;
        counter.write_all(next.to_string().as_bytes())?;
        Ok(next)
    };
    next().map_err(|e| broken(&format!("counter {}: {e}", path.display())))
}

fn broken(message: &str) -> Stop {
    Stop { code: 64, stderr: format!("fake-claude: {message}\n"), ..Stop::default() }
}
