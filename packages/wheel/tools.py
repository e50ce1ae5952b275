"""The tools of the scripts beside this file, in virtual environments below target/."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from product import DIRECTORY, NAME, TARGET_DIRECTORY  # noqa: E402

TOOLS = TARGET_DIRECTORY / "wheel-tools"
# What packages/build makes for all makers.
PROGRAMS = DIRECTORY / "bin"
PAGES = DIRECTORY / "pages"
# The name of the distribution as file names spell it.
FILE_NAME = NAME.replace("-", "_")


class Failure(Exception):
    """What happened, where, and the next step."""


def run(command, **options):
    """Standard output of a command that must succeed; a failure shows all that it said."""
    command = [str(part) for part in command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()
        raise Failure(f"exit code {done.returncode} of: {' '.join(command)}\n{said}")
    return done.stdout


@contextlib.contextmanager
def alone():
    """One process at a time installs and downloads."""
    TOOLS.mkdir(parents=True, exist_ok=True)
    with open(TOOLS / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def environment(requirements):
    """The virtual environment with these requirements; made anew where it was made from others or by another Python."""
    place = TOOLS / requirements.name.split(".")[0]
    wanted = f"{sys.version}\n{requirements.read_text()}"
    mark = place / "made-from"
    with alone():
        if mark.is_file() and mark.read_text() == wanted:
            return place
        # An environment cannot be moved to its place; the mark, which is written last, says that it is whole.
        shutil.rmtree(place, ignore_errors=True)
        run([sys.executable, "-m", "venv", place])
        try:
            run([place / "bin/pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements])
        except Failure as failure:
            raise Failure(f"{requirements} cannot be installed, which needs PyPI this once: {failure}") from None
        mark.write_text(wanted)
    return place


def enter(script):
    """The environment of SCRIPT.requirements.txt: starts the script again with its Python, then goes on."""
    script = Path(script).resolve()
    if sys.argv[1:]:
        sys.exit(f"packages/wheel/{script.name}: takes no arguments; PACKAGES_DIR names another place for target/packages")
    try:
        place = environment(script.with_name(f"{script.name}.requirements.txt"))
    except (Failure, OSError) as failure:
        sys.exit(f"packages/wheel/{script.name}: {failure}")
    if Path(sys.prefix).resolve() != place.resolve():
        python = str(place / "bin/python")
        os.execv(python, [python, str(script)])
    return place


def scratch(beside=DIRECTORY):
    """A directory from which a rename publishes what was made in it; it goes with its context."""
    beside.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="wheel-", dir=beside)


def main(script, work):
    """Runs `work`, and says a failure in one place."""
    # Ended from outside, too, what is half made goes.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        work()
    except (Failure, OSError) as failure:
        sys.exit(f"packages/wheel/{Path(script).name}: {failure}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
