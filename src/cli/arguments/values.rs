//! Values that can be typed, and what is said of those that cannot be meant.

use crate::config::number::{dollars_meant, seconds_meant};
use crate::machines::job::Status;

/// Where a job stands.
pub fn status(text: &str) -> Result<Status, String> {
    Status::named(text).ok_or_else(|| "one of pending, running, done, failed, cancelled".to_owned())
}

/// A time limit in seconds.
pub fn seconds<T: TryFrom<u64>>(text: &str) -> Result<T, String> {
    let wrong = || match seconds_meant(text) {
        Some(seconds) => format!("must be a whole number of seconds; that is {seconds}"),
        None => "must be a whole number of seconds, 1 or more, such as 600".to_owned(),
    };
    let seconds = text.trim().parse::<u64>().map_err(|_| wrong())?;
    T::try_from(seconds).map_err(|_| "is too long".to_owned())
}

/// A limit of turns.
pub fn turns(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| "must be a whole number of turns, 1 or more, such as 20".to_owned())
}

/// An age: a number above 0.
pub fn days(text: &str) -> Result<f64, String> {
    let days = text.parse::<f64>().map_err(|_| "not a number of days".to_owned())?;
    if days.is_finite() && days > 0.0 {
        Ok(days)
    } else {
        Err("must be more than 0; --all is for every age".to_owned())
    }
}

/// A period: a number from 0 up.
pub fn period(text: &str) -> Result<f64, String> {
    let days = text.parse::<f64>().map_err(|_| "not a number of days".to_owned())?;
    if days.is_finite() && days >= 0.0 { Ok(days) } else { Err("must be 0 or more".to_owned()) }
}

/// An amount of money: a number from 0 up, or `none` for 0.
pub fn dollars(text: &str) -> Result<f64, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(0.0);
    }
    let wrong = || match dollars_meant(text) {
        Some(dollars) => format!("not a number of US dollars; write {dollars}"),
        None => "not a number of US dollars".to_owned(),
    };
    let amount = text.parse::<f64>().map_err(|_| wrong())?;
    if amount.is_finite() && amount >= 0.0 { Ok(amount) } else { Err("must be 0 or more, and finite".to_owned()) }
}
