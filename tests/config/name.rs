//! Names, and answers to names that nobody has.
use agent_dispatch::config::name::{is_valid_name, nearest, unknown};
use proptest::prelude::*;

#[test]
fn the_rule_holds_for_the_whole_string() {
    for name in ["a", "A1", "9-x_y", "infra-prod_2"] {
        assert!(is_valid_name(name), "{name}");
    }
    for name in ["", "-a", "_a", "a b", "a\n", "é", "a.b", "a/b", "../x", "a\0", "٣"] {
        assert!(!is_valid_name(name), "{name:?}");
    }
}

#[test]
fn an_unknown_name_gets_the_known_ones() {
    assert_eq!(unknown("agent", "foo", &["infra", "db"]), "Unknown agent: 'foo'. Available: infra, db");
    assert_eq!(unknown("agent", "foo", &[]), "Unknown agent: 'foo'. There are none");
    let many: Vec<String> = (0..500).map(|index| format!("service-{index}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let answer = unknown("agent", "servcie-499", &many);
    assert!(answer.starts_with("Unknown agent: 'servcie-499'. Available: service-499, "), "{answer}");
    assert!(answer.ends_with("and 480 more") && answer.len() < 600, "{answer}");
    let hostile = "x\n\u{1b}[31m".repeat(10_000);
    let answer = unknown("agent", &hostile, &many);
    assert!(answer.len() < 1_000 && !answer.contains(['\n', '\u{1b}']), "{answer}");
}

#[test]
fn slips_are_recognised_and_strangers_are_not() {
    let known = ["timeout", "model", "directory", "description"];
    for (word, meant) in
        [("timeuot", Some("timeout")), ("Modle", Some("model")), ("directoy", Some("directory")), ("zzz", None)]
    {
        assert_eq!(nearest(word, known.into_iter()), meant, "{word}");
    }
}

/// Number of insertions, deletions, replacements and swaps of neighbours between two words, by characters; no part of a word
/// is changed twice. Suggestions, and the keys that disable an agent, rest on this number.
fn distance(left: &[char], right: &[char]) -> usize {
    let (Some((a, left_rest)), Some((b, right_rest))) = (left.split_last(), right.split_last()) else {
        return left.len().max(right.len());
    };
    let swapped = left.len() > 1
        && right.len() > 1
        && a == &right_rest[right_rest.len() - 1]
        && b == &left_rest[left_rest.len() - 1];
    [
        Some(distance(left_rest, right_rest) + usize::from(a != b)),
        Some(distance(left_rest, right) + 1),
        Some(distance(left, right_rest) + 1),
        swapped.then(|| distance(&left_rest[..left_rest.len() - 1], &right_rest[..right_rest.len() - 1]) + 1),
    ]
    .into_iter()
    .flatten()
    .min()
    .unwrap()
}

proptest! {
    /// The library counts what we mean: by its definition, letters of several bytes included.
    #[test]
    fn slips_are_counted_by_the_definition(left in "[abé]{0,6}", right in "[abé]{0,6}") {
        let letters = |word: &str| word.chars().collect::<Vec<_>>();
        prop_assert_eq!(strsim::osa_distance(&left, &right), distance(&letters(&left), &letters(&right)));
    }
}

/// What each slip is taken for, in the order of the file where several are equally near.
#[test]
fn suggestions_stay_the_same() {
    let known = ["infra", "web", "docs", "data-pipeline", "Données", "billing_api", "mobile-app", "intra"];
    let table = [
        ("infar", Some("infra")),
        ("ifnra", Some("infra")),
        ("inra", Some("infra")),
        ("intfra", Some("infra")),
        ("INFRA", Some("infra")),
        ("wbe", Some("web")),
        ("we", Some("web")),
        ("wxyz", None),
        ("doc", Some("docs")),
        ("dcos", Some("docs")),
        ("dosc", Some("docs")),
        ("datapipline", Some("data-pipeline")),
        ("data_pipeline", Some("data-pipeline")),
        ("pipeline", None),
        ("donnees", Some("Données")),
        ("billingapi", Some("billing_api")),
        ("biling-api", Some("billing_api")),
        ("mobil-ap", Some("mobile-app")),
        ("", None),
        ("x", None),
        ("inxxa", None),
    ];
    for (word, meant) in table {
        assert_eq!(nearest(word, known.into_iter()), meant, "{word}");
    }
}
