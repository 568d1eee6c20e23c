//! Values that depend on the machine and the user: empty defaults are filled in, `~/` and relative paths resolved.

use std::path::{Path, PathBuf};

use url::Url;

use super::environment::Environment;
use crate::model::failure::{Failure, Kind, Result};

/// The folder for our files where none was given.
pub(super) fn data_folder(environment: &Environment) -> Result<PathBuf> {
    if environment.is_root() {
        return Ok(PathBuf::from("/var/lib/repo-to-cat"));
    }
    // The XDG specification has relative values ignored.
    let xdg = environment.get("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    xdg.or_else(|| environment.home().map(|home| home.join(".local/share")))
        .map(|folder| folder.join("repo-to-cat"))
        .ok_or_else(|| {
            Failure::new(Kind::Environment, "there is no home folder to keep the data in: HOME is not set")
                .hint("name one with --data-folder FOLDER or data.folder")
        })
}

/// `path` with `~/` replaced and made absolute, so that it means the same after a change of folder.
pub(super) fn absolute(path: &Path, environment: &Environment) -> PathBuf {
    let path = match (path.strip_prefix("~"), environment.home()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    };
    std::path::absolute(&path).unwrap_or(path)
}

/// The folder of a store: that of a `file://` URL, or a path made absolute.
pub(super) fn store_folder(store: &str, environment: &Environment) -> PathBuf {
    let of_url = Url::parse(store).ok().and_then(|url| url.to_file_path().ok());
    of_url.unwrap_or_else(|| absolute(Path::new(store), environment))
}
