//! Tools that were denied or put off, and what to do about it.

use super::super::mode;
use super::super::text::quoted;
use super::super::unattended;
use super::advice::Advice;
use super::settings::{self, Against};

/// The mode in which claude changes nothing.
const PLAN: &str = "plan";

impl Advice<'_> {
    /// How to grant what was denied, keeping what is granted. What is granted already was denied by something else: that is
    /// named instead. Never what reaches past a run: that is the user's to give.
    pub(super) fn grant(&self, denied: &[String]) -> String {
        let plan = self.plan;
        if denied.is_empty() {
            return format!(
                "grant the tools it needs with update_agent(name={}, allowed_tools=[…]) or a permission_mode such as \
                 \"acceptEdits\"",
                self.agent()
            );
        }
        let grantable: Vec<String> = denied.iter().filter(|tool| !unattended::is_withheld(tool)).cloned().collect();
        if grantable.is_empty() {
            return "unattended runs are denied such tools, because they reach past the run; word the task so that the \
                    agent does without them"
                .into();
        }
        let bypasses = plan.permission_mode.as_deref() == Some(mode::BYPASS);
        let granted = |tool: &String| bypasses || plan.allowed_tools.contains(tool);
        let (granted, missing): (Vec<String>, Vec<String>) = grantable.into_iter().partition(granted);
        let missing = (!missing.is_empty()).then(|| self.grant_missing(&missing));
        let granted = (!granted.is_empty()).then(|| self.why_though_granted(&granted));
        [missing, granted].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    fn grant_missing(&self, missing: &[String]) -> String {
        let without_effect = |tool: &String| unattended::is_withheld(tool) && self.plan.is_denied(tool);
        let allowed = self.plan.allowed_tools.iter().filter(|tool| !without_effect(tool));
        let mut tools: Vec<&String> = Vec::new();
        for tool in allowed.chain(missing) {
            if !tools.contains(&tool) {
                tools.push(tool);
            }
        }
        let list = tools.into_iter().map(|tool| quoted(tool)).collect::<Vec<_>>().join(",");
        let grant = format!("to grant access: update_agent(name={}, allowed_tools=[{list}])", self.agent());
        let against = settings::against(self.settings.unwrap_or_default(), missing);
        if against.is_empty() {
            return grant;
        }
        format!("{grant}; {} stands against it whatever is granted", settings::named(&against))
    }

    /// What denied a tool that is granted: a rule that beats the grant.
    fn why_though_granted(&self, granted: &[String]) -> String {
        let plan = self.plan;
        let names = granted.iter().map(|tool| quoted(tool)).collect::<Vec<_>>().join(", ");
        let set = if plan.permission_mode.as_deref() == Some(mode::BYPASS) {
            format!("permission_mode is {} already", mode::BYPASS)
        } else {
            format!("allowed_tools has {names} already")
        };
        format!("{set}, so granting changes nothing: {}", self.what_beats(granted))
    }

    fn what_beats(&self, granted: &[String]) -> String {
        let plan = self.plan;
        if plan.permission_mode.as_deref() == Some(PLAN) {
            return format!(
                "permission_mode \"{PLAN}\" denies what changes something; update_agent(name={}, \
                 permission_mode=\"default\") ends that",
                self.agent()
            );
        }
        let against: Vec<Against> = settings::against(self.settings.unwrap_or_default(), granted);
        if !against.is_empty() {
            return settings::reasons(&against);
        }
        let own = plan.disallowed_tools.iter().filter(|rule| granted.iter().any(|tool| settings::concerns(rule, tool)));
        let own = own.map(|rule| quoted(rule)).collect::<Vec<_>>().join(", ");
        if !own.is_empty() {
            return format!("the agent's disallowed_tools has {own}");
        }
        let hooks = self.hooks();
        if !hooks.is_empty() {
            return format!("a PreToolUse hook may have denied it; look in {hooks}");
        }
        let ask = self.go_on("Which calls were denied, and with which message?");
        match self.settings {
            Some(_) => format!(
                "no ask or deny rule for it is in the settings files of project and user, so the call itself was refused \
                 (a path outside the project, say); ask which and why with {ask}"
            ),
            None => format!(
                "an ask or deny rule, or a hook, of claude's settings denies it (.claude/settings.json and \
                 settings.local.json of the project or of its main checkout, or the user's); ask which call with {ask}"
            ),
        }
    }

    /// The settings files whose hooks may decide over tools.
    fn hooks(&self) -> String {
        let files = settings::with_tool_hooks(self.settings.unwrap_or_default());
        files.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
    }

    /// What to do about a call that a hook put off. Claude keeps the call: whoever goes on with the session has it run
    /// before anything else, after the hook was asked again. Where the hook puts it off once more, a new task takes its place
    /// and the call is lost (seen with CLI 2.1.332).
    pub(super) fn deferred(&self) -> String {
        let hooks = self.hooks();
        let hook = if hooks.is_empty() { "the hook".to_owned() } else { format!("the hook (in {hooks})") };
        format!(
            "the call waits in the session: have {hook} allow or deny it first, and only then go on with {}, which runs \
             the call before anything else; while the hook still puts it off, going on would lose the call",
            self.resume()
        )
    }
}
