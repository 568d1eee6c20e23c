//! Making the files of a backup, once there is a snapshot.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::Run;
use super::files::Files;
use super::images;
use super::meter::Meter;
use super::pieces::Reading;
use super::plan::{Plan, pattern};
use super::stream::{self, Switch};
use crate::backup::archive::{Inventory, reader};
use crate::backup::{Yard, shelf};
use crate::db::source::Holder;
use crate::db::source::catalog::Table;
use crate::model::backup::manifest::{self, FileRole, Images, Source, StoredFile, Tools, VERSION};
use crate::model::backup::{BackupName, Format, Manifest};
use crate::model::failure::{Failure, Kind, Result};
use crate::postgres::programs::Programs;
use crate::postgres::tool::{Access, command};
use crate::providers::vault::{Bytes, SUMS};
use crate::providers::work_folder::{Use, WorkFolder};

/// Before this version a range of pages was found by reading the whole table.
const READS_RANGES: u32 = 140_000;

/// One backup in the making.
pub(super) struct Making<'a> {
    pub yard: &'a Yard,
    pub name: &'a BackupName,
    pub plan: Plan,
    pub run: Run,
    /// What its sessions are called.
    pub application: String,
    pub started_at: DateTime<Utc>,
    pub meter: Arc<Meter>,
}

/// What there is to dump, and with what.
struct Job {
    source: Source,
    programs: Programs,
    access: Access,
    /// Holds the password file.
    _folder: WorkFolder,
    /// Tables whose rows belong into the backup.
    tables: Vec<Table>,
    /// Those of them that are read in pieces.
    large: Vec<Table>,
}

/// Seconds by stage.
struct Stages {
    seconds: Vec<(String, f64)>,
    since: Instant,
}

impl Making<'_> {
    /// Makes all files but the manifest, and that as a value.
    pub async fn make(&self, files: &Files<'_>, holder: Holder) -> Result<(Manifest, Holder)> {
        let mut stages = Stages { seconds: Vec::new(), since: Instant::now() };
        let (job, mut holder) = self.prepare(holder).await?;
        stages.end("prepare");
        let ((archive, inventory), (mut pieces, split)) =
            futures_util::try_join!(self.dump(files, &job), self.read_pieces(files, &job))?;
        let (mut tables, sequences, large_objects) = inventory.finish();
        check_complete(&job.tables, &tables, &split)?;
        for piece in &mut pieces {
            if let FileRole::Piece { table } = &mut piece.role {
                *table += tables.len();
            }
        }
        tables.extend(split);
        let mut made = vec![archive];
        made.append(&mut pieces);
        stages.end("dump");
        if self.plan.globals {
            made.push(self.globals(files, &job, holder.may_read_passwords().await?).await?);
            stages.end("globals");
        }
        let (mut holder, images) = self.images(files, &job, holder, &mut made).await?;
        if images.is_some() {
            stages.end("images");
        }
        holder.check().await?;
        self.write_sums(files, &made).await?;
        let manifest = Manifest {
            version: VERSION,
            name: self.name.clone(),
            job: self.run.job,
            started_at: self.started_at,
            finished_at: Utc::now(),
            format: self.plan.format,
            compression: self.plan.recipe.compression,
            level: self.plan.recipe.level,
            recipients: self.plan.recipe.recipients.keys().to_vec(),
            selection: self.plan.selection.clone(),
            source: job.source,
            tools: Tools {
                repo_to_cat: env!("CARGO_PKG_VERSION").to_owned(),
                pg_dump: job.programs.version().to_string(),
            },
            files: made,
            tables,
            sequences,
            large_objects,
            images,
            stages: stages.seconds,
        };
        Ok((manifest, holder))
    }

    /// Looks what there is, and locks what is read in pieces.
    async fn prepare(&self, mut holder: Holder) -> Result<(Job, Holder)> {
        let (yard, patience) = (self.yard, self.lock_wait());
        let source = holder.describe().await?;
        let programs = Programs::for_server(&yard.bin_folder, source.server_version, &["pg_dump", "pg_dumpall"])?;
        let url = yard.server.url_of(self.name.database()).await?;
        let folder = WorkFolder::create(&yard.scratch_folder, Use::Dump)?;
        let access = Access::new(&url, folder.path())?.of_version(source.server_version);
        let tables = holder.tables(patience).await?;
        let tables = holder.select(tables, &self.plan.selection).await?;
        let large: Vec<Table> = tables.iter().filter(|table| self.is_large(&source, table)).cloned().collect();
        // The rows of a table that is rewritten would change places while its pieces are read.
        holder.lock(&large.iter().collect::<Vec<_>>(), patience).await?;
        self.meter.expect(self.expected_bytes(&tables).await, tables.len() as u64);
        Ok((Job { source, programs, access, _folder: folder, tables, large }, holder))
    }

    fn lock_wait(&self) -> Duration {
        Duration::from_secs(self.yard.settings.lock_wait_seconds)
    }

    /// Whether a table is read in pieces.
    fn is_large(&self, source: &Source, table: &Table) -> bool {
        self.plan.format == Format::Directory
            && table.bytes >= self.yard.settings.split_mb << 20
            && source.server_version >= READS_RANGES
            && !table.columns.is_empty()
            && table.condition.is_none()
            // Else `pg_dump` would take a pattern beyond ASCII for another one, and our sessions rows for others.
            && source.encoding == "UTF8"
    }

    /// How many bytes will come: as many as last time, or else what the tables take on the disk.
    async fn expected_bytes(&self, tables: &[Table]) -> u64 {
        let of_all = || tables.iter().map(|table| table.bytes).sum();
        match shelf::last(&self.yard.vault, self.name.database(), &self.plan.selection).await {
            Ok(Some(last)) => last.raw_bytes(),
            Ok(None) | Err(_) => of_all(),
        }
    }

    /// Runs `pg_dump`.
    async fn dump(&self, files: &Files<'_>, job: &Job) -> Result<(StoredFile, Inventory)> {
        let elsewhere: Vec<String> = job.large.iter().map(|table| pattern(&table.schema, &table.name)).collect();
        let mut command = command(&job.programs, "pg_dump", &job.access, &self.application);
        command.args(self.plan.arguments(&job.source, self.lock_wait(), &elsewhere));
        let (switch, reader, meter) = (Switch::default(), reader(self.plan.format), Arc::clone(&self.meter));
        let wire = switch.wire();
        let recipe = self.plan.recipe.clone();
        let writing = files.write(self.plan.format.extension(), FileRole::Archive, recipe, move |encoder| {
            stream::dump(command, &wire, reader, encoder, &meter)
        });
        writing.await
    }

    /// Reads the rows that `pg_dump` leaves to us.
    async fn read_pieces(&self, files: &Files<'_>, job: &Job) -> Result<(Vec<StoredFile>, Vec<manifest::Table>)> {
        let reading = Reading {
            server: &self.yard.server,
            database: self.name.database(),
            application: &self.application,
            snapshot: &job.source.snapshot,
            jobs: self.plan.jobs,
            meter: &self.meter,
        };
        reading.read(files, &job.large).await
    }

    /// Runs `pg_dumpall` for roles and tablespaces.
    async fn globals(&self, files: &Files<'_>, job: &Job, with_passwords: bool) -> Result<StoredFile> {
        let mut command = command(&job.programs, "pg_dumpall", &job.access, &self.application);
        command.args(["--globals-only", "--no-password"]).arg(only_a_name(self.name.database()));
        if !with_passwords {
            tracing::warn!("roles are backed up without their passwords, which this role may not read");
            command.arg("--no-role-passwords");
        }
        let switch = Switch::default();
        let wire = switch.wire();
        let writing = files.write("globals.sql", FileRole::Globals, files.small(), move |encoder| {
            stream::copy(command, &wire, encoder)
        });
        Ok(writing.await?.0)
    }

    /// Lists the pictures that the rows name, where they are rows of ours, and copies them where that is wanted.
    async fn images(
        &self,
        files: &Files<'_>,
        job: &Job,
        mut holder: Holder,
        made: &mut Vec<StoredFile>,
    ) -> Result<(Holder, Option<Images>)> {
        let has_rows = job.tables.iter().any(|table| table.schema == "public" && table.name == "generations");
        if !has_rows || !holder.is_ours().await? {
            return Ok((holder, None));
        }
        let (list, (mut holder, count)) = images::list(files, holder).await?;
        made.push(list);
        let copied = self.plan.with_images;
        if copied {
            let (archive, idle) = images::copy(files, holder, self.yard.pictures.clone(), self.started_at).await?;
            made.push(archive);
            holder = idle;
        }
        Ok((holder, Some(Images { count, copied })))
    }

    /// Writes the side file for `sha256sum -c`. The names of our files hold nothing that it would escape.
    async fn write_sums(&self, files: &Files<'_>, made: &[StoredFile]) -> Result<()> {
        let sums: String = made.iter().map(|file| format!("{} *{}\n", file.sha256, file.name)).collect();
        let mut upload = files.draft.create(SUMS).await?;
        upload.write(Bytes::from(sums)).await?;
        upload.finish().await
    }
}

