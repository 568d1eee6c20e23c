//! `db psql`: a shell on our database.

use std::ffi::OsString;
use std::process::exit;

use tokio::signal::unix::{SignalKind, signal};
use tokio::task::spawn_blocking;

use crate::commands::session::{Host, block_on};
use crate::config::Loaded;
use crate::db::looking::server::version;
use crate::db::server::Server;
use crate::model::failure::{Failure, Kind, Result};
use crate::postgres::programs::Programs;
use crate::postgres::psql;

/// What our own session is called for the moment that it lasts.
const APPLICATION: &str = "repo-to-cat/psql";

/// Runs `psql`; ends this process with its exit code where that is not 0.
pub fn run(args: &[OsString], loaded: &Loaded) -> Result<()> {
    let args = args.to_vec();
    let code = block_on(async {
        // The private server stays as long as this.
        let host = Host::open(loaded).await?;
        let server = Server::of(&host.config.database)?;
        let mut session = server.connect(server.database(), APPLICATION).await?;
        let version = version(&mut session).await?;
        drop(session.close().await);
        let programs = Programs::for_server(&host.config.database.bin_folder, version, &["psql"])?;
        let url = server.url_of(server.database()).await?;
        // From here on Ctrl-C is for psql alone. What is listened to does not end us, and psql starts without it.
        let cannot = |error| Failure::new(Kind::Environment, "signals cannot be heard").source(error);
        let _heard = [signal(SignalKind::interrupt()).map_err(cannot)?, signal(SignalKind::quit()).map_err(cannot)?];
        spawn_blocking(move || psql::run(&programs, &url, &args))
            .await
            .map_err(|error| Failure::new(Kind::Internal, "running psql broke").source(error))?
    })?;
    if code == 0 { Ok(()) } else { exit(code) }
}
