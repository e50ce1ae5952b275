//! Speaks MCP to a server: one line for each message.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::Result;
use crate::rounds::ms;
use crate::subject::Subject;

/// What a server gets as standard input and output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Two pipes, as from Python.
    Pipes,
    /// Two sockets, as from Claude Code and everything else on Node.
    Sockets,
}

/// A running server and the connection to it.
pub struct Client {
    child: Child,
    to: Box<dyn Write + Send>,
    from: Box<dyn BufRead + Send>,
    next_id: u64,
    line: String,
}

impl Client {
    /// Starts a server.
    pub fn start(subject: &Subject, link: Link) -> Result<Self> {
        let mut command = subject.command();
        command.stderr(Stdio::null());
        match link {
            Link::Pipes => {
                let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
                let to = child.stdin.take().ok_or("no standard input")?;
                let from = child.stdout.take().ok_or("no standard output")?;
                Ok(Self::over(child, to, from))
            }
            Link::Sockets => {
                let (to, input) = UnixStream::pair()?;
                let (from, output) = UnixStream::pair()?;
                from.shutdown(Shutdown::Write)?;
                let child = command.stdin(OwnedFd::from(input)).stdout(OwnedFd::from(output)).spawn()?;
                // The server's ends are closed here with the command, so that its death is noticed.
                drop(command);
                Ok(Self::over(child, to, from))
            }
        }
    }

    /// Starts a server and greets it.
    pub fn greeted(subject: &Subject, link: Link) -> Result<Self> {
        let mut client = Self::start(subject, link)?;
        client.greet()?;
        Ok(client)
    }

    fn over(child: Child, to: impl Write + Send + 'static, from: impl Read + Send + 'static) -> Self {
        let from = Box::new(BufReader::with_capacity(64 * 1024, from));
        Self { child, to: Box::new(to), from, next_id: 0, line: String::new() }
    }

    /// The server's process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// `initialize`, answered.
    pub fn initialize(&mut self) -> Result<()> {
        let params = json!({
            "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "budgets", "version": "1"}
        });
        let id = self.send("initialize", &params)?;
        self.receive(id)
    }

    /// `server/discover`, answered: how a client begins that speaks the protocol without `initialize`.
    pub fn discover(&mut self) -> Result<()> {
        let params = json!({"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "budgets", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}
        }});
        let id = self.send("server/discover", &params)?;
        self.receive(id)
    }

    fn greet(&mut self) -> Result<()> {
        self.initialize()?;
        Ok(self.to.write_all(b"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n")?)
    }

    /// Sends a request and says its id.
    pub fn send(&mut self, method: &str, params: &Value) -> Result<u64> {
        self.next_id += 1;
        let id = self.next_id;
        let line = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"method\":\"{method}\",\"params\":{params}}}\n");
        self.to.write_all(line.as_bytes())?;
        self.to.flush()?;
        Ok(id)
    }

    /// Reads up to the response to `id`, which is then in [`Self::response`]. A response is told from a notification by
    /// its id alone, near its begin or its end: parsing would cost more than what is measured.
    pub fn receive(&mut self, id: u64) -> Result<()> {
        let mark = format!("\"id\":{id}");
        loop {
            self.next_line()?;
            let line = self.line.as_bytes();
            let (head, tail) = (&line[..line.len().min(100)], &line[line.len().saturating_sub(100)..]);
            if [head, tail].iter().any(|part| part.windows(mark.len()).any(|window| window == mark.as_bytes())) {
                return Ok(());
            }
        }
    }

    fn next_line(&mut self) -> Result<()> {
        self.line.clear();
        if self.from.read_line(&mut self.line)? == 0 {
            return Err("the server has closed its output".into());
        }
        Ok(())
    }

    /// Reads until so many responses have come, whatever their order.
    pub fn receive_all(&mut self, count: usize) -> Result<()> {
        let mut seen = 0;
        while seen < count {
            self.next_line()?;
            if self.line.contains("\"result\":") {
                seen += 1;
                check(&self.line)?;
            }
        }
        Ok(())
    }

    /// The last line that was received.
    pub fn response(&self) -> &str {
        self.line.trim_end()
    }

    /// Calls a tool, waits for its answer and says how long that took, in milliseconds. An answer that reports a
    /// failure is an error: it would be quick for the wrong reason.
    pub fn call(&mut self, tool: &str, arguments: &Value) -> Result<f64> {
        let params = json!({"name": tool, "arguments": arguments});
        let begin = Instant::now();
        let id = self.send("tools/call", &params)?;
        self.receive(id)?;
        let took = ms(begin.elapsed());
        check(&self.line)?;
        Ok(took)
    }
}

/// A tool's answer must not be a failure.
fn check(line: &str) -> Result<()> {
    let end = line.len().min(10_000);
    let shown = line.get(..end).unwrap_or("");
    let failed = ["\"isError\":true", "\\\"success\\\":false", "\\\"success\\\": false", "\"error\":{"];
    if failed.iter().any(|mark| shown.contains(mark)) {
        return Err(format!("a call failed: {}", shown.trim_end().chars().take(500).collect::<String>()).into());
    }
    Ok(())
}

impl Drop for Client {
    fn drop(&mut self) {
        // An error says that it is gone already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
