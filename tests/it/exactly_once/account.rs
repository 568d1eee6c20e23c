//! The account: what must be there in the end, counted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use repo_to_cat::db::Db;
use repo_to_cat::providers::pictures::Pictures;
use repo_to_cat::schedule::upkeep::sweep;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgPool;
use uuid::Uuid;

use crate::support::gate::{eventually, settings};
use crate::support::postgres::processes_in;

async fn count(pool: &PgPool, query: &'static str, id: Uuid) -> i64 {
    sqlx::query_scalar(query).bind(id).fetch_one(pool).await.unwrap()
}

/// Checks one job that has ended; returns how often it was claimed.
pub async fn of_job(pool: &PgPool, id: Uuid) -> i32 {
    assert_eq!(count(pool, "SELECT count(*) FROM queue.history WHERE id = $1", id).await, 1, "ends in history");
    assert_eq!(count(pool, "SELECT count(*) FROM public.generations WHERE id = $1", id).await, 1, "generations");
    assert_eq!(count(pool, "SELECT count(*) FROM queue.jobs WHERE id = $1", id).await, 0, "live rows");
    assert_eq!(count(pool, "SELECT count(*) FROM queue.steps WHERE job_id = $1", id).await, 0, "steps left");
    let (state, claims): (String, i32) =
        sqlx::query_as("SELECT state, claims FROM queue.history WHERE id = $1").bind(id).fetch_one(pool).await.unwrap();
    assert_eq!(state, "completed");
    let attempts: Vec<(i32, String)> =
        sqlx::query_as("SELECT claim, outcome FROM queue.attempts WHERE job_id = $1 ORDER BY claim")
            .bind(id)
            .fetch_all(pool)
            .await
            .unwrap();
    // Every claim but the last ended in some way that stands there, and none of them was the job's own fault.
    let earlier: Vec<i32> = attempts.iter().map(|(claim, _)| *claim).collect();
    assert_eq!(earlier, (1..claims).collect::<Vec<_>>(), "claims and interruptions: {attempts:?}");
    assert!(attempts.iter().all(|(_, outcome)| outcome != "retried"), "{attempts:?}");
    claims
}

/// Checks a whole scene of which the workers have gone.
pub async fn of_all(url: &str, pool: &PgPool, jobs: &[Uuid], folder: &Path) {
    for id in jobs {
        of_job(pool, *id).await;
    }
    for table in ["queue.history", "public.generations"] {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let rows: i64 = sqlx::query_scalar(query).fetch_one(pool).await.unwrap();
        assert_eq!(usize::try_from(rows).unwrap(), jobs.len(), "rows in {table}");
    }
    eventually("the processes to end", async || processes_in(folder).is_empty()).await;
    let leases: i64 = sqlx::query_scalar("SELECT count(*) FROM queue.workers").fetch_one(pool).await.unwrap();
    assert_eq!(leases, 0, "leases are left");

    let db = Db::connect(&settings(url)).await.unwrap();
    let store = folder.join("pictures");
    sweep(&db, &Pictures::open(&store).unwrap(), Duration::ZERO).await.unwrap();
    db.close().await;
    let named: Vec<(String, String)> =
        sqlx::query_as("SELECT image_path, original_image_path FROM public.generations").fetch_all(pool).await.unwrap();
    let named: BTreeSet<PathBuf> = named.into_iter().flat_map(|(one, other)| [one, other]).map(PathBuf::from).collect();
    let mut there = BTreeSet::new();
    files(&store.join("images"), &mut there);
    let there: BTreeSet<PathBuf> = there.iter().map(|path| path.strip_prefix(&store).unwrap().to_owned()).collect();
    assert_eq!(there, named, "pictures that are there, and pictures that rows name");
    for path in &named {
        let bytes = std::fs::read(store.join(path)).unwrap();
        let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), hash);
    }
    let mut leftovers = BTreeSet::new();
    files(&folder.join("data"), &mut leftovers);
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

fn files(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().unwrap().is_dir() {
            files(&entry.path(), found);
        } else {
            found.insert(entry.path());
        }
    }
}
