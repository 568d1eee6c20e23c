//! Two servers, of which one takes the writes, and then the other.

use repo_to_cat::db::{Db, generations};
use repo_to_cat::model::failure::Kind;
use rustix::process::Signal;
use uuid::Uuid;

use super::crew::Crew;
use super::outages::connection;
use super::server::Server;
use crate::support::gate::{eventually, settings};
use crate::support::postgres::wait_until;

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_on_where_a_standby_was_promoted() {
    let mut primary = Server::start(&[]);
    let standby = primary.standby();
    // The standby stands first, so that the one that takes writes must be looked for at the start, too.
    let url = standby.url_of_both(&primary);
    let mut crew = Crew::on(&url).await;
    crew.enqueue(10).await;
    let db = Db::connect(&settings(&url)).await.unwrap();
    let mut worker = crew.start();
    crew.completed(&mut connection(&primary.url()).await, 2).await;

    primary.end(Signal::KILL);
    wait_until("the worker to notice", || crew.log().contains("fails; trying again"));
    standby.promote();
    let mut own = connection(&standby.url()).await;
    crew.settle(&mut own).await;
    crew.said_once(1);
    assert_eq!(
        crew.log().matches("another host takes the writes now").count(),
        2,
        "at the start and then: {}",
        crew.log()
    );

    // The pool of a program that stood by goes over, too.
    eventually("the pool to go over", async || generations::get(&db, Uuid::nil()).await.is_ok()).await;
    assert_eq!(generations::get(&db, Uuid::nil()).await.unwrap(), None);
    // And so does what listens: the worker's idle fetcher hears of this.
    crew.enqueue(1).await;
    crew.settle(&mut own).await;
    worker.signal(Signal::TERM);
    assert!(worker.wait().success(), "{}", worker.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_demoted_without_a_cut_is_left() {
    let primary = Server::start(&[]);
    let standby = primary.standby();
    let mut crew = Crew::on(&primary.url_of_both(&standby)).await;
    crew.enqueue(8).await;
    let mut worker = crew.start();
    crew.completed(&mut connection(&primary.url()).await, 1).await;

    primary.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    primary.sql("SELECT pg_reload_conf()");
    wait_until("the worker to notice", || crew.log().contains("fails; trying again"));
    wait_until("what is under way to end", || {
        primary.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'repo-to-cat' AND state <> 'idle'")
            == "0"
    });
    standby.promote();
    crew.settle(&mut connection(&standby.url()).await).await;
    // Nothing stays behind: no connection is kept to a server that takes no writes.
    wait_until("the demoted server to be left", || {
        primary.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'repo-to-cat'") == "0"
    });
    worker.signal(Signal::TERM);
    assert!(worker.wait().success(), "{}", worker.log());
}

#[tokio::test]
async fn two_servers_that_take_no_writes_are_told_with_their_reasons() {
    let primary = Server::start(&[]);
    let mut standby = primary.standby();
    let url = primary.url_of_both(&standby);
    primary.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    primary.sql("SELECT pg_reload_conf()");
    let mut own = connection(&standby.url()).await;
    let failure = Db::connect(&settings(&url)).await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Database);
    assert!(failure.what().contains("none of the 2 hosts of database.url takes writes"), "{failure}");
    assert_eq!(failure.what().matches("takes no writes").count(), 2, "{failure}");
    sqlx::query("SELECT 1").execute(&mut own).await.unwrap();
    standby.end(Signal::INT);
    let failure = Db::connect(&settings(&url)).await.unwrap_err();
    assert!(failure.what().contains("cannot connect"), "{failure}");
}
