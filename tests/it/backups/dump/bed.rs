//! A database, a store, and what there is to see after a dump.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::TryStreamExt;
use repo_to_cat::backup::dump::{Run, dump};
use repo_to_cat::backup::pipe::{Identities, decode};
use repo_to_cat::backup::{Reporter, Yard};
use repo_to_cat::config::{self, Config, Environment, Layers};
use repo_to_cat::db::server::Server;
use repo_to_cat::model::backup::manifest::{FileRole, StoredFile, Table};
use repo_to_cat::model::backup::{BackupName, BackupRequest, Fingerprint, Format, Manifest, Tally};
use repo_to_cat::model::failure::Result;
use repo_to_cat::model::progress::Silent;
use repo_to_cat::postgres::programs::Programs;
use repo_to_cat::providers::pictures::Pictures;
use repo_to_cat::providers::vault::{S3, Vault};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::gate::eventually;
use crate::support::postgres::{fresh_database, program, temporary_folder};

/// Something of everything that is hard to dump.
pub const WEIRD: &str = r#"
CREATE SCHEMA "Weird ""schema""";
CREATE TABLE cats (id int PRIMARY KEY, name text, weight double precision, born timestamptz, raw bytea, tags text[]);
INSERT INTO cats SELECT i, 'cat ' || i, i / 7.0, '2020-01-01 00:00:00+02'::timestamptz + i * interval '1 hour',
                        decode(md5(i::text), 'hex'), ARRAY['a', NULL, E'tab\t'] FROM generate_series(1, 4000) i;
INSERT INTO cats VALUES (-1, E'back\\slash, tab\t, line\nend, \\.', 'NaN', 'infinity', '', '{}'),
                        (-2, '\.', '-Infinity', '-infinity', NULL, NULL), (-3, repeat('wide ', 200000), 0.1, NULL, NULL, NULL);
CREATE TABLE "Weird ""schema"""."tab.le *?" ("Col ""umn" text, id int GENERATED ALWAYS AS IDENTITY, "dropped" int,
                                            twice int GENERATED ALWAYS AS (id * 2) STORED, "select" date);
INSERT INTO "Weird ""schema"""."tab.le *?" ("Col ""umn", "select") SELECT i::text, 'infinity' FROM generate_series(1, 100) i;
ALTER TABLE "Weird ""schema"""."tab.le *?" DROP COLUMN "dropped";
CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO nothing DEFAULT VALUES;
CREATE TABLE empty (id int);
CREATE TABLE parts (id int, word text) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (1000);
CREATE TABLE parts_high PARTITION OF parts FOR VALUES FROM (1000) TO (2000);
CREATE TABLE parts_rest PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT i, 'word' || i FROM generate_series(0, 1999) i;
CREATE TABLE mother (id int);
CREATE TABLE daughter (more text) INHERITS (mother);
INSERT INTO mother SELECT generate_series(1, 10);
INSERT INTO daughter SELECT i, 'more' FROM generate_series(11, 30) i;
CREATE MATERIALIZED VIEW heavy AS SELECT * FROM cats WHERE weight > 100;
CREATE UNLOGGED TABLE fleeting AS SELECT generate_series(1, 5) AS id;
CREATE SEQUENCE counter;
SELECT setval('counter', 41);
SELECT lo_from_bytea(0, decode(repeat('00ff', 5000), 'hex'));
"#;

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
        Self::at(fresh_database("dump"), seed).await
    }

    /// A database of any server.
    pub async fn at(url: String, seed: &str) -> Self {
        let options = PgConnectOptions::from_str(&url).unwrap().application_name("test");
        let database = options.get_database().unwrap().to_owned();
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(options);
        sqlx::raw_sql(AssertSqlSafe(seed)).execute(&pool).await.unwrap();
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
        ran(Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&place));
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
        let programs = Programs::find(Path::new(""), None).unwrap();
        if manifest.format == Format::Plain {
            ran(Command::new(programs.path("psql"))
                .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", "/dev/null", "-d", &url, "-f"])
                .arg(&archive));
        } else {
            ran(Command::new(programs.path("pg_restore")).args(["--exit-on-error", "-d", &url]).arg(&archive));
        }
        let mut restored = PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
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

    /// Checks that a database holds what the manifest says, table by table.
    pub async fn check_rows(&self, manifest: &Manifest, url: &str) {
        let mut connection = PgConnectOptions::from_str(url).unwrap().connect().await.unwrap();
        for table in &manifest.tables {
            assert_eq!(fingerprint(&mut connection, table).await, table.fingerprint, "{}.{}", table.schema, table.name);
        }
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

/// What a table holds, by COPY with the settings that `pg_dump` uses.
pub async fn fingerprint(connection: &mut PgConnection, table: &Table) -> Fingerprint {
    let settings = "SET datestyle = ISO; SET intervalstyle = postgres; SET extra_float_digits = 3; SET row_security = off";
    sqlx::raw_sql(settings).execute(&mut *connection).await.unwrap();
    let copy = format!("COPY {}.{} {} TO STDOUT", quoted(&table.schema), quoted(&table.name), table.columns);
    let mut rows = connection.copy_out_raw(&copy).await.unwrap();
    let mut tally = Tally::default();
    while let Some(piece) = rows.try_next().await.unwrap() {
        tally.feed(&piece);
    }
    tally.finish()
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

/// Runs a program that must end well.
pub fn ran(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
