//! The tools that a run is offered, all of them: a new one fails here before it reaches a user, who has to be told what it
//! may do. Whether it reaches past the run decides whether `machines::unattended` withholds it.

use std::collections::BTreeSet;

use agent_dispatch::machines::unattended::{SETTINGS, WITHHELD, denied};
use serde_json::{Value, json};

use crate::real_claude::real_tests;
use crate::real_claude::request::Request;
use crate::real_claude::run::{LIMIT, USER_SETTINGS, World, eventually};
use crate::real_claude::stub::Reply;

/// What the first event of a run lists, in whatever mode. `Task` is what the model is offered as `Agent`.
const OFFERED: [&str; 22] = [
    "Bash",
    "CronCreate",
    "CronDelete",
    "CronList",
    "Edit",
    "EnterWorktree",
    "ExitWorktree",
    "ListAgents",
    "Monitor",
    "NotebookEdit",
    "Read",
    "ReportFindings",
    "ScheduleWakeup",
    "SendMessage",
    "Skill",
    "Task",
    "TaskStop",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
    "Workflow",
    "Write",
];
/// What older versions of the tested span list besides: lists of tasks, and what a task in the background has printed.
const OFFERED_BEFORE: [&str; 5] = ["TaskCreate", "TaskGet", "TaskList", "TaskOutput", "TaskUpdate"];
/// What of it the model has from its first request on; it must search for all others.
const LOADED: [&str; 12] = [
    "Agent",
    "Bash",
    "DeferredToolPlaceholder",
    "Edit",
    "ListAgents",
    "Read",
    "ReportFindings",
    "ScheduleWakeup",
    "Skill",
    "ToolSearch",
    "Workflow",
    "Write",
];
const MODES: [&str; 6] = ["default", "acceptEdits", "plan", "dontAsk", "auto", "bypassPermissions"];

/// What a run with these flags lists, and what it offers its model.
fn offered(flags: &[String]) -> (BTreeSet<String>, BTreeSet<String>) {
    let world = World::saying("fine");
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let outcome = world.ask_stream("do it", &flags);
    outcome.answered("fine");
    assert_eq!(outcome.stderr, "", "{outcome:#?}");
    let listed = outcome.events()[0]["tools"].as_array().unwrap().clone();
    let listed = listed.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let loaded = world.stub.messages()[0].tools().into_iter().map(str::to_owned).collect();
    (listed, loaded)
}

/// The flags that withhold, which every version takes.
fn withholding() -> Vec<String> {
    let denied = denied(&[], &[]).into_iter().map(|tool| format!("--disallowedTools={tool}"));
    denied.chain([format!("--settings={SETTINGS}")]).collect()
}

fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// How often the model has spoken.
fn turns(request: &Request) -> usize {
    request.body["messages"].as_array().into_iter().flatten().filter(|message| message["role"] == "assistant").count()
}

/// What one session writes to the other.
const WORD: &str = "a word from elsewhere";
/// How many turns of a second a message may take. One that is delivered is there after one or two.
const TURNS_TO_ARRIVE: usize = 10;

/// The sender finds the other session of its user by its name, which begins like its directory, and writes to it; that one
/// waits in a command until the test says that the message is out.
fn two_sessions(request: &Request) -> Reply {
    let turn = turns(request);
    if request.says("receive it") {
        let waits = |command: &str| Reply::tool("Bash", json!({"command": command, "description": "waits"}));
        return match turn {
            0 => waits("until [ -e ../sent ]; do sleep 0.1; done"),
            1..=TURNS_TO_ARRIVE if !request.everything().contains(WORD) => waits("sleep 1"),
            _ => Reply::text("went on"),
        };
    }
    match turn {
        0 => Reply::tool("ToolSearch", json!({"query": "select:SendMessage", "max_results": 1})),
        1 => Reply::tool("ListAgents", json!({})),
        2 => {
            let listed = &request.tool_results()[0].0;
            let mut name = listed.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
            let name = name.rfind(|word| word.starts_with("project-")).unwrap_or("nobody");
            Reply::tool("SendMessage", json!({"to": name, "message": WORD, "summary": "word"}))
        }
        _ => Reply::text("sent"),
    }
}

/// Whether a message of another session reaches a run with these flags.
fn a_message_arrives(flags: &[&str]) -> bool {
    let world = World::new(two_sessions);
    std::fs::create_dir(world.path("elsewhere")).unwrap();
    let form = ["-p", "--output-format=stream-json", "--verbose", "--permission-mode=default"];
    let receiver = world.claude(&form).args(&["--allowedTools=Bash"]).args(flags).stdin("receive it").start();
    eventually("the receiver works", LIMIT, || receiver.stdout_so_far().contains("tool_use").then_some(()));
    let sender = world.claude(&form).cwd(&world.path("elsewhere")).stdin("send it").run();
    sender.answered("sent");
    let told = world.stub.messages().last().unwrap().tool_results();
    assert!(told.last().unwrap().0.contains("\"success\":true"), "{told:?}");
    world.write("sent", "");
    receiver.wait(LIMIT).answered("went on");
    world.stub.messages().iter().any(|request| request.says("receive it") && request.everything().contains(WORD))
}

