//! `demo`: one repository becomes a cat while you watch. Everything that `run` does, for one job.

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::cli::Demo;
use crate::commands::session::{Schema, Session, block_on, stop_signal};
use crate::commands::view::card;
use crate::commands::view::look::Look;
use crate::commands::view::progress::{ProgressView, Spinner};
use crate::commands::{Output, follow, generations};
use crate::config::Loaded;
use crate::db::Db;
use crate::db::steer::{self, Change};
use crate::generation::submit::{Wishes, generation_job};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::Generation;
use crate::model::repository::Source;
use crate::worker::{self, Duty};

/// What to type next, after the program's own name.
const NEXT: [(&str, &str); 4] = [
    ("generations list", "all cats so far"),
    ("paint --contact-sheet cats.png", "every cat there could be"),
    ("analyze .", "the analysis alone"),
    ("run", "the whole service"),
];

/// Makes one cat.
pub fn run(args: &Demo, loaded: &Loaded, output: &Output) -> Result<()> {
    let mut loaded = loaded.clone();
    allow(&args.repository, &mut loaded)?;
    let wishes = Wishes { reference: args.reference.clone(), ..Default::default() };
    let job = generation_job(&args.repository, wishes, &loaded.config)?;
    block_on(async {
        let stop = stop_signal()?;
        let look = Look::of_stderr(&loaded.environment);
        let spinner = Spinner::start(&look, output.json);
        spinner.say("Opening the database");
        let Some(opened) = stop.run_until_cancelled(open(&loaded)).await else {
            return Err(Failure::new(Kind::Cancelled, "interrupted before the job was queued"));
        };
        drop(spinner);
        let session = opened?;
        let handlers = session.handlers()?;

        let done = CancellationToken::new();
        let mut worker = JoinSet::new();
        let (db, settings, working) = (session.db.clone(), session.config.worker.clone(), done.clone());
        let (enqueued, accepted) = oneshot::channel();
        let duty = Duty::One { job: Box::new(job), enqueued };
        worker.spawn(async move { worker::run(db, &settings, handlers, worker::name(), duty, working).await });
        let Ok(id) = accepted.await else { return Err(why_it_ended(worker.join_next().await)) };

        let mut view = ProgressView::start(&format!("Making a cat of {}", args.repository), &look, output.json);
        let ended = tokio::select! {
            ended = follow::until_done(&session.db, id, &mut view, &stop) => ended,
            broken = worker.join_next() => Err(why_it_ended(broken)),
        };
        view.finish();
        // Nobody waits for it any more, and the next worker should not be surprised by it.
        let ended = if stop.is_cancelled() { Err(cancel(&session.db, id, &args.repository).await) } else { ended };
        done.cancel();
        while worker.join_next().await.is_some() {}
        show(&ended?, &session, output)
    })
}

async fn open(loaded: &Loaded) -> Result<Session> {
    let mut session = Session::open(loaded, Schema::Current).await?;
    // Whoever presses Ctrl-C does not want to wait.
    session.config.worker.grace_seconds = 0;
    Ok(session)
}

/// Why a worker ended that was to work until it is told to stop.
fn why_it_ended(ended: Option<std::result::Result<Result<()>, JoinError>>) -> Failure {
    match ended {
        Some(Ok(Err(failure))) => failure,
        Some(Err(error)) => Failure::new(Kind::Internal, "the worker broke").source(error),
        _ => Failure::new(Kind::Internal, "the worker ended too early"),
    }
}

/// Cancels the job of a demo that was interrupted, and says so.
async fn cancel(db: &Db, id: Uuid, repository: &str) -> Failure {
    let interrupted = |what: &str| Failure::new(Kind::Cancelled, format!("interrupted; job {id} {what}"));
    match steer::one(db, Change::Cancel, id).await {
        // Not `jobs retry`: other workers may not open the folder that was allowed for this demo.
        Ok(()) => interrupted("was cancelled").hint(format!("begin again with: repo-to-cat demo {repository}")),
        Err(failure) if failure.kind() == Kind::Conflict => {
            interrupted("had ended already").hint(format!("see: repo-to-cat jobs show {id}"))
        }
        Err(failure) => interrupted("could not be cancelled: the next worker will run it")
            .hint(format!("cancel it with: repo-to-cat jobs cancel {id}"))
            .source(failure),
    }
}

fn show(cat: &Generation, session: &Session, output: &Output) -> Result<()> {
    // As it was typed, so that the lines can be copied: after `make demo` the program is not on the path.
    let me = std::env::args().next().unwrap_or_else(|| "repo-to-cat".to_owned());
    let next = NEXT.map(|(arguments, what)| (format!("{me} {arguments}"), what.to_owned()));
    let extras = generations::extras(cat, session, next.into())?;
    output.data(cat, |look| {
        // On a terminal the steps stand right above it.
        let gap = if look.is_terminal { "\n\n" } else { "" };
        gap.to_owned() + &card::render(cat, &extras, look)
    })
}

/// A repository that somebody at the keyboard names is one that they may read: its folder is allowed.
fn allow(repository: &str, loaded: &mut Loaded) -> Result<()> {
    let fetch = &mut loaded.config.fetch;
    if let Source::Local(path) = Source::parse(repository, &fetch.allowed_hosts, &fetch.private_hosts)? {
        let path = path.canonicalize().map_err(|error| {
            Failure::new(Kind::NotFound, format!("there is no repository at {}", path.display()))
                .hint("name the folder of a repository, or a URL such as https://github.com/owner/name")
                .source(error)
        })?;
        fetch.local_roots.push(path);
    }
    Ok(())
}
