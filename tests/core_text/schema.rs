//! Schemas of answers: what is refused, what matches, and that nothing hangs.

use agent_dispatch::machines::schema::{MAX_BYTES, MAX_VIOLATIONS, Schema, for_cli};
use proptest::prelude::*;
use serde_json::{Value, json};

fn refused(schema: Value) -> String {
    let shown = schema.to_string();
    match Schema::new(schema) {
        Ok(_) => panic!("accepted: {}", &shown[..shown.len().min(200)]),
        Err(error) => error.to_string(),
    }
}

fn misses(schema: Value, value: Value) -> Vec<String> {
    let schema = Schema::new(schema).unwrap();
    schema.validate(&value).err().into_iter().flatten().map(|violation| violation.to_string()).collect()
}

#[test]
fn what_is_no_schema_is_refused_with_its_place() {
    let cases = [
        (json!([]), "the top"),
        (json!(true), "the top"),
        (json!({"type": "integr"}), "/type"),
        (json!({"type": []}), "/type"),
        (json!({"properties": {"a": {"minLength": -1}}}), "/properties/a/minLength"),
        (json!({"properties": {"a/b": 5}}), "/properties/a~1b"),
        (json!({"properties": []}), "/properties"),
        (json!({"requierd": ["a"]}), "requierd"),
        (json!({"required": ["a", "a"]}), "/required"),
        (json!({"required": "a"}), "/required"),
        (json!({"enum": []}), "/enum"),
        (json!({"allOf": []}), "/allOf"),
        (json!({"items": {"pattern": "("}}), "/items/pattern"),
        (json!({"pattern": "(?=x)"}), "look-around"),
        (json!({"pattern": "((a{99}){99}){99}"}), "/pattern"),
        (json!({"patternProperties": {"[": {}}}), "/patternProperties/["),
        (json!({"multipleOf": 0}), "/multipleOf"),
        (json!({"$schema": "https://example.org/mine"}), "/$schema"),
        (json!({"unevaluatedProperties": false}), "unevaluatedProperties"),
        (json!({"items": {"$id": "x"}}), "$id"),
        (json!({"dependentRequired": {"a": [1]}}), "/dependentRequired/a"),
    ];
    for (schema, place) in cases {
        let said = refused(schema.clone());
        assert!(said.contains(place), "{schema}: {said}");
    }
}

#[test]
fn references_lead_somewhere_within() {
    for remote in ["http://x.invalid/s.json", "file:///etc/passwd", "other.json#/$defs/a", ""] {
        assert!(refused(json!({"$ref": remote})).contains("nothing is fetched"), "{remote}");
    }
    for nowhere in ["#/$defs/b", "#name", "#/enum/0", "#/$defs", "#/%zz"] {
        let schema = json!({"$defs": {"a": {}}, "enum": [{}], "properties": {"x": {"$ref": nowhere}}});
        assert!(refused(schema).contains("leads to no schema"), "{nowhere}");
    }
    let escaped = json!({"$defs": {"a b/c~": {"type": "null"}}, "items": {"$ref": "#/$defs/a%20b~1c~0"}});
    assert_eq!(misses(escaped, json!([1])).len(), 1);
}

#[test]
fn what_would_run_in_circles_is_refused() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "items": {"$ref": "#/$defs/a"}}),
        json!({"anyOf": [{"type": "null"}, {"not": {"$ref": "#/anyOf/1"}}]}),
        json!({"dependencies": {"a": {"$ref": "#"}}}),
    ] {
        assert!(refused(schema.clone()).contains("comes back to itself"), "{schema}");
    }
    let defs = |count: usize| -> Value {
        let name = |index: usize| format!("d{index}");
        let next =
            |index: usize| if index < count { json!({"$ref": format!("#/$defs/{}", name(index))}) } else { json!({}) };
        let all: serde_json::Map<_, _> = (0..count).map(|index| (name(index), next(index + 1))).collect();
        json!({"$ref": "#/$defs/d0", "$defs": all})
    };
    assert!(Schema::new(defs(50)).is_ok());
    assert!(refused(defs(1_500)).contains("one behind the other"));
}

