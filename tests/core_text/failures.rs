//! What failures are called, by the texts that the CLI, the API, gateways and the system around them are known to print; and
//! what is said of runs without a session.

use agent_dispatch::machines::answer::{Answer, ErrorType};
use agent_dispatch::machines::events::{McpServer, ResultEvent, Stop};
use agent_dispatch::machines::limit::RateLimit;
use agent_dispatch::machines::plan::{RunPlan, SessionPlan};
use agent_dispatch::machines::verdict::{Canceller, EndReason, Evidence, is_limited, judge};

use super::support::{UUID, plan, session};

/// Words that loosen rights, and words that lead into a session.
const LOOSENS: &str = "allowed_tools=";
const RESUMES: &str = "dispatch_session(";

fn api_error(text: &str, status: Option<u64>) -> ResultEvent {
    ResultEvent {
        subtype: "success".into(),
        is_error: true,
        result: Some(text.into()),
        session_id: Some(UUID.into()),
        num_turns: Some(1),
        stop: Stop::Reason("stop_sequence".into()),
        terminal_reason: Some("api_error".into()),
        api_error_status: status,
        ..ResultEvent::default()
    }
}

fn failed(plan: &RunPlan, event: ResultEvent, rate_limit: Option<RateLimit>) -> Answer {
    judge(Evidence {
        begun: true,
        result: Some(event),
        rate_limit,
        ..Evidence::new(plan, EndReason::Exited { code: 1 })
    })
}

fn printed(plan: &RunPlan, code: i32, stderr: &str) -> Answer {
    judge(Evidence { stderr: stderr.into(), ..Evidence::new(plan, EndReason::Exited { code }) })
}

#[track_caller]
fn holds(answer: &Answer, kind: ErrorType, needle: &str) -> String {
    let error = answer.error.clone().unwrap();
    assert_eq!(answer.error_type, Some(kind), "{error}");
    assert!(error.contains(needle), "{needle:?} is missing in {error}");
    assert_eq!(error.contains(LOOSENS), kind == ErrorType::Permission, "{error}");
    error
}

#[test]
fn the_accounts_limit_is_one_that_ends_by_itself() {
    let limits = [
        ("You've hit your session limit · resets 8:25am (UTC)", Some(429)),
        ("You’ve hit your weekly limit · resets Nov 24", Some(429)),
        ("You've hit your Opus limit · resets Nov 24 · progress saved", None),
        ("You've hit your limit · resets 3pm", None),
        ("You've reached your Fable limit", Some(429)),
        ("You've hit your session limit · resets 3pm · out of usage credits", Some(429)),
        ("You're out of usage credits · resets 3pm", Some(429)),
        ("Claude AI usage limit reached|1749924000", None),
        ("Claude usage limit reached. Your limit will reset at 7pm", None),
        ("5-hour limit reached ∙ resets 7pm", None),
        ("Opus weekly limit reached ∙ resets Oct 9", None),
        ("API Error: Request rejected (429) · slow down", Some(429)),
    ];
    for (text, status) in limits {
        let plan = plan();
        holds(&failed(&plan, api_error(text, status), None), ErrorType::UsageLimit, "limit of the Claude account");
        assert!(is_limited(&plan, &api_error(text, status), None), "{text}");
    }
    // Whatever the words say: the CLI told that the account's limit refused it.
    let rejected = RateLimit { rejected: true, resets_at: Some(1_795_249_523) };
    for text in ["You've hit your monthly spend limit · your weekly limit resets Aug 8", "API Error: 429 per minute"] {
        let plan = plan();
        let event = api_error(text, Some(429));
        assert!(is_limited(&plan, &event, Some(&rejected)), "{text}");
        assert_eq!(failed(&plan, event, Some(rejected.clone())).limit_resets_at, rejected.resets_at);
    }
}

#[test]
fn what_waiting_does_not_lift_pauses_nobody() {
    let others = [
        (
            "API Error: Request rejected (429) · Insufficient balance or no resource package. Please recharge.",
            Some(429),
            "add credit",
        ),
        (
            r#"API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's rate limit of 40,000 input tokens per minute"}}"#,
            Some(429),
            "over in a minute",
        ),
        (
            "API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited",
            Some(429),
            "over in a minute",
        ),
        ("API Error: 429 Number of concurrent connections has exceeded your rate limit", Some(429), "over in a minute"),
        ("API Error (429 ThrottlingException: Too many tokens, please wait)", None, "over in a minute"),
        (
            r#"API Error: 429 {"error":{"message":"Budget has been exceeded! Current cost: 10.1, Max budget: 10.0","type":"budget_exceeded"}}"#,
            Some(429),
            "budget of the gateway",
        ),
        ("Context limit reached · /compact or /clear to continue", None, "start a new session"),
        ("You've reached your monthly spend limit · resets Aug 8", None, "limit on money"),
        ("You've hit your org's monthly spend limit · visit x to raise it", Some(429), "limit on money"),
        ("spend limit reached · resets Aug 8 · request an increase", Some(429), "limit on money"),
        ("You're out of extra usage", None, "limit on money"),
        ("Your org is out of usage · contact your admin", None, "limit on money"),
        (
            "API Error: 400 You have reached your specified API usage limits. You will regain access on 2026-12-01",
            Some(400),
            "limit on money",
        ),
        ("Credit balance is too low", Some(400), "add credit"),
        ("API Error: 402 payment required", Some(402), "add credit"),
        ("Prompt is too long · x", Some(400), "start a new session"),
    ];
    for (text, status, needle) in others {
        let plan = plan();
        holds(&failed(&plan, api_error(text, status), None), ErrorType::CliError, needle);
        assert!(!is_limited(&plan, &api_error(text, status), None), "{text}");
    }
}

