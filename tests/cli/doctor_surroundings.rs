//! `doctor` where the system, the home or the CLI is not as it should be.

use insta::assert_snapshot;

use super::World;

/// What it lacks is not known then, and is not told.
#[test]
fn a_claude_whose_help_fails_is_not_said_to_lack_anything() {
    let told = |help: &str| {
        let body = format!("case $1 in --version) echo '2.1.332 (Claude Code)' ;; *) {help} ;; esac");
        let world = World::new().with_script(&body);
        let (report, code) = world.json(&["doctor", "--json"]);
        assert_eq!(code, 0, "{report}");
        let check = &report["checks"][2];
        let told = format!("{} → {}", check["message"].as_str().unwrap(), check["details"][0].as_str().unwrap());
        told.replace(world.path("").to_str().unwrap(), "[ROOT]/")
    };
    // As 2.1.332 fails where the user has no home.
    let crash = "printf '3 | // (c)\\n4 | import x\\n    ^\\n\\nENOENT: uv_os_homedir\\n errno: -2\\n' >&2; exit 1";
    assert_snapshot!([crash, "kill -9 $$", "exit 0"].map(told).join("\n"), @"
    whether claude knows --append-system-prompt could not be found out: [ROOT]/bin/claude --help fails (exit status: 1): ENOENT: uv_os_homedir → run [ROOT]/bin/claude --help by hand; install Claude Code again
    whether claude knows --append-system-prompt could not be found out: [ROOT]/bin/claude --help fails (signal: 9 (SIGKILL)): it says nothing → run [ROOT]/bin/claude --help by hand; install Claude Code again
    whether claude knows --append-system-prompt could not be found out: [ROOT]/bin/claude --help says nothing → run [ROOT]/bin/claude --help by hand; install Claude Code again
    ");
}
