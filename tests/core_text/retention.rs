//! What is removed because it is old.

use agent_dispatch::machines::job::{State, Status};
use agent_dispatch::machines::retention::{Retention, cutoff, is_foreign_abandoned, is_litter};
use agent_dispatch::machines::summary::{Brief, Summary};
use serde_json::json;
use strum::VariantArray;

const NOW: f64 = 1_795_249_523.0;
const ID: &str = "00000000000000000000000000000001";

fn job(status: Status, completed_at: Option<f64>, part: bool) -> Summary {
    let record = json!({
        "id": ID, "agent": "echo", "status": status, "created_at": NOW - 100.0, "completed_at": completed_at,
        "part_of": part.then_some(ID),
    });
    serde_json::from_value::<Brief>(record).unwrap().into()
}

//= J-12
#[test]
fn a_job_is_removed_for_its_age_after_its_end_and_that_of_its_call() {
    for status in Status::ALL {
        for (age, kept) in [(9.0, true), (10.0, false), (11.0, false)] {
            let job = job(status, Some(NOW - age), false);
            let expected = match (status.is_terminal(), kept) {
                (false, _) => Retention::Open,
                (true, true) => Retention::Young,
                (true, false) => Retention::Remove,
            };
            assert_eq!(Retention::of(&job, NOW - 10.0, || unreachable!("it is no part")), expected, "{status:?} {age}");
        }
    }
    // Without a time of its end that of its submission counts.
    assert_eq!(Retention::of(&job(Status::Done, None, false), NOW - 100.0, || None), Retention::Remove);
    assert_eq!(Retention::of(&job(Status::Done, None, false), NOW - 101.0, || None), Retention::Young);
    for call in State::VARIANTS.iter().copied().map(Some).chain([None]) {
        let needed = call.is_some_and(State::is_unsettled);
        let expected = if needed { Retention::Needed } else { Retention::Remove };
        assert_eq!(Retention::of(&job(Status::Done, Some(0.0), true), NOW, || call), expected, "{call:?}");
    }
}

#[test]
fn an_age_is_counted_in_days() {
    assert!((cutoff(NOW, 1.5) - (NOW - 129_600.0)).abs() < f64::EPSILON);
}

#[test]
fn files_and_foreign_jobs_are_left_alone_until_nobody_can_be_at_them() {
    for (age, litter) in [(None, false), (Some(0.0), false), (Some(3_600.0), false), (Some(3_600.001), true)] {
        assert_eq!(is_litter(age), litter, "{age:?}");
        // A running one whose record was not touched for so long; when it was submitted does not matter.
        assert_eq!(is_foreign_abandoned(Status::Running, f64::MAX, age), litter, "{age:?}");
    }
    assert!(!is_foreign_abandoned(Status::Pending, 86_400.0, Some(f64::MAX)));
    assert!(is_foreign_abandoned(Status::Pending, 86_401.0, None));
    for status in [Status::Done, Status::Failed, Status::Cancelled] {
        assert!(!is_foreign_abandoned(status, f64::MAX, Some(f64::MAX)), "{status:?}");
    }
}
