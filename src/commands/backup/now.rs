//! `backup now`: backups made while somebody watches, and proven.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::verify::{Found, prove, prove_alone, stand_in};
use crate::backup::Yard;
use crate::backup::dump::{Run, dump};
use crate::backup::run::look_first;
use crate::backup::submit::{backup_job, database};
use crate::backup::telling::{Event, What};
use crate::backup::yard::Premises;
use crate::cli::BackupNow;
use crate::commands::own::OwnJob;
use crate::commands::session::{Host, Schema, Session, block_on, stop_signal};
use crate::commands::view::amount;
use crate::commands::view::look::Look;
use crate::commands::view::progress::ProgressView;
use crate::commands::{Output, enqueue, follow};
use crate::config::Loaded;
use crate::db::backups::{self, BackupRow};
use crate::model::backup::{BackupName, BackupRequest, Manifest};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::{counted, grouped};
use crate::model::job::{Enqueued, JobKind, NewJob};
use crate::queue::enqueue::enqueue_all;

/// A backup that was made, as it is told.
#[derive(Debug, Serialize)]
struct Made {
    name: String,
    store: String,
    bytes: u64,
    raw_bytes: u64,
    tables: u64,
    rows: u64,
    seconds: f64,
    /// Absent where nobody was to try it.
    drill: Option<Found>,
}

/// Makes a backup of each database.
pub fn run(args: &BackupNow, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let watch = Watch { look: Look::of_stderr(&loaded.environment), json: output.json, stop: stop_signal()? };
        let place = if args.standalone {
            Place::Host(Host::open(loaded).await?)
        } else {
            Place::Session(Session::open(loaded, Schema::Current).await?)
        };
        if let (Place::Session(session), true) = (&place, args.queue) {
            return enqueue_only(args, session, output).await;
        }
        let mut all = Vec::new();
        let mut failed = None;
        for request in args.requests() {
            let made = match &place {
                Place::Host(host) => Box::pin(watch.alone(host, request)).await,
                Place::Session(session) => Box::pin(watch.queued(session, request)).await,
            };
            match made {
                Ok(made) => all.push(made),
                // One database that cannot be backed up keeps no other from it.
                Err(failure) if !watch.stop.is_cancelled() => failed = failed.or(Some(failure)),
                Err(failure) => return Err(failure),
            }
        }
        if output.json || !all.is_empty() {
            output.data(&all, |look| all.iter().map(|made| render(made, look)).collect())?;
        }
        let unproven = all.iter().find_map(|made| made.drill.as_ref()?.refusal());
        failed.or(unproven).map_or(Ok(()), Err)
    })
}

/// Where backups are made from.
enum Place {
    /// The server alone.
    Host(Host),
    /// With our database.
    Session(Session),
}

async fn enqueue_only(args: &BackupNow, session: &Session, output: &Output) -> Result<()> {
    let job = |request| backup_job(request, &session.config);
    let jobs = args.requests().into_iter().map(job).collect::<Result<Vec<_>>>()?;
    let enqueued = enqueue_all(&session.db, &jobs).await?;
    let data: Vec<_> = enqueued.iter().map(|job| json!({"id": job.id, "is_new": job.is_new})).collect();
    output.data(&data, |_| {
        let line = |job: &Enqueued| format!("{}{}\n", job.id, if job.is_new { "" } else { "  (was there already)" });
        enqueued.iter().map(line).collect()
    })?;
    enqueue::note_missing_workers(session, output).await;
    Ok(())
}

/// Who watches, and how.
pub(super) struct Watch {
    pub look: Look,
    pub json: bool,
    pub stop: CancellationToken,
}

impl Watch {
    /// As a job that this process works on itself.
    async fn queued(&self, session: &Session, request: BackupRequest) -> Result<Made> {
        let config = &session.config;
        let follows = request.drill.unwrap_or(config.backup.drill);
        // Its drill is this process's, too.
        let job = backup_job(BackupRequest { drill: Some(false), ..request }, config)?;
        let title = format!("Backing up {}", job.payload["database"].as_str().unwrap_or_default());
        let again = "repo-to-cat backup now";
        let id = self.work(session, job, JobKind::Backup, &title, again).await?;
        let row = backups::made_by(&session.db, id)
            .await?
            .ok_or_else(|| Failure::new(Kind::Internal, format!("job {id} is completed, but no backup is recorded")))?;
        let name = BackupName::parse(&row.name)?;
        let drill = if follows { Some(prove(self, session, name).await?) } else { None };
        Ok(Made::of_row(&row, drill))
    }

