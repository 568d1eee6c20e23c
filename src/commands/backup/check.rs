//! `backup check`: whether a backup could be made.

use crate::backup::preflight;
use crate::cli::BackupCheck;
use crate::commands::Output;
use crate::commands::session::{Host, block_on};
use crate::commands::view::checks::render;
use crate::config::Loaded;
use crate::model::check::State;
use crate::model::failure::{Failure, Kind, Result};

/// Looks at everything that a backup needs and prints the list; fails if something is missing.
pub fn run(args: &BackupCheck, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let host = Host::open(loaded).await?;
        let all = preflight::of_settings(&host.premises()?, args.database.clone()).await?;
        output.data(&all, |look| render(&all, look))?;
        match all.iter().filter(|check| check.state == State::Fail).count() {
            0 => Ok(()),
            failed => Err(Failure::new(Kind::Environment, format!("{failed} of {} checks failed", all.len()))
                .hint("do what stands behind the arrows, then run `repo-to-cat backup check` again")),
        }
    })
}
