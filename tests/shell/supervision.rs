//! The supervisor's loop over scripted processes.

use std::cell::RefCell;
use std::future::pending;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use agent_dispatch::machines::conclusion::ProcessExit;
use agent_dispatch::machines::ids::{JobId, SessionRef};
use agent_dispatch::machines::job::Status;
use agent_dispatch::machines::plan::{Format, RunPlan, SessionPlan};
use agent_dispatch::shell::claude::ClaudeMissing;
use agent_dispatch::shell::environment::CALLING_SESSION;
use agent_dispatch::shell::record::Record;
use agent_dispatch::shell::spawner::{Ending, Launch, ProcessSpawner, SpawnError, Spawned};
use agent_dispatch::shell::store::Store;
use agent_dispatch::shell::supervisor::Supervision;
use mockall::mock;
use serde_json::{Value, json};
use tokio::sync::Notify;

mock! {
    Spawner {}
    impl ProcessSpawner for Spawner {
        fn find_claude(&self) -> Result<PathBuf, ClaudeMissing>;
        fn spawn(&self, launch: &Launch) -> Result<Spawned, SpawnError>;
        fn end_group(&self, group: i32, ending: Ending);
        fn end_marked(&self, ending: Ending) -> usize;
        fn sweep(&self) -> usize;
    }
}

const GROUP: i32 = 4242;

pub fn plan(timeout_seconds: u64) -> RunPlan {
    RunPlan {
        agent: "a".into(),
        directory: "/agent".into(),
        task: "the task".into(),
        context: None,
        caller: None,
        goal: None,
        format: Format::Text,
        prompt: "the prompt".into(),
        session: SessionPlan::Fresh { id: SessionRef::from_uuid_bytes([7; 16]) },
        model: Some("sonnet".into()),
        permission_mode: None,
        allowed_tools: vec!["Read".into()],
        disallowed_tools: vec![],
        system_prompt: Some("protocol".into()),
        max_budget_usd: Some(1.5),
        response_schema: None,
        wait_for_limit: false,
        max_turns: Some(7),
        timeout_seconds,
        resume_attempts: 0,
        depth: 2,
        max_concurrency: 5,
        caller_job: None,
        wait_for_mcp: true,
        usage_log: None,
    }
}

/// Runs a job to its end over these processes; what its record says then.
fn supervise<S: ProcessSpawner>(plan: &RunPlan, spawner: S) -> Value {
    supervise_on(plan, spawner, false)
}

/// As [`supervise`]. `paused`: waiting takes no time.
fn supervise_on<S: ProcessSpawner>(plan: &RunPlan, spawner: S, paused: bool) -> Value {
    let jobs = tempfile::tempdir().unwrap();
    let store = Store::new(jobs.path().to_path_buf());
    let id = JobId::from_bytes([9; 16]);
    let record: Record = serde_json::from_value(json!({"id": id.to_string(), "agent": "a", "task": "t",
        "status": "pending", "created_at": 1.0, "session_id": plan.session.id().as_str()}))
    .unwrap();
    let lock = store.create(&record, plan, b"the prompt").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build().unwrap();
    runtime.block_on(async { Supervision::new(store.clone(), id, plan, spawner, None).unwrap().run().await });
    drop(lock);
    let record = store.read(&id).unwrap();
    assert!(record.status != Status::Pending && record.status != Status::Running);
    serde_json::to_value(record).unwrap()
}

/// A claude that leaves at once with these events on its standard output.
fn answers(launch: &Launch, output: &str, code: i32) -> Result<Spawned, SpawnError> {
    std::fs::write(&launch.stdout, output).unwrap();
    std::fs::write(&launch.stderr, "").unwrap();
    Ok(Spawned { group: GROUP, exit: Box::pin(async move { ProcessExit::Code(code) }) })
}

fn result(text: &str) -> String {
    json!({"type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "result": text,
        "stop_reason": "end_turn", "session_id": "s", "total_cost_usd": 0.1, "duration_ms": 5})
    .to_string()
        + "\n"
}

