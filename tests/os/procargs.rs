//! The block that macOS gives of the start of a process. The bytes are laid as `exec_extract_strings` and
//! `sysctl_procargsx` of xnu-11417 lay them, not recorded on a Mac: `tests/macos/run` shows whether a Mac agrees.

use agent_dispatch::os::reading::procargs::Block;
use proptest::prelude::*;

const MARK: &str = "AGENT_DISPATCH_JOB=0123456789abcdef0123456789abcdef";
/// What the kernel lays behind the environment for the dynamic linker.
const APPLE: [&str; 4] = ["stack_guard=0x7a3d", "malloc_entropy=0x1,0x2", "ptr_munge=", "executable_cdhash=5b1e"];

/// As `exec` lays it for a 64-bit program: `executable_path=`, which the kernel cuts off again, is 16 bytes long.
fn laid(program: &[u8], arguments: &[&[u8]], environment: &[&[u8]]) -> Vec<u8> {
    let mut block = hidden(program, arguments);
    let count = block.len() - 4;
    block.truncate(4);
    let mut strings = hidden(program, arguments).split_off(4);
    assert_eq!(strings.len(), count);
    environment.iter().for_each(|entry| string(&mut strings, entry));
    strings.resize(strings.len().next_multiple_of(8), 0);
    APPLE.iter().for_each(|entry| string(&mut strings, entry.as_bytes()));
    block.extend(strings);
    block
}

/// As `sysctl` cuts it for a program that Apple signs: behind the arguments.
fn hidden(program: &[u8], arguments: &[&[u8]]) -> Vec<u8> {
    let mut strings = Vec::new();
    string(&mut strings, program);
    strings.resize(strings.len().next_multiple_of(8), 0);
    arguments.iter().for_each(|argument| string(&mut strings, argument));
    let mut block = i32::try_from(arguments.len()).unwrap().to_ne_bytes().to_vec();
    block.extend(strings);
    block
}

fn string(strings: &mut Vec<u8>, text: &[u8]) {
    strings.extend_from_slice(text);
    strings.push(0);
}

#[test]
fn arguments_and_environment_are_told_apart() {
    for path in ["/opt/homebrew/bin/node", "/a", "/abcdef", "/abcdefg", "./x"] {
        let arguments: [&[u8]; 5] = [b"node", b"", b"/claude.js", b"-p", b""];
        let block = laid(path.as_bytes(), &arguments, &[b"HOME=/Users/a", MARK.as_bytes(), b"EMPTY="]);
        let read = Block::read(&block).unwrap();
        assert_eq!(read.program, path.as_bytes());
        assert_eq!(read.arguments, arguments, "empty ones are not lost ({path})");
        assert_eq!(
            (read.has(MARK), read.has("HOME=/Users/a"), read.has("EMPTY=")),
            (Some(true), Some(true), Some(true))
        );
        assert_eq!((read.has("HOME=/Users"), read.has("EMPTY")), (Some(false), Some(false)));
    }
}

#[test]
fn a_hidden_environment_is_not_an_empty_one() {
    let arguments: [&[u8]; 3] = [b"/bin/zsh", b"-c", MARK.as_bytes()];
    let hidden = hidden(b"/bin/zsh", &arguments);
    let hidden = Block::read(&hidden).unwrap();
    assert_eq!((hidden.arguments.as_slice(), hidden.environment, hidden.has(MARK)), (&arguments[..], None, None));
    let empty = laid(b"/usr/local/bin/x", &arguments, &[]);
    let empty = Block::read(&empty).unwrap();
    assert_eq!((empty.arguments.as_slice(), empty.has(MARK)), (&arguments[..], Some(false)), "an argument is no mark");
}

/// node writes its title over its arguments and fills up with zero bytes; the mark behind them is still found.
#[test]
fn a_title_over_the_arguments_hides_nothing() {
    let arguments: [&[u8]; 4] = [b"node", b"/usr/local/bin/claude", b"-p", b"--output-format=stream-json"];
    let mut block = laid(b"/usr/local/bin/node", &arguments, &[b"A=1", MARK.as_bytes()]);
    let (from, length) = (4 + 24, arguments.iter().map(|argument| argument.len() + 1).sum::<usize>());
    for title in [&b"claude"[..], b""] {
        block[from..from + length].fill(0);
        block[from..from + title.len()].copy_from_slice(title);
        let read = Block::read(&block).unwrap();
        assert_eq!((read.arguments[0], read.arguments.len()), (title, 4));
        assert_eq!(read.has(MARK), Some(true));
    }
}

#[test]
fn a_block_that_is_cut_off_tells_what_it_has() {
    let block = laid(b"/a/b", &[b"b", b"serve"], &[MARK.as_bytes()]);
    for end in 0..block.len() {
        let read = Block::read(&block[..end]);
        let arguments = read.as_ref().map_or(0, |read| read.arguments.len());
        // The path ends at 9, its padding at 12, the arguments at 14 and 20.
        let expected = [9, 14, 20].iter().filter(|whole| end >= **whole).count();
        assert_eq!(read.is_some() as usize + arguments, expected, "{end}");
        // A name that is cut off is none.
        let marked = read.as_ref().and_then(|read| read.has(MARK));
        assert_eq!(marked, (end > 20).then_some(end >= 20 + MARK.len()), "{end}");
    }
}

#[test]
fn what_is_no_block_is_none() {
    assert_eq!(Block::read(&[]), None);
    assert_eq!(Block::read(&[1, 0, 0]), None);
    assert_eq!(Block::read(&(-1_i32).to_ne_bytes()), None);
    let promised = [&i32::MAX.to_ne_bytes()[..], b"/a\0\0\0\0\0\0b\0"].concat();
    let read = Block::read(&promised).unwrap();
    assert_eq!((read.arguments, read.environment), (vec![&b"b"[..]], None));
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(1..=u8::MAX, 0..20)
}

proptest! {
    #[test]
    fn any_bytes_are_read(count in any::<i32>(), bytes in prop::collection::vec(prop_oneof![Just(0), any::<u8>()], 0..200)) {
        let block = [&count.to_ne_bytes()[..], &bytes].concat();
        if let Some(read) = Block::read(&block) {
            prop_assert!(read.arguments.len() <= usize::try_from(count).unwrap());
            prop_assert!(read.has(MARK).is_none() == read.environment.is_none());
        }
    }

    #[test]
    fn what_is_laid_comes_back(
        program in text(), arguments in prop::collection::vec(text(), 0..6),
        environment in prop::collection::vec(text(), 0..6), is_hidden: bool,
    ) {
        let arguments = arguments.iter().map(Vec::as_slice).collect::<Vec<_>>();
        let entries = environment.iter().map(Vec::as_slice).collect::<Vec<_>>();
        let block = if is_hidden { hidden(&program, &arguments) } else { laid(&program, &arguments, &entries) };
        let read = Block::read(&block).unwrap();
        prop_assert_eq!(read.program, &program);
        prop_assert_eq!(&read.arguments, &arguments);
        prop_assert_eq!(read.environment.is_none(), is_hidden);
        for entry in environment.iter().filter_map(|entry| std::str::from_utf8(entry).ok()) {
            prop_assert_eq!(read.has(entry), (!is_hidden).then_some(true));
        }
    }
}
