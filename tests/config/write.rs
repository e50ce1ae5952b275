//! Writers that meet, full disks, links and rights.
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use agent_dispatch::config::change::{Fields, add_agent, update_agent};
use agent_dispatch::config::edit::{Action, Node};
use agent_dispatch::config::path::Environment;
use agent_dispatch::config::read::load;
use agent_dispatch::config::write::{WriteError, change, create};

use super::edit::agent;
use super::place;

/// Tells a second instance of this test binary which config to edit, and under which name.
const WORKER_CONFIG: &str = "TEST_CONFIG_WORKER";
const WORKER_NAME: &str = "TEST_CONFIG_WORKER_NAME";
const EDITS: usize = 100;
const THREAD_EDITS: usize = 20;

fn add(path: &Path, name: &str) -> Result<(), WriteError> {
    let fields = vec![("directory", Node::Text("/x".to_owned()))];
    change(path, None, |_| Ok((agent(name, Action::Add(fields)), ())))
}

/// Does nothing unless it runs in a second process, started below.
#[test]
fn worker_edits_the_config() {
    let (Some(path), Ok(name)) = (std::env::var_os(WORKER_CONFIG), std::env::var(WORKER_NAME)) else { return };
    for index in 0..EDITS {
        add(Path::new(&path), &format!("{name}-{index}")).unwrap();
    }
}

fn worker(path: &Path, name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "config::write::worker_edits_the_config"]);
    command.env(WORKER_CONFIG, path).env(WORKER_NAME, name).stdout(std::process::Stdio::null());
    command
}

#[test]
fn two_processes_and_a_thread_lose_no_edit() {
    let (_directory, env) = place();
    let path = env.config.unwrap();
    std::fs::write(&path, "# mine\nagents:\n  first: {directory: /x} # keep\n").unwrap();
    let mut workers: Vec<_> = ["p", "q"].iter().map(|name| worker(&path, name).spawn().unwrap()).collect();
    for index in 0..THREAD_EDITS {
        add(&path, &format!("thread-{index}")).unwrap();
    }
    for worker in &mut workers {
        assert!(worker.wait().unwrap().success());
    }
    let config = load(&path, None).unwrap();
    for (name, edits) in [("p", EDITS), ("q", EDITS), ("thread", THREAD_EDITS)] {
        for index in 0..edits {
            assert!(config.agent(&format!("{name}-{index}")).is_some(), "{name}-{index} is lost");
        }
    }
    assert_eq!(config.agents.len(), 2 * EDITS + THREAD_EDITS + 1);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("# mine\nagents:\n  first: {directory: /x} # keep\n"));
}

#[test]
fn rights_are_narrow_and_links_are_followed() {
    let (directory, env) = place();
    let real = directory.path().join("deep/er/real.yaml");
    let link = env.config.unwrap();
    std::os::unix::fs::symlink("deep/er/real.yaml", &link).unwrap();
    add(&link, "a").unwrap();
    assert!(link.symlink_metadata().unwrap().is_symlink(), "the link stays a link");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&real), mode(real.parent().unwrap())), (0o600, 0o700));
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o644)).unwrap();
    add(&link, "b").unwrap();
    assert_eq!(mode(&real), 0o600);
    assert_eq!(load(&link, None).unwrap().agents.len(), 2);
    let left: Vec<_> =
        std::fs::read_dir(real.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "the file and its lock, no temporary file: {left:?}");
}

#[test]
fn a_full_disk_leaves_the_old_file_whole() {
    let (_directory, env) = place();
    let path = env.config.unwrap();
    // The limit on file size stands in for a full disk: the same write fails, half way through.
    let text = format!("# {}\nagents: {{}}\n", "x".repeat(3000));
    std::fs::write(&path, &text).unwrap();
    let limited = |path: &Path| {
        let mut shell = Command::new("sh");
        let run = worker(path, "p");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\""]).arg(run.get_program()).args(run.get_args());
        shell.env(WORKER_CONFIG, path).env(WORKER_NAME, "p");
        shell.output().unwrap()
    };
    let output = limited(&path);
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("DiskFull"), "{said}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    let names = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(names, 2, "only the file and its lock are left");
}

