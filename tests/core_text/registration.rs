//! Which registration of our server counts.

use agent_dispatch::machines::mode::ModeSource;
use agent_dispatch::machines::registration::{Opinion, Scope, Standing, approval, counting, ranked};

const SILENT: Opinion = Opinion { approves: false, refuses: false };
const APPROVES: Opinion = Opinion { approves: true, refuses: false };
const REFUSES: Opinion = Opinion { approves: false, refuses: true };

/// What the user answered, what the settings say, whether he trusts the project, and what the registration comes to.
type Approval = (Opinion, &'static [(ModeSource, Opinion)], bool, Standing);
/// Registrations by themselves, beside each other, and which of them counts.
type Ranking = (&'static [(Scope, Standing)], &'static [Standing], Option<usize>);

#[test]
fn a_project_server_needs_approval_by_somebody_who_is_heard() {
    let table: [Approval; 10] = [
        (SILENT, &[], false, Standing::Unapproved),
        (APPROVES, &[], false, Standing::Counts),
        (REFUSES, &[], true, Standing::Refused),
        (Opinion { approves: true, refuses: true }, &[], true, Standing::Refused),
        (SILENT, &[(ModeSource::User, APPROVES)], false, Standing::Counts),
        (SILENT, &[(ModeSource::Managed, APPROVES)], false, Standing::Counts),
        (SILENT, &[(ModeSource::Project, APPROVES)], false, Standing::Unapproved),
        (SILENT, &[(ModeSource::Project, APPROVES)], true, Standing::Counts),
        // A refusal is heard without trust, and goes before every approval.
        (APPROVES, &[(ModeSource::Project, REFUSES)], false, Standing::Refused),
        (SILENT, &[(ModeSource::User, APPROVES), (ModeSource::Managed, REFUSES)], true, Standing::Refused),
    ];
    for (own, settings, is_trusted, standing) in table {
        assert_eq!(approval(own, settings, is_trusted), standing, "{own:?} {settings:?} {is_trusted}");
    }
}

#[test]
fn the_first_that_can_count_does() {
    use Scope::{Local, Plugin, Project, User};
    use Standing::{Behind, Counts, Off, Refused, Unapproved};
    let table: [Ranking; 12] = [
        (&[], &[], None),
        (&[(User, Counts)], &[Counts], Some(0)),
        (&[(Local, Counts), (Project, Counts), (User, Counts)], &[Counts, Behind(Local), Behind(Local)], Some(0)),
        (&[(Project, Counts), (User, Counts)], &[Counts, Behind(Project)], Some(0)),
        // Until it is approved, the user's own counts.
        (&[(Project, Unapproved), (User, Counts)], &[Unapproved, Counts], Some(1)),
        (&[(Local, Counts), (Project, Unapproved)], &[Counts, Behind(Local)], Some(0)),
        (&[(Project, Unapproved)], &[Unapproved], Some(0)),
        (&[(Local, Counts), (Project, Refused), (User, Counts)], &[Counts, Refused, Behind(Local)], Some(0)),
        // A plugin's runs beside it.
        (&[(User, Counts), (Plugin, Counts)], &[Counts, Counts], Some(0)),
        (&[(Project, Unapproved), (Plugin, Counts)], &[Unapproved, Counts], Some(1)),
        (&[(Plugin, Counts)], &[Counts], Some(0)),
        (&[(User, Counts), (Plugin, Off)], &[Counts, Off], Some(0)),
    ];
    for (found, standings, counts) in table {
        assert_eq!(ranked(found), standings, "{found:?}");
        assert_eq!(counting(standings), counts, "{found:?}");
    }
    assert_eq!(counting(&[Refused]), None);
    assert_eq!(counting(&[Off]), None);
}
