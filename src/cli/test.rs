//! `test`: one real dispatch, watched.

use std::time::{Duration, Instant};

use rustix::process::WaitOptions;
use serde_json::json;

use super::arguments::TestArguments;
use super::failure::{ExitCode, Failure};
use super::runtime::{interrupts, runtime};
use super::{format, grants, output};
use crate::config::model::{Agent, Config};
use crate::config::path::{self, Environment};
use crate::config::plan::{self, Request};
use crate::config::read;
use crate::machines::answer::{Answer, ErrorType};
use crate::machines::dispatch::{KILL_GRACE_MS, TERM_GRACE_MS};
use crate::machines::ids::{JobId, SessionRef};
use crate::machines::summary::Filter;
use crate::os::program;
use crate::shell::dispatcher::{Caching, Dispatcher, Options};
use crate::shell::engine::{Delivery, Engine};
use crate::shell::environment::Origin;
use crate::shell::leash::{self, News};
use crate::shell::random;
use crate::shell::run_output::session_began;
use crate::shell::store::{JobFile, Store};

/// How long an interrupted run may take to end: the supervisor's own patience, and a second for what surrounds it.
const END_WITHIN: Duration = Duration::from_millis(TERM_GRACE_MS + KILL_GRACE_MS + 1_000);
/// How long its files may take to be written to their end.
const FILES_WITHIN: Duration = Duration::from_secs(1);
/// How many of the agent's newest jobs are looked through for the one that was interrupted.
const LOOKED_THROUGH: usize = 50;
/// How often to look whether it ended.
const END_POLL: Duration = Duration::from_millis(10);

/// One run, as it was asked for.
struct Trial<'a> {
    config: &'a Config,
    agent: &'a Agent,
    request: Request,
    session: SessionRef,
    stream: bool,
    json: bool,
}

/// Runs one task in an agent.
pub fn run(environment: &Environment, arguments: TestArguments) -> Result<ExitCode, Failure> {
    let config = read::load(&path::config_path(environment), environment.home.clone())?;
    let TestArguments { name, task, stream, timeout, json } = arguments;
    let request = Request { agent: name, task, timeout_seconds: i64::from(timeout), ..Request::default() };
    let agent = plan::agent(&config, &request.agent)
        .map_err(|error| Failure::new(error.to_string()).hint("agent-dispatch list shows all agents"))?;
    let session = random::session_id();
    let engine = Engine::new(Store::new(path::jobs_dir(environment)), program::own());
    let dispatcher = Dispatcher::new(engine, Origin::here(&path::usage_log_path(environment)));
    let trial = Trial { config: &config, agent, request, session, stream, json };
    let runtime = runtime()?;
    let outcome = runtime.block_on(trial.run(&dispatcher));
    let exit = match outcome {
        Ok(Some(delivery)) => trial.conclude(delivery),
        Ok(None) => {
            runtime.shutdown_background();
            return trial.interrupted(dispatcher.engine().store());
        }
        Err(failure) => Err(failure),
    };
    // The line of a run that could not begin is still on its way into the usage journal.
    runtime.block_on(dispatcher.engine().blocking().done(FILES_WITHIN));
    // A look at a dead network mount cannot be taken back; it must not keep the process.
    runtime.shutdown_background();
    exit
}

