//! JSON: how what others wrote is read, and how lines of our files are written.

use serde::Serialize;
use serde_json::Value;

use super::text;

/// The value that a text consists of. Half a surrogate pair (`\ud83d`), which JavaScript writes where a text was cut and
/// serde_json refuses, stands for U+FFFD.
#[must_use]
pub fn parse(written: &str) -> Option<Value> {
    serde_json::from_str(written).ok().or_else(|| serde_json::from_str(&mended(written)?).ok())
}

/// As [`parse`], of bytes; those that are not UTF-8 become U+FFFD.
#[must_use]
pub fn parse_bytes(written: &[u8]) -> Option<Value> {
    serde_json::from_slice(written).ok().or_else(|| parse(&text::lossy(written)))
}

/// A line of a file that has a value of ours on each, with its end.
#[must_use]
pub fn line(value: &impl Serialize) -> Vec<u8> {
    // Our own types have text keys and finite numbers only, so that this cannot fail.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

/// The text with each escape of half a pair replaced; `None` where there is none.
fn mended(written: &str) -> Option<String> {
    /// Length of `\uXXXX`.
    const ESCAPE: usize = 6;
    let mut mended = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(found) = written.get(at..)?.find('\\') {
        at += found;
        let Some(first) = unit(written, at) else {
            // Another escape: what follows it begins none.
            at += 1 + written[at + 1..].chars().next().map_or(0, char::len_utf8);
            continue;
        };
        let pair = unit(written, at + ESCAPE).filter(|_| is_high(first)).filter(|second| is_low(*second));
        if pair.is_some() {
            at += ESCAPE;
        } else if is_high(first) || is_low(first) {
            mended.push_str(&written[kept..at]);
            mended.push(char::REPLACEMENT_CHARACTER);
            kept = at + ESCAPE;
        }
        at += ESCAPE;
    }
    (kept > 0).then(|| mended + &written[kept..])
}

/// The UTF-16 unit of the `\uXXXX` that stands here.
fn unit(written: &str, at: usize) -> Option<u16> {
    let digits = written.get(at..)?.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

const fn is_high(unit: u16) -> bool {
    matches!(unit, 0xd800..=0xdbff)
}

const fn is_low(unit: u16) -> bool {
    matches!(unit, 0xdc00..=0xdfff)
}
