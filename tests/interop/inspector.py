"""The MCP Inspector's command line as client, in both eras."""

import json
import os
import subprocess
import sys

from world import PRODUCT, World

INSPECTOR = [os.environ["INTEROP_NODE"], f"{os.environ['INTEROP_MODULES']}/node_modules/.bin/mcp-inspector", "--cli", "-q"]


def inspect(world, *arguments):
    """What it printed, as JSON."""
    # It gives its server nothing of its own environment but what it is told to.
    given = [f"{name}={value}" for name, value in world.environment().items() if name.startswith("AGENT_DISPATCH_")]
    command = [*INSPECTOR, *(part for pair in given for part in ("-e", pair)), PRODUCT, "serve", *arguments]
    done = subprocess.run(command, env=world.environment(), cwd=world.root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{arguments}: exit {done.returncode}: {done.stderr[-800:]} {done.stdout[-800:]}"
    return json.loads(done.stdout) if done.stdout.strip() else None


def main():
    steps = 0
    with World(lambda _: [], "result the answer") as world:
        for era in ([], ["--protocol-era", "modern"]):
            tools = inspect(world, *era, "--method", "tools/list", "--strict")
            assert len(tools["tools"]) >= 17, tools
            call = ["--method", "tools/call", "--tool-name", "dispatch", "--tool-arg", "agent=b", "task=t"]
            answer = inspect(world, *era, *call)
            assert json.loads(answer["content"][0]["text"])["result"] == "the answer", answer
            steps += 2
    print(f"MCP Inspector: {steps} passed, 0 failed")


if __name__ == "__main__":
    sys.exit(main())