#[test]
fn large_and_deep_ones_are_refused() {
    assert!(refused(json!({"description": "x".repeat(MAX_BYTES)})).contains("bytes"));
    let deep = (0..120).fold(json!({}), |inner, _| json!({"items": inner}));
    assert!(refused(deep).contains("levels"));
}

/// A tree of itself, and a schema that tries every branch twice at each level: the work is bounded all the same.
#[test]
fn the_work_is_bounded() {
    let tree = json!({"properties": {"next": {"$ref": "#"}, "n": {"type": "integer"}}, "required": ["n"]});
    let nested = |levels: usize, end: Value| (0..levels).fold(end, |inner, _| json!({"n": 1, "next": inner}));
    assert_eq!(misses(tree.clone(), nested(60, json!({"n": 1}))), Vec::<String>::new());
    assert!(misses(tree, nested(60, json!({"n": "x"})))[0].contains("/next/next"));
    let twice = json!({"anyOf": [
        {"properties": {"next": {"$ref": "#"}}, "required": ["nowhere"]},
        {"properties": {"next": {"$ref": "#"}}, "required": ["n"]},
    ]});
    assert!(misses(twice, nested(60, json!(1)))[0].contains("too large or too deep"));
    let link = |to: usize| json!({"$ref": format!("#/$defs/d{to}")});
    let mut all: serde_json::Map<_, _> =
        (0..30).map(|index| (format!("d{index}"), json!({"allOf": [link(index + 1), link(index + 1)]}))).collect();
    all.insert("d30".to_owned(), json!({}));
    let doubled = json!({"$ref": "#/$defs/d0", "$defs": all});
    assert!(misses(doubled, json!(1))[0].contains("too large or too deep"));
    let long = json!("a".repeat(8_000_000));
    assert!(misses(json!({"pattern": "a?".repeat(50)}), long)[0].contains("too large or too deep"));
    let semver = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?$";
    assert_eq!(misses(json!({"pattern": semver}), json!("1.2.3-rc.1")), Vec::<String>::new());
    let many: Vec<Value> = (0..300_000).map(|index| json!({ "k": index })).collect();
    assert_eq!(misses(json!({"uniqueItems": true}), Value::from(many)), Vec::<String>::new());
}

#[test]
fn violations_are_told_with_their_place() {
    let schema = json!({
        "type": "object", "required": ["n", "list"], "additionalProperties": false,
        "properties": {
            "n": {"type": "integer", "minimum": 1, "multipleOf": 2},
            "list": {"type": "array", "items": {"enum": ["a", "b"]}, "maxItems": 2, "uniqueItems": true},
            "s": {"type": ["string", "null"], "pattern": "^[a-z]+$", "minLength": 2},
        },
    });
    assert_eq!(misses(schema.clone(), json!({"n": 2.0, "list": ["a"], "s": null})), Vec::<String>::new());
    let said = misses(schema, json!({"n": -1, "list": ["a", "c", "a"], "s": "\u{c9}", "more": 1}));
    for (place, what) in [
        ("/n", "at least 1"),
        ("/n", "a multiple of 2"),
        ("/list/1", "one of \"a\", \"b\", is \"c\""),
        ("/list", "at most 2 items"),
        ("/list", "0 and 2 are the same"),
        ("/s", "pattern"),
        ("/s", "at least 2 characters"),
        ("the top", "\"more\""),
    ] {
        let found = said.iter().any(|said| said.starts_with(&format!("at {place}: ")) && said.contains(what));
        assert!(found, "{place} {what}: {said:#?}");
    }
    assert_eq!(said.len(), 8, "{said:#?}");
    let many = misses(json!({"items": false}), json!(vec![1; 100]));
    assert_eq!(many.len(), MAX_VIOLATIONS);
}

