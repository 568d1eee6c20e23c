//! A store in a bucket. A backup is what lies under `PREFIX/NAME/`, and is one as soon as its manifest is there.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3;
use object_store::path::Path as Key;
use object_store::{Error, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, PutPayload};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::{Bytes, MANIFEST, S3, exists_already, no_such_backup, no_such_file};
use crate::model::backup::BackupName;
use crate::model::failure::{Failure, Kind, Result};

mod connect;
mod trouble;
mod upload;
mod uploads;

pub(super) use upload::BucketUpload;

/// Requests that are under way at once where there are many small ones.
const AT_ONCE: usize = 8;

/// What the names of objects begin with that are there to try the store.
const CHECK: &str = ".check-";

#[derive(Debug, Clone)]
pub(super) struct Bucket(Arc<Reached>);

#[derive(Debug)]
struct Reached {
    /// Gives up on a request after a while.
    s3: AmazonS3,
    /// Takes up a download again where it broke off, however long that lasts.
    reader: AmazonS3,
    http: reqwest::Client,
    /// `s3://bucket/prefix`.
    place: String,
    /// Empty, or ending with `/`.
    prefix: String,
}

impl Bucket {
    pub(super) fn open(place: &str, s3: &S3) -> Result<Self> {
        connect::open(place, s3).map(|reached| Self(Arc::new(reached)))
    }

    pub(super) fn place(&self) -> String {
        self.0.place.clone()
    }

    pub(super) async fn begin(&self, name: &BackupName) -> Result<BucketDraft> {
        if self.has(name).await? {
            return Err(exists_already(&self.0.place, name));
        }
        self.clear(name).await?;
        Ok(BucketDraft { bucket: self.clone(), name: name.clone(), runtime: Handle::current(), is_done: false })
    }

    pub(super) async fn list(&self) -> Result<Vec<BackupName>> {
        let names = self.prefixes().await?.into_iter();
        let known = names.map(|name| async move { Ok(self.has(&name).await?.then_some(name)) });
        stream::iter(known).buffer_unordered(AT_ONCE).try_filter_map(|name| async { Ok(name) }).try_collect().await
    }

    pub(super) async fn get(&self, name: &BackupName, file: &str) -> Result<Option<Vec<u8>>> {
        self.get_key(&self.key(name, file)?).await
    }

    async fn get_key(&self, key: &Key) -> Result<Option<Vec<u8>>> {
        let get = async { self.0.s3.get(key).await?.bytes().await };
        self.unless_missing(key, "reading", get.await).map(|found| found.map(Into::into))
    }

    pub(super) async fn read(&self, name: &BackupName, file: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        let key = self.key(name, file)?;
        let found = self.unless_missing(&key, "reading", self.0.reader.get(&key).await)?;
        let found = found.ok_or_else(|| no_such_file(&self.0.place, name, file))?;
        let bucket = self.clone();
        Ok(found.into_stream().map_err(move |error| bucket.failure("reading", &key, &error)).boxed())
    }

    pub(super) async fn put(&self, name: &BackupName, file: &str, bytes: Vec<u8>) -> Result<()> {
        if !self.has(name).await? {
            return Err(no_such_backup(&self.0.place, name));
        }
        self.put_key(&self.key(name, file)?, bytes).await
    }

    async fn put_key(&self, key: &Key, bytes: impl Into<PutPayload>) -> Result<()> {
        let put = self.0.s3.put(key, bytes.into()).await;
        put.map(drop).map_err(|error| self.failure("writing", key, &error))
    }

    pub(super) async fn remove(&self, name: &BackupName) -> Result<()> {
        if !self.has(name).await? {
            return Err(no_such_backup(&self.0.place, name));
        }
        self.clear(name).await
    }

    pub(super) async fn latest(&self, database: &str) -> Result<Option<BackupName>> {
        let found = self.get_key(&self.latest_key(database)?).await?;
        let name = found.and_then(|text| BackupName::parse(String::from_utf8(text).ok()?.trim()).ok());
        match name.filter(|name| name.database() == database) {
            Some(name) if self.has(&name).await? => Ok(Some(name)),
            _ => Ok(None),
        }
    }

    pub(super) async fn set_latest(&self, name: &BackupName) -> Result<()> {
        self.put_key(&self.latest_key(name.database())?, format!("{name}\n")).await
    }

    pub(super) async fn sweep(&self, grace: Duration, dry_run: bool) -> Result<Vec<String>> {
        let before = chrono::Duration::from_std(grace).ok().and_then(|grace| Utc::now().checked_sub_signed(grace));
        let Some(before) = before else { return Ok(Vec::new()) };
        let mut swept = self.sweep_uploads(before, dry_run).await?;
        for name in self.prefixes().await? {
            if !self.has(&name).await? && self.is_older(&name, before).await? {
                if !dry_run {
                    self.clear(&name).await?;
                }
                swept.push(format!("{name}/"));
            }
        }
        for object in self.top().await?.objects {
            let is_check = object.location.filename().is_some_and(|file| file.starts_with(CHECK));
            if is_check && object.last_modified <= before {
                if !dry_run {
                    self.delete(&object.location).await?;
                }
                swept.extend(object.location.filename().map(str::to_owned));
            }
        }
        Ok(swept)
    }

