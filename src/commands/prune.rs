//! `prune`: old finished jobs, by hand.

use std::fmt::Display;

use crate::cli::Prune;
use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::amount::bytes;
use crate::config::Loaded;
use crate::model::failure::{Failure, Kind, Result};
use crate::schedule::retention::{self, Prunable, Pruned};

/// Runs `prune`.
pub fn run(args: &Prune, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let session = Session::open(loaded, Schema::Current).await?;
        if args.dry_run {
            let states = retention::prunable(&session.db, &session.config.retention).await?;
            return output.data(&states, |_| all(states.iter().map(would)));
        }
        let (pruned, result) = retention::prune(&session.db, &session.config.retention).await;
        output.data(&pruned, |_| all(pruned.iter().map(did)))?;
        result?;
        let busy: Vec<&str> = pruned.iter().flat_map(|state| &state.busy).map(String::as_str).collect();
        if busy.is_empty() {
            return Ok(());
        }
        Err(Failure::new(Kind::Conflict, format!("in use, hence left: {}", busy.join(", ")))
            .hint("a long transaction reads history, perhaps a dump: try again when it has ended"))
    })
}

/// The lines, or what their absence means.
fn all(lines: impl Iterator<Item = String>) -> String {
    let text: String = lines.collect();
    if text.is_empty() { "Finished jobs are kept for ever: [retention] says so.\n".to_owned() } else { text }
}

fn would(state: &Prunable) -> String {
    let size = bytes(state.bytes.unsigned_abs());
    format!(
        "{} before {}: would drop {} (about {} jobs, {size}) and delete {} of no week\n",
        state.state,
        state.before.date_naive(),
        counted(state.weeks.len(), "week"),
        state.estimated_jobs,
        counted(state.rows, "job")
    )
}

fn did(state: &Pruned) -> String {
    let mut line = format!(
        "{} before {}: dropped {}, deleted {} of no week, and {} that belonged to them",
        state.state,
        state.before.date_naive(),
        counted(state.dropped.len(), "week"),
        counted(state.rows, "job"),
        counted(state.belongings, "row")
    );
    if state.elsewhere {
        line += "; another process is at it";
    }
    line + "\n"
}

fn counted(number: impl Display, thing: &str) -> String {
    let number = number.to_string();
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {thing}{plural}")
}
