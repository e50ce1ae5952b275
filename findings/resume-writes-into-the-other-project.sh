#!/usr/bin/env bash
# A session that is resumed in another directory goes on in the first project's transcript.
#
# Package:      @anthropic-ai/claude-code@2.1.332, from npm, in a temporary folder
# A good guess: a session belongs to the directory where it began: elsewhere its id is unknown (as in older versions), or the run
#               begins a transcript of its own.
# Seen:         the id is found from any directory. The run works in the new directory, the model gets the whole earlier
#               conversation, and all new lines are appended to the transcript in the first directory's folder; the new
#               directory gets none.
#
# The model is a stub of the Messages API on loopback: no account, no cost. Ends with 1 when the behaviour is no longer so.
set -euo pipefail

package=@anthropic-ai/claude-code@2.1.332
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --no-save --prefix "$scratch/cli" "$package"
claude=$(echo "$scratch"/cli/node_modules/@anthropic-ai/claude-code-*/claude)
"$claude" --version

python3 - "$claude" "$scratch" <<'PYTHON'
import http.server, json, os, pathlib, subprocess, sys, threading, time

claude, scratch = sys.argv[1], pathlib.Path(sys.argv[2])


def text(words):
    return {"type": "text", "text": words}


def tool(name, given):
    return {"type": "tool_use", "id": f"toolu_{time.monotonic_ns()}", "name": name, "input": given}


requests = []


def model(messages):
    requests.append(json.dumps(messages))
    return text("noted")


class Stub(http.server.BaseHTTPRequestHandler):
    """Answers each request for a message with the one block that `model` gives for the messages so far."""

    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        block = model(request["messages"])
        start = dict(block, text="") if block["type"] == "text" else dict(block, input={})
        delta = (
            {"type": "text_delta", "text": block["text"]}
            if block["type"] == "text"
            else {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        )
        usage = {"input_tokens": 10, "output_tokens": 5}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "content": [],
                   "stop_reason": None, "stop_sequence": None, "usage": usage}
        stop = "end_turn" if block["type"] == "text" else "tool_use"
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for event in (
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": start},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ):
            self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

    def log_message(self, *_):
        pass


stub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
threading.Thread(target=stub.serve_forever, daemon=True).start()


def run(prompt, *arguments, directory, **variables):
    """`claude -p` in a directory; the lines of its event stream."""
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(scratch / "home"), "ANTHROPIC_API_KEY": "dummy", "DISABLE_AUTOUPDATER": "1",
        "ANTHROPIC_BASE_URL": f"http://127.0.0.1:{stub.server_port}", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        **variables,
    }
    (scratch / "home").mkdir(exist_ok=True)
    (scratch / directory).mkdir(exist_ok=True)
    command = [claude, "-p", "--output-format=stream-json", "--verbose", "--permission-mode=default", *arguments]
    done = subprocess.run(command, cwd=scratch / directory, env=environment, input=prompt, text=True, capture_output=True,
                          timeout=120)
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


session = "11111111-2222-4333-8444-555555555555"
run("The number is 17.", f"--session-id={session}", directory="first")
transcripts = lambda: list((scratch / "home/.claude/projects").glob("*/*.jsonl"))
(before,) = transcripts()
size = before.stat().st_size
events = run("Which number?", f"--resume={session}", directory="second")
print(f"works in {events[0]['cwd']}, writes into .../{before.parent.name[-20:]}/{before.name}")
assert events[0]["cwd"].endswith("/second"), "it works elsewhere"
assert "The number is 17." in requests[-1], "the conversation is lost"
assert transcripts() == [before] and before.stat().st_size > size, "it writes elsewhere"
print("as it was")
PYTHON
