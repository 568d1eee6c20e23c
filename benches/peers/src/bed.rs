//! What a measure has at hand: a system, its database on the private server, and its driver.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use peers::Result;
use postgres::{Client, NoTls};

use crate::process::{Event, Process};
use crate::systems::{Reset, System};

/// Jobs in one call of a bulk enqueue.
const CHUNK: u64 = 20_000;

/// How long an enqueuer may take.
const CALL: Duration = Duration::from_secs(300);

pub struct Bed {
    pub system: System,
    pub scope: Scope,
    /// Without a database.
    server: String,
    folder: PathBuf,
}

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Scope {
    /// Everything at its full length.
    pub full: bool,
    /// What counts are divided by: above 1 it is a smoke test.
    pub scale: u64,
}

impl Scope {
    /// A count of jobs: a multiple of 16, which is the most callers.
    pub fn count(self, n: u64) -> u64 {
        let scaled = (n / self.scale).max(16) / 16 * 16;
        if scaled > CHUNK { scaled / CHUNK * CHUNK } else { scaled }
    }

    /// A length of time.
    pub fn seconds(self, brief: u64, full: u64) -> Duration {
        Duration::from_secs((if self.full { full } else { brief } / self.scale).max(1))
    }
}

impl Bed {
    /// Makes the system's database and schema.
    pub fn new(system: System, scope: Scope, server: &str, folder: PathBuf) -> Result<Self> {
        let bed = Self { system, scope, server: server.to_owned(), folder };
        let database = bed.system.database();
        bed.batch("postgres", &format!("drop database if exists {database} with (force)"))?;
        bed.batch("postgres", &format!("create database {database}"))?;
        bed.batch("postgres", "create extension if not exists pg_stat_statements")?;
        let mut setup = bed.driver(&["setup"], &[])?;
        if !setup.ends_well(CALL)? {
            return Err(format!("its set-up failed: see {}", bed.log().display()).into());
        }
        if matches!(bed.system.reset, Reset::Template) {
            bed.batch("postgres", &format!("create database {database}_template template {database}"))?;
        }
        Ok(bed)
    }

    /// Empties the queue.
    pub fn fresh(&self) -> Result {
        let database = self.system.database();
        match self.system.reset {
            Reset::Statement(statement) => self.batch(&database, statement)?,
            Reset::Template => {
                self.batch("postgres", &format!("drop database {database} with (force)"))?;
                self.batch("postgres", &format!("create database {database} template {database}_template"))?;
            }
        }
        self.checkpoint()
    }

    pub fn checkpoint(&self) -> Result {
        self.batch("postgres", "checkpoint")
    }

    /// What autovacuum does to a backlog that waits for long.
    pub fn vacuum(&self) -> Result {
        self.batch(&self.system.database(), "vacuum analyze")
    }

    /// Runs an enqueuing verb of the driver.
    pub fn enqueue(&self, words: &[&str]) -> Result<Event> {
        let mut driver = self.driver(words, &[])?;
        let event = driver.wait("RATE", CALL);
        driver.ends_well(Duration::from_secs(10))?;
        event.ok_or_else(|| format!("{} failed: see {}", words.join(" "), self.log().display()).into())
    }

    pub fn bulk(&self, n: u64) -> Result<Event> {
        self.enqueue(&["bulk", &n.to_string(), &CHUNK.min(n).to_string()])
    }

    /// Starts a worker, which reports when `n` jobs ran.
    pub fn worker(&self, n: u64, env: &[(&str, String)]) -> Result<Process> {
        self.driver(&["worker", &n.to_string()], env)
    }

    /// The driver with a verb, its arguments and settings.
    pub fn driver(&self, words: &[&str], env: &[(&str, String)]) -> Result<Process> {
        let mut command = self.system.command.clone();
        command.extend(words.iter().map(ToString::to_string));
        let mut env = env.to_vec();
        env.push(("DATABASE_URL", format!("{}/{}", self.server, self.system.database())));
        Process::start(&command, &env, &self.folder, &self.log())
    }

    /// Waits until the database has no unfinished job of the `n` that were enqueued.
    pub fn until_done(&self, n: u64, time: Duration) -> Result {
        let mut client = self.client(&self.system.database())?;
        let query = self.left_query(n);
        let end = Instant::now() + time;
        loop {
            let left = number(&mut client, &query)?;
            if left <= 0.0 {
                return Ok(());
            }
            if Instant::now() > end {
                return Err(format!("{left} of {n} jobs are unfinished after {time:?}").into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How many of the `n` jobs that were enqueued are unfinished.
    pub fn left(&self, n: u64) -> Result<f64> {
        number(&mut self.client(&self.system.database())?, &self.left_query(n))
    }

    fn left_query(&self, n: u64) -> String {
        format!("({})", self.system.left.replace("{n}", &n.to_string()))
    }

    /// Bytes of WAL that the server has written since its start.
    pub fn wal(&self) -> Result<f64> {
        number(&mut self.client("postgres")?, "pg_current_wal_insert_lsn() - '0/0'")
    }

    /// Statements that were run in the system's database so far.
    pub fn statements(&self) -> Result<f64> {
        let query = format!(
            "(select coalesce(sum(calls), 0) from pg_stat_statements
              where dbid = (select oid from pg_database where datname = '{}'))",
            self.system.database()
        );
        number(&mut self.client("postgres")?, &query)
    }

    pub fn client(&self, database: &str) -> Result<Client> {
        Ok(Client::connect(&format!("{}/{database}", self.server), NoTls)?)
    }

    fn batch(&self, database: &str, sql: &str) -> Result {
        Ok(self.client(database)?.batch_execute(sql)?)
    }

    /// A file of this run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What its drivers said on their error output.
    pub fn log(&self) -> PathBuf {
        self.file(&format!("{}.log", self.system.name))
    }
}

/// The value of an expression in SQL.
pub fn number(client: &mut Client, expression: &str) -> Result<f64> {
    Ok(client.query_one(&format!("select ({expression})::float8"), &[])?.get(0))
}
