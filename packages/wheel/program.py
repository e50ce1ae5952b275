"""Where a program runs, as tags of a wheel; packages/inspect reads the file."""

import re

from packaging import tags
from product import ROOT
from tools import Failure, run

# The oldest systems that wheels name by their C library. A static program uses none, but installers match nothing else:
# manylinux for glibc, musllinux for musl. 2.17 is of 2012, with kernels that Rust's standard library still runs on (3.2);
# pip before 20.3 knows it only as manylinux2014. 1.1 is the oldest musl that musllinux has images for.
LINUX = ("manylinux2014_{}", "manylinux_2_17_{}", "musllinux_1_1_{}")

# Target triple: how wheels call its architecture.
TARGETS = {
    "x86_64-unknown-linux-musl": "x86_64",
    "aarch64-unknown-linux-musl": "aarch64",
    "x86_64-apple-darwin": "x86_64",
    "aarch64-apple-darwin": "arm64",
}


def platforms(target, path):
    """The platform tags of the program at `path`, which was built for `target`."""
    architecture = TARGETS[target]
    try:
        said = run([ROOT / "packages/inspect", target, path])
    except Failure as failure:
        raise Failure(f"{failure}\nbuild it again: packages/build {target}") from None
    # A wheel that is tagged for every C library must need none: packages/inspect refuses a program that does.
    if "linux" in target:
        return [tag.format(architecture) for tag in LINUX]
    return macos(said, architecture, path)


def macos(said, architecture, path):
    """From the oldest macOS that the file allows."""
    told = re.search(r"macOS (\d+)\.(\d+) or newer", said)
    if told is None:
        raise Failure(f"packages/inspect does not say the oldest macOS of {path}, but: {said}")
    oldest = tuple(map(int, told.groups()))
    tag = f"macosx_{oldest[0]}_{oldest[1]}_{architecture}"
    if tag not in tags.mac_platforms(oldest, architecture):
        raise Failure(
            f"{path} starts from macOS {oldest[0]}.{oldest[1]} on, which no wheel can say: from 11 on there are only whole "
            "versions; build it with another MACOSX_DEPLOYMENT_TARGET"
        )
    return [tag]
