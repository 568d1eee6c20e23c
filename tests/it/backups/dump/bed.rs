//! A database, a store, and what there is to see after a dump.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use repo_to_cat::backup::dump::{Run, dump};
use repo_to_cat::backup::pipe::{Identities, decode};
use repo_to_cat::backup::{Reporter, Yard};
use repo_to_cat::config::{self, Config, Environment, Layers};
use repo_to_cat::db::server::Server;
use repo_to_cat::model::backup::manifest::{FileRole, StoredFile, Table};
use repo_to_cat::model::backup::{BackupName, BackupRequest, Format, Manifest};
use repo_to_cat::model::failure::Result;
use repo_to_cat::model::progress::Silent;
use repo_to_cat::providers::pictures::Pictures;
use repo_to_cat::providers::vault::{S3, Vault};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::backups::odd::{Content, run};
use crate::support::gate::eventually;
use crate::support::postgres::{fresh_database, program, temporary_folder};

/// One database and one store.
pub struct Bed {
    pub url: String,
    pub database: String,
    pub yard: Yard,
    pub pool: PgPool,
    pub folder: TempDir,
}

/// One run of a dump: its job, and its name.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub job: Uuid,
    pub name: BackupName,
}

impl Bed {
    /// A fresh database with what `seed` makes.
    pub async fn make(seed: &str) -> Self {
        let bed = Self::at(fresh_database("dump"));
        bed.execute(seed).await;
        bed
    }

    /// A database of any server.
    pub fn at(url: String) -> Self {
        let options = PgConnectOptions::from_str(&url).unwrap().application_name("test");
        let database = options.get_database().unwrap().to_owned();
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(options);
        let folder = temporary_folder();
        let place = |name: &str| folder.path().join(name);
        fs::create_dir(place("scratch")).unwrap();
        let yard = Yard {
            settings: settings(),
            server: Server::at(&url).unwrap(),
            bin_folder: PathBuf::new(),
            vault: Vault::open(place("store").to_str().unwrap(), &S3::default()).unwrap(),
            pictures: Pictures::open(&place("pictures")).unwrap(),
            scratch_folder: place("scratch"),
            program: program().to_owned(),
        };
        Self { url, database, yard, pool, folder }
    }

    /// A new attempt; no two of a test have the same name.
    pub fn attempt(&self) -> Attempt {
        use std::sync::atomic::{AtomicI64, Ordering};
        static SECONDS: AtomicI64 = AtomicI64::new(0);
        let moment: DateTime<Utc> = "2026-11-22T03:00:00Z".parse().unwrap();
        let moment = moment + TimeDelta::seconds(SECONDS.fetch_add(1, Ordering::Relaxed));
        Attempt { job: Uuid::now_v7(), name: BackupName::new(&self.database, moment) }
    }

    /// Dumps, and is not stopped.
    pub async fn dump(&self, request: &BackupRequest) -> Result<Manifest> {
        self.dump_as(&self.attempt(), request, Arc::new(Silent)).await
    }

    /// Dumps.
    pub async fn dump_as(&self, attempt: &Attempt, request: &BackupRequest, report: Reporter) -> Result<Manifest> {
        let run = Run { job: Some(attempt.job), claim: 1 };
        dump(&self.yard, &attempt.name, request, run, report).await
    }

