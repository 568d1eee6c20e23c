//! The looks at each dependency, all at once.

use std::path::Path;
use std::time::Duration;

use tokio::join;
use tokio::task::spawn_blocking;

use super::{Check, Checks, Found, Freshness, Health, Report, timed};
use crate::backup::yard;
use crate::config::Config;
use crate::db::depth::{self, Depth};
use crate::db::{Db, backups, hold, identity, migrate, schedules};
use crate::http::Site;
use crate::model::amount::duration;
use crate::model::backup::Standing;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::counted;
use crate::providers::room::Room;

/// Below this much free space something soon breaks; a worker may fetch so much at once.
const LEAST_FREE_MB: u64 = 200;
/// Below this much somebody should look.
const ENOUGH_FREE_MB: u64 = 2000;
/// For how many seconds a job may have been due before somebody should look.
const LATE: f64 = 600.0;
/// How many seconds late a slot may be before no scheduler seems to run. One that is held up by a restart fires by then.
const OVERDUE: f64 = 120.0;

/// Looks at everything.
pub(super) async fn look(site: &Site) -> Report {
    let (db, config) = (&site.db, &*site.config);
    let (database, schema, image_store, backup_store, standings, depth, is_held, scheduler, disk) = join!(
        timed(database(db)),
        timed(schema(db)),
        timed(image_store(site)),
        timed(backup_store(config)),
        timed(backups::standings(db)),
        timed(depth::look(db)),
        timed(hold::is_held(db)),
        timed(scheduler(db)),
        timed(disk(site)),
    );
    let (took, ref depth) = depth;
    let checks = Checks {
        database: Check::of(database.0, &database.1),
        schema: Check::of(schema.0, &schema.1),
        image_store: Check::of(image_store.0, &image_store.1),
        backup_store: Check::of(backup_store.0, &backup_store.1),
        backups: Check::of(standings.0, &told(&standings.1, |all| backups_of(all, config.backup.fresh_hours))),
        workers: Check::of(took, &told(depth, workers)),
        queue: queue_check(took, depth, &is_held),
        scheduler: Check::of(scheduler.0, &scheduler.1),
        disk: Check::of(disk.0, &disk.1),
    };
    let worst = standings.1.ok().and_then(|all| freshness(&all, config.backup.fresh_hours));
    Report::of(checks, worst)
}

/// What was seen in what was read; where it could not be read, why.
fn told<T>(read: &Result<T>, see: impl FnOnce(&T) -> Found) -> Result<Found> {
    read.as_ref().map(see).map_err(|failure| Failure::new(failure.kind(), failure.what()))
}

async fn database(db: &Db) -> Result<Found> {
    let since = identity::identity(db).await?;
    Ok((Health::Ok, format!("it answers; its schema was made at {since}")))
}

async fn schema(db: &Db) -> Result<Found> {
    let schema = migrate::state(db).await?;
    Ok(match schema.require_current() {
        Ok(()) => (Health::Ok, format!("migration {} of {}", schema.current, schema.head)),
        Err(failure) => (Health::Failed, failure.what().to_owned()),
    })
}

async fn image_store(site: &Site) -> Result<Found> {
    let pictures = site.pictures.clone();
    blocking(move || {
        pictures.require_writable()?;
        Ok((Health::Ok, "it can be written".to_owned()))
    })
    .await
}

async fn backup_store(config: &Config) -> Result<Found> {
    let found = yard::look_at_store(config).await?;
    Ok((Health::Ok, found))
}

fn backups_of(standings: &[Standing], hours: u64) -> Found {
    let watched: Vec<&Standing> = standings.iter().filter(|standing| standing.is_watched).collect();
    let stale: Vec<&str> =
        watched.iter().filter(|one| one.is_alarming(hours)).map(|one| one.database.as_str()).collect();
    if stale.is_empty() {
        (Health::Ok, format!("of {} none lacks a fresh one", counted(watched.len() as u64, "database", "databases")))
    } else {
        (Health::Degraded, format!("no verified backup of the last {hours} h: {}", stale.join(", ")))
    }
}

fn freshness(standings: &[Standing], hours: u64) -> Option<Freshness> {
    let worst = Standing::worst(standings, hours)?;
    let age_seconds = worst.verified_at.map(|at| (worst.now - at).num_seconds());
    Some(Freshness { fresh: worst.is_fresh(hours), verified_at: worst.verified_at, age_seconds })
}

fn workers(depth: &Depth) -> Found {
    let waits = depth.jobs.iter().any(|standing| standing.oldest_seconds.is_some());
    match depth.workers {
        alive @ 1.. => (Health::Ok, counted(alive.unsigned_abs(), "holds a good lease", "hold a good lease")),
        _ if waits => (Health::Failed, "none holds a lease, and jobs wait".to_owned()),
        _ => (Health::Degraded, "none holds a lease".to_owned()),
    }
}

