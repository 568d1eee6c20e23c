//! `run`: the service.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::cli::{Part, Run};
use crate::commands::session::{Schema, Session, block_on, stop_signal, work_folder};
use crate::commands::view::hold::sentence;
use crate::config::Loaded;
use crate::db::{Db, hold};
use crate::http::Site;
use crate::model::failure::{Failure, Kind, Result};
use crate::schedule::declared;
use crate::schedule::firing::Firing;
use crate::schedule::upkeep::Upkeep;
use crate::worker::Duty;
use crate::{dashboard, http, worker};

/// Closing waits for connections in use; a server that does not answer may not keep the process.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

/// Runs the parts until a signal; then stops them gracefully.
pub fn run(parts: &Run, loaded: &Loaded) -> Result<()> {
    block_on(async {
        let stop = stop_signal()?;
        let Some(opened) = stop.run_until_cancelled(Session::open_patiently(loaded, Schema::Current)).await else {
            return Ok(());
        };
        let mut session = opened?;
        session.guard_cluster();
        settle(&session.db).await?;
        let mut running = start(parts, &session, loaded, &stop).await?;
        tracing::info!("ready");
        let mut result = Ok(());
        while let Some(ended) = running.join_next().await {
            let ended = ended
                .unwrap_or_else(|error| Err(Failure::new(Kind::Internal, "a part of the service broke").source(error)));
            // One part that cannot go on takes the others with it, gracefully.
            stop.cancel();
            result = result.and(ended);
        }
        drop(timeout(CLOSE_PATIENCE, session.db.close()).await);
        result
    })
}

/// A database that was restored or copied is held, and people are told what to type.
async fn settle(db: &Db) -> Result<()> {
    hold::settle(db).await?;
    if let Some(held) = hold::current(db).await? {
        tracing::warn!("{}", sentence(&held));
    }
    Ok(())
}

async fn start(
    parts: &Run,
    session: &Session,
    loaded: &Loaded,
    stop: &CancellationToken,
) -> Result<JoinSet<Result<()>>> {
    let mut running = JoinSet::new();
    if parts.has(Part::Http) {
        // First: a port that is taken should be said before any job is claimed.
        let site = Site::new(session.db.clone(), session.premises()?, loaded.clone(), stop.clone());
        let server = http::Server::bind(site, dashboard::pages()).await?;
        running.spawn(server.run(stop.clone()));
    }
    if !session.config.metrics.listen.is_empty() {
        let server = http::Server::bind_metrics(session.db.clone(), &session.config).await?;
        running.spawn(server.run(stop.clone()));
    }
    if parts.has(Part::Worker) {
        let (db, settings, handlers) = (session.db.clone(), session.config.worker.clone(), session.handlers()?);
        let stop = stop.clone();
        running
            .spawn(async move { worker::run(db, &settings, handlers, worker::name(), Duty::Everything, stop).await });
    }
    if parts.has(Part::Scheduler) {
        declared::apply(&session.db, &session.config).await?;
        let firing = Firing { db: session.db.clone(), config: session.config.clone() }.run(stop.clone());
        running.spawn(async move {
            firing.await;
            Ok(())
        });
        let upkeep = Upkeep {
            db: session.db.clone(),
            pictures: session.pictures()?,
            work_folder: work_folder(&session.config),
            settings: session.config.scheduler.clone(),
            retention: session.config.retention.clone(),
        };
        let keeping = upkeep.run(stop.clone());
        running.spawn(async move {
            keeping.await;
            Ok(())
        });
    }
    Ok(running)
}
