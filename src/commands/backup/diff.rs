//! `backup diff`: what changed from one backup to another.

use super::store;
use crate::cli::BackupDiff;
use crate::commands::Output;
use crate::commands::session::block_on;
use crate::commands::view::diff as view;
use crate::config::Loaded;
use crate::model::backup::Diff;
use crate::model::failure::Result;

/// Compares two manifests.
pub fn run(args: &BackupDiff, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let vault = store::open(loaded)?;
        let from = store::manifest(&vault, &args.from, &loaded.config).await?;
        let to = store::manifest(&vault, &args.to, &loaded.config).await?;
        let diff = Diff::between(&from, &to);
        output.data(&diff, |look| view::render(&diff, look))
    })
}
