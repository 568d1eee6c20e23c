//! `demo`: one repository becomes a cat while you watch. Everything that `run` does, for one job.

use crate::cli::Demo;
use crate::commands::own::OwnJob;
use crate::commands::session::{Schema, Session, block_on, stop_signal};
use crate::commands::view::card;
use crate::commands::view::look::Look;
use crate::commands::view::progress::{ProgressView, Spinner};
use crate::commands::{Output, follow, generations};
use crate::config::Loaded;
use crate::generation::submit::{Wishes, generation_job};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::Generation;
use crate::model::repository::Source;

/// What to type next, after the program's own name.
const NEXT: [(&str, &str); 4] = [
    ("generations list", "all cats so far"),
    ("paint --contact-sheet cats.png", "every cat there could be"),
    ("analyze .", "the analysis alone"),
    ("run", "the whole service, with a dashboard"),
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
        let Some(opened) = stop.run_until_cancelled(Session::open(&loaded, Schema::Current)).await else {
            return Err(Failure::new(Kind::Cancelled, "interrupted before the job was queued"));
        };
        drop(spinner);
        let session = opened?;
        let mut own = OwnJob::start(&session, job).await?;
        let mut view = ProgressView::start(&format!("Making a cat of {}", args.repository), &look, output.json);
        let ended = own.until(follow::until_done(&session.db, own.id, &mut view, &stop)).await;
        view.finish();
        // Not `jobs retry`: other workers may not open the folder that was allowed for this demo.
        let again = format!("repo-to-cat demo {}", args.repository);
        let ended = if stop.is_cancelled() { Err(own.cancel(&session, &again).await) } else { ended };
        own.end().await;
        show(&ended?, &session, output)
    })
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
