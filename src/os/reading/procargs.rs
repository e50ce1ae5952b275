//! What macOS tells of the start of a process: the block that `kern.procargs2` gives.
//!
//! It is the top of the stack as `exec` lays it: the number of the arguments, the path of the program, zero bytes up to a
//! multiple of eight, the arguments, the environment, zero bytes up to a multiple of eight, and what is meant for the dynamic
//! linker (`ptr_munge=…`). Each string ends with a zero byte (xnu: `exec_extract_strings` in `bsd/kern/kern_exec.c`,
//! `sysctl_procargsx` in `bsd/kern/kern_sysctl.c`). Where the environment is hidden, as that of the programs that Apple signs,
//! the block ends with the arguments, without a word.
//!
//! A process may write to its own stack: node lays its title over the arguments, with zero bytes behind it. Empty strings are
//! therefore no end of anything here.

/// What the path and its padding are a multiple of, in bytes: a pointer of a 64-bit program.
const POINTER: usize = 8;

/// What a process was started with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block<'a> {
    /// The path of its program, as it was given: it may be relative.
    pub program: &'a [u8],
    /// The name it was started by, and its arguments. Fewer than there were where the block is cut off.
    pub arguments: Vec<&'a [u8]>,
    /// `NAME=value` with a zero byte after each, and what is meant for the dynamic linker. `None` where it is hidden.
    pub environment: Option<&'a [u8]>,
}

impl<'a> Block<'a> {
    /// Reads the block; `None` for what is none. From one that is cut off, what stands there whole.
    pub fn read(block: &'a [u8]) -> Option<Self> {
        let (count, strings) = block.split_first_chunk()?;
        let count = usize::try_from(i32::from_ne_bytes(*count)).ok()?;
        let program = &strings[..strings.iter().position(|byte| *byte == 0)?];
        let mut rest = strings.get((program.len() + 1).next_multiple_of(POINTER)..).unwrap_or_default();
        let mut arguments = Vec::new();
        while arguments.len() < count
            && let Some(end) = rest.iter().position(|byte| *byte == 0)
        {
            arguments.push(&rest[..end]);
            rest = &rest[end + 1..];
        }
        let is_shown = arguments.len() == count && rest.iter().any(|byte| *byte != 0);
        Some(Self { program, arguments, environment: is_shown.then_some(rest) })
    }

    /// Whether its environment has this variable, as `NAME=value`. `None` where the environment is hidden.
    pub fn has(&self, variable: &str) -> Option<bool> {
        let environment = self.environment?;
        Some(environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes()))
    }
}
