//! Which entries are permission rules. Each row was tried on the real CLI (2.1.197 and 2.1.332): allowed under `default`,
//! disallowed under `bypassPermissions`.
use agent_dispatch::machines::rule::{Fault, List, Wrong, check, check_all, parts};
use proptest::prelude::*;

fn fault(entry: &str, list: List) -> Option<Fault> {
    check(entry, list).err().map(|wrong| wrong.fault)
}

#[test]
fn what_has_an_effect_in_both_lists_is_taken() {
    for rule in [
        "Bash",
        " Bash ",
        "Bash()",
        "Bash(*)",
        "Bash(git log:*)",
        "Bash(touch *)",
        "Bash( touch * )",
        "Bash(echo (x))",
        "Bash(touch \"(x)\")",
        "Bash(touch \"(x\")",
        "Bash(touch \"x)\")",
        "Bash(touch \"x)y(\")",
        "Bash(touch \"a, b\")",
        "Bash(git log --format='%H: %s')",
        "Bash(frob #careful)",
        "Bash(echo don't)",
        "Bash(touch \"log: *)",
        "Bash(touch log: x*)",
        "Bash(: *)",
        "Read(log: *)",
        "WebFetch(domain:*)",
        "Bash(ls {a,b})",
        "Read(//abs/**)",
        "Read(src/{a,b}/**)",
        "WebFetch(domain:x.org)",
        "Skill(name)",
        "Agent(name)",
        "mcp__pg",
        "mcp__pg__*",
        "mcp__pg__query",
        "mcp__pg__q*",
        "mcp__pg__query()",
        "mcp__pg(*)",
        "mcp__claude_ai_Gmail__send-mail",
        "SomeToolOfTomorrow",
    ] {
        assert_eq!(fault(rule, List::Allowed), None, "{rule}");
        assert_eq!(fault(rule, List::Disallowed), None, "{rule}");
    }
}

#[test]
fn what_has_no_effect_or_another_one_is_told_with_its_correction() {
    let rows: [(&str, Fault, &[&str]); 32] = [
        ("", Fault::Empty, &[]),
        ("Bash\nRead", Fault::Control('\n'), &[]),
        ("Read Write Glob", Fault::Several(3), &["Read", "Write", "Glob"]),
        ("Read,Bash(git log:*)", Fault::Several(2), &["Read", "Bash(git log:*)"]),
        ("Bash(touch *) Read", Fault::Several(2), &["Bash(touch *)", "Read"]),
        ("Bash touch f)", Fault::Form, &[]),
        ("git show:*)", Fault::Form, &[]),
        ("Bash(touch f", Fault::Open, &["Bash(touch f)"]),
        ("Bash(touch:*, git:*", Fault::Open, &["Bash(touch:*)", "Bash(git:*)"]),
        ("Bash((touch *)", Fault::Unbalanced, &[]),
        ("Bash(touch *))", Fault::Unbalanced, &[]),
        ("Bash(touch *)Read", Fault::Tail, &[]),
        ("Bash(touch *) tail", Fault::Tail, &[]),
        ("Bash (touch *)", Fault::Spaced, &["Bash(touch *)"]),
        ("Bash(touch 'a)b' *)", Fault::Cut, &[]),
        ("Bash(touch:*, git:*)", Fault::Patterns, &["Bash(touch:*)", "Bash(git:*)"]),
        ("Bash(touch *, git *)", Fault::Patterns, &["Bash(touch *)", "Bash(git *)"]),
        (
            "WebFetch(domain:a.org, domain:b.org)",
            Fault::Patterns,
            &["WebFetch(domain:a.org)", "WebFetch(domain:b.org)"],
        ),
        ("Bash(touch log: *)", Fault::Colon, &["Bash(touch log:*)"]),
        ("Bash(touch log:  *)", Fault::Colon, &["Bash(touch log:*)"]),
        ("WebFetch(domain: x.org)", Fault::Colon, &["WebFetch(domain:x.org)"]),
        ("WebFetch(domain: *)", Fault::Colon, &["WebFetch(domain:*)"]),
        ("Bash(touch: *, git: *)", Fault::Patterns, &["Bash(touch:*)", "Bash(git:*)"]),
        ("Bash(touch log: *", Fault::Open, &["Bash(touch log:*)"]),
        ("Bash (touch log: *)", Fault::Spaced, &["Bash(touch log:*)"]),
        ("bash(touch log: *)", Fault::Case, &["Bash(touch log:*)"]),
        ("bash", Fault::Case, &["Bash"]),
        ("webfetch(domain:x.org)", Fault::Case, &["WebFetch(domain:x.org)"]),
        ("mcp_pg_query", Fault::Case, &[]),
        ("MCP__pg__query", Fault::Case, &["mcp__pg__query"]),
        ("!Bash", Fault::Letter('!'), &[]),
        ("\"Bash\"", Fault::Letter('"'), &["Bash"]),
    ];
    for (entry, fault, corrected) in rows {
        for list in [List::Allowed, List::Disallowed] {
            let wrong = check(entry, list).unwrap_err();
            assert_eq!(wrong.fault, fault, "{entry}");
            assert_eq!(wrong.corrected.unwrap_or_default(), corrected, "{entry}");
        }
    }
}

