use agent_dispatch::machines::command_line::{BadValue, Defect, MAX_ARGUMENT_BYTES, arguments};
use agent_dispatch::machines::flags::{Flag, Omission, Omitted, unknown_option};
use agent_dispatch::machines::plan::{RunPlan, SessionPlan};
use agent_dispatch_fuzz::command_line::check_plan;
use agent_dispatch_fuzz::commander::parse;
use proptest::prelude::*;
use strum::VariantArray;

use crate::spec::dispatch::REFUSALS;

use super::support::{UUID, plan, session};

/// No session of the user may write into a run.
const REFUSES_MESSAGES: &str = r#"--settings={"crossSessionInbound":"refuse"}"#;

fn full() -> RunPlan {
    RunPlan {
        model: Some("sonnet".into()),
        permission_mode: Some("plan".into()),
        allowed_tools: vec!["Bash(git *)".into(), "Read".into()],
        disallowed_tools: vec!["Write".into()],
        system_prompt: Some("# Dispatch protocol\n- one\n\t- two".into()),
        max_budget_usd: Some(0.5),
        max_turns: Some(20),
        ..plan()
    }
}

fn everything_omitted() -> Omitted {
    REFUSALS.into_iter().fold(Omitted::NOTHING, Omitted::and)
}

fn refusal(plan: &RunPlan) -> (Flag, Defect) {
    let BadValue { field, why, .. } = arguments(plan, Omitted::default()).unwrap_err();
    (field, why)
}

#[test]
fn each_value_stands_with_its_option() {
    let session = format!("--session-id={UUID}");
    assert_eq!(
        arguments(&full(), Omitted::default()).unwrap(),
        [
            "-p",
            "--output-format=stream-json",
            "--verbose",
            &session,
            "--model=sonnet",
            "--permission-mode=plan",
            "--permission-prompts=none",
            REFUSES_MESSAGES,
            "--allowedTools=Bash(git *)",
            "--allowedTools=Read",
            "--disallowedTools=Write",
            "--append-system-prompt=# Dispatch protocol\n- one\n\t- two",
            "--max-budget-usd=0.5",
            "--max-turns=20",
        ]
    );
    assert_eq!(
        arguments(&plan(), Omitted::default()).unwrap(),
        ["-p", "--output-format=stream-json", "--verbose", &session, "--permission-prompts=none", REFUSES_MESSAGES]
    );
}

#[test]
fn a_resumed_session_is_named_by_uuid_or_title() {
    let resumed = RunPlan { session: SessionPlan::Resume { id: session("my title") }, ..plan() };
    assert_eq!(arguments(&resumed, Omitted::default()).unwrap()[3], "--resume=my title");
    assert_eq!(arguments(&resumed, everything_omitted()).unwrap()[3], "--resume=my title");
    let fresh = RunPlan { session: SessionPlan::Fresh { id: session("my title") }, ..plan() };
    assert_eq!(refusal(&fresh), (Flag::SessionId, Defect::NotAUuid));
}

#[test]
fn options_that_the_cli_does_not_know_are_left_out() {
    let line = arguments(&full(), everything_omitted()).unwrap().join(" ");
    for gone in [
        "--session-id",
        "--permission-prompts",
        "--settings",
        "--append-system-prompt",
        "--max-budget-usd",
        "--max-turns",
    ] {
        assert!(!line.contains(gone), "{line}");
    }
    for flag in Flag::VARIANTS.iter().copied() {
        let droppable = matches!(
            flag,
            Flag::SessionId
                | Flag::PermissionPrompts
                | Flag::Settings
                | Flag::AppendSystemPrompt
                | Flag::SystemPromptSnapshot
                | Flag::MaxBudget
                | Flag::MaxTurns
                | Flag::JsonSchema
        );
        assert_eq!(flag.is_droppable(), droppable, "{flag}");
    }
}

/// Each reason is told apart, and each leaves out its own option alone.
#[test]
fn what_is_left_out_is_told_with_its_reason() {
    let all: Vec<Omission> = REFUSALS.into_iter().chain([Omission::UnboundedSchema]).collect();
    for omission in &all {
        let omitted = Omitted::NOTHING.and(*omission);
        assert!(all.iter().all(|other| omitted.has(*other) == (other == omission)), "{omission:?}");
        assert!(
            Flag::VARIANTS.iter().copied().all(|flag| omitted.lacks(flag) == (flag == omission.flag())),
            "{omission:?}"
        );
        let both = omitted.or(Omitted::NOTHING.and(all[0]));
        assert!(both.has(*omission) && both.has(all[0]), "{omission:?}");
    }
    assert!(all.into_iter().all(|omission| !Omitted::NOTHING.has(omission)));
}

