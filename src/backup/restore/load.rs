//! Loading a dump into an empty database.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

use super::archive::Archive;
use super::compare;
use super::foreign::{self, Form, form};
use super::input::{self, Input, Stored};
use super::job::{APPLICATION, Job, Meter};
use super::rows::{Lane, lanes};
use super::sections::Sections;
use super::stop::{STOPPED, Stop, StopOnDrop};
use crate::backup::pipe::Identities;
use crate::backup::stopping::unless_stopped;
use crate::backup::{Reporter, Yard};
use crate::db::places;
use crate::db::server::Server;
use crate::model::backup::manifest::FileRole;
use crate::model::backup::{BackupName, Format, Manifest};
use crate::model::failure::{Failure, Kind, Result};
use crate::postgres::tool::Access;
use crate::providers::work_folder::{Use, WorkFolder};

/// How long threads and programs may take to end that were told to.
const ENDING: Duration = Duration::from_secs(1);
/// How often it is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What is loaded.
#[derive(Debug, Clone)]
pub enum Dump<'a> {
    /// A backup of the store.
    Stored(&'a BackupName, &'a Manifest),
    /// A file, whatever made it: `pg_dump`'s plain or custom format, compressed or encrypted or not.
    File(&'a Path),
}

/// How it is loaded.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Connections that write at once; 0: two.
    pub jobs: u8,
    /// Only these tables, as `schema.table` or `table`; empty: all.
    pub tables: Vec<String>,
    /// Whether objects get their owners and grants; where their roles are missing, that fails. Plain dumps say themselves
    /// whether theirs do.
    pub owners: bool,
    /// Whether the files and the rows in them are compared with the manifest while they are read.
    pub verify: bool,
}

/// What was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Loaded {
    /// Bytes read from the store, or of the file.
    pub fetched_bytes: u64,
    /// Rows written; 0 where `pg_restore` wrote them: of archives that are compressed in themselves.
    pub rows: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// Loads a dump into `database` of `target`, which exists and is empty. Stops at the first error.
pub async fn load(
    yard: &Yard,
    dump: Dump<'_>,
    target: &Server,
    database: &str,
    options: &Options,
    report: Reporter,
) -> Result<Loaded> {
    let started = Instant::now();
    let meter = Arc::new(Meter::default());
    let stopper = StopOnDrop::default();
    let stop = stopper.stop();
    let loading = Loading { yard, target, database, options, stop: stop.clone(), meter: Arc::clone(&meter) };
    let ended = unless_stopped(&report, STOPPED, |report| meter.tell(report), Box::pin(loading.run(dump))).await;
    drop(stopper);
    settle(stop).await;
    ended?;
    let rows = meter.rows();
    Ok(Loaded { fetched_bytes: meter.bytes(), rows, seconds: started.elapsed().as_secs_f64() })
}

/// What a load works with.
struct Loading<'a> {
    yard: &'a Yard,
    target: &'a Server,
    database: &'a str,
    options: &'a Options,
    stop: Stop,
    meter: Arc<Meter>,
}

