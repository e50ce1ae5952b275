//! The smallest MCP client that a demo needs: one request at a time, a line each. (The MCP library's own client would make
//! the program larger by 1.4 MB, nearly half.)

use std::fmt::Display;
use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The protocol version that is asked for.
const PROTOCOL: &str = "2025-11-25";
/// How long the server may take to leave. It promises 100 ms.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// A server that was started, and the conversation with it.
pub struct Client {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    patience: Duration,
    requests: u64,
}

/// What the conversation comes to, or in words why it cannot go on.
type Talked<T> = Result<T, String>;

/// The server left in the middle of it.
const GONE: &str = "the server left in the middle of the conversation";

impl Client {
    /// Starts the server and introduces itself. Each request may take `patience`.
    pub async fn start(mut command: Command, patience: Duration) -> Talked<Self> {
        // A group of its own: Ctrl-C is for the demo, which then sees to it that the server leaves.
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(broken)?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(GONE.to_owned());
        };
        let mut client = Self { child, input, output: BufReader::new(output).lines(), patience, requests: 0 };
        let about = json!({"protocolVersion": PROTOCOL, "capabilities": {},
            "clientInfo": {"name": "agent-dispatch demo", "version": env!("CARGO_PKG_VERSION")}});
        client.request("initialize", &about, &mut |_| {}).await?;
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await?;
        Ok(client)
    }

    /// Calls a tool; the text of its answer, also where the tool fails.
    pub async fn call(&mut self, tool: &str, arguments: &Value, on_progress: &mut dyn FnMut(&str)) -> Talked<String> {
        let token = self.requests + 1;
        let parameters = json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": token}});
        let result = self.request("tools/call", &parameters, on_progress).await?;
        let text = result.pointer("/content/0/text").and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| refused(result))
    }

    /// Takes leave, as a client does that is done: by closing its end.
    pub async fn leave(self) {
        let Self { mut child, input, .. } = self;
        drop(input);
        if tokio::time::timeout(LEAVE_WITHIN, child.wait()).await.is_err() {
            drop(child.kill().await);
        }
    }

    async fn request(&mut self, method: &str, parameters: &Value, on_progress: &mut dyn FnMut(&str)) -> Talked<Value> {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters})).await?;
        let patience = self.patience;
        let answer = tokio::time::timeout(patience, self.answer(id, on_progress)).await;
        answer.unwrap_or_else(|_| Err(format!("the server did not answer within {} s", patience.as_secs())))
    }

    async fn answer(&mut self, id: u64, on_progress: &mut dyn FnMut(&str)) -> Talked<Value> {
        while let Some(line) = self.output.next_line().await.map_err(broken)? {
            let mut message: Value =
                serde_json::from_str(&line).map_err(|error| refused(format!("{error} in {line}")))?;
            if message["method"] == "notifications/progress" {
                on_progress(message.pointer("/params/message").and_then(Value::as_str).unwrap_or_default());
            } else if message["id"] == id {
                return match message.get_mut("result") {
                    Some(result) => Ok(result.take()),
                    None => Err(refused(&message["error"])),
                };
            }
        }
        Err(GONE.to_owned())
    }

    async fn send(&mut self, message: &Value) -> Talked<()> {
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).await.map_err(broken)?;
        self.input.flush().await.map_err(broken)
    }
}

fn broken(error: io::Error) -> String {
    format!("the server cannot be talked to: {error}")
}

/// For a protocol error, or something that is no answer.
fn refused(what: impl Display) -> String {
    format!("the server answered with an error: {what}")
}