#[test]
fn values_that_could_be_misread_are_refused_with_a_remedy() {
    let cases: [(RunPlan, Flag, Defect); 12] = [
        (RunPlan { model: Some("--help".into()), ..plan() }, Flag::Model, Defect::LeadingDash),
        (RunPlan { model: Some(" -p".into()), ..plan() }, Flag::Model, Defect::LeadingDash),
        (RunPlan { model: Some(String::new()), ..plan() }, Flag::Model, Defect::Empty),
        (RunPlan { model: Some("a\nb".into()), ..plan() }, Flag::Model, Defect::Control(10)),
        (RunPlan { permission_mode: Some(" ".into()), ..plan() }, Flag::PermissionMode, Defect::Empty),
        (
            RunPlan { allowed_tools: vec!["Read".into(), "-x".into()], ..plan() },
            Flag::AllowedTools,
            Defect::LeadingDash,
        ),
        (RunPlan { disallowed_tools: vec!["a\0".into()], ..plan() }, Flag::DisallowedTools, Defect::Control(0)),
        (RunPlan { system_prompt: Some("- x".into()), ..plan() }, Flag::AppendSystemPrompt, Defect::LeadingDash),
        (RunPlan { system_prompt: Some("# a\u{1b}".into()), ..plan() }, Flag::AppendSystemPrompt, Defect::Control(27)),
        (RunPlan { max_budget_usd: Some(0.0), ..plan() }, Flag::MaxBudget, Defect::NotPositive),
        (RunPlan { max_budget_usd: Some(f64::NAN), ..plan() }, Flag::MaxBudget, Defect::NotPositive),
        (RunPlan { max_budget_usd: Some(f64::INFINITY), ..plan() }, Flag::MaxBudget, Defect::NotPositive),
    ];
    for (plan, field, why) in cases {
        assert_eq!(refusal(&plan), (field, why.clone()), "{plan:?}");
        let message = arguments(&plan, Omitted::default()).unwrap_err().to_string();
        assert!(message.contains(field.as_str()) && message.contains("correct `"), "{message}");
    }
}

#[test]
fn an_argument_fits_into_what_execve_takes() {
    let room = MAX_ARGUMENT_BYTES - "--append-system-prompt=".len();
    let fits = RunPlan { system_prompt: Some("x".repeat(room)), ..plan() };
    assert!(arguments(&fits, Omitted::default()).is_ok());
    let over = RunPlan { system_prompt: Some("x".repeat(room + 1)), ..plan() };
    assert_eq!(refusal(&over), (Flag::AppendSystemPrompt, Defect::TooLong { bytes: 131_072 }));
    let message = arguments(&over, Omitted::default()).unwrap_err().to_string();
    assert!(message.len() < 400, "{message}");
}

#[test]
fn a_mode_is_passed_under_the_name_that_every_version_takes() {
    let manual = RunPlan { permission_mode: Some("manual".into()), ..plan() };
    assert_eq!(arguments(&manual, Omitted::default()).unwrap()[4], "--permission-mode=default");
}

#[test]
fn blank_entries_of_a_list_are_skipped() {
    let plan = RunPlan { allowed_tools: vec![String::new(), "Read".into(), " ".into()], ..plan() };
    assert_eq!(
        arguments(&plan, Omitted::default()).unwrap()[3..],
        [
            format!("--session-id={UUID}"),
            "--permission-prompts=none".into(),
            REFUSES_MESSAGES.into(),
            "--allowedTools=Read".into()
        ]
    );
}

#[test]
fn the_refused_option_is_read_from_stderr() {
    let cases = [
        ("error: unknown option '--session-id'\n", Some(Flag::SessionId)),
        ("error: unknown option '--session-id=44c1d7c7'\n(Did you mean --resume?)\n", Some(Flag::SessionId)),
        ("warning: x\nerror: unknown option '--max-budget-usd=0.5'", Some(Flag::MaxBudget)),
        ("error: unknown option '--max-turns=20'\n", Some(Flag::MaxTurns)),
        ("error: unknown option '--nonexistent'\n(Did you mean --model?)", None),
        (
            "error: unknown option '--append-system-prompt=# x\nerror: unknown option '--session-id''",
            Some(Flag::AppendSystemPrompt),
        ),
        ("error: unknown option '--modelx'", None),
        ("error: unrecognized option: --verbose", Some(Flag::Verbose)),
        ("Error: Session ID --session-id is already in use.", None),
        ("error: option '--model <model>' argument missing", None),
        ("unknown option", None),
        ("", None),
    ];
    for (stderr, flag) in cases {
        assert_eq!(unknown_option(stderr), flag, "{stderr}");
    }
}

