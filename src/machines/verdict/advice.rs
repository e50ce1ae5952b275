//! Ways out: what a caller, which is a model, can do next. Calls are written so that they can be made as they stand.

use super::super::answer::{ErrorType, Outcome};
use super::super::cli_version::OLDEST;
use super::super::command_line;
use super::super::flags::{Flag, Omission, Omitted};
use super::super::mode;
use super::super::next_call;
use super::super::plan::{CONTINUE, MAX_TIMEOUT_SECONDS, MAX_TURNS, MIN_TIMEOUT_SECONDS, RunPlan};
use super::super::text::quoted;
use super::Evidence;
use super::settings::SettingsFile;

/// What advice is about.
#[derive(Clone, Copy)]
pub(super) struct Advice<'a> {
    pub(super) plan: &'a RunPlan,
    /// The session that can be resumed.
    pub(super) session_id: Option<&'a str>,
    /// Whether a session began at all.
    begun: bool,
    /// The settings that counted for the run, as far as they were read.
    pub(super) settings: Option<&'a [SettingsFile]>,
    /// What the system lacks that no run works without.
    pub(super) system_lack: Option<&'a str>,
}

impl<'a> Advice<'a> {
    pub(super) fn new(evidence: &'a Evidence<'_>, session_id: Option<&'a str>) -> Self {
        Self {
            plan: evidence.plan,
            session_id,
            begun: evidence.begun,
            settings: evidence.settings.as_deref(),
            system_lack: evidence.system_lack.as_deref(),
        }
    }

    pub(super) fn agent(&self) -> String {
        quoted(&self.plan.agent)
    }

    /// The call that goes on with the session, or the one that starts again.
    pub(super) fn go_on(&self, task: &str) -> String {
        match self.session_id {
            Some(id) => next_call::session(&self.plan.agent, task, id),
            None => next_call::dispatch(&self.plan.agent),
        }
    }

    pub(super) fn resume(&self) -> String {
        self.go_on(CONTINUE)
    }

    /// What to do about what the system lacks, where no run works without it.
    pub(super) fn of_system(&self) -> Option<String> {
        self.system_lack.map(|lack| format!("{lack}; then {}", self.resume()))
    }

    /// What is left of a run that was cut off.
    pub(super) fn kept(&self) -> String {
        let call = self.resume();
        match (self.session_id, self.begun) {
            (Some(_), _) => format!("what it did is kept in its session: {call}"),
            (None, true) => format!("its session cannot be gone on with; begin again with {call}"),
            (None, false) => format!("no session had begun: {call} gives the task again"),
        }
    }

