//! Checks of `PostgreSQL`'s programs and of the private cluster.

use std::path::Path;

use super::account::{Account, setpriv};
use super::cluster::{Cluster, Settings};
use super::folders::SOCKET_FOLDER_BYTES;
use super::programs::{Programs, version_of};
use crate::config::Database;
use crate::model::check::{Check, State};
use crate::model::failure::Result;

/// Programs that backups and their drills use.
const CLIENTS: [&str; 3] = ["pg_dump", "pg_restore", "psql"];

/// The checks of everything that comes from `PostgreSQL`. Starts the private cluster in `folder` if there is to be one,
/// so it blocks for a second or two; `program` is our own program.
#[must_use]
pub fn checks(database: &Database, folder: &Path, program: &Path) -> Vec<Check> {
    let private = database.url.is_empty();
    let programs = Programs::find(&database.bin_folder, None);
    let mut checks = vec![server(&programs, private), clients(&programs)];
    if !private {
        checks.push(Check::ok("private cluster", "not used: database.url names a server"));
        return checks;
    }
    checks.push(account(&programs, folder));
    if programs.is_ok() {
        checks.push(start(database, folder, program));
    }
    checks
}

fn server(programs: &Result<Programs>, needed: bool) -> Check {
    const NAME: &str = "PostgreSQL server";
    match programs {
        Ok(programs) => Check::ok(NAME, format!("{} in {}", programs.version(), programs.folder().display())),
        Err(failure) if needed => Check::failed(NAME, failure),
        Err(failure) => Check { state: State::Warn, ..Check::failed(NAME, failure) },
    }
}

fn clients(programs: &Result<Programs>) -> Check {
    const NAME: &str = "PostgreSQL clients";
    let path =
        |name: &str| programs.as_ref().map_or_else(|_| Path::new(name).to_owned(), |programs| programs.path(name));
    let found: Result<Vec<String>, String> =
        CLIENTS.into_iter().map(|name| Ok(format!("{name} {}", version_of(&path(name))?))).collect();
    match found {
        Ok(found) => Check::ok(NAME, found.join(", ")),
        Err(why) => {
            Check::warn(NAME, format!("{why}; backups need it"), "type: sudo apt-get install postgresql-client")
        }
    }
}

/// Who runs the server, and whether that user can reach the folder.
fn account(programs: &Result<Programs>, folder: &Path) -> Check {
    const NAME: &str = "server user";
    if setpriv().is_none() {
        return Check::fail(NAME, "the program setpriv is not installed", "type: sudo apt-get install util-linux");
    }
    let found = Account::for_data(&folder.join("postgres/data")).and_then(|account| {
        let existing = folder.ancestors().find(|step| step.exists()).unwrap_or(Path::new("/"));
        if let Ok(programs) = programs {
            account.must_enter(existing, &programs.path("postgres"))?;
        }
        Ok(account)
    });
    match found {
        Ok(account) => Check::ok(NAME, format!("{} (user {}) runs the private cluster", account.name, account.uid)),
        Err(failure) => Check::failed(NAME, &failure),
    }
}

/// Starts the private cluster, or attaches to it: nothing else proves that it can be started.
fn start(database: &Database, folder: &Path, program: &Path) -> Check {
    const NAME: &str = "private cluster";
    let settings = Settings::new(folder, &database.bin_folder, program);
    match Cluster::open(settings) {
        Ok(cluster) => {
            let status = cluster.status();
            let socket = status.socket.display();
            let beside = status.socket.parent() == status.data.parent();
            let why = format!(" (the data folder's path is odd or longer than {SOCKET_FOLDER_BYTES} bytes)");
            let why = if beside { "" } else { &why };
            Check::ok(NAME, format!("PostgreSQL {} starts; socket in {socket}{why}", status.version))
        }
        Err(failure) => Check::failed(NAME, &failure),
    }
}
