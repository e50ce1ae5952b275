//! The machine, and what else it was doing.

use std::fs;
use std::time::Instant;

/// One-minute load average from which on nothing is measured unasked: on two cores, half of the machine.
pub const QUIET_LOAD: f64 = 1.0;
/// Clock ticks a second in which Linux reports times to programs: a constant of its interface (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// The one-minute load average; 0 where the system does not say.
pub fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0.0)
}

/// One line about machine and build.
pub fn facts(load: f64) -> String {
    let cores = cores();
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("")
        .trim_start_matches([' ', '\t', ':']);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let build = if cfg!(debug_assertions) { "DEBUG BUILD, figures mean nothing" } else { "release" };
    let noisy = if load > QUIET_LOAD { " (BUSY: absolute figures mean little)" } else { "" };
    format!(
        "agent-dispatch {}, {build}; {} {}; {cores} cores, {model}; load average {load:.2}{noisy}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        kernel.trim(),
    )
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Measures how much of the machine others take: all processors' busy time less that of this program and of its
/// children that have ended.
pub struct Meter {
    begin: Instant,
    busy: Option<f64>,
    own: Option<f64>,
}

impl Meter {
    pub fn start() -> Self {
        Self { begin: Instant::now(), busy: busy_seconds(), own: own_seconds() }
    }

    /// The share of the machine, 0 to 1; `None` where the system does not say.
    pub fn others(&self) -> Option<f64> {
        let busy = busy_seconds()? - self.busy?;
        let own = own_seconds()? - self.own?;
        #[expect(clippy::cast_precision_loss, reason = "a handful of cores")]
        let capacity = self.begin.elapsed().as_secs_f64() * cores() as f64;
        Some(((busy - own) / capacity).clamp(0.0, 1.0))
    }
}

fn busy_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks = text.lines().next()?.split_whitespace().skip(1).filter_map(|word| word.parse::<f64>().ok());
    // user nice system idle iowait irq softirq steal: all but the two in the middle.
    let ticks = ticks.take(8).enumerate().filter(|(index, _)| !(3..=4).contains(index)).map(|(_, ticks)| ticks);
    Some(ticks.sum::<f64>() / TICKS_PER_SECOND)
}

fn own_seconds() -> Option<f64> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    // Behind the name, which may hold blanks: utime, stime, cutime and cstime are the 12th to 15th fields.
    let (_, fields) = text.rsplit_once(')')?;
    let ticks = fields.split_whitespace().skip(11).take(4).filter_map(|word| word.parse::<f64>().ok());
    Some(ticks.sum::<f64>() / TICKS_PER_SECOND)
}
