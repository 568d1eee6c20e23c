//! Answers to a completion that say: not now.

use rustix::process::Signal;

use super::crew::Crew;
use super::outages::connection;
use crate::support::gate::{database_with_gate, eventually};

/// Makes the first completions fail with an SQLSTATE, `times` times. A sequence counts: it forgets nothing at a rollback.
async fn refuse(url: &str, code: &str, times: u32) {
    let statements = format!(
        "CREATE SEQUENCE gate.refusals;
         CREATE FUNCTION gate.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
           IF nextval('gate.refusals') <= {times} THEN RAISE EXCEPTION 'not now' USING ERRCODE = '{code}'; END IF;
           RETURN NEW;
         END $$;
         CREATE TRIGGER refuse BEFORE INSERT ON public.generations FOR EACH ROW EXECUTE FUNCTION gate.refuse();"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut connection(url).await).await.unwrap();
}

async fn is_waited_out(code: &str) {
    let url = database_with_gate("answers");
    let mut crew = Crew::on(&url).await;
    refuse(&url, code, 4).await;
    crew.enqueue(3).await;
    let mut worker = crew.start();
    crew.settle(&mut connection(&url).await).await;
    assert!(crew.log().contains(code), "{}", crew.log());
    // Two groups may be on their way at once, each with its own trouble.
    crew.said_once(3);
    worker.signal(Signal::TERM);
    assert!(worker.wait().success(), "{}", worker.log());
}

#[tokio::test]
async fn a_completion_that_cannot_be_serialized_is_tried_again() {
    is_waited_out("40001").await;
}

#[tokio::test]
async fn a_completion_on_a_full_disk_is_tried_again() {
    is_waited_out("53100").await;
}

#[tokio::test]
async fn a_completion_on_a_server_that_shuts_down_is_tried_again() {
    is_waited_out("57P01").await;
}

#[tokio::test]
async fn a_completion_that_is_in_a_deadlock_is_tried_again() {
    let url = database_with_gate("deadlock");
    let mut crew = Crew::on(&url).await;
    let mut own = connection(&url).await;
    let we: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut own).await.unwrap();
    // We hold the second lock. The completion takes the first, waits until we want that, too, and then wants the second:
    // who closes the circle last, and looks first, gives way. That another completion wants the first closes none.
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "CREATE VIEW gate.locks AS SELECT pid, objid, granted FROM pg_locks WHERE locktype = 'advisory'
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
         CREATE FUNCTION gate.two_locks() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
           PERFORM set_config('deadlock_timeout', '20ms', true), pg_advisory_xact_lock(1);
           WHILE EXISTS (SELECT FROM gate.locks WHERE objid = 2)
             AND NOT EXISTS (SELECT FROM gate.locks WHERE pid = {we} AND objid = 1 AND NOT granted) LOOP PERFORM pg_sleep(0.01);
           END LOOP;
           PERFORM pg_advisory_xact_lock(2);
           RETURN NEW;
         END $$;
         CREATE TRIGGER two_locks BEFORE INSERT ON public.generations FOR EACH ROW EXECUTE FUNCTION gate.two_locks();"
    )))
    .execute(&mut own)
    .await
    .unwrap();
    let ours = "SET deadlock_timeout = '1h'; BEGIN; SELECT pg_advisory_xact_lock(2)";
    sqlx::raw_sql(ours).execute(&mut own).await.unwrap();
    crew.enqueue(2).await;
    let mut worker = crew.start();
    let mut other = connection(&url).await;
    eventually("the completion to take the first lock", async || {
        sqlx::query_scalar("SELECT EXISTS (SELECT FROM gate.locks WHERE objid = 1)")
            .fetch_one(&mut other)
            .await
            .unwrap()
    })
    .await;
    sqlx::query("SELECT pg_advisory_xact_lock(1)").execute(&mut own).await.unwrap();
    sqlx::query("COMMIT").execute(&mut own).await.unwrap();
    crew.settle(&mut other).await;
    assert!(crew.log().contains("40P01"), "{}", crew.log());
    worker.signal(Signal::TERM);
    assert!(worker.wait().success(), "{}", worker.log());
}