    pub(super) async fn check(&self) -> Result<()> {
        let key = self.named(&format!("{CHECK}{}", Uuid::new_v4().simple()))?;
        let written = [b'x'; 4096];
        self.put_key(&key, written.to_vec()).await?;
        let read = self.get_key(&key).await;
        self.delete(&key).await?;
        if read?.as_deref() == Some(&written) {
            return Ok(());
        }
        Err(Failure::new(Kind::Unavailable, format!("{} does not give back what was written", self.0.place))
            .hint("does another program remove what it does not know? See backup.store"))
    }

    /// Removes whatever there is under a backup's name, the manifest first.
    async fn clear(&self, name: &BackupName) -> Result<()> {
        let objects = self.objects(name).await?;
        let manifest = self.key(name, MANIFEST)?;
        if objects.iter().any(|object| object.location == manifest) {
            self.delete(&manifest).await?;
        }
        let others = objects.into_iter().map(|object| object.location).filter(|key| *key != manifest);
        let deletions = others.map(|key| async move { self.delete(&key).await });
        stream::iter(deletions).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.unless_missing(key, "removing", self.0.s3.delete(key).await).map(drop)
    }

    /// Whether there is such a backup.
    async fn has(&self, name: &BackupName) -> Result<bool> {
        let key = self.key(name, MANIFEST)?;
        self.unless_missing(&key, "looking for", self.0.s3.head(&key).await).map(|found| found.is_some())
    }

    /// Names under which there is anything.
    async fn prefixes(&self) -> Result<Vec<BackupName>> {
        let prefixes = self.top().await?.common_prefixes.into_iter();
        Ok(prefixes.filter_map(|prefix| BackupName::parse(prefix.filename()?).ok()).collect())
    }

    async fn top(&self) -> Result<object_store::ListResult> {
        let root = self.named("")?;
        let listed = self.0.s3.list_with_delimiter(Some(&root)).await;
        listed.map_err(|error| self.failure("listing", &root, &error))
    }

    async fn objects(&self, name: &BackupName) -> Result<Vec<ObjectMeta>> {
        let prefix = self.named(name.as_str())?;
        let listed: object_store::Result<_> = self.0.s3.list(Some(&prefix)).try_collect().await;
        listed.map_err(|error| self.failure("listing", &prefix, &error))
    }

    async fn is_older(&self, name: &BackupName, before: DateTime<Utc>) -> Result<bool> {
        Ok(name.moment() <= before && self.objects(name).await?.iter().all(|object| object.last_modified <= before))
    }

    fn key(&self, name: &BackupName, file: &str) -> Result<Key> {
        self.named(&format!("{name}/{file}"))
    }

    fn latest_key(&self, database: &str) -> Result<Key> {
        self.named(&format!("{}_latest", BackupName::stem(database)))
    }

    fn named(&self, path: &str) -> Result<Key> {
        let key = Key::parse(format!("{}{path}", self.0.prefix));
        key.map_err(|error| Failure::new(Kind::Invalid, format!("`{path}` is no key of an object")).source(error))
    }

    fn unless_missing<T>(&self, key: &Key, doing: &str, done: object_store::Result<T>) -> Result<Option<T>> {
        match done {
            Ok(found) => Ok(Some(found)),
            Err(error @ Error::NotFound { .. }) if !trouble::is_about_the_bucket(&error) => Ok(None),
            Err(error) => Err(self.failure(doing, key, &error)),
        }
    }

    fn failure(&self, doing: &str, key: &Key, error: &Error) -> Failure {
        let path = key.as_ref().strip_prefix(&self.0.prefix).unwrap_or_default();
        trouble::failure(&format!("{doing} {}/{path}", self.0.place), error)
    }
}

/// A prefix whose manifest is yet to come.
#[derive(Debug)]
pub(super) struct BucketDraft {
    bucket: Bucket,
    name: BackupName,
    runtime: Handle,
    is_done: bool,
}

impl BucketDraft {
    pub(super) fn create(&self, file: &str) -> Result<BucketUpload> {
        Ok(BucketUpload::begin(self.bucket.clone(), self.bucket.key(&self.name, file)?))
    }

    /// A request that was sent may be obeyed after we stopped to wait for it: no file may be removed then. So this goes
    /// on to its end even where nobody waits any more.
    pub(super) async fn publish(self, manifest: Vec<u8>) -> Result<()> {
        let publishing = self.runtime.clone().spawn(async move {
            let mut draft = self;
            let bucket = draft.bucket.clone();
            let exists = bucket.has(&draft.name).await?;
            if !exists {
                bucket.put_key(&bucket.key(&draft.name, MANIFEST)?, manifest).await?;
            }
            draft.is_done = true;
            if exists { Err(exists_already(&bucket.0.place, &draft.name)) } else { Ok(()) }
        });
        let published = publishing.await;
        published.map_err(|error| Failure::new(Kind::Internal, "publishing a backup broke off").source(error))?
    }

    pub(super) async fn discard(mut self) -> Result<()> {
        self.bucket.clear(&self.name).await?;
        self.is_done = true;
        Ok(())
    }
}

impl Drop for BucketDraft {
    fn drop(&mut self) {
        if !self.is_done {
            let (bucket, name) = (self.bucket.clone(), self.name.clone());
            self.runtime.spawn(async move {
                if let Err(failure) = bucket.clear(&name).await {
                    tracing::warn!(%failure, backup = %name, "what was made of a backup stays until it is swept");
                }
            });
        }
    }
}
