//! The picture store: content-addressed objects in a folder (or whatever `object_store` speaks).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};

use crate::model::failure::{Failure, Kind, Result};
use crate::model::picture::{Canvas, StoredPicture};

const PREFIX: &str = "images/v1";

/// Where pictures are. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pictures {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
}

impl Pictures {
    /// The store in a local folder, which is made where it is missing.
    pub fn open(folder: &Path) -> Result<Self> {
        let cannot = |what: &str| {
            Failure::new(Kind::Environment, format!("the picture store {} {what}", folder.display()))
                .hint("name another folder in images.store, or make this one writable for this user")
        };
        std::fs::create_dir_all(folder).map_err(|error| cannot("cannot be made").source(error))?;
        let folder = folder.canonicalize().map_err(|error| cannot("cannot be opened").source(error))?;
        let store =
            LocalFileSystem::new_with_prefix(&folder).map_err(|error| cannot("cannot be opened").source(error))?;
        Ok(Self { store: Arc::new(store.with_fsync(true)), folder })
    }

    /// Stores a PNG durably under the hash of its bytes. A picture that is there already is written again, so that its
    /// age starts anew and no sweep takes it away before a row names it.
    pub async fn put(&self, png: Vec<u8>, canvas: Canvas) -> Result<StoredPicture> {
        let hash: String = Sha256::digest(&png).iter().map(|byte| format!("{byte:02x}")).collect();
        let key = format!("{PREFIX}/{}/{}/{hash}.png", &hash[..2], &hash[2..4]);
        let bytes = png.len() as u64;
        self.store.put(&Key::from(key.as_str()), png.into()).await.map_err(|error| self.failure("storing", &error))?;
        Ok(StoredPicture { key, bytes, media_type: "image/png".into(), canvas })
    }

