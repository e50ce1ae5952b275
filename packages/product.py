"""What makers of packages have in common: the program's facts from Cargo.toml, the directories, the time that stands in
archives, and how a failure is told."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME = "agent-dispatch"
# Where cargo builds. What is built here for packages and their checks is below it too.
TARGET_DIRECTORY = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
# Where built programs and pages are, and where products go.
DIRECTORY = Path(os.environ.get("PACKAGES_DIR") or TARGET_DIRECTORY / "packages").absolute()
OUT = DIRECTORY / "out"
# What holds the licences of all that is linked into a program, in every package that has a program.
LICENCES = "THIRD-PARTY-LICENSES.md"
# One line in lists of packages. Cargo.toml's description is too long there: Debian and Homebrew both stop at 80 characters.
SYNOPSIS = "delegate from a Claude Code agent to an agent in another project"


def fail(what, hint):
    sys.exit(f"error: {what}\nhint: {hint}")


def note(what):
    print(f"note: {what}", file=sys.stderr)


def run(*command, cwd=ROOT):
    """The output of a command that has to succeed."""
    try:
        done = subprocess.run([str(word) for word in command], cwd=cwd, capture_output=True, text=True)
    except OSError as error:
        fail(f"{command[0]} does not start: {error.strerror}", f"install {command[0]}, or put it on PATH")
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        fail(f"{' '.join(str(word) for word in command)} ended with {done.returncode}: {said}", "what it says is above")
    return done.stdout


def cargo():
    """What Cargo.toml says of the program."""
    metadata = json.loads(run("cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"))
    return next(package for package in metadata["packages"] if package["name"] == NAME)


def epoch():
    """The time of all files in an archive, in seconds: that of the commit, so that two builds of it are the same."""
    text = os.environ.get("SOURCE_DATE_EPOCH") or run("git", "log", "-1", "--format=%ct").strip()
    if not text.isdigit():
        fail(f"SOURCE_DATE_EPOCH is not a number of seconds: {text}", "unset it, or set it to `git log -1 --format=%ct`")
    return int(text)


def page_files(directory, pattern):
    """Pages that every package has."""
    found = sorted((DIRECTORY / "pages" / directory).glob(pattern))
    if not found:
        fail(f"no {pattern} in {DIRECTORY / 'pages' / directory}", "packages/build makes them")
    return found


def licences(target):
    """The file with the licences of all that is linked into the program for a target."""
    file = DIRECTORY / "licences" / target / LICENCES
    if not file.is_file():
        fail(f"{file} is not there: the program may not be passed on without it", "packages/build makes it")
    return file


@contextmanager
def scratch():
    """A directory for what is half made, on the file system of the products: these are renamed from there."""
    OUT.mkdir(parents=True, exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="making-", dir=DIRECTORY))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def publish(made, pattern):
    """Moves finished products to the others and removes those of other versions, which `pattern` finds."""
    for path in made:
        path.replace(OUT / path.name)
    kept = {path.name for path in made}
    for path in OUT.glob(pattern):
        if path.name not in kept:
            path.unlink()
    for name in sorted(kept):
        print(OUT / name)


def start(main):
    """Runs a maker; what the system refuses is told in a line, and nothing half made is left."""
    try:
        main()
    except OSError as error:
        fail(f"{error.filename or DIRECTORY}: {error.strerror}", f"make room, or check the permissions in {DIRECTORY}")
    except KeyboardInterrupt:
        fail("interrupted", "what was made before is as it was")
