//! Variables and `~` in a path, replaced as a shell replaces them.
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Why a path could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// A variable that is not set, or is empty. A shell would put nothing in its place and so name another path.
    #[error("the variable {0} is not set")]
    Unset(String),
    /// `~`, where there is no home.
    #[error(transparent)]
    Home(#[from] NoHome),
    /// `${` with something in it that is no name.
    #[error("`{0}` is not ${{NAME}} or ${{NAME:-DEFAULT}}")]
    Malformed(String),
}

/// Replaces a leading `~`, `$NAME`, `${NAME}` and `${NAME:-DEFAULT}`. `\$` is a dollar sign, and so is one that no name
/// follows.
pub fn expand(
    value: &OsStr,
    home: Option<&Path>,
    lookup: &dyn Fn(&str) -> Option<OsString>,
) -> Result<PathBuf, ExpandError> {
    let bytes = value.as_bytes();
    let word = bytes.iter().position(|byte| *byte == b'/').unwrap_or(bytes.len());
    let (mut done, mut rest) = if bytes.starts_with(b"~") {
        let home = expand_home(Path::new(OsStr::from_bytes(&bytes[..word])), home)?;
        (home.into_os_string().into_vec(), &bytes[word..])
    } else {
        (Vec::with_capacity(bytes.len()), bytes)
    };
    while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix(b"\\") {
            done.extend_from_slice(before);
            done.push(b'$');
            rest = &from[1..];
            continue;
        }
        done.extend_from_slice(before);
        rest = replace(from, lookup, &mut done)?;
    }
    done.extend_from_slice(rest);
    Ok(PathBuf::from(OsString::from_vec(done)))
}

/// Puts what the reference at the start of `from` stands for at the end of `done`, and returns what follows it.
fn replace<'a>(
    from: &'a [u8],
    lookup: &dyn Fn(&str) -> Option<OsString>,
    done: &mut Vec<u8>,
) -> Result<&'a [u8], ExpandError> {
    let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let inside = from.strip_prefix(b"${");
    let start = if inside.is_some() { 2 } else { 1 };
    let name = name_at(&from[start..]);
    let after = &from[start + name.len()..];
    let (default, rest) = match inside {
        None if name.is_empty() => {
            done.push(b'$');
            return Ok(after);
        }
        None => (None, after),
        Some(inside) => {
            let close =
                inside.iter().position(|byte| *byte == b'}').ok_or_else(|| ExpandError::Malformed(shown(from)))?;
            let (tail, rest) = (&inside[name.len().min(close)..close], &inside[close + 1..]);
            let default = tail.strip_prefix(b":-").or_else(|| tail.strip_prefix(b"-"));
            if name.is_empty() || (default.is_none() && !tail.is_empty()) {
                return Err(ExpandError::Malformed(shown(&from[..close + 3])));
            }
            (default, rest)
        }
    };
    let name = shown(name);
    match (lookup(&name).filter(|value| !value.is_empty()), default) {
        (Some(value), _) => done.extend_from_slice(value.as_bytes()),
        (None, Some(default)) => done.extend_from_slice(default),
        (None, None) => return Err(ExpandError::Unset(name)),
    }
    Ok(rest)
}

/// The name of a variable at the start of a text; empty where there is none.
fn name_at(text: &[u8]) -> &[u8] {
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = text.iter().position(|byte| !of_name(byte)).unwrap_or(text.len());
    if text.first().is_some_and(u8::is_ascii_digit) { &text[..0] } else { &text[..length] }
}

/// Why `~` could not be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoHome {
    /// `HOME` is not set.
    #[error("`~` cannot be expanded because HOME is not set; write the full path")]
    Unset,
    /// `~name` asks for somebody else's home.
    #[error("`~name` is not supported; write the full path")]
    OfAnother,
}

/// Replaces a leading `~` by the home directory.
///
/// # Errors
/// When there is no home, or it is another user's.
pub fn expand_home(path: &Path, home: Option<&Path>) -> Result<PathBuf, NoHome> {
    match path.strip_prefix("~") {
        Ok(rest) if rest.as_os_str().is_empty() => home.map(Path::to_path_buf).ok_or(NoHome::Unset),
        Ok(rest) => home.map(|home| home.join(rest)).ok_or(NoHome::Unset),
        Err(_) if path.as_os_str().as_encoded_bytes().starts_with(b"~") => Err(NoHome::OfAnother),
        Err(_) => Ok(path.to_path_buf()),
    }
}
