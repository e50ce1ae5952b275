//! Signals, and the processes that a run leaves behind.

use rustix::process::Signal;
use serde_json::json;

use crate::real_claude::request::Request;
use crate::real_claude::run::{LIMIT, Process, Running, World, eventually};
use crate::real_claude::stub::Reply;
use crate::real_claude::{notes, real_tests};

/// The mark that the product gives to each run, for finding what is left of it.
const JOB: &str = "AGENT_DISPATCH_JOB";

/// Given to the children of a session and meant for them alone: a `claude` that the product starts must not get them.
const OF_A_SESSION: [&str; 14] = [
    "AI_AGENT",
    "CLAUDECODE",
    "CLAUDE_CODE_CHILD_NOTES_DIR",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_EXECPATH",
    "CLAUDE_CODE_LAUNCHED_BY_SESSION_IDS",
    "CLAUDE_CODE_MESSAGING_SOCKET",
    "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_SESSION_ATTENDED",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_EFFORT",
    "CLAUDE_PID",
    "CLAUDE_PROJECT_DIR",
];

/// Given as well, and of no consequence to another `claude`: the shell's own and two switches against side effects.
///
/// LOGNAME and OLDPWD come from zsh, which the CLI prefers where it is installed.
const HARMLESS: [&str; 9] = [
    "COREPACK_ENABLE_AUTO_PIN",
    "GIT_EDITOR",
    "LOGNAME",
    "NoDefaultCurrentDirectoryInExePath",
    "OLDPWD",
    "PWD",
    "SHELL",
    "SHLVL",
    "_",
];

/// What the model starts. It waits for ever without `sleep`, which the CLI refuses as a whole command.
const WAITS: &str = "tail -f /dev/null";

/// Runs a shell that stays, then answers.
fn waits(request: &Request) -> Reply {
    match request.tool_results().is_empty() {
        true => Reply::tool("Bash", json!({"command": WAITS, "description": "waits"})),
        false => Reply::text("over"),
    }
}

/// Starts a run whose model waits in Bash, and finds the process it waits for.
fn waiting(world: &World) -> (Running<'_>, Process) {
    let run = world.claude(&["-p", "--output-format=stream-json", "--verbose", "--allowedTools=Bash"]);
    let running = run.env(JOB, "0123456789abcdef").stdin("go").start();
    (running, waiter(world))
}

/// The process that the model started.
fn waiter(world: &World) -> Process {
    eventually("the shell's child runs", LIMIT, || {
        world.processes().into_iter().find(|process| process.command.trim_end() == WAITS)
    })
}

fn alive(world: &World, process: &Process) -> bool {
    world.processes().iter().any(|other| other.pid == process.pid)
}

