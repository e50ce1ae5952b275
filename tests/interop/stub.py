"""A stand-in for the Messages API on loopback, scripted by a function from a request to what the model answers."""

import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def texts(content):
    """The texts of a content value, which is a string or a list of blocks."""
    if isinstance(content, str):
        return [content]
    return [block["text"] for block in content or [] if isinstance(block, dict) and "text" in block]


# How long a request may take to come, in seconds.
LIMIT = int(os.environ.get("INTEROP_LIMIT", "60"))


class Request:
    """One request for a message of the model."""

    def __init__(self, body):
        self.body = body
        self.messages = body.get("messages", [])

    def says(self, needle):
        """Whether any text that is not the model's contains this, tool results among them."""
        return any(needle in text for text in self.told())

    def told(self):
        """Every text that is not the model's, in order."""
        found = []
        for message in self.messages:
            if message["role"] == "assistant":
                continue
            found += texts(message["content"])
            if not isinstance(message["content"], str):
                for block in message["content"]:
                    if block.get("type") == "tool_result":
                        found += texts(block.get("content"))
        return found

    def tools(self):
        """The names of the tools on offer."""
        return [tool.get("name", "") for tool in self.body.get("tools", [])]

    def results(self):
        """The tool results since the model spoke last."""
        spoke = [at for at, message in enumerate(self.messages) if message["role"] == "assistant"]
        found = []
        for message in self.messages[spoke[-1] + 1 if spoke else 0 :]:
            if not isinstance(message["content"], str):
                for block in message["content"]:
                    if block.get("type") == "tool_result":
                        found.append("\n".join(texts(block.get("content"))))
        return found


def text(words):
    """The model says this and ends its turn."""
    return [{"type": "text", "text": words}]


def tool(name, arguments):
    """The model calls a tool."""
    return [{"type": "tool_use", "name": name, "input": arguments}]


class Stub:
    """The running stand-in. `script` takes a Request and gives blocks; it is asked from several threads."""

    def __init__(self, script):
        self.seen = []
        self.grew = threading.Condition()
        self.next_id = 0
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_HEAD(self):
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self):
                self.plain(404, {"type": "error", "error": {"type": "not_found_error", "message": "not served"}})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
                path = self.path.split("?")[0]
                if path == "/v1/messages/count_tokens":
                    self.plain(200, {"input_tokens": len(json.dumps(body)) // 4})
                elif path == "/v1/messages":
                    request = Request(body)
                    with stub.grew:
                        stub.seen.append(request)
                        stub.grew.notify_all()
                    self.message(script(request), body)
                else:
                    self.do_GET()

            def plain(self, status, value):
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def message(self, blocks, body):
                with stub.grew:
                    stub.next_id += 1
                    number = stub.next_id
                uses = any(block["type"] == "tool_use" for block in blocks)
                for at, block in enumerate(blocks):
                    if block["type"] == "tool_use":
                        block["id"] = f"toolu_{number}_{at}"
                stop = "tool_use" if uses else "end_turn"
                usage = {"input_tokens": 10, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
                whole = {
                    "id": f"msg_{number}", "type": "message", "role": "assistant", "model": body.get("model", "m"),
                    "content": blocks, "stop_reason": stop, "stop_sequence": None, "usage": {**usage, "output_tokens": 5},
                }
                if not body.get("stream"):
                    self.plain(200, whole)
                    return
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                start = {**whole, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
                self.event({"type": "message_start", "message": start})
                for at, block in enumerate(blocks):
                    if block["type"] == "tool_use":
                        begin = {**block, "input": {}}
                        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
                    else:
                        begin = {"type": "text", "text": ""}
                        delta = {"type": "text_delta", "text": block["text"]}
                    self.event({"type": "content_block_start", "index": at, "content_block": begin})
                    self.event({"type": "content_block_delta", "index": at, "delta": delta})
                    self.event({"type": "content_block_stop", "index": at})
                ended = {"stop_reason": stop, "stop_sequence": None}
                self.event({"type": "message_delta", "delta": ended, "usage": {"output_tokens": 5}})
                self.event({"type": "message_stop"})
                self.wfile.write(b"0\r\n\r\n")

            def event(self, value):
                data = f"event: {value['type']}\ndata: {json.dumps(value)}\n\n".encode()
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                """A connection that the client drops is the client's affair."""

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def wait_for(self, what, wanted, limit=LIMIT):
        """Waits until a request satisfies `wanted`; that request."""
        deadline = time.monotonic() + limit
        with self.grew:
            while True:
                for request in self.seen:
                    if wanted(request):
                        return request
                left = deadline - time.monotonic()
                if left <= 0:
                    last = [(request.told() or [""])[-1][:300] for request in self.seen]
                    raise AssertionError(f"no request within {limit} s: {what}; arrived: {json.dumps(last, indent=1)}")
                self.grew.wait(left)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
