//! `/proc/pid/stat`.

use agent_dispatch::os::reading::stat::Stat;

/// While a process becomes another program it shows no environment, so its mark cannot be seen: it is waited for. What shows
/// none for another reason is not.
#[test]
fn a_process_between_two_programs_is_told_from_others_without_an_environment() {
    let stat = |state: &str, flags: u32, started: u32| {
        let zeros = "0 ".repeat(12);
        Stat::read(&format!("7 (a) b) {state} 1 7 9 0 -1 {flags} {zeros}{started} 0 0\n")).unwrap()
    };
    let own = stat("S", 0x0040_0100, 50);
    for (state, flags, started, may) in [
        ("R", 0, 50, true),
        ("D", 0, 51, true),
        ("R", 0, 49, false),
        ("Z", 0, 51, false),
        ("I", 0x0020_8040, 51, false),
    ] {
        assert_eq!(stat(state, flags, started).may_begin_a_program(&own), may, "{state} {flags} {started}");
    }
    assert_eq!(Stat::read("7 (a) R 1"), None);
    #[cfg(target_os = "linux")]
    assert!(Stat::read(&std::fs::read_to_string("/proc/self/stat").unwrap()).is_some());
}
