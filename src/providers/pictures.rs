//! The picture store: content-addressed objects in a folder (or whatever `object_store` speaks).

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{Error, ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::model::failure::{Failure, Kind, Result};
use crate::model::picture::{Canvas, StoredPicture};

const PREFIX: &str = "images/v1";
/// What every key begins with, and no path of the founding application's does.
pub const KEYS: &str = "images/v1/";
/// Where databases sign that rows of theirs name pictures of this store.
const USERS: &str = "images-of";

/// Where pictures are. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Pictures {
    store: Arc<dyn ObjectStore>,
    folder: PathBuf,
    signed: Arc<OnceCell<()>>,
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
        Ok(Self { store: Arc::new(store.with_fsync(true)), folder, signed: Arc::default() })
    }

    /// Notes that the database `user` is about to name pictures of this store. Written once a process.
    pub async fn sign(&self, user: &str) -> Result<()> {
        let sign = async { self.store.put(&signature(user), user.to_owned().into()).await.map(drop) };
        let signed = self.signed.get_or_try_init(|| sign).await;
        signed.map(drop).map_err(|error| self.failure("signing for", &error))
    }

    /// Whether no other database than `user` has signed: only then does it know every picture that is in use.
    pub async fn is_only_for(&self, user: &str) -> Result<bool> {
        let signatures = self.store.list(Some(&Key::from(USERS))).try_collect::<Vec<_>>().await;
        let signatures = signatures.map_err(|error| self.failure("listing those who use", &error))?;
        Ok(signatures.iter().all(|object| object.location == signature(user)))
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

    /// Whether there is such an object. A key that no object can have has none.
    pub async fn has(&self, key: &str) -> Result<bool> {
        if key.is_empty() {
            return Ok(false);
        }
        let look = async { self.store.head(&Key::parse(key)?).await };
        match look.await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. } | Error::InvalidPath { .. }) => Ok(false),
            Err(error) => Err(self.failure("looking for", &error)),
        }
    }

    /// Fails unless the folder is there and may be written.
    pub fn require_writable(&self) -> Result<()> {
        use rustix::fs::{Access, access};
        access(&self.folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).map_err(|error| {
            Failure::new(Kind::Environment, format!("the picture store {} cannot be written", self.folder.display()))
                .hint("is it mounted, and may this user write in it? See images.store")
                .source(error)
        })
    }

    /// Where the picture lies on this machine.
    #[must_use]
    pub fn local_path(&self, key: &str) -> PathBuf {
        self.folder.join(key)
    }

    /// Keys of all pictures that were last written longer ago than `age`.
    pub async fn older_than(&self, age: Duration) -> Result<Vec<String>> {
        let Some(limit) = before(age) else { return Ok(Vec::new()) };
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

    /// Removes a picture if it is still older than `age`; returns whether it did. A long list grows old itself: a worker
    /// may have stored the same picture again since, and be about to name it.
    pub async fn delete_if_older(&self, key: &str, age: Duration) -> Result<bool> {
        let Some(limit) = before(age) else { return Ok(false) };
        let delete = async {
            let key = Key::parse(key)?;
            let is_older = self.store.head(&key).await?.last_modified < limit;
            if is_older {
                self.store.delete(&key).await?;
            }
            Ok(is_older)
        };
        match delete.await {
            Err(Error::NotFound { .. } | Error::InvalidPath { .. }) => Ok(false),
            other => other.map_err(|error| self.failure("deleting", &error)),
        }
    }

    /// Removes what writers left that were killed before their picture was whole, if it is older than `age`; returns
    /// how many. The store does not list such files, so that nobody else would ever find them.
    pub async fn sweep_unfinished(&self, age: Duration) -> Result<usize> {
        let folder = self.folder.join(PREFIX);
        let swept = tokio::task::spawn_blocking(move || unfinished(&folder, age)).await;
        let swept = swept.map_err(|error| Failure::new(Kind::Internal, "the sweep broke").source(error))?;
        swept.map_err(|error| {
            Failure::new(Kind::Environment, format!("the picture store {} cannot be swept", self.folder.display()))
                .hint("may this user write in it? See images.store")
                .source(error)
        })
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

fn signature(user: &str) -> Key {
    Key::from(USERS).join(user)
}

/// The moment that was `age` ago.
fn before(age: Duration) -> Option<DateTime<Utc>> {
    Utc::now().checked_sub_signed(chrono::Duration::from_std(age).ok()?)
}

/// Removes the files below `folder` that are named as the store names what it is still writing: `KEY#NUMBER`.
fn unfinished(folder: &Path, age: Duration) -> std::io::Result<usize> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let mut swept = 0;
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_unfinished = name.rsplit_once('#').is_some_and(|(_, number)| number.parse::<u64>().is_ok());
        // Whoever is writing may be done with it while we look.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            swept += unfinished(&entry.path(), age)?;
        } else if is_unfinished && metadata.modified()?.elapsed().is_ok_and(|since| since >= age) {
            swept += usize::from(std::fs::remove_file(entry.path()).is_ok());
        }
    }
    Ok(swept)
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
    async fn a_picture_that_was_stored_again_since_it_was_listed_stays() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::open(folder.path()).unwrap();
        let stored = pictures.put(b"meow".to_vec(), Canvas::WIDE).await.unwrap();
        let hour = Duration::from_hours(1);
        let grow_old = |path: &Path| {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            file.set_modified(std::time::SystemTime::now() - 2 * hour).unwrap();
        };
        grow_old(&pictures.local_path(&stored.key));
        assert_eq!(pictures.older_than(hour).await.unwrap(), std::slice::from_ref(&stored.key));
        pictures.put(b"meow".to_vec(), Canvas::WIDE).await.unwrap();
        assert!(!pictures.delete_if_older(&stored.key, hour).await.unwrap());
        assert!(pictures.local_path(&stored.key).is_file());
        grow_old(&pictures.local_path(&stored.key));
        assert!(pictures.delete_if_older(&stored.key, hour).await.unwrap());
        assert!(!pictures.delete_if_older(&stored.key, hour).await.unwrap());
        assert_eq!(pictures.get(&stored.key).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_store_of_two_databases_is_only_for_neither() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = ("2026-11-22T14:00:00.000001Z", "2026-11-22T14:00:00.000002Z");
        let pictures = Pictures::open(folder.path()).unwrap();
        assert!(pictures.is_only_for(one).await.unwrap());
        pictures.sign(one).await.unwrap();
        pictures.sign(one).await.unwrap();
        assert!(pictures.is_only_for(one).await.unwrap());
        assert!(!pictures.is_only_for(other).await.unwrap());
        Pictures::open(folder.path()).unwrap().sign(other).await.unwrap();
        assert!(!pictures.is_only_for(one).await.unwrap());
        assert_eq!(pictures.older_than(Duration::ZERO).await.unwrap(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_a_killed_writer_left_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::open(folder.path()).unwrap();
        let stored = pictures.put(b"meow".to_vec(), Canvas::WIDE).await.unwrap();
        let half = folder.path().join(format!("{}#1", stored.key));
        std::fs::write(&half, b"me").unwrap();
        assert_eq!(pictures.sweep_unfinished(Duration::from_hours(1)).await.unwrap(), 0);
        assert_eq!(pictures.sweep_unfinished(Duration::ZERO).await.unwrap(), 1);
        assert!(!half.exists() && pictures.local_path(&stored.key).is_file());
    }

    #[tokio::test]
    async fn a_key_cannot_leave_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let pictures = Pictures::open(folder.path()).unwrap();
        assert!(pictures.get("images/../../etc/passwd").await.is_err());
    }
}
