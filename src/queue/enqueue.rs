//! Enqueueing from Rust. From other languages: the functions of schema `queue`, see docs/enqueue.md.

use std::time::Duration;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use uuid::Uuid;

use crate::db::copy::{CHUNK, Copying};
use crate::db::{Db, Session, enqueue};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{Enqueued, NewJob, Start};
use crate::model::when::LONGEST_WAIT_DAYS;

/// From so many jobs on COPY is worth its round trips.
const MANY: usize = 200;

/// Enqueues a job in the caller's transaction: it exists when, and only when, that commits.
///
/// It takes `&mut` of a transaction of [`Db::pool`], or of the caller's own; behind a pooler see [`Session::lent`].
pub async fn enqueue(transaction: impl Into<Session<'_>>, job: &NewJob) -> Result<Enqueued> {
    check(job)?;
    enqueue::enqueue(&mut transaction.into(), job).await
}

/// Enqueues a job in a transaction of its own.
pub async fn enqueue_one(db: &Db, job: &NewJob) -> Result<Enqueued> {
    check(job)?;
    enqueue::enqueue(&mut db.pool().acquire().await?, job).await
}

/// Enqueues jobs in a transaction of their own: all or none.
pub async fn enqueue_all(db: &Db, jobs: &[NewJob]) -> Result<Vec<Enqueued>> {
    jobs.iter().try_for_each(check)?;
    let (plain, mut unique): (Vec<_>, Vec<_>) = jobs.iter().enumerate().partition(|(_, job)| job.unique.is_none());
    let plain_jobs: Vec<&NewJob> = plain.iter().map(|(_, job)| *job).collect();
    let is_one_statement = unique.is_empty() && plain.len() < MANY || plain.is_empty() && unique.len() == 1;
    let mut enqueued = vec![Enqueued { id: Uuid::nil(), is_new: true }; jobs.len()];
    if is_one_statement {
        let mut connection = db.pool().acquire().await?;
        match jobs {
            [job] => enqueued[0] = enqueue::enqueue(&mut connection, job).await?,
            _ => place(&mut enqueued, &plain, enqueue::insert_all(&mut connection, &plain_jobs).await?),
        }
        return Ok(enqueued);
    }
    let mut transaction = db.pool().begin().await?;
    if plain.len() < MANY {
        if !plain.is_empty() {
            place(&mut enqueued, &plain, enqueue::insert_all(&mut transaction, &plain_jobs).await?);
        }
    } else {
        let mut copying = Copying::begin(&mut transaction).await?;
        for jobs in plain_jobs.chunks(CHUNK) {
            copying.send(jobs).await?;
        }
        place(&mut enqueued, &plain, copying.finish().await?);
    }
    // In the order of their keys, so that of two lists with the same keys none waits for the other in a circle.
    unique.sort_by_key(|(_, job)| (job.kind.name(), job.unique.as_ref().map(|unique| &unique.key)));
    for (at, job) in unique {
        enqueued[at] = enqueue::enqueue(&mut transaction, job).await?;
    }
    transaction.commit().await?;
    Ok(enqueued)
}

/// Enqueues some jobs without unique keys in one statement: all or none.
pub(super) async fn enqueue_plain(session: &mut Session<'_>, jobs: &[NewJob]) -> Result<Vec<Enqueued>> {
    if let [job] = jobs {
        return Ok(vec![enqueue::enqueue(session, job).await?]);
    }
    let ids = enqueue::insert_all(session, &jobs.iter().collect::<Vec<_>>()).await?;
    Ok(ids.into_iter().map(|id| Enqueued { id, is_new: true }).collect())
}

