//! Where backups are kept: a local folder, or a bucket of whatever speaks S3.
//!
//! A backup is a folder (or a prefix) of its own, named as [`BackupName`] says. It exists when, and only when, its
//! `manifest.json` is there under the final name; until then it is a draft. In a local folder ([`folder`]) a draft is
//! called `.NAME.draft` and is renamed once everything in it is on the disk; in a bucket ([`objects`]) the manifest is
//! written last.
//!
//! Whoever waits for a store may stop by dropping the future: what was begun is then undone in the background, and what
//! even that does not reach is found by [`Vault::sweep`].

mod folder;
mod objects;
mod s3;

use std::path::Path;
use std::time::Duration;

use futures_util::stream::BoxStream;

use crate::model::backup::BackupName;
use crate::model::failure::{Failure, Kind, Result};
use folder::{Folder, LocalDraft, LocalUpload};
use objects::{Bucket, BucketDraft, BucketUpload};

pub use crate::model::backup::manifest::FILE as MANIFEST;

/// What the last drill's report is called.
pub const DRILL: &str = "drill.json";

/// The file with which somebody says that an empty folder is the store.
pub const MARK: &str = ".repo-to-cat-store";

/// What the file for `sha256sum -c` is called.
pub const SUMS: &str = "SHA256SUMS";

pub use bytes::Bytes;
pub use s3::S3;

/// A store of backups. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault(Store);

#[derive(Debug, Clone)]
enum Store {
    Folder(Folder),
    Bucket(Bucket),
}

impl Vault {
    /// Opens a store: a path, `file:///path` or `s3://bucket/prefix`. A local folder is made, mode 0700, where it is missing.
    pub fn open(place: &str, s3: &S3) -> Result<Self> {
        if place.starts_with("s3://") {
            return Bucket::open(place, s3).map(|bucket| Self(Store::Bucket(bucket)));
        }
        let of_url = url::Url::parse(place).ok().filter(|url| url.scheme() == "file");
        let folder = match of_url.map(|url| url.to_file_path()) {
            None if !place.contains("://") && !place.is_empty() => Path::new(place).to_owned(),
            Some(Ok(path)) => path,
            _ => {
                return Err(Failure::new(Kind::Invalid, format!("`{place}` is no place for backups"))
                    .hint("backup.store is a folder, file:///folder or s3://bucket/prefix"));
            }
        };
        Folder::open(&folder).map(|folder| Self(Store::Folder(folder)))
    }

    /// Where it is, for people; no secrets.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.0 {
            Store::Folder(folder) => folder.place(),
            Store::Bucket(bucket) => bucket.place(),
        }
    }

    /// Begins a backup. What an earlier attempt left under the same name is removed.
    pub async fn begin(&self, name: &BackupName) -> Result<Draft> {
        Ok(Draft(match &self.0 {
            Store::Folder(folder) => DraftIn::Folder(folder.begin(name).await?),
            Store::Bucket(bucket) => DraftIn::Bucket(bucket.begin(name).await?),
        }))
    }

    /// Names of the backups that exist, oldest first.
    pub async fn list(&self) -> Result<Vec<BackupName>> {
        let mut names = match &self.0 {
            Store::Folder(folder) => folder.list().await?,
            Store::Bucket(bucket) => bucket.list().await?,
        };
        names.sort_by(|one, other| (one.moment(), one.as_str()).cmp(&(other.moment(), other.as_str())));
        Ok(names)
    }

    /// A small file of a backup; none where there is no such file.
    pub async fn get(&self, name: &BackupName, file: &str) -> Result<Option<Vec<u8>>> {
        check_file_name(file)?;
        match &self.0 {
            Store::Folder(folder) => folder.get(name, file).await,
            Store::Bucket(bucket) => bucket.get(name, file).await,
        }
    }

    /// A file of a backup from its beginning; a failure of kind `NotFound` where there is none.
    pub async fn read(&self, name: &BackupName, file: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        check_file_name(file)?;
        match &self.0 {
            Store::Folder(folder) => folder.read(name, file).await,
            Store::Bucket(bucket) => bucket.read(name, file).await,
        }
    }

    /// Adds a small file to a backup that exists, or replaces it, as a whole or not at all.
    pub async fn put(&self, name: &BackupName, file: &str, bytes: Vec<u8>) -> Result<()> {
        check_file_name(file)?;
        match &self.0 {
            Store::Folder(folder) => folder.put(name, file, bytes).await,
            Store::Bucket(bucket) => bucket.put(name, file, bytes).await,
        }
    }

    /// Removes a backup: its manifest first, so that it is gone or whole.
    pub async fn remove(&self, name: &BackupName) -> Result<()> {
        match &self.0 {
            Store::Folder(folder) => folder.remove(name).await,
            Store::Bucket(bucket) => bucket.remove(name).await,
        }
    }

    /// The backup that `DATABASE_latest` points to; none where it points to none that exists.
    pub async fn latest(&self, database: &str) -> Result<Option<BackupName>> {
        match &self.0 {
            Store::Folder(folder) => folder.latest(database).await,
            Store::Bucket(bucket) => bucket.latest(database).await,
        }
    }

    /// Moves `DATABASE_latest`, in one step.
    pub async fn set_latest(&self, name: &BackupName) -> Result<()> {
        match &self.0 {
            Store::Folder(folder) => folder.set_latest(name).await,
            Store::Bucket(bucket) => bucket.set_latest(name).await,
        }
    }

    /// What killed runs left: drafts, half-removed backups, uploads that were never completed; those older than `grace`.
    /// Removes them unless `dry_run`; returns what they are called.
    ///
    /// Uploads are found where the server lists them. Some (`MinIO`) list none below a prefix, but drop stale ones
    /// themselves; for others give the bucket a rule that aborts incomplete multipart uploads after a few days.
    pub async fn sweep(&self, grace: Duration, dry_run: bool) -> Result<Vec<String>> {
        let mut swept = match &self.0 {
            Store::Folder(folder) => folder.sweep(grace, dry_run).await?,
            Store::Bucket(bucket) => bucket.sweep(grace, dry_run).await?,
        };
        swept.sort();
        Ok(swept)
    }

    /// Writes, reads and removes a small file, so that a store that does not take any is found out before it matters.
    pub async fn check(&self) -> Result<()> {
        match &self.0 {
            Store::Folder(folder) => folder.check().await,
            Store::Bucket(bucket) => bucket.check().await,
        }
    }

    /// Whether it is one that backups were put into, or that somebody marked as such with a file `.repo-to-cat-store`; else
    /// it may be the folder beneath a file system that is not mounted. A bucket that is not there tells so by itself.
    pub fn is_begun(&self) -> Result<bool> {
        match &self.0 {
            Store::Folder(folder) => folder.is_begun(),
            Store::Bucket(_) => Ok(true),
        }
    }

    /// Bytes that are free, where that can be known.
    pub fn free_bytes(&self) -> Result<Option<u64>> {
        match &self.0 {
            Store::Folder(folder) => folder.free_bytes().map(Some),
            Store::Bucket(_) => Ok(None),
        }
    }
}

