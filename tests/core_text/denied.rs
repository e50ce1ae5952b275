//! Tools that were denied or put off: who denied them, and the way out.

use agent_dispatch::machines::answer::{Answer, ErrorType};
use agent_dispatch::machines::events::{ResultEvent, Stop};
use agent_dispatch::machines::plan::RunPlan;
use agent_dispatch::machines::schema::Schema;
use agent_dispatch::machines::verdict::{EndReason, Evidence, SettingsFile, judge, misses};
use serde_json::json;

use super::support::{UUID, plan, result_of};

fn file(path: &str, text: &str) -> SettingsFile {
    SettingsFile { path: path.into(), text: text.into() }
}

fn asks(rule: &str) -> String {
    json!({"permissions": {"ask": [rule]}}).to_string()
}

/// The hint of a run in which this tool was denied.
fn hint(plan: &RunPlan, tool: &str, settings: Option<Vec<SettingsFile>>) -> String {
    let event = ResultEvent {
        subtype: "success".into(),
        result: Some("x".into()),
        session_id: Some(UUID.into()),
        num_turns: Some(2),
        permission_denials: vec![tool.into()],
        ..ResultEvent::default()
    };
    let evidence =
        Evidence { begun: true, result: Some(event), settings, ..Evidence::new(plan, EndReason::Exited { code: 0 }) };
    judge(evidence).hint.unwrap()
}

fn allowing(tools: &[&str]) -> RunPlan {
    RunPlan { allowed_tools: tools.iter().map(|tool| (*tool).to_owned()).collect(), ..plan() }
}

