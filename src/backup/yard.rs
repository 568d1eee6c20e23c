//! Building the yard that backups are made in.

use std::path::{Path, PathBuf};

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
            scratch_folder: folder(&config.backup.scratch_folder, "scratch", config),
            program: self.program.clone(),
        })
    }
}

/// The store of the settings.
pub fn vault(config: &Config) -> Result<Vault> {
    let settings = &config.backup;
    let s3 = S3 {
        endpoint: settings.s3_endpoint.clone(),
        region: settings.s3_region.clone(),
        access_key_id: settings.s3_access_key_id.clone(),
        secret_access_key: settings.s3_secret_access_key.clone(),
        allow_http: settings.s3_endpoint.starts_with("http://"),
    };
    let place = match settings.store.as_str() {
        "" => config.data.folder.join("backups").to_string_lossy().into_owned(),
        place => place.to_owned(),
    };
    Vault::open(&place, &s3)
}

/// The folder of a setting, or the one of that name in the data folder.
fn folder(given: &Path, name: &str, config: &Config) -> PathBuf {
    if given.as_os_str().is_empty() { config.data.folder.join(name) } else { given.to_owned() }
}
