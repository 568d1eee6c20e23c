//! What the verbs that need the database share: a runtime, a server, a pool, a stop signal.

use std::path::PathBuf;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::backup::yard::Premises;
use crate::config::{self, Config, Loaded, Pooler};
use crate::db::server::Server;
use crate::db::{Db, migrate};
use crate::generation::run::Studio;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::picture::Canvas;
use crate::postgres::{Cluster, Settings};
use crate::probe::Probe;
use crate::providers::pictures::Pictures;
use crate::webhooks::Herald;
use crate::worker::Handlers;

/// How often a service looks after its private server; a look costs two locks and a connection to a socket.
const GUARD_EVERY: Duration = Duration::from_secs(2);

/// What a verb expects of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// It is brought up to date if the cluster is ours alone, else it must be.
    Current,
    /// The verb sees to it.
    Any,
}

/// A connection to the database, with the private cluster behind it where there is no other.
#[derive(Debug)]
pub struct Session {
    /// The settings.
    pub config: Config,
    /// The database.
    pub db: Db,
    /// Held as long as the session: the server stops with its last user.
    cluster: Option<Cluster>,
}

impl Session {
    /// Connects to `database.url`, or to the private cluster, which is started if nobody has yet.
    pub async fn open(loaded: &Loaded, schema: Schema) -> Result<Self> {
        Box::pin(Self::open_with(loaded, schema, Db::connect)).await
    }

    /// Connects to another database on the same server, whose schema must be current.
    pub async fn open_database(loaded: &Loaded, database: &str) -> Result<Self> {
        let Host { mut config, cluster } = Host::open(loaded).await?;
        let server = Server::of(&config.database)?;
        config.database = config::Database {
            url: server.url_of(database).await?,
            direct_url: String::new(),
            pooler: Pooler::None,
            ..config.database
        };
        let db = Db::connect(&config.database).await?;
        migrate::state(&db).await?.require_current()?;
        Ok(Self { config, db, cluster })
    }

    /// The same for services, which wait for a server that is not there yet.
    pub async fn open_patiently(loaded: &Loaded, schema: Schema) -> Result<Self> {
        Box::pin(Self::open_with(loaded, schema, Db::connect_patiently)).await
    }

    async fn open_with(
        loaded: &Loaded,
        schema: Schema,
        connect: impl AsyncFnOnce(&config::Database) -> Result<Db>,
    ) -> Result<Self> {
        let Host { config, cluster } = Host::open(loaded).await?;
        let db = connect(&config.database).await?;
        if schema == Schema::Current {
            if cluster.is_some() {
                migrate::up(&db).await?;
            }
            let schema = migrate::state(&db).await?;
            schema.require_current()?;
            if schema.is_newer() {
                let (theirs, ours) = (schema.current, schema.head);
                tracing::info!(
                    theirs,
                    ours,
                    "a newer program migrated the database; this one works on it all the same"
                );
            }
        }
        Ok(Self { config, db, cluster })
    }

    /// For services: brings the private server back when somebody kills its supervisor, until this process ends.
    ///
    /// A server that dies is its supervisor's business; whoever works with it tries again until it answers.
    pub fn guard_cluster(&mut self) {
        let Some(mut cluster) = self.cluster.take() else { return };
        tokio::spawn(async move {
            loop {
                sleep(GUARD_EVERY).await;
                let Ok((ensured, kept)) = spawn_blocking(move || (cluster.ensure(), cluster)).await else { return };
                cluster = kept;
                match ensured {
                    Ok(false) => {}
                    Ok(true) => tracing::warn!("the private PostgreSQL server was gone and was started again"),
                    Err(failure) => tracing::error!(%failure, "the private PostgreSQL server does not come back"),
                }
            }
        });
    }

    /// The picture store.
    pub fn pictures(&self) -> Result<Pictures> {
        Pictures::open(&picture_folder(&self.config))
    }

    /// What runs the jobs of each kind.
    pub fn handlers(&self) -> Result<Handlers> {
        Ok(Handlers {
            studio: self.studio()?,
            premises: self.premises()?,
            herald: Herald::of(&self.config),
            probe: Probe::default(),
        })
    }

    /// What backups are made with.
    pub fn premises(&self) -> Result<Premises> {
        premises(&self.config)
    }

    fn studio(&self) -> Result<Studio> {
        Ok(Studio {
            fetch: self.config.fetch.clone(),
            analysis: self.config.analysis.clone(),
            canvas: Canvas { width: self.config.images.width, height: self.config.images.height },
            pictures: self.pictures()?,
            work_folder: work_folder(&self.config),
            program: program()?,
        })
    }
}

/// The server alone, whatever databases it has: for what must work where ours is lost.
#[derive(Debug)]
pub struct Host {
    /// The settings, with the URL of the private cluster where there is no other.
    pub config: Config,
    /// Held as long as this: the server stops with its last user.
    cluster: Option<Cluster>,
}

impl Host {
    /// Starts the private cluster where no server is named and nobody has started it yet.
    pub async fn open(loaded: &Loaded) -> Result<Self> {
        let mut config = loaded.config.clone();
        if !config.database.url.is_empty() {
            return Ok(Self { config, cluster: None });
        }
        let settings = Settings::new(&config.data.folder, &config.database.bin_folder, program()?);
        let opened = spawn_blocking(|| Cluster::open(settings)).await;
        let cluster =
            opened.map_err(|error| Failure::new(Kind::Internal, "opening the cluster broke").source(error))??;
        config.database.url = cluster.url();
        Ok(Self { config, cluster: Some(cluster) })
    }

    /// What backups are made with.
    pub fn premises(&self) -> Result<Premises> {
        premises(&self.config)
    }
}

fn premises(config: &Config) -> Result<Premises> {
    Ok(Premises::new(config.clone(), Pictures::open(&picture_folder(config))?, program()?))
}

/// Runs a verb that waits for things. What it leaves behind in other threads ends with the process.
pub fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = Runtime::new().map_err(|error| {
        Failure::new(Kind::Environment, "the threads of the program cannot be started").source(error)
    })?;
    let done = runtime.block_on(work);
    runtime.shutdown_background();
    done
}

/// Cancelled by SIGINT or SIGTERM. A second one ends the process at once; leases and locks see to the rest.
pub fn stop_signal() -> Result<CancellationToken> {
    let cannot = |error| Failure::new(Kind::Environment, "signals cannot be heard").source(error);
    let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stopping.is_cancelled() {
                std::process::exit(i32::from(Kind::Cancelled.exit_code()));
            }
            stopping.cancel();
        }
    });
    Ok(stop)
}

/// Where the pictures are; the configuration has filled in the default.
#[must_use]
pub fn picture_folder(config: &Config) -> PathBuf {
    PathBuf::from(config.images.store.strip_prefix("file://").unwrap_or(&config.images.store))
}

/// Where fetched objects lie while they are needed.
#[must_use]
pub fn work_folder(config: &Config) -> PathBuf {
    config.data.folder.join("work")
}

/// This program's own file, for children of itself.
pub fn program() -> Result<PathBuf> {
    std::env::current_exe()
        .map_err(|error| Failure::new(Kind::Environment, "the program cannot find its own file").source(error))
}