#[test]
fn a_place_that_cannot_be_written_is_told() {
    for path in ["/proc/agent-dispatch/agents.yaml", "/dev/null/agents.yaml"] {
        let error = add(Path::new(path), "a").unwrap_err();
        assert!(!error.hint().is_empty() && error.to_string().contains(path.rsplit_once('/').unwrap().0), "{error}");
    }
}

#[test]
fn a_broken_file_is_never_written() {
    let (_directory, env) = place();
    let path: PathBuf = env.config.clone().unwrap();
    std::fs::write(&path, "agents: [\n").unwrap();
    assert!(matches!(add(&path, "a"), Err(WriteError::Config(_))));
    let env = Environment { config: Some(path.clone()), ..env };
    assert!(add_agent(&env, "a", "/", &Fields::default()).is_err());
    assert!(update_agent(&env, "a", &Fields { model: Some("m".to_owned()), ..Fields::default() }).is_err());
    assert!(create(&path, "agents: {}\n").is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "agents: [\n");
}

#[test]
fn creating_keeps_what_is_there() {
    let (_directory, env) = place();
    let path = env.config.unwrap();
    assert_eq!(create(&path, "agents: {}\n"), Ok(true));
    add(&path, "a").unwrap();
    assert_eq!(create(&path, "agents: {}\n"), Ok(false));
    assert!(load(&path, None).unwrap().agent("a").is_some());
}

/// Mounts a file over itself, so that nothing else can take its name; `None` where tests may not mount.
struct Mounted(PathBuf);

impl Mounted {
    fn over(source: &Path, target: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.arg("--bind").args([source, target]).stderr(std::process::Stdio::null());
        let mounted = mount.status().is_ok_and(|status| status.success());
        if !mounted {
            crate::support::note("skipped: it takes root to mount");
        }
        mounted.then(|| Self(target.to_path_buf()))
    }