    /// Without a queue.
    async fn alone(&self, host: &Host, request: BackupRequest) -> Result<Made> {
        let premises = host.premises()?;
        let yard = premises.open()?;
        let database = database(request.database.clone(), &host.config)?;
        let name = BackupName::new(&database, Utc::now());
        let about = |what| Event { backup: Some(name.clone()), ..Event::new(what, None, &database) };
        premises.tell(&about(What::Started));
        let made = self.make_alone(&premises, &yard, &name, &request).await;
        if let Err(failure) = &made {
            premises.tell(&Event { reason: Some(failure.to_string()), ..about(What::Failed) });
        }
        premises.farewell().await;
        made
    }

    async fn make_alone(
        &self,
        premises: &Premises,
        yard: &Yard,
        name: &BackupName,
        request: &BackupRequest,
    ) -> Result<Made> {
        look_first(yard, name.database(), request).await?;
        let report = Arc::new(stand_in(&self.look, self.json, &self.stop));
        let manifest = dump(yard, name, request, Run { job: None, claim: 1 }, report).await?;
        premises.tell(&Event::stored(&manifest, None));
        let follows = request.drill.unwrap_or(yard.settings.drill);
        let drill = if follows { Some(prove_alone(self, premises, yard, name).await?) } else { None };
        Ok(Made::of_manifest(&manifest, yard, drill))
    }

    /// Enqueues a job and works on it until it has ended.
    pub async fn work(&self, session: &Session, job: NewJob, kind: JobKind, title: &str, again: &str) -> Result<Uuid> {
        let mut own = OwnJob::start(session, job).await.map_err(|failure| match failure.kind() {
            Kind::Conflict => failure
                .context("another one is under way, or waits since a restore")
                .hint("see it with: repo-to-cat jobs list; after a restore say go: repo-to-cat backup release"),
            _ => failure,
        })?;
        let id = own.id;
        let mut view = ProgressView::start(title, &self.look, self.json);
        let ended = own.until(follow::until_ended(&session.db, id, kind, &mut view, &self.stop)).await;
        view.finish();
        let ended = if self.stop.is_cancelled() { Err(own.cancel(session, again).await) } else { ended };
        own.end().await;
        ended.map(|()| id)
    }
}

impl Made {
    fn of_row(row: &BackupRow, drill: Option<Found>) -> Self {
        let size = |number: i64| u64::try_from(number).unwrap_or_default();
        Self {
            name: row.name.clone(),
            store: row.store.clone(),
            bytes: size(row.bytes),
            raw_bytes: size(row.raw_bytes),
            tables: size(row.tables),
            rows: size(row.rows),
            seconds: row.seconds,
            drill,
        }
    }

    fn of_manifest(manifest: &Manifest, yard: &Yard, drill: Option<Found>) -> Self {
        Self {
            name: manifest.name.to_string(),
            store: yard.vault.place(),
            bytes: manifest.bytes(),
            raw_bytes: manifest.raw_bytes(),
            tables: manifest.tables.len() as u64,
            rows: manifest.rows(),
            seconds: manifest.seconds(),
            drill,
        }
    }
}

fn render(made: &Made, look: &Look) -> String {
    let mut text = format!("{}\n", look.heading(&made.name));
    let mut line = |name: &str, value: &str| _ = writeln!(text, "  {name:<10}{value}");
    let ratio = made.raw_bytes as f64 / (made.bytes.max(1)) as f64;
    line("size", &format!("{}, {ratio:.1} times smaller than the dump", amount::bytes(made.bytes)));
    line("rows", &format!("{} in {}", grouped(made.rows), counted(made.tables, "table", "tables")));
    line("took", &amount::duration(Duration::try_from_secs_f64(made.seconds).unwrap_or_default()));
    line("where", &made.store);
    match &made.drill {
        Some(found) => line("verdict", &found.words(look)),
        None => line("verdict", "unverified: prove it with backup verify"),
    }
    text
}
