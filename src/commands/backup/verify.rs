//! `backup verify`: a drill while somebody watches.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::now::Watch;
use crate::backup::drill::drill;
use crate::backup::submit::{database, drill_job};
use crate::backup::telling::Event;
use crate::backup::yard::Premises;
use crate::backup::{Yard, shelf};
use crate::cli::BackupVerify;
use crate::commands::Output;
use crate::commands::session::{Host, Schema, Session, block_on, stop_signal};
use crate::commands::view::amount;
use crate::commands::view::look::Look;
use crate::commands::view::progress::Spinner;
use crate::config::{Config, Loaded};
use crate::db::backups::{self, DrillRow};
use crate::model::backup::{BackupName, DrillReport, DrillRequest, Verdict};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::counted;
use crate::model::job::JobKind;
use crate::model::progress::Report;

/// What a drill found, as it is told.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    backup: String,
    verdict: Verdict,
    reason: Option<String>,
    tables: u64,
    rows: u64,
    restore_seconds: Option<f64>,
}

/// Tries a backup.
pub fn run(args: &BackupVerify, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let watch = Watch { look: Look::of_stderr(&loaded.environment), json: output.json, stop: stop_signal()? };
        let found = if args.standalone {
            let host = Host::open(loaded).await?;
            let premises = host.premises()?;
            let yard = premises.open()?;
            let name = which(args, &yard, &host.config).await?;
            let found = prove_alone(&watch, &premises, &yard, &name).await;
            premises.farewell().await;
            found?
        } else {
            let session = Session::open(loaded, Schema::Current).await?;
            let name = which(args, &session.premises()?.open()?, &session.config).await?;
            Box::pin(prove(&watch, &session, name)).await?
        };
        output.data(&found, |look| format!("{}  {}\n", found.backup, found.words(look)))?;
        found.refusal().map_or(Ok(()), Err)
    })
}

async fn which(args: &BackupVerify, yard: &Yard, config: &Config) -> Result<BackupName> {
    shelf::find(&yard.vault, &args.backup, &database(args.database.clone(), config)?, None).await
}

/// Tries a backup by a job that this process works on itself.
pub(super) async fn prove(watch: &Watch, session: &Session, name: BackupName) -> Result<Found> {
    let title = format!("Trying {name}");
    let again = format!("repo-to-cat backup verify {name}");
    let job = drill_job(DrillRequest { backup: Some(name), database: None }, &session.config)?;
    let id = watch.work(session, job, JobKind::Drill, &title, &again).await?;
    let row = backups::drilled_by(&session.db, id).await?;
    row.as_ref()
        .and_then(Found::of_row)
        .ok_or_else(|| Failure::new(Kind::Internal, format!("job {id} is completed, but no drill is recorded")))
}

/// Tries a backup without a queue.
pub(super) async fn prove_alone(watch: &Watch, premises: &Premises, yard: &Yard, name: &BackupName) -> Result<Found> {
    let progress = Arc::new(stand_in(&watch.look, watch.json, &watch.stop));
    let report = drill(yard, name, None, progress).await?;
    let manifest = shelf::one(&yard.vault, name).await?.manifest;
    premises.tell(&Event::drilled(&report, manifest.as_ref(), None));
    Ok(Found::of_report(&report))
}

/// Progress without a queue: a spinner, which Ctrl-C stops.
pub(super) fn stand_in(look: &Look, json: bool, stop: &CancellationToken) -> impl Report + use<> {
    Interruptible { spinner: Spinner::start(look, json), stop: stop.clone() }
}

struct Interruptible {
    spinner: Spinner,
    stop: CancellationToken,
}

impl Report for Interruptible {
    fn report(&self, done: u64, total: u64, detail: &str) {
        self.spinner.report(done, total, detail);
    }

    fn should_stop(&self) -> bool {
        self.stop.is_cancelled()
    }
}

impl Found {
    fn of_row(row: &DrillRow) -> Option<Self> {
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        Some(Self {
            backup: row.backup.clone(),
            verdict: Verdict::from_name(&row.verdict)?,
            reason: row.reason.clone(),
            tables: count(row.tables),
            rows: count(row.rows),
            restore_seconds: row.restore_seconds,
        })
    }

    fn of_report(report: &DrillReport) -> Self {
        Self {
            backup: report.backup.to_string(),
            verdict: report.verdict,
            reason: report.reason.clone(),
            tables: report.tables,
            rows: report.rows,
            restore_seconds: report.restore_seconds,
        }
    }

    /// Why the verb does not end with success; nothing where the backup is verified.
    pub fn refusal(&self) -> Option<Failure> {
        let kind = match self.verdict {
            Verdict::Verified => return None,
            Verdict::Failed => Kind::Unusable,
            Verdict::Unverified | Verdict::Unverifiable => Kind::Environment,
        };
        let reason = self.reason.as_deref().unwrap_or("no reason is known");
        let hint = match self.verdict {
            Verdict::Failed => "keep it for the inquiry, and make another: repo-to-cat backup now",
            _ => "mend that, then: repo-to-cat backup verify latest",
        };
        Some(Failure::new(kind, format!("{} is {}: {reason}", self.backup, self.verdict.name())).hint(hint))
    }

    /// In a line, for people.
    pub fn words(&self, look: &Look) -> String {
        let compared =
            format!("{} of {} compared", counted(self.rows, "row", "rows"), counted(self.tables, "table", "tables"));
        let restored = self.restore_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let restored = restored.map(|time| format!(", restored in {}", amount::duration(time))).unwrap_or_default();
        match self.verdict {
            Verdict::Verified => format!("{}: {compared}{restored}", look.good("verified")),
            other => format!("{}: {}", look.bad(other.name()), self.reason.as_deref().unwrap_or("no reason is known")),
        }
    }
}