real_tests! {
    fn bash_runs_in_a_session_of_its_own_with_the_whole_environment() {
        let world = World::new(waits);
        let (running, child) = waiting(&world);
        let own = world.processes().into_iter().find(|process| process.pid == running.pid()).unwrap();
        assert_ne!(child.session, own.session, "{child:#?}");
        assert!(child.environment.contains(&format!("{JOB}=0123456789abcdef")), "{child:#?}");
        assert!(child.environment.iter().any(|pair| pair.starts_with("CLAUDE_CODE_SESSION_ID=")), "{child:#?}");
        assert!(child.environment.contains(&"CLAUDECODE=1".to_owned()), "{child:#?}");
    }

    fn the_variables_that_belong_to_a_session_are_the_known_ones() {
        let world = World::new(waits);
        let config = notes::config(&world, json!({}), json!({"alwaysLoad": true}));
        let servers = format!("--mcp-config={config}");
        let run = world.claude(&["-p", "--output-format=json", "--allowedTools=Bash", &servers]);
        let running = run.stdin("go").start();
        let shell = waiter(&world);
        let all = world.processes();
        let own = all.iter().find(|process| process.pid == running.pid()).unwrap();
        let server = all.iter().find(|process| process.command.starts_with("node ")).unwrap();
        for child in [&shell, server] {
            let added = child.environment.iter().filter(|pair| !own.environment.contains(pair));
            let names = added.filter_map(|pair| Some(pair.split_once('=')?.0));
            let is_known = |name: &&str| OF_A_SESSION.contains(name) || HARMLESS.contains(name);
            let unknown: Vec<&str> = names.filter(|name| !is_known(name)).collect();
            assert_eq!(unknown, Vec::<&str>::new(), "new variables in {}", child.command);
        }
    }

    fn killing_the_group_leaves_what_bash_started() {
        let world = World::new(waits);
        let (running, child) = waiting(&world);
        running.signal_group(Signal::KILL);
        assert_eq!(running.wait(LIMIT).end(), "signal 9");
        assert!(alive(&world, &child), "the contract says that it survives");
    }

    fn terminating_ends_bash_tells_the_stream_and_is_exit_code_143() {
        let world = World::new(waits);
        let (running, child) = waiting(&world);
        let before = running.stdout_so_far();
        running.signal_group(Signal::TERM);
        let ended = running.wait(LIMIT);
        assert_eq!(ended.end(), "143", "{ended:#?}");
        assert!(ended.stdout.starts_with(&before));
        assert!(ended.events().iter().all(|event| event["type"] != "result"), "{ended:#?}");
        eventually("what Bash ran in the foreground is gone", LIMIT, || (!alive(&world, &child)).then_some(()));
    }

    fn what_bash_put_aside_outlives_a_normal_end() {
        let world = World::new(|request| match request.tool_results().is_empty() {
            true => {
                let command = format!("({WAITS} >/dev/null 2>&1 &)");
                Reply::tool("Bash", json!({"command": command, "description": "leaves something behind"}))
            }
            false => Reply::text("over"),
        });
        world.ask("go", &["--allowedTools=Bash"]).answered("over");
        let child = waiter(&world);
        assert!(child.environment.iter().any(|pair| pair.starts_with("CLAUDE_CODE_SESSION_ID=")), "{child:#?}");
    }

    fn terminating_before_the_first_word_adds_nothing() {
        let world = World::new(|_| Reply::Silence);
        let running = world.claude(&["-p", "--output-format=json"]).stdin("hello").start();
        world.stub.wait_for(LIMIT, |request| request.says("hello"));
        running.signal(Signal::TERM);
        let ended = running.wait(LIMIT);
        assert_eq!((ended.end().as_str(), ended.stdout.as_str()), ("143", ""), "{ended:#?}");
    }

    fn an_interrupt_is_exit_code_0_without_an_answer() {
        let world = World::new(|_| Reply::Silence);
        let running = world.claude(&["-p", "--output-format=json"]).stdin("hello").start();
        world.stub.wait_for(LIMIT, |request| request.says("hello"));
        running.signal(Signal::INT);
        let ended = running.wait(LIMIT);
        assert_eq!(ended.end(), "0", "{ended:#?}");
        // An error, or nothing at all when the signal comes a moment earlier.
        if let Some(result) = ended.events().pop() {
            assert_eq!(result["subtype"], "error_during_execution", "{result:#}");
            assert_eq!((&result["is_error"], result.get("result")), (&json!(true), None), "{result:#}");
        }
    }

    fn a_claude_inside_a_claude_is_not_refused() {
        let world = World::saying("inside");
        let run = world.claude(&["-p", "--output-format=json"]).env("CLAUDECODE", "1");
        let run = run.env("CLAUDE_CODE_SESSION_ID", "99999999-2222-4333-8444-555555555555");
        let result = run.stdin("hello").run().answered("inside");
        assert_ne!(result["session_id"], "99999999-2222-4333-8444-555555555555");
    }

    #[cfg(target_os = "linux")]
    fn without_proc_every_directory_is_missing_and_the_help_is_not() {
        let world = World::saying("never");
        let empty = world.path("tmp");
        let hidden = format!("mount --bind {} /proc && exec \"$0\" \"$@\"", empty.display());
        let hide = |args: &[&str]| {
            let program = crate::real_claude::install::claude().to_str().unwrap();
            world.program("unshare".as_ref(), &["-m", "sh", "-c", &hidden, program]).args(args).run()
        };
        let help = hide(&["--help"]);
        if help.stderr.contains("not permitted") {
            return crate::support::note("skipped: it takes root to mount");
        }
        assert_eq!(help.end(), "0", "{help:#?}");
        hide(&["-p", "--output-format=stream-json", "--verbose", "hello"]).refused("Can't access working directory");
    }
}
