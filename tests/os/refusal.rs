//! What a refused system call says of the system.

use agent_dispatch::os::reading::refusal::{of_handles, of_watches};
use rustix::io::Errno;

#[test]
fn what_is_there_is_no_lack() {
    assert_eq!((of_handles(Ok(())), of_watches(Ok(()))), (None, None));
}

#[test]
fn each_refusal_has_its_remedy() {
    let handles = [Errno::NOSYS, Errno::PERM].map(|error| of_handles(Err(error)).unwrap());
    assert!(handles[0].remedy.unwrap().contains("5.3"), "{handles:?}");
    assert!(handles[1].remedy.unwrap().contains("pidfd_open"), "{handles:?}");
    let watches = [Errno::MFILE, Errno::NOSPC, Errno::NOSYS].map(|error| of_watches(Err(error)).unwrap());
    for (lack, word) in watches.iter().zip(["max_user_instances", "max_user_watches", "inotify_init1"]) {
        assert!(lack.remedy.unwrap().contains(word), "{lack:?}");
    }
}