impl Loading<'_> {
    async fn run(self, dump: Dump<'_>) -> Result<()> {
        let job = Arc::new(self.job().await?);
        let identities = Identities::of(&self.yard.settings.identity_file)?;
        match dump {
            Dump::Stored(name, manifest) => self.stored(job, identities, name, manifest).await,
            Dump::File(path) => self.file(job, identities, path.to_owned()).await,
        }
    }

    async fn job(&self) -> Result<Job> {
        let folder = WorkFolder::create(&self.yard.scratch_folder, Use::Restore)?;
        let mut session = self.target.connect(self.database, APPLICATION).await?;
        let server_version = places::server_version(&mut session).await?;
        drop(session.close().await);
        let access = Access::new(&self.target.url_of(self.database).await?, folder.path())?.of_version(server_version);
        Ok(Job {
            bin_folder: self.yard.bin_folder.clone(),
            server_version,
            access,
            folder,
            options: self.options.clone(),
            stop: self.stop.clone(),
            meter: Arc::clone(&self.meter),
        })
    }

    /// A backup: its archive, then its pieces.
    async fn stored(
        &self,
        job: Arc<Job>,
        identities: Identities,
        name: &BackupName,
        manifest: &Manifest,
    ) -> Result<()> {
        let archive = manifest.archive().ok_or_else(|| Failure::new(Kind::Unusable, "the backup has no archive"))?;
        let pieces = manifest.files.iter().filter(|file| matches!(file.role, FileRole::Piece { .. }));
        let files: Vec<_> = std::iter::once(archive).chain(pieces).collect();
        self.meter.expect(files.iter().map(|file| file.bytes).sum());
        let stream = self.yard.vault.read(name, &archive.name).await?;
        let input = Stored::new(stream, archive, manifest);
        if manifest.format == Format::Plain {
            let (job, manifest) = (Arc::clone(&job), manifest.clone());
            return on_thread(move || {
                let inventory = foreign::plain(&job, &mut *input.open(&job, &identities)?)?;
                foreign::settle(&job, inventory, Some(&manifest))
            })
            .await;
        }
        let (router, lanes) = lanes(job.connections());
        let reading = {
            let (job, manifest, vault, name) =
                (Arc::clone(&job), manifest.clone(), self.yard.vault.clone(), name.clone());
            let runtime = tokio::runtime::Handle::current();
            on_thread(move || {
                let mut archive = Archive::new(Arc::clone(&job), router);
                archive.read(&mut *input.open(&job, &identities)?)?;
                let mut tallies = compare::Pieces::default();
                for file in &manifest.files {
                    let FileRole::Piece { table } = file.role else { continue };
                    let table = manifest.tables.get(table).ok_or_else(|| {
                        Failure::new(
                            Kind::Unusable,
                            format!("the manifest does not say of which table {} is", file.name),
                        )
                    })?;
                    if archive.wants(table) {
                        let stream = runtime.block_on(vault.read(&name, &file.name))?;
                        let _entered = runtime.enter();
                        let mut input = Stored::new(stream, file, &manifest).open(&job, &identities)?;
                        tallies.add(table, archive.read_piece(&mut *input, table)?);
                    }
                }
                compare::all(&job, archive, &manifest, tallies)
            })
        };
        let sections = self.rows(reading, lanes).await?;
        self.after_rows(sections).await
    }

    /// A file of anybody's.
    async fn file(&self, job: Arc<Job>, identities: Identities, path: PathBuf) -> Result<()> {
        if let Ok(file) = path.metadata() {
            self.meter.expect(file.len());
        }
        let (form, input) = {
            let (job, identities, path) = (Arc::clone(&job), identities.clone(), path.clone());
            on_thread(move || form(input::open(&path, &job, &identities)?)).await?
        };
        if form == Form::Plain {
            return on_thread(move || {
                let mut input: Input = input;
                let inventory = foreign::plain(&job, &mut *input)?;
                foreign::settle(&job, inventory, None)
            })
            .await;
        }
        let (router, lanes) = lanes(job.connections());
        let reading = on_thread({
            let job = Arc::clone(&job);
            move || {
                let mut input: Input = input;
                let mut archive = Archive::new(job, router);
                match archive.read(&mut *input) {
                    Err(_) if archive.needs_file => Ok(None),
                    Err(failure) => Err(failure),
                    Ok(()) => archive.finish().map(|(sections, _)| Some(sections)),
                }
            }
        });
        match self.rows(reading, lanes).await? {
            Some(sections) => self.after_rows(sections).await,
            None => on_thread(move || foreign::from_file(&job, &mut *input::open(&path, &job, &identities)?)).await,
        }
    }

    /// Reads on a thread, and writes what comes of that over several connections.
    async fn rows<T>(&self, reading: impl Future<Output = Result<T>>, lanes: Vec<Lane>) -> Result<T> {
        let mut writers = JoinSet::new();
        for lane in lanes {
            let (target, database) = (self.target.clone(), self.database.to_owned());
            writers.spawn(lane.write(target, database, APPLICATION.to_owned(), Arc::clone(&self.meter.rows)));
        }
        let writing = async {
            while let Some(ended) = writers.join_next().await {
                ended.unwrap_or_else(|error| Err(Failure::new(Kind::Internal, error.to_string())))?;
            }
            Ok(())
        };
        let mut reading = pin!(reading);
        let mut writing = pin!(writing);
        // Who says that it was stopped was so by the end of the other, which knows why.
        let is_stopped = |failure: &Failure| failure.kind() == Kind::Cancelled;
        tokio::select! {
            biased;
            written = &mut writing => match written {
                Ok(()) => reading.await,
                Err(failure) if is_stopped(&failure) => Err(reading.await.err().unwrap_or(failure)),
                Err(failure) => Err(failure),
            },
            read = &mut reading => match read {
                Ok(read) => writing.await.map(|()| read),
                Err(failure) if is_stopped(&failure) => Err(writing.await.err().unwrap_or(failure)),
                Err(failure) => Err(failure),
            },
        }
    }

    async fn after_rows(&self, sections: Sections) -> Result<()> {
        self.meter.begin_indexes();
        on_thread(move || sections.after_rows()).await
    }
}

/// Does blocking work, on a thread that stays until that is done.
pub(super) async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| Err(Failure::new(Kind::Internal, error.to_string())))
}

/// Waits for threads that were told to end: each of them holds the [`Stop`] as long as it works.
async fn settle(stop: Stop) {
    let end = Instant::now() + ENDING;
    while stop.is_in_use() && Instant::now() < end {
        sleep(LOOK_EVERY).await;
    }
}
