//! A database of one test with rows of several sorts, a store for its backups, and looks at any database of the server.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::str::FromStr;

use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};

use crate::support::cli::Shell;
use crate::support::gate::eventually;
use crate::support::postgres::{fresh_database, shared};

const SCRIPT: &str = "
CREATE TABLE cats (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, weight numeric);
INSERT INTO cats (name, weight) SELECT E'cat\\t' || n || E'\\\\', n / 7.0 FROM generate_series(1, 1000) AS n;
CREATE TABLE toys (cat int REFERENCES cats, what text);
INSERT INTO toys VALUES (1, 'yarn'), (2, NULL);
CREATE SCHEMA weird; CREATE TABLE weird.\"Näme\" (\"a \"\"b\" int);
INSERT INTO weird.\"Näme\" VALUES (1);
CREATE VIEW light AS SELECT * FROM cats WHERE weight < 1;
";

/// The database of one test.
pub struct Site {
    pub shell: Shell,
    pub database: String,
}

impl Site {
    /// A database with rows.
    pub async fn make() -> Self {
        let site = Self::of(&fresh_database("site"));
        site.execute(&site.database, SCRIPT).await;
        site
    }

    /// A database that is ready.
    pub fn of(url: &str) -> Self {
        let database = PgConnectOptions::from_str(url).unwrap().get_database().unwrap().to_owned();
        Self { shell: Shell::on(url), database }
    }

    /// The name of another database of this test's own.
    pub fn other(&self, word: &str) -> String {
        format!("{}_{word}", self.database)
    }

    /// Makes a backup without a drill; returns its name.
    pub fn backup(&self, arguments: &[&str]) -> String {
        let arguments = [&["--json", "backup", "now", "--standalone", "--no-drill"], arguments].concat();
        loop {
            let ran = self.shell.run(&arguments);
            if ran.code == Some(0) {
                let made: Value = serde_json::from_str(&ran.out).unwrap();
                return made[0]["name"].as_str().unwrap().to_owned();
            }
            assert!(ran.err.contains("named by the second"), "{}", ran.err);
        }
    }

    /// The files of a backup.
    pub fn files(&self, name: &str) -> Vec<PathBuf> {
        let folder = fs::read_dir(self.shell.path("data/backups").join(name)).unwrap();
        folder.map(|file| file.unwrap().path()).collect()
    }

    /// What `pg_dump` itself makes of the database.
    pub fn dump(&self, file: &str, arguments: &[&str]) -> PathBuf {
        let path = self.shell.path(file);
        let program = shared().programs().unwrap().path("pg_dump");
        let status = Command::new(program)
            .args(arguments)
            .arg(format!("--dbname={}", shared().url_of(&self.database)))
            .stdout(File::create(&path).unwrap())
            .status();
        assert!(status.unwrap().success());
        path
    }

    /// Adds `FILE.gz`.
    pub fn gzip(&self, file: &str) {
        let packed = File::create(self.shell.path(&format!("{file}.gz"))).unwrap();
        let status = Command::new("gzip").arg("-c").arg(self.shell.path(file)).stdout(packed).status();
        assert!(status.unwrap().success());
    }

    /// Starts a restore in the place of the database that comes to no end, and returns when it is in the midst of it.
    pub async fn start_endless(&self) -> Child {
        fs::write(self.shell.path("endless.sql"), "CREATE TABLE a (); SELECT pg_sleep(600);").unwrap();
        let arguments = ["backup", "restore", "endless.sql", "--into", &self.database, "--drop-existing", "--yes"];
        let child = self.shell.command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let waits =
            format!("pg_stat_activity WHERE datname LIKE '{}\\_new\\_%' AND wait_event = 'PgSleep'", self.database);
        eventually("the restore to be in the midst of it", async || self.count("postgres", &waits).await == 1).await;
        child
    }

    /// A connection to a database of the server.
    pub async fn connect(&self, database: &str) -> PgConnection {
        let options = PgConnectOptions::from_str(&shared().url_of(database)).unwrap();
        options.application_name("a test").connect().await.unwrap()
    }

    /// Runs statements.
    pub async fn execute(&self, database: &str, script: &str) {
        let mut connection = self.connect(database).await;
        for statement in script.split("; ") {
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
        }
        connection.close().await.unwrap();
    }

    /// The one text that a query gives.
    pub async fn text(&self, database: &str, query: &str) -> String {
        let mut connection = self.connect(database).await;
        let row = sqlx::query(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        row.try_get(0).unwrap()
    }

    /// How many rows there are, of those that hold.
    pub async fn count(&self, database: &str, rows: &str) -> i64 {
        let mut connection = self.connect(database).await;
        let query = AssertSqlSafe(format!("SELECT count(*) FROM {rows}"));
        let count = sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        count
    }

    /// All that is in the tables of a database, and what else matters of it.
    pub async fn content(&self, database: &str) -> Value {
        let query = "SELECT jsonb_build_object(
              'cats', (SELECT jsonb_agg(c ORDER BY id) FROM cats AS c),
              'toys', (SELECT jsonb_agg(t ORDER BY cat) FROM toys AS t),
              'weird', (SELECT jsonb_agg(w) FROM weird.\"Näme\" AS w),
              'sequence', (SELECT last_value FROM cats_id_seq),
              'view', (SELECT count(*) FROM light),
              'constraints', (SELECT jsonb_agg(conname ORDER BY conname) FROM pg_constraint WHERE conrelid > 16000))::text";
        serde_json::from_str(&self.text(database, query).await).unwrap()
    }

    /// What a database is said to be.
    pub async fn description(&self, database: &str) -> String {
        let query = format!(
            "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = '{database}'"
        );
        self.text("postgres", &query).await
    }

    /// The databases of this test.
    pub async fn names(&self) -> Vec<String> {
        let query = format!(
            "SELECT coalesce(string_agg(datname, ' ' ORDER BY datname), '') FROM pg_database
             WHERE datname = '{0}' OR datname LIKE '{0}\\_%'",
            self.database
        );
        self.text("postgres", &query).await.split(' ').map(str::to_owned).collect()
    }

    /// How many of them are not whole.
    pub async fn databases_under_way(&self) -> i64 {
        self.count("postgres", &format!("pg_database WHERE datname LIKE '{}\\_new\\_%'", self.database)).await
    }

    /// Who is connected to a database.
    pub async fn guests(&self, database: &str) -> i64 {
        self.count("postgres", &format!("pg_stat_activity WHERE datname = '{database}'")).await
    }
}
