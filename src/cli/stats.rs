//! `stats`

use std::collections::BTreeMap;
use std::ops::Range;

use super::arguments::StatsArguments;
use super::failure::{ExitCode, Failure};
use super::format::{self, UNKNOWN};
use super::output::{self, Style};
use super::table::{Columns, GAP};
use super::{chart, jobs};
use crate::config::path::{self, Environment};
use crate::config::read;
use crate::machines::usage::{Day, Durations, Report, Tally, agent_key, date};
use crate::shell::clock;
use crate::shell::usage::Journal;

/// Seconds of a day.
const DAY_SECONDS: f64 = 86_400.0;
/// Milliseconds of a second.
const MS_PER_SECOND: f64 = 1_000.0;
/// So many days are shown, the last ones: two weeks fit beside everything else on a screen.
const SHOWN_DAYS: u64 = 14;
/// Longest name of an agent, in characters.
const AGENT_CHARS: usize = 20;
/// Longest word of an outcome or a failure, in characters.
const WORD_CHARS: usize = 20;
/// A bar is at most so wide, in columns, and at least so wide where the terminal is narrow.
const BAR: usize = 40;
const LEAST_BAR: usize = 8;
/// What stands beside a bar takes at most so many columns: a name or a date, and three figures.
const BESIDE_BAR: usize = 60;
const HEADINGS: [&str; 10] =
    ["AGENT", "RUNS", "FAILED", "CACHED", "SPEND", "MEDIAN", "90%", "LONGEST", "OUTCOMES", "FAILURES"];
/// The columns of figures.
const FIGURES: Range<usize> = 1..8;

/// Shows what dispatches took and cost. None is an empty report, not a failure.
pub fn run(environment: &Environment, arguments: &StatsArguments) -> Result<ExitCode, Failure> {
    let journal = Journal::at(path::usage_log_path(environment));
    let agent = arguments.agent.as_deref().map(agent_key);
    let since = if arguments.days > 0.0 { clock::unix_seconds() - arguments.days * DAY_SECONDS } else { 0.0 };
    #[expect(clippy::cast_precision_loss, reason = "exact for every time that a clock shows")]
    let report = journal
        .report(|entry| entry.t as f64 >= since && agent.is_none_or(|agent| agent == entry.agent))
        .map_err(|error| {
            Failure::new(format!("cannot read {}: {error}", journal.path().display()))
                .hint("AGENT_DISPATCH_USAGE_LOG names another file; agent-dispatch doctor checks the rest")
        })?;
    if arguments.json {
        output::json(&report)?;
    } else if report.agents.is_empty() {
        say_none(environment, arguments, &journal);
    } else {
        output::data(&shown(&report, arguments.days))?;
        output::note(&format!("from {}", journal.path().display()));
        not_recorded(environment, &journal).iter().for_each(|hint| output::hint(hint));
    }
    Ok(ExitCode::Success)
}

fn say_none(environment: &Environment, arguments: &StatsArguments, journal: &Journal) {
    let whose = arguments.agent.as_ref().map_or_else(String::new, |agent| format!(" of agent '{agent}'"));
    let when = if arguments.days > 0.0 { format!(" in the last {} days", arguments.days) } else { String::new() };
    output::note(&output::printable(&format!("no dispatches{whose}{when} in {}", journal.path().display())));
    let hint = not_recorded(environment, journal).unwrap_or_else(|| {
        if arguments.agent.is_some() || arguments.days > 0.0 {
            "agent-dispatch stats shows all that was recorded".to_owned()
        } else {
            "agent-dispatch test NAME runs a first one".to_owned()
        }
    });
    output::hint(&hint);
}

/// Why no run is recorded from now on, where none is.
fn not_recorded(environment: &Environment, journal: &Journal) -> Option<String> {
    // A configuration with a mistake in it is another verb's matter.
    let config = read::load(&path::config_path(environment), environment.home.clone());
    if config.is_ok_and(|config| !config.settings.usage_log) {
        return Some("settings.usage_log: false in agents.yaml turns recording off".to_owned());
    }
    let error = journal.check().err()?;
    Some(output::printable(&format!(
        "nothing is recorded, because the journal cannot be written ({error}): set AGENT_DISPATCH_USAGE_LOG to a file that \
         can be written"
    )))
}

fn shown(report: &Report, days: f64) -> String {
    let style = Style::of_stdout();
    let title = if days > 0.0 { format!("The last {days} days") } else { "All that was recorded".to_owned() };
    let mut parts = vec![format!("{}\n\n{}", style.bold(title), table(report, style))];
    parts.extend(style.is_rich().then(|| durations(report, style)).flatten());
    parts.push(spend(&report.days, style));
    parts.join("\n\n")
}

