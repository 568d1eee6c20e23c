//! Folders for what is needed while something is worked on, which go when it is done, and whose remains are swept.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::model::failure::{Failure, Kind, Result};

const LOCK: &str = "lock";
/// Longer than it takes from making a folder to locking it, by far.
const LEFT_BEHIND: Duration = Duration::from_hours(1);

/// What a folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// A remote repository's objects.
    Fetch,
    /// A dump's password file.
    Dump,
    /// A restore's lists and password file.
    Restore,
}

impl Use {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Fetch => "fetch-",
            Self::Dump => "dump-",
            Self::Restore => "restore-",
        }
    }
}

/// A folder, mode 0700; removed on drop. The lock tells other processes that its owner lives.
#[derive(Debug)]
pub struct WorkFolder {
    folder: TempDir,
    _lock: File,
}

impl WorkFolder {
    /// Makes one in `parent`, and sweeps away what killed processes left there of the same use.
    pub fn create(parent: &Path, to: Use) -> Result<Self> {
        let failed = |e: std::io::Error| {
            Failure::new(Kind::Environment, format!("no folder can be made in {}: {e}", parent.display()))
                .hint("free some space there, or give that folder to the user who runs this program")
                .source(e)
        };
        fs::create_dir_all(parent).map_err(failed)?;
        // A host may run workers and no scheduler. What cannot be removed is no reason not to work.
        if let Err(failure) = sweep_leftovers(parent, to, LEFT_BEHIND) {
            tracing::warn!(%failure, "what killed processes left stays");
        }
        let folder = tempfile::Builder::new().prefix(to.prefix()).tempdir_in(parent).map_err(failed)?;
        let lock = File::create(folder.path().join(LOCK)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Self { folder, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what killed processes left in `parent`: folders of this use older than `older_than` that nobody holds.
/// Returns how many.
pub fn sweep_leftovers(parent: &Path, of: Use, older_than: Duration) -> Result<usize> {
    let failed = |e: std::io::Error| {
        Failure::new(Kind::Environment, format!("cannot sweep the folder {}", parent.display())).source(e)
    };
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(failed(e)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let is_one = entry.file_name().to_string_lossy().starts_with(of.prefix());
        // Another process may remove it while we look: then it is no longer ours to judge.
        let Ok(metadata) = entry.metadata() else { continue };
        let age = metadata.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
        if !is_one || !metadata.is_dir() || age < older_than {
            continue;
        }
        if let Ok(lock) = File::open(entry.path().join(LOCK))
            && lock.try_lock().is_err()
        {
            continue;
        }
        match fs::remove_dir_all(entry.path()) {
            Ok(()) => removed += 1,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(failed(e)),
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_one_clears_away_what_killed_ones_left() {
        let work = tempfile::tempdir().expect("a folder");
        let [old, young] = ["fetch-old", "fetch-young"].map(|name| work.path().join(name));
        fs::create_dir(&old).expect("a folder");
        fs::create_dir(&young).expect("a folder");
        let long_ago = std::time::SystemTime::now() - 2 * LEFT_BEHIND;
        File::open(&old).and_then(|folder| folder.set_modified(long_ago)).expect("an age");
        let _new = WorkFolder::create(work.path(), Use::Fetch).expect("a fetch folder");
        assert!(!old.exists() && young.exists());
    }

    #[test]
    fn folders_of_the_living_stay() {
        let work = tempfile::tempdir().expect("a folder");
        let alive = WorkFolder::create(work.path(), Use::Fetch).expect("a fetch folder");
        for name in ["fetch-dead", "fetch-unlocked", "dump-dead", "pictures"] {
            fs::create_dir(work.path().join(name)).expect(name);
        }
        File::create(work.path().join("fetch-dead").join(LOCK)).expect("a lock that nobody holds");
        assert_eq!(
            sweep_leftovers(work.path(), Use::Fetch, Duration::from_hours(1)).expect("a sweep"),
            0,
            "all are young"
        );
        assert_eq!(sweep_leftovers(work.path(), Use::Fetch, Duration::ZERO).expect("a sweep"), 2);
        assert!(alive.path().is_dir() && work.path().join("pictures").is_dir());
        let path = alive.path().to_owned();
        drop(alive);
        assert!(!path.exists());
        assert_eq!(sweep_leftovers(&path, Use::Fetch, Duration::ZERO).expect("nothing there"), 0);
    }
}
