//! What is wrong with a `.mcp.json`. Each row was given to CLI 2.1.332, which lists no server of the broken ones.

use std::fs;

use agent_dispatch::config::mcp_file::{FILE, error};

#[test]
fn each_mistake_has_its_name() {
    let sound = [
        r#"{"mcpServers": {"pg": {"command": "true"}}}"#,
        "\u{feff}{\"mcpServers\": {\"pg\": {\"command\": \"true\"}}}",
        r#"{"mcpServers": {"pg": {"type": "http", "url": "http://127.0.0.1:9"}}}"#,
        r#"{"mcpServers": {}}"#,
        "{}",
    ];
    let deep = format!(r#"{{"mcpServers": {{}}, "extra": {}{}}}"#, "[".repeat(200), "]".repeat(200));
    let broken = [
        ("{\n  // servers\n  \"mcpServers\": {}}", "JSON has no comments (line 2, column 3)"),
        ("{\"mcpServers\": {\"pg\": {\"command\": \"true\"},}}", "a comma before a bracket is no JSON (line 1"),
        ("{\"mcpServers\": {", "it is no JSON (line 1"),
        ("", "it is empty"),
        ("[]", "it is no JSON object"),
        (r#"{"mcpServers": null}"#, "its `mcpServers` is no object"),
        (r#"{"servers": {"pg": {"command": "true"}}}"#, "it has no `mcpServers`; `servers` is"),
        (r#"{"pg": {"command": "true"}}"#, "it has no `mcpServers`"),
        (
            r#"{"mcpServers": {"pg": {"command": "x"}, "bad": {"args": []}, "worse": "true"}}"#,
            "`command` or `url`: bad, worse",
        ),
    ];
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(FILE);
    assert_eq!(error(directory.path()), None, "no file");
    for text in sound.into_iter().chain([deep.as_str()]) {
        fs::write(&file, text).unwrap();
        assert_eq!(error(directory.path()), None, "{text}");
    }
    for (text, needle) in broken {
        fs::write(&file, text).unwrap();
        let said = error(directory.path()).unwrap_or_else(|| panic!("{text}"));
        assert!(said.contains(needle), "{text}: {said}");
    }
    fs::write(&file, b"\xff\xfe{\0}\0").unwrap();
    assert!(error(directory.path()).is_some(), "UTF-16");
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert_eq!(error(directory.path()).as_deref(), Some("it is a directory"));
}

#[test]
fn many_bad_servers_do_not_fill_a_list() {
    let directory = tempfile::tempdir().unwrap();
    let servers: Vec<String> = (0..100).map(|n| format!("\"{}{n}\": 1", "s".repeat(200))).collect();
    fs::write(directory.path().join(FILE), format!("{{\"mcpServers\": {{{}}}}}", servers.join(","))).unwrap();
    let said = error(directory.path()).unwrap();
    assert!(said.ends_with(" and 95 more") && said.len() < 400, "{said}");
}
