//! A stand-in for the Messages API on loopback: plain HTTP/1.1, one thread, scripted by a closure over each request.
//!
//! Only what the CLI uses is here. Whatever else it asks for gets a 404 and is recorded, so that a test can see it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::request::Request;

/// What the script answers to one `POST /v1/messages`.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A complete message.
    Message(Message),
    /// An HTTP error in the form of the Messages API.
    Error { status: u16, headers: Vec<(&'static str, String)>, kind: &'static str, message: String },
    /// The request is read and never answered; the connection stays open.
    Silence,
    /// The stream ends without notice in the middle of this text.
    CutMidText(String),
    /// The stream ends without notice after this complete text block.
    CutAfterBlock(String),
}

/// A message of the model.
#[derive(Clone, Debug)]
pub struct Message {
    pub blocks: Vec<Block>,
    pub stop_reason: Option<&'static str>,
    /// Wait before each event of a streamed answer.
    pub gap: Duration,
}

/// One content block.
#[derive(Clone, Debug)]
pub enum Block {
    Text(String),
    ToolUse { name: String, input: Value },
}

impl Reply {
    pub fn text(text: impl Into<String>) -> Self {
        Self::blocks(vec![Block::Text(text.into())])
    }

    pub fn tool(name: &str, input: Value) -> Self {
        Self::blocks(vec![Block::ToolUse { name: name.to_owned(), input }])
    }

    pub fn blocks(blocks: Vec<Block>) -> Self {
        let uses_tool = blocks.iter().any(|block| matches!(block, Block::ToolUse { .. }));
        let stop_reason = Some(if uses_tool { "tool_use" } else { "end_turn" });
        Self::Message(Message { blocks, stop_reason, gap: Duration::ZERO })
    }

    /// The same text, one event after another with this much time between them.
    pub fn slow_text(text: &str, gap: Duration) -> Self {
        let blocks = vec![Block::Text(text.to_owned())];
        Self::Message(Message { blocks, stop_reason: Some("end_turn"), gap })
    }

    pub fn error(status: u16, message: &str) -> Self {
        Self::error_with(status, message, Vec::new())
    }

    pub fn error_with(status: u16, message: &str, headers: Vec<(&'static str, String)>) -> Self {
        let kind = match status {
            400 => "invalid_request_error",
            401 => "authentication_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            529 => "overloaded_error",
            _ => "api_error",
        };
        Self::Error { status, headers, kind, message: message.to_owned() }
    }
}

type Script = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

struct Shared {
    script: Script,
    seen: Mutex<Vec<Request>>,
    grew: Condvar,
    next_id: AtomicU64,
}

/// The running stub. Dropping it ends its thread and every connection.
pub struct Stub {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Stub {
    pub fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let shared = Arc::new(Shared {
            script: Box::new(script),
            seen: Mutex::default(),
            grew: Condvar::new(),
            next_id: AtomicU64::new(1),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(accept(TcpListener::from_std, listener, shared, stopped));
            }
        });
        Self { shared, address, stop: Some(stop), thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything asked so far, in order of arrival.
    pub fn all(&self) -> Vec<Request> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// The requests for a message of the model so far, in order of arrival.
    pub fn messages(&self) -> Vec<Request> {
        self.all().into_iter().filter(Request::is_message).collect()
    }

    /// Waits until a request for a message satisfies `wanted`.
    pub fn wait_for(&self, limit: Duration, wanted: impl Fn(&Request) -> bool) -> Request {
        let deadline = Instant::now() + limit;
        let mut seen = self.shared.seen.lock().unwrap();
        loop {
            if let Some(found) = seen.iter().find(|request| request.is_message() && wanted(request)) {
                return found.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Whole bodies are 100 KB each; the last text of the user is what tells requests apart.
                let last = |request: &Request| (request.target.clone(), request.user_texts().pop());
                panic!("no such request within {limit:?}; arrived: {:#?}", seen.iter().map(last).collect::<Vec<_>>());
            }
            seen = self.shared.grew.wait_timeout(seen, left).unwrap().0;
        }
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the stub's thread has been printed there; a second one inside drop would abort the run.
            let _ = thread.join();
        }
    }
}

async fn accept(
    convert: fn(std::net::TcpListener) -> std::io::Result<TcpListener>,
    listener: std::net::TcpListener,
    shared: Arc<Shared>,
    mut stopped: oneshot::Receiver<()>,
) {
    let listener = convert(listener).unwrap();
    let mut connections = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            biased;
            _ = &mut stopped => return,
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                let shared = Arc::clone(&shared);
                // A connection that the client drops is the client's affair: it is often what a test is about.
                connections.spawn(async move { drop(serve(stream, &shared).await) });
            }
        }
    }
}

async fn serve(stream: TcpStream, shared: &Shared) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    while let Some(request) = read_request(&mut read).await? {
        {
            let mut seen = shared.seen.lock().unwrap();
            seen.push(request.clone());
            shared.grew.notify_all();
        }
        match (request.method.as_str(), request.path()) {
            ("HEAD", "/") => write.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await?,
            ("POST", "/v1/messages/count_tokens") => {
                // About four characters make a token.
                let tokens = request.body.to_string().len() / 4;
                respond(&mut write, 200, &[], &json!({"input_tokens": tokens})).await?;
            }
            ("POST", "/v1/messages") => {
                let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
                if !answer(&mut write, (shared.script)(&request), id, &request).await? {
                    return Ok(());
                }
            }
            _ => {
                let error = json!({"type": "not_found_error", "message": "not served by the stub"});
                respond(&mut write, 404, &[], &json!({"type": "error", "error": error})).await?;
            }
        }
    }
    Ok(())
}

