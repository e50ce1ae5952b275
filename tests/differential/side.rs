//! One implementation in a world of its own.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

use serde_json::{Map, Value, json};

use super::{Deed, Step};
use crate::support::client::{Client, Wire};
use crate::support::world::World;
use crate::support::{once, python};

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Implementation {
    Ours,
    Older,
}

/// An implementation and its world.
pub struct Side {
    implementation: Implementation,
    world: World,
    client: Option<Client>,
    kept: BTreeMap<&'static str, Value>,
}

impl Side {
    /// Fake-claude is `claude` on PATH.
    pub fn new(implementation: Implementation, world: World) -> Self {
        let bin = world.path("bin");
        std::fs::create_dir(&bin).unwrap();
        let (fake, claude) = (env!("CARGO_BIN_EXE_fake-claude"), bin.join("claude"));
        match implementation {
            Implementation::Ours => symlink(fake, claude).unwrap(),
            // It hands its own standard input on, for which the CLI, and so its stand-in, waits three seconds each time.
            Implementation::Older => {
                std::fs::write(&claude, format!("#!/bin/sh\nexec '{fake}' \"$@\" < /dev/null\n")).unwrap();
                std::fs::set_permissions(&claude, Permissions::from_mode(0o755)).unwrap();
            }
        }
        Self { implementation, world, client: None, kept: BTreeMap::new() }
    }

    /// Does all steps; what was said to each.
    pub fn play(mut self, steps: &[Step]) -> Vec<Value> {
        let said = steps.iter().map(|step| self.step(step)).collect();
        if let Some(client) = self.client.take() {
            client.bye();
        }
        said
    }

    fn step(&mut self, step: &Step) -> Value {
        let said = match &step.deed {
            Deed::Change(change) => {
                change(&self.world);
                return Value::Null;
            }
            Deed::Call(tool, arguments) => {
                let arguments = self.filled(arguments);
                self.call(tool, arguments)
            }
            Deed::Run(arguments) => self.run(arguments),
        };
        for (name, pointer) in &step.keep {
            let kept = said["said"].pointer(pointer).unwrap_or_else(|| panic!("{}: no {pointer} in {said}", step.what));
            self.kept.insert(name, kept.clone());
        }
        self.without_root(said)
    }

    /// The client's server is started by its first call.
    fn call(&mut self, tool: &str, arguments: Value) -> Value {
        if self.client.is_none() {
            let mut client = Client::silent(self.command(&["serve"]), Wire::Pipes);
            client.initialize();
            self.client = Some(client);
        }
        let client = self.client.as_mut().unwrap();
        let id = client.call(tool, arguments);
        let answer = client.answer(id);
        if let Some(error) = answer.get("error") {
            return json!({"protocol_error": error["code"]});
        }
        let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
        // What is no JSON is a mistake that the framework found.
        let said = serde_json::from_str(text).unwrap_or_else(|_| json!({"error": text}));
        json!({"is_error": answer["result"]["isError"] == true, "said": said})
    }

    fn run(&self, arguments: &[&str]) -> Value {
        let arguments = arguments.iter().map(|argument| self.text(argument)).collect::<Vec<_>>();
        let arguments = arguments.iter().map(String::as_str).collect::<Vec<_>>();
        let output = once(self.command(&arguments)).output().unwrap();
        let mut said = Map::from_iter([("exit".to_owned(), json!(output.status.code()))]);
        if arguments.contains(&"--json") {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            said.insert("said".to_owned(), serde_json::from_str(&text).unwrap_or(Value::String("not JSON".to_owned())));
        }
        Value::Object(said)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.implementation {
            Implementation::Ours => self.world.command(arguments),
            Implementation::Older => self.world.command_of(&python::program(), arguments),
        };
        // Where the world's own PATH hides it there is no CLI.
        if !self.world.path("no-claude").exists() {
            command.env("PATH", format!("{}:/usr/bin:/bin", self.world.path("bin").display()));
        }
        command.env_remove("AGENT_DISPATCH_CLAUDE").env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }

    /// The arguments with what they stand for.
    fn filled(&self, arguments: &Value) -> Value {
        match arguments {
            Value::String(text) => match text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
                Some(name) if self.kept.contains_key(name) => self.kept[name].clone(),
                _ => self.text(text).into(),
            },
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(entries) => {
                entries.iter().map(|(key, value)| (key.clone(), self.filled(value))).collect::<Map<_, _>>().into()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => arguments.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        let name = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        match name.and_then(|name| self.kept.get(name)).and_then(Value::as_str) {
            Some(kept) => kept.to_owned(),
            None => text.replace("[ROOT]", &self.root()),
        }
    }

    fn root(&self) -> String {
        self.world.path("").display().to_string().trim_end_matches('/').to_owned()
    }

    fn without_root(&self, said: Value) -> Value {
        let text = said.to_string().replace(&self.root(), "[ROOT]");
        serde_json::from_str(&text).unwrap()
    }
}
