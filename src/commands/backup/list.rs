//! `backup list`: what stands in the store.

use chrono::Utc;

use super::store;
use crate::backup::shelf::{self, Entry};
use crate::cli::BackupList;
use crate::commands::Output;
use crate::commands::session::block_on;
use crate::commands::view::backups as view;
use crate::config::Loaded;
use crate::model::failure::Result;

/// Lists backups, newest first.
pub fn run(args: &BackupList, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let vault = store::open(loaded)?;
        let rows: Vec<_> = shelf::all(&vault, args.database.as_deref()).await?.iter().map(Entry::of).collect();
        output.data(&rows, |look| view::list(&rows, &vault.place(), Utc::now(), look))
    })
}
