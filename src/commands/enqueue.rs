//! `enqueue`: ask for cats.

use std::io::{self, BufRead, IsTerminal};

use chrono::Utc;
use serde_json::json;

use crate::cli::Enqueue;
use crate::commands::session::{Schema, Session, block_on, stop_signal};
use crate::commands::view::lists;
use crate::commands::view::look::Look;
use crate::commands::view::progress::ProgressView;
use crate::commands::{Output, follow};
use crate::config::Loaded;
use crate::db::{users, workers};
use crate::generation::submit::{Wishes, generation_job, request_of};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{Enqueued, NewJob, Start};
use crate::model::trace::Traceparent;
use crate::model::unique::Unique;
use crate::queue::enqueue::{check, enqueue_all};

/// Enqueues all or none, then waits for the cats if that was asked for.
pub fn run(args: &Enqueue, loaded: &Loaded, output: &Output) -> Result<()> {
    let urls = match args.rerun_of {
        Some(_) => Vec::new(),
        None if args.urls.is_empty() => read_urls()?,
        None => args.urls.clone(),
    };
    if args.key.is_some() && urls.len() > 1 {
        return Err(Failure::new(Kind::Invalid, "one key cannot stand for several repositories")
            .hint("enqueue them one by one, each with its key"));
    }
    let traceparent = args.traceparent.or_else(|| loaded.environment.traceparent());
    // What is wrong is told before a server is started.
    let jobs = urls.iter().map(|url| job(url, args, traceparent, loaded)).collect::<Result<Vec<_>>>()?;
    block_on(async {
        let session = Session::open(loaded, Schema::Current).await?;
        let user = match &args.user {
            Some(who) => Some(users::id_of(&session.db, who).await?),
            None => None,
        };
        let Some(id) = args.rerun_of else {
            let jobs: Vec<_> = jobs.into_iter().map(|job| NewJob { user_id: user, ..job }).collect();
            return submit(&session, &urls, &jobs, args, loaded, output).await;
        };
        let request = request_of(&session.db, id).await?;
        let args = Enqueue { reference: args.reference.clone().or(request.reference), ..args.clone() };
        let job = NewJob { user_id: user, ..job(&request.github_url, &args, traceparent, loaded)? };
        submit(&session, &[request.github_url], &[job], &args, loaded, output).await
    })
}

async fn submit(
    session: &Session,
    urls: &[String],
    jobs: &[NewJob],
    args: &Enqueue,
    loaded: &Loaded,
    output: &Output,
) -> Result<()> {
    let enqueued = enqueue_all(&session.db, jobs).await?;
    if args.wait {
        return wait(session, urls, &enqueued, loaded, output).await;
    }
    let data: Vec<_> = urls
        .iter()
        .zip(&enqueued)
        .map(|(url, job)| json!({"id": job.id, "is_new": job.is_new, "repository": url}))
        .collect();
    output.data(&data, |_| {
        let line = |(url, job): (&String, &Enqueued)| {
            format!("{}  {url}{}\n", job.id, if job.is_new { "" } else { "  (was there already)" })
        };
        urls.iter().zip(&enqueued).map(line).collect()
    })?;
    note_missing_workers(session, output).await;
    Ok(())
}

fn job(url: &str, args: &Enqueue, traceparent: Option<Traceparent>, loaded: &Loaded) -> Result<NewJob> {
    let now = Utc::now();
    let wishes = Wishes {
        reference: args.reference.clone(),
        priority: args.priority,
        start: match (args.at, args.delay) {
            (Some(at), _) => Start::At(at.resolve(now)),
            (None, Some(delay)) => Start::After(delay),
            (None, None) => Start::Now,
        },
        deadline: args.deadline.map(|deadline| deadline.resolve(now)),
        timeout_seconds: args.timeout.map(|timeout| i32::try_from(timeout.as_secs()).unwrap_or(i32::MAX)),
        max_attempts: args.max_attempts,
        unique: args.key.as_ref().map(|key| Unique {
            scope: args.key_scope,
            window: args.key_window,
            on_conflict: args.on_conflict,
            ..Unique::key(key)
        }),
        tags: args.tags.clone(),
        // Found once there is a database.
        user_id: None,
        rerun_of: args.rerun_of,
        traceparent,
        webhook_url: None,
    };
    let job = generation_job(url, wishes, &loaded.config)?;
    check(&job)?;
    Ok(job)
}

/// One URL a line; empty lines and those that begin with `#` are skipped.
fn read_urls() -> Result<Vec<String>> {
    if io::stdin().is_terminal() {
        eprintln!("Reading URLs from the terminal, one a line; end with Ctrl-D.");
    }
    let mut urls = Vec::new();
    for line in io::stdin().lock().lines() {
        let line =
            line.map_err(|error| Failure::new(Kind::Invalid, "standard input cannot be read as text").source(error))?;
        let line = line.trim();
        if !line.is_empty() && !line.starts_with('#') {
            urls.push(line.to_owned());
        }
    }
    if urls.is_empty() {
        return Err(Failure::new(Kind::Invalid, "no URL was given").hint("name one, or pipe in a list"));
    }
    Ok(urls)
}

/// Waits for all; the first failure is reported when the others have ended, too.
async fn wait(
    session: &Session,
    urls: &[String],
    enqueued: &[Enqueued],
    loaded: &Loaded,
    output: &Output,
) -> Result<()> {
    let stop = stop_signal()?;
    note_missing_workers(session, output).await;
    let look = Look::of_stderr(&loaded.environment);
    let (mut cats, mut failed) = (Vec::new(), None);
    for (url, job) in urls.iter().zip(enqueued) {
        let mut view = ProgressView::start(url, &look, output.json);
        let ended = follow::until_done(&session.db, job.id, &mut view, &stop).await;
        view.finish();
        match ended {
            Ok(cat) => cats.push(cat),
            Err(failure) if stop.is_cancelled() => return Err(failure),
            Err(failure) => failed = failed.or(Some(failure.context(url))),
        }
    }
    if output.json || !cats.is_empty() {
        output.data(&cats, |look| lists::generations(&cats, Utc::now(), look))?;
    }
    failed.map_or(Ok(()), Err)
}

/// The jobs are queued whatever comes of this: a failure here is none of the command's.
pub(super) async fn note_missing_workers(session: &Session, output: &Output) {
    if !output.json && matches!(workers::alive(&session.db).await, Ok(0)) {
        eprintln!("note: no worker is running; start one with: repo-to-cat run");
    }
}
