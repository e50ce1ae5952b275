//! Flags known and rejected (chapters 1.2, 2.1, 4, 5, 6, 7, 10).

use super::{STREAM, World};

/// Runs with these flags; exit code 1, nothing on stdout, and this text on stderr.
fn refuses(args: &[&str], text: &str) {
    let done = World::new().run(args, "");
    assert_eq!((done.code(), done.stdout().as_str()), (Some(1), ""), "{args:?}: {}", done.stderr);
    assert!(done.stderr.contains(text), "{args:?} said {:?}", done.stderr);
}

/// Chapter 4.
#[test]
fn unknown_options_are_named_whole() {
    refuses(&["-p", "hi", "--nonexistent"], "error: unknown option '--nonexistent'\n");
    refuses(&["-p", "hi", "--nonexistent=3"], "error: unknown option '--nonexistent=3'\n");
    refuses(&["-phi"], "error: unknown option '-hi'\n");
    refuses(&["-p", "--permision-mode", "plan"], "(Did you mean --permission-mode?)");
    refuses(&["-p", "x", "--model"], "error: option '--model <model>' argument missing\n");
    refuses(&["-p", "--output-format"], "error: option '--output-format <format>' argument missing\n");
}

/// Chapter 5: a prompt on the command line may read as a flag.
#[test]
fn prompts_that_read_as_flags_are_refused_unless_after_dashes() {
    for prompt in ["-foo", "- bullet", "--- x"] {
        refuses(&["-p", prompt], &format!("error: unknown option '{prompt}'\n"));
    }
    for prompt in ["--help", "-foo"] {
        assert_eq!(World::new().run(&["-p", "--", prompt], "").stdout(), format!("echo: {prompt}\n"));
    }
    assert_eq!(World::new().run(&["-p", "-"], "").stdout(), "echo: -\n");
    let help = World::new().run(&["-p", "--help"], "");
    assert_eq!(help.code(), Some(0));
    assert!(help.stdout().contains("--session-id <uuid>"));
    assert_eq!(World::new().run(&["-p", "mcp"], "").stdout(), "echo: mcp\n");
}

/// Chapters 1.2 and 7.
#[test]
fn words_outside_a_choice_are_refused() {
    let formats = "Allowed choices are text, json, stream-json.";
    refuses(&["-p", "--output-format", "yaml"], &format!("argument 'yaml' is invalid. {formats}"));
    refuses(
        &["-p", "--permission-mode=bogus"],
        "error: option '--permission-mode <mode>' argument 'bogus' is invalid. Allowed choices are acceptEdits, auto, \
         bypassPermissions, manual, dontAsk, plan.\n",
    );
}

/// Chapter 1.2: a crash dump with the message at its end.
#[test]
fn a_budget_of_nothing_crashes() {
    for amount in ["0", "-1", "abc"] {
        let done = World::new().run(&["-p", &format!("--max-budget-usd={amount}")], "hi");
        assert_eq!(done.code(), Some(1));
        assert!(done.stderr.len() > 10_000);
        assert!(done.stderr.contains("error: --max-budget-usd must be a positive number greater than 0"));
    }
}

/// Chapter 6.
#[test]
fn variadic_flags_swallow_positionals_and_the_joined_form_does_not() {
    refuses(&["-p", "--allowedTools", "Bash", "Read", "the prompt"], "Error: Input must be provided");
    refuses(&["-p", "--mcp-config", "{\"mcpServers\":{}}", "hello"], "MCP config file not found: ");
    assert_eq!(World::new().run(&["-p", "--allowedTools=Bash,Read", "hey"], "").stdout(), "echo: hey\n");
    assert_eq!(World::new().run(&["-p", "--allowedTools", "Bash", "--", "hey"], "").stdout(), "echo: hey\n");
    assert_eq!(World::new().run(&["-p", "hey", "ignored"], "").stdout(), "echo: hey\n");
}

/// Chapter 6: what looks like a flag is still the value.
#[test]
fn single_values_eat_the_next_word() {
    let world = World::new();
    let args = [&STREAM[..], &["--model", "--permission-mode", "plan"]].concat();
    let init = &world.run(&args, "").events()[0];
    assert_eq!((init["model"].as_str(), init["permissionMode"].as_str()), (Some("--permission-mode"), Some("default")));
    assert_eq!(world.stream(&["--model=--foo"], "x").events()[0]["model"], "--foo");
    assert_eq!(world.stream(&["--model=a", "--model=b"], "x").events()[0]["model"], "b");
}

