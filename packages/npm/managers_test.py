"""The packages, installed by other package managers from the registry on loopback."""

import os
import shutil
import subprocess
from pathlib import Path

import install_test
from install_test import Case
from product import DIRECTORY

# The newest of each when this was written, and two that are as common: pnpm 10, whose global packages lie elsewhere
# than those of 11 and 12, and Yarn 1, which most old projects have.
MANAGERS = [
    "pnpm10@npm:pnpm@10.34.9",
    "pnpm12@npm:pnpm@12.21.0",
    "yarn@1.22.22",
    "@yarnpkg/cli-dist@4.18.1",
    "bun@1.4.5",
]
TOOLS = DIRECTORY / "npm-managers"


def setUpModule():
    """npm installs them once, from its own registry."""
    install_test.setUpModule()
    mark = TOOLS / "installed"
    if not mark.is_file() or mark.read_text() != " ".join(MANAGERS):
        shutil.rmtree(TOOLS, ignore_errors=True)
        TOOLS.mkdir(parents=True)
        # Bun's package gets its program by a script.
        subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(TOOLS), *MANAGERS], check=True
        )
        mark.write_text(" ".join(MANAGERS))


def javascript(package, *names):
    """The file that Node.js is to run."""
    return next(
        str(file) for file in (TOOLS / "node_modules" / package / "bin" / name for name in names) if file.is_file()
    )


class Managers(Case):
    def setUp(self):
        super().setUp()
        registry = install_test.REGISTRY.url
        self.env["YARN_CACHE_FOLDER"] = str(self.root / "yarn-cache")
        self.env["CI"] = "1"
        (self.home / ".npmrc").write_text(f"registry={registry}\n")
        (self.home / ".bunfig.toml").write_text(f'[install]\nregistry = "{registry}"\n')
        (self.work / "package.json").write_text('{"name": "work", "private": true}')

    def says_version(self, *command):
        self.assertIn(f"agent-dispatch {install_test.VERSION}", self.run_well(*command).splitlines())

    def pnpm(self, package):
        pnpm = ["node", javascript(package, "pnpm.cjs", "pnpm.mjs")]
        self.run_well(*pnpm, "add", "agent-dispatch")
        self.says_version(str(self.work / "node_modules/.bin/agent-dispatch"), "--version")
        self.says_version(*pnpm, "exec", "agent-dispatch", "--version")
        self.says_version(*pnpm, "dlx", "agent-dispatch", "--version")
        home = self.root / "pnpm-home"
        self.env["PNPM_HOME"] = str(home)
        self.env["PATH"] = f"{home}:{home}/bin:{self.env['PATH']}"
        self.run_well(*pnpm, "add", "--global", "agent-dispatch")
        # The program goes with its version; the script that pnpm puts on PATH stays.
        script = Path(shutil.which("agent-dispatch", path=self.env["PATH"]))
        self.assertIn(script.parent, (home, home / "bin"))
        self.says_version(str(script), "--version")
        self.registers(script)

    def test_pnpm_10(self):
        self.pnpm("pnpm10")

    def test_pnpm_12(self):
        self.pnpm("pnpm12")

    def test_yarn_1(self):
        yarn = ["node", javascript("yarn", "yarn.js")]
        self.run_well(*yarn, "--registry", install_test.REGISTRY.url, "add", "agent-dispatch")
        self.says_version(*yarn, "--silent", "agent-dispatch", "--version")

    def test_yarn_4(self):
        yarn = ["node", javascript("@yarnpkg/cli-dist", "yarn.js")]
        settings = [f'npmRegistryServer: "{install_test.REGISTRY.url}"', 'unsafeHttpWhitelist: ["127.0.0.1"]']
        settings += ["enableTelemetry: false", "npmMinimalAgeGate: 0"]
        (self.home / ".yarnrc.yml").write_text("\n".join([*settings, ""]))
        for linker in ("node-modules", "pnp", "pnpm"):
            for name in os.listdir(self.work):
                path = self.work / name
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            (self.work / "package.json").write_text('{"name": "work", "private": true}')
            (self.work / "yarn.lock").touch()
            (self.work / ".yarnrc.yml").write_text(f"nodeLinker: {linker}\n")
            self.run_well(*yarn, "add", "agent-dispatch")
            self.says_version(*yarn, "agent-dispatch", "--version")
        self.says_version(*yarn, "dlx", "--quiet", "agent-dispatch", "--version")

    def test_bun(self):
        (self.tools / "bun").symlink_to(TOOLS / "node_modules/bun/bin/bun.exe")
        (self.tools / "bunx").symlink_to(TOOLS / "node_modules/bun/bin/bun.exe")
        self.env["PATH"] = f"{self.home}/.bun/bin:{self.env['PATH']}"
        self.run_well("bun", "add", "agent-dispatch")
        self.says_version(str(self.work / "node_modules/.bin/agent-dispatch"), "--version")
        self.says_version("bunx", "agent-dispatch", "--version")
        self.run_well("bun", "add", "--global", "agent-dispatch")
        self.says_version(str(self.home / ".bun/bin/agent-dispatch"), "--version")
