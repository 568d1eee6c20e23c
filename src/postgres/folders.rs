//! The folders and files of a private cluster.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::account::{Account, name_of};
use crate::model::failure::{Failure, Kind, Result};

/// Longest path of a socket's folder: a socket's path has at most 107 bytes, and `/.s.PGSQL.5432` is part of it.
pub const SOCKET_FOLDER_BYTES: usize = 107 - 14;

/// Where everything of one private cluster lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    root: PathBuf,
}

impl Folders {
    /// Makes `folder` and `folder/postgres` when they are missing.
    ///
    /// # Errors
    /// [`Kind::Environment`] that names the folder and what is wrong with it; [`Kind::Invalid`] for a line break in
    /// its path.
    pub fn create(folder: &Path) -> Result<Self> {
        if folder.as_os_str().as_bytes().iter().any(|byte| b"\n\r".contains(byte)) {
            return Err(Failure::new(
                Kind::Invalid,
                format!("the data folder {} has a line break in its path", folder.display()),
            )
            .hint("choose another: PostgreSQL keeps its folder in a file with one value per line"));
        }
        let folder = std::path::absolute(folder).map_err(|error| cannot("use", folder, &error))?;
        // Root's server runs as somebody else, who has to pass through; other users share with nobody.
        let root_runs = rustix::process::geteuid().is_root();
        let missing: Vec<&Path> = folder.ancestors().take_while(|step| !step.exists()).collect();
        for step in missing.into_iter().rev() {
            make(step, if root_runs { 0o755 } else { 0o700 })?;
        }
        let folder = folder.canonicalize().map_err(|error| cannot("use", &folder, &error))?;
        let folders = Self { root: folder.join("postgres") };
        if !folders.root.exists() {
            make(&folders.root, if root_runs { 0o711 } else { 0o700 })?;
        }
        if !folders.log().exists() {
            make(&folders.log(), 0o700)?;
        }
        Ok(folders)
    }

    /// Of an existing cluster, by its own folder (`FOLDER/postgres`).
    pub fn existing(root: PathBuf) -> Self {
        Self { root }
    }

    /// `FOLDER/postgres`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The cluster.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The logs.
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// What the supervisor tells users about the running server.
    pub fn state(&self) -> PathBuf {
        self.root.join("server.json")
    }

    /// Opens the lock file `NAME.lock`, for its owner alone.
    ///
    /// # Errors
    /// [`Kind::Environment`] when it cannot be opened.
    pub fn lock_file(&self, name: &str) -> Result<File> {
        let path = self.root.join(format!("{name}.lock"));
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| cannot("open", &path, &error))
    }

    /// The major version that made the cluster; `None` when there is no cluster yet.
    ///
    /// # Errors
    /// [`Kind::Environment`] when there is something else in its place.
    pub fn major(&self) -> Result<Option<u32>> {
        let data = self.data();
        let file = data.join("PG_VERSION");
        match fs::read_to_string(&file) {
            Ok(text) => text.trim().parse().map(Some).map_err(|_| {
                Failure::new(Kind::Environment, format!("{} says {:?}, not a version", file.display(), text.trim()))
                    .hint("the cluster is damaged: restore it from a backup, or choose another data folder")
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound && !data.exists() => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Failure::new(
                Kind::Environment,
                format!("{} exists, but is not a PostgreSQL cluster: it has no PG_VERSION", data.display()),
            )
            .hint("move it away if you do not need it, restore it from a backup, or choose another data folder")),
            Err(error) => Err(cannot("read", &file, &error)),
        }
    }

    /// Where the socket goes: `run` beside the data when that path is short and plain, else a short folder named
    /// after a hash of the path. Plain, because `PostgreSQL` reads the setting as a list and URLs carry it.
    pub fn socket(&self, account: &Account) -> PathBuf {
        let run = self.root.join("run");
        if is_plain(run.as_os_str()) && run.as_os_str().len() <= SOCKET_FOLDER_BYTES {
            return run;
        }
        let hash = Sha256::digest(self.root.as_os_str().as_bytes());
        let name = hash[..8].iter().fold(String::from("repo-to-cat-"), |name, byte| format!("{name}{byte:02x}"));
        let of_session = PathBuf::from(format!("/run/user/{}", account.uid));
        let parents = if rustix::process::geteuid().is_root() { PathBuf::from("/run") } else { of_session };
        let writable = rustix::fs::access(&parents, rustix::fs::Access::WRITE_OK).is_ok();
        if writable { parents.join(name) } else { Path::new("/tmp").join(name) }
    }
}

