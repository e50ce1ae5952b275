//! The tools as one table: what a client is told, and how arguments are read, come from the same rows.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use super::call::ToolCall;
use super::output::Output;
use super::reply::{CallError, Response};
use super::state::ServerState;

/// A tool.
#[derive(Debug, Clone, Copy)]
pub struct ToolRow {
    /// Its name on the wire.
    pub name: &'static str,
    /// A short name for people.
    pub title: &'static str,
    /// What a model must know to use it. Counts against the context of every session: keep it short.
    pub description: &'static str,
    /// What it takes.
    pub parameters: &'static [Parameter],
    /// What it does to the world.
    pub effect: ToolEffect,
    /// Whether Claude Code shows its schema from the start instead of on demand.
    pub always_load: bool,
    /// What clients are told of its answer.
    pub output: Output,
    /// What it does.
    pub handler: Handler,
}

/// Answers a call of a tool.
pub type Handler = for<'a> fn(&'a ServerState, ToolCall) -> BoxFuture<'a, Result<Response, CallError>>;

/// An `async fn` of a state, a call and possibly more as a [`Handler`].
macro_rules! handler {
    ($function:path $(, $more:expr)*) => {
        |state, call| Box::pin($function(state, call $(, $more)*))
    };
}
pub(super) use handler;

/// What a call does to the world, as MCP annotations say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToolEffect {
    /// Reads files of this machine only. Claude Code calls such tools concurrently.
    Reads,
    /// Changes our own state; calling it again with the same arguments changes nothing more.
    Sets,
    /// Changes our own state.
    Adds,
    /// Removes something of ours.
    Removes,
    /// Runs an agent, which may do whatever it is allowed to, and costs money.
    Runs,
}

impl ToolEffect {
    fn annotations(self, title: &str) -> ToolAnnotations {
        let annotations = ToolAnnotations::with_title(title);
        match self {
            Self::Reads => annotations.read_only(true).open_world(false),
            Self::Sets => annotations.read_only(false).destructive(false).idempotent(true).open_world(false),
            Self::Adds => annotations.read_only(false).destructive(false).idempotent(false).open_world(false),
            Self::Removes => annotations.read_only(false).destructive(true).idempotent(true).open_world(false),
            Self::Runs => annotations.read_only(false).destructive(true).idempotent(false).open_world(true),
        }
    }
}

/// A parameter of a tool.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name in a call.
    pub name: &'static str,
    /// What may be given.
    pub kind: Kind,
    /// Whether it must be given.
    pub required: bool,
    /// Anything the name does not say; may be empty.
    pub description: &'static str,
}

/// What a parameter takes. More is accepted than is told: see [`super::arguments`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// Names, as an array or as text with commas.
    Names,
    /// Objects, as an array or as the JSON text of one.
    Items,
    /// A JSON Schema, or the name of one.
    Schema,
}

impl Kind {
    fn schema_type(self) -> Value {
        match self {
            Self::Text | Self::Names => json!("string"),
            Self::Integer => json!("integer"),
            Self::Number => json!("number"),
            Self::Flag => json!("boolean"),
            Self::Items => json!("array"),
            Self::Schema => json!(["object", "string"]),
        }
    }
}

/// Lists of parameters as one, of `N` in all.
pub(super) const fn joined<const N: usize>(lists: &[&[Parameter]]) -> [Parameter; N] {
    let mut all = [required("", Kind::Text, ""); N];
    let (mut list, mut filled) = (0, 0);
    while list < lists.len() {
        let mut at = 0;
        while at < lists[list].len() {
            all[filled] = lists[list][at];
            (at, filled) = (at + 1, filled + 1);
        }
        list += 1;
    }
    assert!(filled == N, "as many parameters as the list is long");
    all
}

/// A parameter that must be given.
pub(super) const fn required(name: &'static str, kind: Kind, description: &'static str) -> Parameter {
    Parameter { name, kind, required: true, description }
}

/// A parameter that may be left out.
pub(super) const fn optional(name: &'static str, kind: Kind, description: &'static str) -> Parameter {
    Parameter { name, kind, required: false, description }
}

impl ToolRow {
    /// A tool without parameters whose answer has no keys that could be relied on; what differs is stated by the functions below.
    pub(super) const fn new(effect: ToolEffect, name: &'static str, title: &'static str, handler: Handler) -> Self {
        let (description, parameters, output) = ("", &[], Output::new(""));
        Self { name, title, description, parameters, effect, always_load: false, output, handler }
    }

    pub(super) const fn description(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    pub(super) const fn parameters(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    pub(super) const fn output(self, output: Output) -> Self {
        Self { output, ..self }
    }

    pub(super) const fn always_load(self) -> Self {
        Self { always_load: true, ..self }
    }

    /// The row as the protocol tells it.
    #[must_use]
    pub fn to_tool(&self) -> Tool {
        let mut tool = Tool::new(self.name, self.description, self.input_schema())
            .with_title(self.title)
            .with_annotations(self.effect.annotations(self.title))
            .with_raw_output_schema(Arc::new(self.output.schema()));
        let mut meta = JsonObject::new();
        if self.always_load {
            meta.insert("anthropic/alwaysLoad".to_owned(), Value::Bool(true));
        }
        if let Some(chars) = self.output.max_result_chars() {
            meta.insert("anthropic/maxResultSizeChars".to_owned(), chars.into());
        }
        if !meta.is_empty() {
            tool = tool.with_meta(rmcp::model::MetaObject(meta));
        }
        tool
    }

    /// A flat object schema: one that is nested, boolean or without `type` costs some clients the whole list.
    fn input_schema(&self) -> JsonObject {
        let properties = self.parameters.iter().map(Parameter::property).collect::<JsonObject>();
        let required = self.parameters.iter().filter(|parameter| parameter.required);
        let required = required.map(|parameter| Value::from(parameter.name)).collect::<Vec<_>>();
        let mut schema = JsonObject::new();
        schema.insert("type".to_owned(), json!("object"));
        schema.insert("properties".to_owned(), Value::Object(properties));
        if !required.is_empty() {
            schema.insert("required".to_owned(), Value::Array(required));
        }
        schema
    }
}

impl Parameter {
    fn property(&self) -> (String, Value) {
        let mut property = JsonObject::new();
        property.insert("type".to_owned(), self.kind.schema_type());
        if self.kind == Kind::Items {
            property.insert("items".to_owned(), json!({"type": "object"}));
        }
        if !self.description.is_empty() {
            property.insert("description".to_owned(), json!(self.description));
        }
        (self.name.to_owned(), Value::Object(property))
    }
}
