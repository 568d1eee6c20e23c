//! Dumps that fail: why is told, nothing is left, and the next one works.
//!
//! A table that the test has locked holds `pg_dump` at a known place. It is a partitioned one: the others are looked at
//! before `pg_dump` starts.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use repo_to_cat::backup::dump::{Run, discard};
use repo_to_cat::model::backup::{BackupRequest, Format, Manifest};
use repo_to_cat::model::failure::{Failure, Kind};
use repo_to_cat::model::progress::{Report, Silent};
use rustix::process::Signal;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::JoinHandle;

use super::bed::{Attempt, Bed, processes_of};
use crate::support::gate::eventually;
use crate::support::postgres::{PrivateCluster, kill};

const TWO_TABLES: &str = "CREATE TABLE a (id int, filler text); CREATE TABLE b (id int) PARTITION BY RANGE (id);
                          INSERT INTO a SELECT i, repeat(md5(i::text), 30) FROM generate_series(1, 3000) i";

/// Says stop once it was asked so often.
struct Stop {
    asked: AtomicU32,
    after: u32,
}

impl Stop {
    fn after(after: u32) -> Arc<Self> {
        Arc::new(Self { asked: AtomicU32::new(0), after })
    }

    /// Says stop from now on.
    fn now(&self) {
        self.asked.store(self.after, Ordering::Relaxed);
    }
}

impl Report for Stop {
    fn report(&self, _: u64, _: u64, _: &str) {}

    fn should_stop(&self) -> bool {
        self.asked.load(Ordering::Relaxed) >= self.after || self.asked.fetch_add(1, Ordering::Relaxed) + 1 >= self.after
    }
}

/// A dump that waits for table `b`, which a session has locked.
struct Held {
    bed: Arc<Bed>,
    attempt: Attempt,
    dump: JoinHandle<Result<Manifest, Failure>>,
    holder: PgConnection,
    stop: Arc<Stop>,
}

impl Held {
    async fn start(bed: Bed, format: Format) -> Self {
        Self::start_at("b", bed, format).await
    }

    async fn start_at(table: &str, bed: Bed, format: Format) -> Self {
        let bed = Arc::new(bed);
        let mut holder = bed.connection().await;
        let lock = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE");
        sqlx::raw_sql(AssertSqlSafe(lock)).execute(&mut holder).await.unwrap();
        let (attempt, stop) = (bed.attempt(), Stop::after(u32::MAX));
        let dump = tokio::spawn({
            let (bed, attempt, stop) = (Arc::clone(&bed), attempt.clone(), Arc::clone(&stop));
            let request = BackupRequest { format: Some(format), ..BackupRequest::default() };
            async move { bed.dump_as(&attempt, &request, stop).await }
        });
        bed.until_waiting(attempt.job).await;
        Self { bed, attempt, dump, holder, stop }
    }

