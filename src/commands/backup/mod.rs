//! `backup`: backups made, looked at, proven and restored.

pub mod release;

use crate::cli::Backup;
use crate::commands::Output;
use crate::config::Loaded;
use crate::model::failure::Result;

/// Runs `backup ...`.
pub fn run(command: &Backup, loaded: &Loaded, output: &Output) -> Result<()> {
    match command {
        Backup::Release(args) => release::run(*args, loaded, output),
    }
}