#[test]
fn a_tool_that_is_not_granted_is_granted() {
    let told = hint(&allowing(&["Read"]), "Bash", Some(Vec::new()));
    assert!(told.contains(r#"update_agent(name="infra", allowed_tools=["Read","Bash"])"#), "{told}");
    assert!(!told.contains("rule"), "{told}");
    let settings = Some(vec![file("/srv/infra/.claude/settings.json", &asks("Bash(git push:*)"))]);
    let told = hint(&allowing(&["Read"]), "Bash", settings);
    assert!(told.contains("allowed_tools=[\"Read\",\"Bash\"]") && told.contains("Bash(git push:*)"), "{told}");
}

#[test]
fn a_tool_that_is_granted_was_denied_by_a_rule_and_the_file_is_named() {
    let deny = json!({"permissions": {"deny": ["Bash(rm:*)"], "ask": []}}).to_string();
    let path = "/srv/infra/.claude/settings.json";
    let bypass = RunPlan { permission_mode: Some("bypassPermissions".into()), ..plan() };
    for plan in [allowing(&["Bash"]), bypass] {
        for (text, rule, why) in [
            (asks("Bash(touch *)"), "the `ask` rule \"Bash(touch *)\"", "nobody answers"),
            (deny.clone(), "the `deny` rule \"Bash(rm:*)\"", "outranks every list of allowed tools"),
        ] {
            let told = hint(&plan, "Bash", Some(vec![file(path, &text)]));
            assert!(told.contains(rule) && told.contains(&format!("in \"{path}\"")), "{told}");
            assert!(!told.contains("update_agent"), "granting changes nothing: {told}");
            let other = if why == "nobody answers" { "outranks" } else { "nobody answers" };
            assert!(told.contains(why) && !told.contains(other), "{told}");
        }
    }
}

#[test]
fn rules_concern_tools_by_their_names() {
    let rules = [
        ("Edit", "Write", true),
        ("Edit(src/**)", "MultiEdit", true),
        ("Read(./.env)", "Grep", true),
        ("mcp__pg", "mcp__pg__query", true),
        ("mcp__pg__*", "mcp__pg__query", true),
        ("mcp__pg", "mcp__pgx__query", false),
        ("BashOutput", "Bash", false),
        ("Write", "Edit", false),
    ];
    for (rule, tool, concerned) in rules {
        let told = hint(&allowing(&[tool]), tool, Some(vec![file("/s.json", &asks(rule))]));
        assert_eq!(told.contains("/s.json"), concerned, "{rule} {tool}: {told}");
    }
}

#[test]
fn other_reasons_of_a_denial_are_named() {
    let own = RunPlan { disallowed_tools: vec!["Bash(touch:*)".into()], ..allowing(&["Bash"]) };
    let told = hint(&own, "Bash", Some(Vec::new()));
    assert!(told.contains("disallowed_tools has \"Bash(touch:*)\""), "{told}");
    let planning = RunPlan { permission_mode: Some("plan".into()), ..allowing(&["Bash"]) };
    let told = hint(&planning, "Bash", Some(Vec::new()));
    assert!(told.contains("permission_mode=\"default\""), "{told}");
    let hooks = json!({"hooks": {"PreToolUse": [{"hooks": []}]}}).to_string();
    let told = hint(&allowing(&["Bash"]), "Bash", Some(vec![file("/hooks.json", &hooks)]));
    assert!(told.contains("hook") && told.contains("/hooks.json"), "{told}");
    let told = hint(&allowing(&["Bash"]), "Bash", Some(vec![file("/odd.json", "// no JSON\n{}")]));
    assert!(told.contains("no ask or deny rule") && told.contains("dispatch_session("), "{told}");
    let told = hint(&allowing(&["Bash"]), "Bash", None);
    assert!(told.contains("settings.local.json"), "nobody looked: {told}");
    let many = (0..50).map(|n| format!("Bash(x{n}:*)")).collect::<Vec<_>>();
    let text = json!({"permissions": {"ask": many}}).to_string();
    let told = hint(&allowing(&["Bash"]), "Bash", Some(vec![file("/s.json", &text)]));
    assert!(told.contains("and 47 more") && told.len() < 600, "{told}");
}

/// As CLI 2.1.332 prints it.
const DEFERRED: &str = r#"{"duration_api_ms":115,"stop_reason":"tool_deferred","session_id":"44c1d7c7-0000-4000-8000-00000000000a","total_cost_usd":0.00014,"permission_denials":[],"terminal_reason":"tool_deferred","type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"","deferred_tool_use":{"id":"toolu_1","name":"Bash","input":{"command":"touch made","name":"no"}}}"#;

fn deferred(plan: &RunPlan, settings: Vec<SettingsFile>) -> Answer {
    let result = result_of(format!("{DEFERRED}\n"));
    assert_eq!(result.as_ref().unwrap().deferred_tool.as_deref(), Some("Bash"));
    judge(Evidence {
        begun: true,
        result,
        settings: Some(settings),
        last_text: Some("so far".into()),
        ..Evidence::new(plan, EndReason::Exited { code: 0 })
    })
}

#[test]
fn a_call_that_was_put_off_is_a_matter_of_permission_and_is_kept() {
    let hooks = json!({"hooks": {"PreToolUse": [{"hooks": []}]}}).to_string();
    let answer = deferred(&plan(), vec![file("/srv/infra/.claude/settings.json", &hooks)]);
    let error = answer.error.unwrap();
    assert_eq!(answer.error_type, Some(ErrorType::Permission));
    assert_eq!((answer.denied_tools, answer.result.as_str()), (Some(vec!["Bash".into()]), "so far"));
    for needle in
        ["call of \"Bash\"", "/srv/infra/.claude/settings.json", "dispatch_session(", "allow or deny it first"]
    {
        assert!(error.contains(needle), "{needle} in {error}");
    }
    // A new run would be paid for again, and the call would wait for ever.
    assert!(!error.contains("dispatch(") && !error.contains("update_agent"), "{error}");
}

/// To ask for the answer again would throw the call away.
#[test]
fn an_answer_that_was_put_off_is_not_asked_for_again() {
    let schema = json!({"type": "object", "required": ["a"]});
    assert!(Schema::new(schema.clone()).is_ok());
    let plan = RunPlan { response_schema: Some(schema), ..plan() };
    let event = ResultEvent { result: Some("{}".into()), ..result_of(format!("{DEFERRED}\n")).unwrap() };
    assert_eq!(misses(&plan, &event), None);
    let by_stop = ResultEvent { terminal_reason: None, ..event };
    assert!(matches!(&by_stop.stop, Stop::Reason(reason) if reason == "tool_deferred"));
    assert_eq!(misses(&plan, &by_stop), None);
}
