"""The packages, installed by npm from a registry on loopback, with none of this machine's Rust on PATH."""

import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest
from pathlib import Path

from product import DIRECTORY, OUT, ROOT
from registry import Registry, with_version

SYSTEM = {"Linux": "linux", "Darwin": "darwin"}[platform.system()]
PROCESSOR = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]
TARGET = (
    f"{platform.machine().replace('arm64', 'aarch64')}-{'unknown-linux-musl' if SYSTEM == 'linux' else 'apple-darwin'}"
)
PLATFORM_PACKAGE = f"agent-dispatch-{SYSTEM}-{PROCESSOR}"
BUILT = DIRECTORY / "bin" / TARGET / "agent-dispatch"
# Older than any version there is.
OLD = "0.0.1"
# How long a command may take, in seconds. The demo, the longest, takes four.
LIMIT = 120
# Starts of each kind that are measured, in turns: enough for a median, in a second or two.
STARTS = 25
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "check", "version": "1"}},
}
# Does what init needs of the claude CLI, and keeps what it was told.
CLAUDE = """#!/bin/sh
[ "$1 $2 $3" = "mcp add-json agent-dispatch" ] || { echo "2.1.332 (Claude Code)"; exit; }
printf '%s' "$4" >"$HOME/registered.json"
printf '{"mcpServers": {"agent-dispatch": %s}}' "$4" >"$HOME/.claude.json"
"""


def tarballs():
    """What the maker made, by name, of the version that Cargo.toml says."""
    found = {}
    for file in sorted(OUT.glob("agent-dispatch*.tgz")):
        with tarfile.open(file) as archive:
            manifest = json.load(archive.extractfile("package/package.json"))
        found.setdefault(manifest["version"], {})[manifest["name"]] = file
    version = next(
        line.split('"')[1] for line in (ROOT / "Cargo.toml").read_text().splitlines() if line.startswith("version = ")
    )
    made = found.get(version, {})
    missing = [name for name in ("agent-dispatch", PLATFORM_PACKAGE) if name not in made]
    if missing:
        sys.exit(f"error: {OUT} has no {' and no '.join(missing)} {version}\nhint: packages/npm/make makes them")
    if not BUILT.is_file():
        sys.exit(f"error: {BUILT} is not there\nhint: packages/build makes it")
    return version, made


def setUpModule():
    global VERSION, MADE, REGISTRY
    for tool in ("node", "npm", "npx"):
        if not shutil.which(tool):
            sys.exit(f"error: {tool} is not on PATH\nhint: install Node.js with npm")
    VERSION, MADE = tarballs()
    REGISTRY = Registry()
    for version in (OLD, VERSION):
        for tarball in MADE.values():
            content = tarball.read_bytes()
            REGISTRY.publish(with_version(content, version) if version == OLD else content)


