//! `demo`: one repository becomes a cat while you watch. Everything that `run` does, for one job.

use tokio_util::sync::CancellationToken;

use crate::cli::Demo;
use crate::commands::session::{Schema, Session, block_on, stop_signal};
use crate::commands::view::card;
use crate::commands::view::look::Look;
use crate::commands::view::progress::ProgressView;
use crate::commands::{Output, follow, generations};
use crate::config::Loaded;
use crate::db::{jobs, migrate};
use crate::generation::submit::{Wishes, generation_job};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::Generation;
use crate::model::repository::Source;
use crate::queue::enqueue::enqueue_all;
use crate::worker;

const NEXT: [(&str, &str); 4] = [
    ("repo-to-cat generations list", "all cats so far"),
    ("repo-to-cat paint --contact-sheet cats.png", "every cat there could be"),
    ("repo-to-cat analyze .", "the analysis alone"),
    ("repo-to-cat run", "the service: worker, upkeep, HTTP"),
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
        let mut session = Session::open(&loaded, Schema::Any).await?;
        migrate::up(&session.db).await?;
        // Whoever presses Ctrl-C does not want to wait.
        session.config.worker.grace_seconds = 0;
        let studio = session.studio()?;
        let id = enqueue_all(&session.db, std::slice::from_ref(&job)).await?[0].id;

        let done = CancellationToken::new();
        let (db, settings) = (session.db.clone(), session.config.worker.clone());
        let working = done.clone();
        let working = tokio::spawn(async move { worker::run(db, &settings, studio, worker::name(), working).await });

        let mut view = ProgressView::start(&format!("Making a cat of {}", args.repository), &look, output.json);
        let ended = follow::until_done(&session.db, id, &mut view, &stop).await;
        view.finish();
        if stop.is_cancelled() {
            // Nobody waits for it any more, and the next worker should not be surprised by it.
            drop(jobs::cancel(&session.db, id).await);
        }
        done.cancel();
        working.await.map_err(|error| Failure::new(Kind::Internal, "the worker broke").source(error))??;
        let cat = ended.map_err(|failure| interrupted(failure, &stop, id))?;
        show(&cat, &session, output)
    })
}

fn show(cat: &Generation, session: &Session, output: &Output) -> Result<()> {
    let extras = generations::extras(cat, session, &NEXT)?;
    output.data(cat, |look| card::render(cat, &extras, look))
}

fn interrupted(failure: Failure, stop: &CancellationToken, id: uuid::Uuid) -> Failure {
    if stop.is_cancelled() {
        Failure::new(Kind::Cancelled, format!("interrupted; job {id} was cancelled"))
            .hint(format!("run it again with: repo-to-cat jobs retry {id}"))
    } else {
        failure
    }
}

/// A repository that somebody at the keyboard names is one that they may read: its folder is allowed.
fn allow(repository: &str, loaded: &mut Loaded) -> Result<()> {
    let fetch = &mut loaded.config.fetch;
    if let Source::Local(path) = Source::parse(repository, &fetch.allowed_hosts, &fetch.private_hosts)? {
        let path = path.canonicalize().map_err(|error| {
            Failure::new(Kind::NotFound, format!("there is no repository at {}", path.display())).source(error)
        })?;
        fetch.local_roots.push(path);
    }
    Ok(())
}
