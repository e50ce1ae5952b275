//! The list of processes of macOS. The bytes are laid as the declarations of xnu-11417 have it, not recorded on a Mac:
//! `tests/macos/run` shows whether a Mac agrees.

use agent_dispatch::os::reading::kinfo::{BYTES, Row, rows};
use proptest::prelude::*;

/// A record, whose fields are laid down here one after the other, with their lengths, so that a wrong place shows.
struct Record(Vec<u8>);

impl Record {
    fn new(row: &Row) -> Self {
        let mut record = Self(Vec::new());
        let flag = if row.leads_session { 0x03 } else { 0x01 };
        record.put(&i64::try_from(row.started / 1_000_000).unwrap().to_ne_bytes()); // p_starttime.tv_sec
        record.put(&i32::try_from(row.started % 1_000_000).unwrap().to_ne_bytes()); // p_starttime.tv_usec
        record.skip(4 + 8 + 8); // padding, p_vmspace, p_sigacts
        record.put(&0x4004_i32.to_ne_bytes()); // p_flag
        record.put(&[if row.has_ended { 5 } else { 2 }]); // p_stat: SZOMB, SRUN
        record.skip(3);
        record.put(&row.pid.to_ne_bytes()); // p_pid
        record.skip(4 + 4); // p_oppid, p_dupfd
        record.skip(4); // padding
        record.skip(8 + 8 + 4 + 4 + 4 + 4 + 4); // user_stack, exit_thread, p_debugger … p_pctcpu
        record.skip(4 + 8 + 8 + 4 + 4); // padding, p_wchan, p_wmesg, p_swtime, p_slptime
        record.skip(32 + 16 + 24); // p_realtimer, p_rtime, p_uticks … p_iticks
        record.skip(4 + 4 + 8 + 4 + 4 + 8); // p_traceflag, p_tracep, p_siglist, p_textvp
        record.skip(4 + 4 + 4 + 4 + 3 + 17); // p_holdcnt, three masks, priorities, p_comm
        record.skip(4 + 8 + 8 + 2 + 2 + 4 + 8); // padding, p_pgrp, p_addr, p_xstat, p_acflag, padding, p_ru
        record.skip(8 + 8); // e_paddr, e_sess
        record.skip(72 + 8 + 16 + 4 + 4); // e_pcred
        record.skip(4 + 4 + 2 + 2 + 64); // e_ucred
        record.skip(4); // padding
        record.skip(4 + 4 + 8 + 20 + 4 + 24); // e_vm
        record.put(&row.parent.to_ne_bytes()); // e_ppid
        record.put(&row.group.to_ne_bytes()); // e_pgid
        record.skip(4 + 4 + 4 + 4 + 8 + 8); // e_jobc, e_tdev, e_tpgid, padding, e_tsess, e_wmesg
        record.skip(4 + 2 + 2 + 2 + 2); // e_xsize, e_xrssize, e_xccount, e_xswrss, padding
        record.put(&i32::to_ne_bytes(flag)); // e_flag
        record.skip(12 + 16 + 4); // e_login, e_spare, padding
        record
    }

    fn put(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Fields that nobody asks for: no zeros, so that they are not taken for what is asked for.
    fn skip(&mut self, bytes: usize) {
        self.0.resize(self.0.len() + bytes, 0xA5);
    }
}

const CLAUDE: Row = Row {
    pid: 4242,
    parent: 4200,
    group: 4242,
    started: 1_760_000_000_123_456,
    has_ended: false,
    leads_session: false,
};

#[test]
fn each_field_is_read_from_its_place() {
    let zombie = Row { pid: 99_999, parent: 1, group: 4242, has_ended: true, ..CLAUDE };
    let shell = Row { pid: 4300, parent: 4242, group: 4300, leads_session: true, ..CLAUDE };
    let all = [CLAUDE, zombie, shell];
    let array = all.iter().flat_map(|row| Record::new(row).0).collect::<Vec<_>>();
    assert_eq!(array.len(), 3 * BYTES);
    assert_eq!(rows(&array), all);
}

#[test]
fn what_is_no_whole_record_is_passed_over() {
    let one = Record::new(&CLAUDE).0;
    assert_eq!(rows(&[]), []);
    assert_eq!(rows(&one[..BYTES - 1]), []);
    assert_eq!(rows(&[&one[..], &one[..100]].concat()), [CLAUDE]);
    // A start before 1970 is none.
    let mut odd = one;
    odd[..8].copy_from_slice(&i64::to_ne_bytes(-1));
    assert_eq!(rows(&odd), []);
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..2 * BYTES + 7)) {
        prop_assert!(rows(&bytes).len() <= bytes.len() / BYTES);
    }

    #[test]
    fn what_is_laid_down_comes_back(
        pid in 1..100_000_i32, parent in 0..100_000_i32, group in 0..100_000_i32,
        started in 0..4_000_000_000_000_000_u64, has_ended: bool, leads_session: bool,
    ) {
        let row = Row { pid, parent, group, started, has_ended, leads_session };
        prop_assert_eq!(rows(&Record::new(&row).0), [row]);
    }
}
