//! Ways out: what a caller, which is a model, can do next. Calls are written so that they can be made as they stand.

use super::super::answer::{ErrorType, Outcome};
use super::super::dispatch::Omitted;
use super::super::mode;
use super::super::plan::{CONTINUE, MAX_TIMEOUT_SECONDS, MAX_TURNS, MIN_TIMEOUT_SECONDS, RunPlan};
use super::super::text::{self, quoted};
use super::super::unattended;
use super::classify::Cause;

/// What advice is about.
#[derive(Clone, Copy)]
pub(super) struct Advice<'a> {
    pub(super) plan: &'a RunPlan,
    /// The session that can be resumed.
    pub(super) session_id: Option<&'a str>,
}

impl Advice<'_> {
    fn agent(&self) -> String {
        quoted(&self.plan.agent)
    }

    /// The call that goes on with the session, or the one that starts again.
    pub(super) fn go_on(&self, task: &str) -> String {
        match self.session_id {
            Some(id) => {
                format!("dispatch_session(agent={}, task={}, session_id={})", self.agent(), quoted(task), quoted(id))
            }
            None => format!("dispatch(agent={}, task=…)", self.agent()),
        }
    }

    pub(super) fn resume(&self) -> String {
        self.go_on(CONTINUE)
    }

    /// How to grant what was denied, keeping what is granted. Never what reaches past a run: that is the user's to give.
    pub(super) fn grant(&self, denied: &[String]) -> String {
        let grantable = denied.iter().filter(|tool| !unattended::is_withheld(tool)).collect::<Vec<_>>();
        if grantable.is_empty() && !denied.is_empty() {
            return "unattended runs are denied such tools, because they reach past the run; word the task so that the \
                    agent does without them"
                .into();
        }
        let without_effect = |tool: &String| unattended::is_withheld(tool) && self.plan.is_denied(tool);
        let allowed = self.plan.allowed_tools.iter().filter(|tool| !without_effect(tool));
        let mut tools: Vec<&String> = Vec::new();
        for tool in allowed.chain(grantable) {
            if !tools.contains(&tool) {
                tools.push(tool);
            }
        }
        let list: Vec<String> = tools.into_iter().map(|tool| quoted(tool)).collect();
        let agent = self.agent();
        if denied.is_empty() {
            return format!(
                "grant the tools it needs with update_agent(name={agent}, allowed_tools=[…]) or a permission_mode \
                 such as \"acceptEdits\""
            );
        }
        format!("to grant access: update_agent(name={agent}, allowed_tools=[{}])", list.join(","))
    }

    pub(super) fn timeout(&self, suggested_seconds: Option<u64>) -> String {
        let used = self.plan.timeout_seconds;
        let measured = suggested_seconds.filter(|seconds| *seconds > used);
        let longer = measured.unwrap_or_else(|| used.saturating_mul(2)).clamp(MIN_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS);
        let mut advice = format!("go on with {}", self.resume());
        if longer > used {
            let why = if measured.is_some() { ", as its measured runs suggest" } else { "" };
            let agent = self.agent();
            advice.push_str(&format!(
                "; or allow more time: timeout_seconds={longer}{why} (update_agent(name={agent}, timeout={longer}) \
                 makes it the default)"
            ));
        } else {
            advice.push_str("; or split the task");
        }
        advice.push_str("; dispatch_async runs long tasks without waiting");
        advice
    }

    pub(super) fn budget(&self) -> String {
        let raise = match self.plan.max_budget_usd {
            Some(cap) => format!("max_budget_usd={}", cap * 2.0),
            None => String::from("max_budget_usd=…"),
        };
        format!("raise the cap with update_agent(name={}, {raise}) and go on with {}", self.agent(), self.resume())
    }

    /// How to go on after `limit` turns. Only a call that resumes can allow more of them for itself alone.
    pub(super) fn turns(&self, limit: u32) -> String {
        let more = limit.saturating_mul(2).min(MAX_TURNS);
        let (agent, task) = (self.agent(), quoted(CONTINUE));
        let go_on = match self.session_id {
            Some(id) => {
                format!("dispatch_session(agent={agent}, task={task}, session_id={}, max_turns={more})", quoted(id))
            }
            None => format!("dispatch(agent={agent}, task=…, max_turns={more})"),
        };
        format!("go on with {go_on}; update_agent(name={agent}, max_turns={more}) makes it the default")
    }

    pub(super) fn outcome(&self, outcome: Outcome) -> Option<String> {
        match outcome {
            Outcome::Done => None,
            Outcome::Partial => Some(format!("the agent reports a part as not done; go on with {}", self.resume())),
            Outcome::Blocked => Some(format!(
                "the agent reports that it is blocked; give it what it lacks with {}",
                self.go_on("<what it needs>")
            )),
        }
    }

    /// That the run was not in the mode that it was given: a policy or the account does not allow it.
    pub(super) fn mode(&self, found: Option<&str>) -> Option<String> {
        let given = self.plan.permission_mode.as_deref()?;
        let found = found.filter(|found| mode::differs(given, found))?;
        Some(format!(
            "claude ran in permission mode {}, although {} was asked for: its settings or a policy do not allow that one",
            quoted(found),
            quoted(given)
        ))
    }

    /// What a run lacked because the installed CLI is too old.
    pub(super) fn omitted(omitted: Omitted) -> Option<String> {
        let lacks = [
            (omitted.max_budget, "--max-budget-usd, so the run had no spend cap"),
            (omitted.max_turns, "--max-turns, so the run had no turn limit"),
            (omitted.json_schema, "--json-schema, so the schema was only part of the task"),
            (omitted.system_prompt, "--append-system-prompt, so protocol and instructions were not sent"),
            (omitted.snapshot, "--system-prompt-snapshot, so the session kept the instructions of its first run"),
            (omitted.session_id, "--session-id, so a run that is cut off cannot be resumed"),
        ];
        let lacks: Vec<&str> = lacks.into_iter().filter(|(left_out, _)| *left_out).map(|(_, what)| what).collect();
        (!lacks.is_empty())
            .then(|| format!("the installed claude CLI does not know {}; update it", lacks.join("; nor ")))
    }

    pub(super) fn cause(&self, cause: Cause) -> String {
        let agent = self.agent();
        match cause {
            Cause::Login => {
                "log in on the machine that runs agent-dispatch (start `claude`, then /login), or correct the API key \
                 in its environment"
                    .into()
            }
            Cause::Credit => "add credit to the API account, or use a login with a subscription".into(),
            Cause::Model => {
                format!("choose another model with update_agent(name={agent}, model=\"sonnet\"); \"none\" clears it")
            }
            Cause::TooLong => "send less: write large content to a file and name its path in the task, or start a new \
                               session"
                .into(),
            Cause::AnswerTooLong => format!("ask for a shorter answer, or for parts, with {}", self.go_on("<part>")),
            Cause::Policy => "word the task differently".into(),
            Cause::UnknownSession => format!(
                "sessions belong to the directory that they were started in; start a new one with dispatch(agent={agent}, \
                 task=…)"
            ),
            Cause::SessionInUse => format!("resume it with {}", self.resume()),
            Cause::Root => format!(
                "claude refuses bypassPermissions for root: choose another mode with update_agent(name={agent}, \
                 permission_mode=\"acceptEdits\"), or set IS_SANDBOX=1 inside a sandbox"
            ),
            Cause::BadOption => "correct the agent's settings, or update the claude CLI (`claude update`); \
                                 `agent-dispatch doctor` checks both"
                .into(),
            Cause::MaxTurns => format!("go on with {}", self.resume()),
            Cause::Temporary => format!("this is usually temporary: try again in a minute with {}", self.resume()),
            Cause::Unknown => format!(
                "see what it did with {}; `agent-dispatch test {}` shows a run in a terminal and `agent-dispatch doctor` \
                 checks the set-up",
                self.resume(),
                text::one_line(&self.plan.agent, 60)
            ),
        }
    }
}

/// What is said of a session that belongs to another agent, and what to do.
pub(super) fn foreign_session(plan: &RunPlan, owner: &str, directory: Option<&str>) -> (ErrorType, String, String) {
    let (session, agent) = (quoted(plan.session.id().as_str()), &plan.agent);
    let place = directory.map_or_else(String::new, |place| format!(" in {}", quoted(place)));
    let what =
        format!("session {session} belongs to agent '{owner}'{place}, not to agent '{agent}'; nothing was spent");
    let way_out = format!(
        "go on in it with dispatch_session(agent={}, task=…, session_id={session}), or begin a new one with \
         dispatch(agent={}, task=…)",
        quoted(owner),
        quoted(agent)
    );
    (ErrorType::CliError, what, way_out)
}