/// Makes a folder that only `account` (and root) can enter, or makes sure that an existing one is such.
///
/// # Errors
/// [`Kind::Environment`] when it cannot be made or somebody else has put something in its place.
pub fn make_private(folder: &Path, account: &Account) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => give(folder, account)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(cannot("make", folder, &error)),
    }
    let found = fs::symlink_metadata(folder).map_err(|error| cannot("look at", folder, &error))?;
    if !found.is_dir() || found.uid() != account.uid {
        return Err(Failure::new(
            Kind::Environment,
            format!(
                "{} is not a folder of user {}, but belongs to user {}",
                folder.display(),
                account.name,
                name_of(found.uid())
            ),
        )
        .hint("remove it, if it is not in use"));
    }
    fs::set_permissions(folder, Permissions::from_mode(0o700)).map_err(|error| cannot("protect", folder, &error))
}

/// Makes `account` the owner, when we may.
///
/// # Errors
/// [`Kind::Environment`] when the owner cannot be changed.
pub fn give(path: &Path, account: &Account) -> Result<()> {
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(path, Some(account.uid), Some(account.gid))
            .map_err(|error| cannot("change the owner of", path, &error))?;
    }
    Ok(())
}

/// Writes what is in a file or folder to the disk.
///
/// # Errors
/// [`Kind::Environment`] when it cannot be written.
pub fn sync(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_all()).map_err(|error| cannot("write to the disk", path, &error))
}

/// The failure to do something with a path, with what usually helps.
pub fn cannot(doing: &str, path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "user {} needs the right to write there; choose another data folder (--data-folder FOLDER) or change its owner",
            name_of(rustix::process::geteuid().as_raw())
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full: make room, or choose a data folder on another disk".to_owned()
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            "the file system is mounted read-only: choose a data folder that can be written".to_owned()
        }
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a file is in the way: choose another data folder".to_owned()
        }
        io::ErrorKind::InvalidFilename => "the path is too long: choose a shorter data folder".to_owned(),
        _ => "look at the data folder, or choose another one".to_owned(),
    };
    Failure::new(Kind::Environment, format!("cannot {doing} {}: {error}", path.display())).hint(hint)
}

fn make(folder: &Path, mode: u32) -> Result<()> {
    match DirBuilder::new().mode(mode).create(folder) {
        // The mode again, because the umask took its part.
        Ok(()) => {
            fs::set_permissions(folder, Permissions::from_mode(mode)).map_err(|error| cannot("make", folder, &error))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(cannot("make", folder, &error)),
    }
}

fn is_plain(path: &OsStr) -> bool {
    path.as_bytes().iter().all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(root: &str) -> PathBuf {
        let account = Account { uid: 12345, gid: 12345, name: "someone".to_owned() };
        Folders::existing(PathBuf::from(root)).socket(&account)
    }

    #[test]
    fn the_socket_lies_beside_the_data_when_its_path_is_short_and_plain() {
        assert_eq!(socket("/var/lib/repo-to-cat/postgres"), Path::new("/var/lib/repo-to-cat/postgres/run"));
    }

    #[test]
    fn otherwise_it_gets_a_short_folder_of_its_own() {
        let long = format!("/{}", "x".repeat(89));
        let roots = [
            long.as_str(),
            "/a b/postgres",
            "/a,b/postgres",
            "/it's/postgres",
            "/a%20b/postgres",
            "/Kätzchen/postgres",
        ];
        let mut sockets: Vec<PathBuf> = roots.into_iter().map(socket).collect();
        for socket in &sockets {
            assert!(socket.as_os_str().len() <= 60 && is_plain(socket.as_os_str()), "{}", socket.display());
        }
        assert_eq!(socket(roots[1]), sockets[1], "the same folder has the same socket");
        sockets.sort();
        sockets.dedup();
        assert_eq!(sockets.len(), roots.len(), "no two folders share a socket");
        let longest = format!("/{}", "x".repeat(88));
        assert_eq!(socket(&longest).as_os_str().len(), SOCKET_FOLDER_BYTES);
    }

    #[test]
    fn something_else_in_the_place_of_the_cluster_is_never_taken_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let folders = Folders::existing(folder.path().to_owned());
        assert_eq!(folders.major().unwrap(), None);
        fs::create_dir(folders.data()).unwrap();
        assert!(folders.major().unwrap_err().what().contains("not a PostgreSQL cluster"));
        fs::write(folders.data().join("PG_VERSION"), "15\n").unwrap();
        assert_eq!(folders.major().unwrap(), Some(15));
        fs::write(folders.data().join("PG_VERSION"), "\0\0").unwrap();
        assert!(folders.major().unwrap_err().what().contains("not a version"));
    }
}
