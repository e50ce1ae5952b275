//! Our validator of schemas against another one: the crate `jsonschema`, which passes the official suite and bounds nothing.
//! Random schemas of what both understand, random values: the same verdict. Where ours differs on purpose stands in rows.

use agent_dispatch::machines::schema::{Schema, for_cli};
use jsonschema::{Draft, Validator};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

/// Keywords of both dialects that stand alone or with others.
const COMMON: [&str; 29] = [
    "type",
    "enum",
    "const",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "contains",
    "items",
    "minProperties",
    "maxProperties",
    "required",
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "description",
];
/// Keywords of 2020-12 only. `$ref` with others beside it is among them: draft 7 passes over those.
const NEW: [&str; 6] = ["prefixItems", "minContains", "maxContains", "dependentRequired", "dependentSchemas", "$ref"];
/// Keywords of draft 7 only; `items` as a list stands under `tuple`.
const OLD: [&str; 3] = ["dependencies", "additionalItems", "tuple"];
/// What has no verdict of its own.
const NOTES: [&str; 1] = ["description"];

const NAMES: [&str; 4] = ["a", "b", "ab", "\u{e9}"];

fn keywords(draft: Draft) -> Vec<&'static str> {
    let own = if draft == Draft::Draft7 { &OLD[..] } else { &NEW[..] };
    COMMON.iter().chain(own).copied().collect()
}

fn definitions(draft: Draft) -> &'static str {
    if draft == Draft::Draft7 { "definitions" } else { "$defs" }
}

fn dialect(draft: Draft) -> &'static str {
    if draft == Draft::Draft7 {
        "http://json-schema.org/draft-07/schema#"
    } else {
        "https://json-schema.org/draft/2020-12/schema"
    }
}

fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (-3..6_i64).prop_map(Value::from),
        2 => (-6..12_i64).prop_map(|half| json!(half as f64 / 2.0)),
        3 => prop::sample::select(vec![
            json!(0.1), json!(0.3), json!(0.35), json!(-0.0), json!(1e-9), json!(1e300), json!(i64::MIN), json!(u64::MAX),
            json!(9_007_199_254_740_992_u64), json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992.0),
        ]),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(NAMES.to_vec()).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["", "aa", "abc", "b1", "-", "a b", "\u{1f600}", "e\u{301}", "a\nb", "7", "_"])
            .prop_map(str::to_owned),
    ]
}

/// A value that has something to do with the schemas below.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        3 => number(),
        3 => text().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn names() -> impl Strategy<Value = Value> {
    prop::collection::btree_set(prop::sample::select(NAMES.to_vec()), 0..3).prop_map(|names| json!(names))
}

fn object<K: Into<String> + Ord + std::fmt::Debug + Clone + 'static>(
    name: impl Strategy<Value = K>,
    entry: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    prop::collection::btree_map(name, entry, 1..3)
        .prop_map(|entries| Value::Object(entries.into_iter().map(|(name, entry)| (name.into(), entry)).collect()))
}

fn pattern() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "^a",
        "b$",
        "[a-c]{2}",
        "^.$",
        "^(a|b1)*$",
        "[0-9]",
        "^[^a]*$",
        "\u{e9}",
        "\\.",
        "^\\w+$",
    ])
}

fn reference(draft: Draft) -> impl Strategy<Value = Value> {
    let within = definitions(draft);
    prop::sample::select(vec!["#".to_owned(), format!("#/{within}/x"), format!("#/{within}/y~1%20z")])
        .prop_map(Value::from)
}

/// What a keyword is given.
fn argument(keyword: &'static str, draft: Draft, inner: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let types = prop::sample::select(vec!["null", "boolean", "object", "array", "number", "integer", "string"]);
    let list = |inner: BoxedStrategy<Value>| prop::collection::vec(inner, 1..4).prop_map(Value::from);
    match keyword {
        "type" => prop_oneof![
            types.clone().prop_map(Value::from),
            prop::collection::btree_set(types, 1..4).prop_map(|types| json!(types)),
        ]
        .boxed(),
        "enum" => prop::collection::vec(value(), 1..5).prop_map(Value::from).boxed(),
        "const" => value().boxed(),
        "multipleOf" => prop::sample::select(vec![
            json!(1),
            json!(2),
            json!(0.5),
            json!(3),
            json!(1.0),
            json!(2.5),
            json!(0.1),
            json!(0.07),
        ])
        .boxed(),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => number().boxed(),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" | "minContains"
        | "maxContains" => prop::sample::select(vec![json!(0), json!(1), json!(2), json!(3), json!(2.0)]).boxed(),
        "pattern" => pattern().prop_map(Value::from).boxed(),
        "uniqueItems" => prop::bool::weighted(0.9).prop_map(Value::from).boxed(),
        "required" => names().boxed(),
        "properties" | "dependentSchemas" => object(prop::sample::select(NAMES.to_vec()), inner).boxed(),
        "patternProperties" => object(pattern(), inner).boxed(),
        "dependentRequired" => object(prop::sample::select(NAMES.to_vec()), names()).boxed(),
        "dependencies" => object(prop::sample::select(NAMES.to_vec()), prop_oneof![names(), inner]).boxed(),
        "allOf" | "anyOf" | "oneOf" | "prefixItems" | "tuple" => list(inner).boxed(),
        "$ref" => reference(draft).boxed(),
        "description" => text().prop_map(Value::from).boxed(),
        _ => inner,
    }
}

