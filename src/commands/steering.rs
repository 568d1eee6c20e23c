//! Changing jobs: those with some ids, or all that a filter lets in.

use std::fmt::Write as _;
use std::io::{self, BufRead, IsTerminal, Write as _};

use chrono::Utc;
use serde::Serialize;
use uuid::Uuid;

use crate::cli::JobSelection;
use crate::commands::Output;
use crate::commands::jobs;
use crate::commands::report::Failures;
use crate::commands::view::amount::counted;
use crate::db::Db;
use crate::db::inspect::Filter;
use crate::db::steer::{self, Change, Tally};
use crate::model::failure::{Failure, Kind, Result};

/// Most ids that are listed one by one.
const LISTED: usize = 20;

/// Changes the selected jobs; one that cannot be changed does not keep the others from it.
pub async fn run(db: &Db, change: Change, selection: &JobSelection, output: &Output) -> Result<()> {
    let mut filter = jobs::filter(db, &selection.filter, Utc::now()).await?;
    match (selection.ids.is_empty(), filter.is_empty() && !selection.all) {
        (true, true) => Err(Failure::new(Kind::Invalid, "it was not said which jobs")
            .hint("name ids, or say which with --state, --kind, --text, ...; all of them: --all")),
        (false, true) => by_id(db, change, selection, output).await,
        (false, false) => Err(Failure::new(Kind::Invalid, "both ids and a filter were given")
            .hint("name the ids alone, or the filter alone")),
        (true, false) => {
            if filter.states.is_empty() {
                filter.states = change.default_states().to_vec();
            }
            by_filter(db, change, &filter, selection, output).await
        }
    }
}

/// What was done, or would be.
#[derive(Debug, Serialize)]
struct Told {
    /// Whether nothing was to be done.
    dry_run: bool,
    #[serde(flatten)]
    tally: Tally,
    /// The changed jobs, where they were named.
    #[serde(skip_serializing_if = "Option::is_none")]
    ids: Option<Vec<Uuid>>,
}

async fn by_id(db: &Db, change: Change, selection: &JobSelection, output: &Output) -> Result<()> {
    let states = change.states();
    let mut ids = selection.ids.clone();
    ids.sort_unstable();
    ids.dedup();
    let steered = if selection.dry_run {
        steer::rehearse(db, &ids, states).await?
    } else {
        steer::by_id(db, change, &ids, states).await?
    };
    let mut failed = Failures::default();
    for (id, refusal) in &steered.refused {
        failed.add(refusal.failure(change, *id), output);
    }
    let told = Told { dry_run: selection.dry_run, tally: Tally::of(&steered), ids: Some(steered.changed) };
    output.data(&told, |_| match told.ids.as_deref().unwrap_or_default() {
        ids if (1..=LISTED).contains(&ids.len()) => {
            ids.iter().map(|id| format!("{id}  {}\n", done(change, selection.dry_run))).collect()
        }
        _ => sentence(change, &told),
    })?;
    failed.last()
}

async fn by_filter(db: &Db, change: Change, filter: &Filter, selection: &JobSelection, output: &Output) -> Result<()> {
    if let Some(state) = filter.states.iter().find(|state| !change.states().contains(state)) {
        let names: Vec<_> = change.states().iter().map(|state| state.name()).collect();
        return Err(Failure::new(Kind::Invalid, format!("{state} jobs cannot be {}", change.verb()))
            .hint(format!("possible with --state: {}", names.join(", "))));
    }
    let asks = !selection.yes && !selection.dry_run && io::stdin().is_terminal() && !output.json;
    if selection.dry_run || asks {
        let jobs = steer::count(db, filter).await?;
        if selection.dry_run {
            let told = Told { dry_run: true, tally: Tally { changed: jobs, ..Tally::default() }, ids: None };
            return output.data(&told, |_| sentence(change, &told));
        }
        if jobs == 0 || !agrees(&format!("{} would be {}. Go on?", counted(jobs, "job", "jobs"), change.verb()))? {
            return output.text("No job was changed.\n");
        }
    }
    let told = Told { dry_run: false, tally: steer::by_filter(db, change, filter).await?, ids: None };
    output.data(&told, |_| sentence(change, &told))
}

/// Asks whoever sits there.
pub(super) fn agrees(question: &str) -> Result<bool> {
    let mut answer = String::new();
    let asked = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stdin().lock().read_line(&mut answer));
    asked.map_err(|error| Failure::new(Kind::Environment, "nobody can be asked").hint("or say --yes").source(error))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn sentence(change: Change, told: &Told) -> String {
    let Tally { changed, went_on, key_in_use, busy } = told.tally;
    let mut text = match changed {
        0 => "No job was changed.\n".to_owned(),
        jobs => format!("{} {}\n", counted(jobs, "job", "jobs"), done(change, told.dry_run)),
    };
    if told.dry_run && changed == 0 {
        "No job would be changed.\n".clone_into(&mut text);
    }
    let reasons = [
        (went_on, "went on before its turn came", "went on before their turn came"),
        (
            key_in_use,
            "stays as it is: its unique key is in use again",
            "stay as they are: their unique keys are in use again",
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

fn done(change: Change, is_dry: bool) -> String {
    match (change, is_dry) {
        (_, true) => format!("would be {}", change.verb()),
        (Change::Retry, false) => "will run again".to_owned(),
        (Change::Reprioritize(priority), false) => format!("given priority {priority}"),
        (_, false) => change.verb().to_owned(),
    }
}
