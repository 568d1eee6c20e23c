//! `migrate adopt`: a database of the founding Python application becomes ours, in place.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::Adopt;
use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::steering::agrees;
use crate::commands::view::adoption::{self, Outcome, Outlook};
use crate::commands::view::look::Look;
use crate::commands::view::progress::Spinner;
use crate::config::{Fetch, Loaded};
use crate::db::adopt::{self, Found};
use crate::db::migrate;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::repository::Source;

mod pictures;

pub use pictures::Tally;

/// Runs `migrate adopt`.
pub fn run(args: &Adopt, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        if let Some(folder) = &args.pictures {
            pictures::must_be_a_folder(folder)?;
        }
        let session = Session::open(loaded, Schema::Any).await?;
        let spinner = Spinner::start(&Look::of_stderr(&loaded.environment), output.json);
        spinner.say("looking at the database");
        let outlook = foresee(&session, args.pictures.as_deref(), &spinner).await?;
        drop(spinner);
        if !outlook.has_work() {
            return output.data(&told(&outlook, None), |_| adoption::nothing(&outlook));
        }
        if args.dry_run {
            output.data(&told(&outlook, None), |look| adoption::outlook(&outlook, look))?;
            return must_be_possible(&outlook);
        }
        if !output.json {
            output.text(&adoption::outlook(&outlook, &output.look))?;
        }
        must_be_possible(&outlook)?;
        if !args.yes {
            must_be_meant(output)?;
        }
        let spinner = Spinner::start(&Look::of_stderr(&loaded.environment), output.json);
        let outcome = carry_out(&session, args, &spinner).await?;
        drop(spinner);
        output.data(&told(&outlook, Some(&outcome)), |look| adoption::outcome(&outlook, &outcome, look))
    })
}

/// Looks at everything, and touches nothing.
async fn foresee(session: &Session, folder: Option<&Path>, spinner: &Spinner) -> Result<Outlook> {
    let db = &session.db;
    let found = adopt::look(db).await?;
    let state = migrate::state(db).await?;
    let mut outlook = Outlook { head: state.current, pending: state.pending, ..Outlook::default() };
    match found {
        Found::Ours { revision } => outlook.revision = revision,
        Found::Original { revision } => {
            outlook.revision = Some(revision);
            let fetch = &session.config.fetch;
            outlook.plan = adopt::plan(db).await?;
            outlook.census = Some(adopt::census(db, |url| is_refused(url, fetch)).await?);
            // It is stamped, not applied.
            outlook.pending.retain(|(version, _)| *version != 1);
        }
    }
    if let Some(folder) = folder {
        let say = |done, total| spinner.say(&format!("looking for pictures: {done} of {total}"));
        outlook.pictures = Some(pictures::take(session, folder, true, say).await?);
    }
    Ok(outlook)
}

/// Whether nobody could enqueue it today.
fn is_refused(url: &str, fetch: &Fetch) -> bool {
    !matches!(Source::parse(url, &fetch.allowed_hosts, &fetch.private_hosts), Ok(Source::Remote(_)))
}

async fn carry_out(session: &Session, args: &Adopt, spinner: &Spinner) -> Result<Outcome> {
    let db = &session.db;
    let patience = Duration::from_secs(args.lock_timeout);
    let notes = adopt::adopt(db, patience, |step| spinner.say(step)).await?;
    spinner.say("applying the migrations");
    let applied = migrate::up(db).await?;
    let pictures = match &args.pictures {
        None => None,
        Some(folder) => {
            let say = |done, total| spinner.say(&format!("taking pictures into the store: {done} of {total}"));
            Some(pictures::take(session, folder, false, say).await?)
        }
    };
    Ok(Outcome { notes, applied, pictures, current: migrate::state(db).await?.current })
}

fn must_be_possible(outlook: &Outlook) -> Result<()> {
    let obstacles = &outlook.plan.obstacles;
    if obstacles.is_empty() {
        return Ok(());
    }
    let list = |of: fn(&(String, String)) -> &str| obstacles.iter().map(of).collect::<Vec<_>>().join("; ");
    Err(Failure::new(Kind::Database, format!("the database cannot be adopted: {}", list(|(what, _)| what)))
        .hint(list(|(_, todo)| todo)))
}

fn must_be_meant(output: &Output) -> Result<()> {
    if output.json || !io::stdin().is_terminal() {
        return Err(Failure::new(Kind::Invalid, "the database would be changed, and nobody can be asked")
            .hint("add --yes; --dry-run tells what would be done"));
    }
    if agrees("Go on?")? {
        return Ok(());
    }
    Err(Failure::new(Kind::Cancelled, "nothing was touched"))
}

fn told(outlook: &Outlook, outcome: Option<&Outcome>) -> Value {
    let versions = |list: &[(i64, String)]| -> Vec<Value> {
        list.iter().map(|(version, name)| json!({"version": version, "name": name})).collect()
    };
    let obstacles = outlook.plan.obstacles.iter().map(|(what, todo)| json!({"what": what, "todo": todo}));
    json!({
        "revision": outlook.revision,
        "steps": outlook.plan.steps,
        "pending": versions(&outlook.pending),
        "left_alone": outlook.plan.left_alone,
        "obstacles": obstacles.collect::<Vec<_>>(),
        "rows": outlook.census,
        "pictures": outlook.pictures,
        "done": outcome.map(|outcome| json!({
            "current": outcome.current,
            "applied": versions(&outcome.applied),
            "notes": outcome.notes,
            "pictures": outcome.pictures,
        })),
    })
}
