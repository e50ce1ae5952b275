//! Verbs about background tasks and wake-ups, as 2.1.332 tells of them (CLI contract, chapter 17.1).

use serde_json::{Value, json};

use super::{needed, text};
use crate::player::{Flow, Player};
use crate::stream::Stream;

/// A background task that lives.
#[derive(Debug, Clone)]
pub struct Living {
    id: String,
    kind: &'static str,
    description: String,
    call: String,
}

/// What happens to a task.
#[derive(Debug)]
pub enum Task {
    /// `task bash|agent ID DESCRIPTION`: a command, or a sub-agent, is started in the background.
    Start { bash: bool, id: String, description: String },
    /// `task-ends ID`, `task-stops ID`: it is done, or was killed.
    End { id: String, killed: bool },
    /// `task-progress ID TEXT`: what a sub-agent does.
    Progress { id: String, doing: String },
    /// `wake-up REASON`: the agent schedules its own wake-up.
    WakeUp(String),
    /// `woken`: the wake-up comes, and a further turn begins.
    Woken,
    /// `turn`: a further turn begins, after a notification.
    Turn,
}

/// `None` when the word is no task.
pub fn parse(word: &str, rest: &str) -> Result<Option<Task>, String> {
    let (first, more) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
    Ok(Some(match word {
        "task" => {
            let (id, description) = more.trim().split_once(' ').ok_or("task needs a kind, an id and a description")?;
            let bash = match first {
                "bash" => true,
                "agent" => false,
                other => return Err(format!("a task is bash or agent, not \"{other}\"")),
            };
            Task::Start { bash, id: id.to_owned(), description: text(description) }
        }
        "task-ends" => Task::End { id: needed(word, rest)?, killed: false },
        "task-stops" => Task::End { id: needed(word, rest)?, killed: true },
        "task-progress" => Task::Progress { id: needed(word, first)?, doing: text(more) },
        "wake-up" => Task::WakeUp(text(rest)),
        "woken" => Task::Woken,
        "turn" => Task::Turn,
        _ => return Ok(None),
    }))
}

impl Task {
    /// Lets it happen.
    pub fn play(&self, player: &mut Player) -> Flow {
        let mut stream = player.stream();
        match self {
            Self::Start { bash, id, description } => start(&mut stream, *bash, id, description),
            Self::End { id, killed } => {
                let Some(at) = stream.tasks.iter().position(|task| task.id == *id) else {
                    drop(stream);
                    return Flow::broken(&format!("no task \"{id}\" lives"));
                };
                let task = stream.tasks.remove(at);
                let (status, told) = if *killed { ("killed", "stopped") } else { ("completed", "completed") };
                stream.system("task_updated", &updated(&task, status));
                stream.system("task_notification", &notification(&task, told));
                list(&mut stream);
            }
            Self::Progress { id, doing } => {
                let call = stream.tasks.iter().find(|task| task.id == *id).map(|task| task.call.clone());
                stream.system(
                    "task_progress",
                    &json!({"task_id":id,"run_id":run(id),"tool_use_id":call,"description":doing,
                        "subagent_type":"general-purpose","usage":{"total_tokens":12,"tool_uses":1,"duration_ms":1},
                        "last_tool_name":"Bash"}),
                );
            }
            Self::WakeUp(reason) => {
                let input = json!({"delaySeconds":60,"reason":reason,"prompt":"look again","noop":true});
                let call = stream.tool_use("ScheduleWakeup", &input);
                stream.tool_result(&call, "Next wakeup scheduled for 22:20:00 (in 60s).", false);
            }
            Self::Woken => {
                let event = json!({"type":"command_lifecycle","command_uuid":uuid::Uuid::new_v4().to_string(),
                    "state":"started","wakeup_source":"loop_wakeup","scheduled_for":1_795_990_800_000_u64,
                    "uuid":uuid::Uuid::new_v4().to_string(),"session_id":stream.session.id});
                stream.out.event(event.to_string());
                stream.init();
            }
            Self::Turn => stream.init(),
        }
        Flow::Next
    }
}

fn start(stream: &mut Stream, bash: bool, id: &str, description: &str) {
    let kind = if bash { "local_bash" } else { "local_agent" };
    let call = if bash {
        stream.tool_use("Bash", &json!({"command":"sleep 60","description":description,"run_in_background":true}))
    } else {
        let input = json!({"description":description,"prompt":description,"subagent_type":"general-purpose",
            "run_in_background":true});
        stream.tool_use("Agent", &input)
    };
    stream.tasks.push(Living { id: id.to_owned(), kind, description: description.to_owned(), call: call.clone() });
    list(stream);
    let mut started = json!({"task_id":id,"run_id":run(id),"tool_use_id":call,"description":description,
        "is_backgrounded":true,"task_type":kind});
    if let Some(started) = started.as_object_mut().filter(|_| !bash) {
        started.extend([("subagent_type".to_owned(), json!("general-purpose")), ("spawn_depth".to_owned(), json!(1))]);
        started.insert("prompt".to_owned(), description.into());
    }
    stream.system("task_started", &started);
    let told = if bash {
        format!("Command running in background with ID: {id}. You will be notified when it completes.")
    } else {
        format!("Async agent launched successfully.\nagentId: {id}")
    };
    stream.tool_result(&call, &told, false);
}

/// At SIGTERM the CLI ends its background commands and tells so; of sub-agents it tells nothing.
pub fn killed_at_exit(stream: &mut Stream) {
    let commands: Vec<Living> = stream.tasks.iter().filter(|task| task.kind == "local_bash").cloned().collect();
    for task in &commands {
        stream.system("task_notification", &notification(task, "stopped"));
        stream.system("task_updated", &updated(task, "killed"));
        stream.tasks.retain(|other| other.id != task.id);
        list(stream);
    }
}

fn list(stream: &mut Stream) {
    let of = |task: &Living| {
        let mut told = json!({"task_id":task.id,"run_id":run(&task.id),"task_type":task.kind,
            "description":task.description});
        if let Some(told) = told.as_object_mut().filter(|_| task.kind == "local_agent") {
            told.insert("subagent_type".to_owned(), "general-purpose".into());
        }
        told
    };
    let tasks: Vec<Value> = stream.tasks.iter().map(of).collect();
    stream.system("background_tasks_changed", &json!({"tasks":tasks}));
}

fn updated(task: &Living, status: &str) -> Value {
    json!({"task_id":task.id,"run_id":run(&task.id),"patch":{"status":status,"end_time":1_795_990_751_967_u64}})
}

fn notification(task: &Living, status: &str) -> Value {
    json!({"task_id":task.id,"run_id":run(&task.id),"tool_use_id":task.call,"status":status,"output_file":"",
        "summary":task.description})
}

fn run(id: &str) -> String {
    format!("0mx2eijzx-{id}")
}
