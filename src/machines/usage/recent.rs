//! What an agent's runs usually take, from the last ones of each agent.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::report::{median_ms, median_usd, rounded_usd, upper};
use super::{Entry, agent_key};

/// With fewer runs there is nothing typical (contract).
pub const MIN_RUNS: usize = 3;
/// How many of an agent's last runs count: enough for nine of ten to mean something, few enough to follow a change of its
/// model or its tasks.
pub const RECENT_RUNS: usize = 200;
/// What a suggested time limit adds to the time that nine of ten runs kept to, as a factor (contract).
const MARGIN: f64 = 1.5;
/// Milliseconds of a second, and of a tenth.
const SECOND_MS: f64 = 1_000.0;
const TENTHS: f64 = 10.0;

/// What an agent's runs usually take and cost, as `inspect_agent` tells it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Typical {
    /// How many runs were looked at.
    pub dispatches: usize,
    /// What a list of agents shows.
    #[serde(flatten)]
    pub short: Short,
    /// How many of them failed; left out when none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<usize>,
    /// How far the agent said that it came, with the number of times.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub outcomes: BTreeMap<String, usize>,
}

/// The part of [`Typical`] that a list of agents shows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Short {
    /// Half of the runs took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_seconds: Option<f64>,
    /// Nine of ten runs took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p90_seconds: Option<f64>,
    /// Half of the runs cost no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_cost_usd: Option<f64>,
}

impl Typical {
    /// A time limit that nine of ten runs keep with room to spare, in whole seconds.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "durations are bounded when read")]
    pub fn suggested_timeout_seconds(&self) -> Option<u64> {
        self.short.p90_seconds.map(|seconds| (seconds * MARGIN).ceil() as u64)
    }
}

/// The last runs of every agent.
#[derive(Debug, Clone, Default)]
pub struct Recent {
    agents: BTreeMap<String, Window>,
}

#[derive(Debug, Clone, Default)]
struct Window {
    runs: VecDeque<PastRun>,
    /// Worked out once for each state of the window.
    typical: Option<Typical>,
}

#[derive(Debug, Clone)]
struct PastRun {
    ok: bool,
    ms: Option<u64>,
    cost: Option<f64>,
    outcome: Option<Box<str>>,
}

impl Recent {
    /// The figures of no run at all.
    #[must_use]
    pub const fn new() -> Self {
        Self { agents: BTreeMap::new() }
    }

    /// Takes a line. Answers from the cache are no runs.
    pub fn add(&mut self, entry: &Entry<'_>) {
        if entry.cached {
            return;
        }
        let run =
            PastRun { ok: entry.ok, ms: entry.ms, cost: entry.cost, outcome: entry.outcome.as_deref().map(Box::from) };
        match self.agents.get_mut(entry.agent.as_ref()) {
            Some(window) => window.push(run),
            None => {
                let mut window = Window::default();
                window.push(run);
                self.agents.insert(entry.agent.to_string(), window);
            }
        }
    }

    /// What is typical of an agent; `None` with too few runs.
    pub fn typical(&mut self, agent: &str) -> Option<&Typical> {
        let window = self.agents.get_mut(agent_key(agent)).filter(|window| window.runs.len() >= MIN_RUNS)?;
        if window.typical.is_none() {
            window.typical = Some(window.work_out());
        }
        window.typical.as_ref()
    }
}

impl Window {
    fn push(&mut self, run: PastRun) {
        if self.runs.len() == RECENT_RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back(run);
        self.typical = None;
    }

    fn work_out(&self) -> Typical {
        let mut durations = self.runs.iter().filter_map(|run| run.ms).collect::<Vec<_>>();
        let mut costs = self.runs.iter().filter_map(|run| run.cost).collect::<Vec<_>>();
        durations.sort_unstable();
        costs.sort_by(f64::total_cmp);
        let timed = durations.len() >= MIN_RUNS;
        let failed = self.runs.iter().filter(|run| !run.ok).count();
        let mut outcomes = BTreeMap::new();
        for outcome in self.runs.iter().filter_map(|run| run.outcome.as_deref()) {
            *outcomes.entry(outcome.to_owned()).or_default() += 1;
        }
        Typical {
            dispatches: self.runs.len(),
            short: Short {
                median_seconds: median_ms(&durations).filter(|_| timed).map(seconds),
                p90_seconds: upper(&durations).filter(|_| timed).map(seconds),
                median_cost_usd: median_usd(&costs).filter(|_| costs.len() >= MIN_RUNS).map(rounded_usd),
            },
            failed: (failed > 0).then_some(failed),
            outcomes,
        }
    }
}

/// Seconds with one decimal.
#[expect(clippy::cast_precision_loss, reason = "durations are bounded when read")]
fn seconds(ms: u64) -> f64 {
    (ms as f64 / SECOND_MS * TENTHS).round() / TENTHS
}