#[test]
fn values_are_compared_as_the_language_says() {
    assert!(misses(json!({"const": 1}), json!(1.0)).is_empty());
    assert!(misses(json!({"enum": [{"a": 1, "b": [2]}]}), json!({"b": [2.0], "a": 1})).is_empty());
    assert!(misses(json!({"uniqueItems": true}), json!([1, true, "1", [1], {"a": 1}])).is_empty());
    assert!(!misses(json!({"uniqueItems": true}), json!([{"a": 1, "b": 2}, {"b": 2, "a": 1.0}])).is_empty());
    for (one, other, same) in [
        (json!(0), json!(-0.0), true),
        (json!(1e21), json!(1e21), true),
        (json!(-1e300), json!(-1e300), true),
        (json!(9_007_199_254_740_992_u64), json!(9_007_199_254_740_992.0), true),
        // As floats they are the same.
        (json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992.0), false),
        (json!(u64::MAX), json!(18_446_744_073_709_551_616.0), false),
    ] {
        assert_eq!(misses(json!({"const": one}), other.clone()).is_empty(), same, "{one} and {other}");
        assert_eq!(!misses(json!({"uniqueItems": true}), json!([one, other])).is_empty(), same, "{one} and {other}");
    }
    assert!(misses(json!({"multipleOf": 0.1}), json!(0.3)).is_empty());
    assert!(!misses(json!({"multipleOf": 0.1}), json!(0.35)).is_empty());
    // The error of a quotient grows with it, and so must not what is let through: this one is 0.1 away from a multiple.
    assert!(!misses(json!({"multipleOf": 0.01}), json!(1_234_567.891)).is_empty());
    assert!(misses(json!({"multipleOf": 0.01}), json!(1_234_567.89)).is_empty());
    assert!(!misses(json!({"multipleOf": 1}), json!(1e-12)).is_empty());
    // Floats of this size have no fraction, and neither has their quotient.
    assert!(!misses(json!({"multipleOf": 2.5}), json!(9_007_199_254_740_992_u64)).is_empty());
    assert!(misses(json!({"multipleOf": 2.5}), json!(9_007_199_254_740_990_u64)).is_empty());
    assert!(misses(json!({"multipleOf": 2.5}), json!(-1e300)).is_empty());
    assert!(!misses(json!({"multipleOf": 3}), json!(1e300)).is_empty());
    assert!(!misses(json!({"multipleOf": 1e300}), json!(2.5)).is_empty());
    assert!(misses(json!({"multipleOf": 1e300}), json!(0)).is_empty());
    assert!(misses(json!({"minimum": 0, "maximum": 0}), json!(-0.0)).is_empty());
    assert!(!misses(json!({"maximum": 9_007_199_254_740_992.0}), json!(9_007_199_254_740_993_u64)).is_empty());
    assert!(
        misses(json!({"maximum": 18_446_744_073_709_551_615_u64}), json!(18_446_744_073_709_551_615_u64)).is_empty()
    );
    assert!(
        !misses(json!({"exclusiveMinimum": 9_007_199_254_740_993_u64}), json!(9_007_199_254_740_993_u64)).is_empty()
    );
    assert!(misses(json!({"type": "string", "nullable": true}), json!(null)).is_empty());
    let alternatives = misses(json!({"oneOf": [{"type": "null"}, {"required": ["a"]}]}), json!({}));
    assert!(alternatives[0].contains("(1)") && alternatives[0].contains("(2)"), "{alternatives:?}");
}

