//! Loading dumps: what was dumped comes back, whatever made the dump; and what ends a load.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::write::GzEncoder;
use repo_to_cat::backup::Yard;
use repo_to_cat::backup::restore::load::{Dump, Loaded, Options, load};
use repo_to_cat::config::{self, Config, Environment, Layers};
use repo_to_cat::db::server::Server;
use repo_to_cat::model::failure::{Kind, Result};
use repo_to_cat::model::progress::{Report, Silent};
use repo_to_cat::providers::pictures::Pictures;
use repo_to_cat::providers::vault::{S3, Vault};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::odd::{self, Content, run};
use crate::support::gate::eventually;
use crate::support::postgres::{fresh_database, program, temporary_folder};
use crate::support::proxy::Proxy;

/// A database to load into, and all that loading needs.
pub struct Bed {
    pub yard: Yard,
    pub url: String,
    server: Server,
    pub folder: TempDir,
}

impl Bed {
    pub fn make() -> Self {
        let url = fresh_database("loaded");
        Self::at(url.clone(), &url)
    }

    /// That is reached by another way than its own.
    fn at(url: String, way: &str) -> Self {
        let folder = temporary_folder();
        let place = |name: &str| folder.path().join(name);
        fs::create_dir(place("scratch")).unwrap();
        let yard = Yard {
            settings: settings(),
            server: Server::at(way).unwrap(),
            bin_folder: PathBuf::new(),
            vault: Vault::open(place("store").to_str().unwrap(), &S3::default()).unwrap(),
            pictures: Pictures::open(&place("pictures")).unwrap(),
            scratch_folder: place("scratch"),
            program: program().to_owned(),
        };
        Self { server: yard.server.clone(), yard, url, folder }
    }

    /// The path of a file that `pg_dump` has written of a database.
    pub fn dump(&self, url: &str, arguments: &[&str]) -> PathBuf {
        let path = self.folder.path().join("dump");
        run("pg_dump", &[arguments, &["-f", path.to_str().unwrap(), url]].concat());
        path
    }

    pub async fn load(&self, dump: Dump<'_>, options: &Options) -> Result<Loaded> {
        load(&self.yard, dump, &self.server, self.server.database(), options, Arc::new(Silent)).await
    }

    async fn file(&self, path: &Path) -> Result<Loaded> {
        self.load(Dump::File(path), &Options { owners: true, ..Options::default() }).await
    }

    fn is_tidy(&self) -> bool {
        fs::read_dir(self.yard.scratch_folder.clone()).unwrap().next().is_none()
    }
}

fn settings() -> config::Backup {
    let environment = Environment::of(&[("HOME", "/home/cat")]);
    Config::load(&Layers { environment, ..Layers::default() }).unwrap().config.backup
}

/// The definitions in a database, as `pg_dump` writes them.
pub fn definitions(url: &str) -> String {
    let dump = run("pg_dump", &["--schema-only", url]).stdout;
    let text = String::from_utf8(dump).unwrap();
    text.lines().filter(|line| !line.contains("restrict")).collect::<Vec<_>>().join("\n")
}

/// Makes a database with what `seed` makes.
fn made(seed: &str) -> String {
    let url = fresh_database("made");
    run("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", seed, &url]);
    url
}

#[tokio::test]
async fn a_loaded_database_is_the_one_that_was_dumped() {
    let source = odd::database("to_load");
    let expected = (Content::of(&source).await, definitions(&source));
    let rows: u64 = expected.0.tables.iter().map(|table| table.fingerprint.rows).sum();
    for (arguments, counts) in [(&["-Fc", "-Z0"][..], true), (&["-Fc", "-Z6"], false), (&["-Fp"], true)] {
        let bed = Bed::make();
        let path = bed.dump(&source, arguments);
        let loaded = bed.file(&path).await.unwrap();
        assert_eq!(Content::of(&bed.url).await, expected.0, "{arguments:?}");
        assert_eq!(definitions(&bed.url), expected.1, "{arguments:?}");
        assert_eq!(loaded.rows, if counts { rows } else { 0 }, "{arguments:?}");
        assert!(loaded.fetched_bytes >= path.metadata().unwrap().len() && bed.is_tidy());
    }
}