#[test]
fn claude_is_started_with_what_the_plan_says_and_nothing_of_the_calling_session() {
    for wait_for_mcp in [true, false] {
        let mut spawner = MockSpawner::new();
        spawner.expect_find_claude().times(1).returning(|| Ok(PathBuf::from("/bin/claude")));
        spawner.expect_sweep().returning(|| 0);
        spawner.expect_end_group().never();
        spawner.expect_spawn().times(1).returning(move |launch| {
            assert_eq!(
                (launch.program.as_path(), launch.directory.as_path()),
                (Path::new("/bin/claude"), Path::new("/agent"))
            );
            assert_eq!(std::fs::read(&launch.stdin).unwrap(), b"the prompt");
            let session = format!("--session-id={}", SessionRef::from_uuid_bytes([7; 16]));
            let expected = [
                "-p",
                "--output-format=stream-json",
                "--verbose",
                &session,
                "--model=sonnet",
                // Its own, whatever the settings of claude on this machine say.
                "--permission-mode=plan",
                "--permission-prompts=none",
                "--settings={\"crossSessionInbound\":\"refuse\"}",
                "--allowedTools=Read",
                "--append-system-prompt=protocol",
                "--max-budget-usd=1.5",
                "--max-turns=7",
            ];
            assert_eq!(launch.arguments, expected);
            let variable =
                |name: &str| launch.environment.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.clone());
            for name in CALLING_SESSION {
                assert_eq!(variable(name), Some(None), "{name} is taken out");
            }
            assert_eq!(variable("AGENT_DISPATCH_DEPTH"), Some(Some("2".into())));
            assert_eq!(variable("AGENT_DISPATCH_JOB"), Some(Some(JobId::from_bytes([9; 16]).to_string().into())));
            assert_eq!(variable("MCP_CONNECTION_NONBLOCKING"), wait_for_mcp.then(|| Some("0".into())));
            answers(launch, &result("fine"), 0)
        });
        let permission_mode = Some("plan".into());
        let record = supervise(&RunPlan { wait_for_mcp, permission_mode, ..plan(60) }, spawner);
        assert_eq!((&record["status"], &record["result"]["result"]), (&json!("done"), &json!("fine")), "{record}");
    }
}

