//! The database that is dumped: who may, what is there, and that its rows read in pieces are the rows of a dump.

use std::process::{Child, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use futures_util::TryStreamExt;
use repo_to_cat::db::server::Server;
use repo_to_cat::db::source::catalog::Table;
use repo_to_cat::db::source::{Holder, rows};
use repo_to_cat::model::failure::Kind;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, PgConnection};

use super::tool::dump;
use crate::support::gate::{eventually, prepare};
use crate::support::postgres::fresh_database;

const PATIENCE: Duration = Duration::from_secs(30);

/// A database, its server, and the test's own connection to it.
pub struct Scene {
    pub url: String,
    pub server: Server,
    pub own: PgConnection,
}

impl Scene {
    pub async fn new(name: &str) -> Self {
        let url = fresh_database(name);
        let own = PgConnectOptions::from_str(&url).unwrap().application_name("test").connect().await.unwrap();
        Self { server: Server::at(&url).unwrap(), own, url }
    }

    pub fn database(&self) -> &str {
        self.server.database()
    }

    pub async fn sql(&mut self, statements: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned())).execute(&mut self.own).await.unwrap();
    }

    pub async fn hold(&self, application: &str) -> Result<Holder, repo_to_cat::model::failure::Failure> {
        Holder::open(&self.server, self.database(), application).await
    }

    /// A `psql` of another process that runs a statement under a name, once the server has it.
    pub async fn psql(&mut self, application: &str, statement: &str) -> Child {
        let child = Command::new("psql")
            .args(["-X", "-q", "-c", statement, &self.url])
            .env("PGAPPNAME", application)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        eventually("the statement to run", async || self.sessions(application).await == 1).await;
        child
    }

    /// How many sessions are called so.
    pub async fn all_sessions(&mut self, application: &str) -> i64 {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        sqlx::query_scalar(count).bind(application).fetch_one(&mut self.own).await.unwrap()
    }

    /// How many sessions are called so and run a statement.
    pub async fn sessions(&mut self, application: &str) -> i64 {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND state = 'active'
                     AND datname = current_database()";
        sqlx::query_scalar(count).bind(application).fetch_one(&mut self.own).await.unwrap()
    }
}

/// Sorted rows of a table, read in pieces of so many pages.
async fn in_pieces(scene: &Scene, snapshot: &str, table: &Table, pages: u32) -> Vec<String> {
    let application = "repo-to-cat/backup/test/1";
    let mut session = rows::import(&scene.server, scene.database(), application, snapshot).await.unwrap();
    let mut text = Vec::new();
    for from in (0..=table.pages).step_by(pages as usize) {
        let to = (from + pages <= table.pages).then_some(from + pages);
        let mut stream = rows::copy_range(&mut session, table, (from, to)).await.unwrap();
        while let Some(bytes) = stream.try_next().await.unwrap() {
            text.extend_from_slice(&bytes);
        }
    }
    let text: String = text.into_iter().map(char::from).collect();
    sorted(text.split_terminator('\n'))
}

/// Sorted rows of the first table of a dump.
fn in_dump(dump: &str) -> Vec<String> {
    let (_, rows) = dump.split_once("FROM stdin;\n").unwrap_or_else(|| panic!("no rows are in {dump}"));
    sorted(rows.split_once("\n\\.\n").unwrap().0.split_terminator('\n'))
}

