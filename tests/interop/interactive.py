"""The real Claude Code in a terminal, with this product as its MCP server and a stand-in of the Messages API."""

import sys
import time
import traceback
import uuid

from stub import text, tool
from world import DISPATCH, ORDER, PROMPT, World, until

ANSWER = "the answer is forty-two"
WAITS = f"touch began\nwait-file go\nresult {ANSWER}"
STOP_IT = "Stop the task."


def delegating(request):
    """The model of A: dispatches once, then waits to be told."""
    if not request.says(ORDER) or DISPATCH not in request.tools():
        return text("ok")
    if request.says(ANSWER):
        return text("B has answered.")
    if request.results():
        return text("It runs in the background.")
    if request.says(STOP_IT):
        return text("Stopped.")
    return tool(DISPATCH, {"agent": "b", "task": "Find the answer.", "caller": "A"})


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


def killed_and_resumed(while_it_runs):
    session = str(uuid.uuid4())
    with World(delegating, WAITS) as world:
        terminal = world.interactive("--session-id", session)
        world.order(terminal, ORDER)
        told_of_task(world)
        job = world.record("running")
        terminal.wait_for("the end of the turn", "It runs in the background.")
        until("the transcript to have it", lambda: "It runs in the background." in world.transcript(session))
        servers = world.processes(" serve")
        terminal.close()
        until("the server to leave with its client", lambda: not set(servers) & set(world.processes(" serve")))
        assert world.record("running")["id"] == job["id"], "the run goes on without its client"
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
        assert len(world.records()) == 1, "nothing ran twice"


def finished_while_nobody_was_there():
    killed_and_resumed(while_it_runs=False)


def finished_after_the_resume():
    killed_and_resumed(while_it_runs=True)


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


SCENARIOS = [
    finished_while_nobody_was_there,
    finished_after_the_resume,
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