/// Enqueues any number of jobs in the caller's transaction by COPY, in their order; returns their ids. All or none: what
/// went before a job that is refused is taken back. Jobs with unique keys are refused.
///
/// The jobs are taken from the iterator as they are sent; some thousand are in memory at a time. Begin the transaction
/// with sqlx's `begin`, which knows about savepoints.
pub async fn enqueue_copy(
    transaction: impl Into<Session<'_>>,
    jobs: impl IntoIterator<Item = NewJob>,
) -> Result<Vec<Uuid>> {
    let mut session = transaction.into();
    let mut copying = Copying::begin(&mut session).await?;
    let mut jobs = jobs.into_iter().map(|job| check(&job).and_then(|()| without_key(&job)).map(|()| job));
    loop {
        let chunk = jobs.by_ref().take(CHUNK).collect::<Result<Vec<_>>>()?;
        if chunk.is_empty() {
            return copying.finish().await;
        }
        copying.send(&chunk.iter().collect::<Vec<_>>()).await?;
    }
}

fn without_key(job: &NewJob) -> Result<()> {
    let Some(unique) = &job.unique else { return Ok(()) };
    Err(Failure::new(Kind::Invalid, format!("a job with a unique key (`{}`) cannot be copied", unique.key))
        .hint("enqueue it with enqueue or enqueue_all"))
}

fn place(enqueued: &mut [Enqueued], jobs: &[(usize, &NewJob)], ids: Vec<Uuid>) {
    for ((at, _), id) in jobs.iter().zip(ids) {
        enqueued[*at].id = id;
    }
}

/// Whether a job may be enqueued: the one place for the limits, which `queue.check_options` has for SQL.
pub fn check(job: &NewJob) -> Result<()> {
    flaw(job).map_or(Ok(()), |flaw| Err(flaw.failure))
}

/// What keeps a job from being enqueued.
#[derive(Debug)]
pub struct Flaw {
    /// Which option is wrong.
    pub option: &'static str,
    /// What is wrong with it.
    pub failure: Failure,
}

/// The first thing that keeps a job from being enqueued.
#[must_use]
pub fn flaw(job: &NewJob) -> Option<Flaw> {
    let (option, what, hint) = flaw_of_times(job).or_else(|| flaw_of_words(job)).or_else(|| flaw_of_key(job))?;
    Some(Flaw { option, failure: Failure::new(Kind::Invalid, what).hint(hint) })
}

/// An option, what is wrong with it, and what to do.
type Told = (&'static str, String, &'static str);

fn flaw_of_times(job: &NewJob) -> Option<Told> {
    if !(-100..=100).contains(&job.priority) {
        let hint = "priorities go from -100 to 100; the higher goes first";
        return Some(("priority", format!("priority {} is out of range", job.priority), hint));
    }
    if !(1..=100).contains(&job.max_attempts) {
        let what = format!("max_attempts {} is out of range", job.max_attempts);
        return Some(("max_attempts", what, "it goes from 1 to 100"));
    }
    if let Some(seconds) = job.timeout_seconds
        && !(1..=2_592_000).contains(&seconds)
    {
        let what = format!("a time-out of {seconds} s is out of range");
        return Some(("timeout_seconds", what, "it goes from 1 second to 30 days"));
    }
    let start = if matches!(job.start, Start::After(_)) { "delay_seconds" } else { "run_at" };
    let is_too_late = match job.start {
        Start::Now => false,
        Start::At(at) => at > Utc::now() + TimeDelta::days(LONGEST_WAIT_DAYS),
        Start::After(wait) => is_too_long(wait),
    };
    if is_too_late {
        return Some((start, "the start is more than ten years ahead".into(), "name a time within ten years"));
    }
    let is_ancient = |at: &DateTime<Utc>| at.year() < 1;
    if matches!(&job.start, Start::At(at) if is_ancient(at)) {
        return Some((start, "the start lies before the year 1".into(), "leave it out to start at once"));
    }
    if job.deadline.as_ref().is_some_and(is_ancient) {
        return Some(("deadline", "the deadline lies before the year 1".into(), "name one to come"));
    }
    if let (Start::At(at), Some(deadline)) = (job.start, job.deadline)
        && deadline <= at
    {
        let hint = "name a later deadline, or an earlier start";
        let what = format!("the deadline {deadline} is not after the start: the job would never be run");
        return Some(("deadline", what, hint));
    }
    None
}

