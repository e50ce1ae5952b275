//! What the lines add up to: in all, for each agent, for each day.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::Entry;

/// Seconds of a day.
const DAY_SECONDS: u64 = 86_400;
/// Sums and medians of money are told with four decimals: in ten-thousandths of a US dollar.
const USD_DECIMALS: f64 = 10_000.0;
/// How many of a hundred runs took no longer than the figure that is shown beside the median.
const UPPER_PERCENT: usize = 90;

/// Dispatches, added up. Answers from the cache are counted apart: they took no time and cost nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Dispatches that were not answered from the cache.
    pub dispatches: u64,
    /// Dispatches that were answered from the cache.
    pub cached_hits: u64,
    /// Dispatches that succeeded.
    pub ok: u64,
    /// How often agents said how far they came, by what they said.
    pub outcomes: BTreeMap<String, u64>,
    /// How often dispatches failed, by kind.
    pub errors: BTreeMap<String, u64>,
    /// What they cost, in ten-thousandths of a US dollar.
    spent: u64,
    durations: Vec<u64>,
    costs: Vec<f64>,
}

/// Durations of a number of runs, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Durations {
    /// Half of the runs took no longer.
    pub median_ms: u64,
    /// Nine of ten runs took no longer.
    pub p90_ms: u64,
    /// No run took longer.
    pub max_ms: u64,
}

/// The dispatches of one day.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Day {
    /// Dispatches that were not answered from the cache.
    pub dispatches: u64,
    /// What they cost, in ten-thousandths of a US dollar.
    spent: u64,
}

impl Day {
    /// What they cost, in US dollars.
    #[must_use]
    pub fn cost_usd(&self) -> f64 {
        usd(self.spent)
    }

    /// Successes and failures together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { dispatches: self.dispatches + other.dispatches, spent: self.spent + other.spent }
    }
}

/// The whole journal, or a part of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The figures of all agents together.
    pub total: Tally,
    /// The figures of each agent.
    pub agents: BTreeMap<String, Tally>,
    /// By day, counted from 1970-01-01 (UTC).
    pub days: BTreeMap<u64, Day>,
    /// What the last line cost beyond its whole ten-thousandths; the next line has it. So agents, days and the total add up
    /// to the last digit, and the total is right.
    carried: f64,
}

impl Tally {
    /// Counts a line that cost so many ten-thousandths.
    fn add(&mut self, entry: &Entry<'_>, spent: u64) {
        if entry.cached {
            self.cached_hits += 1;
            return;
        }
        self.dispatches += 1;
        self.spent += spent;
        self.ok += u64::from(entry.ok);
        self.durations.extend(entry.ms);
        self.costs.extend(entry.cost);
        if let Some(outcome) = &entry.outcome {
            *self.outcomes.entry(outcome.to_string()).or_default() += 1;
        }
        if let Some(error) = &entry.err {
            *self.errors.entry(error.to_string()).or_default() += 1;
        }
    }

    /// Dispatches that failed.
    #[must_use]
    pub const fn failed(&self) -> u64 {
        self.dispatches - self.ok
    }

    /// What they cost, in US dollars.
    #[must_use]
    pub fn cost_usd(&self) -> f64 {
        usd(self.spent)
    }

    /// What half of those with a known cost cost at most, and what the dearest cost, in US dollars.
    #[must_use]
    pub fn costs(&self) -> Option<(f64, f64)> {
        let mut costs = self.costs.clone();
        costs.sort_by(f64::total_cmp);
        Some((rounded_usd(median_usd(&costs)?), rounded_usd(*costs.last()?)))
    }

    /// How long they took; `None` when no duration is known.
    #[must_use]
    pub fn durations(&self) -> Option<Durations> {
        let mut durations = self.durations.clone();
        durations.sort_unstable();
        Some(Durations {
            median_ms: median_ms(&durations)?,
            p90_ms: upper(&durations)?,
            max_ms: durations.last().copied()?,
        })
    }
}

impl Report {
    /// Counts one line of the usage log.
    pub fn add(&mut self, entry: &Entry<'_>) {
        let spent = if entry.cached { 0 } else { self.whole_units(entry.cost.unwrap_or_default()) };
        self.total.add(entry, spent);
        if !self.agents.contains_key(entry.agent.as_ref()) {
            self.agents.insert(entry.agent.to_string(), Tally::default());
        }
        if let Some(tally) = self.agents.get_mut(entry.agent.as_ref()) {
            tally.add(entry, spent);
        }
        if !entry.cached {
            let day = self.days.entry(entry.t / DAY_SECONDS).or_default();
            day.dispatches += 1;
            day.spent += spent;
        }
    }

