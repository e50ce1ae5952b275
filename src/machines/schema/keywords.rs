//! The keywords of JSON Schema, and the kind of value that each takes.

use serde_json::Value;

/// What a keyword is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// A schema that holds for the same value.
    Here,
    /// A schema that holds for what is inside the value.
    Inside,
    /// A schema, or a list of them by position, that holds for items.
    Items,
    /// A list of schemas that hold for the same value.
    ListHere,
    /// A list of schemas that hold for items.
    ListInside,
    /// Names with schemas that hold for the same value.
    NamedHere,
    /// Names with schemas that hold for what is inside.
    NamedInside,
    /// Patterns with schemas that hold for what is inside.
    PatternsInside,
    /// Names with schemas that hold nowhere until they are referred to.
    Definitions,
    /// Names with schemas for the same value, or with lists of names.
    Dependencies,
    /// Names with lists of names.
    NamedNames,
    /// A reference.
    Reference,
    /// Names of types.
    Types,
    /// A list of values, one of which it must be.
    Values,
    /// A number.
    Number,
    /// A number above 0.
    Positive,
    /// A whole number, 0 or more.
    Count,
    /// Names without repetition.
    Names,
    /// A regular expression.
    Pattern,
    /// True or false.
    Flag,
    /// The dialect.
    Dialect,
    /// The name of the whole schema.
    Id,
    /// Anything: it says nothing about validity.
    Note,
    /// Part of the language, but not of what is understood here.
    Unsupported,
}

/// The types of JSON.
pub(super) const TYPES: [&str; 7] = ["null", "boolean", "object", "array", "number", "integer", "string"];
/// The dialects that are understood.
pub(super) const DIALECTS: [&str; 3] =
    ["json-schema.org/draft/2020-12/schema", "json-schema.org/draft/2019-09/schema", "json-schema.org/draft-07/schema"];
/// What the CLI's validator, which is one of draft 7, does not know.
pub(super) const AFTER_DRAFT_7: [&str; 8] = [
    "prefixItems",
    "dependentRequired",
    "dependentSchemas",
    "minContains",
    "maxContains",
    "deprecated",
    "contentSchema",
    "$vocabulary",
];

/// What a keyword is given; `None` where it is none.
pub(super) fn kind(keyword: &str) -> Option<ValueKind> {
    Some(match keyword {
        "not" | "if" | "then" | "else" => ValueKind::Here,
        "additionalProperties" | "additionalItems" | "propertyNames" | "contains" => ValueKind::Inside,
        "items" => ValueKind::Items,
        "allOf" | "anyOf" | "oneOf" => ValueKind::ListHere,
        "prefixItems" => ValueKind::ListInside,
        "dependentSchemas" => ValueKind::NamedHere,
        "properties" => ValueKind::NamedInside,
        "patternProperties" => ValueKind::PatternsInside,
        "$defs" | "definitions" => ValueKind::Definitions,
        "dependencies" => ValueKind::Dependencies,
        "dependentRequired" => ValueKind::NamedNames,
        "$ref" => ValueKind::Reference,
        "type" => ValueKind::Types,
        "enum" => ValueKind::Values,
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => ValueKind::Number,
        "multipleOf" => ValueKind::Positive,
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minContains"
        | "maxContains" => ValueKind::Count,
        "required" => ValueKind::Names,
        "pattern" => ValueKind::Pattern,
        "uniqueItems" | "nullable" => ValueKind::Flag,
        "$schema" => ValueKind::Dialect,
        "$id" => ValueKind::Id,
        "const" | "$comment" | "title" | "description" | "default" | "examples" | "deprecated" | "readOnly"
        | "writeOnly" | "format" | "contentEncoding" | "contentMediaType" | "contentSchema" => ValueKind::Note,
        "unevaluatedProperties"
        | "unevaluatedItems"
        | "$anchor"
        | "$dynamicRef"
        | "$dynamicAnchor"
        | "$recursiveRef"
        | "$recursiveAnchor"
        | "$vocabulary"
        | "id" => ValueKind::Unsupported,
        // The convention for notes of one's own.
        other if other.starts_with("x-") => ValueKind::Note,
        _ => return None,
    })
}

/// A whole number, 0 or more, also written as `2.0`.
pub(super) fn count(value: &Value) -> Option<u64> {
    /// 2^53: beyond it not every whole number is a float.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    let float = |number: f64| (number >= 0.0 && number.fract() == 0.0 && number <= MAX_EXACT).then_some(number as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(float))
}
