//! The scene language itself.

use std::fs;

use serde_json::Value;

use super::{STREAM, World};

#[test]
fn scenes_come_from_four_places_and_the_nearest_counts() {
    let answer =
        |world: &World, prompt: &str| world.stream(&[], prompt).result()["result"].as_str().unwrap().to_owned();
    assert_eq!(answer(&World::new(), "p"), "echo: p");
    assert_eq!(answer(&World::new(), "text\n!scene say a\\; b; say c\nmore"), "c");
    let local = World::with("say from the directory");
    assert_eq!(answer(&local, "!scene say from the prompt"), "from the directory");
    fs::write(local.path("scene"), "# comment\n\n  say from a file\n").unwrap();
    let path = local.path("scene").to_str().unwrap().to_owned();
    let named = local.env("FAKE_CLAUDE_SCENE", &path);
    assert_eq!(answer(&named, "p"), "from a file");
    assert_eq!(answer(&World::with("say x").env("FAKE_CLAUDE_SCENE", "say one; say two"), "p"), "two");
}

#[test]
fn mistakes_in_a_scene_exit_with_64_before_anything_is_played() {
    for (scene, says) in [
        ("say hi\nfoo bar", "line 2: unknown verb \"foo\""),
        ("sleep soon", "line 1: sleep needs a whole number, not \"soon\""),
        ("error nothing", "unknown error \"nothing\"; there are: api STATUS"),
        ("signal FOO", "unknown signal \"FOO\""),
        ("flood nowhere 3", "flood needs stdout or stderr"),
        ("raw-hex 0", "even number of digits"),
        ("tool Bash {", "the input is not JSON"),
        ("exit 256", "exit needs a code up to 255"),
        ("reject-flag session-id", "reject-flag needs an option"),
        ("on-call x", "on-call needs a number"),
        ("on-call 2\nfoo", "line 2: unknown verb"),
        ("spawn-setsid color=red", "a child's options are"),
        ("result-of-type date", "result-of-type is one of"),
    ] {
        let done = World::with(scene).stream(&[], "x");
        assert_eq!((done.code(), done.stdout().as_str()), (Some(64), ""), "{scene}");
        assert!(done.stderr.contains(says), "{scene}: {}", done.stderr);
    }
    let gone = World::new().env("FAKE_CLAUDE_SCENE", "/nowhere/at/all").stream(&[], "x");
    assert!(gone.code() == Some(64) && gone.stderr.contains("/nowhere/at/all"));
}

/// A CLI that does not know an option, as in a version before it.
#[test]
fn options_can_be_made_unknown() {
    let id = "0f4c1a52-9d0e-4c57-8a51-6f3f0b1d2e3a";
    let world = World::with("reject-flag --session-id\ndump dump\nsay fine");
    let refused = world.stream(&[&format!("--session-id={id}")], "x");
    assert_eq!((refused.code(), refused.stdout().as_str()), (Some(1), ""));
    assert!(refused.stderr.starts_with(&format!("error: unknown option '--session-id={id}'\n")), "{}", refused.stderr);
    assert_eq!(world.stream(&[], "x").result()["result"], "fine");
    assert_eq!(fs::read_to_string(world.path("work/dump")).unwrap().lines().count(), 2);
    assert!(!world.run(&["--help"], "").stdout().contains("--session-id"));
    let in_prompt = World::new().stream(&["--model=m"], "!scene reject-flag --model; say fine");
    assert!(in_prompt.stderr.starts_with("error: unknown option '--model=m'\n"));
}

