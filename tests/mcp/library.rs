//! The server under a client that others wrote: rmcp's own, in both of its lifecycles.

use std::sync::{Arc, Mutex};

use rmcp::model::{CallToolRequestParams, ClientConfig, ProgressNotificationParam, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, NotificationContext, RunningService};
use rmcp::transport::TokioChildProcess;
use rmcp::{ClientHandler, RoleClient};
use serde_json::{Value, json};

use crate::support::PATIENCE;
use crate::support::world::World;

/// Remembers the progress that it was told.
#[derive(Debug, Clone, Default)]
struct Listener(Arc<Mutex<Vec<String>>>);

impl ClientHandler for Listener {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::default()
    }

    async fn on_progress(&self, params: ProgressNotificationParam, _context: NotificationContext<RoleClient>) {
        self.0.lock().unwrap().push(params.message.unwrap_or_default());
    }
}

fn lifecycles() -> [ClientLifecycleMode; 2] {
    [
        ClientLifecycleMode::Initialize,
        ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] },
    ]
}

async fn call(client: &RunningService<RoleClient, Listener>, tool: &'static str, arguments: Value) -> Value {
    let params = CallToolRequestParams::new(tool).with_arguments(arguments.as_object().unwrap().clone());
    let result = tokio::time::timeout(PATIENCE, client.call_tool(params)).await.unwrap().unwrap();
    serde_json::from_str(&result.content[0].as_text().unwrap().text).unwrap()
}

#[tokio::test]
async fn a_whole_session_in_both_lifecycles() {
    for lifecycle in lifecycles() {
        let world = World::with("say working\ntool Bash {}\nresult done");
        let listener = Listener::default();
        let transport = TokioChildProcess::new(tokio::process::Command::from(world.serve())).unwrap();
        let client = rmcp::serve_client_with_lifecycle(listener.clone(), transport, lifecycle).await.unwrap();
        let tools = client.list_all_tools().await.unwrap();
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert!(names.contains(&"dispatch") && names.contains(&"cache_stats"), "{names:?}");
        let told = |tool: &rmcp::model::Tool| {
            let schema = serde_json::to_string(&tool.input_schema).unwrap();
            tool.name.len() + tool.description.as_ref().map_or(0, |text| text.len()) + schema.len()
        };
        let bytes: usize = tools.iter().map(told).sum();
        assert!(bytes < 9_000, "name, description and schema, which every session pays for: {bytes} bytes");
        let said = call(&client, "dispatch", json!({"agent": "echo", "task": "t"})).await;
        assert_eq!((&said["success"], &said["result"]), (&json!(true), &json!("done")), "{said}");
        assert_eq!(call(&client, "dispatch", json!({"agent": "echo", "task": "t"})).await["cached"], true);
        let said = call(&client, "dispatch_stream", json!({"agent": "echo", "task": "t"})).await;
        assert_eq!(said["result"], "done");
        let told = listener.0.lock().unwrap().clone();
        assert!(told.iter().any(|message| message == "Using tool: Bash"), "{told:?}");
        let ended = tokio::time::timeout(PATIENCE, client.cancel()).await;
        assert!(ended.is_ok(), "the server leaves with its client");
        world.no_job_is_left();
    }
}
