//! Tells the program what it is built from: target, profile and commit, which `--version --verbose` prints.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// What the program is made of: a change of one of these makes the commit another program's.
const SOURCES: [&str; 5] = ["src", "build.rs", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];
/// Characters of a commit: enough for any repository, and the same in every clone, which git's own choice is not.
const COMMIT_CHARACTERS: usize = 12;
/// Characters of a commit's whole name.
const SHA1_CHARACTERS: usize = 40;
/// What cargo puts into a package, for the registry of crates or `cargo package`.
const VCS_INFO: &str = ".cargo_vcs_info.json";

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let profile = env::var("PROFILE").expect("cargo sets it");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-env=BUILD_TARGET={}", env::var("TARGET").expect("cargo sets it"));
    println!("cargo:rustc-env=BUILD_PROFILE={profile}");
    // A development build follows no commit: each one would build everything anew.
    let commit = if profile == "release" { commit(&root) } else { "development".to_owned() };
    println!("cargo:rustc-env=BUILD_COMMIT={commit}");
}

fn commit(root: &Path) -> String {
    if let Ok(info) = fs::read_to_string(root.join(VCS_INFO)) {
        return packaged(&info).unwrap_or_else(unknown);
    }
    // A tree that was unpacked inside of somebody's repository has nothing to do with its commits.
    if git(root, &["rev-parse", "--show-prefix"]).is_none_or(|prefix| !prefix.is_empty()) {
        return unknown();
    }
    watch(root);
    let status = ["status", "--porcelain", "--"].into_iter().chain(SOURCES).collect::<Vec<_>>();
    match (git(root, &["rev-parse", "HEAD"]), git(root, &status)) {
        (Some(commit), Some(changes)) => short(&commit, !changes.is_empty()),
        _ => unknown(),
    }
}

/// From what cargo wrote into the package: `{"git": {"sha1": "…", "dirty": true}, …}`, `dirty` only where it is.
fn packaged(info: &str) -> Option<String> {
    let (_, rest) = info.split_once("\"sha1\"")?;
    let commit = rest.split('"').nth(1).filter(|commit| commit.len() == SHA1_CHARACTERS)?;
    Some(short(commit, info.contains("\"dirty\"")))
}

fn short(commit: &str, dirty: bool) -> String {
    let commit = commit.chars().take(COMMIT_CHARACTERS).collect::<String>();
    if dirty { format!("{commit}-dirty") } else { commit }
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// Has cargo run this again when the commit or the sources change. A file that is not there would have it run every time.
fn watch(root: &Path) {
    for source in SOURCES {
        println!("cargo:rerun-if-changed={source}");
    }
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
    // A commit changes the branch, or, where that was packed, the log of HEAD.
    let names = ["HEAD", "logs/HEAD", "packed-refs"].into_iter().chain(branch.as_deref());
    for file in names.filter_map(|name| git(root, &["rev-parse", "--git-path", name])) {
        let file = root.join(file);
        if file.exists() {
            println!("cargo:rerun-if-changed={}", file.display());
        }
    }
}

/// What git says, without the end of the line; `None` where there is no git, or it fails.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    // In a hook these name the repository that the hook runs for.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    // `status` would otherwise write the index, beside another git that is at work.
    let output = command.arg("--no-optional-locks").args(arguments).current_dir(root).output().ok()?;
    let said = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(said.trim_end().to_owned())
}
