//! What outlives the jobs: owners of sessions, refused options, servers that were lacked; and the settings of claude.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use agent_dispatch::machines::events::McpServer;
use agent_dispatch::machines::flags::{Flag, Omission, Omitted};
use agent_dispatch::machines::ids::SessionRef;
use agent_dispatch::machines::mcp_servers::ConfigFile;
use agent_dispatch::machines::plan::RunPlan;
use agent_dispatch::shell::{lacked_servers, refused_options, session_owners};

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
    refused_options::note(jobs.path(), &claude, Omission::Unknown(Flag::SystemPromptSnapshot));
    refused_options::note(jobs.path(), &claude, Omission::Unknown(Flag::MaxTurns));
    let both =
        Omitted::NOTHING.and(Omission::Unknown(Flag::SystemPromptSnapshot)).and(Omission::Unknown(Flag::MaxTurns));
    assert_eq!(refused_options::known(jobs.path(), &claude), both);
    fs::write(&claude, "other").unwrap();
    assert_eq!(refused_options::known(jobs.path(), &claude), Omitted::NOTHING);
    refused_options::note(jobs.path(), Path::new("/nowhere/claude"), Omission::Unknown(Flag::SystemPromptSnapshot));
    for broken in ["", "[]", "{\"programs\": 5}", "\0"] {
        fs::write(jobs.path().join(".known/claude-options.json"), broken).unwrap();
        assert_eq!(refused_options::known(jobs.path(), &claude), Omitted::NOTHING, "{broken}");
    }
}

fn failed(name: &str) -> Vec<McpServer> {
    vec![McpServer { name: name.into(), status: "failed".into(), of_project: true }]
}

fn run_in(directory: &str) -> RunPlan {
    RunPlan { directory: directory.into(), ..plan(60) }
}

#[test]
fn servers_of_the_last_hundreds_of_directories_are_known_and_no_more() {
    let jobs = tempfile::tempdir().unwrap();
    let directory = |number: usize| format!("/projects/project-{number:04}");
    let count = 2_000;
    for number in 0..count {
        lacked_servers::note(jobs.path(), &run_in(&directory(number)), &failed("pg"), ConfigFile::Missing, None);
        // An agent that is asked often pushes nobody out.
        lacked_servers::note(jobs.path(), &run_in("/often"), &failed("pg"), ConfigFile::Missing, None);
    }
    let known = lacked_servers::all(jobs.path());
    let is_known = |directory: &str| known.lacked(directory, None).is_some();
    assert!(!is_known(&directory(0)));
    assert!((count - 400..count).all(|number| is_known(&directory(number))) && is_known("/often"));
    let files = fs::read_dir(jobs.path().join(".known")).unwrap().flatten().map(|file| file.metadata().unwrap());
    let (bytes, modes): (Vec<u64>, Vec<u32>) =
        files.map(|file| (file.len(), file.permissions().mode() & 0o777)).unzip();
    assert!(bytes.iter().sum::<u64>() < 140_000 && modes == [0o600, 0o600], "{bytes:?} {modes:?}");
}

#[test]
fn who_notes_servers_at_once_costs_nobody_a_line() {
    let jobs = tempfile::tempdir().unwrap();
    fs::create_dir(jobs.path().join(".known")).unwrap();
    fs::write(jobs.path().join(".known/mcp-servers"), "{\"directory\":\"/w").unwrap();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let jobs = jobs.path();
            scope.spawn(move || {
                for number in 0..20 {
                    let run = run_in(&format!("/projects/{writer}-{number}"));
                    lacked_servers::note(jobs, &run, &failed("pg"), ConfigFile::Missing, None);
                    let well = if number % 2 == 0 { Vec::new() } else { failed("pg") };
                    lacked_servers::note(jobs, &run, &well, ConfigFile::Missing, None);
                }
            });
        }
    });
    let known = lacked_servers::all(jobs.path());
    for (writer, number) in (0..4).flat_map(|writer| (0..20).map(move |number| (writer, number))) {
        let lacked = known.lacked(&format!("/projects/{writer}-{number}"), None);
        assert_eq!(lacked.is_some(), number % 2 == 1, "{writer}-{number}");
    }
}

#[test]
fn whatever_is_in_the_way_of_a_note_costs_the_note_and_nothing_else() {
    let note = |jobs: &Path| lacked_servers::note(jobs, &run_in("/w"), &failed("pg"), ConfigFile::Missing, None);
    let is_known = |jobs: &Path| lacked_servers::all(jobs).lacked("/w", None).is_some();
    let place = || {
        let jobs = tempfile::tempdir().unwrap();
        fs::create_dir(jobs.path().join(".known")).unwrap();
        let file = jobs.path().join(".known/mcp-servers");
        (jobs, file)
    };
    let (jobs, file) = place();
    fs::create_dir(file).unwrap();
    note(jobs.path());
    assert!(!is_known(jobs.path()));
    let (jobs, file) = place();
    crate::support::make_fifo(file);
    note(jobs.path());
    assert!(!is_known(jobs.path()));
    let (jobs, file) = place();
    std::os::unix::fs::symlink("/dev/full", file).unwrap();
    note(jobs.path());
    assert!(!is_known(jobs.path()));
    // A place where nothing can be made.
    let jobs = tempfile::tempdir().unwrap();
    fs::write(jobs.path().join(".known"), "").unwrap();
    note(jobs.path());
    assert!(!is_known(jobs.path()));
    // A run whose plan was lost tells of no directory.
    let (jobs, file) = place();
    lacked_servers::note(jobs.path(), &run_in(""), &failed("pg"), ConfigFile::Missing, None);
    assert!(!file.exists());
    note(jobs.path());
    assert!(is_known(jobs.path()));
}
