"""The real Claude Code in a terminal, with this product as its MCP server and a stand-in of the Messages API."""

import json
import os
import signal
import subprocess
import sys
import time
import traceback
import uuid

from stub import text, tool
from world import CLAUDE, DISPATCH, DISPATCH_PARALLEL, ORDER, PRODUCT, PROMPT, World, until

ANSWER = "the answer is forty-two"
WAITS = f"dump calls\ntouch began\nwait-file go\nresult {ANSWER}"
STOP_IT = "Stop the task."


def delegating(request, call=(DISPATCH, {"agent": "b", "task": "Find the answer.", "caller": "A"})):
    """The model of A: dispatches once, then waits to be told."""
    if not request.says(ORDER) or DISPATCH not in request.tools():
        return text("ok")
    if request.says(ANSWER):
        return text("B has answered.")
    if request.results():
        return text("It runs in the background.")
    if request.says(STOP_IT):
        return text("Stopped.")
    return tool(*call)


def delegating_twice(request):
    """As [`delegating`], two tasks in one call."""
    items = [{"agent": "b", "task": f"Find the {which} answer.", "caller": "A"} for which in ("first", "second")]
    return delegating(request, (DISPATCH_PARALLEL, {"dispatches": items}))


def told_of_task(world):
    """Waits until the model knows that its call became a task."""
    return world.stub.wait_for("the task", lambda request: any("task" in result for result in request.results()))


def notified(world):
    """Waits until the model is told the answer, which nobody asked for."""
    return world.stub.wait_for("the answer", lambda request: request.says(ANSWER) and request.says(ORDER))


def answer_wakes_the_idle_model():
    with World(delegating, WAITS) as world:
        terminal = world.interactive()
        world.order(terminal, ORDER)
        told_of_task(world)
        world.record("running")
        terminal.wait_for("the end of the turn", "It runs in the background.")
        world.go()
        request = notified(world)
        assert any("<task-notification>" in words and ANSWER in words for words in request.told()), request.told()[-3:]
        terminal.wait_for("the model's reaction", "B has answered.")


def killed_and_resumed(while_it_runs, script=delegating, runs=1, also_its_supervisor=False):
    session = str(uuid.uuid4())
    with World(script, WAITS) as world:
        terminal = world.interactive("--session-id", session)
        world.order(terminal, ORDER)
        told_of_task(world)
        job = world.record("running")
        until("the runs", lambda: len(world.processes("--session-id=")) == runs)
        terminal.wait_for("the end of the turn", "It runs in the background.")
        until("the transcript to have it", lambda: "It runs in the background." in world.transcript(session))
        servers = world.processes(" serve")
        terminal.close()
        until("the server to leave with its client", lambda: not set(servers) & set(world.processes(" serve")))
        assert world.record("running")["id"] == job["id"], "the run goes on without its client"
        if also_its_supervisor:
            for pid in world.processes(job["id"]):
                os.kill(pid, signal.SIGKILL)
        if not while_it_runs:
            world.go()
            world.record("done")
        assert not any(request.says(ANSWER) for request in world.stub.seen)
        resumed = world.interactive("--resume", session)
        if while_it_runs:
            resumed.wait_for("the prompt", PROMPT)
            until("a new server", lambda: world.processes(" serve"))
            world.go()
        request = notified(world)
        assert any("<task-notification>" in words and ANSWER in words for words in request.told()), request.told()[-3:]
        resumed.wait_for("the model's reaction", "B has answered.")
        until("its own record to be all that is left", lambda: len(world.records()) == 1)
        assert len((world.root / "b" / "calls").read_text().splitlines()) == runs, "nothing ran twice"


def finished_while_nobody_was_there():
    killed_and_resumed(while_it_runs=False)


def finished_after_the_resume():
    killed_and_resumed(while_it_runs=True)


def several_at_once_go_on_when_all_are_killed():
    killed_and_resumed(while_it_runs=True, script=delegating_twice, runs=2, also_its_supervisor=True)


