//! Commands that run a program from a cache, from which it goes without a word, and other places where it does not stay.

/// Such a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Runner {
    /// The command.
    pub name: &'static str,
    /// What installs this program for good.
    pub install: &'static str,
}

const NPX: Runner = Runner { name: "npx", install: "npm install --global agent-dispatch" };
const PNPM: Runner = Runner { name: "pnpm dlx", install: "pnpm add --global agent-dispatch" };
// Yarn installs nothing for good since its second version.
const YARN: Runner = Runner { name: "yarn dlx", install: NPX.install };
const BUN: Runner = Runner { name: "bunx", install: "bun add --global agent-dispatch" };
const PIPX: Runner = Runner { name: "pipx run", install: "pipx install agent-dispatch" };
const UV: Runner = Runner { name: "uvx", install: "uv tool install agent-dispatch" };

impl Runner {
    /// The one in whose cache a file is, by the names of the directories that lead there.
    pub fn of<'a>(mut directories: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut before = "";
        let of = |name: &'a str| match (std::mem::replace(&mut before, name), name) {
            // What pipx installs is in `pipx/venvs`, what it runs in a directory of a name like 0f3c… beside that.
            ("pipx", name) if name != "venvs" => Some(PIPX),
            (_, name) => Self::by_name(name),
        };
        directories.find_map(of)
    }

    fn by_name(name: &str) -> Option<Self> {
        match name {
            "_npx" => Some(NPX),
            "dlx" => Some(PNPM),
            _ if name.starts_with("dlx-") => Some(YARN),
            _ if name.starts_with("bunx-") || name.starts_with(".bunx-") => Some(BUN),
            _ if name.starts_with("archive-v") => Some(UV),
            _ => None,
        }
    }

    /// What is wrong with a program there, to go on from "… is".
    pub fn told(self) -> String {
        format!("in the cache of {}, from which it may be removed at any time", self.name)
    }
}

/// Whether a file goes when the next version comes: package managers that keep several beside each other name the
/// directory of each by its version.
pub fn goes_with<'a>(version: &str, mut directories: impl Iterator<Item = &'a str>) -> bool {
    directories.any(|name| name.contains(version))
}
