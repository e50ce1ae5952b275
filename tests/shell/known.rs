//! What outlives the jobs: owners of sessions and refused options, and the settings of claude.

use std::fs;
use std::path::Path;

use agent_dispatch::machines::dispatch::{Flag, Omitted};
use agent_dispatch::machines::ids::SessionRef;
use agent_dispatch::machines::mode::Source;
use agent_dispatch::shell::claude_settings::mode_in;
use agent_dispatch::shell::{refused_options, session_owners};

use super::supervision::plan;

fn session(number: usize) -> SessionRef {
    SessionRef::try_from(format!("44c1d7c7-0000-4000-8000-{number:012x}")).unwrap()
}

#[test]
fn the_last_thousands_of_sessions_are_known_and_no_more() {
    let jobs = tempfile::tempdir().unwrap();
    let run = plan(60);
    let count = 16_000;
    for number in 0..count {
        session_owners::note(jobs.path(), &run, session(number).as_str());
    }
    assert!(session_owners::find(jobs.path(), &session(0)).is_none());
    for number in [count - 3_000, count - 1] {
        assert_eq!(session_owners::find(jobs.path(), &session(number)).unwrap().agent, run.agent, "{number}");
    }
    let files = fs::read_dir(jobs.path().join(".known")).unwrap().flatten();
    let bytes: u64 = files.map(|file| file.metadata().unwrap().len()).sum();
    assert!(bytes < 1_200_000, "{bytes}");
}

#[test]
fn writers_at_once_and_a_cut_line_cost_nobody_an_owner() {
    let jobs = tempfile::tempdir().unwrap();
    fs::create_dir(jobs.path().join(".known")).unwrap();
    fs::write(jobs.path().join(".known/session-owners"), "{\"session\":\"44c1").unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let jobs = jobs.path();
            scope.spawn(move || {
                for number in 0..200 {
                    session_owners::note(jobs, &plan(60), session(writer * 1_000 + number).as_str());
                }
            });
        }
    });
    for writer in 0..4 {
        for number in 0..200 {
            assert!(session_owners::find(jobs.path(), &session(writer * 1_000 + number)).is_some());
        }
    }
}

#[test]
fn what_a_file_refused_is_known_until_it_changes() {
    let jobs = tempfile::tempdir().unwrap();
    let claude = jobs.path().join("claude");
    fs::write(&claude, "one").unwrap();
    assert_eq!(refused_options::known(jobs.path(), &claude), Omitted::NOTHING);
    refused_options::note(jobs.path(), &claude, Flag::Snapshot);
    refused_options::note(jobs.path(), &claude, Flag::MaxTurns);
    let both = Omitted::NOTHING.and(Flag::Snapshot).and(Flag::MaxTurns);
    assert_eq!(refused_options::known(jobs.path(), &claude), both);
    fs::write(&claude, "other").unwrap();
    assert_eq!(refused_options::known(jobs.path(), &claude), Omitted::NOTHING);
    refused_options::note(jobs.path(), Path::new("/nowhere/claude"), Flag::Snapshot);
    for broken in ["", "[]", "{\"programs\": 5}", "\0"] {
        fs::write(jobs.path().join(".known/claude-options.json"), broken).unwrap();
        assert_eq!(refused_options::known(jobs.path(), &claude), Omitted::NOTHING, "{broken}");
    }
}

#[test]
fn the_settings_of_claude_count_in_its_order() {
    let world = tempfile::tempdir().unwrap();
    let path = |name: &str| world.path().join(name);
    let write = |name: &str, text: &str| {
        fs::create_dir_all(path(name).parent().unwrap()).unwrap();
        fs::write(path(name), text).unwrap();
    };
    let says = |mode: &str| format!("\u{feff}{{\"permissions\": {{\"defaultMode\": \"{mode}\"}}, \"x\": 1}}");
    let said = || mode_in(&path("tree"), &path("managed"), Some(&path("user")));
    fs::create_dir(path("tree")).unwrap();
    assert_eq!(said(), None);
    write("user/settings.json", &says("plan"));
    assert_eq!(said(), Some((Source::User, "plan".into())));
    write("tree/.claude/settings.json", &says("dontAsk"));
    assert_eq!(said(), Some((Source::Project, "dontAsk".into())));
    write("tree/.claude/settings.local.json", &says("acceptEdits"));
    assert_eq!(said(), Some((Source::Project, "acceptEdits".into())));
    // A linked worktree: the main checkout's local file comes before its own.
    write("tree/.git", &format!("gitdir: {}\n", path("main/.git/worktrees/tree").display()));
    write("main/.git/worktrees/tree/commondir", "../..\n");
    write("main/.claude/settings.local.json", &says("auto"));
    assert_eq!(said(), Some((Source::Project, "auto".into())));
    // A folder of a repository: the same, however far above the checkout is, and whatever is above that.
    fs::create_dir_all(path("main/a/b")).unwrap();
    write("main/.claude/settings.json", &says("dontAsk"));
    let in_folder = || mode_in(&path("main/a/b"), &path("none"), Some(&path("user")));
    assert_eq!(in_folder(), Some((Source::Project, "auto".into())));
    fs::create_dir_all(path("main/a/.git")).unwrap();
    assert_eq!(in_folder(), Some((Source::User, "plan".into())));
    write("managed/managed-settings.json", &says("default"));
    write("managed/managed-settings.d/10-a.json", &says("plan"));
    write("managed/managed-settings.d/20-b.json", "{}");
    assert_eq!(said(), Some((Source::Managed, "plan".into())));
    for broken in ["{", "[]", "{\"permissions\": 1}", "{\"permissions\": {\"defaultMode\": 5}}", "\u{0}"] {
        write("lone/.claude/settings.json", broken);
        assert_eq!(mode_in(&path("lone"), &path("none"), None), None, "{broken}");
    }
    crate::support::make_fifo(path("lone/.claude/settings.local.json"));
    assert_eq!(mode_in(&path("lone"), &path("none"), None), None);
}
