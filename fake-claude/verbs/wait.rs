//! Verbs that let time pass.

use std::path::PathBuf;
use std::time::Duration;

use super::{needed, number};
use crate::player::{Flow, Player};

/// A pause.
#[derive(Debug)]
pub enum Wait {
    /// `sleep MS`
    Sleep(u64),
    /// `silence`
    Silence,
    /// `wait-file PATH`
    File(PathBuf),
    /// `hang-after-result`
    HangAfterResult,
}

/// `None` when the word is no pause.
pub fn parse(word: &str, rest: &str) -> Result<Option<Wait>, String> {
    Ok(Some(match word {
        "sleep" => Wait::Sleep(number(word, rest)?),
        "silence" => Wait::Silence,
        "wait-file" => Wait::File(PathBuf::from(needed(word, rest)?)),
        "hang-after-result" => Wait::HangAfterResult,
        _ => return Ok(None),
    }))
}

impl Wait {
    /// Lets the time pass.
    pub fn play(&self, player: &mut Player) -> Flow {
        match self {
            Self::Sleep(ms) => player.pass(Some(Duration::from_millis(*ms)), || false),
            Self::Silence => player.pass(None, || false),
            Self::File(path) => player.pass(None, || path.exists()),
            Self::HangAfterResult => {
                if player.stream().results == 0 {
                    player.conclude();
                }
                player.pass(None, || false)
            }
        }
    }
}
