//! The last backup that could not be made. No row tells of it: there is its job alone.

use chrono::{DateTime, Utc};
use maud::{Markup, html};

use crate::dashboard::parts::badge;
use crate::dashboard::parts::time;
use crate::dashboard::visitor::Visitor;
use crate::db::Db;
use crate::db::attempts::{self, AttemptRow};
use crate::db::inspect::{self, Filter, JobRow};
use crate::model::failure::Result;
use crate::model::job::{JobKind, JobState};

/// Where all that were given up are.
pub(super) const ALL: &str = "/jobs?kind=backup&state=discarded";
/// Jobs that wait for their time, among which is looked for one that has failed.
const WAITING: i64 = 20;

/// A job that made no backup.
pub(super) struct Unmade {
    job: JobRow,
    /// Its last attempt; none where it never had one.
    attempt: Option<AttemptRow>,
}

/// The last one that was given up, or that has failed and will be tried again.
pub(super) async fn last(db: &Db) -> Result<Option<Unmade>> {
    let of = async |state, limit| {
        let filter = Filter { states: vec![state], kind: Some(JobKind::Backup.name().to_owned()), ..Filter::default() };
        inspect::list(db, &filter, None, limit).await
    };
    let (given_up, waiting) = tokio::try_join!(of(JobState::Discarded, 1), of(JobState::Scheduled, WAITING))?;
    let failed = waiting.jobs.into_iter().filter(|job| job.attempts > 0);
    let Some(job) = given_up.jobs.into_iter().chain(failed).max_by_key(|job| job.id) else { return Ok(None) };
    let attempt = attempts::of_job(db, job.id).await?.pop();
    Ok(Some(Unmade { job, attempt }))
}

impl Unmade {
    fn at(&self) -> DateTime<Utc> {
        let failed = self.attempt.as_ref().map(|attempt| attempt.finished_at);
        self.job.finished_at.or(failed).unwrap_or(self.job.created_at)
    }

    /// When, why, and where to look.
    pub(super) fn card(&self, visitor: &Visitor) -> Markup {
        let told = self.attempt.as_ref().and_then(|attempt| Some((attempt.error.as_deref()?, attempt.hint.as_deref())));
        html! {
            section.card {
                div.head { h2 { "The last backup that could not be made" } (badge::state(&self.job.state)) }
                p { "Of " (self.job.subject()) ", " (time::ago(self.at(), visitor.now)) ", " a href={ "/jobs/" (self.job.id) } { "by this job" }
                    @if self.job.finished_at.is_none() { ", which will be tried again " (time::ago(self.job.run_at, visitor.now)) }
                }
                div.error {
                    @match told {
                        Some((error, hint)) => { p { (error) } @if let Some(hint) = hint { p.hint { "→ " (hint) } } }
                        None => { p { "Nothing was told." } }
                    }
                }
                p { a href=(ALL) { "All that were given up" } }
            }
        }
    }
}
