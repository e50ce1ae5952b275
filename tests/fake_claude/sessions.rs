//! Sessions (chapter 3).

use std::fs;
use std::os::unix::fs::symlink;

use super::World;
use crate::support::once;

const ID: &str = "0f4c1a52-9d0e-4c57-8a51-6f3f0b1d2e3a";

fn session(id: &str) -> String {
    format!("--session-id={id}")
}

fn resume(id: &str) -> String {
    format!("--resume={id}")
}

/// The id is echoed as given, and the file lies where the CLI looks for it.
#[test]
fn an_id_can_be_given_beforehand() {
    let world = World::new();
    for id in [ID, &ID.to_uppercase(), "00000000-0000-0000-0000-000000000000"] {
        let done = world.stream(&[&session(id)], "x");
        assert_eq!((done.code(), done.result()["session_id"].as_str()), (Some(0), Some(id)));
        let real = fs::canonicalize(world.path("work")).unwrap();
        let slug: String =
            real.to_str().unwrap().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        assert!(world.path("home/.claude/projects").join(slug).join(format!("{id}.jsonl")).is_file());
    }
    assert_ne!(world.stream(&["--session-id="], "x").result()["session_id"], "");
}

#[test]
fn bad_and_used_ids_are_refused() {
    let world = World::new();
    for bad in ["not-a-uuid", "0f4c1a529d0e4c578a516f3f0b1d2e3a"] {
        let done = world.stream(&[&session(bad)], "x");
        assert_eq!((done.code(), done.stdout().as_str()), (Some(1), ""));
        assert_eq!(done.stderr, "Error: Invalid session ID. Must be a valid UUID.\n");
    }
    assert_eq!(world.stream(&[&session(ID)], "x").code(), Some(0));
    let again = world.stream(&[&session(ID)], "x");
    assert_eq!((again.code(), again.stdout().as_str()), (Some(1), ""));
    assert_eq!(again.stderr, format!("Error: Session ID {ID} is already in use.\n"));
    fs::create_dir(world.path("other")).unwrap();
    let elsewhere = once(world.command(&["-p", &session(ID), "x"])).current_dir(world.path("other")).output().unwrap();
    assert_eq!(elsewhere.status.code(), Some(0));
    let both = world.stream(&[&session(ID), &resume(ID)], "x");
    assert!(both.stderr.contains("--session-id can only be used with --continue or --resume if --fork-session"));
    assert_eq!(both.code(), Some(1));
}

#[test]
fn a_resumed_session_keeps_its_id_and_remembers() {
    let world = World::new().env("FAKE_CLAUDE_SCENE", "result before: {previous}");
    assert_eq!(world.stream(&[&session(ID)], "first question").result()["result"], "before: ");
    let second = world.stream(&[&resume(ID)], "second question").result();
    assert_eq!((second["session_id"].as_str(), second["result"].as_str()), (Some(ID), Some("before: first question")));
    assert_eq!(world.stream(&[&resume(ID)], "third").result()["result"], "before: second question");
    assert_eq!(world.stream(&["-c"], "fourth").result()["result"], "before: third");
    let fork = world.stream(&[&resume(ID), "--fork-session"], "fifth").result();
    assert_eq!(fork["result"], "before: fourth");
    assert_ne!(fork["session_id"], ID);
}

#[test]
fn a_resumed_session_keeps_its_model_without_the_large_window() {
    let world = World::new();
    world.stream(&[&session(ID)], "x");
    assert_eq!(world.stream(&[&resume(ID)], "x").events()[0]["model"], "claude-opus-4-8");
    assert_eq!(world.stream(&[&resume(ID), "--model=haiku"], "x").events()[0]["model"], "haiku");
    assert_eq!(world.stream(&[&resume(ID)], "x").events()[0]["model"], "haiku");
}

#[test]
fn unknown_sessions_show_a_result_only_in_streams() {
    let world = World::new();
    let text = format!("No conversation found with session ID: {ID}");
    for format in ["json", "text"] {
        let done = world.run(&["-p", &format!("--output-format={format}"), &resume(ID)], "x");
        assert_eq!((done.code(), done.stdout(), done.stderr), (Some(1), String::new(), format!("{text}\n")));
    }
    let done = world.stream(&[&resume(ID)], "x");
    assert_eq!((done.code(), done.kinds()), (Some(1), vec!["result".to_owned()]));
    assert_eq!(done.stderr, format!("{text}\n"));
    let result = done.result();
    assert_eq!((result["subtype"].as_str(), result["session_id"].as_str()), (Some("error_during_execution"), Some(ID)));
    assert_eq!((result["num_turns"].as_u64(), result["errors"][0].as_str()), (Some(0), Some(text.as_str())));
    assert!(result.get("terminal_reason").is_none() && result.get("fast_mode_state").is_none());
}

