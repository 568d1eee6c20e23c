//! A store in a local folder. What has a backup's name is whole; what begins with a dot is on its way in or out.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::stream::{self, BoxStream, StreamExt as _};
use rustix::fs::OFlags;
use uuid::Uuid;

use super::{Bytes, MANIFEST, MARK, exists_already, no_such_backup, no_such_file};
use crate::model::backup::BackupName;
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::room::Room;

/// How much is read at once.
const PIECE: usize = 1 << 20;

/// Stands in the names of files and links that are renamed once they are whole.
const NEW: &str = ".new-";

#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: Arc<Path>,
}

impl Folder {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let cannot = |doing: &str, error| failure(folder, &format!("{doing} the store {}", folder.display()), error);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| cannot("making", error))?;
        // From here on no link on the way to it can be bent.
        let root = folder.canonicalize().map_err(|error| cannot("opening", error))?;
        Ok(Self { root: root.into() })
    }

    pub(super) fn place(&self) -> String {
        self.root.display().to_string()
    }

    pub(super) async fn begin(&self, name: &BackupName) -> Result<LocalDraft> {
        let (folder, name) = (self.clone(), name.clone());
        blocking(move || {
            if fs::symlink_metadata(folder.root.join(name.as_str())).is_ok() {
                return Err(exists_already(&folder.place(), &name));
            }
            let path = folder.draft(&name);
            let made = folder.take_away(&path, &name).and_then(|()| DirBuilder::new().mode(0o700).create(&path));
            made.map_err(|error| folder.failure(&format!("beginning {name} in {}", folder.place()), error))?;
            // Made here, so that it goes, too, where nobody waits for it any more.
            Ok(LocalDraft { folder, name })
        })
        .await
    }

    pub(super) async fn list(&self) -> Result<Vec<BackupName>> {
        let folder = self.clone();
        blocking(move || folder.names()).await
    }

    fn names(&self) -> Result<Vec<BackupName>> {
        let list = || -> io::Result<Vec<BackupName>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&self.root)? {
                let name = entry?.file_name().into_string().ok().and_then(|name| BackupName::parse(&name).ok());
                names.extend(name.filter(|name| self.has(name)));
            }
            Ok(names)
        };
        list().map_err(|error| self.failure(&format!("listing {}", self.place()), error))
    }

    /// Whether there is such a backup. A link to one elsewhere is none.
    fn has(&self, name: &BackupName) -> bool {
        let path = self.root.join(name.as_str());
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        is_folder && fs::symlink_metadata(path.join(MANIFEST)).is_ok_and(|metadata| metadata.is_file())
    }

    /// Opens a file of a backup; none where there is none. No link is followed, and nothing but a file is opened.
    fn file(&self, name: &BackupName, file: &str) -> Result<Option<File>> {
        let folder = self.root.join(name.as_str());
        let path = folder.join(file);
        let is = |path: &Path, is: fn(&fs::Metadata) -> bool| fs::symlink_metadata(path).is_ok_and(|found| is(&found));
        if !is(&folder, fs::Metadata::is_dir) || !is(&path, fs::Metadata::is_file) {
            return Ok(None);
        }
        match OpenOptions::new().read(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failure(&format!("opening {}", path.display()), error)),
        }
    }

    pub(super) async fn get(&self, name: &BackupName, file: &str) -> Result<Option<Vec<u8>>> {
        let (folder, name, file) = (self.clone(), name.clone(), file.to_owned());
        blocking(move || {
            let Some(mut open) = folder.file(&name, &file)? else { return Ok(None) };
            let mut bytes = Vec::new();
            open.read_to_end(&mut bytes).map_err(|error| folder.reading(&name, &file, error))?;
            Ok(Some(bytes))
        })
        .await
    }

    pub(super) async fn read(&self, name: &BackupName, file: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        let (folder, name, file) = (self.clone(), name.clone(), file.to_owned());
        let (of, named) = (name.clone(), file.clone());
        let this = folder.clone();
        let open = blocking(move || this.file(&of, &named)).await?;
        let open = Arc::new(open.ok_or_else(|| no_such_file(&folder.place(), &name, &file))?);
        let pieces = stream::try_unfold((), move |()| {
            let (folder, name, file, open) = (folder.clone(), name.clone(), file.clone(), Arc::clone(&open));
            blocking(move || {
                let mut piece = Vec::with_capacity(PIECE);
                let read = (&*open).take(PIECE as u64).read_to_end(&mut piece);
                read.map_err(|error| folder.reading(&name, &file, error))?;
                Ok((!piece.is_empty()).then(|| (piece.into(), ())))
            })
        });
        Ok(pieces.boxed())
    }

    pub(super) async fn put(&self, name: &BackupName, file: &str, bytes: Vec<u8>) -> Result<()> {
        let (folder, name, file) = (self.clone(), name.clone(), file.to_owned());
        blocking(move || {
            if !folder.has(&name) {
                return Err(no_such_backup(&folder.place(), &name));
            }
            let of = folder.root.join(name.as_str());
            let new = of.join(format!(".{file}{NEW}{}", Uuid::new_v4().simple()));
            let put = write_new(&new, &bytes).and_then(|()| fs::rename(&new, of.join(&file))).and_then(|()| sync(&of));
            put.map_err(|error| {
                _ = fs::remove_file(&new);
                folder.failure(&format!("writing {file} in {}", of.display()), error)
            })
        })
        .await
    }

    pub(super) async fn remove(&self, name: &BackupName) -> Result<()> {
        let (folder, name) = (self.clone(), name.clone());
        blocking(move || {
            if !folder.has(&name) {
                return Err(no_such_backup(&folder.place(), &name));
            }
            let removed = folder.take_away(&folder.root.join(name.as_str()), &name);
            removed.map_err(|error| folder.failure(&format!("removing {name} from {}", folder.place()), error))
        })
        .await
    }

    pub(super) async fn latest(&self, database: &str) -> Result<Option<BackupName>> {
        let (folder, link) = (self.clone(), self.root.join(latest(database)));
        let database = database.to_owned();
        blocking(move || {
            let target = fs::read_link(link).ok().and_then(|target| target.into_os_string().into_string().ok());
            let name = target.and_then(|target| BackupName::parse(&target).ok());
            Ok(name.filter(|name| name.database() == database && folder.has(name)))
        })
        .await
    }

    pub(super) async fn set_latest(&self, name: &BackupName) -> Result<()> {
        let (folder, name) = (self.clone(), name.clone());
        blocking(move || {
            let link = latest(name.database());
            let new = folder.root.join(format!(".{link}{NEW}{}", Uuid::new_v4().simple()));
            let set = symlink(name.as_str(), &new)
                .and_then(|()| fs::rename(&new, folder.root.join(&link)))
                .and_then(|()| sync(&folder.root));
            set.map_err(|error| {
                _ = fs::remove_file(&new);
                folder.failure(&format!("setting {link} in {}", folder.place()), error)
            })
        })
        .await
    }

    pub(super) async fn sweep(&self, grace: Duration, dry_run: bool) -> Result<Vec<String>> {
        let folder = self.clone();
        blocking(move || {
            let failure = |error| folder.failure(&format!("sweeping {}", folder.place()), error);
            let mut left = left_in(&folder.root, "").map_err(failure)?;
            for name in folder.names()? {
                let of = folder.root.join(name.as_str());
                // It may just have been removed.
                left.extend(left_in(&of, &format!("{name}/")).or_else(unless_gone).map_err(failure)?);
            }
            left.retain(|left| is_older(&folder.root.join(left), grace));
            for path in left.iter().filter(|_| !dry_run).map(|left| folder.root.join(left)) {
                let removed = match fs::symlink_metadata(&path) {
                    Ok(found) if found.is_dir() => fs::remove_dir_all(&path),
                    _ => fs::remove_file(&path),
                };
                removed.or_else(unless_gone).map_err(failure)?;
            }
            Ok(left)
        })
        .await
    }

    pub(super) async fn check(&self) -> Result<()> {
        let folder = self.clone();
        blocking(move || {
            let path = folder.root.join(format!(".check{NEW}{}", Uuid::new_v4().simple()));
            let checked = write_new(&path, &[b'x'; 4096]).and_then(|()| fs::read(&path)).map(drop);
            let removed = fs::remove_file(&path).or_else(unless_gone);
            checked.and(removed).map_err(|error| folder.failure(&format!("writing in {}", folder.place()), error))
        })
        .await
    }

    pub(super) fn is_begun(&self) -> Result<bool> {
        Ok(self.root.join(MARK).exists() || !self.names()?.is_empty())
    }

    pub(super) fn free_bytes(&self) -> Result<u64> {
        let room = Room::on(&self.root);
        Ok(room.map_err(|error| self.failure(&format!("asking for room in {}", self.place()), error))?.free)
    }

    /// Where a backup is while it is made.
    fn draft(&self, name: &BackupName) -> PathBuf {
        self.root.join(format!(".{name}.draft"))
    }

    /// Removes the folder at `path` in a way that nobody ever sees half of it, not even who is about to publish it.
    fn take_away(&self, path: &Path, name: &BackupName) -> io::Result<()> {
        let removed = self.root.join(format!(".{name}.removed"));
        fs::remove_dir_all(&removed).or_else(unless_gone)?;
        match fs::rename(path, &removed) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        sync(&self.root)?;
        fs::remove_dir_all(&removed).or_else(unless_gone)
    }

    fn reading(&self, name: &BackupName, file: &str, error: io::Error) -> Failure {
        self.failure(&format!("reading {file} in {}/{name}", self.place()), error)
    }

    fn failure(&self, doing: &str, error: io::Error) -> Failure {
        failure(&self.root, doing, error)
    }
}

