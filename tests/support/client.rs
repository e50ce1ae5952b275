//! A client that speaks MCP line by line, so that it can also misbehave.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::world::World;
use super::{PATIENCE, processes};

/// What the server has for standard input and output: Claude Code and Node give sockets, Python gives pipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Pipes,
    Sockets,
}

/// How the session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// `initialize`, then the rest.
    Handshake,
    /// Every request carries who sends it.
    Stateless,
    /// Likewise, and that tasks are taken for answers.
    Tasks,
}

/// A server and the client's ends of its streams.
pub struct Client {
    pub child: Child,
    input: Option<Box<dyn Write + Send>>,
    output: Option<Box<dyn Read + Send>>,
    lines: Option<Receiver<String>>,
    kept: VecDeque<Value>,
    era: Era,
    next_id: u64,
}

impl Client {
    /// Starts a server in the world and begins a session over pipes.
    pub fn new(world: &World) -> Self {
        Self::begin(world, Wire::Pipes, Era::Handshake)
    }

    /// Starts a server and begins a session.
    pub fn begin(world: &World, wire: Wire, era: Era) -> Self {
        let mut client = Self::silent(world.serve(), wire);
        client.era = era;
        if era == Era::Handshake {
            client.initialize();
        }
        client
    }

    /// Starts a server and says nothing. Nothing is read from it until an answer is waited for.
    pub fn silent(mut command: Command, wire: Wire) -> Self {
        command.stderr(Stdio::null());
        let (child, input, output): (Child, Box<dyn Write + Send>, Box<dyn Read + Send>) = match wire {
            Wire::Pipes => {
                let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
                let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
                (child, Box::new(input), Box::new(output))
            }
            Wire::Sockets => {
                let (ours_in, theirs_in) = UnixStream::pair().unwrap();
                let (ours_out, theirs_out) = UnixStream::pair().unwrap();
                command.stdin(OwnedFd::from(theirs_in)).stdout(OwnedFd::from(theirs_out));
                let child = command.spawn().unwrap();
                // The command keeps the server's ends open as long as it lives.
                drop(command);
                (child, Box::new(ours_in), Box::new(ours_out))
            }
        };
        let (input, output) = (Some(input), Some(output));
        Self { child, input, output, lines: None, kept: VecDeque::new(), era: Era::Handshake, next_id: 1 }
    }

    /// `initialize` and its confirmation.
    pub fn initialize(&mut self) -> Value {
        let id = self.initialize_unread();
        self.answer(id)
    }

    /// As [`Self::initialize`], for a client that does not read yet; the id of the request.
    pub fn initialize_unread(&mut self) -> u64 {
        let params = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"}});
        let id = self.request("initialize", params);
        self.notify("notifications/initialized", json!({}));
        id
    }

    /// Sends a request; its id.
    pub fn request(&mut self, method: &str, params: Value) -> u64 {
        let (id, message) = self.message(method, params);
        self.send(&message);
        id
    }

