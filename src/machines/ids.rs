//! Identifiers that callers hand in, and the only places where they become part of a path.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text;

/// Length of a job id in characters: 128 bits in hexadecimal.
const JOB_ID_CHARS: usize = 32;

/// Longest session reference in bytes. A UUID has 36; a session title is a short line. The limit keeps
/// [`SessionRef::lock_name`] below [`MAX_FILE_NAME_BYTES`].
pub const MAX_SESSION_REF_BYTES: usize = 200;

/// Longest file name in bytes on every file system that is in use (ext4, XFS, Btrfs, APFS, tmpfs).
pub const MAX_FILE_NAME_BYTES: usize = 255;

/// Characters of a rejected id that an error message repeats.
const SHOWN_CHARS: usize = 60;

/// Why a text is no identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Not 32 lowercase hexadecimal characters.
    #[error("invalid job id {shown}: an id is exactly 32 lowercase hexadecimal characters; dispatch_jobs lists them")]
    NotAJobId {
        /// The beginning of what was given, quoted.
        shown: String,
    },
    /// An empty or blank session reference.
    #[error("empty session_id: leave it out to start a new session")]
    EmptySession,
    /// A session reference that the claude CLI could read as an option.
    #[error(
        "invalid session_id {shown}: it begins with '-', which the claude CLI could read as an option; \
             pass the session_id of an earlier answer"
    )]
    SessionLikeFlag {
        /// The beginning of what was given, quoted.
        shown: String,
    },
    /// A session reference with a line break or another control character.
    #[error(
        "invalid session_id {shown}: it contains the control character U+{code:04X}; \
             pass the session_id of an earlier answer"
    )]
    SessionControl {
        /// The beginning of what was given, quoted.
        shown: String,
        /// The code point of the first control character.
        code: u32,
    },
    /// A session reference that is too long.
    #[error(
        "invalid session_id: {bytes} bytes, at most {MAX_SESSION_REF_BYTES} are allowed; \
             pass the session_id of an earlier answer"
    )]
    SessionTooLong {
        /// Length of what was given, in bytes.
        bytes: usize,
    },
}

/// The id of a job: 128 bits, written as 32 lowercase hexadecimal characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct JobId([u8; JOB_ID_CHARS / 2]);

impl JobId {
    /// An id from 16 random bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; JOB_ID_CHARS / 2]) -> Self {
        Self(bytes)
    }

    /// The name of the job's record inside the job directory. No other name of a record is ever formed.
    #[must_use]
    pub fn file_name(self) -> String {
        format!("{self}.json")
    }

    /// The name of the job's folder inside the job directory. No other name of a folder is ever formed.
    #[must_use]
    pub fn folder_name(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}

impl TryFrom<&str> for JobId {
    type Error = IdError;

    fn try_from(text: &str) -> Result<Self, IdError> {
        job_bytes(text.as_bytes())
            .map(Self)
            .ok_or_else(|| IdError::NotAJobId { shown: text::quoted(text::first_chars(text, SHOWN_CHARS)) })
    }
}

/// An id is read from JSON and from the command line as it is from any text.
macro_rules! read_as_text {
    ($($id:ty),+) => {$(
        impl TryFrom<String> for $id {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::try_from(text.as_str())
            }
        }

        impl FromStr for $id {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::try_from(text)
            }
        }
    )+};
}

read_as_text!(JobId, SessionRef);

impl From<JobId> for String {
    fn from(id: JobId) -> Self {
        id.to_string()
    }
}

fn job_bytes(text: &[u8]) -> Option<[u8; JOB_ID_CHARS / 2]> {
    let digits: &[u8; JOB_ID_CHARS] = text.try_into().ok()?;
    let mut bytes = [0; JOB_ID_CHARS / 2];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

const fn hex_digit(c: u8) -> Option<u8> {
    match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    }
}

/// What names a claude session: its UUID, or the title that its user gave it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SessionRef(String);

impl SessionRef {
    /// The reference of a new session, from 16 bytes of a random UUID.
    #[must_use]
    pub fn from_uuid_bytes(bytes: [u8; 16]) -> Self {
        let hex = JobId::from_bytes(bytes).to_string();
        Self([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
    }

    /// The reference as it is passed to the claude CLI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True for the form `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` of hexadecimal digits in either case, which is the
    /// one form that the CLI accepts for a new session.
    #[must_use]
    pub fn is_uuid(&self) -> bool {
        let bytes = self.0.as_bytes();
        bytes.len() == 36
            && bytes.iter().enumerate().all(|(at, byte)| match at {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            })
    }

    /// The name of the file whose lock keeps two runs of this session apart: a file name on every system, at most
    /// [`MAX_FILE_NAME_BYTES`] long and different for different references (also where names ignore case, unless the
    /// reference is so long that the dense form is needed; a shared lock would only make one run wait).
    #[must_use]
    pub fn lock_name(&self) -> String {
        let escaped = escaped(self.0.as_bytes());
        if escaped.len() <= MAX_FILE_NAME_BYTES { escaped } else { dense(self.0.as_bytes()) }
    }
}

impl fmt::Display for SessionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<&str> for SessionRef {
    type Error = IdError;

    fn try_from(text: &str) -> Result<Self, IdError> {
        let shown = || text::quoted(text::first_chars(text, SHOWN_CHARS));
        if text::is_blank(text) {
            return Err(IdError::EmptySession);
        }
        if text.starts_with('-') {
            return Err(IdError::SessionLikeFlag { shown: shown() });
        }
        if text.len() > MAX_SESSION_REF_BYTES {
            return Err(IdError::SessionTooLong { bytes: text.len() });
        }
        match text::first_control(text, &[]) {
            Some(c) => Err(IdError::SessionControl { shown: shown(), code: u32::from(c) }),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl From<SessionRef> for String {
    fn from(session: SessionRef) -> Self {
        session.0
    }
}

/// The readable form: `s-`, then lowercase letters, digits, `-` and `_` as they are, every other byte as `%xx`.
fn escaped(bytes: &[u8]) -> String {
    let mut name = String::from("s-");
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => name.push(char::from(byte)),
            _ => name.push_str(&format!("%{byte:02x}")),
        }
    }
    name
}

/// The dense form: `x-`, then five characters for each four bytes (85⁵ > 2³²); 200 bytes become 252 characters.
/// A short last group is filled with zero bytes, which no reference contains, so the form stays reversible.
fn dense(bytes: &[u8]) -> String {
    /// 85 characters that need no care in a file name: neither `/`, `.`, a quote, a backslash nor a space.
    const DIGITS: &[u8; 85] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&()*+-;<=>?@^_`{|}~";
    let mut name = String::from("x-");
    for group in bytes.chunks(4) {
        let mut four = [0; 4];
        four[..group.len()].copy_from_slice(group);
        let mut number = u32::from_be_bytes(four) as usize;
        for _ in 0..5 {
            name.push(char::from(DIGITS[number % DIGITS.len()]));
            number /= DIGITS.len();
        }
    }
    name
}
