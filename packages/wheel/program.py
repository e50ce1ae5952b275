"""What the file of a program says about where it runs, as tags of a wheel."""

import lief
from packaging import tags
from tools import Failure

# It reports on its own reading ("Can't read value at offset"), also of files that it reads well.
lief.logging.disable()

# The oldest systems that wheels name by their C library. A static program uses none, but installers match nothing else:
# manylinux for glibc, musllinux for musl. 2.17 is of 2012, with kernels that Rust's standard library still runs on (3.2);
# pip before 20.3 knows it only as manylinux2014. 1.1 is the oldest musl that musllinux has images for.
LINUX = ("manylinux2014_{}", "manylinux_2_17_{}", "musllinux_1_1_{}")

# Target triple: how wheels call its architecture, how the file's header does.
TARGETS = {
    "x86_64-unknown-linux-musl": ("x86_64", lief.ELF.ARCH.X86_64),
    "aarch64-unknown-linux-musl": ("aarch64", lief.ELF.ARCH.AARCH64),
    "x86_64-apple-darwin": ("x86_64", lief.MachO.Header.CPU_TYPE.X86_64),
    "aarch64-apple-darwin": ("arm64", lief.MachO.Header.CPU_TYPE.ARM64),
}


def platforms(target, path):
    """The platform tags of the program at `path`, which was built for `target`."""
    architecture, machine = TARGETS[target]
    of_linux = "linux" in target
    program = lief.ELF.parse(str(path)) if of_linux else mach_o(path)
    if program is None:
        raise Failure(f"{path} is not a program for {target}: build it again with packages/build")
    found = program.header.machine_type if of_linux else program.header.cpu_type
    if found != machine:
        raise Failure(f"{path} is for {found.name}, not for {target}: build it again with packages/build")
    if of_linux:
        return linux(program, architecture, path)
    return macos(program, architecture, path)


def mach_o(path):
    """The one program in a Mach-O file."""
    programs = lief.MachO.parse(str(path))
    return programs.at(0) if programs is not None and programs.size == 1 else None


def linux(program, architecture, path):
    """A wheel that is tagged for every C library must need none."""
    needs = list(program.libraries)
    if program.has_interpreter or needs:
        raise Failure(f"{path} needs {', '.join(needs) or 'a dynamic linker'}: only a static program runs everywhere")
    return [tag.format(architecture) for tag in LINUX]


def macos(program, architecture, path):
    """From the oldest macOS that the file allows."""
    allowed = program.build_version.minos if program.has_build_version else None
    if allowed is None:
        raise Failure(f"{path} does not say its oldest macOS: build it with MACOSX_DEPLOYMENT_TARGET set")
    oldest = (allowed[0], allowed[1])
    tag = f"macosx_{oldest[0]}_{oldest[1]}_{architecture}"
    if tag not in tags.mac_platforms(oldest, architecture):
        raise Failure(
            f"{path} starts from macOS {oldest[0]}.{oldest[1]} on, which no wheel can say: from 11 on there are only whole "
            "versions; build it with another MACOSX_DEPLOYMENT_TARGET"
        )
    return [tag]
