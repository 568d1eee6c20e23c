//! `migrate up` and `migrate down`.

use std::io::{self, IsTerminal};

use serde_json::json;

use super::{named, told};
use crate::cli::{Down, Going, Up};
use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on, stop_signal};
use crate::commands::steering::agrees;
use crate::config::Loaded;
use crate::db::migrate::{Goal, Options, Revision, Revisions, Runner, Way, label, offline, state};
use crate::model::failure::{Failure, Kind, Result};

/// Runs `migrate up`.
pub fn up(args: &Up, loaded: &Loaded, output: &Output) -> Result<()> {
    if args.going.sql {
        return print_script(Way::Up, &args.goal, output);
    }
    go(Way::Up, &args.goal, &args.going, args.beside, true, loaded, output)
}

/// Runs `migrate down`.
pub fn down(args: &Down, loaded: &Loaded, output: &Output) -> Result<()> {
    if args.going.sql {
        return print_script(Way::Down, &args.goal, output);
    }
    go(Way::Down, &args.goal, &args.going, false, args.yes, loaded, output)
}

fn go(
    way: Way,
    goal: &str,
    going: &Going,
    beside: bool,
    is_meant: bool,
    loaded: &Loaded,
    output: &Output,
) -> Result<()> {
    let goal = Goal::read(goal, Revisions::ours())?;
    block_on(async {
        let session = Session::open(loaded, Schema::Any).await?;
        let options = Options { lock_timeout: going.lock_timeout(), beside, ..Options::default() };
        let mut done: Vec<(i64, String)> = Vec::new();
        if going.dry_run || !is_meant {
            let plan = Runner::new(&session.db, options.clone()).plan(way, goal).await?;
            if going.dry_run {
                done = plan.iter().map(|revision| (revision.version, revision.name.clone())).collect();
            } else if !plan.is_empty() {
                must_be_meant(&plan, output)?;
            }
        }
        if !going.dry_run {
            // Only now: while somebody is asked Ctrl-C ends the program.
            let runner = Runner::new(&session.db, Options { stop: stop_signal()?, ..options });
            done = match way {
                Way::Up => runner.up(goal).await?,
                Way::Down => runner.down(goal).await?,
            };
        }
        let state = state(&session.db).await?;
        let (key, verb) = match way {
            Way::Up => ("applied", "applied"),
            Way::Down => ("taken_back", "took back"),
        };
        let verb = match (way, going.dry_run) {
            (_, false) => verb,
            (Way::Up, true) => "would apply",
            (Way::Down, true) => "would take back",
        };
        let revisions = told(done.iter().map(|(version, name)| (*version, name.as_str())));
        let mut data = json!({"current": state.current, key: revisions});
        if going.dry_run {
            data["dry_run"] = true.into();
        }
        output.data(&data, |_| {
            if done.is_empty() {
                return format!("nothing to do: the schema is at {}\n", state.label(state.current));
            }
            done.iter().map(|(version, name)| format!("{verb} {}\n", label(*version, name))).collect()
        })
    })
}

/// Asks whether what they hold may go.
fn must_be_meant(plan: &[&Revision], output: &Output) -> Result<()> {
    let names: Vec<_> = plan.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    if output.json || !io::stdin().is_terminal() {
        let what = format!("{names} would be taken back with all data in their tables, and nobody can be asked");
        return Err(Failure::new(Kind::Invalid, what).hint("add --yes; a backup before is: repo-to-cat backup now"));
    }
    if agrees(&format!("{names} will be taken back with all data in their tables. Go on?"))? {
        return Ok(());
    }
    Err(Failure::new(Kind::Cancelled, "nothing was taken back"))
}

/// A range as Alembic has it, or where to go from the base.
fn print_script(way: Way, range: &str, output: &Output) -> Result<()> {
    let revisions = Revisions::ours();
    let read = |text: &str| {
        Goal::read(text, revisions)?.version(revisions).ok_or_else(|| {
            Failure::new(Kind::Invalid, format!("{text:?} depends on a database, which --sql does not look at"))
                .hint("name both ends, such as 0008:head")
        })
    };
    let (from, to) = match (range.split_once(':'), way) {
        (Some((from, to)), _) => {
            let from = if from.is_empty() { "base" } else { from };
            (read(from)?, read(if to.is_empty() { "head" } else { to })?)
        }
        (None, Way::Up) => (0, read(range)?),
        (None, Way::Down) => {
            return Err(Failure::new(Kind::Invalid, "a way down needs both ends with --sql")
                .hint("name both, such as head:0008"));
        }
    };
    if (way == Way::Up) != (from <= to) {
        return Err(Failure::new(Kind::Invalid, format!("{range} is the other way"))
            .hint("up goes from the older to the newer revision, down the other way"));
    }
    let script = offline(revisions, from, to);
    let (low, high) = (from.min(to), from.max(to));
    let all = told(revisions.iter().filter(|it| it.version > low && it.version <= high).map(named));
    output.data(&json!({"revisions": all, "sql": script}), |_| script.clone())
}