/// Chapter 2.1; a configuration that is verbose stands in for the flag.
#[test]
fn stream_json_needs_verbose() {
    let args = ["-p", "--output-format=stream-json"];
    refuses(&args, "Error: When using --print, --output-format=stream-json requires --verbose");
    for file in [".claude.json", ".claude/settings.json"] {
        let world = World::new();
        std::fs::create_dir_all(world.path("home/.claude")).unwrap();
        std::fs::write(world.path("home").join(file), "{\"verbose\":true}").unwrap();
        assert_eq!(world.run(&args, "x").code(), Some(0), "{file}");
    }
}

/// Chapter 7. Only root is refused.
#[test]
fn root_needs_a_sandbox_to_bypass_permissions() {
    for flag in [
        "--permission-mode=bypassPermissions",
        "--dangerously-skip-permissions",
        "--allow-dangerously-skip-permissions",
    ] {
        if rustix::process::getuid().is_root() {
            refuses(&["-p", flag, "x"], "cannot be used with root/sudo privileges");
        }
        assert_eq!(World::new().env("IS_SANDBOX", "1").run(&["-p", flag], "x").code(), Some(0));
    }
}

/// Chapters 5 and 10.
#[test]
fn other_bad_values_are_refused() {
    refuses(&["-p", "--input-format=stream-json"], "requires output-format=stream-json.");
    refuses(&["-p", "--include-partial-messages"], "requires --print and --output-format=stream-json.");
    refuses(&["-p", "--append-system-prompt-file=/nope"], "Error: Append system prompt file not found: /nope");
    refuses(&["-p", "--settings={bad json"], "Error: Settings file not found: {bad json");
    refuses(
        &["-p", "--setting-sources=bogus"],
        "Invalid setting source: bogus. Valid options are: user, project, local",
    );
    refuses(&["-p", "--mcp-config={}"], "mcpServers: Invalid input: expected record, received undefined");
    let odd = World::new().run(&["-p", "--effort=bogus", "--add-dir=/nonexistent", "--setting-sources="], "x");
    assert_eq!(odd.code(), Some(0));
    assert!(odd.stderr.contains("bogus"));
}

/// Chapter 5.
#[test]
fn prompts_come_from_stdin_and_the_command_line() {
    let world = World::new();
    assert_eq!(world.run(&["-p"], "from stdin\n").stdout(), "echo: from stdin\n\n");
    assert_eq!(world.run(&["-p", "word"], "more").stdout(), "echo: word\nmore\n");
    assert_eq!(world.run(&[], "without the flag").stdout(), "echo: without the flag\n");
    let odd = world.start(&["-p"], b"--flag \xff \0 end").wait();
    assert_eq!(odd.stdout(), "echo: --flag \u{fffd} \0 end\n");
    for (prompt, text) in [("", "Error: Input must be provided"), (" \n\t", "Error: No messages returned from query")] {
        let done = world.stream(&[], prompt);
        assert_eq!((done.code(), done.stdout().as_str()), (Some(1), ""));
        assert!(done.stderr.starts_with(text), "{}", done.stderr);
    }
}

/// Chapter 5.
#[test]
fn stdin_has_a_limit_of_ten_mebibytes() {
    let world = World::with("result short");
    let most = vec![b'a'; 10 * 1024 * 1024];
    assert_eq!(world.start(&["-p"], &most).wait().code(), Some(0));
    let more = world.start(&["-p"], &[&most[..], b"a"].concat()).wait();
    assert_eq!(more.code(), Some(1));
    assert!(more.stderr.starts_with("Error: piped stdin input exceeds 10MB."));
}

/// Chapter 5: the model never sees them, and only a prompt's very start counts.
#[test]
fn slash_words_are_local() {
    let world = World::new();
    let local = |prompt: &str| {
        let done = world.stream(&[], prompt);
        let result = done.result();
        assert_eq!((done.code(), result["num_turns"].as_u64()), (Some(0), Some(0)), "{prompt}");
        assert!(result.get("terminal_reason").is_none());
        assert_eq!(done.kinds(), ["init", "result"]);
        result["result"].as_str().unwrap().to_owned()
    };
    assert_eq!(local("/clear\nDo the thing"), "");
    assert_eq!(local("/help"), "/help isn't available in this environment.");
    for prompt in
        ["/nosuch", "/x-y:z_1 do it", " /nosuch", "\n/nosuch", "/", "//x", "/ x", "/a/b.rs", "/foo.bar", "do /nosuch"]
    {
        assert_eq!(world.stream(&[], prompt).result()["result"], format!("echo: {prompt}"));
    }
}

/// Chapters 11 and 13.
#[test]
fn the_version_is_one_line() {
    let done = World::new().run(&["--version"], "");
    assert_eq!((done.code(), done.stdout().as_str()), (Some(0), "2.1.332 (Claude Code)\n"));
}