#[tokio::test]
async fn a_dump_through_gzip_or_with_inserts_is_loaded() {
    let source = made("CREATE TABLE cats (name text); INSERT INTO cats SELECT i FROM generate_series(1, 1000) AS i");
    let bed = Bed::make();
    let path = bed.dump(&source, &["-Fp"]);
    let zipped = path.with_extension("gz");
    let mut encoder = GzEncoder::new(fs::File::create(&zipped).unwrap(), flate2::Compression::default());
    encoder.write_all(&fs::read(&path).unwrap()).unwrap();
    encoder.finish().unwrap();
    assert_eq!(bed.file(&zipped).await.unwrap().rows, 1000);
    assert_eq!(Content::of(&bed.url).await, Content::of(&source).await);

    let bed = Bed::make();
    let path = bed.dump(&source, &["-Fc", "-Z0", "--inserts"]);
    bed.file(&path).await.unwrap();
    assert_eq!(Content::of(&bed.url).await, Content::of(&source).await);
}

#[tokio::test]
async fn one_large_table_is_spread_over_all_connections() {
    let source = made(
        "CREATE TABLE cats (id integer PRIMARY KEY, body text); CREATE TABLE writers (pid integer);
         INSERT INTO cats SELECT i, repeat('cat', 50) FROM generate_series(1, 120000) AS i;
         CREATE FUNCTION noted(i integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
             IF i % 1000 = 0 THEN INSERT INTO public.writers VALUES (pg_backend_pid()); END IF; RETURN true; END $$;
         ALTER TABLE cats ADD CHECK (noted(id)); TRUNCATE writers",
    );
    let bed = Bed::make();
    let path = bed.dump(&source, &["-Fc", "-Z0", "--exclude-table-data=writers"]);
    let options = Options { jobs: 3, owners: true, ..Options::default() };
    assert_eq!(bed.load(Dump::File(&path), &options).await.unwrap().rows, 120_000);
    let mut connection = PgConnection::connect(&bed.url).await.unwrap();
    let asked = "SELECT (SELECT count(*) FROM cats), count(DISTINCT pid), count(*) FROM writers";
    let counts: (i64, i64, i64) = sqlx::query_as(asked).fetch_one(&mut connection).await.unwrap();
    assert_eq!(counts, (120_000, 3, 120));
}

#[tokio::test]
async fn a_row_that_is_refused_ends_it_and_the_table_is_named() {
    let refuses = "CHECK (current_setting('application_name') NOT LIKE 'repo-to-cat/%' OR id < 900)";
    let source = made(&format!(
        "CREATE TABLE a (id integer); CREATE TABLE cats (id integer {refuses}); CREATE INDEX later ON a (id);
         INSERT INTO cats SELECT generate_series(1, 1000); INSERT INTO a VALUES (1)"
    ));
    let bed = Bed::make();
    let failure = bed.file(&bed.dump(&source, &["-Fc", "-Z0"])).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Unusable);
    assert!(failure.what().starts_with("rows of public.cats: ") && failure.what().contains("line 900"), "{failure}");
    assert!(!definitions(&bed.url).contains("later"), "it went on");
    assert!(bed.is_tidy());
}

#[tokio::test]
async fn a_dump_that_was_cut_off_is_refused() {
    let source = odd::database("to_cut");
    for arguments in [&["-Fc", "-Z0"][..], &["-Fp"]] {
        let bed = Bed::make();
        let path = bed.dump(&source, arguments);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 200]).unwrap();
        let failure = bed.file(&path).await.unwrap_err();
        assert_eq!(failure.kind(), Kind::Unusable, "{failure}");
        assert!(failure.what().contains("the dump ends"), "{failure}");
    }
}

#[tokio::test]
async fn what_is_no_dump_that_can_be_loaded_is_refused() {
    let source = made("CREATE TABLE cats ()");
    let bed = Bed::make();
    let tar = bed.dump(&source, &["-Ft"]);
    assert!(bed.file(&tar).await.unwrap_err().what().contains("tar archive"));
    fs::remove_file(&tar).unwrap();
    let folder = bed.dump(&source, &["-Fd"]);
    assert!(bed.file(&folder).await.unwrap_err().what().contains("is a folder"));
    let path = bed.folder.path().join("other");
    assert_eq!(bed.file(&path).await.unwrap_err().kind(), Kind::NotFound);
    for (bytes, said) in
        [(&b""[..], "empty"), (b"\0\0", "no dump"), (b"\\! touch cats\n", "command"), (b"cats;", "psql failed")]
    {
        fs::write(&path, bytes).unwrap();
        let failure = bed.file(&path).await.unwrap_err();
        assert!(failure.what().contains(said), "{failure}");
    }
}

/// Where a load is to hang, as long as a session of its own is at it.
const HANGS: &str = "CREATE FUNCTION hangs(i integer) RETURNS integer IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    IF current_setting('application_name') LIKE 'repo-to-cat/%' THEN PERFORM pg_sleep(600); END IF; RETURN 1; END $$;
    CREATE TABLE cats (id integer);";

