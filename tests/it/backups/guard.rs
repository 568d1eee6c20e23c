//! The lock guard: a backup gives way to those who wait for its locks.

use std::time::Duration;

use repo_to_cat::backup::guard::Guard;
use repo_to_cat::db::source::blocked::waiting_for;
use repo_to_cat::model::failure::Kind;
use tokio::time::timeout;

use super::source::Scene;
use crate::support::gate::eventually;

const RUN: &str = "repo-to-cat/backup/a/1";
const LONG: Duration = Duration::from_mins(2);

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_gives_way_to_who_alters_a_table() {
    let mut scene = Scene::new("guarded").await;
    scene.sql("CREATE TABLE cats (a int); CREATE TABLE dogs (a int)").await;
    let mut holder = scene.hold(RUN).await.unwrap();
    let tables = holder.tables(LONG).await.unwrap();
    holder.lock(&tables.iter().collect::<Vec<_>>(), LONG).await.unwrap();
    let patient = Guard::watch(&scene.server, scene.database(), RUN, Duration::from_hours(1));
    let guard = Guard::watch(&scene.server, scene.database(), RUN, Duration::from_millis(1500));
    let foreign = Guard::watch(&scene.server, scene.database(), "repo-to-cat/backup/b/1", Duration::ZERO);
    eventually("the guards to look", async || scene.all_sessions("repo-to-cat/guard").await >= 3).await;
    // Where its connection is lost, the guard makes another.
    scene
        .sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'repo-to-cat/guard' AND datname = current_database()")
        .await;
    assert!(guard.complaint().is_none());

    let mut altering = scene.psql("ann", "ALTER TABLE cats ADD COLUMN name text DEFAULT 's3cret'").await;
    let mut reading = scene.psql("bob", "SELECT count(*) FROM cats").await;
    let failure = timeout(LONG, guard.wait()).await.unwrap();
    assert_eq!(failure.kind(), Kind::Throttled);
    for part in ["application `ann`", "public.cats", "ALTER TABLE cats ADD COLUMN name text DEFAULT"] {
        assert!(failure.what().contains(part), "{part} is not in: {failure}");
    }
    assert!(!failure.what().contains("s3cret"), "{failure}");
    assert!(patient.complaint().is_none() && foreign.complaint().is_none());
    let mut session = scene.server.connect(scene.database(), "test").await.unwrap();
    let waiting = waiting_for(&mut session, RUN).await.unwrap();
    assert_eq!(waiting.len(), 1, "who waits behind the first is not for us to tell: {waiting:?}");

    holder.close().await;
    assert!(altering.wait().unwrap().success() && reading.wait().unwrap().success());
    assert_eq!(waiting_for(&mut session, RUN).await.unwrap(), []);
}
