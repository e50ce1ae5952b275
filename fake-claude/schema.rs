//! `--json-schema`: refused, or answered (CLI contract, chapter 10; what older versions dropped is refused now).

use serde_json::{Map, Value};

use crate::Stop;

/// The one `$schema` that is taken.
const DRAFT_07: &str = "http://json-schema.org/draft-07/schema#";

/// Keywords that the CLI's validator knows; one that it does not know is refused with the whole schema.
const KNOWN: &[&str] = &[
    "$schema",
    "$id",
    "$ref",
    "$defs",
    "$comment",
    "definitions",
    "title",
    "description",
    "default",
    "examples",
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependencies",
    "items",
    "additionalItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "oneOf",
    "anyOf",
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "nullable",
    "format",
    "readOnly",
    "writeOnly",
];

/// Keywords whose value maps names of the author's choice to schemas.
const NAMED: &[&str] = &["properties", "$defs", "definitions", "patternProperties"];
/// Keywords whose value is no schema and is not looked into.
const DATA: &[&str] = &["enum", "const", "default", "examples"];

/// The schema that takes effect.
pub fn accepted(text: &str) -> Result<Value, Stop> {
    let schema: Value = serde_json::from_str(text)
        .map_err(|e| Stop::error(format!("Error: --json-schema is not valid JSON: JSON Parse error: {e}\n")))?;
    if !schema.is_object() {
        return Err(Stop::error("Error: --json-schema must be a JSON object\n".to_owned()));
    }
    match mistake(&schema, &schema) {
        None => Ok(schema),
        Some(why) => Err(Stop::error(format!("Error: --json-schema is not a valid JSON Schema: {why}\n"))),
    }
}

/// What the CLI's validator does not take.
fn mistake(schema: &Value, root: &Value) -> Option<String> {
    let Value::Object(map) = schema else { return None };
    map.iter().find_map(|(key, value)| {
        if !KNOWN.contains(&key.as_str()) {
            return Some(format!("strict mode: unknown keyword: \"{key}\""));
        }
        match (key.as_str(), value) {
            ("$schema", value) => (value != DRAFT_07).then(|| format!("no schema with key or ref {value}")),
            ("$ref", Value::String(target)) => {
                let found = target.strip_prefix('#').is_some_and(|pointer| root.pointer(pointer).is_some());
                (!found).then(|| format!("can't resolve reference {target} from id #"))
            }
            ("required", Value::Array(names)) => {
                let twice = names.iter().enumerate().any(|(i, n)| names[..i].contains(n));
                twice.then(|| "data/required must NOT have duplicate items".to_owned())
            }
            (name, Value::Object(children)) if NAMED.contains(&name) => {
                children.values().find_map(|c| mistake(c, root))
            }
            (name, _) if DATA.contains(&name) => None,
            (_, Value::Array(several)) => several.iter().find_map(|s| mistake(s, root)),
            (_, value) => mistake(value, root),
        }
    })
}

/// Deeper than this an answer ends in null, so that a schema that refers to itself ends.
const MAX_DEPTH: u32 = 16;

/// A small answer in the schema's form; texts become `text`.
pub fn instance(schema: &Value, text: &str) -> Value {
    build(schema, schema, text, MAX_DEPTH)
}

fn build(schema: &Value, root: &Value, text: &str, depth: u32) -> Value {
    if depth == 0 {
        return Value::Null;
    }
    let again = |s: &Value| build(s, root, text, depth - 1);
    if let Some(target) = schema["$ref"].as_str().and_then(|r| root.pointer(r.trim_start_matches('#'))) {
        return again(target);
    }
    let fixed = schema.get("const").or_else(|| schema.get("default")).or_else(|| schema["enum"].get(0));
    if let Some(value) = fixed {
        return value.clone();
    }
    if let Some(first) = ["anyOf", "oneOf", "allOf"].iter().find_map(|k| schema[*k].get(0)) {
        return again(first);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind.unwrap_or(if schema["properties"].is_object() { "object" } else { "string" }) {
        "object" => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            Value::Object(properties.iter().map(|(name, s)| (name.clone(), again(s))).collect::<Map<_, _>>())
        }
        "array" => {
            let least = schema["minItems"].as_u64().unwrap_or(1);
            (0..least.min(16)).map(|_| again(&schema["items"])).collect()
        }
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| 0.into()),
        "boolean" => true.into(),
        "null" => Value::Null,
        _ => text.into(),
    }
}
