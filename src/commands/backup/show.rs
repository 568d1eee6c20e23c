//! `backup show`: one backup.

use chrono::Utc;
use serde_json::json;

use super::store;
use crate::backup::shelf;
use crate::cli::BackupShow;
use crate::commands::Output;
use crate::commands::session::block_on;
use crate::commands::view::backup as view;
use crate::config::Loaded;
use crate::model::failure::Result;

/// Shows its manifest and the last drill.
pub fn run(args: &BackupShow, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let vault = store::open(loaded)?;
        let name = store::find(&vault, &args.backup, &loaded.config).await?;
        let shelved = shelf::one(&vault, &name).await?;
        let data = json!({
            "name": shelved.name,
            "store": vault.place(),
            "manifest": shelved.manifest,
            "drill": shelved.drill,
            "problem": shelved.problem,
        });
        let tables = if args.all { usize::MAX } else { view::TABLES };
        output.data(&data, |look| view::show(&shelved, &vault.place(), tables, Utc::now(), look))
    })
}
