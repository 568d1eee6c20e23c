//! A batch: outcomes of one sort, which one statement writes.

use std::collections::HashSet;

use uuid::Uuid;

use crate::db::outcomes::{self, End, PutBack};
use crate::db::{HeldLine, Line};
use crate::model::failure::{Kind, Result};
use crate::model::generation::GenerationResult;
use crate::model::job::ClaimedJob;
use crate::telemetry::metrics::Ending;

/// Outcomes of one sort, of jobs of one worker.
#[derive(Debug)]
pub enum Batch<'a> {
    /// Completed, without a result.
    Plain(Vec<&'a ClaimedJob>),
    /// Completed generations.
    Generations(Vec<(&'a ClaimedJob, &'a GenerationResult)>),
    /// To be run again.
    Back(Vec<(&'a ClaimedJob, PutBack<'a>)>),
    /// Ended, but not completed.
    Ends(Vec<(&'a ClaimedJob, End<'a>)>),
}

impl<'a> Batch<'a> {
    /// Whether its jobs are completed by it.
    pub const fn completes(&self) -> bool {
        matches!(self, Self::Plain(_) | Self::Generations(_))
    }

    /// Its jobs.
    pub fn jobs(&self) -> Vec<&'a ClaimedJob> {
        match self {
            Self::Plain(jobs) => jobs.clone(),
            Self::Generations(jobs) => jobs.iter().map(|(job, _)| *job).collect(),
            Self::Back(jobs) => jobs.iter().map(|(job, _)| *job).collect(),
            Self::Ends(jobs) => jobs.iter().map(|(job, _)| *job).collect(),
        }
    }

    /// Its jobs, each with how its attempt ended.
    pub fn endings(&self) -> Vec<(&'a ClaimedJob, Ending)> {
        match self {
            Self::Plain(jobs) => jobs.iter().map(|job| (*job, Ending::Completed)).collect(),
            Self::Generations(jobs) => jobs.iter().map(|(job, _)| (*job, Ending::Completed)).collect(),
            Self::Back(jobs) => jobs.iter().map(|(job, how)| (*job, put_back(how))).collect(),
            Self::Ends(jobs) => jobs.iter().map(|(job, how)| (*job, end(how))).collect(),
        }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        match self {
            Self::Plain(jobs) => jobs.len(),
            Self::Generations(jobs) => jobs.len(),
            Self::Back(jobs) => jobs.len(),
            Self::Ends(jobs) => jobs.len(),
        }
    }

    /// Takes away its second half.
    pub fn split_off_half(&mut self) -> Self {
        let half = self.len() / 2;
        match self {
            Self::Plain(jobs) => Self::Plain(jobs.split_off(half)),
            Self::Generations(jobs) => Self::Generations(jobs.split_off(half)),
            Self::Back(jobs) => Self::Back(jobs.split_off(half)),
            Self::Ends(jobs) => Self::Ends(jobs.split_off(half)),
        }
    }

    /// Writes it in one statement; returns the ids of those that were the worker's, by this try or an earlier one whose
    /// answer was lost.
    pub async fn write(&self, line: &Line, worker_id: Uuid) -> Result<Vec<Uuid>> {
        let mut held = line.take().await?;
        let written = self.write_on(&mut held, worker_id).await;
        // A statement that was refused leaves the connection as good as it was.
        if !matches!(&written, Err(failure) if failure.kind() == Kind::Database) {
            held.give_back();
        }
        written
    }

    async fn write_on(&self, held: &mut HeldLine<'_>, worker_id: Uuid) -> Result<Vec<Uuid>> {
        let connection = held.connection();
        let mut mine = match self {
            Self::Plain(jobs) => outcomes::complete(connection, worker_id, jobs).await?,
            Self::Generations(jobs) => outcomes::complete_generations(connection, worker_id, jobs).await?,
            Self::Back(jobs) => return outcomes::put_back(connection, worker_id, jobs).await,
            Self::Ends(jobs) => return outcomes::end(connection, worker_id, jobs).await,
        };
        if mine.len() < self.len() {
            let known: HashSet<Uuid> = mine.iter().copied().collect();
            let missing: Vec<_> = self.jobs().into_iter().filter(|job| !known.contains(&job.id)).collect();
            mine.extend(outcomes::completed_by(connection, worker_id, &missing).await?);
        }
        Ok(mine)
    }
}

const fn put_back(how: &PutBack<'_>) -> Ending {
    match how {
        PutBack::Retry(..) => Ending::Retried,
        PutBack::Snooze(..) => Ending::Snoozed,
        PutBack::Park(_) => Ending::Parked,
        PutBack::HandBack => Ending::HandedBack,
    }
}

const fn end(how: &End<'_>) -> Ending {
    match how {
        End::Discard(_) => Ending::Discarded,
        End::Cancel(_) => Ending::Cancelled,
    }
}