async fn read_request(read: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if read.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        read.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut bytes = vec![0; length.unwrap_or(0)];
    read.read_exact(&mut bytes).await?;
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Ok(Some(Request { method, target, headers, body }))
}

/// Returns whether the connection may serve another request.
async fn answer(
    write: &mut (impl AsyncWriteExt + Unpin),
    reply: Reply,
    id: u64,
    request: &Request,
) -> std::io::Result<bool> {
    let model = request.body["model"].as_str().unwrap_or("none").to_owned();
    let message = match reply {
        Reply::Message(message) => message,
        Reply::Error { status, headers, kind, message } => {
            let body = json!({"type": "error", "error": {"type": kind, "message": message}});
            respond(write, status, &headers, &body).await?;
            return Ok(true);
        }
        Reply::Silence => std::future::pending().await,
        Reply::CutMidText(text) => return cut(write, &text, id, &model, CUT_MID_TEXT).await,
        Reply::CutAfterBlock(text) => return cut(write, &text, id, &model, CUT_AFTER_BLOCK).await,
    };
    if request.body["stream"] != json!(true) {
        respond(write, 200, &[], &whole(&message, id, &model)).await?;
        return Ok(true);
    }
    write.write_all(SSE_HEAD).await?;
    for event in events(&message, id, &model) {
        if !message.gap.is_zero() {
            tokio::time::sleep(message.gap).await;
        }
        write_event(write, &event).await?;
    }
    write.write_all(b"0\r\n\r\n").await?;
    Ok(true)
}

const SSE_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
/// Events sent before the cut: message_start, content_block_start, content_block_delta.
const CUT_MID_TEXT: usize = 3;
/// The same and content_block_stop.
const CUT_AFTER_BLOCK: usize = 4;

async fn cut(
    write: &mut (impl AsyncWriteExt + Unpin),
    text: &str,
    id: u64,
    model: &str,
    sent: usize,
) -> std::io::Result<bool> {
    let blocks = vec![Block::Text(text.to_owned())];
    let message = Message { blocks, stop_reason: Some("end_turn"), gap: Duration::ZERO };
    write.write_all(SSE_HEAD).await?;
    for event in events(&message, id, model).into_iter().take(sent) {
        write_event(write, &event).await?;
    }
    Ok(false)
}

async fn write_event(write: &mut (impl AsyncWriteExt + Unpin), event: &Value) -> std::io::Result<()> {
    let text = format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    write.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await?;
    write.flush().await
}

async fn respond(
    write: &mut (impl AsyncWriteExt + Unpin),
    status: u16,
    headers: &[(&'static str, String)],
    body: &Value,
) -> std::io::Result<()> {
    let body = body.to_string();
    let mut head =
        format!("HTTP/1.1 {status} Stub\r\nContent-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    write.write_all(format!("{head}\r\n{body}").as_bytes()).await
}

fn usage(output_tokens: u64) -> Value {
    json!({
        "input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
    })
}

fn content(block: &Block, id: u64, index: usize) -> Value {
    match block {
        Block::Text(text) => json!({"type": "text", "text": text}),
        Block::ToolUse { name, input } => {
            json!({"type": "tool_use", "id": format!("toolu_stub_{id}_{index}"), "name": name, "input": input})
        }
    }
}

fn whole(message: &Message, id: u64, model: &str) -> Value {
    let content: Vec<Value> =
        message.blocks.iter().enumerate().map(|(index, block)| content(block, id, index)).collect();
    json!({
        "id": format!("msg_stub_{id}"), "type": "message", "role": "assistant", "model": model, "content": content,
        "stop_reason": message.stop_reason, "stop_sequence": null, "usage": usage(5),
    })
}

fn events(message: &Message, id: u64, model: &str) -> Vec<Value> {
    let mut start = whole(message, id, model);
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    start["usage"] = usage(1);
    let mut events = vec![json!({"type": "message_start", "message": start})];
    for (index, block) in message.blocks.iter().enumerate() {
        let (empty, delta) = match block {
            Block::Text(text) => (json!({"type": "text", "text": ""}), json!({"type": "text_delta", "text": text})),
            Block::ToolUse { input, .. } => {
                let mut empty = content(block, id, index);
                empty["input"] = json!({});
                (empty, json!({"type": "input_json_delta", "partial_json": input.to_string()}))
            }
        };
        events.push(json!({"type": "content_block_start", "index": index, "content_block": empty}));
        events.push(json!({"type": "content_block_delta", "index": index, "delta": delta}));
        events.push(json!({"type": "content_block_stop", "index": index}));
    }
    let delta = json!({"stop_reason": message.stop_reason, "stop_sequence": null});
    events.push(json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 5}}));
    events.push(json!({"type": "message_stop"}));
    events
}
