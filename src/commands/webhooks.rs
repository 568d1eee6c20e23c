//! `webhooks`: who was told how generations ended.

use chrono::Utc;
use serde_json::json;
use uuid::Uuid;

use crate::cli::{Page, Webhooks};
use crate::commands::Output;
use crate::commands::report::Failures;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::webhooks as view;
use crate::config::Loaded;
use crate::db::{Db, deliveries};
use crate::model::failure::Result;
use crate::webhooks::replay::replay;
use crate::webhooks::secret::{self, Secrets};
use crate::webhooks::show;

/// Runs `webhooks ...`.
pub fn run(command: &Webhooks, loaded: &Loaded, output: &Output) -> Result<()> {
    if let Webhooks::Secret = command {
        return tell_secret(loaded, output);
    }
    block_on(async {
        let session = Session::open(loaded, Schema::Current).await?;
        match command {
            Webhooks::List { job, page } => list(&session.db, *job, page, output).await,
            Webhooks::Show { id } => show(&session.db, *id, output).await,
            Webhooks::Replay { ids } => replay_all(&session.db, ids, output).await,
            Webhooks::Secret => Ok(()),
        }
    })
}

async fn list(db: &Db, job: Option<Uuid>, page: &Page, output: &Output) -> Result<()> {
    let rows = deliveries::list(db, job, page.after, i64::from(page.limit)).await?;
    output.data(&rows, |look| view::deliveries(&rows, Utc::now(), look))
}

async fn show(db: &Db, id: Uuid, output: &Output) -> Result<()> {
    let webhook = show::show(db, id).await?;
    output.data(&webhook, |look| view::webhook(&webhook.job, &webhook.deliveries, Utc::now(), look))
}

/// Replays each; one that fails does not keep the others from it.
async fn replay_all(db: &Db, ids: &[Uuid], output: &Output) -> Result<()> {
    let (mut done, mut failed) = (Vec::new(), Failures::default());
    for id in ids {
        match replay(db, *id).await {
            Ok(job) => done.push(json!({"id": job.id, "replay_of": id})),
            Err(failure) => failed.add(failure, output),
        }
    }
    output.data(&done, |_| {
        done.iter()
            .map(|job| format!("{}  replays {}\n", view::text(&job["id"]), view::text(&job["replay_of"])))
            .collect()
    })?;
    failed.last()
}

fn tell_secret(loaded: &Loaded, output: &Output) -> Result<()> {
    let file = secret::file(&loaded.config);
    Secrets::load(&file)?;
    output.data(&json!({"file": file}), |look| view::secret(&file, look))
}
