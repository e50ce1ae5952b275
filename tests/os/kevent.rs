//! Events of the kernel queue of macOS. The values are those that xnu-11417 posts (`VNOP_ADVLOCK`, `vn_remove`, …), not
//! recorded on a Mac.

use agent_dispatch::os::reading::kevent::{Event, Step};

/// `EV_CLEAR`, which each of our events bears. Their filter is `EVFILT_VNODE`, -4.
const CLEAR: u16 = 0x20;

const fn event(flags: u16, notes: u32) -> Event {
    Event { folder: 7, filter: -4, flags: CLEAR | flags, notes }
}

#[test]
fn each_event_has_its_step() {
    let table = [
        ("a lock is given up, by a call or an end: NOTE_FUNLOCK", event(0, 0x100), Step::Tell(7)),
        ("a lock is removed: NOTE_DELETE | NOTE_LINK", event(0, 0x11), Step::Renew(7)),
        ("a lock is removed and given up, in one event", event(0, 0x101), Step::Renew(7)),
        ("another file takes the place of the lock: NOTE_RENAME", event(0, 0x20), Step::Renew(7)),
        ("a name comes into the folder: NOTE_WRITE", event(0, 0x02), Step::Renew(7)),
        ("a folder below is made: NOTE_WRITE | NOTE_LINK", event(0, 0x12), Step::Renew(7)),
        ("the volume is taken away: EV_EOF, NOTE_REVOKE", event(0x8010, 0x40), Step::Renew(7)),
        ("NOTE_REVOKE alone", event(0, 0x40), Step::Renew(7)),
        ("EV_EOF alone", event(0x8000, 0), Step::Renew(7)),
        ("EV_ERROR", event(0x4000, 0), Step::Renew(7)),
        ("what nobody asked for: NOTE_ATTRIB", event(0, 0x08), Step::Pass),
        ("nothing", event(0, 0), Step::Pass),
        ("an event of no file: EVFILT_READ", Event { filter: -1, ..event(0, 0x100) }, Step::Pass),
    ];
    for (what, event, step) in table {
        assert_eq!(event.step(), step, "{what}");
    }
}

/// The numbers are those of the system on which this runs, where it is the one that they come from.
#[cfg(target_vendor = "apple")]
#[test]
fn the_numbers_are_the_systems() {
    use agent_dispatch::os::reading::kevent::{FAILED, FILES, OVER, REMOVED, RENAMED, REVOKED, UNLOCKED, WRITTEN};
    use nix::libc;

    assert_eq!(FILES, libc::EVFILT_VNODE);
    assert_eq!((FAILED, OVER), (libc::EV_ERROR, libc::EV_EOF));
    assert_eq!((REMOVED, WRITTEN, RENAMED), (libc::NOTE_DELETE, libc::NOTE_WRITE, libc::NOTE_RENAME));
    assert_eq!((REVOKED, UNLOCKED), (libc::NOTE_REVOKE, libc::NOTE_FUNLOCK));
}
