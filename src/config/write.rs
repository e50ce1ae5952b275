//! Changes agents.yaml on disk: one writer at a time, and either the old file or the new one, never half of either. A file
//! that no other can replace is written in place.
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{Access, access};

use super::edit::{Change, EditError, edit};
use super::model::Config;
use super::path::CONFIG_VARIABLE;
use super::read::{ConfigError, load, parse_text, read_text};
use super::rewrite::{self, Fault};
use super::rights::{self, Use};
use crate::fs::atomic::{self, Durability};
use crate::fs::{lock, owner_only};

/// How long a writer waits for another one. A change takes milliseconds, so this is only reached when the other one
/// hangs or is stopped.
pub const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Why a change was not saved. The file is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The file cannot be read as it is.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The change cannot be made.
    #[error("{error} ({})", path.display())]
    Edit {
        /// The config file, links followed.
        path: PathBuf,
        /// Why the change cannot be made.
        error: EditError,
    },
    /// Somebody else has held the lock for [`LOCK_WAIT`].
    #[error("another process has been changing the config for {} s (lock {})", LOCK_WAIT.as_secs(), .0.display())]
    Busy(PathBuf),
    /// No room on the disk, or in the quota.
    #[error("no room on the disk for {}", .0.display())]
    DiskFull(PathBuf),
    /// The file, its directory or the file system must not be written.
    #[error("no permission to write {}: {reason}", path.display())]
    ReadOnly {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file can only be written in place, and there is no room for a copy of what it holds.
    #[error("{} can only be written in place, and no copy of it can be kept: {reason}", path.display())]
    NoCopy {
        /// The config file, links followed.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file was written in place, which was cut off.
    #[error("writing {} failed half way: {reason}", path.display())]
    Half {
        /// The config file, links followed.
        path: PathBuf,
        /// What the system said.
        reason: String,
        /// The file as it was.
        backup: PathBuf,
    },
    /// Anything else that the system said.
    #[error("cannot write {}: {reason}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl WriteError {
    fn of(path: &Path, error: &std::io::Error) -> Self {
        let (path, reason) = (path.to_path_buf(), error.to_string());
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Self::DiskFull(path),
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, reason },
            _ => Self::Io { path, reason },
        }
    }

    /// What to do about it, after a change that was not saved.
    pub fn hint(&self) -> String {
        match self {
            Self::DiskFull(_) => format!("{}, then repeat the call; nothing was changed", self.remedy()),
            Self::ReadOnly { .. } | Self::NoCopy { .. } | Self::Io { .. } => {
                format!("{}; nothing was changed", self.remedy())
            }
            Self::Config(_) | Self::Edit { .. } | Self::Busy(_) | Self::Half { .. } => self.remedy(),
        }
    }

    /// What to do about it, where no change was tried.
    pub fn remedy(&self) -> String {
        let usable = |path: &Path, said| rights::remedy(path, Use::Write, said, CONFIG_VARIABLE, "file");
        match self {
            Self::Config(error) => error.hint(),
            Self::Edit { path, error: EditError::Refused { line: Some(line), .. } } => {
                format!("edit line {line} of {} by hand", path.display())
            }
            Self::Edit { path, .. } => format!("look at {}", path.display()),
            Self::Busy(_) => {
                "wait and repeat the call; if no agent-dispatch is busy, end the one that hangs".to_owned()
            }
            Self::DiskFull(_) => "free some space".to_owned(),
            Self::ReadOnly { path, .. } => usable(path, ErrorKind::PermissionDenied),
            Self::NoCopy { .. } => "set TMPDIR to a directory that can be written".to_owned(),
            Self::Io { path, .. } => usable(path, ErrorKind::Other),
            Self::Half { path, backup, .. } => format!("put {} in place of {}", backup.display(), path.display()),
        }
    }
}

/// Makes the change that `plan` finds right for the config as it is, under the lock. Returns what `plan` returned.
///
/// This waits for the lock and the disk: keep it off a loop that must answer.
///
/// # Errors
/// What `plan` refused, or why the change was not saved.
pub fn change<T, E: From<WriteError>>(
    path: &Path,
    home: Option<&Path>,
    plan: impl FnOnce(&Config) -> Result<(Change, T), E>,
) -> Result<T, E> {
    let (real, _lock) = locked(path)?;
    let text = read_text(&real).map_err(WriteError::from)?.unwrap_or_default();
    let home = home.map(Path::to_path_buf);
    let config = parse_text(&real, &text, home.clone()).map_err(WriteError::from)?;
    let (change, planned) = plan(&config)?;
    let edited = edit(&text, &change).map_err(|error| WriteError::Edit { path: real.clone(), error })?;
    parse_text(&real, &edited, home).map_err(WriteError::from)?;
    replace(&real, &edited)?;
    Ok(planned)
}