    /// How the dump failed; nothing is left of it, and once the lock is gone the next one works.
    async fn failure(self) -> Failure {
        let failure = self.dump.await.unwrap().unwrap_err();
        self.bed.check_nothing_left(&self.attempt).await;
        drop(self.holder.close().await);
        self.bed.check_files(&self.bed.dump(&BackupRequest::default()).await.unwrap());
        failure
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_waits_for_a_lock_can_be_stopped() {
    for (table, format) in [("a", Format::Directory), ("b", Format::Directory), ("b", Format::Plain)] {
        let held = Held::start_at(table, Bed::make(TWO_TABLES).await, format).await;
        held.stop.now();
        assert_eq!(held.failure().await.kind(), Kind::Cancelled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_can_be_stopped_at_any_moment() {
    const SEED: u64 = 4;
    let mut bed = Bed::make(TWO_TABLES).await;
    bed.yard.settings.split_mb = 0;
    let mut random = StdRng::seed_from_u64(SEED);
    for round in 0..12 {
        // Asked 10 times a second, and whenever something else comes to an end.
        let attempt = bed.attempt();
        let format = [Format::Plain, Format::Custom, Format::Directory][round % 3];
        let request = BackupRequest { format: Some(format), globals: Some(true), ..BackupRequest::default() };
        match bed.dump_as(&attempt, &request, Stop::after(random.random_range(1..14))).await {
            Ok(manifest) => bed.check_files(&manifest),
            Err(failure) => {
                assert_eq!(failure.kind(), Kind::Cancelled, "{failure}");
                bed.check_nothing_left(&attempt).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_pg_dump_is_told() {
    let held = Held::start(Bed::make(TWO_TABLES).await, Format::Custom).await;
    for process in processes_of(held.attempt.job) {
        kill(process, Signal::KILL);
    }
    let failure = held.failure().await;
    assert!(failure.kind().is_retryable(), "{failure:?}");
    assert!(failure.to_string().contains("pg_dump"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pg_dump_s_own_words_tell_of_a_table_that_was_dropped() {
    let mut held = Held::start(Bed::make(TWO_TABLES).await, Format::Custom).await;
    sqlx::raw_sql("DROP TABLE b; COMMIT").execute(&mut held.holder).await.unwrap();
    let failure = held.failure().await;
    assert!(failure.to_string().contains("does not exist") || failure.to_string().contains("could not"), "{failure}");
    assert!(failure.kind().is_retryable(), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_is_waited_for_as_long_as_it_is_said() {
    for table in ["a", "b"] {
        let mut bed = Bed::make(TWO_TABLES).await;
        bed.yard.settings.lock_wait_seconds = 1;
        let failure = Held::start_at(table, bed, Format::Custom).await.failure().await;
        assert_eq!(failure.kind(), Kind::Throttled, "{failure:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_meanwhile_is_not_in_it() {
    let mut held = Held::start(Bed::make(TWO_TABLES).await, Format::Custom).await;
    sqlx::raw_sql("CREATE TABLE c (id int); INSERT INTO a VALUES (-1); COMMIT")
        .execute(&mut held.holder)
        .await
        .unwrap();
    let manifest = held.dump.await.unwrap().unwrap();
    let tables: Vec<_> = manifest.tables.iter().map(|table| (table.name.as_str(), table.fingerprint.rows)).collect();
    assert_eq!(tables, [("a", 3000)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_vanishes_is_told() {
    let mut held = Held::start(Bed::make(TWO_TABLES).await, Format::Custom).await;
    let store = held.bed.folder.path().join("store");
    fs::remove_dir_all(&store).unwrap();
    fs::write(&store, "no folder").unwrap();
    sqlx::raw_sql("COMMIT").execute(&mut held.holder).await.unwrap();
    let failure = held.dump.await.unwrap().unwrap_err();
    assert_eq!(failure.kind(), Kind::Environment, "{failure:?}");
    assert!(failure.to_string().contains("store"), "{failure}");
    fs::remove_file(&store).unwrap();
    fs::create_dir(&store).unwrap();
    held.bed.check_nothing_left(&held.attempt).await;
    held.bed.check_files(&held.bed.dump(&BackupRequest::default()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_is_told() {
    let mut server = PrivateCluster::start();
    let bed = Bed::at(server.cluster.url_of("postgres"));
    bed.execute(TWO_TABLES).await;
    let held = Held::start(bed, Format::Custom).await;
    tokio::task::block_in_place(|| server.begin_outage());
    let failure = held.dump.await.unwrap().unwrap_err();
    assert!(failure.kind().is_retryable(), "{failure:?}");
    assert_eq!(processes_of(held.attempt.job), Vec::<u32>::new());
    tokio::task::block_in_place(|| server.end_outage());
    eventually("connections", async || held.bed.connection().await.ping().await.is_ok()).await;
    held.bed.check_nothing_left(&held.attempt).await;
    held.bed.check_files(&held.bed.dump(&BackupRequest::default()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_backup_of_a_database_is_made_at_a_time() {
    let mut held = Held::start(Bed::make(TWO_TABLES).await, Format::Custom).await;
    let attempt = held.bed.attempt();
    let second = held.bed.dump_as(&attempt, &BackupRequest::default(), Arc::new(Silent)).await.unwrap_err();
    assert_eq!(second.kind(), Kind::Throttled, "{second:?}");
    // Nor is a draft taken away while somebody is at it; who is told to go, if it is an earlier claim of the same job.
    let run = Run { job: Some(attempt.job), claim: 2 };
    let refused = discard(&held.bed.yard, &held.attempt.name, run).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Throttled, "{refused:?}");
    sqlx::raw_sql("COMMIT").execute(&mut held.holder).await.unwrap();
    held.bed.check_files(&held.dump.await.unwrap().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_gives_way_to_who_waits_for_its_locks() {
    let mut bed = Bed::make(TWO_TABLES).await;
    bed.yard.settings.yield_seconds = 1;
    let held = Held::start(bed, Format::Custom).await;
    let mut other = held.bed.connection().await;
    let altering = tokio::spawn(async move {
        sqlx::raw_sql("ALTER TABLE a ADD COLUMN more int").execute(&mut other).await.unwrap();
    });
    let failure = held.failure().await;
    assert_eq!(failure.kind(), Kind::Throttled, "{failure:?}");
    assert!(failure.to_string().contains("public.a"), "{failure}");
    altering.await.unwrap();
}
