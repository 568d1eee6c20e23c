//! Building the yard that backups are made in.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::backup::Yard;
use crate::config::Config;
use crate::db::server::Server;
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::pictures::Pictures;
use crate::providers::vault::{S3, Vault};

/// What a yard is built of. It is built when a job needs it: a store that cannot be opened is no business of the cats.
#[derive(Debug, Clone)]
pub struct Premises {
    /// The settings.
    pub config: Config,
    /// Where the pictures are that our database's rows name.
    pub pictures: Pictures,
    /// This program.
    pub program: PathBuf,
}

impl Premises {
    /// Opens the store and finds the server; makes the folder for temporary files.
    pub fn open(&self) -> Result<Yard> {
        let config = &self.config;
        make(&config.backup.scratch_folder)?;
        Ok(Yard {
            settings: config.backup.clone(),
            server: Server::of(&config.database)?,
            bin_folder: config.database.bin_folder.clone(),
            vault: vault(config)?,
            pictures: self.pictures.clone(),
            scratch_folder: config.backup.scratch_folder.clone(),
            program: self.program.clone(),
        })
    }
}

/// Scratch clusters' servers must be able to pass through it; nobody else has anything to look for there.
fn make(folder: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o711).create(folder).map_err(|error| {
        Failure::new(Kind::Environment, format!("{} cannot be made", folder.display()))
            .source(error)
            .hint("name another folder in backup.scratch_folder, or make this one writable for this user")
    })
}

/// The store of the settings.
pub fn vault(config: &Config) -> Result<Vault> {
    Vault::open(&config.backup.store, &S3::of(&config.backup)?)
}