#[test]
fn sections_belong_to_invocations() {
    let world = World::with("cost 2\non-call 1\nsay first\non-call 2\nsay second\non-call *\nsay later {call}");
    let answers: Vec<String> =
        (0..4).map(|_| world.stream(&[], "x").result()["result"].as_str().unwrap().to_owned()).collect();
    assert_eq!(answers, ["first", "second", "later 3", "later 4"]);
    let inline = World::new().env("FAKE_CLAUDE_SCENE", "on-call 2; say second");
    assert!(inline.stream(&[], "x").stderr.contains("FAKE_CLAUDE_CALLS"));
    let counter = inline.path("counter").to_str().unwrap().to_owned();
    let inline = inline.env("FAKE_CLAUDE_CALLS", &counter);
    assert_eq!(inline.stream(&[], "x").result()["result"], "echo: x");
    assert_eq!(inline.stream(&[], "x").result()["result"], "second");
}

/// The counter is exact however many runs there are at once.
#[test]
fn invocations_at_once_get_different_numbers() {
    let world = World::with("on-call *\nsay {call}");
    let runs: Vec<_> = (0..8).map(|_| world.start(&STREAM, b"x")).collect();
    let mut numbers: Vec<u32> =
        runs.into_iter().map(|r| r.wait().result()["result"].as_str().unwrap().parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn a_dump_tells_what_the_run_was_given() {
    let world = World::with("dump dump\nresult x").env("MINE", "m");
    world.stream(&["--model=a b"], "the prompt\n");
    let dump: Value = serde_json::from_str(&fs::read_to_string(world.path("work/dump")).unwrap()).unwrap();
    assert_eq!(dump["argv"].as_array().unwrap().last().unwrap(), "--model=a b");
    assert_eq!((&dump["prompt"], &dump["env"]["MINE"]), (&"the prompt\n".into(), &"m".into()));
    assert_eq!(dump["cwd"], fs::canonicalize(world.path("work")).unwrap().to_str().unwrap());
    assert_eq!((&dump["stdin"], &dump["stdout"]), (&"file".into(), &"file".into()));
}

#[test]
fn texts_have_escapes_and_names() {
    let world = World::with("result {prompt}|{session}|{nothing}|a\\tb\\\\n\\u{41}\\q{");
    let result = world.stream(&[], "{model}").result();
    let id = result["session_id"].as_str().unwrap();
    assert_eq!(result["result"], format!("{{model}}|{id}|{{nothing}}|a\tb\\nA\\q{{"));
    let env = World::with("echo-env MINE\necho-env THEIRS").env("MINE", "m").stream(&[], "x").stdout();
    assert!(env.contains("MINE=m") && env.contains("THEIRS is not set"));
}

#[test]
fn settings_show_in_the_result() {
    let result = World::with("cost 1.25\nturns 7\ntokens 100 20\nmodel m\nresult x").stream(&[], "x").result();
    assert_eq!((&result["total_cost_usd"], &result["num_turns"]), (&1.25.into(), &7.into()));
    assert_eq!((&result["usage"]["input_tokens"], &result["usage"]["output_tokens"]), (&100.into(), &20.into()));
    assert_eq!(result["modelUsage"]["m"]["costUSD"], 1.25);
}

/// The README lists no verb that does not exist, and a test for each verb is only useful if the list is complete.
#[test]
fn the_readme_lists_the_verbs() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fake-claude/README.md")).unwrap();
    let verbs = readme.split_once("## Verbs").unwrap().1.split_once("## What it is faithful in").unwrap().0;
    let cells = verbs.lines().filter_map(|l| l.strip_prefix("| `")).map(|l| l.split(" | ").next().unwrap());
    let listed: Vec<&str> =
        cells.flat_map(|c| c.split('`').filter_map(|part| part.split_whitespace().next())).collect();
    let listed: Vec<&str> = listed.into_iter().filter(|w| w.starts_with(|c: char| c.is_ascii_lowercase())).collect();
    assert!(listed.len() > 50, "{listed:?}");
    for verb in listed {
        let done = World::with(&format!("on-call 2\n{verb}")).stream(&[], "x");
        assert!(!done.stderr.contains("unknown verb"), "{verb}: {}", done.stderr);
    }
}