    /// The bytes of a picture; none where there is no such object.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let read = async { self.store.get(&Key::parse(key)?).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes.to_vec())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failure("reading", &error)),
        }
    }

    /// Where the picture lies on this machine.
    #[must_use]
    pub fn local_path(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    /// Keys of all pictures that were last written longer ago than `age`.
    pub async fn older_than(&self, age: Duration) -> Result<Vec<String>> {
        let limit = chrono::Duration::from_std(age).ok().and_then(|age| Utc::now().checked_sub_signed(age));
        let Some(limit) = limit else { return Ok(Vec::new()) };
        let listed: Vec<_> = self
            .store
            .list(Some(&Key::from(PREFIX)))
            .try_collect()
            .await
            .map_err(|error| self.failure("listing", &error))?;
        Ok(listed
            .into_iter()
            .filter(|object| object.last_modified < limit)
            .map(|object| object.location.to_string())
            .collect())
    }

    /// Removes a picture unless it was written anew within `age`: whoever did so is about to name it. Whether it was
    /// removed.
    pub async fn delete_older_than(&self, key: &str, age: Duration) -> Result<bool> {
        let limit = chrono::Duration::from_std(age).ok().and_then(|age| Utc::now().checked_sub_signed(age));
        let written = async { Ok(self.store.head(&Key::parse(key)?).await?.last_modified) };
        match written.await {
            Ok(written) if limit.is_some_and(|limit| written < limit) => self.delete(key).await.map(|()| true),
            Ok(_) | Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.failure("looking at", &error)),
        }
    }

    /// Removes what writers that were killed left half written longer ago than `age`; returns how many files.
    ///
    /// `object_store` writes to `NAME#NUMBER` first and shows no such file, so they are looked for in the folder.
    pub fn sweep_unfinished(&self, age: Duration) -> Result<usize> {
        let failed = |error: std::io::Error| {
            let place = self.folder.display();
            Failure::new(Kind::Environment, format!("sweeping the picture store {place} failed")).source(error)
        };
        let mut removed = 0;
        let mut folders = vec![self.folder.join(PREFIX)];
        while let Some(folder) = folders.pop() {
            let entries = match std::fs::read_dir(&folder) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries.map_err(failed)?,
            };
            for entry in entries {
                let entry = entry.map_err(failed)?;
                // Its writer may rename it while we look.
                let Ok(metadata) = entry.metadata() else { continue };
                if metadata.is_dir() {
                    folders.push(entry.path());
                    continue;
                }
                let name = entry.file_name();
                let unfinished = name
                    .to_string_lossy()
                    .rsplit_once(".png#")
                    .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()));
                let written = metadata.modified().ok().and_then(|at| at.elapsed().ok()).unwrap_or_default();
                if unfinished && written >= age && std::fs::remove_file(entry.path()).is_ok() {
                    removed += 1;
                }
            }
        }
        Ok(removed)
    }

    /// Removes a picture; one that is not there is removed.
    pub async fn delete(&self, key: &str) -> Result<()> {
        let delete = async { self.store.delete(&Key::parse(key)?).await };
        match delete.await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failure("deleting", &error)),
        }
    }

    fn failure(&self, doing: &str, error: &Error) -> Failure {
        Failure::new(Kind::Environment, format!("{doing} a picture in {} failed: {error}", self.folder.display()))
            .hint("is the disk full, or the folder not writable? See images.store")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_picture_is_found_under_its_hash_and_swept_by_age() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::open(folder.path()).unwrap();
        let stored = pictures.put(b"meow".to_vec(), Canvas::WIDE).await.unwrap();
        assert_eq!(pictures.put(b"meow".to_vec(), Canvas::WIDE).await.unwrap(), stored);
        assert_eq!(pictures.get(&stored.key).await.unwrap().as_deref(), Some(&b"meow"[..]));
        assert!(pictures.local_path(&stored.key).is_file());
        assert_eq!(pictures.older_than(Duration::from_secs(60)).await.unwrap(), Vec::<String>::new());
        assert_eq!(pictures.older_than(Duration::ZERO).await.unwrap(), std::slice::from_ref(&stored.key));
        pictures.delete(&stored.key).await.unwrap();
        pictures.delete(&stored.key).await.unwrap();
        assert_eq!(pictures.get(&stored.key).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_picture_that_was_written_anew_is_not_swept() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::open(folder.path()).unwrap();
        let stored = pictures.put(b"meow".to_vec(), Canvas::WIDE).await.unwrap();
        let file = std::fs::File::options().write(true).open(pictures.local_path(&stored.key)).unwrap();
        file.set_modified(std::time::SystemTime::now() - Duration::from_hours(2)).unwrap();
        let old = pictures.older_than(Duration::from_hours(1)).await.unwrap();
        assert_eq!(old, std::slice::from_ref(&stored.key));
        pictures.put(b"meow".to_vec(), Canvas::WIDE).await.unwrap();
        assert!(!pictures.delete_older_than(&old[0], Duration::from_hours(1)).await.unwrap());
        assert!(pictures.get(&stored.key).await.unwrap().is_some());
        assert!(pictures.delete_older_than(&old[0], Duration::ZERO).await.unwrap());
        assert!(!pictures.delete_older_than(&old[0], Duration::ZERO).await.unwrap(), "it is gone");
    }

    #[tokio::test]
    async fn what_a_killed_writer_left_is_swept_by_age() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::open(folder.path()).unwrap();
        assert_eq!(pictures.sweep_unfinished(Duration::ZERO).unwrap(), 0);
        let stored = pictures.put(b"meow".to_vec(), Canvas::WIDE).await.unwrap();
        let half = pictures.local_path(&format!("{}#1", stored.key));
        std::fs::write(&half, "me").unwrap();
        assert_eq!(pictures.sweep_unfinished(Duration::from_secs(60)).unwrap(), 0, "its writer may live");
        assert_eq!(pictures.sweep_unfinished(Duration::ZERO).unwrap(), 1);
        assert!(!half.exists() && pictures.get(&stored.key).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_key_cannot_leave_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::open(folder.path()).unwrap();
        assert!(pictures.get("images/../../etc/passwd").await.is_err());
    }
}
