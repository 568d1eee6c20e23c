//! `backup release`: a person says go after a restore.

use std::io::{self, IsTerminal};

use serde_json::json;

use crate::cli::Release;
use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::steering::agrees;
use crate::commands::view::amount::counted;
use crate::config::Loaded;
use crate::db::hold::{self, Hold, Released};
use crate::model::failure::Result;

/// Runs `backup release`.
pub fn run(args: &Release, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let session = match &args.database {
            Some(database) => Session::open_database(loaded, database).await?,
            None => Session::open(loaded, Schema::Current).await?,
        };
        let db = &session.db;
        // No service may have been here yet.
        hold::settle(db).await?;
        let Some(held) = hold::current(db).await? else {
            return output.data(&json!({"held": false, "released": false}), |_| "Nothing is held.\n".to_owned());
        };
        let asks = !args.yes && !output.json && io::stdin().is_terminal();
        let store = &session.config.images.store;
        if !args.yes && (!asks || !agrees(&(would(&held, args.cancel_jobs, store) + "Go on?"))?) {
            return output.data(&json!({"held": held, "released": false}), |_| {
                if asks {
                    "It is held as before.\n".to_owned()
                } else {
                    would(&held, args.cancel_jobs, store) + "Nothing was done. To do it: add --yes\n"
                }
            });
        }
        let Released { jobs: freed, cancelled } = hold::release(db, args.cancel_jobs).await?;
        output.data(&json!({"held": false, "released": true, "jobs": freed, "cancelled": cancelled}), |_| {
            let jobs = if args.cancel_jobs {
                format!("{} cancelled", counted(cancelled, "job was", "jobs were"))
            } else {
                format!("{} again", counted(freed, "job waits", "jobs wait"))
            };
            format!("Released: {jobs}, and {}.\n", schedules(&held))
        })
    })
}

/// What would be done, and what to think of before.
fn would(held: &Hold, cancel: bool, store: &str) -> String {
    let jobs = counted(held.jobs.unsigned_abs(), "parked job", "parked jobs");
    let fate = if cancel { "cancelled" } else { "run, even those that ran where the backup was made" };
    format!(
        "Held since {}: {}.\n  {jobs} would be {fate}\n  {}\n  pictures in {store} that no row here names would be swept: \
         is it this database's alone?\n",
        held.since.format("%Y-%m-%d %H:%M:%S UTC"),
        held.because,
        schedules(held)
    )
}

fn schedules(held: &Hold) -> String {
    format!("{} again", counted(held.schedules.unsigned_abs(), "schedule fires", "schedules fire"))
}