/// A keyword with what it is given, and those that it means nothing without.
fn entries(
    keyword: &'static str,
    draft: Draft,
    inner: BoxedStrategy<Value>,
) -> BoxedStrategy<Vec<(&'static str, Value)>> {
    let given = argument(keyword, draft, inner.clone());
    match keyword {
        "if" => (given, prop::option::of(inner.clone()), prop::option::of(inner))
            .prop_map(|(condition, then, otherwise)| {
                let branches = [("then", then), ("else", otherwise)].into_iter();
                let branches = branches.filter_map(|(branch, schema)| Some((branch, schema?)));
                [("if", condition)].into_iter().chain(branches).collect()
            })
            .boxed(),
        "minContains" | "maxContains" => {
            (given, inner).prop_map(move |(count, each)| vec![(keyword, count), ("contains", each)]).boxed()
        }
        "additionalItems" => (given, prop::collection::vec(inner, 1..3))
            .prop_map(|(rest, first)| vec![("items", Value::from(first)), ("additionalItems", rest)])
            .boxed(),
        "tuple" => given.prop_map(|items| vec![("items", items)]).boxed(),
        _ => given.prop_map(move |given| vec![(keyword, given)]).boxed(),
    }
}

/// An object of some keywords.
fn of_keywords(draft: Draft, inner: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let any =
        prop::strategy::Union::new(keywords(draft).into_iter().map(|keyword| entries(keyword, draft, inner.clone())));
    let objects = prop::collection::vec(any, 0..4).prop_map(|all| {
        Value::Object(all.into_iter().flatten().map(|(keyword, given)| (keyword.to_owned(), given)).collect())
    });
    objects.boxed()
}

/// A schema that may stand inside of another.
fn inner(draft: Draft) -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        1 => any::<bool>().prop_map(Value::from),
        1 => reference(draft).prop_map(|target| json!({ "$ref": target })),
        4 => of_keywords(draft, any::<bool>().prop_map(Value::from).boxed()),
    ];
    leaf.prop_recursive(2, 12, 3, move |inner| of_keywords(draft, inner.boxed())).boxed()
}

/// A whole schema that says its dialect.
fn schema(draft: Draft, top: BoxedStrategy<Value>) -> impl Strategy<Value = Value> {
    (top, inner(draft), inner(draft)).prop_map(move |(top, x, y)| {
        let mut whole = Map::from_iter([("$schema".to_owned(), Value::from(dialect(draft)))]);
        whole.extend(top.as_object().cloned().unwrap_or_default());
        whole.insert(definitions(draft).to_owned(), json!({"x": x, "y/ z": y}));
        Value::Object(whole)
    })
}

fn drafts() -> impl Strategy<Value = Draft> {
    prop::sample::select(vec![Draft::Draft7, Draft::Draft202012])
}

/// The oracle for a schema; formats are notes here.
fn oracle(schema: &Value, draft: Draft) -> Validator {
    let built = jsonschema::options().with_draft(draft).should_validate_formats(false).build(schema);
    built.unwrap_or_else(|error| panic!("{schema}: {error}"))
}

fn ours(schema: &Value, value: &Value) -> bool {
    Schema::new(schema.clone()).unwrap_or_else(|error| panic!("{schema}: {error}")).validate(value).is_ok()
}

/// Whether a number is in it that floats are too coarse for to tell it from the next whole one.
fn is_beyond_floats(value: &Value) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Number(number) => number.as_f64().is_some_and(|float| float.abs() >= EXACT),
        Value::Array(items) => items.iter().any(is_beyond_floats),
        Value::Object(entries) => entries.values().any(is_beyond_floats),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

