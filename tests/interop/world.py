"""A scratch world for one scenario: home, project, an agent `b` that plays a scene, jobs, and a stand-in of the API."""

import json
import os
import shutil
import signal
import tempfile
import time
import uuid
from pathlib import Path

from stub import Stub
from terminal import Terminal

MARK = "AGENT_DISPATCH_INTEROP_WORLD"
KEY = "dummy-key-of-a-test-0123456789"
DISPATCH = "mcp__agent-dispatch__dispatch"
DISPATCH_PARALLEL = "mcp__agent-dispatch__dispatch_parallel"
ORDER = "Ask the agent of project B."
# What Claude Code shows where it takes keys.
PROMPT = "❯"

# The TypeScript SDK passes over progress that comes right before the answer.
TALKATIVE = "say working\ntool Bash {}\nsleep 300\nresult the answer"

PRODUCT = os.environ["INTEROP_PRODUCT"]
FAKE_CLAUDE = os.environ["INTEROP_FAKE_CLAUDE"]
CLAUDE = os.environ["INTEROP_CLAUDE"]


def until(what, ready, limit=60):
    """Waits for a condition, with a limit; what it gave."""
    deadline = time.monotonic() + limit
    while True:
        value = ready()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit} s in vain for {what}")
        time.sleep(0.02)


class World:
    """One world. Leaving the `with` block ends everything that was started in it."""

    def __init__(self, script, scene):
        self.root = Path(tempfile.mkdtemp(prefix="interop-"))
        self.mark = str(uuid.uuid4())
        self.stub = Stub(script)
        self.terminals = []
        for name in ("home", "project", "b", "tmp"):
            (self.root / name).mkdir()
        (self.root / "b" / ".fake-claude").write_text(scene)
        (self.root / "agents.yaml").write_text(f"agents:\n  b:\n    directory: {self.root / 'b'}\n")
        project = str(self.root / "project")
        trusted = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True, "projectOnboardingSeenCount": 1}
        (self.root / "home" / ".claude.json").write_text(json.dumps({
            "hasCompletedOnboarding": True, "theme": "dark", "bypassPermissionsModeAccepted": True,
            "customApiKeyResponses": {"approved": [KEY[-20:]], "rejected": []},
            "projects": {project: trusted, os.path.realpath(project): trusted},
        }))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for terminal in self.terminals:
            if kind is not None:
                print(f"--- the terminal showed at last:\n{terminal.plain()[-2500:]}\n---")
            terminal.close()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.stub.close()
        if os.environ.get("INTEROP_KEEP"):
            print(f"kept: {self.root}")
        else:
            shutil.rmtree(self.root, ignore_errors=True)

    def environment(self):
        """Nothing inherited but PATH."""
        root = self.root
        return {
            "PATH": os.environ["PATH"], "HOME": str(root / "home"), "TMPDIR": str(root / "tmp"), "TERM": "xterm-256color",
            "LANG": "C.UTF-8", "ANTHROPIC_BASE_URL": self.stub.url, "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1", "IS_SANDBOX": "1",
            "CLAUDE_CODE_MAX_RETRIES": "0", "AGENT_DISPATCH_CONFIG": str(root / "agents.yaml"),
            "AGENT_DISPATCH_JOBS_DIR": str(root / "jobs"), "AGENT_DISPATCH_CLAUDE": FAKE_CLAUDE, MARK: self.mark,
        }

    def arguments(self):
        """What makes Claude Code use this product and nothing else."""
        entry = {"command": PRODUCT, "args": ["serve"], "alwaysLoad": True}
        servers = json.dumps({"mcpServers": {"agent-dispatch": entry}})
        return ["--strict-mcp-config", f"--mcp-config={servers}", "--permission-mode=default",
                "--allowedTools=mcp__agent-dispatch"]

    def interactive(self, *more):
        """Claude Code in a terminal, ready for its first key."""
        terminal = Terminal([CLAUDE, *self.arguments(), *more], str(self.root / "project"), self.environment())
        self.terminals.append(terminal)
        return terminal

    def order(self, terminal, words):
        """Types a prompt when the program takes keys, and sends it."""
        terminal.wait_for("the prompt", PROMPT)
        terminal.type(words)
        terminal.wait_for("what was typed", words)
        time.sleep(0.3)  # A key that follows a paste at once belongs to it.
        terminal.type("\r")

    def transcript(self, session):
        """What Claude Code has written of a session; it writes a moment after it shows."""
        files = (self.root / "home").glob(f".claude/projects/*/{session}.jsonl")
        return "".join(path.read_text() for path in files)

    def records(self):
        """The job records."""
        found = []
        for path in (self.root / "jobs").glob("*.json"):
            try:
                found.append(json.loads(path.read_text()))
            except (OSError, ValueError):
                pass
        return found

    def record(self, status):
        """The only record that is no part of another's, once it has this status."""
        def look():
            records = [record for record in self.records() if "part_of" not in record]
            return records[0] if len(records) == 1 and records[0]["status"] == status else None
        return until(f"the job to be {status}", look)

    def go(self):
        """Lets the agent of project B go on that waits for it."""
        (self.root / "b" / "go").write_text("")

    def processes(self, part=""):
        """Processes that descend from this world whose command line holds `part`."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environ = (entry / "environ").read_bytes().split(b"\0")
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                except OSError:
                    continue
                if f"{MARK}={self.mark}".encode() in environ and part in command:
                    found.append(int(entry.name))
        return found

    def runs(self):
        """Processes of runs: what was started for a job."""
        return [pid for pid in self.processes() if b"AGENT_DISPATCH_JOB=" in self._environ(pid)]

    @staticmethod
    def _environ(pid):
        try:
            return Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return b""
