//! Who may look into our directories and write there, and what to do where that is not as it should be.
use std::fs::{Metadata, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Uid, User};
use rustix::fs::{Access, access};

use super::path::{DIRECTORY, JOBS};
use crate::fs::owner_only::OTHERS;
use crate::machines::access::{Place, Refusal};

/// The right of an owner to read.
const OWNER_READ: u32 = 0o400;
/// The right of an owner to write.
const OWNER_WRITE: u32 = 0o200;
/// The right of an owner to enter a directory.
const OWNER_ENTER: u32 = 0o100;

/// What a place is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To be read.
    Read,
    /// To be written, or made.
    Write,
}

impl Use {
    /// What a process asks of a file or directory, and what its owner's mode must have for it.
    fn rights(self, is_directory: bool) -> (Access, u32) {
        match (self, is_directory) {
            (Self::Read, false) => (Access::READ_OK, OWNER_READ),
            (Self::Write, false) => (Access::WRITE_OK, OWNER_WRITE),
            (Self::Read, true) => (Access::EXEC_OK, OWNER_ENTER),
            (Self::Write, true) => (Access::WRITE_OK | Access::EXEC_OK, OWNER_WRITE | OWNER_ENTER),
        }
    }

    const fn done(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "written",
        }
    }
}

/// What to do about a place that cannot be used: `said` is what the attempt told, `variable` leads to another `kind` of place (a
/// file, a directory).
#[must_use]
pub fn remedy(path: &Path, wanted: Use, said: ErrorKind, variable: &str, kind: &str) -> String {
    let elsewhere =
        format!("set {variable} to a {kind} that can be {}, here and where Claude Code is started", wanted.done());
    let Some((found, metadata, refusal)) = in_the_way(path, wanted) else { return elsewhere };
    let refusal = refusal.map_or_else(|| refusal_of(said), refusal_of);
    told(&found, &metadata, refusal, wanted, |place| place.remedy(&elsewhere))
}

/// What to do about a file or directory that is open to others; `variable` as above.
#[must_use]
pub fn closing(path: &Path, mode: &str, variable: &str, kind: &str) -> String {
    let elsewhere = format!("set {variable} to a {kind} of your own, here and where Claude Code is started");
    let Ok(metadata) = std::fs::metadata(path) else { return elsewhere };
    let refusal = access(path, Access::WRITE_OK).err().map_or(Refusal::Other, |error| refusal_of(kind_of(error)));
    told(path, &metadata, refusal, Use::Write, |place| place.closing(mode, &elsewhere))
}

/// The file or directory that keeps the path from being used, by the system's own word; where it says of none that it does, the
/// nearest one that is there.
fn in_the_way(path: &Path, wanted: Use) -> Option<(PathBuf, Metadata, Option<ErrorKind>)> {
    let there = path.ancestors().filter_map(|above| Some((above, std::fs::metadata(above).ok()?)));
    let mut nearest = None;
    for (found, metadata) in there {
        let is_directory = metadata.is_dir();
        let error = if is_directory || found == path {
            access(found, wanted.rights(is_directory).0).err().map(kind_of)
        } else {
            Some(ErrorKind::NotADirectory)
        };
        if error.is_some() {
            return Some((found.to_path_buf(), metadata, error));
        }
        nearest.get_or_insert((found.to_path_buf(), metadata, None));
        // What lies above is not what the writer needs.
        if is_directory {
            break;
        }
    }
    nearest
}

fn kind_of(error: rustix::io::Errno) -> ErrorKind {
    std::io::Error::from(error).kind()
}

const fn refusal_of(kind: ErrorKind) -> Refusal {
    match kind {
        ErrorKind::ReadOnlyFilesystem => Refusal::ReadOnly,
        ErrorKind::PermissionDenied => Refusal::Denied,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Refusal::Full,
        ErrorKind::NotADirectory => Refusal::NotADirectory,
        _ => Refusal::Other,
    }
}

fn told(
    path: &Path,
    metadata: &Metadata,
    refusal: Refusal,
    wanted: Use,
    tell: impl FnOnce(Place<'_>) -> String,
) -> String {
    let us = rustix::process::geteuid().as_raw();
    let parent = path.parent().and_then(|parent| std::fs::metadata(parent).ok());
    let is_directory = metadata.is_dir();
    let needed = wanted.rights(is_directory).1;
    tell(Place {
        path: &path.to_string_lossy(),
        refusal,
        is_directory,
        owner: &name(metadata.uid()),
        user: &name(us),
        is_own: metadata.uid() == us,
        is_root: us == 0,
        is_in_own: parent.is_some_and(|parent| parent.uid() == us),
        is_closed: metadata.mode() & needed != needed,
    })
}

/// The name of a user; the id of one without an entry.
fn name(uid: u32) -> String {
    User::from_uid(Uid::from_raw(uid)).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

/// Whether a directory is ours by its name: `agent-dispatch`, or `jobs` in it. One that somebody named otherwise may serve
/// other purposes as well.
#[must_use]
pub fn is_ours(directory: &Path) -> bool {
    let named = |path: &Path, name: &str| path.file_name().is_some_and(|own| own == name);
    named(directory, DIRECTORY)
        || named(directory, JOBS) && directory.parent().is_some_and(|parent| named(parent, DIRECTORY))
}

/// Whether [`tighten`] takes the rights of others from this directory: from one that is ours and this user's, on a file system
/// that can be written, and no link.
#[must_use]
pub fn is_tightened(directory: &Path) -> bool {
    let Some(metadata) = std::fs::symlink_metadata(directory).ok().filter(|_| is_ours(directory)) else { return false };
    let mine = metadata.uid() == rustix::process::geteuid().as_raw();
    let written = access(directory, Access::WRITE_OK) != Err(rustix::io::Errno::ROFS);
    mine && written && metadata.is_dir() && metadata.mode() & OTHERS != 0
}

/// Takes the rights of others from a directory that is ours and this user's: the older implementation, and earlier versions,
/// left it open. What cannot be changed is left alone; `doctor` tells of it.
pub fn tighten(directory: &Path) {
    if !is_tightened(directory) {
        return;
    }
    let Ok(metadata) = std::fs::symlink_metadata(directory) else { return };
    // Whoever may not do this owns nothing here that could be protected.
    let _ = std::fs::set_permissions(directory, Permissions::from_mode(metadata.mode() & 0o7777 & !OTHERS));
}
