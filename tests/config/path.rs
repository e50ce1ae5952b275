//! Where the files are.
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use agent_dispatch::config::path::{Environment, NoHome, config_path, expand_home, jobs_dir, usage_log_path};

fn env(variables: &[(&str, &str)]) -> Environment {
    let lookup =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
    Environment::from_lookup(PathBuf::from("/cwd"), lookup)
}

#[test]
fn the_first_variable_that_is_set_decides() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("AGENT_DISPATCH_CONFIG", "/a/b.yaml"), ("XDG_CONFIG_HOME", "/xdg"), ("HOME", "/h")], "/a/b.yaml"),
        (&[("AGENT_DISPATCH_CONFIG", "b.yaml"), ("HOME", "/h")], "/cwd/b.yaml"),
        (&[("AGENT_DISPATCH_CONFIG", "~/b.yaml"), ("HOME", "/h")], "/h/b.yaml"),
        (
            &[("AGENT_DISPATCH_CONFIG", ""), ("XDG_CONFIG_HOME", "/xdg"), ("HOME", "/h")],
            "/xdg/agent-dispatch/agents.yaml",
        ),
        (&[("XDG_CONFIG_HOME", "relative"), ("HOME", "/h")], "/h/.config/agent-dispatch/agents.yaml"),
        (&[("XDG_CONFIG_HOME", ""), ("HOME", "/h")], "/h/.config/agent-dispatch/agents.yaml"),
    ];
    for (variables, path) in cases {
        assert_eq!(config_path(&env(variables)), Path::new(path), "{variables:?}");
    }
    let plain = env(&[("HOME", "/h")]);
    assert_eq!(jobs_dir(&plain), Path::new("/h/.config/agent-dispatch/jobs"));
    assert_eq!(usage_log_path(&plain), Path::new("/h/.config/agent-dispatch/usage.jsonl"));
    let own = env(&[("HOME", "/h"), ("AGENT_DISPATCH_JOBS_DIR", "/j"), ("AGENT_DISPATCH_USAGE_LOG", "u")]);
    assert_eq!((jobs_dir(&own), usage_log_path(&own)), (PathBuf::from("/j"), PathBuf::from("/cwd/u")));
}

#[test]
fn home_is_expanded_only_where_it_stands_alone() {
    let home = Some(Path::new("/h"));
    assert_eq!(expand_home(Path::new("~"), home), Ok(PathBuf::from("/h")));
    assert_eq!(expand_home(Path::new("~/a/~"), home), Ok(PathBuf::from("/h/a/~")));
    assert_eq!(expand_home(Path::new("/a/~/b"), home), Ok(PathBuf::from("/a/~/b")));
    assert_eq!(expand_home(Path::new("~bob/a"), home), Err(NoHome::OfAnother));
    assert_eq!(expand_home(Path::new("~/a"), None), Err(NoHome::Unset));
}
