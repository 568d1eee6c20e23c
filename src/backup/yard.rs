//! Building the yard that backups are made in.

use std::path::PathBuf;

use crate::backup::Yard;
use crate::config::Config;
use crate::db::server::Server;
use crate::model::failure::Result;
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
    /// Opens the store and finds the server.
    pub fn open(&self) -> Result<Yard> {
        let config = &self.config;
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

/// The store of the settings.
pub fn vault(config: &Config) -> Result<Vault> {
    Vault::open(&config.backup.store, &S3::of(&config.backup)?)
}
