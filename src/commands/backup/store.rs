//! What the verbs share that need the store only: no database is asked, so that they work when it is lost.

use crate::backup::shelf;
use crate::backup::submit::database;
use crate::backup::yard::vault;
use crate::config::{Config, Loaded};
use crate::model::backup::{BackupName, Manifest};
use crate::model::failure::Result;
use crate::postgres::DATABASE;
use crate::providers::vault::Vault;

/// Opens the store of the settings.
pub fn open(loaded: &Loaded) -> Result<Vault> {
    vault(&loaded.config)
}

/// The database that is named, or else ours.
pub fn ours(named: Option<&str>, config: &Config) -> Result<String> {
    let private = config.database.url.is_empty().then_some(DATABASE);
    database(named.or(private).map(str::to_owned), config)
}

/// The backup that `text` means.
pub async fn find(vault: &Vault, text: &str, config: &Config) -> Result<BackupName> {
    shelf::find(vault, text, &ours(None, config)?, None).await
}

/// What a backup holds.
pub async fn manifest(vault: &Vault, text: &str, config: &Config) -> Result<Manifest> {
    shelf::manifest(vault, &find(vault, text, config).await?).await
}