#[test]
fn errors_of_a_run_may_quote_anything() {
    let quoting = |error: &str| ResultEvent {
        subtype: "error_during_execution".into(),
        result: None,
        errors: vec![error.into()],
        terminal_reason: None,
        ..api_error("", None)
    };
    for error in [
        "Tool call failed: file size limit reached (10 MB)",
        "mcp__mail: usage limit reached",
        "npm: weekly limit reached",
    ] {
        let plan = plan();
        assert!(!is_limited(&plan, &quoting(error), None), "{error}");
        holds(&failed(&plan, quoting(error), None), ErrorType::CliError, error);
    }
    let plan = plan();
    let denied = "Claude requested permissions to use Bash, but you haven't granted it yet.";
    holds(&failed(&plan, quoting(denied), None), ErrorType::Permission, denied);
}

/// A run that met the account's limit had denials before: they are told, and are not what ended it.
#[test]
fn a_denial_before_an_error_of_the_api_is_not_its_cause() {
    let plan = plan();
    let with_denial = |text, status| ResultEvent { permission_denials: vec!["Bash".into()], ..api_error(text, status) };
    let limit = with_denial("You've hit your session limit · resets 8:25am (UTC)", Some(429));
    assert!(is_limited(&plan, &limit, None));
    let answer = failed(&plan, limit, None);
    holds(&answer, ErrorType::UsageLimit, "8:25am");
    assert_eq!(answer.denied_tools, Some(vec!["Bash".into()]));
    // The older implementation's rule for all other errors; what to do about them is told first.
    holds(
        &failed(&plan, with_denial("API Error: 500 oh", Some(500)), None),
        ErrorType::Permission,
        "oh; this is usually",
    );
    let unknown = ResultEvent { terminal_reason: None, ..with_denial("something", None) };
    holds(&failed(&plan, unknown, None), ErrorType::Permission, "Bash");
}

