//! What a run is denied, the mode it is in, whose session it goes on with, and what is remembered of a CLI.

use agent_dispatch::machines::flags::{Flag, Omission, Omitted};
use agent_dispatch::machines::mode::{self, ModeSource};
use agent_dispatch::machines::owners::{self, Owner};
use agent_dispatch::machines::program::{BELIEVED_SECONDS, MAX_PROGRAMS, Program, Programs};
use agent_dispatch::machines::unattended::{self, WITHHELD};
use agent_dispatch::machines::verdict::{EndReason, Evidence, NotStarted, judge};
use serde_json::json;

use super::support::{UUID, plan, result_of, session};
use agent_dispatch::machines::plan::{RunPlan, SessionPlan};

fn texts(list: &[&str]) -> Vec<String> {
    list.iter().map(|text| (*text).to_owned()).collect()
}

#[test]
fn a_run_is_denied_what_reaches_past_it_unless_it_is_given_back() {
    assert_eq!(unattended::denied(&[], &[]), WITHHELD);
    let own = texts(&["Write", "CronCreate", "Write", " ", "Bash(rm *)"]);
    let given_back = texts(&["SendMessage", " ListAgents ", "CronCreate"]);
    assert_eq!(
        unattended::denied(&own, &given_back),
        // What the agent is denied itself stays so.
        ["Write", "CronCreate", "Bash(rm *)", "CronDelete", "ScheduleWakeup", "EnterWorktree", "ReportFindings"]
    );
    let allowed = texts(&["Read", "SendMessage", "CronCreate(*)", "EnterWorktree", "SendMessages"]);
    assert_eq!(unattended::ineffective(&allowed, &texts(&["SendMessage"])), ["CronCreate(*)", "EnterWorktree"]);
    assert_eq!(unattended::unknown(&texts(&["SendMessage", "Bash"])), Some("Bash"));
    assert_eq!(unattended::unknown(&texts(&["SendMessage", " CronDelete"])), None);
}

