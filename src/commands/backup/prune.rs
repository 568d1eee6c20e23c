//! `backup prune`: removing what no rule keeps, and what killed runs left.

use std::time::Duration;

use super::store;
use crate::backup::retention::{self, Pruned};
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
        let policy = args.keep.over(&retention::policy(settings));
        let grace = Duration::from_secs(settings.sweep_grace_seconds);
        let database = args.database.as_deref();
        let (pruned, done) = retention::prune(&vault, database, &policy, grace, !args.no_dry_run).await?;
        let Pruned { dry_run, sorted, removed, leftovers, shelf } = &pruned;
        let removed = (!dry_run).then_some(removed.len());
        output.data(&pruned, |look| view::prune(shelf, sorted, leftovers, removed, look))?;
        done
    })
}
