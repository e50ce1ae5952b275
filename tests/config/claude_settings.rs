//! Which settings of claude count in a directory (each seen with CLI 2.1.332).

use std::fs;
use std::path::Path;

use agent_dispatch::config::claude_settings::Places;
use agent_dispatch::machines::mode::ModeSource;

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Those below `root`, by their places in it.
fn found(root: &Path, directory: &str, user: Option<&str>) -> Vec<String> {
    let (managed, user) = (root.join("managed"), user.map(|user| root.join(user)));
    let found = Places { managed: &managed, user: user.as_deref() }.files(&root.join(directory));
    let root = root.to_str().unwrap();
    let below = found.iter().filter_map(|(_, file)| file.path.strip_prefix(root));
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
        |place: &str| vec![format!("{place}/.claude/settings.local.json"), format!("{place}/.claude/settings.json")];
    let main = || "main/.claude/settings.local.json".to_owned();
    assert_eq!(found(&root, "lone", Some("user")), [own("lone"), vec!["user/settings.json".to_owned()]].concat());
    assert_eq!(found(&root, "main", None), own("main"));
    for place in ["wt", "wt/sub", "main/sub"] {
        assert_eq!(found(&root, place, None), [vec![main()], own(place)].concat(), "{place}");
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
    assert_eq!(found(&root, "lone", None), own("lone")[..1].to_vec());
}

fn mode(directory: &Path, managed: &Path, user: Option<&Path>) -> Option<(ModeSource, String)> {
    Places { managed, user }.mode(directory)
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
    let said = || mode(&path("tree"), &path("managed"), Some(&path("user")));
    fs::create_dir(path("tree")).unwrap();
    assert_eq!(said(), None);
    write("user/settings.json", &says("plan"));
    assert_eq!(said(), Some((ModeSource::User, "plan".into())));
    write("tree/.claude/settings.json", &says("dontAsk"));
    assert_eq!(said(), Some((ModeSource::Project, "dontAsk".into())));
    write("tree/.claude/settings.local.json", &says("acceptEdits"));
    assert_eq!(said(), Some((ModeSource::Project, "acceptEdits".into())));
    // A linked worktree: the main checkout's local file comes before its own.
    write("tree/.git", &format!("gitdir: {}\n", path("main/.git/worktrees/tree").display()));
    write("main/.git/worktrees/tree/commondir", "../..\n");
    write("main/.claude/settings.local.json", &says("auto"));
    assert_eq!(said(), Some((ModeSource::Project, "auto".into())));
    // A folder of a repository: the same, however far above the checkout is, and whatever is above that.
    fs::create_dir_all(path("main/a/b")).unwrap();
    write("main/.claude/settings.json", &says("dontAsk"));
    let in_folder = || mode(&path("main/a/b"), &path("none"), Some(&path("user")));
    assert_eq!(in_folder(), Some((ModeSource::Project, "auto".into())));
    fs::create_dir_all(path("main/a/.git")).unwrap();
    assert_eq!(in_folder(), Some((ModeSource::User, "plan".into())));
    write("managed/managed-settings.json", &says("default"));
    write("managed/managed-settings.d/10-a.json", &says("plan"));
    write("managed/managed-settings.d/20-b.json", "{}");
    assert_eq!(said(), Some((ModeSource::Managed, "plan".into())));
    for broken in ["{", "[]", "{\"permissions\": 1}", "{\"permissions\": {\"defaultMode\": 5}}", "\u{0}"] {
        write("lone/.claude/settings.json", broken);
        assert_eq!(mode(&path("lone"), &path("none"), None), None, "{broken}");
    }
    crate::support::make_fifo(path("lone/.claude/settings.local.json"));
    assert_eq!(mode(&path("lone"), &path("none"), None), None);
}