fn sorted<'a>(rows: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut rows: Vec<String> = rows.map(str::to_owned).collect();
    rows.sort_unstable();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn one_backup_of_a_database_is_made_at_a_time() {
    let scene = Scene::new("exclusive").await;
    let other = Scene::new("exclusive_not").await;
    let mut first = scene.hold("repo-to-cat/backup/a/1").await.unwrap();
    let failure = scene.hold("repo-to-cat/backup/b/1").await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Throttled);
    let what = format!("another backup of {} is under way (session ", scene.database());
    assert!(failure.what().starts_with(&what), "{failure}");
    other.hold("repo-to-cat/backup/b/1").await.unwrap();
    first.check().await.unwrap();
    first.close().await;
    scene.hold("repo-to-cat/backup/b/1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_left_is_ended() {
    let mut scene = Scene::new("orphans").await;
    // The server does not look whether their client is still there while they sleep.
    let locked = "SELECT pg_advisory_lock(1919250531, 1650551669), pg_sleep(3600)";
    let mut holder = scene.psql("repo-to-cat/backup/a/1", locked).await;
    let mut dumping = scene.psql("repo-to-cat/backup/a/1x/2", "SELECT pg_sleep(3600)").await;
    let mut bystander = scene.psql("repo-to-cat/x", "SELECT pg_sleep(3600)").await;
    for child in [&mut holder, &mut dumping] {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(scene.sessions("repo-to-cat/backup/a/1").await, 1, "it outlives its client");
    let failure = scene.hold("repo-to-cat/backup/b/7").await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Throttled, "it may live on another host: {failure}");

    let mut next = scene.hold("repo-to-cat/backup/a/2").await.unwrap();
    eventually("the sessions of dead runs to end", async || {
        scene.sessions("repo-to-cat/backup/a/1").await + scene.sessions("repo-to-cat/backup/a/1x/2").await == 0
    })
    .await;
    assert_eq!(scene.sessions("repo-to-cat/x").await, 1, "a bystander was ended");
    next.check().await.unwrap();
    // A later claim takes over from one that is thought dead; that one is told.
    let mut latest = scene.hold("repo-to-cat/backup/a/3").await.unwrap();
    assert_eq!(next.check().await.unwrap_err().kind(), Kind::Database);
    latest.check().await.unwrap();
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_with_rows_of_its_own_is_found() {
    let mut scene = Scene::new("tables").await;
    scene
        .sql(
            r#"CREATE EXTENSION hstore; CREATE EXTENSION postgres_fdw; CREATE SCHEMA "we ird";
            CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, twice int GENERATED ALWAYS AS (id * 2) STORED, gone int, "Weird "" näme" text);
            ALTER TABLE plain DROP COLUMN gone;
            CREATE TABLE parted (a int) PARTITION BY LIST (a);
            CREATE TABLE leaf PARTITION OF parted FOR VALUES IN (1);
            CREATE UNLOGGED TABLE "we ird"."unlogged;" (a int);
            CREATE TABLE none_at_all ();
            CREATE TEMP TABLE passing (a int);
            CREATE MATERIALIZED VIEW seen AS SELECT 1;
            CREATE VIEW looked AS SELECT 1;
            CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
            CREATE FOREIGN TABLE abroad (a int) SERVER far;
            CREATE SEQUENCE counting;"#,
        )
        .await;
    let mut holder = scene.hold("repo-to-cat/backup/a/1").await.unwrap();
    scene.sql("CREATE TABLE later (a int)").await;
    let tables = holder.tables(PATIENCE).await.unwrap();
    let found: Vec<_> =
        tables.iter().map(|table| (table.schema.as_str(), table.name.as_str(), table.column_list.as_str())).collect();
    assert_eq!(
        found,
        [
            ("public", "leaf", "(a)"),
            ("public", "none_at_all", ""),
            ("public", "plain", "(id, \"Weird \"\" näme\")"),
            ("we ird", "unlogged;", "(a)"),
        ]
    );
    let source = holder.describe().await.unwrap();
    assert_eq!((source.database.as_str(), source.encoding.as_str()), (scene.database(), "UTF8"));
    assert_eq!(source.server_version / 10_000, 15);
    assert!(source.system_identifier.is_some() && source.bytes > 1_000_000, "{source:?}");
    assert!(source.extensions.iter().any(|extension| extension.name == "hstore"), "{source:?}");
    assert_eq!(source.snapshot, holder.snapshot());
    assert!(holder.image_keys().await.unwrap().is_none(), "it is none of ours");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_read_in_pieces_are_the_rows_of_a_dump() {
    let mut scene = Scene::new("pieces").await;
    let database = scene.database().to_owned();
    // What a person may have set must not show: a scratch cluster has none of it.
    for setting in [
        "timezone TO 'Asia/Kolkata'",
        "bytea_output TO escape",
        "datestyle TO 'German'",
        "intervalstyle TO iso_8601",
        "extra_float_digits TO 0",
    ] {
        scene.sql(&format!("ALTER DATABASE \"{database}\" SET {setting}")).await;
    }
    scene
        .sql(
            r#"CREATE TABLE "odd ""ones" (id int, at timestamptz, raw bytea, f float8, took interval, twice int GENERATED ALWAYS AS (id * 2) STORED, "ä b" text);
            INSERT INTO "odd ""ones" (id, at, raw, f, took, "ä b") SELECT i, now() + i * interval '1 hour', decode('00ff5c0a', 'hex'), sqrt(i), i * interval '1 day 1 s',
              repeat(E'a\tb\nc\\ä', i % 30) FROM generate_series(1, 3000) AS i;
            INSERT INTO "odd ""ones" VALUES (NULL, 'infinity', '', 'NaN', NULL, DEFAULT, '\N'), (0, '-infinity', NULL, '-0', '0', DEFAULT, E'\\.');
            DELETE FROM "odd ""ones" WHERE id BETWEEN 500 AND 900;"#,
        )
        .await;
    let mut holder = scene.hold("repo-to-cat/backup/a/1").await.unwrap();
    let tables = holder.tables(PATIENCE).await.unwrap();
    holder.lock(&[&tables[0]], PATIENCE).await.unwrap();
    scene.sql("INSERT INTO \"odd \"\"ones\" SELECT i FROM generate_series(1, 20000) AS i; DELETE FROM \"odd \"\"ones\" WHERE id % 2 = 0").await;
    assert!(tables[0].pages > 10, "{tables:?}");
    let text = dump(&scene.server, &database, &["--snapshot", holder.snapshot(), "--data-only"]).await;
    let expected = in_dump(&text);
    assert_eq!(expected.len(), 3002 - 401);
    for pages in [1, 7, 10_000] {
        assert_eq!(in_pieces(&scene, holder.snapshot(), &tables[0], pages).await, expected, "{pages} pages each");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_rows_of_another_encoding_are_read() {
    let mut shared = Scene::new("latin_maker").await;
    shared.sql("CREATE DATABASE latin_source ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0").await;
    let url = shared.url.replace(shared.database(), "latin_source");
    let mut own = PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
    let make = "CREATE TABLE \"kätzchen\" (\"größe\" text); INSERT INTO \"kätzchen\" VALUES ('süß')";
    sqlx::raw_sql(make).execute(&mut own).await.unwrap();
    let scene = Scene { server: Server::at(&url).unwrap(), url, own };
    let mut holder = scene.hold("repo-to-cat/backup/a/1").await.unwrap();
    let tables = holder.tables(PATIENCE).await.unwrap();
    assert_eq!(tables[0].column_list, "(\"größe\")");
    // One letter for each byte, which is what Latin 1 is.
    assert_eq!(in_pieces(&scene, holder.snapshot(), &tables[0], 1).await, ["süß"]);
    let text = dump(&scene.server, "latin_source", &["--snapshot", holder.snapshot()]).await;
    assert_eq!(in_dump(&text), ["süß"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_others_have_locked_is_waited_for_so_long() {
    let mut scene = Scene::new("locked").await;
    scene.sql("CREATE TABLE cats (a int)").await;
    scene.sql("BEGIN; LOCK TABLE cats").await;
    let short = Duration::from_millis(50);
    let mut holder = scene.hold("repo-to-cat/backup/a/1").await.unwrap();
    assert_eq!(holder.tables(short).await.unwrap_err().kind(), Kind::Throttled);
    holder.close().await;
    scene.sql("ROLLBACK").await;
    let mut holder = scene.hold("repo-to-cat/backup/a/1").await.unwrap();
    let tables = holder.tables(short).await.unwrap();
    scene.sql("BEGIN; LOCK TABLE cats").await;
    let failure = holder.lock(&[&tables[0]], short).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Throttled);
    assert!(failure.what().contains("public.cats"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_database_tells_the_pictures_that_its_rows_name() {
    let mut scene = Scene::new("pictures").await;
    prepare(&scene.url);
    scene
        .sql(
            "INSERT INTO generations (github_url, image_path, original_image_path) VALUES
             ('x', 'images/v1/b.png', 'images/v1/c.png'), ('y', 'images/v1/b.png', NULL), ('z', NULL, 'images/v1/a.png'),
             ('adopted', '/generated_images/d.png', '')",
        )
        .await;
    let mut holder = scene.hold("repo-to-cat/backup/a/1").await.unwrap();
    let keys: Vec<_> = holder.image_keys().await.unwrap().unwrap().try_collect().await.unwrap();
    assert_eq!(keys.concat(), b"images/v1/a.png\nimages/v1/b.png\nimages/v1/c.png\n");
    holder.check().await.unwrap();
}