/// A schema that is refused says nothing of the option.
#[test]
fn a_schema_that_is_refused_is_no_unknown_option() {
    let refused = "Error: --json-schema is not a valid JSON Schema: unknown option";
    assert_eq!(Omission::of_stderr(refused), Some(Omission::ThisSchema));
    let unknown = "error: unknown option '--json-schema={}'";
    assert_eq!(Omission::of_stderr(unknown), Some(Omission::Unknown(Flag::JsonSchema)));
    assert_eq!(Omission::of_stderr("error: unknown option '--verbose'"), None, "no run without it");
}

/// The oracle itself, on what the real CLI was seen to do.
#[test]
fn the_parser_behaves_as_the_cli_does() {
    let parse = |line: &[&str]| parse(&line.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>());
    let options = |line: &[&str]| {
        let parsed = parse(line).unwrap();
        let show = |(name, value): (String, Option<String>)| format!("{name}={}", value.unwrap_or_default());
        (parsed.options.into_iter().map(show).collect::<Vec<_>>().join(" | "), parsed.positionals.join(" | "))
    };
    assert_eq!(parse(&["-phi"]).unwrap_err(), "error: unknown option '-hi'".to_owned().replace("-hi", "-i"));
    assert_eq!(parse(&["-p", "-foo"]).unwrap_err(), "error: unknown option '-foo'");
    assert_eq!(parse(&["--nonexistent=3"]).unwrap_err(), "error: unknown option '--nonexistent=3'");
    assert!(parse(&["--model"]).unwrap_err().contains("argument missing"));
    let swallowed = options(&["-p", "--allowedTools", "Bash", "Read", "the prompt"]);
    assert_eq!(
        swallowed,
        ("-p= | --allowedTools=Bash | --allowedTools=Read | --allowedTools=the prompt".into(), String::new())
    );
    let eaten = options(&["--model", "--permission-mode", "plan"]);
    assert_eq!(eaten, ("--model=--permission-mode".into(), "plan".into()));
    assert_eq!(options(&["--model=--foo", "x"]), ("--model=--foo".into(), "x".into()));
    assert_eq!(options(&["--allowedTools=a", "x"]), ("--allowedTools=a".into(), "x".into()));
    assert_eq!(options(&["-p", "--", "--help"]), ("-p=".into(), "--help".into()));
    assert_eq!(options(&["-p", "-"]), ("-p=".into(), "-".into()));
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,8}",
        "-{0,2}[a-z]{0,5}",
        Just("--dangerously-skip-permissions".to_owned()),
        Just("--".to_owned()),
        Just("-p".to_owned()),
        "[ \t\n]-{1,2}[a-z]{1,3}",
        "[A-Z][a-z]{1,4}\\([a-z *,]{0,6}\\)?",
        "x=--model [a-z]{1,3}",
    ]
}

proptest! {
    #[test]
    fn the_cli_reads_exactly_what_was_meant_or_is_not_started(
        model in prop::option::of(value()), mode in prop::option::of(value()), prompt in prop::option::of(value()),
        allowed in prop::collection::vec(value(), 0..4), disallowed in prop::collection::vec(value(), 0..4),
        budget in prop::option::of(any::<f64>()), title in prop::option::of(value()), turns in prop::option::of(any::<u32>()),
        left_out: [bool; 8],
    ) {
        let resumed = title.and_then(|title| agent_dispatch::machines::ids::SessionRef::try_from(title).ok());
        let fresh = SessionPlan::Fresh { id: session(UUID) };
        let plan = RunPlan {
            model, permission_mode: mode, system_prompt: prompt, allowed_tools: allowed, disallowed_tools: disallowed,
            max_budget_usd: budget, max_turns: turns, session: resumed.map_or(fresh, |id| SessionPlan::Resume { id }), ..plan()
        };
        let omit = REFUSALS.into_iter().zip(left_out).filter(|(_, out)| *out);
        check_plan(&plan, omit.fold(Omitted::NOTHING, |omit, (refusal, _)| omit.and(refusal)));
    }

    #[test]
    fn a_plan_survives_its_file(model in prop::option::of(any::<String>()), tools in prop::collection::vec(any::<String>(), 0..3), budget in prop::option::of(0.0..1e9_f64)) {
        let plan = RunPlan { model, allowed_tools: tools, max_budget_usd: budget, ..full() };
        let json = serde_json::to_string(&plan).unwrap();
        // The prompt has a file of its own.
        let plan = RunPlan { prompt: String::new(), ..plan };
        prop_assert_eq!(serde_json::from_str::<RunPlan>(&json).unwrap(), plan);
    }
}
