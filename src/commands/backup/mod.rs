//! `backup ...`: making backups, proving them, looking at them, restoring them.

mod check;
mod diff;
mod freshness;
mod list;
mod now;
mod prune;
mod release;
mod restore;
mod show;
mod store;
mod verify;

use crate::cli::Backup;
use crate::commands::Output;
use crate::config::Loaded;
use crate::model::failure::Result;

/// Runs one of the verbs.
pub fn run(command: &Backup, loaded: &Loaded, output: &Output) -> Result<()> {
    match command {
        Backup::Now(args) => now::run(args, loaded, output),
        Backup::Verify(args) => verify::run(args, loaded, output),
        Backup::List(args) => list::run(args, loaded, output),
        Backup::Show(args) => show::run(args, loaded, output),
        Backup::Diff(args) => diff::run(args, loaded, output),
        Backup::Prune(args) => prune::run(args, loaded, output),
        Backup::Check(args) if args.freshness => freshness::run(args, loaded, output),
        Backup::Check(args) => check::run(args, loaded, output),
        Backup::Restore(args) => restore::run(args, loaded, output),
        Backup::Release(args) => release::run(args, loaded, output),
    }
}
