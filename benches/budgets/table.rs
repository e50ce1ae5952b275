//! One line of the table: figures, what they are compared with, and the budget.

use crate::rounds::Samples;

/// The table's head.
pub const HEAD: &str = "\
| what | unit | ours: median (min, p90) | floor | ours/floor | Python | Python/ours | budget | verdict | rounds | others' CPU |
|---|---|---|---|---|---|---|---|---|---|---|";

/// What the columns mean.
pub const LEGEND: &str = "\
Figures are medians of rounds in turns. Floor: the least that the same work can cost on this machine. Others' CPU: what
processes outside this run took meanwhile, of the whole machine; from 10 % on a verdict is marked `noisy`.";

/// The share of the machine that others may take before a row counts as disturbed.
const NOISE: f64 = 0.10;

/// What a figure must keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// The median stays below this.
    Under(f64),
    /// The median stays above this.
    Over(f64),
    /// The largest figure stays below this.
    PeakUnder(f64),
    /// The median stays below so many times the floor's.
    UnderFloors(f64),
    /// The median, a rate, is at least the floor's divided by this.
    WithinFloor(f64),
}

/// A row.
pub struct Row {
    what: String,
    unit: &'static str,
    ours: Samples,
    floor: Option<Samples>,
    python: Option<Samples>,
    budgets: Vec<Budget>,
}

impl Row {
    pub fn new(what: impl Into<String>, unit: &'static str, ours: Samples) -> Self {
        Self { what: what.into(), unit, ours, floor: None, python: None, budgets: Vec::new() }
    }

    pub fn floor(mut self, floor: Samples) -> Self {
        self.floor = Some(floor);
        self
    }

    pub fn python(mut self, python: Option<Samples>) -> Self {
        self.python = python;
        self
    }

    pub fn budget(mut self, budget: Budget) -> Self {
        self.budgets.push(budget);
        self
    }

    /// The row as a line of the table. `others` is the share of the machine that other processes took.
    pub fn line(&self, others: Option<f64>) -> String {
        let ours = match self.ours.len() {
            1 => number(self.ours.median()),
            _ => format!("{} ({}, {})", number(self.ours.median()), number(self.ours.min()), number(self.ours.p90())),
        };
        let share = others.map_or("?".to_owned(), |share| format!("{:.0} %", share * 100.0));
        let cells = [
            self.what.clone(),
            self.unit.to_owned(),
            ours,
            median(self.floor.as_ref()),
            quotient(Some(&self.ours), self.floor.as_ref()),
            median(self.python.as_ref()),
            quotient(self.python.as_ref(), Some(&self.ours)),
            self.budgets.iter().map(Budget::text).collect::<Vec<_>>().join(", "),
            self.verdict(others),
            self.ours.len().to_string(),
            share,
        ];
        format!("| {} |", cells.join(" | "))
    }

    fn verdict(&self, others: Option<f64>) -> String {
        if self.budgets.is_empty() {
            return String::new();
        }
        let missed = self.budgets.iter().filter(|budget| !self.keeps(**budget)).map(Budget::text).collect::<Vec<_>>();
        let verdict = if missed.is_empty() { "met".to_owned() } else { format!("**not met**: {}", missed.join(", ")) };
        if others.is_some_and(|share| share >= NOISE) { format!("{verdict} (noisy)") } else { verdict }
    }

    fn keeps(&self, budget: Budget) -> bool {
        let median = self.ours.median();
        let floor = self.floor.as_ref().map(Samples::median);
        match budget {
            Budget::Under(limit) => median < limit,
            Budget::Over(limit) => median > limit,
            Budget::PeakUnder(limit) => self.ours.max() < limit,
            Budget::UnderFloors(times) => floor.is_some_and(|floor| median < times * floor),
            Budget::WithinFloor(times) => floor.is_some_and(|floor| median * times > floor),
        }
    }
}

impl Budget {
    fn text(&self) -> String {
        match self {
            Self::Under(limit) => format!("< {}", number(*limit)),
            Self::Over(limit) => format!("> {}", number(*limit)),
            Self::PeakUnder(limit) => format!("peak < {}", number(*limit)),
            Self::UnderFloors(times) => format!("< {times} × floor"),
            Self::WithinFloor(times) => format!("> floor / {times}"),
        }
    }
}

fn median(samples: Option<&Samples>) -> String {
    samples.map_or(String::new(), |samples| number(samples.median()))
}

fn quotient(above: Option<&Samples>, below: Option<&Samples>) -> String {
    match (above, below) {
        (Some(above), Some(below)) if below.median() > 0.0 => format!("{:.2}", above.median() / below.median()),
        _ => String::new(),
    }
}

/// Three digits that mean something, and no more behind the point than there are.
fn number(value: f64) -> String {
    let size = value.abs();
    if size >= 100.0 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 1.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.3}")
    }
}
