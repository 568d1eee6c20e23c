//! Room on the disks of this machine.

use std::io;
use std::path::Path;

/// How much there is room for on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that this user may still write.
    pub free: u64,
    /// Bytes in all.
    pub all: u64,
}

impl Room {
    /// On the disk with that folder, or, until it is made, with the nearest one above it that is there.
    pub fn on(folder: &Path) -> io::Result<Self> {
        let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
        let found = rustix::fs::statvfs(there)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Self { free: bytes(found.f_bavail), all: bytes(found.f_blocks) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_to_come_lies_on_the_disk_of_those_above_it() {
        let folder = tempfile::tempdir().unwrap();
        let room = Room::on(&folder.path().join("to/come")).unwrap();
        assert!(room.all > 0 && room.free <= room.all);
        assert_eq!(room.all, Room::on(folder.path()).unwrap().all);
        assert!(Room::on(Path::new("")).is_err());
    }
}
