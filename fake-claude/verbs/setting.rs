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
    /// `mcp-server NAME STATUS [SOURCE]`: one of the servers that later `init` events list.
    McpServer(String, String, Option<String>),
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
        "mcp-server" => {
            let mut words = rest.split_whitespace().map(str::to_owned);
            match (words.next(), words.next()) {
                (Some(name), Some(status)) => Setting::McpServer(name, status, words.next()),
                _ => return Err("mcp-server needs a name and a status".to_owned()),
            }
        }
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
            Self::McpServer(name, status, source) => {
                let mut server = serde_json::json!({"name":name,"status":status});
                if let Some(source) = source {
                    server["source"] = source.as_str().into();
                }
                stream.mcp_servers.push(server);
            }
            Self::Field(key, raw) => stream.overrides.push((key.clone(), raw.clone())),
        }
        Flow::Next
    }
}
