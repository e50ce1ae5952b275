"""The installers in use, each in a throw-away place: what they are told, and what they fill."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from product import NAME, OUT
from tools import FILE_NAME, Failure, run

# The newest version that is a Python package.
OLDER = "0.16.0"


class World:
    """A home of its own, and an environment in which nothing but the tools of the check and what it names is found."""

    def __init__(self, tools_place, place):
        self.tools = tools_place / "bin"
        self.place = place
        self.environment = {
            "HOME": str(place / "home"),
            "LANG": "C.UTF-8",
            "NO_COLOR": "1",
            "PATH": str(place / "home/.local/bin"),
            # Whatever is not in the given directories must fail, not come from somewhere else.
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_ROOT_USER_ACTION": "ignore",
            "UV_OFFLINE": "1",
            "UV_NO_CONFIG": "1",
            "UV_NO_INDEX": "1",
            "UV_PYTHON": sys.executable,
            "UV_CACHE_DIR": str(place / "uv-cache"),
        }
        (place / "home").mkdir()

    def run(self, *command):
        return run(command, env=self.environment, cwd=self.place / "home")

    def fails(self, *command):
        """What a command says that must fail."""
        try:
            said = self.run(*command)
        except Failure as failure:
            return str(failure)
        raise Failure(f"this must fail, and does not: {' '.join(map(str, command))}\n{said}")


def files(place):
    """All files below a place, but for bytecode of packages that are not ours: it comes whenever something is run."""
    found = {path.relative_to(place) for path in place.rglob("*") if not path.is_dir() or path.is_symlink()}
    return {str(path) for path in found if "__pycache__" not in path.parts or FILE_NAME in path.parts}


def own(names):
    """Those that belong to the program or to the Python package."""
    return {name for name in names if FILE_NAME in name or NAME in name.rsplit("/", 1)[-1]}


@dataclass
class Way:
    """One way to install the older package, upgrade, and remove: the commands, what they fill, and the program in it."""

    name: str
    place: Path
    program: Path
    install: list
    upgrade: list
    remove: list


def ways(world, older):
    """The installers in use. Two work in an environment of the user's, two make their own."""
    pip, uv, pipx = (world.tools / name for name in ("pip", "uv", "pipx"))
    home = world.place / "home"
    of_older = ["--find-links", older, f"{NAME}=={OLDER}"]
    of_newer = ["--upgrade", "--find-links", OUT, NAME]

    place = world.place / "of-pip"
    python = ["--python", place / "bin/python"]
    world.run(uv, "venv", "--quiet", place)
    # What the older package needs, by uv: pip takes many times as long, and it is the package itself that is tried here.
    world.run(uv, "pip", "install", *python, *of_older)
    world.run(uv, "pip", "uninstall", *python, NAME)
    tool = [pip, *python]
    yield Way(
        "pip",
        place,
        place / "bin" / NAME,
        install=[*tool, "install", *of_older],
        upgrade=[*tool, "install", *of_newer],
        remove=[*tool, "uninstall", "-y", NAME],
    )

    place = world.place / "of-uv"
    python = ["--python", place / "bin/python"]
    world.run(uv, "venv", "--quiet", place)
    yield Way(
        "uv pip",
        place,
        place / "bin" / NAME,
        install=[uv, "pip", "install", *python, *of_older],
        upgrade=[uv, "pip", "install", *python, *of_newer],
        remove=[uv, "pip", "uninstall", *python, NAME],
    )

    yield Way(
        "uv tool",
        home / ".local/share/uv/tools" / NAME,
        home / ".local/bin" / NAME,
        install=[uv, "tool", "install", *of_older],
        upgrade=[uv, "tool", "install", *of_newer],
        remove=[uv, "tool", "uninstall", NAME],
    )

    yield Way(
        "pipx",
        home / ".local/share/pipx/venvs" / NAME,
        home / ".local/bin" / NAME,
        install=[pipx, "install", "--force", f"--pip-args=--find-links {older}", f"{NAME}=={OLDER}"],
        upgrade=[pipx, "upgrade", f"--pip-args=--find-links {OUT}", NAME],
        remove=[pipx, "uninstall", NAME],
    )
