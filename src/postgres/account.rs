//! The operating-system user that the server runs as: never root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::model::failure::{Failure, Kind, Result};

/// Who runs the server when root starts it, best first.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];

/// A user that the server and its programs run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub uid: u32,
    /// Its main group.
    pub gid: u32,
    /// Its name, or its number when it has none.
    pub name: String,
}

impl Account {
    /// Who has to run the server whose data is, or will be, in `data`.
    ///
    /// Only the owner of a data folder can run it. A new one belongs to whoever makes it, or, for root, to an
    /// unprivileged account, because the server refuses to run as root.
    ///
    /// # Errors
    /// [`Kind::Environment`] when the folder belongs to somebody else, or there is no unprivileged account.
    pub fn for_data(data: &Path) -> Result<Self> {
        let me = rustix::process::geteuid().as_raw();
        match fs::metadata(data) {
            Ok(found) if me != 0 && found.uid() != me => Err(Failure::new(
                Kind::Environment,
                format!(
                    "the cluster in {} belongs to user {}, not to user {}",
                    data.display(),
                    name_of(found.uid()),
                    name_of(me)
                ),
            )
            .hint("run as that user, or choose another data folder")),
            Ok(found) if me == 0 && found.uid() == 0 => Err(Failure::new(
                Kind::Environment,
                format!("the cluster in {} belongs to root, and PostgreSQL does not run as root", data.display()),
            )
            .hint(format!("type: chown -R postgres {}   or choose another data folder", data.display()))),
            Ok(found) if me == 0 => Ok(Self { uid: found.uid(), gid: found.gid(), name: name_of(found.uid()) }),
            _ => Self::for_new_data(),
        }
    }

    /// Who makes a new cluster.
    ///
    /// # Errors
    /// [`Kind::Environment`] when root asks and there is no unprivileged account.
    pub fn for_new_data() -> Result<Self> {
        let me = rustix::process::geteuid().as_raw();
        let list = fs::read_to_string("/etc/passwd").unwrap_or_default();
        if me != 0 {
            return Ok(Self { uid: me, gid: rustix::process::getegid().as_raw(), name: name_of(me) });
        }
        UNPRIVILEGED.iter().find_map(|name| account_named(&list, name)).ok_or_else(|| {
            Failure::new(
                Kind::Environment,
                "PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody to run it as",
            )
            .hint("type: useradd --system postgres   or run as another user than root")
        })
    }

    /// A command that runs `program` as this account, knows nothing of our environment (which may hold secrets) and
    /// gets `signal` when the thread that starts it ends.
    ///
    /// The signal needs `setpriv`: it has to be set after the change of user and without code between fork and exec.
    pub fn command(&self, program: &Path, signal: &str) -> Command {
        let mut command = Command::new(setpriv().unwrap_or_else(|| PathBuf::from("setpriv")));
        if rustix::process::geteuid().is_root() {
            command.arg(format!("--reuid={}", self.uid)).arg(format!("--regid={}", self.gid)).arg("--clear-groups");
        }
        command.arg("--pdeathsig").arg(signal).arg(program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").stdin(Stdio::null());
        command
    }

    /// Makes sure that this account can enter `folder` and run `program` there.
    ///
    /// # Errors
    /// [`Kind::Environment`] that names the folder which is in the way.
    pub fn must_enter(&self, folder: &Path, program: &Path) -> Result<()> {
        let blocked = folder.ancestors().collect::<Vec<_>>().into_iter().rev().find(|step| {
            // Tried, not computed from mode bits: access lists and security modules have their say, too. The change
            // of folder comes after the change of user.
            let mut probe = Command::new(program);
            if rustix::process::geteuid().is_root() {
                probe.uid(self.uid).gid(self.gid);
            }
            let probe = probe
                .arg("--version")
                .current_dir(step)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            !probe.status().is_ok_and(|status| status.success())
        });
        let Some(blocked) = blocked else { return Ok(()) };
        if blocked == Path::new("/") {
            return Err(Failure::new(
                Kind::Environment,
                format!("user {} cannot run {}", self.name, program.display()),
            )
            .hint("install PostgreSQL's programs where every user can run them"));
        }
        let mode = fs::metadata(blocked).map_or(0, |found| found.mode() & 0o7777);
        Err(Failure::new(
            Kind::Environment,
            format!("user {}, who runs PostgreSQL, cannot enter {} (mode {mode:04o})", self.name, blocked.display()),
        )
        .hint(format!(
            "choose a data folder that every user can reach (--data-folder /var/lib/repo-to-cat), or type: chmod o+x {}",
            blocked.display()
        )))
    }
}

/// Where `setpriv` of util-linux is.
#[must_use]
pub fn setpriv() -> Option<PathBuf> {
    ["/usr/bin/setpriv", "/bin/setpriv"].into_iter().map(PathBuf::from).find(|path| path.is_file())
}

/// The name of a user, or its number when the password file does not list it.
#[must_use]
pub fn name_of(uid: u32) -> String {
    let list = fs::read_to_string("/etc/passwd").unwrap_or_default();
    accounts(&list).find(|account| account.uid == uid).map_or_else(|| uid.to_string(), |account| account.name)
}

fn account_named(list: &str, name: &str) -> Option<Account> {
    accounts(list).find(|account| account.name == name && account.uid != 0)
}

/// The well-formed lines of a password file.
fn accounts(list: &str) -> impl Iterator<Item = Account> {
    list.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Account { uid, gid, name })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "root:x:0:0:root:/root:/bin/bash\n\
                        broken line\n\
                        postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n\
                        toor:x:0:0::/root:/bin/sh\n\
                        nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn accounts_are_read_from_the_password_file_and_root_is_never_one() {
        let found = account_named(LIST, "postgres").unwrap();
        assert_eq!(found, Account { uid: 101, gid: 104, name: "postgres".to_owned() });
        assert_eq!(account_named(LIST, "nobody").unwrap().uid, 65534);
        assert_eq!(account_named(LIST, "toor"), None);
        assert_eq!(account_named(LIST, "broken line"), None);
    }

    #[test]
    fn a_command_starts_without_our_environment() {
        let account = Account { uid: 65534, gid: 65534, name: "nobody".to_owned() };
        let output = account.command(Path::new("/usr/bin/env"), "KILL").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let names: Vec<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
        assert_eq!(names.iter().filter(|name| !["PATH", "LC_ALL"].contains(name)).count(), 0, "{text}");
        assert_eq!(names.len(), 2, "{text}");
    }
}
