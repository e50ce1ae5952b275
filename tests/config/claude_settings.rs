//! Which settings of claude count in a directory (each seen with CLI 2.1.332).

use std::fs;
use std::path::Path;

use agent_dispatch::config::claude_settings::files;

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Those below `root`, by their places in it.
fn found(root: &Path, directory: &str, user: Option<&str>) -> Vec<String> {
    let found = files(&root.join(directory), user.map(|user| root.join(user)).as_deref());
    let root = root.to_str().unwrap();
    let below = found.iter().filter_map(|file| file.path.strip_prefix(root));
    below.map(|path| path.trim_start_matches('/').to_owned()).collect()
}

#[test]
fn the_projects_the_main_checkouts_and_the_users_count() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().canonicalize().unwrap();
    for place in ["main", "main/sub", "wt", "wt/sub", "lone"] {
        write(&root.join(place).join(".claude/settings.json"), "{}");
        write(&root.join(place).join(".claude/settings.local.json"), "{}");
    }
    write(&root.join("user/settings.json"), "{}");
    write(&root.join("main/.git/worktrees/wt/commondir"), "../..\n");
    write(&root.join("wt/.git"), &format!("gitdir: {}\n", root.join("main/.git/worktrees/wt").display()));
    let own =
        |place: &str| vec![format!("{place}/.claude/settings.json"), format!("{place}/.claude/settings.local.json")];
    let main = || "main/.claude/settings.local.json".to_owned();
    assert_eq!(found(&root, "lone", Some("user")), [own("lone"), vec!["user/settings.json".to_owned()]].concat());
    assert_eq!(found(&root, "main", None), own("main"));
    for place in ["wt", "wt/sub", "main/sub"] {
        assert_eq!(found(&root, place, None), [own(place), vec![main()]].concat(), "{place}");
    }
    // A submodule is a checkout of its own, though its folder of git lies in another repository.
    write(&root.join("main/module/.git"), "gitdir: ../.git/modules/module\n");
    write(&root.join("main/.git/modules/module/HEAD"), "");
    write(&root.join("main/module/.claude/settings.local.json"), "{}");
    assert_eq!(found(&root, "main/module/sub", None), ["main/module/.claude/settings.local.json"]);
    // What is no pointer of git is none, and a file without end is not read.
    for pointer in ["", "gitdir:", "gitdir: /nowhere\n", "x".repeat(100_000).as_str()] {
        write(&root.join("lone/.git"), pointer);
        assert_eq!(found(&root, "lone", None), own("lone"), "{pointer:.20}");
    }
    write(&root.join("lone/.claude/settings.json"), &" ".repeat(1024 * 1024));
    assert_eq!(found(&root, "lone", None), own("lone")[1..].to_vec());
}