proptest! {
    /// The same verdict. Schemas that come back to themselves are refused by ours, and left out.
    #[test]
    fn both_say_the_same(
        (draft, schema, values) in drafts().prop_flat_map(|draft| {
            let whole = schema(draft, of_keywords(draft, inner(draft)));
            (Just(draft), whole, prop::collection::vec(value(), 1..8))
        }),
    ) {
        let own = Schema::new(schema.clone());
        // Not `prop_assume`, which gives a long search up after so many of them.
        if own.as_ref().is_err_and(|error| error.to_string().contains("comes back to itself")) {
            return Ok(());
        }
        let (own, other) = (own.unwrap(), oracle(&schema, draft));
        let divides = schema.to_string().contains("multipleOf");
        for value in values {
            // There the other one divides as floats do (see `the_differences_are_known`).
            if divides && is_beyond_floats(&value) {
                continue;
            }
            let said = own.validate(&value);
            prop_assert_eq!(said.is_ok(), other.is_valid(&value), "{} for {}: {:?}", schema, value, said);
        }
    }

    /// What the CLI is given is a schema of draft 7, the only dialect that its own validator knows.
    #[test]
    fn the_cli_is_given_draft_7(schema in drafts().prop_flat_map(|draft| schema(draft, of_keywords(draft, inner(draft))))) {
        let mut schema = schema;
        schema.as_object_mut().unwrap().insert("type".to_owned(), json!("object"));
        if let Some(given) = Schema::new(schema).ok().and_then(|schema| for_cli(schema.value())) {
            let given: Value = serde_json::from_str(&given).unwrap();
            prop_assert!(jsonschema::draft7::meta::is_valid(&given), "{}", given);
        }
    }
}

/// Each keyword by itself is met with values that match and with values that do not: the property above is about something.
#[test]
fn every_keyword_is_met_both_ways() {
    const TRIES: usize = 300;
    const VALUES: usize = 12;
    let mut runner = TestRunner::deterministic();
    for draft in [Draft::Draft7, Draft::Draft202012] {
        for keyword in keywords(draft).into_iter().filter(|keyword| !NOTES.contains(keyword)) {
            let simple = prop_oneof![
                any::<bool>().prop_map(Value::from),
                Just(json!({"type": "integer"})),
                Just(json!({"maxLength": 1})),
            ];
            let top = entries(keyword, draft, simple.boxed()).prop_map(|given| {
                Value::Object(given.into_iter().map(|(key, given)| (key.to_owned(), given)).collect())
            });
            let whole = schema(draft, top.boxed());
            let mut met = [false; 2];
            for _ in 0..TRIES {
                let values = prop::collection::vec(value(), VALUES);
                let (schema, values) = (&whole, values).new_tree(&mut runner).unwrap().current();
                if Schema::new(schema.clone()).is_ok() {
                    let oracle = oracle(&schema, draft);
                    values.iter().for_each(|value| met[usize::from(oracle.is_valid(value))] = true);
                }
                if met == [true; 2] {
                    break;
                }
            }
            assert_eq!(met, [true; 2], "{draft:?} {keyword}: [missed, matched]");
        }
    }
}

/// Where ours says something else, and why.
#[test]
fn the_differences_are_known() {
    let (new, old) = (Draft::Draft202012, Draft::Draft7);
    let rows = [
        (
            "`nullable` is OpenAPI's, and models write it",
            new,
            json!({"type": "string", "nullable": true}),
            json!(null),
            true,
        ),
        (
            "draft 7 passes over what stands beside $ref; nobody means that",
            old,
            json!({"definitions": {"n": {}}, "properties": {"a": {"$ref": "#/definitions/n", "type": "null"}}}),
            json!({"a": 1}),
            false,
        ),
        ("a multiple of a fraction is told exactly", new, json!({"multipleOf": 2.5}), json!(i64::MIN), false),
        (
            "a number is what its decimals say, also where no float is that",
            new,
            json!({"multipleOf": 3}),
            json!(1e300),
            false,
        ),
        ("words of later drafts hold in draft 7, too", old, json!({"prefixItems": [false]}), json!([1]), false),
        ("so does `dependentRequired`", old, json!({"dependentRequired": {"a": ["b"]}}), json!({"a": 1}), false),
        ("and `minContains`", old, json!({"contains": true, "minContains": 2}), json!([1]), false),
        (
            "what is encoded in a text is not looked at",
            old,
            json!({"contentMediaType": "application/json"}),
            json!("{"),
            true,
        ),
    ];
    for (why, draft, schema, value, own) in rows {
        assert_eq!(ours(&schema, &value), own, "{why}: {schema}");
        assert_eq!(oracle(&schema, draft).is_valid(&value), !own, "{why}: no difference any more: {schema}");
    }
}
