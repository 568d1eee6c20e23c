//! A database that was copied, by whatever tool, while its queue was at work: nothing runs there twice by surprise.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use chrono::Utc;
use repo_to_cat::db::outcomes::PutBack;
use repo_to_cat::db::workers::Heartbeat;
use repo_to_cat::db::{hold, inspect};
use repo_to_cat::model::job::{ClaimedJob, NewJob, Start};
use rustix::process::Signal;
use serde_json::Value;
use uuid::Uuid;

use crate::queue::bed::{Bed, probe};
use crate::support::cli::Shell;
use crate::support::gate::{database_with_gate, eventually};
use crate::support::http::post;
use crate::support::postgres::copied_database;

/// A source whose queue is at work, and a copy of it.
struct Scene {
    source: Bed,
    copy: Bed,
    worker: Uuid,
    running: ClaimedJob,
    waiting: Vec<Uuid>,
    scheduled: Uuid,
    parked: Uuid,
}

impl Scene {
    /// One job runs, one is put aside, two wait and one does so for an hour; a schedule is long due.
    async fn make() -> Self {
        let url = database_with_gate("at_work");
        let source = Bed::at(url.clone()).await;
        let worker = source.worker().await;
        let parked = source.enqueue(probe()).await;
        assert!(source.put_back(&source.claim(worker).await, PutBack::Park("the budget is spent")).await);
        source.enqueue(probe()).await;
        let running = source.claim(worker).await;
        let waiting = vec![source.enqueue(probe()).await, source.enqueue(probe()).await];
        let scheduled = source.enqueue(NewJob { start: Start::After(Duration::from_hours(1)), ..probe() }).await;
        source
            .execute(
                "INSERT INTO queue.schedules (name, cron, kind, next_at, fires_at)
                 VALUES ('often', '@every 1s', 'probe', queue.now(), queue.now())",
            )
            .await;
        // Nobody may be connected to what is copied.
        let name = name_of(&source).await;
        source.db.close().await;
        source.gate.pool.close().await;
        let copy = Bed::at(copied_database("copy", &name)).await;
        Self { source: Bed::at(url).await, copy, worker, running, waiting, scheduled, parked }
    }

    /// The jobs that were not finished and not put aside by anybody.
    fn unfinished(&self) -> Vec<Uuid> {
        [&self.waiting[..], &[self.running.id, self.scheduled]].concat()
    }
}

async fn name_of(bed: &Bed) -> String {
    sqlx::query_scalar("SELECT current_database()").fetch_one(&bed.gate.pool).await.unwrap()
}

/// Where these jobs stand.
async fn states(bed: &Bed, jobs: &[Uuid]) -> Vec<String> {
    let mut states = Vec::new();
    for job in jobs {
        states.push(bed.state(*job).await);
    }
    states
}

fn all(state: &str, jobs: &[Uuid]) -> Vec<String> {
    jobs.iter().map(|_| state.to_owned()).collect()
}

