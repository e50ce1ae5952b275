//! The smallest MCP client that a demo needs: one request at a time, a line each. (The MCP library's own client would make
//! the program larger by 1.4 MB, nearly half.)

use std::io;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use thiserror::Error;
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

/// Why the conversation cannot go on.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The pipes to it.
    #[error("the server cannot be talked to: {0}")]
    Io(#[from] io::Error),
    /// The server left.
    #[error("the server left in the middle of the conversation")]
    Gone,
    /// It took too long.
    #[error("the server did not answer within {} s", .0.as_secs())]
    Silent(Duration),
    /// A protocol error, or something that is no answer.
    #[error("the server answered with an error: {0}")]
    Refused(String),
}

impl Client {
    /// Starts the server and introduces itself. Each request may take `patience`.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn start(mut command: Command, patience: Duration) -> Result<Self, ClientError> {
        // A group of its own: Ctrl-C is for the demo, which then sees to it that the server leaves.
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0).kill_on_drop(true);
        let mut child = command.spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ClientError::Gone);
        };
        let mut client = Self { child, input, output: BufReader::new(output).lines(), patience, requests: 0 };
        let about = json!({"protocolVersion": PROTOCOL, "capabilities": {},
            "clientInfo": {"name": "agent-dispatch demo", "version": env!("CARGO_PKG_VERSION")}});
        client.request("initialize", &about, &mut |_| {}).await?;
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await?;
        Ok(client)
    }

    /// Calls a tool; the text of its answer.
    ///
    /// # Errors
    /// [`ClientError`]. A tool that fails answers.
    pub async fn call(
        &mut self,
        tool: &str,
        arguments: &Value,
        on_progress: &mut dyn FnMut(&str),
    ) -> Result<String, ClientError> {
        let token = self.requests + 1;
        let parameters = json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": token}});
        let result = self.request("tools/call", &parameters, on_progress).await?;
        let text = result.pointer("/content/0/text").and_then(Value::as_str);
        text.map(str::to_owned).ok_or_else(|| ClientError::Refused(result.to_string()))
    }

    /// Takes leave, as a client does that is done: by closing its end.
    pub async fn leave(self) {
        let Self { mut child, input, .. } = self;
        drop(input);
        if tokio::time::timeout(LEAVE_WITHIN, child.wait()).await.is_err() {
            drop(child.kill().await);
        }
    }

    async fn request(
        &mut self,
        method: &str,
        parameters: &Value,
        on_progress: &mut dyn FnMut(&str),
    ) -> Result<Value, ClientError> {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": parameters})).await?;
        let patience = self.patience;
        match tokio::time::timeout(patience, self.answer(id, on_progress)).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::Silent(patience)),
        }
    }

    async fn answer(&mut self, id: u64, on_progress: &mut dyn FnMut(&str)) -> Result<Value, ClientError> {
        while let Some(line) = self.output.next_line().await? {
            let mut message: Value =
                serde_json::from_str(&line).map_err(|error| ClientError::Refused(format!("{error} in {line}")))?;
            if message["method"] == "notifications/progress" {
                on_progress(message.pointer("/params/message").and_then(Value::as_str).unwrap_or_default());
            } else if message["id"] == id {
                return match message.get_mut("result") {
                    Some(result) => Ok(result.take()),
                    None => Err(ClientError::Refused(message["error"].to_string())),
                };
            }
        }
        Err(ClientError::Gone)
    }

    async fn send(&mut self, message: &Value) -> Result<(), ClientError> {
        let line = format!("{message}\n");
        self.input.write_all(line.as_bytes()).await?;
        Ok(self.input.flush().await?)
    }
}
