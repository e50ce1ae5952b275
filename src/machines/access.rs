//! What to do about a file or a directory that is refused to this user, or open to others: by what is in the way. A remedy that
//! cannot help, such as a `chmod` of what belongs to somebody else, is worse than none.

use super::text::shell_word;

/// What the system said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The file system is read-only.
    ReadOnly,
    /// It is not permitted.
    Denied,
    /// There is no room.
    Full,
    /// It is a file, and a directory is wanted.
    NotADirectory,
    /// Anything else, or nothing.
    Other,
}

/// What is known of the file or directory that is in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Its path.
    pub path: &'a str,
    /// What the system said.
    pub refusal: Refusal,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// The name of its owner.
    pub owner: &'a str,
    /// The name of this user.
    pub user: &'a str,
    /// Whether this user is its owner.
    pub is_own: bool,
    /// Whether this user is root.
    pub is_root: bool,
    /// Whether the directory that it lies in is this user's, so that it may be his by right.
    pub is_in_own: bool,
    /// Whether its mode keeps even its owner out.
    pub is_closed: bool,
}

impl Place<'_> {
    /// What to do so that it can be used; `elsewhere` says how to use another place.
    #[must_use]
    pub fn remedy(&self, elsewhere: &str) -> String {
        let (path, owner) = (shell_word(self.path), self.owner);
        match self.refusal {
            Refusal::Denied if self.is_own && self.is_closed => {
                let rights = if self.is_directory { "u+rwx" } else { "u+rw" };
                format!("chmod {rights} {path}")
            }
            Refusal::Denied if !self.is_own && self.is_in_own && !self.is_root => {
                let below = if self.is_directory { "-R " } else { "" };
                format!("{path} belongs to {owner}: sudo chown {below}{} {path}, or {elsewhere}", shell_word(self.user))
            }
            Refusal::Denied if !self.is_own => format!("{path} belongs to {owner}: {elsewhere}"),
            Refusal::NotADirectory if !self.is_directory => format!("move {path} away, or {elsewhere}"),
            Refusal::Full => format!("free some space, or {elsewhere}"),
            Refusal::ReadOnly | Refusal::Denied | Refusal::NotADirectory | Refusal::Other => elsewhere.to_owned(),
        }
    }

    /// What to do so that it has this mode; `elsewhere` as above.
    #[must_use]
    pub fn closing(&self, mode: &str, elsewhere: &str) -> String {
        let path = shell_word(self.path);
        match self.refusal {
            Refusal::ReadOnly => format!("its file system is read-only here: {elsewhere}"),
            _ if self.is_own || self.is_root => format!("chmod {mode} {path}"),
            _ => {
                let owner = self.owner;
                format!("it belongs to {owner}: ask {owner} for chmod {mode} {path}, or {elsewhere}")
            }
        }
    }
}
