//! What is said of places that are refused, or open to others.

use agent_dispatch::machines::access::{Place, Refusal};

const ELSEWHERE: &str = "set X";

/// A directory of root that is refused to another user.
const FOREIGN: Place<'static> = Place {
    path: "/a/b c",
    refusal: Refusal::Denied,
    is_directory: true,
    owner: "root",
    user: "ada",
    is_own: false,
    is_root: false,
    is_in_own: false,
    is_closed: false,
};
const OWN: Place<'static> = Place { owner: "ada", is_own: true, ..FOREIGN };
const CLOSED: Place<'static> = Place { is_closed: true, ..OWN };
const TAKEN: Place<'static> = Place { is_in_own: true, ..FOREIGN };

const fn file(place: Place<'static>) -> Place<'static> {
    Place { path: "/a/b", is_directory: false, ..place }
}

const fn said(refusal: Refusal, place: Place<'static>) -> Place<'static> {
    Place { refusal, ..place }
}

#[test]
fn a_remedy_fits_what_is_in_the_way() {
    let rows = [
        // One's own, by its mode; where that has all, something else forbids it.
        (CLOSED, "chmod u+rwx '/a/b c'"),
        (file(CLOSED), "chmod u+rw /a/b"),
        (OWN, "set X"),
        // Another user's: to be taken only where it lies in a directory of one's own, and not by root, who was refused.
        (FOREIGN, "'/a/b c' belongs to root: set X"),
        (file(FOREIGN), "/a/b belongs to root: set X"),
        (Place { is_closed: true, ..FOREIGN }, "'/a/b c' belongs to root: set X"),
        (TAKEN, "'/a/b c' belongs to root: sudo chown -R ada '/a/b c', or set X"),
        (file(TAKEN), "/a/b belongs to root: sudo chown ada /a/b, or set X"),
        (Place { owner: "ada", user: "root", is_root: true, ..TAKEN }, "'/a/b c' belongs to ada: set X"),
        // What no mode and no owner changes.
        (said(Refusal::ReadOnly, CLOSED), "set X"),
        (said(Refusal::ReadOnly, TAKEN), "set X"),
        (said(Refusal::Full, CLOSED), "free some space, or set X"),
        (said(Refusal::NotADirectory, file(OWN)), "move /a/b away, or set X"),
        (said(Refusal::NotADirectory, OWN), "set X"),
        (said(Refusal::Other, CLOSED), "set X"),
    ];
    for (place, expected) in rows {
        assert_eq!(place.remedy(ELSEWHERE), expected, "{place:?}");
    }
}

#[test]
fn only_who_may_is_told_to_close_a_place() {
    let root = Place { owner: "ada", user: "root", is_root: true, ..file(FOREIGN) };
    let rows = [
        (said(Refusal::Other, file(OWN)), "chmod 600 /a/b"),
        (said(Refusal::Denied, file(CLOSED)), "chmod 600 /a/b"),
        (said(Refusal::Other, root), "chmod 600 /a/b"),
        (file(FOREIGN), "it belongs to root: ask root for chmod 600 /a/b, or set X"),
        (said(Refusal::ReadOnly, file(OWN)), "its file system is read-only here: set X"),
        (said(Refusal::ReadOnly, file(FOREIGN)), "its file system is read-only here: set X"),
    ];
    for (place, expected) in rows {
        assert_eq!(place.closing("600", ELSEWHERE), expected, "{place:?}");
    }
}