impl Trial<'_> {
    /// The answer; `None` on Ctrl-C. The run ends with this future, because the leash to its supervisor does.
    async fn run(&self, dispatcher: &Dispatcher) -> Result<Option<Delivery>, Failure> {
        let mut interrupted = interrupts()?;
        let mut on_news = |news: &News| match news {
            News::Queued(place) => self.tell(&leash::waiting(*place)),
            News::Started => self.announce(),
            News::Progress { text, .. } if self.stream => self.tell(&output::printable(text).replace('\n', "\n  ")),
            News::Missed(count) if self.stream => self.tell(&format!("({count} earlier messages left out)")),
            News::Progress { .. } | News::Missed(_) | News::Rescued(_) | News::Ended => {}
        };
        let options = Options { session: self.session.clone(), ..Options::new(Caching::Never) };
        tokio::select! {
            biased;
            _ = interrupted.recv() => {
                // A submission that is under way gets its supervisor, which then sees that its caller is gone.
                dispatcher.engine().blocking().done(FILES_WITHIN).await;
                Ok(None)
            }
            delivery = dispatcher.dispatch(self.config, &self.request, options, &mut on_news) => {
                delivery.map(Some).map_err(|error| Failure::new(error.to_string()))
            }
        }
    }

    fn announce(&self) {
        let cap = self
            .agent
            .budget(&self.config.settings)
            .map_or_else(|| "no spend cap".to_owned(), |usd| format!("spend cap ${usd}"));
        let directory = output::printable(&self.agent.directory.to_string_lossy());
        self.tell(&format!("a real run in {directory}, {cap}; Ctrl-C ends it"));
    }

    fn tell(&self, what: &str) {
        output::note(&format!("{}: {what}", output::printable(&self.request.agent)));
    }

    /// Hands the answer over. Only an answer that arrived is taken out of the job store.
    fn conclude(&self, Delivery { answer, receipt }: Delivery) -> Result<ExitCode, Failure> {
        let text =
            if self.json { serde_json::to_string_pretty(&answer).unwrap_or_default() } else { shown_result(&answer) };
        let delivered = if text.is_empty() { Ok(()) } else { output::deliver(&text) };
        match (delivered, receipt) {
            (Ok(()), Some(receipt)) => receipt.redeem(),
            (Ok(()), None) => {}
            (Err(error), receipt) => {
                let failure = Failure::new(format!("the answer could not be written: {error}"));
                return Err(match receipt {
                    Some(receipt) => failure.hint(format!("it is kept; agent-dispatch job {} shows it", receipt.id())),
                    None => failure,
                });
            }
        }
        if answer.success {
            output::note(&format!("ok: {}", format::of(&answer)));
            answer.hint.iter().for_each(|hint| output::hint(hint));
            self.grant(&answer).iter().for_each(|hint| output::hint(hint));
            return Ok(ExitCode::Success);
        }
        output::failure(&self.diagnosis(&answer));
        Ok(ExitCode::Failure)
    }

    fn diagnosis(&self, answer: &Answer) -> Failure {
        let kind = answer.error_type.map_or("cli_error", ErrorType::as_str);
        let error = answer.error.as_deref().unwrap_or("the run failed and does not say why");
        let mut failure = Failure::new(format!("{kind}: {error}"));
        failure.hints.extend(answer.hint.clone());
        failure.hints.extend(self.next_step(answer));
        failure
    }

    /// What to type next.
    fn next_step(&self, answer: &Answer) -> Option<String> {
        let name = &self.request.agent;
        match answer.error_type.unwrap_or(ErrorType::CliError) {
            // Where a rule or a hook denied it, more rights are no way out, and the error does not offer them.
            ErrorType::Permission => answer.error.as_deref()?.contains("update_agent(").then(|| {
                self.grant(answer).unwrap_or_else(|| format!(
                    "agent-dispatch update {name} --allowed-tools … grants tools, --permission-mode … more than that"
                ))
            }),
            ErrorType::Timeout => Some(format!(
                "agent-dispatch update {name} --timeout … gives it more time; {}",
                self.resume(answer.session_id.as_deref()?)
            )),
            ErrorType::Budget if answer.budget_exceeded == Some(true) => {
                Some(format!("agent-dispatch update {name} --max-budget … raises its cap"))
            }
            ErrorType::Budget => Some(format!("agent-dispatch update {name} --max-turns … raises its turn limit")),
            ErrorType::NotFound | ErrorType::CliError => Some("agent-dispatch doctor finds what is missing".to_owned()),
            ErrorType::UsageLimit | ErrorType::Recursion | ErrorType::SchemaMismatch | ErrorType::Cancelled => None,
        }
    }

    fn grant(&self, answer: &Answer) -> Option<String> {
        grants::command(self.config, &self.request.agent, answer.denied_tools.as_deref()?)
    }

    fn resume(&self, session: &str) -> String {
        format::resume(&self.agent.directory.to_string_lossy(), session)
    }

    /// Waits for the run to end, so that nothing runs once the prompt is back, and says how to go on, where there is a
    /// session to go on with.
    fn interrupted(&self, store: &Store) -> Result<ExitCode, Failure> {
        let ended = children_end(Instant::now() + END_WITHIN);
        let session = self.session.to_string();
        if self.has_begun(store, &session) {
            let error = if ended { "interrupted; the run was ended" } else { "interrupted; the run is being ended" };
            let resume = self.resume(&session);
            if self.json {
                output::json(&json!({"error": error, "hint": resume, "session_id": session}))?;
            }
            output::failure(&Failure::new(error).hint(resume));
        } else {
            let error =
                if ended { "interrupted before the run had begun" } else { "interrupted; the run is being ended" };
            if self.json {
                output::json(&json!({"error": error}))?;
            }
            output::failure(&Failure::new(error));
        }
        Ok(ExitCode::Interrupted)
    }

    /// Whether the run came to have its session: a run that waited until it was ended leaves no record, and another one's
    /// output tells.
    fn has_begun(&self, store: &Store, session: &str) -> bool {
        let ours = Filter { agent: Some(self.request.agent.clone()), status: None };
        let newest = store.matching(&ours).into_iter().take(LOOKED_THROUGH);
        let of_session = |id: &JobId| store.read(id).is_ok_and(|record| record.session_id.as_deref() == Some(session));
        let job = newest.map(|candidate| candidate.id).find(of_session);
        job.is_some_and(|id| session_began(&store.file(&id, JobFile::Stdout)))
    }
}

/// Waits until this process has no children. The supervisor is the only one.
fn children_end(give_up: Instant) -> bool {
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Err(_) => return true,
            Ok(Some(_)) => {}
            Ok(None) if Instant::now() >= give_up => return false,
            Ok(None) => std::thread::sleep(END_POLL),
        }
    }
}

/// The agent's text; nothing where the error says the same.
fn shown_result(answer: &Answer) -> String {
    let told = answer.error.as_ref().is_some_and(|error| error.contains(answer.result.trim()));
    if told { String::new() } else { output::for_stdout(&answer.result) }
}
