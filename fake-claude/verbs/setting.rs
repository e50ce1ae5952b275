//! Verbs that change what later results show.

use super::{needed, number};
use crate::player::{Flow, Player};

/// A change of what results show.
#[derive(Debug)]
pub enum Setting {
    /// `cost USD`
    Cost(f64),
    /// `turns N`
    Turns(u64),
    /// `tokens INPUT OUTPUT`
    Tokens(u64, u64),
    /// `model NAME`
    Model(String),
    /// `resets-in SECONDS`: when the limits of later notices are over.
    ResetsIn(u64),
    /// `field KEY JSON`: the key's value as it stands, valid JSON or not.
    Field(String, Option<String>),
}

/// `None` when the word is no setting.
pub fn parse(word: &str, rest: &str) -> Result<Option<Setting>, String> {
    Ok(Some(match word {
        "cost" => {
            Setting::Cost(rest.trim().parse().map_err(|_| format!("cost needs US dollars, not \"{}\"", rest.trim()))?)
        }
        "turns" => Setting::Turns(number(word, rest)?),
        "tokens" => {
            let (input, output) = rest.trim().split_once(' ').ok_or("tokens needs two numbers: input and output")?;
            Setting::Tokens(number(word, input)?, number(word, output)?)
        }
        "model" => Setting::Model(needed(word, rest)?),
        "resets-in" => Setting::ResetsIn(number(word, rest)?),
        "field" => {
            let (key, raw) = rest.trim().split_once(' ').ok_or("field needs a key and JSON text")?;
            Setting::Field(key.to_owned(), Some(raw.to_owned()))
        }
        "without" => Setting::Field(needed(word, rest)?, None),
        _ => return Ok(None),
    }))
}

impl Setting {
    /// Changes the run's counts.
    pub fn play(&self, player: &mut Player) -> Flow {
        let mut stream = player.stream();
        match self {
            Self::Cost(usd) => stream.cost_usd = *usd,
            Self::Turns(n) => stream.turns = Some(*n),
            Self::Tokens(input, output) => stream.tokens = (*input, *output),
            Self::Model(name) => stream.model.clone_from(name),
            Self::ResetsIn(seconds) => {
                let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                stream.resets_at = since.as_secs().saturating_add(*seconds);
            }
            Self::Field(key, raw) => stream.overrides.push((key.clone(), raw.clone())),
        }
        Flow::Next
    }
}