class Case(unittest.TestCase):
    """A home, a prefix and a project of their own, all empty."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="agent-dispatch-npm-")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name).resolve()
        self.home = self.root / "home"
        self.prefix = self.root / "prefix"
        self.work = self.root / "work"
        self.tools = self.root / "tools"
        for directory in (self.home, self.work, self.tools):
            directory.mkdir()
        # Their own directory may be that of other programs.
        for tool in ("node", "npm", "npx"):
            (self.tools / tool).symlink_to(shutil.which(tool))
        (self.tools / "claude").write_text(CLAUDE)
        (self.tools / "claude").chmod(0o755)
        (self.work / "package.json").write_text("{}")
        self.env = {
            "HOME": str(self.home),
            "PATH": f"{self.prefix}/bin:{self.tools}:/usr/bin:/bin",
            "npm_config_registry": REGISTRY.url,
            "npm_config_prefix": str(self.prefix),
            "npm_config_audit": "false",
            "npm_config_fund": "false",
            "npm_config_update_notifier": "false",
            "npm_config_yes": "true",
        }

    def start(self, *command, **options):
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.work, env=self.env, stdin=pipe, stdout=pipe, stderr=pipe, **options)

    def attempt(self, *command):
        return subprocess.run(
            command,
            cwd=self.work,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LIMIT,
        )

    def run_well(self, *command):
        done = self.attempt(*command)
        self.assertEqual(done.returncode, 0, f"{command} says: {done.stdout}{done.stderr}")
        return done.stdout

    def installed(self):
        """The program of the global installation."""
        return self.prefix / "lib/node_modules/agent-dispatch/node_modules" / PLATFORM_PACKAGE / "bin/agent-dispatch"

    def demo(self, *command):
        told = self.run_well(*command, "demo")
        self.assertIn("The demo has left nothing behind.", told)
        return told

    def registers(self, program):
        self.run_well("agent-dispatch", "init")
        registered = json.loads((self.home / "registered.json").read_text())
        self.assertEqual((registered["command"], registered["args"]), (str(program), ["serve"]))


class Installs(Case):
    def test_no_scripts(self):
        """Many users switch them off."""
        for package in REGISTRY.packages.values():
            self.assertNotIn("scripts", package["versions"][VERSION])

    def test_for_all_projects(self):
        self.run_well("npm", "install", "--global", f"agent-dispatch@{OLD}")
        before = self.installed().stat()
        self.run_well("npm", "install", "--global", "agent-dispatch")
        manifest = json.loads((self.prefix / "lib/node_modules/agent-dispatch/package.json").read_text())
        self.assertEqual(manifest["version"], VERSION)
        # What is registered stays where it is from version to version.
        self.assertNotEqual(self.installed().stat().st_ino, before.st_ino)
        self.assertEqual(self.installed().read_bytes(), BUILT.read_bytes())
        others = os.listdir(self.installed().parents[2])
        self.assertEqual([name for name in others if not name.startswith(".")], [PLATFORM_PACKAGE])
        files = self.files(self.prefix)
        self.assertEqual(self.run_well("agent-dispatch", "--version"), f"agent-dispatch {VERSION}\n")
        told = self.demo("agent-dispatch")
        self.assertNotIn("not on PATH", told)
        self.registers(self.installed())
        report = self.attempt("agent-dispatch", "doctor").stdout
        self.assertIn(
            f"ok       on PATH: {self.prefix}/bin/agent-dispatch, a script that starts this version\n", report
        )
        self.assertIn(f"ok       registered: {self.installed()} serve (user scope", report)
        # It may be read-only: nothing is ever written there.
        self.assertEqual(self.files(self.prefix), files)
        self.manual()
        self.run_well("npm", "uninstall", "--global", "agent-dispatch")
        left = [path for path in self.prefix.rglob("*") if not path.is_dir() and ".package-lock.json" != path.name]
        self.assertEqual(left, [])

    def files(self, directory):
        return {path: path.lstat().st_mtime_ns for path in directory.rglob("*")}

    def manual(self):
        """npm puts the manual where `man` looks; there is none where the pages were not made."""
        pages = sorted(path.name for path in (DIRECTORY / "pages/man").glob("*.1"))
        installed = self.prefix / "share/man/man1"
        self.assertEqual(sorted(os.listdir(installed)) if installed.is_dir() else [], pages)

    def test_for_one_project_without_a_registry(self):
        self.env["npm_config_registry"] = "http://127.0.0.1:1"
        self.run_well(
            "npm", "install", "--offline", *(str(MADE[name]) for name in ("agent-dispatch", PLATFORM_PACKAGE))
        )
        self.assertEqual(
            self.run_well("npx", "--offline", "agent-dispatch", "--version"), f"agent-dispatch {VERSION}\n"
        )

    def test_for_one_call(self):
        told = self.demo("npx", "agent-dispatch")
        self.assertIn(
            "(This agent-dispatch is in the cache of npx; to install it: npm install --global agent-dispatch)", told
        )
        done = self.attempt("npx", "agent-dispatch", "init")
        self.assertIn("is in the cache of npx, from which it may be removed at any time", done.stderr)
        self.assertEqual(done.returncode, 0, done.stderr)


class SaysWhatIsWrong(Case):
    def test_without_optional_dependencies(self):
        self.run_well("npm", "install", "--omit=optional", "agent-dispatch")
        program = str(self.work / "node_modules/.bin/agent-dispatch")
        done = self.attempt(program, "demo")
        beside = f"is not beside {self.work}/node_modules/agent-dispatch\n"
        self.assertIn(f"error: the package {PLATFORM_PACKAGE}, which holds the program, {beside}", done.stderr)
        self.assertEqual(done.returncode, 1)
        # The way out that it names.
        self.run_well("npm", "install")
        self.assertEqual(self.run_well(program, "--version"), f"agent-dispatch {VERSION}\n")

    def test_on_other_systems(self):
        for system, processor in (("win32", "x64"), ("linux", "arm")):
            # npm's own --os and --cpu choose among optional dependencies only.
            other = self.root / "other.js"
            other.write_text(
                f"for (const [name, value] of Object.entries({{platform: '{system}', arch: '{processor}'}}))\n"
                "  Object.defineProperty(process, name, {value});\n"
            )
            self.env["NODE_OPTIONS"] = f"--require {other}"
            done = self.attempt("npm", "install", "agent-dispatch")
            self.assertIn("EBADPLATFORM", done.stderr)
            self.assertIn(f"Unsupported platform for agent-dispatch@{VERSION}", done.stderr)
            self.assertNotEqual(done.returncode, 0)
            self.assertFalse((self.work / "node_modules/agent-dispatch").exists())

    def test_each_system_gets_its_program(self):
        # Whatever is here to install; without programs for the others these are not made.
        for name in sorted(MADE):
            if name == "agent-dispatch":
                continue
            system, processor = name.rsplit("-", 2)[1:]
            shutil.rmtree(self.work / "node_modules", ignore_errors=True)
            (self.work / "package-lock.json").unlink(missing_ok=True)
            self.run_well("npm", "install", "--no-save", f"--os={system}", f"--cpu={processor}", "agent-dispatch")
            there = [path.name for path in (self.work / "node_modules").iterdir() if not path.name.startswith(".")]
            self.assertEqual(sorted(there), ["agent-dispatch", name])


class Serves(Case):
    """One test for three, as they need one installation."""

    def setUp(self):
        super().setUp()
        self.launcher = self.prefix / "bin/agent-dispatch"

    def test_serve(self):
        self.run_well("npm", "install", "--global", "agent-dispatch")
        self.answers_as_the_program_itself()
        self.ends_as_the_program_itself()
        self.tells_how_fast_it_starts()

    def talk(self, command):
        """What a client sees of a session, to the byte, and how the server ends at the end of its input."""
        initialized = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        tools = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
        with self.start(command, "serve") as server:
            lines = []
            for message in (INITIALIZE, initialized, tools):
                server.stdin.write(json.dumps(message).encode() + b"\n")
                server.stdin.flush()
                if "id" in message:
                    lines.append(server.stdout.readline())
            rest, _ = server.communicate(timeout=LIMIT)
        return lines, rest, server.returncode

    def answers_as_the_program_itself(self):
        through = self.talk(self.launcher)
        self.assertEqual(json.loads(through[0][0])["result"]["serverInfo"]["version"], VERSION)
        self.assertEqual(through, self.talk(BUILT))

    def ends_as_the_program_itself(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL):
            self.assertEqual(self.ended_by(self.launcher, number), self.ended_by(BUILT, number), number.name)

    def ended_by(self, command, number):
        with self.start(command, "serve") as server:
            server.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
            server.stdin.flush()
            server.stdout.readline()
            server.send_signal(number)
            # The input stays open: what is left behind would keep the output open too.
            self.assertEqual(server.stdout.read(), b"")
            return server.wait(LIMIT)

    def tells_how_fast_it_starts(self):
        """Says it; a busy machine may say anything. That the installed program is the built one is held above."""
        commands = {"the program": BUILT, "as init registers it": self.installed(), "as it is on PATH": self.launcher}
        took = {name: [] for name in commands}
        for _ in range(STARTS):
            for name, command in commands.items():
                began = time.perf_counter()
                with self.start(command, "serve") as server:
                    server.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
                    server.stdin.flush()
                    server.stdout.readline()
                    took[name].append(time.perf_counter() - began)
                    server.stdin.close()
        medians = {name: statistics.median(times) for name, times in took.items()}
        for name, median in medians.items():
            ratio = median / medians["the program"]
            print(
                f"npm: start to the answer of initialize, {name}: {median * 1000:.1f} ms ({ratio:.2f})", file=sys.stderr
            )