def task_stop_ends_the_run():
    def script(request):
        task = next((words for words in request.told() if "background as task" in words), None)
        if request.says(STOP_IT) and task and not any("stopped" in result.lower() for result in request.results()):
            number = task.split("background as task", 1)[1].split()[0].strip(" .`'\"")
            return tool("TaskStop", {"task_id": number})
        return delegating(request)

    with World(script, f"spawn-setsid pid=out ignore-term\n{WAITS}") as world:
        terminal = world.interactive()
        world.order(terminal, ORDER)
        told_of_task(world)
        until("the run", lambda: (world.root / "b" / "began").exists())
        runs = world.runs()
        assert len(runs) >= 2, "claude and what it started"
        terminal.wait_for("the end of the turn", "It runs in the background.")
        world.order(terminal, STOP_IT)
        assert "dispatch_session(" in world.record("cancelled")["error"]
        until("nothing to be left of the run", lambda: not world.runs())


def escape_ends_the_run():
    """A plain call, as a client that has Tasks switched off makes it."""
    with World(delegating, WAITS) as world:
        environment = world.environment
        world.environment = lambda: {**environment(), "CLAUDE_CODE_DISABLE_MCP_TASKS": "1"}
        terminal = world.interactive()
        world.order(terminal, ORDER)
        until("the run", lambda: (world.root / "b" / "began").exists())
        assert world.runs()
        time.sleep(0.5)  # The terminal draws the call before it takes the key.
        terminal.type("\x1b")
        world.record("cancelled")
        until("nothing to be left of the run", lambda: not world.runs())


def every_tool_reaches_the_model_of_a_headless_client():
    """One schema that Claude Code does not take would cost it the tool, or all of them."""
    with World(delegating, f"result {ANSWER}") as world:
        meta = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "interop", "version": "1"}}
        asked = [
            {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": meta},
            {"jsonrpc": "2.0", "method": "notifications/initialized"},
            {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
        ]
        lines = "".join(json.dumps(message) + "\n" for message in asked)
        served = subprocess.run(
            [PRODUCT, "serve"], input=lines, env=world.environment(), capture_output=True, text=True, timeout=60, check=True
        )
        tools = json.loads(served.stdout.splitlines()[-1])["result"]["tools"]
        command = [CLAUDE, "-p", "--output-format=json", *world.arguments()]
        done = subprocess.run(
            command, input=ORDER, env=world.environment(), cwd=world.root / "project", capture_output=True, text=True,
            timeout=90, check=False,
        )
        assert done.returncode == 0, done.stderr[-1000:]
        request = world.stub.wait_for("the order", lambda request: request.says(ORDER) and request.tools())
        reached = {name for name in request.tools() if name.startswith("mcp__agent-dispatch__")}
        assert reached == {f"mcp__agent-dispatch__{tool['name']}" for tool in tools}, reached
        # No Tasks here: the call waits, and its answer is the tool's result.
        assert json.loads(done.stdout)["result"] == "B has answered.", done.stdout
        assert not world.records(), "an answer that was delivered leaves no record"
        print(f"          {len(reached)} tools", flush=True)


SCENARIOS = [
    every_tool_reaches_the_model_of_a_headless_client,
    finished_while_nobody_was_there,
    finished_after_the_resume,
    several_at_once_go_on_when_all_are_killed,
    answer_wakes_the_idle_model,
    task_stop_ends_the_run,
    escape_ends_the_run,
]


def main():
    wanted = sys.argv[1:]
    passed = failed = 0
    for scenario in SCENARIOS:
        if wanted and scenario.__name__ not in wanted:
            continue
        started = time.monotonic()
        try:
            scenario()
            passed += 1
            print(f"  ok      {scenario.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception:  # Whatever it was, the others are run as well.
            failed += 1
            print(f"  FAILED  {scenario.__name__}\n{traceback.format_exc()}", flush=True)
    print(f"interactive Claude Code: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