    /// A request as it is written, and its id.
    fn message(&mut self, method: &str, mut params: Value) -> (u64, Value) {
        let id = self.next_id;
        self.next_id += 1;
        if self.era != Era::Handshake {
            let meta = &mut params["_meta"];
            meta["io.modelcontextprotocol/protocolVersion"] = json!("2026-07-28");
            meta["io.modelcontextprotocol/clientInfo"] = json!({"name": "test", "version": "1"});
            let tasks = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
            let capabilities = if self.era == Era::Tasks { tasks } else { json!({}) };
            meta["io.modelcontextprotocol/clientCapabilities"] = capabilities;
        }
        (id, json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
    }

    /// Sends a notification.
    pub fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Calls a tool; the request's id.
    pub fn call(&mut self, tool: &str, arguments: Value) -> u64 {
        self.request("tools/call", json!({"name": tool, "arguments": arguments}))
    }

    /// As [`Self::call`], with a progress token, which is the id of the request.
    pub fn call_with_progress(&mut self, tool: &str, arguments: Value) -> u64 {
        let token = self.next_id;
        self.request("tools/call", json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": token}}))
    }

    /// Calls a tool and waits for what it says.
    pub fn ask(&mut self, tool: &str, arguments: Value) -> Value {
        let id = self.call(tool, arguments);
        self.said(id)
    }

    /// As [`Self::ask`], of a server that may die of it.
    pub fn try_ask(&mut self, tool: &str, arguments: Value) -> Option<Value> {
        self.try_request("tools/call", json!({"name": tool, "arguments": arguments})).as_ref().map(said)
    }

    /// The whole answer of a server that may die of the request.
    pub fn try_request(&mut self, method: &str, params: Value) -> Option<Value> {
        let (id, request) = self.message(method, params);
        self.input.as_mut()?.write_all(format!("{request}\n").as_bytes()).ok()?;
        let answer = self.wait_within(PATIENCE, |message| message["id"] == id && message.get("method").is_none());
        assert!(
            answer.is_some() || self.child.try_wait().unwrap().is_some() || self.is_silent(),
            "no answer to {method}"
        );
        answer
    }

    /// Whether its output has ended, as that of a process that is about to be gone.
    fn is_silent(&self) -> bool {
        self.lines.as_ref().is_some_and(|lines| lines.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected))
    }

    /// Takes a request back.
    pub fn cancel(&mut self, id: u64) {
        self.notify("notifications/cancelled", json!({"requestId": id, "reason": "no longer wanted"}));
    }

    pub fn send(&mut self, message: &Value) {
        let mut line = message.to_string().into_bytes();
        line.push(b'\n');
        self.send_bytes(&line);
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) {
        let input = self.input.as_mut().unwrap();
        input.write_all(bytes).unwrap();
        input.flush().unwrap();
    }

    /// The whole message that answers a request.
    pub fn answer(&mut self, id: u64) -> Value {
        self.wait("an answer", |message| message["id"] == id && message.get("method").is_none())
    }

    /// As [`Self::said`], for an answer whose size takes its time in a build that is not optimised.
    pub fn said_at_length(&mut self, id: u64) -> Value {
        let answer = self.wait_within(10 * PATIENCE, |message| message["id"] == id && message.get("method").is_none());
        said(&answer.unwrap())
    }

    /// What the tool said in answer to a request, which it must have said as one text of JSON.
    pub fn said(&mut self, id: u64) -> Value {
        let answer = self.answer(id);
        said(&answer)
    }

    /// The first message that matches, among those kept and those to come.
    pub fn wait(&mut self, what: &str, matches: impl Fn(&Value) -> bool) -> Value {
        self.wait_within(PATIENCE, &matches).unwrap_or_else(|| panic!("no {what}; other messages: {:#?}", self.kept))
    }

    /// As [`Self::wait`], or nothing when none comes in time.
    pub fn wait_within(&mut self, limit: Duration, matches: impl Fn(&Value) -> bool) -> Option<Value> {
        if let Some(at) = self.kept.iter().position(&matches) {
            return self.kept.remove(at);
        }
        let deadline = Instant::now() + limit;
        self.read();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.as_ref().unwrap().recv_timeout(left) {
                Ok(line) => {
                    let message: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("not JSON: {line}"));
                    if matches(&message) {
                        return Some(message);
                    }
                    self.kept.push_back(message);
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// Messages that came while others were waited for.
    pub fn kept(&self, method: &str) -> Vec<Value> {
        self.kept.iter().filter(|message| message["method"] == method).cloned().collect()
    }

    /// Begins to read what the server writes, as fast as it writes.
    pub fn read(&mut self) {
        let Some(output) = self.output.take() else { return };
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            // Ends with the server, or with the client that drops the receiver.
            for line in BufReader::with_capacity(1 << 20, output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        self.lines = Some(receiver);
    }

    /// Closes the server's input.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Closes the server's output, of which nothing has been read by a thread.
    pub fn close_output(&mut self) {
        assert!(self.lines.is_none(), "a thread reads it");
        self.output = None;
    }

    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Waits for the end of the server.
    pub fn ended(&mut self) -> ExitStatus {
        processes::ended(&mut self.child)
    }

    /// Waits for the end of the server; how long that took from now.
    pub fn leaves_after(&mut self) -> Duration {
        let start = Instant::now();
        self.ended();
        start.elapsed()
    }

    /// Ends the session as a client does that is done.
    pub fn bye(mut self) {
        self.close_input();
        self.ended();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Gone already after an orderly end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a tool said in an answer.
pub fn said(answer: &Value) -> Value {
    let content = &answer["result"]["content"];
    assert_eq!(content.as_array().map(Vec::len), Some(1), "one block of text: {answer}");
    serde_json::from_str(content[0]["text"].as_str().unwrap()).unwrap_or_else(|_| panic!("not JSON: {content}"))
}
