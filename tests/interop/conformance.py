"""The protocol's conformance suite against the tools, over HTTP on loopback (the suite speaks nothing else).

Many of its scenarios call tools, prompts and resources of fixed names that only a fixture server has: they are named here
and counted apart. Every other check must pass.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from world import World

BRIDGE = os.environ["INTEROP_BRIDGE"]
SUITE = [os.environ["INTEROP_NODE"], f"{os.environ['INTEROP_MODULES']}/node_modules/.bin/conformance", "server"]
REVISIONS = ["2025-11-25", "2026-07-28"]
# Scenarios about tools, prompts, resources and completions that only the suite's own fixture server has.
FIXTURES = re.compile(
    r"^(tools-call-(image|audio|embedded-resource|mixed-content|with-logging|with-progress|sampling|elicitation)"
    r"|elicitation-.*|resources-.*|sep-2164-.*|prompts-.*|completion-complete|input-required-result-.*|json-schema-2020-12"
    r"|tasks-.*|server-sse-polling|http-custom-header-server-validation)$"
)
# Single checks of other scenarios that need the fixture tool `test_missing_capability`.
FIXTURE_CHECKS = {"sep-2575-server-rejects-undeclared-capability", "sep-2575-missing-capability-http-400"}


def run(url, revision, output):
    """Failed checks by scenario, and how many checks and scenarios passed without any."""
    command = [*SUITE, "--url", url, "--requirements", revision, "-o", output]
    done = subprocess.run(command, env=os.environ, capture_output=True, text=True, timeout=600, check=False)
    whole = re.findall(r"^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed", done.stdout + done.stderr, re.M)
    assert whole, (done.stdout + done.stderr)[-2000:]
    failed = {}
    for path in Path(output).glob("*/checks.json"):
        name = re.sub(r"^server-|-\d{4}-\d\d-\d\dT.*$", "", path.parent.name)
        found = [check for check in json.loads(path.read_text()) if check.get("status") == "FAILURE"]
        if found:
            failed[name] = found
    return whole, failed


def main():
    wrong = 0
    with World(lambda _: [], "result the answer") as world:
        bridge = subprocess.Popen([BRIDGE], env=world.environment(), stdout=subprocess.PIPE, text=True)
        try:
            url = bridge.stdout.readline().strip()
            for revision in REVISIONS:
                with tempfile.TemporaryDirectory() as output:
                    whole, failed = run(url, revision, output)
                ours = 0
                for name, checks in failed.items():
                    for check in checks:
                        if not FIXTURES.match(name) and check["id"] not in FIXTURE_CHECKS:
                            ours += 1
                            print(f"  FAILED  {name}: {check['id']}: {check.get('errorMessage')}")
                generic = [(name, int(passed)) for name, passed, _ in whole if not FIXTURES.match(name)]
                all_passed = sum(int(passed) for _, passed, _ in whole)
                all_failed = sum(int(count) for _, _, count in whole)
                print(f"  {revision}: {len(generic)} scenarios that need no fixture, {sum(p for _, p in generic)} checks passed, "
                      f"{ours} failed; with those that need one: {all_passed} passed, {all_failed} failed")
                wrong += ours
        finally:
            bridge.kill()
            bridge.wait()
    print(f"conformance: {wrong} failed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