impl Stages {
    /// A stage is over, and the next one begins.
    fn end(&mut self, stage: &str) {
        self.seconds.push((stage.to_owned(), manifest::seconds(self.since.elapsed())));
        self.since = Instant::now();
    }
}

/// The database for `pg_dumpall`, which takes a name with an equals sign, or that looks like a URL, for more than a name.
fn only_a_name(database: &str) -> String {
    let escaped = database.replace('\\', "\\\\").replace('\'', "\\'");
    format!("--database=dbname='{escaped}'")
}

/// Refuses a backup that lacks the rows of a table, or has them twice.
fn check_complete(expected: &[Table], dumped: &[manifest::Table], split: &[manifest::Table]) -> Result<()> {
    fn names(tables: &[manifest::Table]) -> BTreeSet<(&str, &str)> {
        tables.iter().map(|table| (table.schema.as_str(), table.name.as_str())).collect()
    }
    let (dumped, split) = (names(dumped), names(split));
    if let Some((schema, name)) = dumped.intersection(&split).next() {
        let what = format!("pg_dump dumped the rows of {schema}.{name}, although they are read in pieces");
        return Err(
            Failure::new(Kind::Internal, what).hint("another format needs no pieces: backup.format = \"custom\"")
        );
    }
    let is_missing = |table: &&Table| {
        let name = (table.schema.as_str(), table.name.as_str());
        !dumped.contains(&name) && !split.contains(&name)
    };
    let missing: Vec<String> =
        expected.iter().filter(is_missing).map(|table| format!("{}.{}", table.schema, table.name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let what = format!("pg_dump left out {} of {} tables: {}", missing.len(), expected.len(), missing.join(", "));
    Err(Failure::new(Kind::Unusable, what)
        .hint("what is said to be a backup must hold every table: was one dropped meanwhile?"))
}
