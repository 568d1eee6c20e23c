//! `queue`: look at the queue as a whole and steer it.

use chrono::Utc;
use serde_json::json;

use crate::cli::{Queue, QueueLimit};
use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::queue as view;
use crate::config::Loaded;
use crate::db::limits;
use crate::db::{Db, stats};
use crate::model::failure::Result;
use crate::model::job::JobKind;
use crate::model::limits::Limit;

/// Runs `queue ...`.
pub fn run(command: &Queue, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let session = Session::open(loaded, Schema::Current).await?;
        let db = &session.db;
        match command {
            Queue::Stats { kind } => {
                let stats = stats::stats(db, kind.map(JobKind::name)).await?;
                output.data(&stats, |look| view::stats(&stats, look))
            }
            Queue::Workers => {
                let workers = stats::registered(db).await?;
                output.data(&workers, |look| view::workers(&workers, Utc::now(), look))
            }
            Queue::Pause { kind, because } => {
                limits::pause(db, kind.name(), because.as_deref()).await?;
                output.data(&json!({"kind": kind, "paused": true, "because": because}), |_| {
                    format!("{} is paused. Start its jobs again with: repo-to-cat queue resume {0}\n", kind.name())
                })
            }
            Queue::Resume { kind } => {
                let was_paused = limits::resume(db, kind.name()).await?;
                output.data(&json!({"kind": kind, "paused": false, "was_paused": was_paused}), |_| {
                    format!("{} {}\n", kind.name(), if was_paused { "goes on" } else { "was not paused" })
                })
            }
            Queue::Limit(wanted) => {
                limit(db, wanted).await?;
                limits_in_use(db, output).await
            }
            Queue::Limits => limits_in_use(db, output).await,
        }
    })
}

async fn limit(db: &Db, wanted: &QueueLimit) -> Result<()> {
    let (kind, limit_key) = (wanted.kind.name(), wanted.key.as_deref().unwrap_or_default());
    if wanted.none {
        return limits::remove(db, kind, limit_key).await;
    }
    let (rate_count, rate_seconds) = wanted.rate.unzip();
    let (kind, limit_key) = (kind.to_owned(), limit_key.to_owned());
    limits::set(db, &Limit { kind, limit_key, max_running: wanted.max_running, rate_count, rate_seconds }).await
}

async fn limits_in_use(db: &Db, output: &Output) -> Result<()> {
    let limits = stats::limits_in_use(db).await?;
    output.data(&limits, |look| view::limits(&limits, look))
}
