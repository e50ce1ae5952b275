"""The protocol's conformance suite against the tools over a loopback bridge.

The suite's other scenarios need tools, resources and prompts of fixed names, which only a fixture server has: those are
left out here by name, and everything else must pass.
"""

import os
import re
import subprocess
import sys

from world import World

BRIDGE = os.environ["INTEROP_BRIDGE"]
SUITE = [os.environ["INTEROP_NODE"], f"{os.environ['INTEROP_MODULES']}/node_modules/.bin/conformance", "server"]


def run(url, revision, world):
    """The suite's own words."""
    command = [*SUITE, "--url", url, "--requirements", revision]
    done = subprocess.run(command, cwd=world.root, env=os.environ, capture_output=True, text=True, timeout=600, check=False)
    return done.stdout + done.stderr


def main():
    with World(lambda _: [], "result the answer") as world:
        bridge = subprocess.Popen([BRIDGE], env=world.environment(), stdout=subprocess.PIPE, text=True)
        try:
            url = bridge.stdout.readline().strip()
            for revision in sys.argv[1:] or ["2025-11-25", "2026-07-28"]:
                print(run(url, revision, world))
        finally:
            bridge.kill()
            bridge.wait()


if __name__ == "__main__":
    sys.exit(main())
