//! What to do about each cause.

use super::super::next_call;
use super::super::text;
use super::advice::Advice;
use super::cause::Cause;

/// Most characters of an agent's name in a command.
const MAX_NAME_CHARS: usize = 60;

impl Advice<'_> {
    /// What to do about a cause, `message` being the text that told it.
    pub(super) fn remedy(&self, cause: Cause, message: &str) -> String {
        match cause {
            Cause::UsageLimit => self.usage_limit(message),
            Cause::Permission => self.grant(&[]),
            _ => (self.with_the_api(cause))
                .or_else(|| self.on_this_machine(cause))
                .unwrap_or_else(|| self.with_the_run(cause)),
        }
    }

    fn usage_limit(&self, message: &str) -> String {
        let reset = super::classify::reset(message).map_or_else(String::new, |reset| format!(" ({reset})"));
        format!(
            "this is the limit of the Claude account, which all agents share: another agent fails alike; wait for the \
             reset{reset}, or run fewer at once (settings.max_concurrency), then {}",
            self.resume()
        )
    }

    fn with_the_api(&self, cause: Cause) -> Option<String> {
        let (agent, resume) = (self.agent(), self.resume());
        Some(match cause {
            Cause::Login => "log in on the machine that runs agent-dispatch (start `claude`, then /login), or correct \
                             the API key in its environment"
                .into(),
            Cause::Cloud => format!(
                "renew the credentials of the cloud provider or gateway on the machine that runs agent-dispatch (for \
                 example `aws sso login` or `gcloud auth application-default login`), then {resume}"
            ),
            Cause::Terms => format!("start `claude` once in a terminal and accept the terms, then {resume}"),
            Cause::Credit => format!(
                "add credit to the API account, or to that of the gateway in ANTHROPIC_BASE_URL, or use a login with a \
                 subscription; then {resume}"
            ),
            Cause::SpendLimit => format!(
                "this is a limit on money that the account or its organization set: waiting does not lift it before its \
                 own reset; raise it where it was set, then {resume}"
            ),
            Cause::GatewayBudget => format!(
                "this is a budget of the gateway in ANTHROPIC_BASE_URL, not the agent's: raise it there, then {resume}"
            ),
            Cause::RateLimit => format!(
                "too many requests or tokens at a time, which is over in a minute: run fewer at once \
                 (settings.max_concurrency) and go on with {resume}"
            ),
            Cause::Model => {
                format!("choose another model with update_agent(name={agent}, model=\"sonnet\"); \"none\" clears it")
            }
            Cause::Certificate => {
                "the API, or a proxy in front of it, shows a certificate that claude does not trust: \
                                   set NODE_EXTRA_CA_CERTS to the file of its CA (PEM) in the environment of \
                                   agent-dispatch; for one that has expired check the clock, or have it renewed"
                    .into()
            }
            Cause::Network => format!(
                "claude cannot reach its API: check the network, HTTPS_PROXY and ANTHROPIC_BASE_URL in the environment of \
                 agent-dispatch; if they are as they should be, try again in a minute with {resume}"
            ),
            Cause::Temporary => format!("this is usually temporary: try again in a minute with {resume}"),
            _ => return None,
        })
    }

    fn on_this_machine(&self, cause: Cause) -> Option<String> {
        let directory = self.plan.place();
        Some(match cause {
            Cause::Npm => "claude is started through npm, and npm failed: install Claude Code on this machine and set \
                           AGENT_DISPATCH_CLAUDE to it"
                .into(),
            Cause::Node => "this claude needs a newer Node.js: install one, or the native Claude Code, and set \
                            AGENT_DISPATCH_CLAUDE to it"
                .into(),
            Cause::CannotRun => {
                "claude, or a program that its start needs, is not there or cannot be run: correct the \
                                 wrapper or its PATH; `agent-dispatch doctor` checks the CLI"
                    .into()
            }
            Cause::FileAccess => format!(
                "the system refused it to the user who runs agent-dispatch, no permission of the agent would help: \
                 correct owner and mode of the file or socket that it names (the project is in {directory})"
            ),
            Cause::WorkingDirectory => self.of_system().unwrap_or_else(|| {
                format!(
                    "check that {directory} is still there, and that the user who runs agent-dispatch may enter it and \
                         every directory above it"
                )
            }),
            Cause::Disk => format!("free space, or make it writable, then {}", self.resume()),
            Cause::Memory => format!(
                "the machine has too little memory for it: run fewer at once (settings.max_concurrency), then {}",
                self.resume()
            ),
            Cause::OpenFiles => "raise the limit of open files (`ulimit -n`) where agent-dispatch is started".into(),
            Cause::GitOwner => format!(
                "git refuses a directory of another owner: `git config --global --add safe.directory DIR` as the user who \
                 runs agent-dispatch, or correct the owner (the project is in {directory})"
            ),
            _ => return None,
        })
    }

    fn with_the_run(&self, cause: Cause) -> String {
        let agent = self.agent();
        match cause {
            Cause::TooLong => format!(
                "send less: write large content to a file and name its path in the task, or start a new session with {}",
                next_call::dispatch(&self.plan.agent)
            ),
            Cause::AnswerTooLong => format!("ask for a shorter answer, or for parts, with {}", self.go_on("<part>")),
            Cause::UsagePolicy => "word the task differently".into(),
            Cause::ManagedSettings => format!(
                "the settings of the organization forbid it, nothing here lifts that: choose another mode with \
                 update_agent(name={agent}, permission_mode=\"default\"), or ask the administrator"
            ),
            Cause::UnknownSession => format!(
                "there is no such session, or it belongs to another directory; start a new one with {}",
                next_call::dispatch(&self.plan.agent)
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
            _ => {
                let name = text::one_line(&self.plan.agent, MAX_NAME_CHARS);
                let look = format!(
                    "`agent-dispatch test {name}` shows a run in a terminal and `agent-dispatch doctor` checks the set-up"
                );
                match self.session_id {
                    Some(_) => format!("see what it did with {}; {look}", self.resume()),
                    None => look,
                }
            }
        }
    }
}