#[test]
fn advice_never_grants_what_reaches_past_a_run() {
    let result = |denied: &[&str]| {
        let denials: Vec<_> = denied.iter().map(|name| json!({"tool_name": name})).collect();
        let event = json!({"type": "result", "subtype": "success", "is_error": false, "result": "x", "num_turns": 1,
            "stop_reason": "end_turn", "session_id": UUID, "permission_denials": denials});
        result_of(format!("{event}\n"))
    };
    let run = RunPlan {
        allowed_tools: texts(&["Read", "SendMessage", "EnterWorktree"]),
        disallowed_tools: unattended::denied(&[], &texts(&["EnterWorktree"])),
        ..plan()
    };
    let hint = |denied: &[&str]| {
        let evidence = Evidence { result: result(denied), ..Evidence::new(&run, EndReason::Exited { code: 0 }) };
        judge(evidence).hint.unwrap()
    };
    let mixed = hint(&["Bash", "SendMessage", "CronCreate"]);
    assert!(mixed.ends_with(r#"allowed_tools=["Read","EnterWorktree","Bash"])"#), "{mixed}");
    let withheld = hint(&["CronCreate"]);
    assert!(!withheld.contains("update_agent") && withheld.contains("reach past the run"), "{withheld}");
}

#[test]
fn the_mode_is_passed_unless_the_settings_of_the_cli_say_one() {
    let cases = [
        (None, Some("default")),
        (Some((ModeSource::Project, "plan")), None),
        (Some((ModeSource::Project, "manual")), None),
        (Some((ModeSource::User, "bypassPermissions")), None),
        (Some((ModeSource::Managed, "auto")), None),
        // No project gives itself these; older versions of the CLI let it.
        (Some((ModeSource::Project, "auto")), Some("default")),
        (Some((ModeSource::Project, "bypassPermissions")), Some("default")),
        // Unknown to the CLI, too: what it falls back to depends on its version.
        (Some((ModeSource::User, "yolo")), Some("default")),
    ];
    for (said, passed) in cases {
        assert_eq!(mode::unless_said(said), passed, "{said:?}");
    }
    assert_eq!((mode::portable("manual"), mode::portable("plan")), ("default", "plan"));
}

#[test]
fn another_mode_than_was_asked_for_is_told() {
    let told = |asked: &str, found: &str| {
        let run = RunPlan { permission_mode: Some(asked.into()), ..plan() };
        let event = json!({"type": "result", "subtype": "success", "is_error": false, "result": "x", "num_turns": 1,
            "stop_reason": "end_turn", "session_id": UUID});
        let evidence = Evidence {
            result: result_of(format!("{event}\n")),
            permission_mode: Some(found.into()),
            ..Evidence::new(&run, EndReason::Exited { code: 0 })
        };
        judge(evidence).hint
    };
    assert_eq!(told("plan", "plan"), None);
    assert_eq!(told("manual", "default"), None);
    let hint = told("bypassPermissions", "acceptEdits").unwrap();
    assert!(hint.contains("\"acceptEdits\"") && hint.contains("\"bypassPermissions\""), "{hint}");
}

#[test]
fn a_session_is_its_agents_and_its_directorys() {
    let owner = Owner::new(UUID, "alpha", Some("/a"));
    assert!(owner.admits("alpha", "/a") && owner.admits("alpha", "/elsewhere") && owner.admits("reader", "/a"));
    assert!(!owner.admits("beta", "/b") && !Owner::new(UUID, "alpha", None).admits("beta", "/a"));
    let other = "11111111-2222-4333-8444-555555555555";
    let mut lines = owner.to_line();
    lines.extend(Owner::new(other, "beta", None).to_line());
    // Cut off, foreign, and about another session in which this one is mentioned.
    lines.extend(
        format!("{{\"session\":\"{UUID}\",\"age\nnull\n{{\"session\":\"x\",\"agent\":\"{UUID}\"}}\n").into_bytes(),
    );
    assert_eq!(owners::find(&lines, &UUID.to_uppercase()), Some(owner));
    assert_eq!(owners::find(&lines, other).unwrap().agent, "beta");
    assert_eq!(owners::find(&lines, "99999999-2222-4333-8444-555555555555"), None);
    lines.extend(Owner::new(UUID, "gamma", Some("/g")).to_line());
    assert_eq!(owners::find(&lines, UUID).unwrap().agent, "gamma", "the last one counts");
}

#[test]
fn a_foreign_session_is_refused_with_the_two_calls_that_work() {
    let run = RunPlan { session: SessionPlan::Resume { id: session(UUID) }, ..plan() };
    let reason = NotStarted::ForeignSession { owner: "alpha".into(), directory: Some("/a".into()) };
    let answer = judge(Evidence::new(&run, EndReason::NotStarted { reason }));
    let error = answer.error.unwrap();
    assert!(error.contains(&format!("dispatch_session(agent=\"alpha\", task=…, session_id=\"{UUID}\")")), "{error}");
    assert!(error.contains("dispatch(agent=\"infra\", task=…)") && error.contains("nothing was spent"), "{error}");
    assert_eq!(answer.session_id, None, "it is not this agent's to go on with");
}

fn program(path: &str, size: u64, modified: i64) -> Program {
    Program { path: path.into(), size, modified: (modified, 0) }
}

#[test]
fn what_a_program_refused_is_believed_of_that_very_file_for_a_day() {
    let (old, now) = (program("/bin/claude", 10, 5), 1_000_000);
    let mut programs = Programs::default();
    programs.note(old.clone(), Omission::Unknown(Flag::SystemPromptSnapshot), now);
    programs.note(old.clone(), Omission::Unknown(Flag::PermissionPrompts), now + 5);
    programs.note(old.clone(), Omission::Unknown(Flag::SystemPromptSnapshot), now + 9);
    let both = Omitted::NOTHING
        .and(Omission::Unknown(Flag::SystemPromptSnapshot))
        .and(Omission::Unknown(Flag::PermissionPrompts));
    assert_eq!(programs.refused_by(&old, now + BELIEVED_SECONDS - 1), both);
    assert_eq!(programs.refused_by(&old, now + BELIEVED_SECONDS), Omitted::NOTHING);
    assert_eq!(programs.refused_by(&old, now - 1), Omitted::NOTHING, "the clock was set back");
    for other in [program("/bin/claude", 11, 5), program("/bin/claude", 10, 6), program("/opt/claude", 10, 5)] {
        assert_eq!(programs.refused_by(&other, now), Omitted::NOTHING, "{other:?}");
    }
    let updated = program("/bin/claude", 11, 6);
    programs.note(updated.clone(), Omission::Unknown(Flag::MaxTurns), now);
    assert_eq!(programs.refused_by(&updated, now), Omitted::NOTHING.and(Omission::Unknown(Flag::MaxTurns)));
    assert_eq!(programs.refused_by(&old, now), Omitted::NOTHING, "that file is gone");
    for number in 0..MAX_PROGRAMS {
        programs.note(program(&format!("/{number}"), 1, 1), Omission::Unknown(Flag::MaxTurns), now);
    }
    assert_eq!(programs.refused_by(&updated, now), Omitted::NOTHING, "the oldest goes");
}

#[test]
fn a_flag_that_a_later_version_noted_is_passed_over() {
    let text =
        r#"{"programs":[{"path":"/c","size":1,"modified":[2,0],"since":5,"refused":["snapshot","of_tomorrow",7]}]}"#;
    let programs: Programs = serde_json::from_str(text).unwrap();
    assert_eq!(
        programs.refused_by(&program("/c", 1, 2), 6),
        Omitted::NOTHING.and(Omission::Unknown(Flag::SystemPromptSnapshot))
    );
}

#[test]
fn a_name_that_an_older_cli_does_not_know_is_no_error() {
    let warning = "Permission deny rule \"ListAgents\" matches no known tool \u{2014} check for typos.\n";
    let run = plan();
    let failed = |stderr: &str| {
        let evidence = Evidence { stderr: stderr.into(), ..Evidence::new(&run, EndReason::Exited { code: 1 }) };
        judge(evidence).error.unwrap()
    };
    let alone = failed(warning);
    assert!(!alone.contains("Permission") && !alone.contains("grant"), "{alone}");
    let with_more = failed(&format!("{warning}{warning}the disk is on fire\n"));
    assert!(with_more.contains("the disk is on fire") && !with_more.contains("no known tool"), "{with_more}");
}
