//! Where the files are.
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use agent_dispatch::config::expand::{ExpandError, NoHome, expand, expand_home};
use agent_dispatch::config::path::{Environment, Origin, PlaceError, config_path, jobs_dir, usage_log_path};

fn env_of(variables: &[(&str, &str)], account_home: Option<&str>) -> Result<Environment, PlaceError> {
    let lookup =
        |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
    Environment::from_lookup(PathBuf::from("/cwd"), &lookup, || account_home.map(PathBuf::from))
}

fn env(variables: &[(&str, &str)]) -> Environment {
    env_of(variables, None).unwrap()
}

#[test]
fn the_first_variable_that_is_set_decides() {
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("AGENT_DISPATCH_CONFIG", "/a/b.yaml"), ("XDG_CONFIG_HOME", "/xdg"), ("HOME", "/h")], "/a/b.yaml"),
        (&[("AGENT_DISPATCH_CONFIG", "b.yaml"), ("HOME", "/h")], "/cwd/b.yaml"),
        (&[("AGENT_DISPATCH_CONFIG", "~/b.yaml"), ("HOME", "/h")], "/h/b.yaml"),
        (&[("AGENT_DISPATCH_CONFIG", "${HOME}/$SUB/b.yaml"), ("HOME", "/h"), ("SUB", "x")], "/h/x/b.yaml"),
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
fn without_a_home_the_password_entry_decides_and_never_the_working_directory() {
    let of_account = env_of(&[("HOME", "")], Some("/account")).unwrap();
    assert_eq!(config_path(&of_account), Path::new("/account/.config/agent-dispatch/agents.yaml"));
    let tilde = env_of(&[("AGENT_DISPATCH_JOBS_DIR", "~/jobs")], Some("/account")).unwrap();
    assert_eq!(jobs_dir(&tilde), Path::new("/account/jobs"));
    assert_eq!(env_of(&[], None), Err(PlaceError::NoHome));
    assert_eq!(env_of(&[("HOME", "x")], Some("/account")), Err(PlaceError::RelativeHome("x".into())));
    // Whoever names the config needs no home.
    let named = env_of(&[("AGENT_DISPATCH_CONFIG", "/a/b.yaml")], None).unwrap();
    assert_eq!(jobs_dir(&named), Path::new("/a/jobs"));
    for error in [PlaceError::NoHome, PlaceError::RelativeHome("x".into())] {
        assert!(error.hint().contains("HOME") && error.hint().contains("AGENT_DISPATCH_CONFIG"), "{error:?}");
    }
}

#[test]
fn a_variable_that_cannot_be_expanded_is_named() {
    for variable in ["AGENT_DISPATCH_CONFIG", "AGENT_DISPATCH_JOBS_DIR", "AGENT_DISPATCH_USAGE_LOG"] {
        let error = env_of(&[("HOME", "/h"), (variable, "${CLAUDE_PROJECT_DIR}/x")], None).unwrap_err();
        let told = format!("{error}; {}", error.hint());
        assert!(told.contains(variable) && told.contains("CLAUDE_PROJECT_DIR is not set"), "{told}");
    }
    let error = env_of(&[("HOME", "/h"), ("AGENT_DISPATCH_CONFIG", "~bob/x")], None).unwrap_err();
    assert!(error.to_string().contains("~name"), "{error}");
}

#[test]
fn paths_are_expanded_as_a_shell_does() {
    let lookup = |name: &str| match name {
        "A" => Some(OsString::from("/a")),
        "A_1" => Some(OsString::from("one")),
        "TILDE" => Some(OsString::from("~")),
        "EMPTY" => Some(OsString::new()),
        _ => None,
    };
    let expanded =
        |text: &str| expand(text.as_ref(), Some(Path::new("/h")), &lookup).map(|path| path.display().to_string());
    let same = |text: &str, wanted: &str| assert_eq!(expanded(text).as_deref(), Ok(wanted), "{text}");
    same("/plain", "/plain");
    same("$A/b", "/a/b");
    same("${A}b", "/ab");
    same("$A_1/$A_1", "one/one");
    same("x$A", "x/a");
    same("~/$A_1", "/h/one");
    same("~", "/h");
    same("/x/~", "/x/~");
    same("$TILDE/x", "~/x");
    same("${NONE:-/d}/x", "/d/x");
    same("${EMPTY:-}/x", "/x");
    same("${A:-/d}/x", "/a/x");
    same("a$", "a$");
    same("a$/b", "a$/b");
    same("$1x", "$1x");
    same(r"\$A", "$A");
    let unset = |name: &str| Err(ExpandError::Unset(name.to_owned()));
    assert_eq!(expanded("$NONE/x"), unset("NONE"));
    assert_eq!(expanded("/x/${EMPTY}"), unset("EMPTY"));
    for malformed in ["${A", "${}", "${1}", "${A%x}", "x${A!}y", "${"] {
        assert!(matches!(expanded(malformed), Err(ExpandError::Malformed(_))), "{malformed}");
    }
    assert_eq!(expanded("~bob/x"), Err(ExpandError::Home(NoHome::OfAnother)));
}

#[test]
fn the_old_place_counts_where_the_xdg_one_has_nothing() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let place = || {
        let (home, xdg) = (at("home"), at("xdg"));
        let environment = env(&[("HOME", home.to_str().unwrap()), ("XDG_CONFIG_HOME", xdg.to_str().unwrap())]);
        let (config, jobs, log) = (config_path(&environment), jobs_dir(&environment), usage_log_path(&environment));
        assert!([&jobs, &log].iter().all(|path| path.parent() == config.parent()), "all of it is in one place");
        (config.strip_prefix(root.path()).unwrap().display().to_string(), environment.origin)
    };
    let old = "home/.config/agent-dispatch/agents.yaml";
    let new = "xdg/agent-dispatch/agents.yaml";
    let is_xdg = |unread: Option<&str>| Origin::Xdg { unread: unread.map(&at) };
    assert_eq!(place(), (new.to_owned(), is_xdg(None)));
    for directory in ["home/.config/agent-dispatch", "xdg/agent-dispatch"] {
        std::fs::create_dir_all(at(directory)).unwrap();
    }
    assert_eq!(place(), (new.to_owned(), is_xdg(None)));
    let instead = Origin::Old { instead_of: at("xdg/agent-dispatch") };
    std::fs::write(at("home/.config/agent-dispatch/usage.jsonl"), "").unwrap();
    assert_eq!(place(), (old.to_owned(), instead.clone()), "a journal alone");
    std::fs::create_dir(at("xdg/agent-dispatch/jobs")).unwrap();
    assert_eq!(place(), (new.to_owned(), is_xdg(Some("home/.config/agent-dispatch"))));
    std::fs::write(at(old), "").unwrap();
    assert_eq!(place(), (old.to_owned(), instead), "agents decide before all else");
    std::fs::write(at(new), "").unwrap();
    assert_eq!(place(), (new.to_owned(), is_xdg(Some("home/.config/agent-dispatch"))));
    let same = env(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/h/.config")]);
    assert_eq!(
        (same.origin.clone(), config_path(&same)),
        (Origin::Home, "/h/.config/agent-dispatch/agents.yaml".into())
    );
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