    /// Runs statements of the test's own.
    pub async fn execute(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&self.pool).await.unwrap();
    }

    /// A connection of the test's own.
    pub async fn connection(&self) -> PgConnection {
        PgConnectOptions::from_str(&self.url).unwrap().application_name("test").connect().await.unwrap()
    }

    /// Where a backup is.
    pub fn place(&self, name: &BackupName) -> PathBuf {
        self.folder.path().join("store").join(name.as_str())
    }

    /// Checks the stored files by their sizes, modes and `sha256sum -c`.
    pub fn check_files(&self, manifest: &Manifest) {
        let place = self.place(&manifest.name);
        for file in &manifest.files {
            let found = fs::metadata(place.join(&file.name)).unwrap();
            assert_eq!(found.len(), file.bytes, "{}", file.name);
        }
        for entry in fs::read_dir(&place).unwrap().map(Result::unwrap) {
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        }
        let sums = fs::read_to_string(place.join("SHA256SUMS")).unwrap();
        assert_eq!(sums.lines().count(), manifest.files.len());
        let checked =
            Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&place).output();
        let checked = checked.unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        let stored = serde_json::from_slice::<Manifest>(&fs::read(place.join("manifest.json")).unwrap()).unwrap();
        assert_eq!(&stored, manifest);
    }

    /// A stored file as it was before compression and encryption, in a temporary file.
    pub fn decoded(&self, name: &BackupName, file: &StoredFile, identities: &Identities) -> PathBuf {
        let input = fs::File::open(self.place(name).join(&file.name)).unwrap();
        let (mut decoded, _) = decode(input, identities).unwrap();
        let plain = self.folder.path().join(format!("{}.plain", file.name));
        let bytes = std::io::copy(&mut decoded, &mut fs::File::create(&plain).unwrap()).unwrap();
        assert_eq!(bytes, file.raw_bytes, "{}", file.name);
        plain
    }

    /// Restores a backup by `PostgreSQL`'s own programs into a new database; returns its URL.
    pub async fn restore(&self, manifest: &Manifest, identities: &Identities) -> String {
        let url = fresh_database("restored");
        let archive = self.decoded(&manifest.name, manifest.archive().unwrap(), identities);
        let archive = archive.to_str().unwrap();
        if manifest.format == Format::Plain {
            run("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", &url, "-f", archive]);
        } else {
            run("pg_restore", &["--exit-on-error", "-d", &url, archive]);
        }
        let mut restored = PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
        // The rows come after the constraints here.
        sqlx::raw_sql("SET session_replication_role = replica").execute(&mut restored).await.unwrap();
        for file in &manifest.files {
            let FileRole::Piece { table } = file.role else { continue };
            let rows = fs::read(self.decoded(&manifest.name, file, identities)).unwrap();
            let Table { schema, name, columns, .. } = &manifest.tables[table];
            let copy = format!("COPY {}.{} {columns} FROM STDIN", quoted(schema), quoted(name));
            let mut copying = restored.copy_in_raw(&copy).await.unwrap();
            copying.send(rows).await.unwrap();
            copying.finish().await.unwrap();
        }
        url
    }

    /// Checks that a database holds what the manifest says, and nothing else.
    pub async fn check_content(&self, manifest: &Manifest, url: &str) {
        let told = (manifest.tables.clone(), manifest.sequences.clone(), manifest.large_objects);
        assert_eq!(Content::of(url).await, Content::sorted(told));
    }

    /// Checks that a failed attempt has left nothing: under no name, in no process, no session, no lock, no file.
    pub async fn check_nothing_left(&self, attempt: &Attempt) {
        let store = self.folder.path().join("store");
        let left: Vec<_> = fs::read_dir(&store)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|entry| entry.contains(attempt.name.as_str()))
            .collect();
        assert!(left.is_empty(), "{left:?}");
        assert_eq!(processes_of(attempt.job), Vec::<u32>::new());
        let scratch: Vec<_> = fs::read_dir(&self.yard.scratch_folder).unwrap().collect();
        assert!(scratch.is_empty(), "{scratch:?}");
        eventually("sessions and locks to be gone", async || self.sessions_and_locks(attempt.job).await == 0).await;
    }

    /// How many sessions a job has in the server, and how many advisory locks there are in the database.
    pub async fn sessions_and_locks(&self, job: Uuid) -> i64 {
        sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'repo-to-cat/backup/' || $1 || '/%')
                  + (SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
                     WHERE locktype = 'advisory' AND datname = current_database())",
        )
        .bind(job.to_string())
        .fetch_one(&self.pool)
        .await
        .unwrap()
    }

    /// Waits until a session of the job waits for a lock on a table.
    pub async fn until_waiting(&self, job: Uuid) {
        eventually("the dump to wait for a lock", async || {
            sqlx::query_scalar::<_, bool>(
                "SELECT EXISTS (SELECT FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE NOT granted
                                AND locktype = 'relation' AND application_name LIKE 'repo-to-cat/backup/' || $1 || '/%')",
            )
            .bind(job.to_string())
            .fetch_one(&self.pool)
            .await
            .unwrap()
        })
        .await;
    }
}

/// Processes that run for a job.
pub fn processes_of(job: Uuid) -> Vec<u32> {
    let mark = format!("PGAPPNAME=repo-to-cat/backup/{job}/");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
        })
        .filter_map(|process| process.file_name().to_str()?.parse().ok())
        .collect()
}

/// The settings as they come, but for what would slow a test down.
pub fn settings() -> config::Backup {
    let environment = Environment::of(&[("HOME", "/home/cat")]);
    Config::load(&Layers { environment, ..Layers::default() }).unwrap().config.backup
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
