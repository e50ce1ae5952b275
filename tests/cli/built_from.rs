//! What `build.rs` tells a release of its commit: the script itself is run, in trees of every kind.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::once;

/// A tree with the build script in it.
struct Tree {
    root: tempfile::TempDir,
}

const SHA1: &str = "0123456789abcdef0123456789abcdef01234567";

impl Tree {
    fn new() -> Self {
        let tree = Self { root: tempfile::tempdir().unwrap() };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("build.rs");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let mut compiler = Command::new(rustc);
        compiler.args(["--edition", "2024", "-o"]).arg(tree.root.path().join("script")).arg(script);
        assert!(compiler.status().unwrap().success());
        fs::create_dir_all(tree.path("package/src")).unwrap();
        fs::write(tree.path("package/src/main.rs"), "fn main() {}\n").unwrap();
        tree
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().canonicalize().unwrap().join(name)
    }

    fn git(&self, directory: &str, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=tests", "-c", "user.email=tests@localhost"]).args(arguments);
        let output = once(self.alone(git)).current_dir(self.path(directory)).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// The repository in `directory`, with one commit of all that is in it.
    fn committed(&self, directory: &str) -> String {
        self.git(directory, &["init", "--quiet"]);
        self.git(directory, &["add", "--all"]);
        self.git(directory, &["commit", "--quiet", "--message", "all"]);
        self.git(directory, &["rev-parse", "HEAD"])
    }

    /// No configuration and no repository but those of the tree.
    fn alone(&self, mut command: Command) -> Command {
        command.env("HOME", self.root.path()).env("XDG_CONFIG_HOME", self.root.path());
        command.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_CEILING_DIRECTORIES", self.path(""));
        command
    }

    fn script(&self, profile: &str) -> String {
        let mut script = self.alone(Command::new(self.path("script")));
        script.current_dir(self.path("package")).env("CARGO_MANIFEST_DIR", self.path("package"));
        let output = once(script).env("TARGET", "some-target").env("PROFILE", profile).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn commit(&self, profile: &str) -> String {
        let said = self.script(profile);
        said.lines().find_map(|line| line.strip_prefix("cargo:rustc-env=BUILD_COMMIT=")).unwrap().to_owned()
    }
}

#[test]
fn a_release_names_its_commit_and_whether_its_sources_had_changed() {
    let tree = Tree::new();
    fs::write(tree.path("package/notes"), "").unwrap();
    let commit = tree.committed("package")[..12].to_owned();
    assert_eq!(tree.commit("release"), commit);
    // What the program is not made of does not change it.
    fs::write(tree.path("package/notes"), "changed").unwrap();
    assert_eq!(tree.commit("release"), commit);
    fs::write(tree.path("package/src/new.rs"), "").unwrap();
    assert_eq!(tree.commit("release"), format!("{commit}-dirty"));
    tree.git("package", &["add", "--all"]);
    tree.git("package", &["commit", "--quiet", "--message", "more"]);
    let next = tree.git("package", &["rev-parse", "HEAD"]);
    assert_eq!(tree.commit("release"), next[..12]);
}

/// cargo runs the script again when one of these changes.
#[test]
fn only_a_release_follows_the_commits() {
    let tree = Tree::new();
    tree.committed("package");
    let git = tree.path("package/.git");
    let branch = tree.git("package", &["symbolic-ref", "HEAD"]);
    for file in ["HEAD", "logs/HEAD", &branch] {
        let watched = format!("cargo:rerun-if-changed={}\n", git.join(file).display());
        assert!(tree.script("release").contains(&watched), "{watched}");
        assert!(!tree.script("debug").contains(&watched), "{watched}");
    }
    assert_eq!(tree.commit("debug"), "development");
}

#[test]
fn a_package_of_a_registry_says_what_cargo_wrote_into_it() {
    let tree = Tree::new();
    let info = tree.path("package/.cargo_vcs_info.json");
    for (text, commit) in [
        (format!(r#"{{"git": {{"sha1": "{SHA1}"}}, "path_in_vcs": ""}}"#), "0123456789ab"),
        (format!(r#"{{"git": {{"sha1": "{SHA1}", "dirty": true}}, "path_in_vcs": ""}}"#), "0123456789ab-dirty"),
        (r#"{"git": {"sha1": "short"}}"#.to_owned(), "unknown"),
        ("not JSON".to_owned(), "unknown"),
    ] {
        fs::write(&info, &text).unwrap();
        assert_eq!(tree.commit("release"), commit, "{text}");
    }
}

#[test]
fn without_a_repository_of_its_own_a_release_does_not_know() {
    let tree = Tree::new();
    assert_eq!(tree.commit("release"), "unknown");
    // A repository without a commit.
    tree.git("package", &["init", "--quiet"]);
    assert_eq!(tree.commit("release"), "unknown");
    fs::remove_dir_all(tree.path("package/.git")).unwrap();
    // Somebody else's, which the package was unpacked in.
    tree.committed("");
    assert_eq!(tree.commit("release"), "unknown");
}