    fn read_only(directory: &Path) -> Option<Self> {
        let mounted = Self::over(directory, directory)?;
        let options = ["-o", "remount,bind,ro"];
        Command::new("mount").args(options).arg(directory).status().unwrap().success().then_some(mounted)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_that_is_a_mount_is_written_in_place() {
    let (directory, env) = place();
    let (path, source) = (env.config.unwrap(), directory.path().join("source.yaml"));
    std::fs::write(&source, "# mine\nagents:\n  first: {directory: /x}\n").unwrap();
    std::fs::write(&path, "").unwrap();
    let Some(_mounted) = Mounted::over(&source, &path) else { return };
    add(&path, "second").unwrap();
    for index in 0..THREAD_EDITS {
        add(&path, &format!("more-{index}")).unwrap();
    }
    let text = std::fs::read_to_string(&source).unwrap();
    assert!(text.starts_with("# mine\nagents:\n  first: {directory: /x}\n"), "{text}");
    assert_eq!(load(&source, None).unwrap().agents.len(), THREAD_EDITS + 2);
    // A text that becomes shorter.
    change::<(), WriteError>(&path, None, |_| Ok((agent("more-0", Action::Remove), ()))).unwrap();
    assert_eq!(load(&source, None).unwrap().agents.len(), THREAD_EDITS + 1);
    assert_eq!(source.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let left = names(path.parent().unwrap());
    assert!(left.iter().all(|name| !name.contains("before-change")), "no copy is left: {left:?}");
}

#[test]
fn two_processes_that_write_in_place_lose_no_edit_and_a_reader_sees_no_half() {
    let (directory, env) = place();
    let (path, source) = (env.config.unwrap(), directory.path().join("source.yaml"));
    let text = format!("# {}\nagents:\n  first: {{directory: /x}}\n", "x".repeat(20_000));
    std::fs::write(&source, &text).unwrap();
    std::fs::write(&path, "").unwrap();
    let Some(_mounted) = Mounted::over(&source, &path) else { return };
    let mut workers: Vec<_> = ["p", "q"].iter().map(|name| worker(&path, name).spawn().unwrap()).collect();
    let mut seen = 0;
    while workers.iter_mut().any(|worker| worker.try_wait().unwrap().is_none()) {
        let agents = load(&path, None).unwrap().agents.len();
        assert!(agents >= seen, "{agents} agents after {seen}");
        seen = agents;
    }
    for worker in &mut workers {
        assert!(worker.wait().unwrap().success());
    }
    assert_eq!(load(&path, None).unwrap().agents.len(), 2 * EDITS + 1);
}

#[test]
fn a_file_in_a_directory_that_must_not_be_written_is_written_in_place() {
    let (directory, _env) = place();
    let source = directory.path().join("source.yaml");
    let closed = directory.path().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::write(&source, "agents: {}\n").unwrap();
    std::fs::write(closed.join("agents.yaml"), "").unwrap();
    let Some(_closed) = Mounted::read_only(&closed) else { return };
    let inside = closed.join("agents.yaml");
    let error = add(&inside, "a").unwrap_err();
    assert!(matches!(error, WriteError::ReadOnly { .. }), "{error:?}");
    assert!(error.hint().contains("set AGENT_DISPATCH_CONFIG to a file that can be written"), "{}", error.hint());
    let Some(_mounted) = Mounted::over(&source, &inside) else { return };
    add(&inside, "a").unwrap();
    assert!(load(&source, None).unwrap().agent("a").is_some());
    assert_eq!(names(&closed), ["agents.yaml"]);
}

#[test]
fn a_full_disk_in_the_middle_of_a_write_in_place_leaves_the_old_text() {
    let (directory, env) = place();
    let (path, source) = (env.config.unwrap(), directory.path().join("source.yaml"));
    let text = format!("# {}\nagents: {{}}\n", "x".repeat(990));
    std::fs::write(&source, &text).unwrap();
    std::fs::write(&path, "").unwrap();
    let Some(_mounted) = Mounted::over(&source, &path) else { return };
    let mut shell = Command::new("sh");
    let run = worker(&path, "a-name-that-makes-the-text-longer-than-the-limit");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 2; exec \"$0\" \"$@\""]).arg(run.get_program()).args(run.get_args());
    shell.env(WORKER_CONFIG, &path).env(WORKER_NAME, "a-name-that-makes-the-text-longer-than-the-limit");
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("DiskFull"), "{said}");
    let left = std::fs::read_to_string(&source).unwrap();
    assert!(left.starts_with(text.lines().next().unwrap()) && !left.contains("##"), "{left}");
    load(&source, None).unwrap();
    let left = names(path.parent().unwrap());
    assert!(left.iter().all(|name| !name.contains("before-change")), "no copy is left: {left:?}");
}

#[test]
fn a_write_that_was_cut_off_names_the_copy() {
    let (_directory, env) = place();
    let path = env.config.unwrap();
    std::fs::write(&path, "agents: [\n").unwrap();
    let plain = load(&path, None).unwrap_err().hint();
    let backup = agent_dispatch::config::rewrite::backup_of(&path);
    std::fs::write(&backup, "agents: {}\n").unwrap();
    let hint = load(&path, None).unwrap_err().hint();
    assert!(!plain.contains("before a change") && hint.contains(backup.to_str().unwrap()), "{hint}");
}

#[test]
fn a_directory_of_ours_is_closed_by_the_next_change() {
    let (directory, _env) = place();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    for (name, closed) in [("agent-dispatch", 0o700), ("other", 0o755)] {
        let ours = directory.path().join(name);
        std::fs::create_dir(&ours).unwrap();
        std::fs::set_permissions(&ours, std::fs::Permissions::from_mode(0o755)).unwrap();
        add(&ours.join("agents.yaml"), "a").unwrap();
        assert_eq!(mode(&ours), closed, "{name}");
    }
}
