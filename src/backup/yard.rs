//! Building the yard that backups are made in.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::Access;
use rustix::io::Errno;

use crate::backup::telling::{Event, Telling};
use crate::backup::{Yard, mount};
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
    telling: Arc<OnceLock<Option<Telling>>>,
}

impl Premises {
    /// Everything but the yard itself.
    #[must_use]
    pub fn new(config: Config, pictures: Pictures, program: PathBuf) -> Self {
        Self { config, pictures, program, telling: Arc::default() }
    }

    /// Who is told how backups go; none where nobody is to be, or where nobody can be, which is logged.
    #[must_use]
    pub fn telling(&self) -> Option<&Telling> {
        let settings = &self.config.backup;
        let set_up = || {
            if settings.ping_url.is_empty() && settings.webhook_url.is_empty() {
                return None;
            }
            let telling = Telling::new(settings, &self.config.fetch.ca_file);
            telling.inspect_err(|failure| tracing::error!(%failure, "nobody can be told how backups go")).ok()
        };
        self.telling.get_or_init(set_up).as_ref()
    }

    /// Tells others, if there are any; never waits.
    pub fn tell(&self, event: &Event) {
        if let Some(telling) = self.telling() {
            telling.tell(event);
        }
    }

    /// Waits a moment for those who are being told, before the process ends.
    pub async fn farewell(&self) {
        if let Some(Some(telling)) = self.telling.get() {
            telling.finish().await;
        }
    }

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
    match mount::folder(config) {
        Some(folder) => mount::open(folder, &config.data.folder),
        None => Vault::open(&config.backup.store, &S3::of(&config.backup)?),
    }
}

/// Whether the store of the settings can be reached, without changing anything in it; what was found, in a sentence.
pub async fn look_at_store(config: &Config) -> Result<String> {
    let place = &config.backup.store;
    if place.starts_with("s3://") {
        let vault = Vault::open(place, &S3::of(&config.backup)?)?;
        // The pointer is one small object, whether it is there or not.
        let latest = vault.latest(crate::postgres::DATABASE).await?;
        return Ok(match latest {
            Some(name) => format!("the bucket answers; its latest backup is {name}"),
            None => "the bucket answers".to_owned(),
        });
    }
    let folder = PathBuf::from(place.strip_prefix("file://").unwrap_or(place));
    let look = move || match rustix::fs::access(&folder, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Ok("it can be written".to_owned()),
        Err(Errno::NOENT) => Ok("no backup was put there yet".to_owned()),
        Err(error) => Err(Failure::new(Kind::Environment, format!("{} cannot be written", folder.display()))
            .hint("is it mounted, and may this user write in it? See backup.store")
            .source(error)),
    };
    tokio::task::spawn_blocking(look)
        .await
        .map_err(|error| Failure::new(Kind::Internal, "looking at the store broke").source(error))?
}
