//! Contestants in turns: what disturbs the machine for a while disturbs all of them.

use std::time::{Duration, Instant};

use crate::Result;

/// The figures of one contestant.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Puts figures in order; there must be one.
    pub fn new(mut figures: Vec<f64>) -> Result<Self> {
        if figures.is_empty() {
            return Err("nothing was measured".into());
        }
        figures.sort_by(f64::total_cmp);
        Ok(Self(figures))
    }

    /// A single figure, such as a size.
    pub fn one(figure: f64) -> Self {
        Self(vec![figure])
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn min(&self) -> f64 {
        self.at(0)
    }

    pub fn max(&self) -> f64 {
        self.at(100)
    }

    pub fn median(&self) -> f64 {
        self.at(50)
    }

    /// The figure that nine of ten do not exceed.
    pub fn p90(&self) -> f64 {
        self.at(90)
    }

    /// The figure that 99 of a hundred do not exceed.
    pub fn p99(&self) -> f64 {
        self.at(99)
    }

    /// Every figure changed alike, by something that keeps their order.
    pub fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        Self(self.0.iter().copied().map(change).collect())
    }

    fn at(&self, percent: usize) -> f64 {
        self.0[(self.0.len() - 1) * percent / 100]
    }
}

/// Something that can be measured again and again.
pub struct Contestant<'a> {
    rounds: usize,
    measure: Box<dyn FnMut() -> Result<f64> + 'a>,
}

impl<'a> Contestant<'a> {
    pub fn new(rounds: usize, measure: impl FnMut() -> Result<f64> + 'a) -> Self {
        Self { rounds, measure: Box::new(measure) }
    }
}

/// Measures all of them in turns, after one round each that does not count. A contestant with fewer rounds than the
/// others takes part at even distances, and who begins changes from round to round.
pub fn interleave(mut contestants: Vec<Contestant<'_>>) -> Result<Vec<Samples>> {
    let most = contestants.iter().map(|contestant| contestant.rounds).max().unwrap_or(0);
    let count = contestants.len();
    let mut figures = vec![Vec::new(); count];
    for contestant in &mut contestants {
        (contestant.measure)()?;
    }
    for round in 0..most {
        for turn in 0..count {
            let index = (round + turn) % count;
            let contestant = &mut contestants[index];
            let due = (round + 1) * contestant.rounds / most;
            if figures[index].len() < due {
                figures[index].push((contestant.measure)()?);
            }
        }
    }
    figures.into_iter().map(Samples::new).collect()
}

/// How long something took, in milliseconds.
pub fn milliseconds(what: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begin = Instant::now();
    what()?;
    Ok(ms(begin.elapsed()))
}

/// A duration in milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
