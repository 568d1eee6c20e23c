//! `generations export`: cats into a file.

use std::path::Path;

use futures_util::TryStreamExt;
use serde_json::json;

use super::files::{Target, format};
use super::{csv, wanted};
use crate::cli::{FileFormat, GenerationExport};
use crate::commands::Output;
use crate::commands::session::{Session, stop_signal};
use crate::commands::view::look::Look;
use crate::commands::view::progress::Spinner;
use crate::config::Loaded;
use crate::db::generations::GenerationFilter;
use crate::db::generations::export::Export;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::counted;

/// How often the screen follows, in rows.
const TELL_EVERY: u64 = 1000;

/// Runs it.
pub async fn run(session: &Session, args: &GenerationExport, loaded: &Loaded, output: &Output) -> Result<()> {
    let stop = stop_signal()?;
    let filter = GenerationFilter { before: None, limit: i64::MAX, ..wanted(&args.filter, session)? };
    let spinner = Spinner::start(&Look::of_stderr(&loaded.environment), output.json);
    let exported = stop.run_until_cancelled(Box::pin(write(session, &filter, args, &spinner))).await;
    let stopped = || Failure::new(Kind::Cancelled, "stopped; no file was written");
    let cats = exported.ok_or_else(stopped)??;
    drop(spinner);
    // Standard output has the cats.
    if args.output == Path::new("-") {
        return Ok(());
    }
    output.data(&json!({"exported": cats, "file": args.output}), |_| {
        format!("{} exported to {}\n", counted(cats, "cat", "cats"), args.output.display())
    })
}

/// Returns how many there were.
async fn write(
    session: &Session,
    filter: &GenerationFilter,
    args: &GenerationExport,
    spinner: &Spinner,
) -> Result<u64> {
    let mut target = Target::open(&args.output)?;
    let mut export = Export::begin(&session.db).await?;
    let mut cats = 0;
    let told = |cats: u64| {
        if cats.is_multiple_of(TELL_EVERY) {
            spinner.say(&counted(cats, "cat", "cats"));
        }
    };
    match format(args.format, &args.output) {
        FileFormat::Ndjson => {
            let mut lines = export.json(filter);
            while let Some(line) = lines.try_next().await? {
                if !target.write(&(line + "\n"))? {
                    return Ok(cats);
                }
                cats += 1;
                told(cats);
            }
        }
        FileFormat::Csv => {
            let mut rows = export.fields(filter);
            let mut is_read = target.write(&csv::header())?;
            while is_read && let Some(fields) = rows.try_next().await? {
                is_read = target.write(&csv::write(fields.iter().map(Option::as_deref)))?;
                cats += 1;
                told(cats);
            }
        }
    }
    export.finish().await?;
    target.finish()?;
    Ok(cats)
}