async fn hanging(url: &str) -> i64 {
    let mut connection = PgConnection::connect(url).await.unwrap();
    let asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    sqlx::query_scalar(asked).fetch_one(&mut connection).await.unwrap()
}

#[derive(Default)]
struct Stopper(AtomicBool);

impl Report for Stopper {
    fn report(&self, _: u64, _: u64, _: &str) {}

    fn should_stop(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_can_be_stopped_wherever_it_is() {
    for (form, where_it_hangs) in [
        ("-Fc", "ALTER TABLE cats ADD CHECK (hangs(id) = 1)"),
        ("-Fc", "CREATE INDEX ON cats (hangs(id))"),
        ("-Fp", "ALTER TABLE cats ADD CHECK (hangs(id) = 1)"),
    ] {
        let source = made(&format!("{HANGS} {where_it_hangs}; INSERT INTO cats VALUES (1)"));
        let bed = Bed::make();
        let path = bed.dump(&source, &[form]);
        let path = if form == "-Fc" { bed.dump(&source, &[form, "-Z0"]) } else { path };
        let stopper = Arc::new(Stopper::default());
        let loading = tokio::spawn({
            let (yard, server, report) = (bed.yard.clone(), bed.server.clone(), stopper.clone());
            async move {
                let database = server.database().to_owned();
                load(&yard, Dump::File(&path), &server, &database, &Options::default(), report).await
            }
        });
        eventually("it hangs", async || hanging(&bed.url).await == 1).await;
        stopper.0.store(true, Ordering::Relaxed);
        assert_eq!(loading.await.unwrap().unwrap_err().kind(), Kind::Cancelled);
        assert!(bed.is_tidy(), "{where_it_hangs}");
        eventually("its session ends", async || hanging(&bed.url).await == 0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_ends_it() {
    let source = made(&format!("{HANGS} ALTER TABLE cats ADD CHECK (hangs(id) = 1); INSERT INTO cats VALUES (1)"));
    let url = fresh_database("loaded");
    let proxy = Proxy::to(&url);
    let bed = Arc::new(Bed::at(url, proxy.url()));
    let path = bed.dump(&source, &["-Fc", "-Z0"]);
    let loading = tokio::spawn({
        let bed = Arc::clone(&bed);
        async move { bed.file(&path).await }
    });
    eventually("it hangs", async || hanging(&bed.url).await == 1).await;
    proxy.cut();
    let failure = loading.await.unwrap().unwrap_err();
    assert_eq!(failure.kind(), Kind::Database, "{failure}");
    assert!(failure.what().starts_with("rows of public.cats: "), "{failure}");
}

#[tokio::test]
async fn chosen_tables_come_with_all_that_is_theirs() {
    let source = odd::database("to_choose");
    let whole = Content::of(&source).await;
    for form in [&["-Fc", "-Z0"][..], &["-Fc"]] {
        let bed = Bed::make();
        let path = bed.dump(&source, form);
        let tables = ["lines", "odd (schema).parts", "child", "values", "right_side"].map(str::to_owned).to_vec();
        let options = Options { tables, owners: true, ..Options::default() };
        bed.load(Dump::File(&path), &options).await.unwrap();
        let loaded = Content::of(&bed.url).await;
        let names: Vec<&str> = loaded.tables.iter().map(|table| &*table.name).collect();
        // The parent comes as a definition only: the child cannot be without it.
        assert_eq!(
            names,
            ["child", "lines", "parent", "parts_new_0", "parts_new_1", "parts_old", "right_side", "values"]
        );
        for table in loaded.tables.iter().filter(|table| table.name != "parent") {
            assert!(whole.tables.contains(table), "{table:?}");
        }
        assert_eq!(loaded.sequences.len(), 3);
        assert!(
            loaded.sequences.iter().all(|sequence| whole.sequences.contains(sequence))
                && loaded.large_objects.is_none()
        );
        let text = definitions(&bed.url);
        for part in [
            "index \"\"1\"\"",
            "touching BEFORE INSERT",
            "both_columns",
            "SET DEFAULT nextval",
            "\"values_id_seq\"",
            "parts_pkey",
        ] {
            assert!(text.contains(part) || text.contains(&part.replace('"', "")), "{part}");
        }
        assert!(!text.contains("FOREIGN KEY") && !text.contains("looks_like_a_dump"));
        let none = Options { tables: vec!["dogs".into()], ..Options::default() };
        assert_eq!(bed.load(Dump::File(&path), &none).await.unwrap_err().kind(), Kind::NotFound);
    }
}