/// A backup that is being made. Dropped without [`Draft::publish`], it is removed in the background; [`Draft::discard`]
/// does that, and waits.
#[derive(Debug)]
pub struct Draft(DraftIn);

#[derive(Debug)]
enum DraftIn {
    Folder(LocalDraft),
    Bucket(BucketDraft),
}

impl Draft {
    /// Begins a file of it, mode 0600.
    pub async fn create(&self, file: &str) -> Result<Upload> {
        check_file_name(file)?;
        Ok(Upload(match &self.0 {
            DraftIn::Folder(draft) => UploadIn::Folder(draft.create(file).await?),
            DraftIn::Bucket(draft) => UploadIn::Bucket(draft.create(file)?),
        }))
    }

    /// Everything is there: writes the manifest, and the backup exists. A failure of kind `Conflict` where there is one
    /// of that name already.
    pub async fn publish(self, manifest: Vec<u8>) -> Result<()> {
        match self.0 {
            DraftIn::Folder(draft) => draft.publish(manifest).await,
            DraftIn::Bucket(draft) => draft.publish(manifest).await,
        }
    }

    /// Removes whatever is there of it.
    pub async fn discard(self) -> Result<()> {
        match self.0 {
            DraftIn::Folder(draft) => draft.discard().await,
            DraftIn::Bucket(draft) => draft.discard().await,
        }
    }
}

/// A file that is being written. Dropped without [`Upload::finish`], it is not there.
#[derive(Debug)]
pub struct Upload(UploadIn);

#[derive(Debug)]
enum UploadIn {
    Folder(LocalUpload),
    Bucket(BucketUpload),
}

impl Upload {
    /// Adds bytes; waits while the store is slower than we are.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        match &mut self.0 {
            UploadIn::Folder(upload) => upload.write(bytes).await,
            UploadIn::Bucket(upload) => upload.write(bytes).await,
        }
    }

    /// All bytes are there, and durable.
    pub async fn finish(self) -> Result<()> {
        match self.0 {
            UploadIn::Folder(upload) => upload.finish().await,
            UploadIn::Bucket(upload) => upload.finish().await,
        }
    }
}

/// Refuses what is no plain name of a file, and names that begin with a dot, which are for drafts.
fn check_file_name(file: &str) -> Result<()> {
    let is_plain = (1..=255).contains(&file.len())
        && !file.starts_with('.')
        && file.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.%+".contains(&byte));
    if is_plain {
        return Ok(());
    }
    Err(Failure::new(Kind::Refused, format!("`{file}` is no name for a file of a backup"))
        .hint("a manifest that names such a file was not written by this program: do not trust that backup"))
}

fn no_such_file(place: &str, name: &BackupName, file: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no {file} in {place}/{name}"))
        .hint("is the backup whole? See: repo-to-cat backup list")
}

fn no_such_backup(place: &str, name: &BackupName) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no backup {name} in {place}"))
        .hint("see those that there are with: repo-to-cat backup list")
}

fn exists_already(place: &str, name: &BackupName) -> Failure {
    Failure::new(Kind::Conflict, format!("there is a backup {name} in {place} already"))
        .hint("backups are named by the second: try again, or give each host's store a place of its own")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_folder_or_a_bucket() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        for place in [root.join("a").display().to_string(), format!("file://{}/b%20c", root.display())] {
            let vault = Vault::open(&place, &S3::default()).unwrap();
            assert!(vault.place().starts_with(&*root.to_string_lossy()), "{}", vault.place());
        }
        for place in ["", "ftp://host/x", "file://host/x", "s3://", "s3://a", "s3://bucket/../x", "s3://Bu_cket"] {
            assert_eq!(Vault::open(place, &S3::default()).unwrap_err().kind(), Kind::Invalid, "{place}");
        }
    }

    #[test]
    fn names_of_files_lead_nowhere_else() {
        for file in ["a%2Fb_20261122_030000Z.0001.copy.zst.age", "manifest.json", SUMS] {
            check_file_name(file).unwrap();
        }
        for file in ["", ".", "..", ".hidden", "a/b", "../x", "a\0", "a b", "\u{e9}", &"x".repeat(256)] {
            assert!(check_file_name(file).is_err(), "{file}");
        }
    }
}