#[test]
fn causes_that_the_api_tells() {
    let told = [
        ("Not logged in · Please run /login", None, "log in"),
        ("Failed to authenticate: OAuth session expired and could not be refreshed", Some(401), "log in"),
        ("API Error: 403 Request not allowed", Some(403), "log in"),
        (
            "Your organization has disabled API key authentication · Sign in again with your claude.ai account",
            Some(403),
            "log in",
        ),
        (
            "API Error: Could not load AWS credentials. Check or refresh your AWS credentials and try again.",
            None,
            "aws sso",
        ),
        ("API Error: 403 The security token included in the request is expired", Some(403), "aws sso"),
        ("Your apiKeyHelper script is failing", None, "credentials"),
        ("We've updated our Consumer Terms and Privacy Policy", Some(403), "accept the terms"),
        ("There's an issue with the selected model (x). It may not exist", Some(404), "choose another model"),
        ("The model x is not available on your bedrock deployment.", None, "choose another model"),
        ("API Error: 400 input length and `max_tokens` exceed context limit: 200001", Some(400), "start a new session"),
        ("API Error: 529 Overloaded. This is a server-side issue", Some(529), "try again"),
        ("API Error: 502 <html>Bad Gateway</html>", Some(502), "try again"),
        ("API Error: Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)", None, "HTTPS_PROXY"),
        ("API Error: Couldn't connect through your proxy (ECONNRESET)", None, "HTTPS_PROXY"),
        ("API Error: Unable to connect to API (EAI_AGAIN)", None, "try again"),
        ("API Error: 400 bad", Some(400), "agent-dispatch doctor"),
        ("API Error: 400 the file permission denied is quoted", Some(400), "agent-dispatch doctor"),
    ];
    for (text, status, needle) in told {
        holds(&failed(&plan(), api_error(text, status), None), ErrorType::CliError, needle);
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_called_that() {
    for text in [
        "API Error: Unable to connect to API (SELF_SIGNED_CERT_IN_CHAIN)",
        "API Error: Unable to connect to API: SSL certificate verification failed (UNABLE_TO_VERIFY_LEAF_SIGNATURE)",
        "Unable to connect to API: Self-signed certificate detected",
        "Unable to connect to API: SSL certificate has expired",
        "Unable to connect to API: SSL certificate hostname mismatch",
        "unable to get local issuer certificate",
    ] {
        for answer in [failed(&plan(), api_error(text, None), None), printed(&plan(), 1, text)] {
            let error = holds(&answer, ErrorType::CliError, "NODE_EXTRA_CA_CERTS");
            assert!(!error.contains("try again"), "{error}");
        }
    }
}

#[test]
fn what_programs_print_is_about_the_machine() {
    let cases = [
        (1, "Error: EACCES: permission denied, mkdir '/home/u/.claude/projects'\n    at mkdirSync", "owner and mode"),
        (126, "/usr/bin/env: 'node': Permission denied\n", "cannot be run"),
        (127, "/usr/bin/env: 'node': No such file or directory\n", "cannot be run"),
        (
            1,
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock\n",
            "owner and mode",
        ),
        (
            1,
            "Error: bypassPermissions mode is disabled by your organization's managed settings (permission mode)\n",
            "organization",
        ),
        (128, "fatal: detected dubious ownership in repository at '/srv/x'\n", "safe.directory"),
        (1, "Error: ENOSPC: no space left on device, write\n", "free space"),
        (1, "Error: EROFS: read-only file system, open '/x'\n", "free space"),
        (1, "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n", "memory"),
        (1, "Error: EMFILE: too many open files, watch\n", "ulimit"),
        (1, "npm error code E429\nnpm error 429 Too Many Requests - GET https://registry.example/x\n", "npm failed"),
        (1, "Error: Claude Code requires Node.js version 18 or higher\n", "Node.js"),
        (1, "Error: listen EADDRINUSE: address already in use 127.0.0.1:80\n", "agent-dispatch test infra"),
        (1, "Error: rate limit of the wrapper: permission mode unknown\n", "agent-dispatch test infra"),
        (1, "Credit balance is too low\n", "add credit"),
    ];
    for (code, stderr, needle) in cases {
        let answer = printed(&plan(), code, stderr);
        let error = holds(&answer, ErrorType::CliError, needle);
        assert!(!error.contains(RESUMES) && answer.session_id.is_none(), "no session began: {error}");
    }
    let limited = printed(&plan(), 1, "You've hit your session limit · resets 8:25am (UTC)\n");
    holds(&limited, ErrorType::UsageLimit, "8:25am");
}

/// A signal is the cause, whatever stands on stderr; that is shown.
#[test]
fn words_do_not_decide_against_the_way_a_process_ended() {
    for ending in [EndReason::Exited { code: 137 }, EndReason::Exited { code: 143 }, EndReason::Signalled { signal: 9 }]
    {
        let plan = plan();
        let stderr = "warning: usage limit reached; permission denied\n".to_owned();
        let answer = judge(Evidence { stderr, begun: true, ..Evidence::new(&plan, ending) });
        let error = holds(&answer, ErrorType::CliError, "ended by signal");
        assert!(error.contains("usage limit reached") && error.contains(RESUMES), "{error}");
    }
    let plan = plan();
    let answer = judge(Evidence {
        stderr: "Error: quota exceeded".into(),
        ..Evidence::new(&plan, EndReason::Cancelled { by: Canceller::Request })
    });
    holds(&answer, ErrorType::Cancelled, "cancelled on request");
}

#[test]
fn no_session_is_promised_where_none_began() {
    let endings = [
        EndReason::Exited { code: 0 },
        EndReason::Exited { code: 1 },
        EndReason::Exited { code: 143 },
        EndReason::Signalled { signal: 9 },
        EndReason::TimedOut,
        EndReason::Abandoned,
        EndReason::Cancelled { by: Canceller::CallerGone },
        EndReason::Cancelled { by: Canceller::Request },
    ];
    for ending in endings {
        let plan = plan();
        let stray = Some("Please accept our terms: run claude once.".to_owned());
        let answer = judge(Evidence { stray, ..Evidence::new(&plan, ending.clone()) });
        let error = answer.error.clone().unwrap();
        assert_eq!(answer.session_id, None, "{ending:?}");
        assert!(!error.contains(RESUMES) && !error.contains("what it did"), "{ending:?}: {error}");
        assert!(error.contains("Please accept our terms"), "what was printed is shown: {error}");
        // An earlier session is there whatever became of this run.
        let resumed = RunPlan { session: SessionPlan::Resume { id: session("title") }, ..plan };
        let answer = judge(Evidence::new(&resumed, ending));
        assert_eq!(answer.session_id.as_deref(), Some("title"));
    }
}

#[test]
fn a_session_that_is_not_there_is_not_offered_again() {
    let resumed = RunPlan { session: SessionPlan::Resume { id: session(UUID) }, ..plan() };
    let said = "No conversation found with session ID: x";
    let missing = ResultEvent {
        subtype: "error_during_execution".into(),
        is_error: true,
        errors: vec![said.into()],
        session_id: Some(UUID.into()),
        num_turns: Some(0),
        ..ResultEvent::default()
    };
    let by_result = judge(Evidence { result: Some(missing), ..Evidence::new(&resumed, EndReason::Exited { code: 1 }) });
    for answer in [by_result, printed(&resumed, 1, said)] {
        let error = holds(&answer, ErrorType::CliError, "dispatch(agent=\"infra\", task=…)");
        assert!(answer.session_id.is_none() && !error.contains(RESUMES), "{answer:?}");
    }
}

#[test]
fn calls_that_are_told_are_json() {
    let odd = RunPlan { agent: "caf\u{e9} \u{7} \"x\"".into(), ..plan() };
    let answer = judge(Evidence { begun: true, ..Evidence::new(&odd, EndReason::TimedOut) });
    let error = answer.error.unwrap();
    assert!(error.contains(r#"dispatch_session(agent="café \u0007 \"x\"", task="#), "{error}");
}

#[test]
fn servers_that_an_agent_lacked_are_named() {
    let server =
        |name: &str, status: &str, of_project| McpServer { name: name.into(), status: status.into(), of_project };
    let plan = plan();
    let hint = |mcp_servers: Vec<McpServer>, mcp_config_error: Option<&str>| {
        let event = ResultEvent { is_error: false, stop: Stop::Reason("end_turn".into()), ..api_error("x", None) };
        let mcp_config_error = mcp_config_error.map(str::to_owned);
        let evidence = Evidence {
            result: Some(event),
            mcp_servers,
            mcp_config_error,
            ..Evidence::new(&plan, EndReason::Exited { code: 0 })
        };
        let answer = judge(evidence);
        assert!(answer.success, "{answer:?}");
        answer.hint.unwrap_or_default()
    };
    let fine = vec![server("a", "connected", true), server("b", "pending", true), server("mail", "needs-auth", false)];
    assert_eq!(hint(fine, None), "");
    let failed = hint(vec![server("pg", "failed", true), server("redis", "failed", false)], None);
    assert!(
        failed.contains("did not start (pg, redis)") && failed.contains("mcp get pg`") && !failed.contains("mcp list"),
        "{failed}"
    );
    let login = hint(vec![server("linear", "needs-auth", true)], None);
    assert!(login.contains("want a login (linear)") && login.contains("/mcp"), "{login}");
    let many = hint((0..90).map(|n| server(&format!("s{n}"), "failed", true)).collect(), None);
    assert!(many.contains("s4 and 85 more") && many.len() < 300, "{many}");
    let unread = hint(Vec::new(), Some("JSON has no comments (line 2, column 3)"));
    assert!(unread.contains("passed over .mcp.json (JSON has no comments"), "{unread}");
    let answer = judge(Evidence {
        begun: true,
        mcp_servers: vec![server("pg", "failed", true)],
        ..Evidence::new(&plan, EndReason::TimedOut)
    });
    assert!(answer.hint.unwrap().contains("pg"), "a failure is told of it too");
}

/// As 2.1.332 says where the system does not show the real path of a directory.
#[test]
fn a_directory_that_claude_does_not_see_is_told_with_what_the_system_lacks() {
    let said = "Error: Can't access working directory /srv/infra: Path \"/srv/infra\" does not exist";
    let plan = plan();
    let seen = holds(&printed(&plan, 1, said), ErrorType::CliError, "is still there");
    assert!(!seen.contains("is not mounted"), "{seen}");
    let lack = Some("it is not mounted; mount it".to_owned());
    let with_lack = |stderr: &str| {
        let ending = EndReason::Exited { code: 1 };
        judge(Evidence { stderr: stderr.into(), system_lack: lack.clone(), ..Evidence::new(&plan, ending) })
    };
    holds(&with_lack(said), ErrorType::CliError, "does not exist; it is not mounted; mount it; then dispatch(");
    // Older versions crash there.
    let crashed = |begun| {
        let ending = EndReason::Signalled { signal: 6 };
        let evidence = Evidence { begun, system_lack: lack.clone(), ..Evidence::new(&plan, ending) };
        judge(evidence)
    };
    holds(&crashed(false), ErrorType::CliError, "had answered; it is not mounted; mount it; then dispatch(");
    let later = holds(&crashed(true), ErrorType::CliError, "signal 6");
    assert!(!later.contains("mounted"), "{later}");
    // Another failure is not explained by it.
    let other = holds(&with_lack("Error: no route"), ErrorType::CliError, "no route");
    assert!(!other.contains("mounted"), "{other}");
}
