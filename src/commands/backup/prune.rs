//! `backup prune`: removing what no rule keeps, and what killed runs left.

use std::time::Duration;

use chrono::Utc;
use serde_json::json;

use super::store;
use crate::backup::{retention, shelf};
use crate::cli::BackupPrune;
use crate::commands::Output;
use crate::commands::session::block_on;
use crate::commands::view::backups as view;
use crate::config::Loaded;
use crate::model::failure::Result;

/// Tells what stays and what goes, and removes that if it was told to.
pub fn run(args: &BackupPrune, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let settings = &loaded.config.backup;
        let vault = store::open(loaded)?;
        let shelf = shelf::all(&vault, args.database.as_deref()).await?;
        let policy = args.keep.over(&retention::policy(settings));
        let sorted = retention::plan(&shelf, &policy, Utc::now());
        let is_dry = !args.no_dry_run;
        let (removed, done) = if is_dry { (Vec::new(), Ok(())) } else { retention::remove(&vault, &sorted).await };
        // A leftover may be of any database.
        let leftovers = match args.database {
            None => vault.sweep(Duration::from_secs(settings.sweep_grace_seconds), is_dry).await?,
            Some(_) => Vec::new(),
        };
        let data = json!({
            "dry_run": is_dry,
            "keep": sorted.keep,
            "remove": sorted.remove,
            "removed": removed,
            "leftovers": leftovers,
        });
        output
            .data(&data, |look| view::prune(&shelf, &sorted, &leftovers, (!is_dry).then_some(removed.len()), look))?;
        done
    })
}
