//! The scratch cluster: private, reached through a Unix socket only, and gone when the drill is over.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::fetch::Contents;
use super::{Stop, amcheck, words};
use crate::backup::Yard;
use crate::db::server::Server;
use crate::db::{places, restored};
use crate::model::backup::{BackupName, Manifest};
use crate::model::failure::{Failure, Kind, Result};
use crate::postgres::programs::Programs;
use crate::postgres::{Cluster, Settings};
use crate::providers::room::Room;

/// The database that a backup is restored into.
pub(super) const DATABASE: &str = "restored";

/// What a server may do that is thrown away: lose everything in a power failure, and vacuum nothing.
const CARELESS: [(&str, &str); 11] = [
    ("synchronous_commit", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "1GB"),
    ("checkpoint_timeout", "1h"),
    ("autovacuum", "off"),
    ("maintenance_work_mem", "128MB"),
    ("max_connections", "50"),
    // A dump of many tables locks them all at once.
    ("max_locks_per_transaction", "1024"),
    ("jit", "off"),
    ("log_min_messages", "error"),
];
/// What an empty cluster takes, with its first segments of the log.
const EMPTY_BYTES: u64 = 128 << 20;
/// Its log is that large at most, or as large as what is written.
const LOG_BYTES: u64 = 1 << 30;
/// So little room is none.
const FULL_BYTES: u64 = 4 << 20;
/// How long its server may take to go away.
const PATIENCE: Duration = Duration::from_mins(2);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A running scratch cluster. Dropped, it is removed by a thread of its own; [`Scratch::remove`] waits for that.
pub(super) struct Scratch {
    cluster: Option<Cluster>,
    folder: Folder,
    programs: Programs,
    server: Server,
}

/// Its folder, which goes with this value.
struct Folder {
    path: PathBuf,
    is_gone: bool,
}

impl Scratch {
    /// Sweeps away what killed drills left, and starts a cluster if there is room for what will be restored.
    pub async fn open(yard: &Yard, name: &BackupName, manifest: &Manifest, programs: Programs) -> Result<Self, Stop> {
        let (parent, name, program) = (yard.scratch_folder.clone(), name.clone(), yard.program.clone());
        let needed = needed_bytes(manifest);
        let opening = tokio::task::spawn_blocking(move || {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o711)
                .create(&parent)
                .map_err(|error| cannot("made", &parent, &error))?;
            sweep(&parent);
            must_have_room(&parent, needed)?;
            let mut builder = tempfile::Builder::new();
            let made = builder.prefix(&format!("{name}-")).rand_bytes(6).tempdir_in(&parent);
            let path = made.map_err(|error| cannot("used", &parent, &error))?.keep();
            let folder = Folder { path, is_gone: false };
            open_to_the_server(&folder.path)?;
            let mut settings = Settings::ephemeral(&folder.path, programs.folder(), program);
            settings.extra_options.extend(CARELESS.map(|(name, value)| (name.to_owned(), value.to_owned())));
            let cluster = Cluster::open(settings)?;
            let server = Server::at(&cluster.url())?;
            Ok(Self { cluster: Some(cluster), folder, programs, server })
        });
        let opened =
            opening.await.map_err(|error| Failure::new(Kind::Internal, "the scratch cluster broke").source(error))?;
        opened.map_err(Stop::Broken)
    }

    /// Its server.
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The programs that fit it.
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Makes the roles and the empty database that a backup is restored into; the server's version.
    pub async fn prepare(&self, manifest: &Manifest, contents: &Contents, application: &str) -> Result<u32, Stop> {
        let source = &manifest.source;
        let mut session = self.server.connect("postgres", application).await?;
        let available = restored::available_extensions(&mut session).await?;
        let is_there = |name: &str| available.iter().any(|there| there == name);
        let missing: Vec<_> = extensions(manifest, contents).into_iter().filter(|name| !is_there(name)).collect();
        if !missing.is_empty() {
            let (major, missing) = (self.programs.version().major, missing.join(", "));
            let what = format!("extensions that are not installed for PostgreSQL {major} here: {missing}");
            return Err(Stop::Unverifiable(what));
        }
        if !is_there(amcheck::EXTENSION) {
            let what = "the extension amcheck is not installed here, which looks for damage: type: sudo apt-get install \
                        postgresql-contrib";
            return Err(Stop::Unverifiable(what.to_owned()));
        }
        restored::create_roles(&mut session, &source.roles, &superusers(contents)).await?;
        restored::create_database(&mut session, DATABASE, source).await.map_err(|failure| match failure.kind() {
            Kind::Refused => Stop::Unverifiable(words(&failure)),
            _ => Stop::Broken(failure),
        })?;
        let version = places::server_version(&mut session).await?;
        drop(session.close().await);
        Ok(version)
    }

    /// The disk space that it takes, in bytes.
    pub async fn bytes(&self) -> u64 {
        let folder = self.folder.path.clone();
        tokio::task::spawn_blocking(move || bytes_in(&folder)).await.unwrap_or(0)
    }

    /// Whether there is no room left for it.
    pub fn is_full(&self) -> bool {
        free_bytes(&self.folder.path).is_ok_and(|free| free < FULL_BYTES)
    }

    /// The failure to go on without room.
    pub fn full(&self, words: &str) -> Failure {
        let parent = self.folder.path.parent().unwrap_or(&self.folder.path).display();
        Failure::new(Kind::Environment, format!("the disk of {parent} is full: {words}"))
            .hint("make room, or name another folder in backup.scratch_folder")
    }

    /// Stops the server and removes all of it.
    pub async fn remove(mut self) -> Result<()> {
        let (cluster, mut folder) = (self.cluster.take(), std::mem::replace(&mut self.folder, Folder::gone()));
        let removing = tokio::task::spawn_blocking(move || {
            drop(cluster);
            folder.remove()
        });
        removing
            .await
            .map_err(|error| Failure::new(Kind::Internal, "removing the scratch cluster broke").source(error))?
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Before its folder, which waits for the server's end.
        drop(self.cluster.take());
    }
}