#[test]
fn what_cannot_be_started_is_an_answer_with_a_type() {
    let source = |kind| io::Error::from(kind);
    type Case = (fn(io::Error) -> SpawnError, io::ErrorKind, &'static str);
    let cases: [Case; 5] = [
        (|source| SpawnError::Directory { directory: "/agent".into(), source }, io::ErrorKind::NotFound, "not_found"),
        (
            |source| SpawnError::Directory { directory: "/agent".into(), source },
            io::ErrorKind::PermissionDenied,
            "not_found",
        ),
        (|source| SpawnError::File { file: "/f".into(), source }, io::ErrorKind::StorageFull, "cli_error"),
        (
            |source| SpawnError::Program { program: "/bin/claude".into(), source },
            io::ErrorKind::PermissionDenied,
            "cli_error",
        ),
        (
            |source| SpawnError::Program { program: "/bin/claude".into(), source },
            io::ErrorKind::OutOfMemory,
            "cli_error",
        ),
    ];
    for (error, kind, error_type) in cases {
        let mut spawner = MockSpawner::new();
        spawner.expect_find_claude().returning(|| Ok(PathBuf::from("/bin/claude")));
        spawner.expect_spawn().times(1).returning(move |_| Err(error(source(kind))));
        let record = supervise(&plan(60), spawner);
        assert_eq!(
            (&record["status"], &record["result"]["error_type"]),
            (&json!("failed"), &json!(error_type)),
            "{record}"
        );
        assert_eq!(record["result"].get("session_id"), None, "there is nothing to resume: {record}");
    }
    let mut spawner = MockSpawner::new();
    spawner.expect_find_claude().returning(|| Err(ClaudeMissing::NotOnPath));
    spawner.expect_spawn().never();
    let record = supervise(&plan(60), spawner);
    assert_eq!(record["result"]["error_type"], "not_found", "{record}");
}

/// A claude with a life: it does not leave before the signal that it obeys.
#[derive(Clone)]
struct Stubborn {
    journal: Rc<RefCell<Vec<String>>>,
    gone: Rc<Notify>,
    obeys: Option<Ending>,
    /// What it writes when it is asked to leave.
    last_words: &'static str,
    output: Rc<RefCell<PathBuf>>,
}

impl Stubborn {
    fn new(obeys: Option<Ending>, last_words: &'static str) -> Self {
        Self { journal: Rc::default(), gone: Rc::default(), obeys, last_words, output: Rc::default() }
    }
}

impl ProcessSpawner for Stubborn {
    fn find_claude(&self) -> Result<PathBuf, ClaudeMissing> {
        Ok(PathBuf::from("/bin/claude"))
    }

    fn spawn(&self, launch: &Launch) -> Result<Spawned, SpawnError> {
        self.journal.borrow_mut().push("spawn".into());
        std::fs::write(&launch.stdout, "").unwrap();
        *self.output.borrow_mut() = launch.stdout.clone();
        let (gone, obeys) = (Rc::clone(&self.gone), self.obeys);
        let exit = Box::pin(async move {
            if obeys.is_none() {
                pending::<()>().await;
            }
            gone.notified().await;
            if obeys == Some(Ending::Kill) { ProcessExit::Signal(9) } else { ProcessExit::Code(143) }
        });
        Ok(Spawned { group: GROUP, exit })
    }

    fn end_group(&self, group: i32, ending: Ending) {
        assert_eq!(group, GROUP);
        self.journal.borrow_mut().push(format!("{ending:?}"));
        std::fs::write(&*self.output.borrow(), self.last_words).unwrap();
        if self.obeys == Some(ending) {
            self.gone.notify_one();
        }
    }

    fn end_marked(&self, _ending: Ending) -> usize {
        0
    }

    fn sweep(&self) -> usize {
        self.journal.borrow_mut().push("sweep".into());
        0
    }
}

/// The clock of the loop is not the system's here: between two looks no time passes, and a second never does.
#[test]
fn the_first_progress_is_written_at_once() {
    let mut spawner = MockSpawner::new();
    spawner.expect_find_claude().returning(|| Ok(PathBuf::from("/bin/claude")));
    spawner.expect_sweep().returning(|| 0);
    spawner.expect_spawn().times(1).returning(|launch| {
        let say = json!({"type": "assistant", "message": {"id": "m", "content": [{"type": "text", "text": "hello"}]}});
        std::fs::write(&launch.stdout, format!("{say}\n{}", result("fine"))).unwrap();
        std::fs::write(&launch.stderr, "").unwrap();
        let folder = launch.stdout.parent().unwrap();
        let record = folder.with_extension("json");
        let exit = async move {
            // The supervisor looks twenty times in a second.
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            let shown: Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
            assert_eq!(shown["progress"][0], "hello", "{shown}");
            ProcessExit::Code(0)
        };
        Ok(Spawned { group: GROUP, exit: Box::pin(exit) })
    });
    assert_eq!(supervise_on(&plan(60), spawner, true)["status"], "done");
}

#[test]
fn a_run_over_its_time_is_asked_then_killed_then_swept() {
    let cases = [
        (Some(Ending::Terminate), vec!["spawn", "Terminate", "sweep"]),
        (Some(Ending::Kill), vec!["spawn", "Terminate", "Kill", "sweep"]),
        // One that hangs in the kernel is given up.
        (None, vec!["spawn", "Terminate", "Kill", "sweep"]),
    ];
    for (obeys, journal) in cases {
        let claude = Stubborn::new(obeys, "");
        let record = supervise(&plan(0), claude.clone());
        assert_eq!(*claude.journal.borrow(), journal, "{obeys:?}");
        assert_eq!(
            (&record["status"], &record["result"]["error_type"]),
            (&json!("failed"), &json!("timeout")),
            "{record}"
        );
        // It never told of a session: there is none to go on with.
        assert!(record["error"].as_str().unwrap().contains("dispatch("), "{record}");
        assert!(record.get("session_id").is_none() && record["result"].get("session_id").is_none(), "{record}");
    }
}

#[test]
fn last_words_that_are_an_answer_are_the_answer() {
    for obeys in [Some(Ending::Terminate), Some(Ending::Kill)] {
        let words: &'static str = Box::leak(result("just in time").into_boxed_str());
        let record = supervise(&plan(0), Stubborn::new(obeys, words));
        assert_eq!(
            (&record["status"], &record["result"]["result"]),
            (&json!("done"), &json!("just in time")),
            "{record}"
        );
    }
}