#[test]
fn the_cli_is_given_what_it_takes() {
    let plain = json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "properties": {"a": {"type": "string"}}});
    assert_eq!(for_cli(&plain).as_deref(), Some(r#"{"type":"object","properties":{"a":{"type":"string"}}}"#));
    for other in [
        json!({"type": "array"}),
        json!({"properties": {}}),
        json!({"type": "object", "anyOf": [{}]}),
        json!({"type": "object", "properties": {"a": {"prefixItems": [{}]}}}),
        json!({"type": "object", "x-note": 1}),
        json!({"type": "object", "title": "a\u{7f}b"}),
    ] {
        assert_eq!(for_cli(&other), None, "{other}");
    }
}

/// JSON whose keys are mostly words of the language.
fn schema_like() -> impl Strategy<Value = Value> {
    let words = prop::sample::select(vec![
        "type",
        "properties",
        "items",
        "anyOf",
        "oneOf",
        "not",
        "$ref",
        "$defs",
        "required",
        "enum",
        "pattern",
        "a",
        "if",
        "then",
        "minLength",
        "additionalProperties",
        "prefixItems",
        "contains",
        "dependentSchemas",
        "patternProperties",
    ]);
    let leaf = prop_oneof![
        Just(json!(true)),
        Just(json!(null)),
        (-2..3_i64).prop_map(Value::from),
        prop::sample::select(vec!["string", "object", "#", "#/$defs/a", "#/not", "a*", "a"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 60, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(words.clone(), inner, 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

/// `digits / 10^places`, as somebody writes it.
fn decimal(digits: u64, places: usize) -> Value {
    let text = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = text.split_at(text.len() - places);
    let dot = if places > 0 { "." } else { "" };
    serde_json::from_str(&format!("{}{dot}{fraction}", if whole.is_empty() { "0" } else { whole })).unwrap()
}

proptest! {
    /// Numbers against the arithmetic of whole numbers, which has no rounding.
    #[test]
    fn decimals_are_multiples_and_in_order_as_whole_numbers_are(
        (a, a_places) in (0_u64..10_000_000, 0_usize..4),
        (b, b_places) in (1_u64..100, 0_usize..3),
        factor in 0_u64..100_000,
    ) {
        let scale = |digits: u64, places: usize| digits * 10_u64.pow(3 - u32::try_from(places).unwrap());
        let holds = |keyword: &str, bound: &Value, value: &Value| misses(json!({keyword: bound}), value.clone()).is_empty();
        let (of, of_scaled) = (decimal(b, b_places), scale(b, b_places));
        for (value, scaled) in [(decimal(a, a_places), scale(a, a_places)), (decimal(b * factor, b_places), of_scaled * factor)] {
            prop_assert_eq!(holds("multipleOf", &of, &value), scaled % of_scaled == 0, "{} of {}", value, of);
            for (keyword, right) in [
                ("minimum", scaled >= of_scaled),
                ("maximum", scaled <= of_scaled),
                ("exclusiveMinimum", scaled > of_scaled),
                ("exclusiveMaximum", scaled < of_scaled),
            ] {
                prop_assert_eq!(holds(keyword, &of, &value), right, "{} {} {}", value, keyword, of);
            }
        }
    }

    /// Any JSON as a schema: it is refused, or holds any JSON against itself in bounded time.
    #[test]
    fn nothing_hangs_or_panics(schema in schema_like(), value in schema_like()) {
        if let Ok(schema) = Schema::new(schema) {
            let said = schema.validate(&value);
            prop_assert!(said.is_ok() || (1..=MAX_VIOLATIONS).contains(&said.unwrap_err().len()));
            let _ = for_cli(schema.value());
        }
    }

    /// A value always matches itself as a constant, and exactly one of a schema and its negation.
    #[test]
    fn a_schema_and_its_negation_share_nothing(schema in schema_like(), value in schema_like()) {
        let itself = misses(json!({"const": value.clone()}), value.clone());
        prop_assert_eq!(itself, Vec::<String>::new());
        let own = Schema::new(schema.clone());
        // References of the schema count from the top, which is another one in the negation.
        if own.is_ok() && !schema.to_string().contains("$ref") {
            let negation = Schema::new(json!({"not": schema})).unwrap();
            prop_assert_ne!(own.unwrap().validate(&value).is_ok(), negation.validate(&value).is_ok());
        }
    }
}