/// A folder on its way in.
#[derive(Debug)]
pub(super) struct LocalDraft {
    folder: Folder,
    name: BackupName,
}

impl LocalDraft {
    pub(super) async fn create(&self, file: &str) -> Result<LocalUpload> {
        let (folder, path) = (self.folder.clone(), self.folder.draft(&self.name).join(file));
        let (made, shown) = (path.clone(), file.to_owned());
        let open = blocking(move || {
            create_new(&made).map_err(|error| folder.failure(&format!("making {shown} in {}", folder.place()), error))
        });
        let open = Arc::new(open.await?);
        Ok(LocalUpload { folder: self.folder.clone(), open, path, written: 0, is_finished: false })
    }

    pub(super) async fn publish(self, manifest: Vec<u8>) -> Result<()> {
        let (folder, name) = (self.folder.clone(), self.name.clone());
        // Whoever stops waiting drops the draft, which takes it away from under this or comes too late.
        blocking(move || {
            let (draft, place) = (folder.draft(&name), folder.root.join(name.as_str()));
            let written = write_new(&draft.join(MANIFEST), &manifest).and_then(|()| sync(&draft));
            match written.and_then(|()| fs::rename(&draft, &place)).and_then(|()| sync(&folder.root)) {
                Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::AlreadyExists) => {
                    Err(exists_already(&folder.place(), &name))
                }
                other => {
                    other.map_err(|error| folder.failure(&format!("publishing {name} in {}", folder.place()), error))
                }
            }
        })
        .await
    }

    pub(super) async fn discard(self) -> Result<()> {
        let (folder, name) = (self.folder.clone(), self.name.clone());
        blocking(move || {
            let discarded = folder.take_away(&folder.draft(&name), &name);
            discarded.map_err(|error| folder.failure(&format!("discarding {name} in {}", folder.place()), error))
        })
        .await
    }
}

