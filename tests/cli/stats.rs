//! `stats`

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::symlink;

use insta::assert_snapshot;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::{Value, json};

use super::World;

/// 2023-11-14, some time in the afternoon (UTC): long past whenever this runs.
const DAY: u64 = 1_699_974_000;

fn recorded() -> World {
    let world = World::new();
    let runs = [
        json!({"t": DAY, "agent": "infra", "ok": true, "cost": 0.25, "ms": 12_000, "turns": 3, "outcome": "done"}),
        json!({"t": DAY, "agent": "infra", "ok": true, "cost": 0.5, "ms": 60_000, "outcome": "partial"}),
        json!({"t": DAY + 86_400, "agent": "infra", "ok": false, "cost": 0.125, "ms": 300_000, "err": "timeout"}),
        json!({"t": DAY + 86_400, "agent": "infra", "ok": true, "cached": true}),
        json!({"t": DAY + 3 * 86_400, "agent": "docs", "ok": true, "cost": 0.0421, "ms": 4_200, "outcome": "done"}),
        json!({"t": DAY + 3 * 86_400, "agent": "evil\u{1b}[31m with a name that does not end", "ok": false, "err": "\u{1b}]0;x\u{7}"}),
    ];
    let mut text = String::from("not a line\n{\"t\": 1}\n");
    runs.iter().for_each(|run| text.push_str(&format!("{run}\n")));
    let file = world.path("home/.config/agent-dispatch/usage.jsonl");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
    world
}

/// What a command shows in a terminal of this width.
fn in_terminal(world: &World, arguments: &[&str], columns: u16) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    tcsetwinsize(&terminal, Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let other = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = world.command(arguments);
    command.env("TERM", "xterm").stdout(other.try_clone().unwrap()).stderr(other);
    let mut child = command.spawn().unwrap();
    // With the last copy of the other end the terminal ends.
    drop(command);
    let mut shown = Vec::new();
    // The end of a terminal is an error (EIO).
    drop(File::from(terminal).read_to_end(&mut shown));
    child.wait().unwrap();
    String::from_utf8(shown).unwrap().replace("\r\n", "\n")
}