/// The agents, a line each, and all together.
fn table(report: &Report, style: Style) -> String {
    let agents = report.ranked();
    let mut rows = agents.iter().map(|(name, tally)| row(name, tally)).collect::<Vec<_>>();
    if agents.len() > 1 {
        rows.push(row("all", &report.total));
    }
    let headings = HEADINGS.map(str::to_owned);
    Columns::of(rows.iter().chain([&headings]), FIGURES).table(&headings, &rows, style)
}

fn row(name: &str, tally: &Tally) -> [String; 10] {
    let durations = tally.durations();
    let span = |ms: Option<u64>| ms.map_or_else(|| UNKNOWN.to_owned(), |ms| format::span(seconds(ms)));
    [
        jobs::shortened(name, AGENT_CHARS),
        tally.dispatches.to_string(),
        tally.failed().to_string(),
        tally.cached_hits.to_string(),
        format::dollars(tally.cost_usd()),
        span(durations.map(|durations| durations.median_ms)),
        span(durations.map(|durations| durations.p90_ms)),
        span(durations.map(|durations| durations.max_ms)),
        counted(&tally.outcomes),
        counted(&tally.errors),
    ]
}

fn counted(words: &BTreeMap<String, u64>) -> String {
    if words.is_empty() {
        return UNKNOWN.to_owned();
    }
    let words = words.iter().map(|(word, count)| format!("{} {count}", jobs::shortened(word, WORD_CHARS)));
    words.collect::<Vec<_>>().join(", ")
}

/// How long the runs of each agent took, as bars. Nothing where no duration is known.
fn durations(report: &Report, style: Style) -> Option<String> {
    let ranked = report.ranked();
    let timed =
        ranked.iter().filter_map(|(name, tally)| Some((jobs::shortened(name, AGENT_CHARS), tally.durations()?)));
    let timed = timed.collect::<Vec<_>>();
    let most = timed.iter().map(|(_, durations)| durations.p90_ms).max()?;
    let name_width = timed.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let width = bar_width();
    let line = |(name, durations): &(String, Durations)| {
        let (median, upper) = (seconds(durations.median_ms), seconds(durations.p90_ms));
        let bar = style.cyan(chart::bar_and_on(median, upper, seconds(most), width));
        format!("{name:<name_width$}{GAP}{bar}{GAP}{:>7}{GAP}{:>7}", format::span(median), format::span(upper))
    };
    let title = style.bold("Durations: half of the runs █, nine of ten ░");
    Some(std::iter::once(title).chain(timed.iter().map(line)).collect::<Vec<_>>().join("\n"))
}

/// What each of the last days cost, and what all before them did; with bars in a terminal.
fn spend(days: &BTreeMap<u64, Day>, style: Style) -> String {
    let last = days.keys().next_back().copied().unwrap_or_default();
    let first = days.keys().next().copied().unwrap_or_default().max((last + 1).saturating_sub(SHOWN_DAYS));
    let shown = (first..=last).map(|day| (day, days.get(&day).copied().unwrap_or_default())).collect::<Vec<_>>();
    let most = shown.iter().map(|(_, day)| day.cost_usd()).fold(0.0, f64::max);
    let width = bar_width();
    let line = |label: String, day: Day, bar: String| {
        let bar = if style.is_rich() { format!("{GAP}{}", style.green(bar)) } else { String::new() };
        let runs = if day.dispatches == 1 { "run" } else { "runs" };
        format!("{label:<10}{bar}{GAP}{:>9}{GAP}{:>4} {runs}", format::dollars(day.cost_usd()), day.dispatches)
    };
    let earlier = days.range(..first).map(|(_, day)| *day).reduce(Day::and);
    // Many days on one line: a bar beside those of single days would say something else.
    let earlier = earlier.map(|day| line("earlier".to_owned(), day, " ".repeat(width)));
    let lines = shown.iter().map(|(number, day)| line(date(*number), *day, chart::bar(day.cost_usd(), most, width)));
    let title = style.bold("Spend per day (UTC)");
    std::iter::once(title).chain(earlier).chain(lines).collect::<Vec<_>>().join("\n")
}

fn bar_width() -> usize {
    output::width().map_or(BAR, |columns| columns.saturating_sub(BESIDE_BAR).clamp(LEAST_BAR, BAR))
}

#[expect(clippy::cast_precision_loss, reason = "a duration for people")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / MS_PER_SECOND
}
