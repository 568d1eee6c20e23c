//! `generations import`: cats from a file.

use std::fmt::Write as _;

use serde_json::json;

use super::files::Rows;
use crate::cli::{GenerationImport, OnTaken};
use crate::commands::Output;
use crate::commands::session::{Session, stop_signal};
use crate::commands::view::look::Look;
use crate::commands::view::progress::Spinner;
use crate::config::Loaded;
use crate::db::generations::import::{Counts, Import, Taken};
use crate::db::identity::identity;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::counted;

/// How often the screen follows, in rows.
const TELL_EVERY: u64 = 1000;

/// What was found and done.
struct Done {
    counts: Counts,
    /// Pictures that are not in the store, and one of them.
    missing: (u64, Option<String>),
}

/// Runs it.
pub async fn run(session: &Session, args: &GenerationImport, loaded: &Loaded, output: &Output) -> Result<()> {
    let stop = stop_signal()?;
    let spinner = Spinner::start(&Look::of_stderr(&loaded.environment), output.json);
    let imported = stop.run_until_cancelled(Box::pin(import(session, args, &spinner))).await;
    let done = imported.ok_or_else(|| Failure::new(Kind::Cancelled, "stopped; nothing was imported"))??;
    drop(spinner);
    let Done { counts, missing: (missing, example) } = done;
    let data = json!({
        "dry_run": args.dry_run, "imported": counts.imported, "identical": counts.identical, "skipped": counts.skipped,
        "without_user": counts.without_user, "missing_pictures": missing,
    });
    output.data(&data, |_| render(args.dry_run, &counts, missing, example.as_deref()))
}

async fn import(session: &Session, args: &GenerationImport, spinner: &Spinner) -> Result<Done> {
    let mut rows = Rows::open(&args.file, args.format)?;
    let mut import = Import::begin(&session.db).await?;
    let mut cats = 0_u64;
    while let Some((line, row)) = rows.next_row()? {
        import.take(line, &row).await?;
        cats += 1;
        if cats.is_multiple_of(TELL_EVERY) {
            spinner.say(&format!("{} read", counted(cats, "cat", "cats")));
        }
    }
    spinner.say(&format!("{} read; importing", counted(cats, "cat", "cats")));
    let without_user = import.check(args.without_users).await?;
    let pictures = session.pictures()?;
    let taken = match args.on_conflict {
        OnTaken::Fail => Taken::Fail,
        OnTaken::Skip => Taken::Skip,
    };
    if !args.dry_run {
        // The rows name pictures of this store from now on.
        pictures.sign(&identity(&session.db).await?).await?;
    }
    let counts = Counts { without_user, ..import.write(taken).await? };
    let missing = import.pictures(async |key| pictures.has(key).await).await?;
    if args.dry_run {
        import.abandon().await?;
    } else {
        import.finish().await?;
    }
    Ok(Done { counts, missing })
}

fn render(is_dry: bool, counts: &Counts, missing: u64, example: Option<&str>) -> String {
    let would = if is_dry { "would be " } else { "" };
    let mut text = format!("{} {would}imported\n", counted(counts.imported, "cat", "cats"));
    let mut also = |number: u64, what: &str| {
        if number > 0 {
            _ = writeln!(text, "{} {what}", counted(number, "cat", "cats"));
        }
    };
    also(counts.identical, "there already, the same");
    also(counts.skipped, &format!("{would}left out: others have their ids"));
    also(counts.without_user, &format!("{would}imported without the user, whom this database does not know"));
    if let Some(example) = example {
        let pictures = counted(missing, "picture", "pictures");
        _ = writeln!(text, "{pictures} not in the image store, such as {example}: put the files there, too");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_reads_like_this() {
        let counts = Counts { imported: 1200, identical: 1, skipped: 2, without_user: 3 };
        assert_eq!(
            render(false, &counts, 4, Some("images/v1/ab/cd/abcd.png")),
            "1,200 cats imported\n1 cat there already, the same\n2 cats left out: others have their ids\n\
             3 cats imported without the user, whom this database does not know\n\
             4 pictures not in the image store, such as images/v1/ab/cd/abcd.png: put the files there, too\n"
        );
        let nothing = Counts { imported: 0, identical: 0, skipped: 0, without_user: 0 };
        assert_eq!(render(true, &nothing, 0, None), "0 cats would be imported\n");
    }
}