#[tokio::test]
async fn services_on_a_copy_run_nothing_of_before_until_somebody_says_go() {
    let scene = Scene::make().await;
    let copy = &scene.copy;
    let shell = Shell::on(&copy.url);
    OpenOptions::new()
        .append(true)
        .open(shell.path("quick.toml"))
        .unwrap()
        .write_all(b"[scheduler]\nsweep_seconds = 1\n")
        .unwrap();
    let picture = shell.path("data/images/v1/aa/bb/old.png");
    fs::create_dir_all(picture.parent().unwrap()).unwrap();
    fs::write(&picture, "a cat that the source has").unwrap();
    let old = SystemTime::now() - Duration::from_hours(24 * 365);
    File::options().write(true).open(&picture).unwrap().set_modified(old).unwrap();

    let (mut one, other) = (shell.service("worker,scheduler"), shell.service("worker"));
    one.read_until("nothing is pruned or swept");
    let new = copy.enqueue(probe()).await;
    eventually("what is enqueued after the restore to run", async || copy.state(new).await == "completed").await;
    one.read_until("nothing is pruned or swept");
    assert_eq!(states(copy, &scene.unfinished()).await, all("parked", &scene.unfinished()));
    assert_eq!(copy.rows("queue.slots").await, 0, "the schedule has not fired");
    assert!(picture.exists());
    assert_eq!(copy.endings(scene.running.id).await, ["parked"]);
    assert_eq!(copy.rows("queue.home WHERE epoch = 2").await, 1, "two services hold it once");

    for verb in [&["jobs", "list"][..], &["queue", "stats"], &["schedules", "list"]] {
        let shown = shell.succeeds(verb);
        let banner = shown.lines().next().unwrap();
        assert!(banner.contains("4 jobs are parked") && banner.contains("backup release"), "{verb:?}: {shown}");
    }
    assert_eq!(shell.json(&["queue", "stats"])["held"]["jobs"], 4);
    assert!(shell.run(&["doctor"]).out.contains("backup release"));
    let told = shell.succeeds(&["backup", "release"]);
    assert!(told.contains("4 parked jobs") && told.contains("1 schedule") && told.contains("--yes"), "{told}");
    assert_eq!(copy.rows("queue.home WHERE held_since IS NOT NULL").await, 1, "nobody said yes");

    let service = shell.service("http");
    let release = |body: &str| post(&service, "/v1/queue/release", body);
    for (body, jobs, cancelled) in [(r#"{"dry_run": true}"#, 4, 0), (r#"{"dry_run": true, "cancel_jobs": true}"#, 0, 4)]
    {
        let told = release(body).json();
        assert_eq!(
            (&told["jobs"], &told["cancelled"], &told["hold"]["schedules"]),
            (&jobs.into(), &cancelled.into(), &1.into())
        );
        assert_eq!(told["image_store"], shell.path("data").to_str().unwrap());
    }
    assert_eq!(copy.rows("queue.home WHERE held_since IS NOT NULL").await, 1, "it was only asked");
    assert_eq!(copy.rows("web.audit").await, 0, "nothing was done");

    assert_eq!(release("{}").json()["jobs"], 4);
    assert_eq!(release(r#"{"dry_run": true}"#).status, 409, "nothing is held any more");
    let run: Vec<Uuid> = [&scene.waiting[..], &[scene.running.id]].concat();
    eventually("what was parked to run", async || states(copy, &run).await == all("completed", &run)).await;
    let mut claims = Vec::new();
    for job in &run {
        claims.push(inspect::job(&copy.db, *job).await.unwrap().claims);
    }
    assert_eq!(claims, [1, 1, 2], "each ran once here; the last had been claimed at the source");
    assert_eq!(copy.state(scene.scheduled).await, "scheduled");
    assert_eq!(copy.state(scene.parked).await, "parked", "somebody else parked it, for another reason");
    eventually("the schedule to fire", async || copy.rows("queue.slots").await > 0).await;
    eventually("the sweep", async || !picture.exists()).await;
    assert_eq!(shell.json(&["backup", "release"])["held"], false);
    assert_eq!(shell.json(&["queue", "stats"])["held"], Value::Null);
    for service in [one, other] {
        let (status, log) = service.stop(Signal::TERM);
        assert!(status.success() && log.contains("repo-to-cat backup release"), "{log}");
    }

    // The source never noticed.
    let source = &scene.source;
    assert!(!hold::settle(&source.db).await.unwrap());
    assert_eq!(hold::current(&source.db).await.unwrap(), None);
    assert_eq!(source.beat(scene.worker, &[&scene.running]).await, Heartbeat::Renewed { lost: Vec::new() });
    assert!(source.complete(&scene.running).await);
    assert_eq!(source.claim_up_to(scene.worker, 10).await.len(), 2);
}

#[tokio::test]
async fn parked_jobs_can_be_cancelled_instead() {
    let scene = Scene::make().await;
    let shell = Shell::on(&scene.copy.url);
    // No service has been started; the verb itself looks where it is.
    let told = shell.succeeds(&["backup", "release", "--cancel-jobs"]);
    assert!(told.contains("4 parked jobs would be cancelled"), "{told}");
    let released = shell.json(&["backup", "release", "--cancel-jobs", "--yes"]);
    assert_eq!((&released["cancelled"], &released["jobs"]), (&4.into(), &0.into()));
    assert_eq!(states(&scene.copy, &scene.unfinished()).await, all("cancelled", &scene.unfinished()));
    assert_eq!(scene.copy.state(scene.parked).await, "parked");
}

#[tokio::test]
async fn a_copy_is_held_before_anybody_notices() {
    let scene = Scene::make().await;
    let held = hold::current(&scene.copy.db).await.unwrap().expect("held");
    assert!(held.because.contains("copy") && held.jobs == 0, "{held:?}");
    // Who takes a lease up looks first: this is how a worker of a replaced database finds out.
    scene.copy.worker().await;
    assert_eq!(hold::current(&scene.copy.db).await.unwrap().unwrap().jobs, 4);
    assert_eq!(states(&scene.copy, &scene.unfinished()).await, all("parked", &scene.unfinished()));
}

#[tokio::test]
async fn a_lease_that_lapsed_is_not_renewed_in_a_copy() {
    let scene = Scene::make().await;
    let copy = &scene.copy;
    copy.lapse(scene.worker).await;
    assert_eq!(copy.beat(scene.worker, &[&scene.running]).await, Heartbeat::Lapsed);
    assert_eq!(states(copy, &scene.unfinished()).await, all("parked", &scene.unfinished()));
    assert!(!copy.complete(&scene.running).await);
    assert_eq!(copy.rows("queue.workers").await, 0);
}

#[tokio::test]
async fn a_copy_of_a_copy_is_held_too_and_a_new_name_changes_nothing() {
    let scene = Scene::make().await;
    let copy = &scene.copy;
    assert!(hold::settle(&copy.db).await.unwrap());
    let between = copy.enqueue(probe()).await;
    // Another cluster: the databases of one that pg_upgrade made are held as well.
    copy.execute("UPDATE queue.home SET system_identifier = '1'").await;
    assert!(hold::settle(&copy.db).await.unwrap());
    assert!(!hold::settle(&copy.db).await.unwrap());
    assert_eq!(hold::current(&copy.db).await.unwrap().unwrap().jobs, 5);
    assert_eq!(hold::release(&copy.db, false).await.unwrap().jobs, 5);
    assert_eq!(copy.state(between).await, "available");

    let renamed = format!("renamed_{}", Utc::now().timestamp_micros());
    let name = name_of(copy).await;
    copy.db.close().await;
    copy.gate.pool.close().await;
    let rename = format!("ALTER DATABASE {name} RENAME TO {renamed}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(rename)).execute(&scene.source.gate.pool).await.unwrap();
    let bed = Bed::at(copy.url.replace(&name, &renamed)).await;
    assert!(!hold::settle(&bed.db).await.unwrap());
    assert_eq!(hold::current(&bed.db).await.unwrap(), None);
}

#[tokio::test]
async fn where_the_cluster_may_not_be_asked_the_database_alone_decides() {
    let bed = Bed::make().await;
    assert!(!hold::settle(&bed.db).await.unwrap());
    assert_eq!(bed.rows("queue.home WHERE system_identifier IS NOT NULL AND database_oid IS NOT NULL").await, 1);
    bed.execute("UPDATE queue.home SET system_identifier = NULL").await;
    assert!(!hold::is_held(&bed.db).await.unwrap());
    bed.execute("UPDATE queue.home SET database_oid = 1").await;
    assert!(hold::is_held(&bed.db).await.unwrap());
    assert!(hold::settle(&bed.db).await.unwrap());
}
