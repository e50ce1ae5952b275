//! The system that this runs on: what it lacks of what another has.

use super::report::Report;
use crate::os::capability;

/// Says what is used, and what is lacking.
pub fn check(report: &mut Report) {
    report.ok(capability::used());
    for lack in capability::lacks() {
        match lack.remedy {
            Some(remedy) if lack.stops_runs => report.failure(lack.what, remedy),
            Some(remedy) => report.warning(lack.what, remedy),
            None => report.ok(lack.what),
        }
    }
}