#[test]
fn none() {
    assert_snapshot!(World::new().run(&["stats"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no dispatches in [ROOT]/home/.config/agent-dispatch/usage.jsonl
    hint: agent-dispatch test NAME runs a first one
    "#);
    assert_snapshot!(World::new().run(&["stats", "--json"]), @r#"
    exit code: 0
    ----- stdout -----
    {
      "total": {
        "dispatches": 0,
        "cached_hits": 0,
        "ok": 0,
        "failed": 0,
        "cost_usd": 0.0
      },
      "agents": {},
      "days": []
    }
    ----- stderr -----
    "#);
    assert_snapshot!(recorded().run(&["stats", "--agent", "nobody"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no dispatches of agent 'nobody' in [ROOT]/home/.config/agent-dispatch/usage.jsonl
    hint: agent-dispatch stats shows all that was recorded
    "#);
    assert_snapshot!(recorded().run(&["stats", "--days", "0.5"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no dispatches in the last 0.5 days in [ROOT]/home/.config/agent-dispatch/usage.jsonl
    hint: agent-dispatch stats shows all that was recorded
    "#);
    let off = World::new().config("settings: {usage_log: false}\n");
    assert_snapshot!(off.run(&["stats"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no dispatches in [ROOT]/home/.config/agent-dispatch/usage.jsonl
    hint: settings.usage_log: false in agents.yaml turns recording off
    "#);
    // A configuration with a mistake in it is no obstacle.
    assert_eq!(World::new().config("agents: [").json(&["stats", "--json"]).1, 0);
}

#[test]
fn plain_text_where_there_is_no_terminal() {
    assert_snapshot!(recorded().run(&["stats"]), @r#"
    exit code: 0
    ----- stdout -----
    All that was recorded

    AGENT                 RUNS  FAILED  CACHED    SPEND  MEDIAN    90%  LONGEST  OUTCOMES           FAILURES
    infra                    3       1       1  $0.8750    60 s    5 m      5 m  done 1, partial 1  timeout 1
    docs                     1       0       0  $0.0421   [TIME]  [TIME]    [TIME]  done 1             -
    evil [31m with a na…     1       1       0  $0.0000       -      -        -  -                  ]0;x 1
    all                      5       2       1  $0.9171    36 s    5 m      5 m  done 2, partial 1  ]0;x 1, timeout 1

    Spend per day (UTC)
    2023-11-14    $0.7500     2 runs
    2023-11-15    $0.1250     1 run
    2023-11-16    $0.0000     0 runs
    2023-11-17    $0.0421     2 runs
    ----- stderr -----
    from [ROOT]/home/.config/agent-dispatch/usage.jsonl
    "#);
    assert_snapshot!(recorded().run(&["stats", "--agent", "infra", "--days", "36500"]), @r#"
    exit code: 0
    ----- stdout -----
    The last 36500 days

    AGENT  RUNS  FAILED  CACHED    SPEND  MEDIAN  90%  LONGEST  OUTCOMES           FAILURES
    infra     3       1       1  $0.8750    60 s  5 m      5 m  done 1, partial 1  timeout 1

    Spend per day (UTC)
    2023-11-14    $0.7500     2 runs
    2023-11-15    $0.1250     1 run
    ----- stderr -----
    from [ROOT]/home/.config/agent-dispatch/usage.jsonl
    "#);
}

#[test]
fn bars_in_a_terminal() {
    let shown = in_terminal(&recorded(), &["stats"], 100);
    assert!(!shown.contains("\u{1b}]"), "nothing steers the terminal: {shown:?}");
    // Read to its last line, whose name of the file differs from run to run.
    let (shown, journal) = shown.trim_end().rsplit_once('\n').unwrap();
    assert!(journal.starts_with("from ") && journal.ends_with("usage.jsonl"), "{journal}");
    assert_snapshot!(shown.replace('\u{1b}', "^"), @r#"
    ^[1mAll that was recorded^[0m

    ^[1mAGENT                 RUNS  FAILED  CACHED    SPEND  MEDIAN    90%  LONGEST  OUTCOMES           FAILURES^[0m
    infra                    3       1       1  $0.8750    60 s    5 m      5 m  done 1, partial 1  timeout 1
    docs                     1       0       0  $0.0421   4.2 s  4.2 s    4.2 s  done 1             -
    evil [31m with a na…     1       1       0  $0.0000       -      -        -  -                  ]0;x 1
    all                      5       2       1  $0.9171    36 s    5 m      5 m  done 2, partial 1  ]0;x 1, timeout 1

    ^[1mDurations: half of the runs █, nine of ten ░^[0m
    infra  ^[36m████████░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░^[0m     60 s      5 m
    docs   ^[36m█                                       ^[0m    4.2 s    4.2 s

    ^[1mSpend per day (UTC)^[0m
    2023-11-14  ^[32m████████████████████████████████████████^[0m    $0.7500     2 runs
    2023-11-15  ^[32m██████▋                                 ^[0m    $0.1250     1 run
    2023-11-16  ^[32m                                        ^[0m    $0.0000     0 runs
    2023-11-17  ^[32m██▎                                     ^[0m    $0.0421     2 runs
    "#);
    let plain = in_terminal(&recorded().env("NO_COLOR", "1"), &["stats"], 100);
    assert!(!plain.contains('█') && !plain.contains('\u{1b}') && plain.contains("$0.7500"), "{plain}");
    // However narrow: a bar for whatever is above zero.
    let narrow = in_terminal(&recorded(), &["stats", "--agent", "docs"], 20);
    assert!(narrow.contains("████████"), "{narrow}");
}

#[test]
fn json_in_any_case() {
    let world = recorded();
    let (said, code) = world.json(&["stats", "--agent", "infra", "--json"]);
    assert_eq!(code, 0);
    let total = json!({"dispatches": 3, "cached_hits": 1, "ok": 2, "failed": 1, "cost_usd": 0.875, "median_ms": 60_000,
        "p90_ms": 300_000, "max_ms": 300_000, "median_cost_usd": 0.25, "max_cost_usd": 0.5,
        "outcomes": {"done": 1, "partial": 1}, "errors": {"timeout": 1}});
    assert_eq!(said["total"], total);
    assert_eq!(said["agents"], json!({"infra": total}));
    assert_eq!(said["days"][1], json!({"date": "2023-11-15", "dispatches": 1, "cost_usd": 0.125}));
    // Something that cannot be read.
    let journal = world.path("home/.config/agent-dispatch/usage.jsonl");
    fs::remove_file(&journal).unwrap();
    fs::create_dir(&journal).unwrap();
    let (said, code) = world.json(&["stats", "--json"]);
    assert_eq!((said.get("error").map(Value::is_string), code), (Some(true), 1), "{said}");
    assert_snapshot!(world.run(&["stats"]), @r#"
    exit code: 1
    ----- stdout -----

    ----- stderr -----
    error: cannot read [ROOT]/home/.config/agent-dispatch/usage.jsonl: not a regular file
    hint: AGENT_DISPATCH_USAGE_LOG names another file; agent-dispatch doctor checks the rest
    "#);
    // Wrong usage.
    for days in ["-1", "x", "inf", "nan"] {
        let output = world.output(&["stats", "--json", "--days", days]);
        assert_eq!(output.status.code(), Some(2), "{days}");
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(said["error"].is_string(), "{said}");
    }
}

#[test]
fn a_first_run_is_counted() {
    let world = World::with_scene("cost 0.5\nresult fine");
    world.output(&["test", "infra"]);
    world.is_quiet();
    assert_eq!(world.json(&["stats", "--json"]).0["agents"]["infra"]["cost_usd"], 0.5);
    // The variable names another journal.
    let elsewhere = world.path("elsewhere");
    symlink(world.path("home/.config/agent-dispatch/usage.jsonl"), &elsewhere).unwrap();
    let world = world.env("AGENT_DISPATCH_USAGE_LOG", elsewhere.to_str().unwrap());
    assert_eq!(world.json(&["stats", "--json"]).0["total"]["dispatches"], 1);
}

#[test]
fn recording_that_is_off_is_said_beside_old_figures() {
    let off = recorded().config("settings: {usage_log: false}\n");
    let said = off.run(&["stats"]);
    assert!(said.contains("settings.usage_log: false in agents.yaml turns recording off"), "{said}");
}

/// A first run would not help.
#[cfg(target_os = "linux")]
#[test]
fn a_journal_that_cannot_be_written_is_told() {
    assert_snapshot!(World::new().env("AGENT_DISPATCH_USAGE_LOG", "/proc/x/usage.jsonl").run(&["stats"]), @r#"
    exit code: 0
    ----- stdout -----

    ----- stderr -----
    no dispatches in /proc/x/usage.jsonl
    hint: nothing is recorded, because the journal cannot be written (No such file or directory (os error 2)): set AGENT_DISPATCH_USAGE_LOG to a file that can be written
    "#);
}
