//! `psql` for a person: it gets the terminal and our connection, and the password in a file that has no name.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};
use url::Url;

use super::account::setpriv;
use super::programs::Programs;
use super::tool::{VARIABLES, password_line};
use crate::model::failure::{Failure, Kind, Result};

/// What of our environment `psql` must not take for its own: it would lead elsewhere, or holds the password.
const KEPT_FROM_IT: [&str; 18] = [
    "DATABASE_URL",
    "REPO_TO_CAT_DATABASE__URL",
    "REPO_TO_CAT_DATABASE__DIRECT_URL",
    "PGHOSTADDR",
    "PGPASSWORD",
    "PGPASSFILE",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGOPTIONS",
    "PGAPPNAME",
    "PGREQUIRESSL",
    "PGREQUIREPEER",
    "PGREQUIREAUTH",
    "PGSSLNEGOTIATION",
    "PGTARGETSESSIONATTRS",
    "PGLOADBALANCEHOSTS",
    "PGGSSLIB",
    "PGKRBSRVNAME",
];

/// Runs `psql` with standard input, output and error of our own until it ends; returns its exit code, or, as shells do, 128
/// and the number of the signal that ended it. `url` is as `db::server::Server::url_of` gives it.
///
/// It stays in our process group, so that the terminal is its, too. The caller sees to it that Ctrl-C does not end us. It
/// blocks, and `psql` ends with the thread that calls this.
pub fn run(programs: &Programs, url: &str, args: &[OsString]) -> Result<i32> {
    let url =
        Url::parse(url).map_err(|error| Failure::new(Kind::Internal, "a server's address is no URL").source(error))?;
    let value_of = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let mut command = Command::new(setpriv().unwrap_or_else(|| PathBuf::from("setpriv")));
    // It can put the terminal in order before it goes.
    command.args(["--pdeathsig", "TERM"]).arg(programs.path("psql")).args(args);
    for name in KEPT_FROM_IT {
        command.env_remove(name);
    }
    for (key, variable) in VARIABLES {
        match value_of(key) {
            Some(value) => command.env(variable, value),
            None => command.env_remove(variable),
        };
    }
    command.envs(value_of("options").map(|options| ("PGOPTIONS", options)));
    let password = value_of("password").filter(|password| !password.is_empty());
    let password_file = password.map(|password| nameless_file(&password)).transpose()?;
    if let Some(file) = &password_file {
        command.env("PGPASSFILE", format!("/proc/self/fd/{}", file.as_raw_fd()));
    }
    let status = command.status().map_err(|error| {
        Failure::new(Kind::Environment, format!("psql cannot be started (by setpriv of util-linux): {error}"))
            .hint("type: sudo apt-get install util-linux")
    })?;
    Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}

/// A password file, mode 0600, that has no name in any folder and goes with the last process that has it open. Those that
/// we start have.
fn nameless_file(password: &str) -> Result<File> {
    let line = password_line(password)?;
    let made = tempfile::tempfile().and_then(|mut file| {
        // libpq reads no file that others could.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(line.as_bytes())?;
        fcntl_setfd(&file, FdFlags::empty()).map_err(io::Error::from)?;
        Ok(file)
    });
    made.map_err(|error| {
        Failure::new(Kind::Environment, format!("no password file can be made: {error}"))
            .hint("is there room in the temporary folder, and may we write there?")
    })
}