impl Drop for LocalDraft {
    /// At once, since nobody may be there to do it later. What was published or discarded is no draft any more.
    fn drop(&mut self) {
        _ = self.folder.take_away(&self.folder.draft(&self.name), &self.name);
    }
}

/// A file on its way in.
#[derive(Debug)]
pub(super) struct LocalUpload {
    folder: Folder,
    open: Arc<File>,
    path: PathBuf,
    written: u64,
    is_finished: bool,
}

impl LocalUpload {
    pub(super) async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let (open, length) = (Arc::clone(&self.open), bytes.len() as u64);
        let written = blocking(move || Ok((&*open).write_all(&bytes))).await?;
        written.map_err(|error| self.failure("writing", error))?;
        self.written += length;
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<()> {
        let open = Arc::clone(&self.open);
        let synced = blocking(move || Ok(open.sync_all())).await?;
        synced.map_err(|error| self.failure("finishing", error))?;
        self.is_finished = true;
        Ok(())
    }

    fn failure(&self, doing: &str, error: io::Error) -> Failure {
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        let megabytes = self.written as f64 / 1e6;
        let doing = format!("{doing} {file} in {} after {megabytes:.1} MB", self.folder.place());
        self.folder.failure(&doing, error)
    }
}

impl Drop for LocalUpload {
    fn drop(&mut self) {
        if !self.is_finished {
            _ = fs::remove_file(&self.path);
        }
    }
}

/// What the link to a database's last backup is called.
fn latest(database: &str) -> String {
    format!("{}_latest", BackupName::stem(database))
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a folder durable.
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// What is in `folder` under one of the names that only unfinished things have, `prefix` put in front.
fn left_in(folder: &Path, prefix: &str) -> io::Result<Vec<String>> {
    let mut left = Vec::new();
    for entry in fs::read_dir(folder)? {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let Some(visible) = name.strip_prefix('.') else { continue };
        let of = visible.strip_suffix(".draft").or_else(|| visible.strip_suffix(".removed"));
        if of.is_some_and(|name| BackupName::parse(name).is_ok()) || visible.contains(NEW) {
            left.push(format!("{prefix}{name}"));
        }
    }
    Ok(left)
}

/// Whether nothing in it was touched for so long.
fn is_older(path: &Path, grace: Duration) -> bool {
    let inside = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let touched = |path: &Path| fs::symlink_metadata(path).and_then(|found| found.modified()).ok();
    let last = inside.filter_map(|path| touched(&path)).chain(touched(path)).max();
    last.is_some_and(|last| SystemTime::now().duration_since(last).is_ok_and(|since| since >= grace))
}

fn unless_gone<T: Default>(error: io::Error) -> io::Result<T> {
    if error.kind() == ErrorKind::NotFound { Ok(T::default()) } else { Err(error) }
}

fn failure(root: &Path, doing: &str, error: io::Error) -> Failure {
    let root = root.display();
    let hint = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            format!("the disk is full: make room in {root}, or name another store in backup.store")
        }
        ErrorKind::ReadOnlyFilesystem => format!("{root} is mounted read-only: name another store in backup.store"),
        ErrorKind::PermissionDenied => {
            format!("this user may not: give it {root}, or name another store in backup.store")
        }
        _ => "is the disk well, and the folder there? See backup.store".to_owned(),
    };
    Failure::new(Kind::Environment, format!("{doing} failed: {error}")).hint(hint).source(error)
}

/// Runs what waits for the disk beside the tasks that must not wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Failure::new(Kind::Internal, "work on the store broke off").source(error))?
}