/// Settings of the user, of everybody in the project, and of the user in the project.
const USER: &str = USER_SETTINGS;
const SHARED: &str = "project/.claude/settings.json";
const LOCAL: &str = "project/.claude/settings.local.json";

/// The mode of a run with these settings files, each with the mode that it says.
fn mode(files: &[(&str, &str)], flags: &[&str]) -> String {
    let world = World::saying("fine");
    for (file, mode) in files {
        world.write(file, &json!({"permissions": {"defaultMode": mode}}).to_string());
    }
    world.ask_stream("do it", flags).events()[0]["permissionMode"].as_str().unwrap().to_owned()
}

real_tests! {
    fn the_whole_set_of_tools_is_known_and_the_same_in_every_mode() {
        for mode in MODES {
            let (listed, loaded) = offered(&[format!("--permission-mode={mode}")]);
            assert_eq!(listed, names(OFFERED), "{mode}");
            assert_eq!(loaded, names(LOADED), "{mode}");
        }
    }

    fn what_we_withhold_is_not_on_offer_and_all_else_is_known() {
        for mode in MODES {
            let (listed, loaded) = offered(&[withholding(), vec![format!("--permission-mode={mode}")]].concat());
            assert!(listed.is_disjoint(&names(WITHHELD)) && loaded.is_disjoint(&names(WITHHELD)), "{mode}: {listed:?}");
            let known = names(OFFERED.into_iter().chain(OFFERED_BEFORE));
            assert!(listed.is_subset(&known), "{mode}: {:?}", listed.difference(&known));
        }
    }

    fn what_we_withhold_is_all_that_is_missing() {
        let flags = [withholding(), vec!["--permission-prompts=none".to_owned()]].concat();
        for mode in MODES {
            let (listed, loaded) = offered(&[flags.clone(), vec![format!("--permission-mode={mode}")]].concat());
            assert_eq!(listed, names(OFFERED.into_iter().filter(|tool| !WITHHELD.contains(tool))), "{mode}");
            assert_eq!(loaded, names(LOADED.into_iter().filter(|tool| !WITHHELD.contains(tool))), "{mode}");
        }
    }

    fn messages_of_other_sessions_arrive_unless_they_are_refused() {
        assert!(a_message_arrives(&[]));
        assert!(!a_message_arrives(&[&format!("--settings={SETTINGS}")]));
    }

    fn scheduled_tasks_of_the_project_are_made_and_taken_away_without_asking() {
        let world = World::new(|request| match turns(request) {
            0 => Reply::tool("ToolSearch", json!({"query": "select:CronCreate,CronDelete", "max_results": 2})),
            1 if request.says("make") => Reply::tool(
                "CronCreate",
                json!({"cron": "0 9 * * *", "prompt": "x", "recurring": true, "durable": true}),
            ),
            1 => {
                let ids = request.everything();
                let id = ids.split("take away ").nth(1).unwrap().chars().take(8).collect::<String>();
                Reply::tool("CronDelete", json!({"id": id}))
            }
            _ => Reply::text("done"),
        });
        let tasks = || -> Value {
            serde_json::from_slice(&std::fs::read(world.project().join(".claude/scheduled_tasks.json")).unwrap()).unwrap()
        };
        world.ask("make one", &["--permission-mode=default"]).answered("done");
        let id = tasks()["tasks"][0]["id"].as_str().unwrap().to_owned();
        world.ask(&format!("take away {id}"), &["--permission-mode=default"]).answered("done");
        assert_eq!(tasks()["tasks"], json!([]));
    }

    fn the_mode_is_the_flags_then_the_settings_by_rank() {
        assert_eq!(mode(&[(USER, "acceptEdits")], &[]), "acceptEdits");
        assert_eq!(mode(&[(USER, "acceptEdits"), (SHARED, "plan")], &[]), "plan");
        assert_eq!(mode(&[(SHARED, "plan"), (LOCAL, "dontAsk")], &[]), "dontAsk");
        assert_eq!(mode(&[(LOCAL, "plan")], &["--permission-mode=default"]), "default");
        assert_eq!(mode(&[(USER, "bypassPermissions")], &[]), "bypassPermissions");
        for own in ["auto", "bypassPermissions"] {
            assert_eq!(mode(&[(LOCAL, own), (SHARED, own)], &["--permission-mode=default"]), "default", "{own}");
        }
    }

    fn no_project_gives_itself_auto_or_bypass() {
        for own in ["auto", "bypassPermissions"] {
            assert_eq!(mode(&[(USER, "acceptEdits"), (SHARED, own)], &[]), "default", "no project gives itself {own}");
            assert_eq!(mode(&[(USER, own)], &[]), own);
        }
    }
}
