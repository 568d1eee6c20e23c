//! A gate in a test's database: it holds the program's statements at a chosen place, without any code in the program.
//!
//! Triggers wait for an advisory lock which the test holds, so the test sees the session wait, does its mischief, and
//! lets it go on.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use repo_to_cat::config;
use repo_to_cat::db::{Db, migrate};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, PgConnection};
use tokio::runtime::Builder;

use super::postgres;

/// The triggers. `commit` is deferred: it runs when the transaction commits.
const TRIGGERS: &str = "
CREATE SCHEMA gate;
CREATE TABLE gate.armed (place text PRIMARY KEY);
CREATE FUNCTION gate.wait() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  here text := TG_ARGV[0];
BEGIN
  IF here = 'begin' THEN here := 'begin ' || NEW.step; END IF;
  IF EXISTS (SELECT FROM gate.armed WHERE place = here) THEN PERFORM pg_advisory_xact_lock_shared(7); END IF;
  RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER gate BEFORE INSERT ON queue.steps FOR EACH ROW EXECUTE FUNCTION gate.wait('begin');
CREATE TRIGGER gate_claim BEFORE UPDATE ON queue.jobs FOR EACH ROW
  WHEN (NEW.state = 'running' AND OLD.state = 'available') EXECUTE FUNCTION gate.wait('claim');
CREATE TRIGGER gate_end BEFORE UPDATE ON queue.jobs FOR EACH ROW
  WHEN (NEW.state <> 'running' AND OLD.state = 'running') EXECUTE FUNCTION gate.wait('release');
CREATE TRIGGER gate_remove BEFORE DELETE ON queue.jobs FOR EACH ROW EXECUTE FUNCTION gate.wait('remove');
CREATE TRIGGER gate BEFORE INSERT ON public.generations FOR EACH ROW EXECUTE FUNCTION gate.wait('result');
CREATE TRIGGER gate BEFORE INSERT ON queue.history FOR EACH ROW EXECUTE FUNCTION gate.wait('history');
CREATE CONSTRAINT TRIGGER gate_commit AFTER INSERT ON public.generations DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION gate.wait('commit');
";

/// A new database in the shared cluster, up to date, with the triggers.
pub fn database_with_gate(name: &str) -> String {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let url = postgres::fresh_database("with_gate");
        prepare(&url);
        PgConnectOptions::from_str(&url).unwrap().get_database().unwrap().to_owned()
    });
    postgres::copied_database(name, template)
}

/// Brings a database up to date and puts the triggers into it.
pub fn prepare(url: &str) {
    let prepare = async || {
        let db = Db::connect(&settings(url)).await.unwrap();
        migrate::up(&db).await.unwrap();
        db.close().await;
        let mut connection = PgConnectOptions::from_str(url).unwrap().connect().await.unwrap();
        sqlx::raw_sql(TRIGGERS).execute(&mut connection).await.unwrap();
        sqlx::Connection::close(connection).await.unwrap();
    };
    // A thread of its own, so that tests inside a runtime can call this, too.
    thread::scope(|scope| {
        let prepare = scope.spawn(|| Builder::new_current_thread().enable_all().build().unwrap().block_on(prepare()));
        prepare.join().unwrap();
    });
}

/// How a test connects as the program does.
pub fn settings(url: &str) -> config::Database {
    config::Database {
        url: url.to_owned(),
        pooler: config::Pooler::None,
        direct_url: String::new(),
        max_connections: 8,
        connect_seconds: 30,
        bin_folder: PathBuf::new(),
    }
}

/// The gate of one database, and the test's own connections to it, which no mischief hits.
pub struct Gate {
    /// Connections under another name than the program's.
    pub pool: PgPool,
    options: PgConnectOptions,
    holder: Option<PgConnection>,
}

impl Gate {
    /// The gate of a database that has the triggers.
    pub fn of(url: &str) -> Self {
        let options = PgConnectOptions::from_str(url).unwrap().application_name("test");
        let pool = PgPoolOptions::new().max_connections(2).connect_lazy_with(options.clone());
        Self { pool, options, holder: None }
    }

    /// From now on, what comes to this place waits.
    pub async fn close_at(&mut self, place: &str) {
        let mut holder = self.options.connect().await.unwrap();
        sqlx::query("SELECT pg_advisory_lock(7)").execute(&mut holder).await.unwrap();
        sqlx::query("INSERT INTO gate.armed VALUES ($1)").bind(place).execute(&mut holder).await.unwrap();
        self.holder = Some(holder);
    }

    /// The session that waits at the gate, once one does; those that come later pass.
    pub async fn caught(&mut self) -> i32 {
        let mut caught = None;
        eventually("a session to come to the gate", async || {
            caught = self.waiting().await;
            caught.is_some()
        })
        .await;
        sqlx::query("DELETE FROM gate.armed").execute(&self.pool).await.unwrap();
        caught.unwrap()
    }

    /// The session that waits at the gate now.
    pub async fn waiting(&self) -> Option<i32> {
        sqlx::query_scalar(
            "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await
        .unwrap()
    }

    /// Lets go what waits.
    pub async fn open(&mut self) {
        sqlx::query("DELETE FROM gate.armed").execute(&self.pool).await.unwrap();
        if let Some(holder) = self.holder.take() {
            // After a restart of the server the connection is gone, and the lock with it.
            drop(sqlx::Connection::close(holder).await);
        }
    }

    /// Ends one session; what it did not commit is undone.
    pub async fn terminate(&self, session: i32) {
        sqlx::query("SELECT pg_terminate_backend($1)").bind(session).execute(&self.pool).await.unwrap();
        eventually("a session to end", async || {
            let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1)")
                .bind(session)
                .fetch_one(&self.pool)
                .await
                .unwrap();
            !there
        })
        .await;
    }

    /// Ends all sessions of the program in this database.
    pub async fn cut_all(&self) {
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE application_name = 'repo-to-cat' AND datname = current_database()",
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }
}

/// Waits for something that must happen; far longer than it takes, so that a busy machine fails no test.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_mins(2);
    while !condition().await {
        assert!(Instant::now() < end, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