/// Makes an empty config when there is none. Tells whether it did.
///
/// # Errors
/// When it cannot be made, or the one that is there cannot be read.
pub fn create(path: &Path, content: &str) -> Result<bool, WriteError> {
    let (real, _lock) = locked(path)?;
    if read_text(&real)?.is_some() {
        load(&real, None)?;
        return Ok(false);
    }
    replace(&real, content)?;
    Ok(true)
}

/// The file behind all symbolic links, and the lock on it.
fn locked(path: &Path) -> Result<(PathBuf, File), WriteError> {
    let real = behind_links(path);
    let directory = real.parent().unwrap_or(Path::new("/"));
    owner_only::create_directory(directory).map_err(|error| WriteError::of(directory, &error))?;
    rights::tighten(directory);
    let lock = wait_for_lock(&real)?;
    Ok((real, lock))
}

/// How many links are followed before a chain of them is taken for a circle; the kernel's own limit.
const MAX_LINKS: usize = 40;

/// The file that a link leads to, also when that one does not exist yet.
fn behind_links(path: &Path) -> PathBuf {
    let mut real = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Ok(target) = std::fs::read_link(&real) else { break };
        real = real.parent().unwrap_or(Path::new("/")).join(target);
    }
    real
}

/// The lock file. It stays: deleting it would let two writers hold two locks. Where none can be made although the file
/// itself can be written, the directory is locked.
fn lock_file(real: &Path) -> Result<(PathBuf, File), WriteError> {
    let mut name = real.as_os_str().to_owned();
    name.push(".lock");
    let path = PathBuf::from(name);
    match owner_only::create_or_open(&path) {
        Ok(file) => Ok((path, file)),
        Err(error) if is_refusal(&error) => {
            let directory = real.parent().unwrap_or(Path::new("/"));
            let failed = |_| WriteError::of(real, &error);
            access(real, Access::WRITE_OK).map_err(failed)?;
            let file = File::open(directory).map_err(|error| WriteError::of(directory, &error))?;
            Ok((directory.to_path_buf(), file))
        }
        Err(error) => Err(WriteError::of(&path, &error)),
    }
}

/// Obtains the lock of the config's writers, within [`LOCK_WAIT`].
fn wait_for_lock(real: &Path) -> Result<File, WriteError> {
    let (path, file) = lock_file(real)?;
    if lock::obtained(file.try_lock()).map_err(|error| WriteError::of(&path, &error))? {
        return Ok(file);
    }
    // Trying again and again would lose against a process that changes the config in a loop: the lock is nearly
    // always taken when one looks. The kernel wakes those who wait, but it cannot wait for a limited time; so a
    // thread waits, and is left behind when it takes too long. It then drops the lock as soon as it gets it.
    let (sender, receiver) = std::sync::mpsc::channel();
    let wait = move || {
        let locked = file.lock().map(|()| file);
        drop(sender.send(locked));
    };
    std::thread::Builder::new()
        .name("config-lock".to_owned())
        .spawn(wait)
        .map_err(|error| WriteError::of(&path, &error))?;
    match receiver.recv_timeout(LOCK_WAIT) {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(error)) => Err(WriteError::of(&path, &error)),
        Err(_) => Err(WriteError::Busy(path)),
    }
}

/// Whether the file can be changed. Nothing is written; a file that is not there is made in its directory.
pub fn writable(path: &Path) -> Result<(), WriteError> {
    let real = behind_links(path);
    let directory = real.ancestors().skip(1).find(|path| path.exists()).unwrap_or(Path::new("/"));
    let error = match access(directory, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => return Ok(()),
        Err(error) => std::io::Error::from(error),
    };
    access(&real, Access::WRITE_OK).map_err(|_| WriteError::of(&real, &error))
}

/// A place that must not be written, for whatever reason.
fn is_refusal(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
}

/// Puts the text in place of the file, or into it where nothing else can take its name: a file that is a mount by itself, as
/// containers have it, or one whose directory must not be written.
fn replace(real: &Path, text: &str) -> Result<(), WriteError> {
    let error = match atomic::replace(real, text.as_bytes(), Durability::SyncedWithDirectory) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    let stays = is_refusal(&error) || matches!(error.kind(), ErrorKind::ResourceBusy | ErrorKind::CrossesDevices);
    if !stays || access(real, Access::WRITE_OK).is_err() {
        return Err(WriteError::of(real, &error));
    }
    rewrite::in_place(real, text).map_err(|fault| match fault {
        Fault::NoCopy(error) => WriteError::NoCopy { path: real.to_path_buf(), reason: error.to_string() },
        Fault::Unchanged(error) => WriteError::of(real, &error),
        Fault::Half(error, backup) => WriteError::Half { path: real.to_path_buf(), reason: error.to_string(), backup },
    })
}
