//! MCP servers that agents lacked: which count, and what is remembered.

use agent_dispatch::machines::events::McpServer;
use agent_dispatch::machines::mcp_servers::{
    ConfigFile, FileStamp, MAX_REMEMBERED, Note, Notes, ServerReport, Trouble,
};
use agent_dispatch::machines::time::iso8601_seconds;
use serde_json::json;

const NOW: u64 = 1_800_000_000;
const FILE: FileStamp = FileStamp { size: 9, modified: (1_700_000_000, 5) };

fn server(name: &str, status: &str) -> McpServer {
    McpServer { name: name.into(), status: status.into(), of_project: true }
}

fn told<'a>(servers: &'a [McpServer]) -> ServerReport<'a> {
    ServerReport { directory: "/shop", servers, file: ConfigFile::There(FILE), at: NOW, now: NOW }
}

/// What is lacked after a note.
fn lacked(note: &Note) -> serde_json::Value {
    let mut notes = Notes::default();
    notes.add_older(&note.to_line());
    notes.lacked("/shop", Some(FILE)).map_or(json!(null), Note::to_value)
}

#[test]
fn what_counts_is_a_failure_and_a_login_that_the_project_wants() {
    for (status, of_project, trouble) in [
        ("failed", true, Some(Trouble::Failed)),
        ("failed", false, Some(Trouble::Failed)),
        ("needs-auth", true, Some(Trouble::NeedsAuth)),
        ("needs-auth", false, None),
        ("connected", true, None),
        ("pending", true, None),
        ("disabled", true, None),
        ("", true, None),
    ] {
        assert_eq!(Trouble::of(&McpServer { of_project, ..server("a", status) }), trouble, "{status} {of_project}");
    }
}

#[test]
fn a_line_is_written_for_each_change_and_for_nothing_else() {
    let fine = [server("pg", "connected"), server("slow", "pending")];
    assert_eq!(told(&fine).note(None), None);
    assert_eq!(told(&[]).note(None), None);
    let servers = [server("pg", "failed"), server("linear", "needs-auth"), server("ok", "connected")];
    let note = told(&servers).note(None).unwrap();
    assert_eq!(lacked(&note), json!({"at": "2027-01-15T08:00:00Z", "failed": ["pg"], "needs-auth": ["linear"]}));
    // Within the hour it stands for what further runs meet; then the time is told anew. A clock that was set back counts anew.
    let again = |at| ServerReport { at, now: at, ..told(&servers) }.note(Some(&note)).map(|note| note.when());
    assert_eq!((again(NOW), again(NOW + 3_599)), (None, None));
    assert_eq!(again(NOW + 3_600), Some(iso8601_seconds(NOW + 3_600)));
    assert_eq!(again(NOW - 1), Some(iso8601_seconds(NOW - 1)));
    // Another server, another trouble, another file, none at all: each is a change.
    for other in [[server("redis", "failed")], [server("pg", "needs-auth")], [server("pg", "connected")]] {
        assert!(told(&other).note(Some(&note)).is_some(), "{other:?}");
    }
    assert!(ServerReport { file: ConfigFile::Missing, ..told(&servers) }.note(Some(&note)).is_some());
    let well = told(&fine).note(Some(&note)).unwrap();
    assert_eq!(lacked(&well), json!(null));
    assert_eq!(told(&fine).note(Some(&well)), None, "all is well, as it was");
    assert!(told(&servers).note(Some(&well)).is_some());
}

#[test]
fn a_server_that_is_not_connected_yet_is_as_it_was_known() {
    let note = told(&[server("pg", "failed"), server("redis", "failed")]).note(None).unwrap();
    let later = |servers: &[McpServer]| {
        let told = ServerReport { at: NOW + 60, now: NOW + 60, ..told(servers) };
        told.note(Some(&note)).map_or_else(|| lacked(&note), |note| lacked(&note))
    };
    let at = |at| iso8601_seconds(at);
    assert_eq!(later(&[server("pg", "pending"), server("redis", "pending")]), lacked(&note));
    let kept = later(&[server("pg", "pending"), server("redis", "connected")]);
    assert_eq!(kept, json!({"at": at(NOW), "failed": ["pg"]}), "met by the run before");
    let both = later(&[server("pg", "pending"), server("redis", "connected"), server("mail", "failed")]);
    assert_eq!(both, json!({"at": at(NOW + 60), "failed": ["mail", "pg"]}));
    assert_eq!(later(&[server("redis", "pending")])["failed"], json!(["redis"]), "pg is configured no more");
}

