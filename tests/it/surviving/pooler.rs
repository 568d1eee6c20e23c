//! Behind `PgBouncer` in transaction mode: each transaction is carried out on another server connection.

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use repo_to_cat::config::{self, Pooler};
use repo_to_cat::db::steer::{self, Change};
use repo_to_cat::db::{Db, Session, attempts, generations, migrate};
use repo_to_cat::model::job::{JobKind, NewJob, Start};
use repo_to_cat::queue::enqueue::{enqueue, enqueue_all};
use rustix::process::Signal;
use sqlx::Connection;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::crew::Crew;
use super::outages::connection;
use super::server::{Server, as_server_user, own_folder};
use crate::support::gate::settings;
use crate::support::postgres::wait_until;

const PORT: u16 = 6432;

/// A pooler with three server connections, of which each transaction gets the next.
pub struct Bouncer {
    folder: TempDir,
    process: Child,
}

impl Bouncer {
    pub fn before(server: &Server) -> Self {
        let program =
            ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"].map(Path::new).into_iter().find(|path| path.is_file());
        let program = program.expect("pgbouncer is here (scripts/setup test installs it)");
        let folder = own_folder();
        let here = folder.path().display();
        let settings = format!(
            "[databases]\npostgres = host={} port=5432 user=cat\n[pgbouncer]\nlisten_addr =\nlisten_port = {PORT}\n\
             unix_socket_dir = {here}\nlogfile = {here}/log\nauth_type = any\npool_mode = transaction\n\
             default_pool_size = 3\nserver_round_robin = 1\nmax_client_conn = 200\n",
            server.folder().display()
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, settings).unwrap();
        let process = as_server_user(program).arg("-q").arg(file).stderr(Stdio::null()).spawn().unwrap();
        let socket = folder.path().join(format!(".s.PGSQL.{PORT}"));
        wait_until("the pooler to let clients in", || socket.exists());
        Self { folder, process }
    }

    pub fn url(&self) -> String {
        format!("postgres:///postgres?host={}&port={PORT}&user=cat", self.folder.path().display())
    }

    pub fn settings(&self, server: &Server) -> config::Database {
        config::Database { pooler: Pooler::Transaction, direct_url: server.url(), ..settings(&self.url()) }
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn waiting_job() -> NewJob {
    let payload = serde_json::json!({"github_url": "https://github.com/cat/cat"});
    let start = Start::After(Duration::from_hours(10_000));
    NewJob { start, max_attempts: 3, ..NewJob::new(JobKind::Generation, payload) }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_and_others_share_a_pooler() {
    let server = Server::start(&[]);
    let bouncer = Bouncer::before(&server);
    let database = bouncer.settings(&server);
    let mut crew = Crew::of(database.clone()).await;
    crew.settings = vec![("DATABASE__POOLER", "transaction".into()), ("DATABASE__DIRECT_URL", server.url())];
    crew.enqueue(12).await;
    let mut workers = [crew.start(), crew.start()];
    let db = Db::connect(&database).await.unwrap();
    let mut others = JoinSet::new();
    for _ in 0..6 {
        let db = db.clone();
        others.spawn(async move {
            for _ in 0..20 {
                let id = enqueue_all(&db, &[waiting_job(), waiting_job()]).await.unwrap()[0].id;
                assert!(attempts::of_job(&db, id).await.unwrap().is_empty());
                assert_eq!(generations::get(&db, id).await.unwrap(), None);
                steer::one(&db, Change::Cancel, id).await.unwrap();
            }
        });
    }
    while let Some(done) = others.join_next().await {
        done.unwrap();
    }
    let mut own = connection(&server.url()).await;
    // These were for the others, and only to be there.
    sqlx::raw_sql("DELETE FROM queue.jobs WHERE run_at > now() + interval '1 day'").execute(&mut own).await.unwrap();
    crew.settle(&mut own).await;
    for _ in 0..6 {
        let left: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_prepared_statements WHERE name <> ''")
            .fetch_one(db.pool())
            .await
            .unwrap();
        assert_eq!(left, 0, "statements are left on a server connection");
    }
    let log = crew.log();
    assert!(!log.contains("prepared statement") && !log.contains("fails; trying again"), "{log}");
    for worker in &mut workers {
        worker.signal(Signal::TERM);
        assert!(worker.wait().success(), "{}", worker.log());
    }
}

#[tokio::test]
async fn what_fails_behind_a_pooler_is_undone() {
    let server = Server::start(&[]);
    let bouncer = Bouncer::before(&server);
    let db = Db::connect(&bouncer.settings(&server)).await.unwrap();
    migrate::up(&db).await.unwrap();
    let live =
        async || -> i64 { sqlx::query_scalar("SELECT count(*) FROM queue.jobs").fetch_one(db.pool()).await.unwrap() };

    let mut transaction = db.pool().begin().await.unwrap();
    enqueue(&mut transaction, &waiting_job()).await.unwrap();
    drop(transaction);
    let mut transaction = db.pool().begin().await.unwrap();
    enqueue(&mut transaction, &waiting_job()).await.unwrap();
    transaction.rollback().await.unwrap();
    assert_eq!(live().await, 0);

    sqlx::query("INSERT INTO queue.workers (id) SELECT gen_random_uuid() WHERE 1 / $1 > 0")
        .bind(0)
        .execute(db.pool())
        .await
        .unwrap_err();
    // A connection of somebody who enqueues in a transaction of their own, behind the same pooler.
    let mut theirs = connection(&bouncer.url()).await;
    let mut transaction = theirs.begin().await.unwrap();
    enqueue(Session::lent(&mut transaction, Pooler::Transaction), &waiting_job()).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(live().await, 1);
}
