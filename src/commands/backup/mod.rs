//! `backup`: backups made, looked at, proven and restored.

mod check;
mod now;
pub mod release;
mod restore;
mod verify;

use crate::cli::Backup;
use crate::commands::Output;
use crate::config::Loaded;
use crate::model::failure::Result;

/// Runs `backup ...`.
pub fn run(command: &Backup, loaded: &Loaded, output: &Output) -> Result<()> {
    match command {
        Backup::Now(args) => now::run(args, loaded, output),
        Backup::Verify(args) => verify::run(args, loaded, output),
        Backup::Check(args) => check::run(args, loaded, output),
        Backup::Restore(args) => restore::run(args, loaded, output),
        Backup::Release(args) => release::run(*args, loaded, output),
    }
}