    /// What to do when the time was up; `refused`: whether the API refused requests meanwhile, so that the time was not
    /// all the agent's.
    pub(super) fn timeout(&self, suggested_seconds: Option<u64>, refused: bool) -> String {
        let used = self.plan.timeout_seconds;
        let twice = used.saturating_mul(2);
        // Runs that were cut off are among those that were measured: less than twice what did not do is no measure of anything.
        let measured = suggested_seconds.filter(|seconds| *seconds >= twice);
        let longer = measured.unwrap_or(twice).clamp(MIN_TIMEOUT_SECONDS, MAX_TIMEOUT_SECONDS);
        let mut advice = String::new();
        if refused {
            advice.push_str(
                "while the API refuses requests more time helps little: run fewer at once (settings.max_concurrency), or \
                 wait a while; then ",
            );
        }
        advice.push_str(&self.session_id.map_or_else(|| self.kept(), |_| format!("go on with {}", self.resume())));
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

    /// What to do at the cap, after so much was spent. The CLI looks at its cap after a request, so what was spent may be many
    /// times the cap.
    pub(super) fn budget(&self, spent: Option<f64>) -> String {
        // Twice nothing is no cap to propose.
        let amounts = [self.plan.max_budget_usd, spent].into_iter().flatten().filter(|dollars| *dollars > 0.0);
        let most = amounts.reduce(f64::max);
        let raise =
            most.map_or_else(|| "max_budget_usd=…".to_owned(), |most| format!("max_budget_usd={}", doubled(most)));
        format!("raise the cap with update_agent(name={}, {raise}) and go on with {}", self.agent(), self.resume())
    }

    /// How to go on after `limit` turns. Only a call that resumes can allow more of them for itself alone.
    pub(super) fn turns(&self, limit: u32) -> String {
        let more = limit.saturating_mul(2).min(MAX_TURNS);
        let agent = self.agent();
        let go_on = match self.session_id {
            Some(id) => next_call::resume_with_turns(&self.plan.agent, id, more),
            None => next_call::dispatch_with_turns(&self.plan.agent, more),
        };
        if more <= limit {
            return format!("go on with {go_on}, or split the task: an agent may have no more turns for a run");
        }
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

    /// What to do about an answer without the JSON that was asked for.
    pub(super) fn json(&self) -> String {
        let again = match self.session_id {
            Some(id) => next_call::session_for_json(&self.plan.agent, id),
            None => next_call::dispatch(&self.plan.agent),
        };
        format!(
            "response_format is \"json\", but the answer is not one JSON value that can be read (`null` counts as none), so \
             there is no parsed_result; ask for it again with {again}, or give a response_schema, which is checked and repaired"
        )
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

    /// What a run lacked because of the installed CLI, and why. A flag that the run was not to be given is nothing it lacked.
    pub(super) fn omitted(&self, omitted: Omitted) -> Option<String> {
        let meant = command_line::arguments(self.plan, Omitted::NOTHING).ok()?;
        let told = [
            (Flag::MaxBudget, "the run had no spend cap"),
            (Flag::MaxTurns, "the run had no turn limit"),
            (Flag::JsonSchema, "the schema was only part of the task"),
            (Flag::AppendSystemPrompt, "protocol and instructions were not sent"),
            (Flag::SystemPromptSnapshot, "the session kept the instructions of its first run"),
            (Flag::SessionId, "a run that is cut off cannot be resumed"),
        ];
        let is_meant = |flag: Flag| {
            meant.iter().any(|argument| argument.split_once('=').is_some_and(|(name, _)| name == flag.as_str()))
        };
        let lacks = told.into_iter().filter(|(flag, _)| omitted.has(Omission::Unknown(*flag)) && is_meant(*flag));
        let lacks: Vec<String> = lacks.map(|(flag, so)| format!("{flag}, so {so}")).collect();
        let unknown = (!lacks.is_empty())
            .then(|| format!("the installed claude CLI does not know {}; update it", lacks.join("; nor ")));
        let has_schema = is_meant(Flag::JsonSchema);
        let refused = (omitted.has(Omission::ThisSchema) && has_schema).then(|| {
            format!(
                "the installed claude CLI refuses this response_schema for {}, so it was only part of the task and the \
                 answer was checked here; the CLI takes patterns of JavaScript only, and `nullable` only beside a `type`",
                Flag::JsonSchema
            )
        });
        let unbounded = (omitted.has(Omission::UnboundedSchema) && has_schema).then(|| {
            format!(
                "the installed claude CLI is older than {OLDEST} and would ask the model without end for what {} demands, \
                 so the schema was only part of the task and the answer was checked here; update Claude Code to {OLDEST} \
                 or newer",
                Flag::JsonSchema
            )
        });
        let all: Vec<String> = [unknown, refused, unbounded].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(". "))
    }
}

/// Twice an amount of money, rounded up to two digits that count.
fn doubled(dollars: f64) -> f64 {
    /// What a product of decimals may be too large by, before it is rounded up.
    const NOISE: f64 = 1e-9;
    /// More decimals than any price has.
    const MAX_DECIMALS: f64 = 12.0;
    let wanted = dollars * 2.0;
    let decimals = (1.0 - wanted.log10().floor()).clamp(0.0, MAX_DECIMALS);
    let unit = 10_f64.powf(decimals);
    let rounded = (wanted * unit - NOISE).ceil() / unit;
    if rounded.is_finite() { rounded } else { wanted }
}

/// What is said of a session that belongs to another agent, and what to do.
pub(super) fn foreign_session(plan: &RunPlan, owner: &str, directory: Option<&str>) -> (ErrorType, String, String) {
    let (session, agent) = (quoted(plan.session.id().as_str()), &plan.agent);
    let place = directory.map_or_else(String::new, |place| format!(" in {}", quoted(place)));
    let what =
        format!("session {session} belongs to agent '{owner}'{place}, not to agent '{agent}'; nothing was spent");
    let way_out = format!(
        "go on in it with {}, or begin a new one with {}",
        next_call::own_session(owner, plan.session.id().as_str()),
        next_call::dispatch(agent)
    );
    (ErrorType::CliError, what, way_out)
}
