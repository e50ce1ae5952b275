//! Values that can be typed, and what is said of those that cannot be meant.

use crate::machines::job::Status;

/// Where a job stands.
///
/// # Errors
/// What would have been right.
pub fn status(text: &str) -> Result<Status, String> {
    Status::named(text).ok_or_else(|| "one of pending, running, done, failed, cancelled".to_owned())
}

/// An age: a number above 0.
///
/// # Errors
/// What would have been right.
pub fn days(text: &str) -> Result<f64, String> {
    let days = text.parse::<f64>().map_err(|_| "not a number of days".to_owned())?;
    if days.is_finite() && days > 0.0 {
        Ok(days)
    } else {
        Err("must be more than 0; --all is for every age".to_owned())
    }
}

/// A period: a number from 0 up.
///
/// # Errors
/// What would have been right.
pub fn period(text: &str) -> Result<f64, String> {
    let days = text.parse::<f64>().map_err(|_| "not a number of days".to_owned())?;
    if days.is_finite() && days >= 0.0 { Ok(days) } else { Err("must be 0 or more".to_owned()) }
}

/// An amount of money: a number from 0 up, or `none` for 0.
///
/// # Errors
/// What would have been right.
pub fn dollars(text: &str) -> Result<f64, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(0.0);
    }
    let amount = text.parse::<f64>().map_err(|_| "not a number of US dollars".to_owned())?;
    if amount.is_finite() && amount >= 0.0 { Ok(amount) } else { Err("must be 0 or more, and finite".to_owned()) }
}
