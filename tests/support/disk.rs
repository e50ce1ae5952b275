//! Disks that are full or may not be written.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A small file system of its own, which needs root.
pub struct Disk<'w>(&'w Path);

impl<'w> Disk<'w> {
    /// Mounts it, where that is possible.
    pub fn new(path: &'w Path, options: &str) -> Option<Self> {
        fs::create_dir_all(path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(path).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(path))
    }

    /// The directory itself once more, read-only for whoever opens a file from then on.
    pub fn read_only(path: &'w Path) -> Option<Self> {
        let mount = |arguments: &[&str]| {
            let status = Command::new("mount").args(arguments).arg(path).status();
            status.is_ok_and(|status| status.success())
        };
        if !mount(&["--bind", path.to_str()?]) {
            return None;
        }
        let disk = Self(path);
        mount(&["-o", "remount,bind,ro"]).then_some(disk)
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}
