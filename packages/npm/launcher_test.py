"""The launcher alone: with stand-ins for the programs, in the layouts of package managers, in every shell there is."""

import os
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

LAUNCHER = Path(__file__).resolve().parent / "launcher"
# What may be /bin/sh somewhere: Debian, macOS, Alpine, and what else keeps to POSIX.
SHELLS = {
    shell: [shutil.which(shell), *options]
    for shell, options in {
        "sh": [],
        "dash": [],
        "bash": [],
        "zsh": ["--emulate", "sh"],
        "ksh": [],
        "busybox": ["sh"],
    }.items()
    if shutil.which(shell)
}
KERNEL = "/proc/sys/kernel"
# How long a run may take, in seconds: a thousand times what it takes.
LIMIT = 20
# What ends a process that does not catch it.
ENDS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGKILL]


def script(file, body, mode=0o755):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(mode)
    return file


class Case(unittest.TestCase):
    """A directory with installations. They are on Linux on x86-64 unless the test says otherwise."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="agent dispatch ")
        self.addCleanup(scratch.cleanup)
        self.root = Path(scratch.name).resolve()
        self.tools = self.root / "tools"
        self.machine("Linux", "x86_64")

    def machine(self, system, processor, has_files=True):
        """The system that `uname` names, and on Linux files."""
        script(self.tools / "uname", f"echo {system} {processor}")
        for name, value in (("ostype", system), ("arch", processor)):
            file = self.root / "kernel" / name
            file.parent.mkdir(exist_ok=True)
            file.unlink(missing_ok=True)
            if has_files:
                file.write_text(f"{value}\n")

    def package(self, directory):
        """The main package, whose launcher looks at our files rather than at those of the kernel."""
        file = self.root / directory / "bin/agent-dispatch.bin"
        file.parent.mkdir(parents=True, exist_ok=True)
        text = LAUNCHER.read_text()
        self.assertIn(KERNEL, text)
        file.write_text(text.replace(KERNEL, f"'{self.root}/kernel'"))
        file.chmod(0o755)
        return file

    def program(self, directory, body="echo started $0", mode=0o755):
        return script(self.root / directory / "bin/agent-dispatch", body, mode)

    def run_in(self, shell, command, *arguments, **options):
        environment = {"PATH": f"{self.tools}:{os.environ['PATH']}", **options.pop("env", {})}
        return subprocess.run(
            [*SHELLS.get(shell, []), command, *arguments],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=LIMIT,
            **options,
        )

    def run_all(self, command, *arguments, **options):
        """The one outcome of the command itself and of every shell."""
        runs = [self.run_in(shell, command, *arguments, **options) for shell in [None, *SHELLS]]
        for shell, run in zip(SHELLS, runs[1:]):
            outcome = [(run.returncode, run.stdout, run.stderr) for run in (runs[0], run)]
            self.assertEqual(*outcome, f"in {shell} it is otherwise")
        return runs[0]

    def starts(self, command, program, **options):
        run = self.run_all(command, **options)
        started = run.stdout.decode().removeprefix("started ").strip()
        self.assertTrue(started, run.stderr.decode())
        self.assertTrue(os.path.samefile(started, program), f"{started} was started, not {program}")
        self.assertEqual((run.returncode, run.stderr), (0, b""))

    def fails(self, command, what, hint, **options):
        run = self.run_all(command, **options)
        self.assertEqual(run.stderr.decode(), f"error: {what}\nhint: {hint}\n")
        self.assertEqual((run.returncode, run.stdout), (1, b""))


class BecomesTheProgram(Case):
    def setUp(self):
        super().setUp()
        # A process passes on the signals that it ignores to what it starts, as `nohup` does with SIGHUP.
        for ending in set(ENDS) - {signal.SIGKILL}:
            self.addCleanup(signal.signal, ending, signal.signal(ending, signal.SIG_DFL))

    def installed(self, body):
        launcher = self.package("node_modules/agent-dispatch")
        self.program("node_modules/agent-dispatch-linux-x64", body)
        return launcher

    def test_arguments_arrive_as_they_are(self):
        arguments = ["", "a b", "*", "x\ny", "-n", "--", "'", '"', "$HOME", "\\n", "ü"]
        run = self.run_all(self.installed("printf '%s\\0' \"$@\""), *arguments)
        self.assertEqual(run.stdout.decode().split("\0")[:-1], arguments)

    def test_bytes_pass_untouched(self):
        said = os.urandom(1 << 20) + b"\0\r\n\n"
        run = self.run_all(self.installed("cat; echo news >&2"), input=said)
        self.assertEqual((run.stdout, run.stderr), (said, b"news\n"))

    def test_it_ends_as_the_program_ends(self):
        for code in (0, 1, 3, 255):
            self.assertEqual(self.run_all(self.installed(f"exit {code}")).returncode, code)
        for ending in ENDS:
            self.assertEqual(self.run_all(self.installed(f"kill -{ending} $$")).returncode, -ending)

    def test_no_process_is_between(self):
        for words in [[], *SHELLS.values()]:
            command = [*words, self.installed("echo $$; exec sleep 1000")]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
                self.assertEqual(int(process.stdout.readline()), process.pid)
                process.kill()
                # The end of the output: nobody else has it.
                self.assertEqual(process.stdout.read(), b"")

    def test_the_environment_stays(self):
        given = {"A": "1", "CDPATH": "/usr", "NODE_OPTIONS": "--no-warnings"}
        run = self.run_in(None, self.installed("exec env"), env=given)
        seen = dict(line.split("=", 1) for line in run.stdout.decode().splitlines())
        # What shells themselves set.
        for name in ("PATH", "PWD", "OLDPWD", "SHLVL", "_"):
            seen.pop(name, None)
        self.assertEqual(seen, given)


class Finds(Case):
    def test_the_package_of_the_machine(self):
        launcher = self.package("node_modules/agent-dispatch")
        names = ("linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64")
        programs = {name: self.program(f"node_modules/agent-dispatch-{name}") for name in names}
        for system, processor, name in (
            ("Linux", "x86_64", "linux-x64"),
            ("Linux", "aarch64", "linux-arm64"),
            ("Darwin", "x86_64", "darwin-x64"),
            ("Darwin", "arm64", "darwin-arm64"),
        ):
            for has_files in (True, False):
                self.machine(system, processor, has_files)
                self.starts(launcher, programs[name])
        # Node.js for x86-64 on a Mac with arm64 has npm install the other program.
        shutil.rmtree(self.root / "node_modules/agent-dispatch-darwin-arm64")
        self.starts(launcher, programs["darwin-x64"])

    def test_beside_it_below_it_and_above_it(self):
        launcher = self.package("work/app/node_modules/agent-dispatch")
        # The nearest comes last.
        for directory in (
            "node_modules",
            "work/node_modules",
            "work/app/node_modules",
            "work/app/node_modules/agent-dispatch/node_modules",
        ):
            self.starts(launcher, self.program(f"{directory}/agent-dispatch-linux-x64"))

    def test_through_the_links_of_npm(self):
        for bin_directory, modules in (
            ("app/node_modules/.bin", "app/node_modules"),
            ("prefix/bin", "prefix/lib/node_modules"),
        ):
            launcher = self.package(f"{modules}/agent-dispatch")
            program = self.program(f"{modules}/agent-dispatch/node_modules/agent-dispatch-linux-x64")
            link = self.root / bin_directory / "agent-dispatch"
            link.parent.mkdir(parents=True)
            link.symlink_to(os.path.relpath(launcher, link.parent))
            # With a process for nothing a start would take half as long again.
            for tool in ("readlink", "uname"):
                script(self.tools / tool, f"echo {tool} was started >&2; exit 1")
            self.starts(link, program)
            self.starts(launcher, program)
            for tool in ("readlink", "uname"):
                (self.tools / tool).unlink()
            for started in (link, launcher):
                self.starts(f"./{started.name}", program, cwd=started.parent)
                self.starts(f"{started.parent.name}/{started.name}", program, cwd=started.parent.parent)
                self.starts(f"{started.parent.name}/./{started.name}", program, cwd=started.parent.parent)
            # Links of the user's own, to it and to its directory.
            (self.root / "links").mkdir(exist_ok=True)
            (self.root / "links/one").unlink(missing_ok=True)
            (self.root / "links/one").symlink_to(link)
            (self.root / "links/two").unlink(missing_ok=True)
            (self.root / "links/two").symlink_to("one")
            self.starts(self.root / "links/two", program)
            (self.root / "links/bin").unlink(missing_ok=True)
            (self.root / "links/bin").symlink_to(link.parent)
            self.starts(self.root / "links/bin" / link.name, program)

    def test_without_a_directory_in_its_name(self):
        launcher = self.package("node_modules/agent-dispatch")
        program = self.program("node_modules/agent-dispatch-linux-x64")
        for shell in SHELLS:
            run = self.run_in(shell, launcher.name, cwd=launcher.parent)
            self.assertTrue(os.path.samefile(run.stdout.decode().removeprefix("started ").strip(), program), run.stderr)

    def test_in_the_layouts_of_pnpm_and_yarn(self):
        for store, package in (
            (".pnpm/agent-dispatch@1.0.0", "node_modules/agent-dispatch"),
            (".store/agent-dispatch-npm-1.0.0-77", "package"),
        ):
            launcher = self.package(f"{store}/{package}")
            own = self.program(f"{store}-linux-x64/package")
            beside = self.root / store / "node_modules/agent-dispatch-linux-x64"
            beside.parent.mkdir(exist_ok=True)
            beside.symlink_to(own.parent.parent)
            link = self.root / "app/node_modules/agent-dispatch"
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(launcher.parent.parent)
            # What is beside the link belongs to somebody else.
            self.program("app/node_modules/agent-dispatch-linux-x64", "echo of somebody else")
            self.starts(link / "bin/agent-dispatch.bin", own)
            self.starts(self.root / "app/node_modules/../node_modules/agent-dispatch/bin/agent-dispatch.bin", own)

    def test_where_only_node_knows(self):
        launcher = self.package(".yarn/unplugged/agent-dispatch-npm-1.0.0-77/node_modules/agent-dispatch")
        program = self.program(
            ".yarn/unplugged/agent-dispatch-linux-x64-npm-1.0.0-61/node_modules/agent-dispatch-linux-x64"
        )
        resolver = self.root / ".pnp.cjs"
        resolver.write_text(
            "const Module = require('module'), before = Module._resolveFilename;\n"
            "const asked = 'agent-dispatch-linux-x64/bin/agent-dispatch';\n"
            f"const isKnown = process.cwd() === {str(launcher.parent.parent)!r};\n"
            "Module._resolveFilename = (name, ...rest) => name === asked && isKnown\n"
            f"  ? {str(program)!r} : before(name, ...rest);\n"
        )
        self.starts(launcher, program, env={"NODE_OPTIONS": f"--require '{resolver}'".replace("'", '"')})


class SaysWhatIsMissing(Case):
    def test_other_systems(self):
        launcher = self.package("node_modules/agent-dispatch")
        self.program("node_modules/agent-dispatch-linux-x64")
        for machine in (
            "FreeBSD amd64",
            "MINGW64_NT-10.0-26100 x86_64",
            "Linux i686",
            "Linux armv7l",
            "Linux riscv64",
            "Darwin ppc",
        ):
            self.machine(*machine.split())
            self.fails(
                launcher,
                f"there is no agent-dispatch for this system ({machine})",
                "it runs on Linux and macOS, on x86-64 and arm64; on Windows install it in WSL",
            )

    def test_the_optional_dependency(self):
        launcher = self.package("node_modules/agent-dispatch")
        self.fails(
            launcher,
            "the package agent-dispatch-linux-x64, which holds the program, is not beside "
            f"{self.root}/node_modules/agent-dispatch",
            "it is an optional dependency: install agent-dispatch again without --omit=optional and --no-optional; from"
            " files, name both: agent-dispatch-….tgz agent-dispatch-linux-x64-….tgz",
        )

    def test_an_installation_from_another_system(self):
        launcher = self.package("node_modules/agent-dispatch")
        self.program("node_modules/agent-dispatch-darwin-arm64")
        self.program("node_modules/agent-dispatch/node_modules/agent-dispatch-darwin-x64")
        self.fails(
            launcher,
            "agent-dispatch was installed for another system: this one is Linux x86_64, and there is only"
            " agent-dispatch-darwin-arm64 agent-dispatch-darwin-x64",
            "uninstall agent-dispatch-darwin-arm64 agent-dispatch-darwin-x64 and agent-dispatch, then install agent-dispatch"
            " again on this system",
        )

    def test_the_permission_to_execute(self):
        launcher = self.package("node_modules/agent-dispatch")
        program = self.program("node_modules/agent-dispatch-linux-x64", mode=0o644)
        self.fails(
            launcher,
            f"{program} cannot be executed",
            f"chmod +x {program}; or, if its file system is mounted with noexec, install agent-dispatch elsewhere",
        )