fn queue_check(took: Duration, depth: &Result<Depth>, (held_took, is_held): &(Duration, Result<bool>)) -> Check {
    let seen = match (depth, is_held) {
        (Ok(_), Ok(true)) => {
            let what = "it is held: this database was restored or copied, and nobody said go (backup release)";
            Ok((Health::Degraded, what.to_owned()))
        }
        (Ok(depth), Ok(false)) => Ok(queue(depth)),
        (Err(failure), _) | (_, Err(failure)) => Err(Failure::new(failure.kind(), failure.what())),
    };
    Check::of(took.max(*held_took), &seen)
}

fn queue(depth: &Depth) -> Found {
    let oldest = depth.jobs.iter().filter_map(|standing| standing.oldest_seconds).fold(0.0, f64::max);
    let waiting: f64 = depth.jobs.iter().filter(|one| one.state == "available").map(|one| one.jobs).sum();
    let about = if depth.sampled < 1.0 { "about " } else { "" };
    let detail = match waiting.round() as u64 {
        0 => "no job waits".to_owned(),
        waiting => {
            let waits = counted(waiting, "job waits", "jobs wait");
            format!("{about}{waits}, the oldest for {}", lasting(oldest))
        }
    };
    (if oldest > LATE { Health::Degraded } else { Health::Ok }, detail)
}

async fn scheduler(db: &Db) -> Result<Found> {
    Ok(match schedules::seconds_to_next(db, &[]).await? {
        None => (Health::Ok, "no schedule is active".to_owned()),
        Some(seconds) if seconds < -OVERDUE => {
            (Health::Failed, format!("a slot is overdue by {:.0} s: no scheduler runs", -seconds))
        }
        Some(seconds) => (Health::Ok, format!("the next slot is due in {}", lasting(seconds.max(0.0)))),
    })
}

async fn disk(site: &Site) -> Result<Found> {
    let folders = [site.config.data.folder.clone(), site.pictures.local_path("")];
    blocking(move || {
        let free: Vec<u64> = folders.iter().map(|folder| free_mb(folder)).collect::<Result<_>>()?;
        let least = free.into_iter().min().unwrap_or_default();
        let state = match least {
            ENOUGH_FREE_MB.. => Health::Ok,
            LEAST_FREE_MB.. => Health::Degraded,
            _ => Health::Failed,
        };
        Ok((state, format!("{least} MB free")))
    })
    .await
}

fn lasting(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn free_mb(folder: &Path) -> Result<u64> {
    let room = Room::on(folder);
    let room = room.map_err(|error| Failure::new(Kind::Environment, format!("{}: {error}", folder.display())))?;
    Ok(room.free / 1_000_000)
}

/// A disk may take its time; nobody else waits for it.
async fn blocking<T: Send + 'static>(look: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(look).await.map_err(|error| Failure::new(Kind::Internal, "the look broke").source(error))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::depth::Standing as Waiting;

    fn depth(workers: i64, oldest: Option<f64>) -> Depth {
        let (kind, state) = ("generation".to_owned(), "available".to_owned());
        Depth { jobs: vec![Waiting { kind, state, jobs: 3.0, oldest_seconds: oldest }], sampled: 1.0, workers }
    }

    #[test]
    fn no_worker_is_a_failure_only_where_jobs_wait() {
        assert_eq!(workers(&depth(1, Some(9.0))).0, Health::Ok);
        assert_eq!(workers(&depth(0, Some(9.0))).0, Health::Failed);
        assert_eq!(workers(&depth(0, None)).0, Health::Degraded);
    }

    #[test]
    fn jobs_that_wait_too_long_are_told() {
        assert_eq!(queue(&depth(1, Some(599.0))), (Health::Ok, "3 jobs wait, the oldest for 9 m 59 s".to_owned()));
        assert_eq!(queue(&Depth { jobs: Vec::new(), ..depth(1, None) }).1, "no job waits");
        assert_eq!(queue(&Depth { sampled: 0.5, ..depth(1, Some(601.0)) }).0, Health::Degraded);
    }

    #[test]
    fn where_one_look_was_not_possible_the_queue_is_not_called_well() {
        let lost = || Failure::new(Kind::Database, "away");
        let check = queue_check(Duration::ZERO, &Ok(depth(1, None)), &(Duration::ZERO, Err(lost())));
        assert_eq!((check.state, check.checked), (Health::Failed, false));
        let check = queue_check(Duration::ZERO, &Ok(depth(1, None)), &(Duration::ZERO, Ok(true)));
        assert_eq!((check.state, check.checked), (Health::Degraded, true));
    }
}
