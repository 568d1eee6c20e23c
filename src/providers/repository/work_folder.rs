//! The folders that hold a remote repository's objects while it is worked on.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::model::failure::{Failure, Kind, Result};

const PREFIX: &str = "fetch-";
const LOCK: &str = "lock";
/// Longer than it takes from making a folder to locking it, by far.
const LEFT_BEHIND: Duration = Duration::from_hours(1);

/// A folder of one fetch; removed on drop. The lock tells other processes that its owner lives.
#[derive(Debug)]
pub(super) struct FetchFolder {
    folder: TempDir,
    _lock: File,
}

impl FetchFolder {
    pub(super) fn create(work_folder: &Path) -> Result<Self> {
        let failed = |e: std::io::Error| {
            Failure::new(Kind::Environment, format!("cannot make a folder for the fetch in {}", work_folder.display()))
                .hint("free some space there, or give the data folder to the user who runs this program")
                .source(e)
        };
        fs::create_dir_all(work_folder).map_err(failed)?;
        // A host may run workers and no scheduler. What cannot be removed is no reason not to fetch.
        if let Err(failure) = sweep_leftovers(work_folder, LEFT_BEHIND) {
            tracing::warn!(%failure, "what killed fetches left stays");
        }
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(work_folder).map_err(failed)?;
        let lock = File::create(folder.path().join(LOCK)).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes what killed processes left in `work_folder`: folders of fetches older than `older_than` that nobody holds.
/// Returns how many.
pub fn sweep_leftovers(work_folder: &Path, older_than: Duration) -> Result<usize> {
    let failed = |e: std::io::Error| {
        Failure::new(Kind::Environment, format!("cannot sweep the folder {}", work_folder.display())).source(e)
    };
    let entries = match fs::read_dir(work_folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(failed(e)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let of_a_fetch = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // Another process may remove it while we look: then it is no longer ours to judge.
        let Ok(metadata) = entry.metadata() else { continue };
        let age = metadata.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
        if !of_a_fetch || !metadata.is_dir() || age < older_than {
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
    fn a_new_fetch_clears_away_what_killed_ones_left() {
        let work = tempfile::tempdir().expect("a folder");
        let [old, young] = ["fetch-old", "fetch-young"].map(|name| work.path().join(name));
        fs::create_dir(&old).expect("a folder");
        fs::create_dir(&young).expect("a folder");
        let long_ago = std::time::SystemTime::now() - 2 * LEFT_BEHIND;
        File::open(&old).and_then(|folder| folder.set_modified(long_ago)).expect("an age");
        let _new = FetchFolder::create(work.path()).expect("a fetch folder");
        assert!(!old.exists() && young.exists());
    }

    #[test]
    fn folders_of_the_living_stay() {
        let work = tempfile::tempdir().expect("a folder");
        let alive = FetchFolder::create(work.path()).expect("a fetch folder");
        for name in ["fetch-dead", "fetch-unlocked", "pictures"] {
            fs::create_dir(work.path().join(name)).expect(name);
        }
        File::create(work.path().join("fetch-dead").join(LOCK)).expect("a lock that nobody holds");
        assert_eq!(sweep_leftovers(work.path(), Duration::from_hours(1)).expect("a sweep"), 0, "all are young");
        assert_eq!(sweep_leftovers(work.path(), Duration::ZERO).expect("a sweep"), 2);
        assert!(alive.path().is_dir() && work.path().join("pictures").is_dir());
        let path = alive.path().to_owned();
        drop(alive);
        assert!(!path.exists());
        assert_eq!(sweep_leftovers(&path, Duration::ZERO).expect("nothing there"), 0);
    }
}