#[test]
fn wildcards_in_names_deny_more_than_they_allow() {
    for rule in ["*", "Bash*", "B*", "m*", "mcp__*", "mcp__p*", "mcp__*__query", "*__query"] {
        assert_eq!(fault(rule, List::Allowed), Some(Fault::Wildcard), "{rule}");
        assert_eq!(fault(rule, List::Disallowed), None, "{rule}");
    }
    assert_eq!(fault("b*", List::Disallowed), Some(Fault::Case));
    let pattern = |list| check("mcp__pg__query(x)", list).unwrap_err();
    assert_eq!((pattern(List::Allowed).fault, pattern(List::Allowed).corrected), (Fault::McpPattern, None));
    assert_eq!(pattern(List::Disallowed).corrected.unwrap(), ["mcp__pg__query"]);
}

#[test]
fn what_a_comma_tore_apart_is_told_as_one() {
    let wrong = check_all(&["Read", "Bash(git log:*", "git show:*)"], List::Allowed).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "`Bash(git log:*, git show:*)` holds several patterns, and a rule has one; write `Bash(git log:*)` and `Bash(git show:*)`"
    );
    let wrong = check_all(&["Bash(echo a", "b)", "Read"], List::Allowed).unwrap_err();
    assert_eq!((wrong.fault, wrong.corrected.unwrap()), (Fault::Open, vec!["Bash(echo a, b)".to_owned()]));
    assert_eq!(check_all(&["Bash(touch:*", "Read"], List::Allowed).unwrap_err().entry, "Bash(touch:*");
    assert_eq!(check_all(&["Read", "Bash(ls:*)"], List::Allowed), Ok(()));
}

proptest! {
    #[test]
    fn any_text_is_judged_and_what_is_proposed_passes(entry in prop_oneof!["\\PC{0,40}", "[A-Ca-c( ):,*'\"_m#\\\\-]{0,24}"]) {
        for list in [List::Allowed, List::Disallowed] {
            if let Err(Wrong { corrected, .. }) = check(&entry, list) {
                for rule in corrected.into_iter().flatten() {
                    prop_assert_eq!(check(&rule, list), Ok(()), "{:?} of {:?}", rule, entry);
                }
            } else {
                prop_assert_eq!(parts(entry.trim_matches(' ')).len(), 1, "{:?}", entry);
            }
        }
    }

    #[test]
    fn any_list_is_judged(entries in prop::collection::vec("[A-Ca-c( ):,*]{0,10}", 0..6)) {
        for list in [List::Allowed, List::Disallowed] {
            let each = entries.iter().all(|entry| check(entry, list).is_ok());
            prop_assert_eq!(check_all(&entries, list).is_ok(), each);
        }
    }
}
