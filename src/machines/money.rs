//! Amounts of money as people read them, in US dollars. There are two ways: [`brief`] beside other news of a run, [`exact`]
//! wherever amounts are compared or added up.

/// To the cent; an amount below one cent to a hundredth of it, so that it is seen.
#[must_use]
pub fn brief(usd: f64) -> String {
    /// From here on a cent says enough.
    const A_CENT: f64 = 0.01;
    if usd >= A_CENT || usd <= 0.0 { format!("${usd:.2}") } else { exact(usd) }
}

/// To a hundredth of a cent, whatever the amount.
#[must_use]
pub fn exact(usd: f64) -> String {
    format!("${usd:.4}")
}