fn flaw_of_words(job: &NewJob) -> Option<Told> {
    if job.tags.len() > 32 {
        return Some(("tags", format!("there are {} tags", job.tags.len()), "32 are allowed"));
    }
    if let Some(tag) = job.tags.iter().find(|tag| !is_label(tag, 100)) {
        let hint = "a tag has 1 to 100 characters and no control characters";
        return Some(("tags", format!("the tag `{tag}` is none"), hint));
    }
    let key = job.limit_key.as_ref().filter(|key| !is_text(key, 255) || *key == "*")?;
    Some(("limit_key", format!("the limit key `{key}` is none"), "it has 1 to 255 characters and is not `*`"))
}

fn flaw_of_key(job: &NewJob) -> Option<Told> {
    let unique = job.unique.as_ref()?;
    if !is_label(&unique.key, 255) {
        let hint = "it has 1 to 255 characters and no control characters";
        return Some(("unique_key", format!("the unique key {:?} is none", unique.key), hint));
    }
    let window = unique.window?;
    let what = match (window.is_zero(), is_too_long(window)) {
        (true, _) => "is empty",
        (_, true) => "is longer than ten years",
        _ => return None,
    };
    let hint = "leave it out, or name a time such as 1h";
    Some(("unique_window_seconds", format!("the window of the unique key {what}"), hint))
}

fn is_too_long(wait: Duration) -> bool {
    TimeDelta::from_std(wait).map_or(true, |wait| wait > TimeDelta::days(LONGEST_WAIT_DAYS))
}

/// Whether it is a text that can be shown on a line.
fn is_label(text: &str, most: usize) -> bool {
    is_text(text, most) && !text.chars().any(char::is_control)
}

/// Whether it is not empty, not longer than so many characters, and can be stored.
fn is_text(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::JobKind;
    use crate::model::unique::Unique;

    #[test]
    fn what_is_out_of_range_is_refused() {
        let plain = || NewJob::new(JobKind::Probe, serde_json::json!({}));
        assert!(check(&plain()).is_ok());
        let now = Utc::now();
        let key = |key: &str| Some(Unique::key(key));
        let bad = [
            NewJob { priority: 101, ..plain() },
            NewJob { max_attempts: 0, ..plain() },
            NewJob { timeout_seconds: Some(0), ..plain() },
            NewJob { start: Start::At(now + TimeDelta::days(4000)), ..plain() },
            NewJob { start: Start::After(Duration::MAX), ..plain() },
            NewJob { start: Start::At(now), deadline: Some(now), ..plain() },
            NewJob { start: Start::At(DateTime::<Utc>::MIN_UTC), ..plain() },
            NewJob { deadline: Some(DateTime::<Utc>::MIN_UTC), ..plain() },
            NewJob { tags: vec!["a".into(); 33], ..plain() },
            NewJob { tags: vec![String::new()], ..plain() },
            NewJob { tags: vec!["a\u{1f}b".into()], ..plain() },
            NewJob { limit_key: Some("*".into()), ..plain() },
            NewJob { unique: key(""), ..plain() },
            NewJob { unique: key("a\0"), ..plain() },
            NewJob { unique: key("a\nb"), ..plain() },
            NewJob { unique: key(&"k".repeat(256)), ..plain() },
            NewJob { unique: Some(Unique { window: Some(Duration::ZERO), ..Unique::key("k") }), ..plain() },
            NewJob { unique: Some(Unique { window: Some(Duration::MAX), ..Unique::key("k") }), ..plain() },
        ];
        for job in bad {
            let failure = check(&job).unwrap_err();
            assert!(failure.kind() == Kind::Invalid && failure.hint_text().is_some(), "{job:?}");
        }
        let good = [
            NewJob { priority: -100, max_attempts: 100, timeout_seconds: Some(1), ..plain() },
            NewJob { unique: key(&"\u{1f408}".repeat(255)), tags: vec!["a b".into()], ..plain() },
        ];
        assert!(good.iter().all(|job| check(job).is_ok()));
    }
}
