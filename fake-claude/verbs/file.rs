//! Verbs beside the protocol: raw bytes, floods, marks and reports in files.

use std::io::Write;
use std::path::PathBuf;

use super::{needed, number, text};
use crate::player::{Flow, Player};

/// Bytes that a flood writes at once.
const FLOOD_CHUNK_BYTES: u64 = 64 * 1024;
/// Size of an event in a flood of events, unless the scene says another.
const FLOOD_EVENT_BYTES: u64 = 300;
/// More than this is written in pieces that somebody may interrupt.
const LONG_FLOOD_BYTES: u64 = 1024 * 1024;

/// A step beside the protocol.
#[derive(Debug)]
pub enum FileVerb {
    /// `raw TEXT`: a line as it stands; `raw-hex HEX`: bytes as they are.
    Raw(Vec<u8>),
    /// `stderr TEXT`
    Stderr(String),
    /// `flood stdout|stderr BYTES`
    Flood { stderr: bool, bytes: u64 },
    /// `flood-events BYTES [SIZE]`
    FloodEvents { bytes: u64, size: u64 },
    /// `touch PATH`
    Touch(PathBuf),
    /// `dump PATH`
    Dump(PathBuf),
}

/// `None` when the word is none of these.
pub fn parse(word: &str, rest: &str) -> Result<Option<FileVerb>, String> {
    let (first, more) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    Ok(Some(match word {
        "raw" => FileVerb::Raw([rest.as_bytes(), b"\n"].concat()),
        "raw-hex" => FileVerb::Raw(hex(rest)?),
        "stderr" => FileVerb::Stderr(text(rest)),
        "flood" => {
            let stderr = match first {
                "stdout" => false,
                "stderr" => true,
                other => return Err(format!("flood needs stdout or stderr, not \"{other}\"")),
            };
            FileVerb::Flood { stderr, bytes: number(word, more)? }
        }
        "flood-events" => {
            let size = if more.is_empty() { FLOOD_EVENT_BYTES } else { number(word, more)? };
            FileVerb::FloodEvents { bytes: number(word, first)?, size }
        }
        "touch" => FileVerb::Touch(PathBuf::from(needed(word, rest)?)),
        "dump" => FileVerb::Dump(PathBuf::from(needed(word, rest)?)),
        _ => return Ok(None),
    }))
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).ok_or(c))
        .collect::<Result<_, _>>()
        .map_err(|c| format!("raw-hex: '{c}' is no hexadecimal digit"))?;
    if digits.len() % 2 == 1 {
        return Err("raw-hex needs an even number of digits".to_owned());
    }
    Ok(digits.chunks(2).map(|d| u8::try_from(d[0] * 16 + d[1]).unwrap_or(0)).collect())
}

impl FileVerb {
    /// Can it last?
    pub const fn lasts(&self) -> bool {
        match self {
            Self::Flood { bytes, .. } | Self::FloodEvents { bytes, .. } => *bytes > LONG_FLOOD_BYTES,
            _ => false,
        }
    }

    /// Does it.
    pub fn play(&self, player: &mut Player) -> Flow {
        match self {
            Self::Raw(bytes) => player.stream().out.raw(bytes),
            Self::Stderr(text) => stderr(format!("{}\n", player.expand(text)).as_bytes()),
            Self::Flood { stderr: on_stderr, bytes } => flood(player, *on_stderr, *bytes),
            Self::FloodEvents { bytes, size } => flood_events(player, *bytes, *size),
            Self::Touch(path) => {
                if let Err(e) = std::fs::File::create(path) {
                    return Flow::broken(&format!("touch {}: {e}", path.display()));
                }
            }
            Self::Dump(path) => {
                if let Err(e) = player.dump(path) {
                    return Flow::broken(&format!("dump {}: {e}", path.display()));
                }
            }
        }
        Flow::Next
    }
}

/// A reader of stderr that is gone is no reason to stop.
pub fn stderr(bytes: &[u8]) {
    let _ = std::io::stderr().lock().write_all(bytes);
}

fn flood(player: &Player, on_stderr: bool, bytes: u64) {
    let mut chunk = vec![b'x'; usize::try_from(FLOOD_CHUNK_BYTES).unwrap_or(0)];
    if let Some(last) = chunk.last_mut() {
        *last = b'\n';
    }
    let mut left = bytes;
    while left > 0 {
        let n = left.min(FLOOD_CHUNK_BYTES);
        let piece = &chunk[chunk.len() - usize::try_from(n).unwrap_or(0)..];
        if on_stderr {
            stderr(piece)
        } else {
            player.stream().out.flood(piece)
        }
        left -= n;
    }
}

/// Well-formed `assistant` events of `size` bytes each.
fn flood_events(player: &Player, bytes: u64, size: u64) {
    let frame = r#"{"type":"assistant","message":{"id":"msg_flood","type":"message","role":"assistant","content":[{"type":"text","text":""}]},"session_id":""#;
    let id = player.stream().session.id.clone();
    let tail = format!("{id}\"}}\n");
    let filler = usize::try_from(size).unwrap_or(0).saturating_sub(frame.len() + tail.len());
    let line = frame.replace("\"text\":\"\"", &format!("\"text\":\"{}\"", "e".repeat(filler))) + &tail;
    let per_chunk = (usize::try_from(FLOOD_CHUNK_BYTES).unwrap_or(0) / line.len()).max(1);
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX).div_ceil(line.len());
    let chunk = line.repeat(per_chunk);
    while left > 0 {
        let n = left.min(per_chunk);
        player.stream().out.flood(&chunk.as_bytes()[..n * line.len()]);
        left -= n;
    }
}