#[test]
fn another_file_makes_a_note_void() {
    let note = told(&[server("pg", "failed")]).note(None).unwrap();
    let mut notes = Notes::default();
    notes.add_older(&note.to_line());
    let touched = FileStamp { modified: (FILE.modified.0, 6), ..FILE };
    for (file, is_lacked) in
        [(Some(FILE), true), (Some(touched), false), (Some(FileStamp { size: 8, ..FILE }), false), (None, false)]
    {
        assert_eq!(notes.lacked("/shop", file).is_some(), is_lacked, "{file:?}");
    }
    assert_eq!(notes.lacked("/shop2", Some(FILE)), None);
    // What is pending with another file is not what was known.
    let file = ConfigFile::There(touched);
    let pending = ServerReport { file, ..told(&[server("pg", "pending")]) }.note(Some(&note)).unwrap();
    assert!(pending.names(Trouble::Failed).is_empty(), "{pending:?}");
    let unseen = ServerReport { file: ConfigFile::Unseen, ..told(&[server("pg", "failed")]) }.note(None);
    assert_eq!(unseen, None, "nobody knows what it would be true of");
}

#[test]
fn what_is_read_late_does_not_outlive_what_is_newer() {
    let before = told(&[server("pg", "failed")]).note(None).unwrap();
    let well = [server("pg", "connected")];
    let late = |at| ServerReport { at, now: NOW + 100, ..told(&well) }.note(Some(&before));
    assert_eq!(late(NOW - 1), None, "a later run has told");
    assert!(late(NOW).is_some() && late(NOW + 50).is_some());
    // What the future told, a clock did that was set back since.
    assert!(ServerReport { at: NOW - 60, now: NOW - 50, ..told(&well) }.note(Some(&before)).is_some());
    let written = FileStamp { modified: (i64::try_from(NOW).unwrap() + 10, 0), ..FILE };
    let failed = [server("pg", "failed")];
    let changed =
        |at| ServerReport { at, now: NOW + 100, file: ConfigFile::There(written), ..told(&failed) }.note(None);
    assert_eq!(changed(NOW + 5), None, "the run had another file");
    assert!(changed(NOW + 10).is_some());
}

#[test]
fn the_last_line_of_each_directory_counts_and_what_is_no_line_is_passed_over() {
    let line = |directory: &str, servers: &[McpServer]| {
        ServerReport { directory, ..told(servers) }.note(None).unwrap().to_line()
    };
    let (pg, redis) = ([server("pg", "failed")], [server("redis", "failed")]);
    let older = [line("/a", &pg), line("/shop", &pg)].concat();
    let torn = &line("/shop", &pg)[..20];
    let newer = [&b"\xff\xfe\n[]\n{}\n{\"directory\": 5}\n\n"[..], &line("/shop", &redis), torn].concat();
    let mut notes = Notes::default();
    notes.add_older(&newer);
    notes.add_older(&older);
    let names = |directory| notes.lacked(directory, Some(FILE)).map(|note| note.names(Trouble::Failed).to_vec());
    assert_eq!((names("/shop"), names("/a")), (Some(vec!["redis".to_owned()]), Some(vec!["pg".to_owned()])));
}

#[test]
fn names_are_bounded_whoever_wrote_them() {
    let many: Vec<McpServer> = (0..90).map(|n| server(&format!("\u{1b}{n}{}", "é".repeat(500)), "failed")).collect();
    let note = told(&many).note(None).unwrap();
    assert!(note.to_line().len() < 4_096, "{}", note.to_line().len());
    let foreign =
        json!({"directory": "/shop", "at": u64::MAX, "mcp_file": FILE, "failed": vec!["x\n".repeat(500); 50]});
    let mut notes = Notes::default();
    notes.add_older(foreign.to_string().as_bytes());
    let foreign = notes.lacked("/shop", Some(FILE)).unwrap();
    assert_eq!(foreign.when(), "9999-12-31T23:59:59Z");
    for note in [&note, foreign] {
        let names = note.names(Trouble::Failed);
        assert_eq!(names.len(), MAX_REMEMBERED);
        assert!(names.iter().all(|name| name.chars().count() <= 100 && !name.contains(char::is_control)), "{names:?}");
    }
}