impl Folder {
    /// None any more.
    fn gone() -> Self {
        Self { path: PathBuf::new(), is_gone: true }
    }

    /// Waits for the end of the server, which was told to stop, and removes what is left.
    fn remove(&mut self) -> Result<()> {
        self.is_gone = true;
        remove(&self.path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.is_gone {
            let path = std::mem::take(&mut self.path);
            // What cannot be removed now is swept by the next drill.
            thread::spawn(move || drop(remove(&path)));
        }
    }
}

fn remove(folder: &Path) -> Result<()> {
    let since = Instant::now();
    while !remove_unused(folder)? {
        if since.elapsed() > PATIENCE {
            let what = format!("the server in {} does not end", folder.display());
            return Err(
                Failure::new(Kind::Environment, what).hint("look at it with ps; a hanging disk is the usual cause")
            );
        }
        thread::sleep(LOOK);
    }
    Ok(())
}

/// Removes a folder and the cluster in it, unless that is in use; whether it is gone.
fn remove_unused(folder: &Path) -> Result<bool> {
    if !Cluster::remove_abandoned(folder)? {
        return Ok(false);
    }
    // What the restore put beside the cluster.
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot("removed", folder, &error)),
        _ => Ok(true),
    }
}

/// Removes what drills left that were killed: what lies beside their cluster, and that, if its guard was killed, too.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_ours = name.rsplit_once('-').is_some_and(|(backup, _)| BackupName::parse(backup).is_ok());
        if is_ours
            && entry.path().is_dir()
            && let Err(failure) = remove_unused(&entry.path())
        {
            tracing::warn!(%failure, "what an earlier drill left cannot be removed");
        }
    }
}

/// Lets the server's user pass, who is another one where root runs this.
fn open_to_the_server(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).map_err(|error| cannot("used", folder, &error))
}

/// What the dump needs to be there before it can be restored.
fn extensions<'a>(manifest: &'a Manifest, contents: &'a Contents) -> Vec<&'a str> {
    match &contents.toc {
        // A part of a database may need none of its extensions.
        Some(toc) if !manifest.selection.is_everything() => toc
            .entries
            .iter()
            .filter(|entry| entry.description == "EXTENSION")
            .map(|entry| entry.tag.as_str())
            .collect(),
        _ => manifest.source.extensions.iter().map(|extension| extension.name.as_str()).collect(),
    }
}

/// Owners of what only superusers may own. No other role becomes one: what a database's owners wrote would else be carried
/// out with all rights here.
fn superusers(contents: &Contents) -> Vec<String> {
    let kinds = ["EVENT TRIGGER", "FOREIGN DATA WRAPPER", "SUBSCRIPTION"];
    let entries = contents.toc.iter().flat_map(|toc| &toc.entries);
    let owners = entries.filter(|entry| kinds.contains(&entry.description.as_str()) && !entry.owner.is_empty());
    owners.map(|entry| entry.owner.clone()).collect()
}

/// What a restored database will take: rows as large as their text, with their indexes twice that, and the log.
fn needed_bytes(manifest: &Manifest) -> u64 {
    let raw = manifest.raw_bytes();
    raw.saturating_mul(2).saturating_add(raw.min(LOG_BYTES)).saturating_add(EMPTY_BYTES)
}

fn must_have_room(folder: &Path, needed: u64) -> Result<()> {
    let free = free_bytes(folder)?;
    if free >= needed {
        return Ok(());
    }
    let megabytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let what = format!(
        "restoring it takes about {} MB, and {} has {} MB left",
        megabytes(needed),
        folder.display(),
        megabytes(free)
    );
    Err(Failure::new(Kind::Environment, what).hint("make room, or name another folder in backup.scratch_folder"))
}

fn free_bytes(folder: &Path) -> Result<u64> {
    Ok(Room::on(folder).map_err(|error| cannot("looked at", folder, &error))?.free)
}

fn bytes_in(folder: &Path) -> u64 {
    let of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => bytes_in(&entry.path()),
        Ok(found) => found.blocks() * 512,
        // The server may have removed it since it was listed.
        Err(_) => 0,
    };
    fs::read_dir(folder).into_iter().flatten().flatten().map(of).sum()
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Kind::Environment, format!("{} cannot be {what}: {error}", path.display()))
        .hint("name another folder in backup.scratch_folder, or make this one writable for this user")
}