#[test]
fn sessions_resume_by_title() {
    let world = World::new();
    world.stream(&["-n", "my work"], "x");
    assert_eq!(world.stream(&["--resume=my work"], "x").code(), Some(0));
    let bad = world.stream(&["--resume=not-a-uuid"], "x");
    assert!(bad.stderr.contains("Provided value \"not-a-uuid\" is not a UUID and does not match any session title."));
    let none = world.run(&["-p", "--resume"], "x");
    assert!(none.stderr.ends_with("<session-id|title>.\n"), "{}", none.stderr);
    assert_eq!((bad.code(), none.code()), (Some(1), Some(1)));
}

#[test]
fn without_persistence_nothing_is_kept() {
    let world = World::new();
    for _ in 0..2 {
        assert_eq!(world.stream(&[&session(ID), "--no-session-persistence"], "x").code(), Some(0));
    }
    assert_eq!(world.stream(&[&resume(ID)], "x").code(), Some(1));
    assert!(!world.path("home/.claude").exists());
}

/// The file is made with the first request: a death before it leaves the id free.
#[test]
fn an_early_death_leaves_no_session() {
    let early = World::with("no-init\nexit 3");
    assert_eq!(early.stream(&[&session(ID)], "x").code(), Some(3));
    assert_eq!(early.stream(&[&session(ID)], "x").code(), Some(3));
    let late = World::with("exit 3");
    assert_eq!(late.stream(&[&session(ID)], "x").code(), Some(3));
    assert!(late.stream(&[&session(ID)], "x").stderr.contains("already in use"));
}

/// Chapter 17.4: in the repository, in its worktrees, and anywhere else; the new lines go where the session was made.
#[test]
fn sessions_are_found_from_any_directory() {
    let world = World::new();
    let git = |args: &[&str]| {
        let done = std::process::Command::new("git")
            .args(args)
            .current_dir(world.path("work"))
            .env("HOME", world.path("home"))
            .output();
        assert!(done.unwrap().status.success(), "git {args:?}");
    };
    git(&["init", "-q"]);
    git(&["-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "--allow-empty", "-m", "m"]);
    git(&["worktree", "add", "-q", "../tree"]);
    fs::create_dir(world.path("work/sub")).unwrap();
    let in_dir = |dir: &str, flag: String| {
        once(world.command(&["-p", &flag, "x"])).current_dir(world.path(dir)).output().unwrap().status.code()
    };
    assert_eq!(in_dir("work", session(ID)), Some(0));
    assert_eq!(in_dir("work/sub", resume(ID)), Some(0));
    assert_eq!(in_dir("tree", resume(ID)), Some(0));
    assert_eq!(in_dir("home", resume(ID)), Some(0));
    assert_eq!(fs::read_dir(world.path("home/.claude/projects")).unwrap().count(), 1);
    assert_eq!(in_dir("home", resume("3f4c1a52-9d0e-4c57-8a51-6f3f0b1d2e3a")), Some(1));
    let below = "1f4c1a52-9d0e-4c57-8a51-6f3f0b1d2e3a";
    assert_eq!(in_dir("work/sub", session(below)), Some(0));
    assert_eq!(in_dir("work", resume(below)), Some(0));
    let tree = "2f4c1a52-9d0e-4c57-8a51-6f3f0b1d2e3a";
    assert_eq!(in_dir("tree", session(tree)), Some(0));
    assert_eq!(in_dir("work", resume(tree)), Some(0));
}

/// Different names may share a folder, and a link is the directory that it points to.
#[test]
fn folders_of_the_store_may_be_shared() {
    let world = World::new();
    fs::create_dir_all(world.path("col/a")).unwrap();
    fs::create_dir(world.path("col-a")).unwrap();
    symlink(world.path("col/a"), world.path("link")).unwrap();
    let in_dir = |dir: &str, flag: String| {
        once(world.command(&["-p", &flag, "x"])).current_dir(world.path(dir)).output().unwrap().status.code()
    };
    assert_eq!(in_dir("col/a", session(ID)), Some(0));
    assert_eq!(in_dir("col-a", resume(ID)), Some(0));
    assert_eq!(in_dir("link", resume(ID)), Some(0));
}

/// Chapter 12.
#[test]
fn an_unwritable_home_is_no_failure() {
    let world = World::new();
    fs::write(world.path("home/.claude"), "a file where a directory is to be").unwrap();
    assert_eq!(world.stream(&[], "x").code(), Some(0));
}
