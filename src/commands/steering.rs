//! Changing jobs: those with some ids, or all that a filter lets in.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write as _};

use chrono::Utc;

use crate::cli::JobSelection;
use crate::commands::Output;
use crate::commands::jobs;
use crate::commands::report::Failures;
use crate::commands::view::amount::counted;
use crate::db::Db;
use crate::db::steer::{Change, Done, Selection, Tally};
use crate::model::failure::{Failure, Kind, Result};

/// Most ids that are listed one by one.
const LISTED: usize = 20;

/// Changes the selected jobs; one that cannot be changed does not keep the others from it.
pub async fn run(db: &Db, change: Change, wanted: &JobSelection, output: &Output) -> Result<()> {
    let filter = jobs::filter(db, &wanted.filter, Utc::now()).await?;
    let selection = Selection::of(change, wanted.ids.clone(), filter, wanted.all)?;
    let is_filter = matches!(selection, Selection::Filter(_));
    if is_filter && !wanted.yes && !wanted.dry_run && io::stdin().is_terminal() && !output.json {
        let would = selection.steer(db, change, true).await?;
        if would.is_nothing() || !agrees(&format!("{} would be {}. Go on?", would.jobs(), change.verb()))? {
            return output.text("No job was changed.\n");
        }
    }
    let done = selection.steer(db, change, wanted.dry_run).await?;
    let mut failed = Failures::default();
    for (id, refusal) in &done.refused {
        failed.add(refusal.failure(change, *id), output);
    }
    output.data(&done, |_| match done.ids.as_deref().unwrap_or_default() {
        ids if (1..=LISTED).contains(&ids.len()) => {
            ids.iter().map(|id| format!("{id}  {}\n", words(change, done.dry_run))).collect()
        }
        _ => sentence(change, &done),
    })?;
    failed.last()
}

/// Asks whoever sits there.
pub(super) fn agrees(question: &str) -> Result<bool> {
    let mut answer = String::new();
    let asked = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stdin().lock().read_line(&mut answer));
    asked.map_err(|error| Failure::new(Kind::Environment, "nobody can be asked").hint("or say --yes").source(error))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn sentence(change: Change, told: &Done) -> String {
    let Tally { changed: _, went_on, key_in_use, deadline, busy } = told.tally;
    let mut text = match (told.is_nothing(), told.dry_run) {
        (true, false) => "No job was changed.\n".to_owned(),
        (true, true) => "No job would be changed.\n".to_owned(),
        (false, _) => format!("{} {}\n", told.jobs(), words(change, told.dry_run)),
    };
    let reasons = [
        (went_on, "went on before its turn came", "went on before their turn came"),
        (
            key_in_use,
            "stays as it is: its unique key is in use again",
            "stay as they are: their unique keys are in use again",
        ),
        (
            deadline,
            "stays as it is: its deadline is not after that time",
            "stay as they are: their deadlines are not after that time",
        ),
        (
            busy,
            "stays as it is: somebody was writing it all the time; try again",
            "stay as they are: somebody was writing them all the time; try again",
        ),
    ];
    for (jobs, one, many) in reasons {
        if jobs > 0 {
            _ = writeln!(text, "{} {}", counted(jobs, "job", "jobs"), if jobs == 1 { one } else { many });
        }
    }
    text
}

fn words(change: Change, is_dry: bool) -> String {
    match (change, is_dry) {
        (_, true) => format!("would be {}", change.verb()),
        (Change::Retry, false) => "will run again".to_owned(),
        (Change::Reprioritize(priority), false) => format!("given priority {priority}"),
        (Change::Reschedule(at), false) => format!("will run at {}", at.format("%Y-%m-%d %H:%M:%S UTC")),
        (_, false) => change.verb().to_owned(),
    }
}
