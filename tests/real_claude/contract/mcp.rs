//! `claude mcp …`, by which the product registers itself, and the servers of a run.

use crate::real_claude::real_tests;
use crate::real_claude::run::World;

const ENTRY: &str = r#"{"command":"/bin/cat","args":["serve"],"env":{"A":"1"},"alwaysLoad":true}"#;

real_tests! {
    fn a_server_is_added_shown_and_removed() {
        let world = World::saying("never");
        let mcp = |args: &[&str]| world.claude(&["mcp"]).args(args).run();

        let added = mcp(&["add-json", "good", ENTRY, "--scope", "user"]);
        assert_eq!(added.end(), "0", "{added:#?}");
        assert!(added.stdout.contains("Added stdio MCP server good to user config"), "{added:#?}");
        let config = std::fs::read_to_string(world.home().join(".claude.json")).unwrap();
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        let entry = &config["mcpServers"]["good"];
        assert_eq!((&entry["command"], &entry["alwaysLoad"]), (&"/bin/cat".into(), &true.into()), "{entry:#}");

        let again = mcp(&["add-json", "good", ENTRY, "--scope", "user"]);
        assert_eq!(again.end(), "1", "{again:#?}");
        assert!(again.stderr.contains("already exists"), "{again:#?}");

        let removed = mcp(&["remove", "good", "--scope", "user"]);
        assert_eq!(removed.end(), "0", "{removed:#?}");
        assert!(removed.stdout.contains("Removed MCP server good"), "{removed:#?}");

        let gone = mcp(&["get", "good"]);
        assert_eq!(gone.end(), "1", "{gone:#?}");
        assert!(gone.stderr.contains("No MCP server named \"good\""), "{gone:#?}");
    }

    fn get_shows_scope_command_and_how_to_remove() {
        let world = World::saying("never");
        // `false` ends at once: the health check that `get` makes has nothing to wait for.
        let entry = r#"{"command":"false","args":["serve"]}"#;
        world.claude(&["mcp", "add-json", "good", entry, "--scope", "user"]).run();
        let shown = world.claude(&["mcp", "get", "good"]).run();
        assert_eq!(shown.end(), "0", "{shown:#?}");
        for part in ["Scope: User", "Command: false", "Args: serve", "claude mcp remove"] {
            assert!(shown.stdout.contains(part), "{part} is missing: {shown:#?}");
        }
    }

    fn a_bad_name_and_a_bad_entry_are_refused() {
        let world = World::saying("never");
        let add = |name: &str, entry: &str| world.claude(&["mcp", "add-json", name, entry, "--scope", "user"]).run();
        let name = add("x y", ENTRY);
        assert!(name.end() == "1" && name.stderr.contains("Invalid name"), "{name:#?}");
        let entry = add("good", "{");
        assert!(entry.end() == "1" && entry.stderr.contains("Invalid"), "{entry:#?}");
    }

    fn a_server_that_does_not_start_does_not_fail_the_run() {
        let world = World::saying("fine");
        let outcome = world.ask_stream("go", &[r#"--mcp-config={"mcpServers":{"dead":{"command":"/nonexistent"}}}"#]);
        outcome.answered("fine");
        let init = &outcome.events()[0];
        assert_eq!(init["mcp_servers"][0]["name"], "dead", "{init:#}");
        assert_ne!(init["mcp_servers"][0]["status"], "connected", "{init:#}");
    }
}