    /// The amount in whole ten-thousandths of a US dollar, with what was left of the amounts before.
    fn whole_units(&mut self, cost_usd: f64) -> u64 {
        let exact = cost_usd * USD_DECIMALS + self.carried;
        let whole = exact.round().max(0.0);
        self.carried = exact - whole;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an amount that a run can have")]
        let units = whole as u64;
        units
    }

    /// The agents: who cost most comes first, then who ran most.
    #[must_use]
    pub fn ranked(&self) -> Vec<(&str, &Tally)> {
        let mut agents: Vec<_> = self.agents.iter().map(|(name, tally)| (name.as_str(), tally)).collect();
        agents.sort_by(|(_, a), (_, b)| {
            b.cost_usd().total_cmp(&a.cost_usd()).then_with(|| b.dispatches.cmp(&a.dispatches))
        });
        agents
    }
}

impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("dispatches", &self.dispatches)?;
        map.serialize_entry("cached_hits", &self.cached_hits)?;
        map.serialize_entry("ok", &self.ok)?;
        map.serialize_entry("failed", &self.failed())?;
        map.serialize_entry("cost_usd", &self.cost_usd())?;
        if let Some(durations) = self.durations() {
            map.serialize_entry("median_ms", &durations.median_ms)?;
            map.serialize_entry("p90_ms", &durations.p90_ms)?;
            map.serialize_entry("max_ms", &durations.max_ms)?;
        }
        if let Some((median, most)) = self.costs() {
            map.serialize_entry("median_cost_usd", &median)?;
            map.serialize_entry("max_cost_usd", &most)?;
        }
        if !self.outcomes.is_empty() {
            map.serialize_entry("outcomes", &self.outcomes)?;
        }
        if !self.errors.is_empty() {
            map.serialize_entry("errors", &self.errors)?;
        }
        map.end()
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Report", 3)?;
        report.serialize_field("total", &self.total)?;
        report.serialize_field("agents", &Ranked(self))?;
        report.serialize_field("days", &Dated(self))?;
        report.end()
    }
}

struct Ranked<'a>(&'a Report);

impl Serialize for Ranked<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.ranked())
    }
}

struct Dated<'a>(&'a Report);

impl Serialize for Dated<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let day = |(number, day): (&u64, &Day)| {
            serde_json::json!({
                "date": date(*number),
                "dispatches": day.dispatches,
                "cost_usd": day.cost_usd(),
            })
        };
        serializer.collect_seq(self.0.days.iter().map(day))
    }
}

/// The date of a day that is counted from 1970-01-01, as `2026-11-21`. From the civil calendar's cycle of 400 years, which
/// has 146,097 days, counted from a 1st of March so that the leap day comes last.
#[must_use]
pub fn date(day: u64) -> String {
    const CYCLE: u64 = 146_097;
    const TO_MARCH_OF_YEAR_0: u64 = 719_468;
    // A time that no clock shows keeps the arithmetic within bounds.
    let day = day.min(u64::from(u32::MAX)) + TO_MARCH_OF_YEAR_0;
    let (cycle, day) = (day / CYCLE, day % CYCLE);
    let year = (day - day / 1_460 + day / 36_524 - day / (CYCLE - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next_year) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{day:02}", cycle * 400 + year + next_year)
}

/// The middle of sorted durations; between the two middle ones where there are two.
pub(super) fn median_ms(sorted: &[u64]) -> Option<u64> {
    let (low, high) = middle(sorted)?;
    Some(low + (high - low) / 2)
}

/// The middle of sorted amounts.
pub(super) fn median_usd(sorted: &[f64]) -> Option<f64> {
    let (low, high) = middle(sorted)?;
    Some(f64::midpoint(low, high))
}

fn middle<T: Copy>(sorted: &[T]) -> Option<(T, T)> {
    let high = *sorted.get(sorted.len() / 2)?;
    let low = sorted.len().checked_sub(1).and_then(|last| sorted.get(last / 2))?;
    Some((*low, high))
}

/// The least of sorted durations that nine of ten do not exceed.
pub(super) fn upper(sorted: &[u64]) -> Option<u64> {
    let rank = (sorted.len() * UPPER_PERCENT).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[expect(clippy::cast_precision_loss, reason = "exact for every amount that somebody can have spent")]
fn usd(units: u64) -> f64 {
    units as f64 / USD_DECIMALS
}

pub(super) fn rounded_usd(usd: f64) -> f64 {
    (usd * USD_DECIMALS).round() / USD_DECIMALS
}
