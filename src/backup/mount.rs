//! A store in a folder that somebody mounts. Where it is not mounted there is an empty folder in its place, and a backup put
//! there is on the wrong disk while all looks well. So each host notes in its data folder in which stores it has seen
//! backups, and takes none of them for a new one.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::config::Config;
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::{MARK, S3, Vault};

/// The file in the data folder that names the stores, one a line.
const NOTE: &str = "stores";

/// The folder of the store, if it is one outside the data folder.
#[must_use]
pub fn folder(config: &Config) -> Option<&str> {
    let store = config.backup.store.as_str();
    (!store.starts_with("s3://") && !Path::new(store).starts_with(&config.data.folder)).then_some(store)
}

/// Opens the store in such a folder. It is made where it was never used and what it is in is there.
pub fn open(folder: &str, data: &Path) -> Result<Vault> {
    let parent = Path::new(folder).parent().filter(|parent| !parent.is_dir());
    if let Some(parent) = parent {
        let what = format!("the store {folder} cannot be made: there is no {}", parent.display());
        return Err(Failure::new(Kind::Environment, what)
            .hint(format!("is it mounted? If it is to be made: mkdir -p {}", parent.display())));
    }
    let vault = Vault::open(folder, &S3::default())?;
    let note = data.join(NOTE);
    let is_known = fs::read_to_string(&note).unwrap_or_default().lines().any(|line| line == folder);
    match (vault.is_begun()?, is_known) {
        (false, true) => return Err(gone(&vault.place())),
        (true, false) => {
            if let Err(error) = remember(&note, folder) {
                let note = note.display();
                tracing::warn!(%note, %error, "cannot be written: a store that is not mounted will look like a new one");
            }
        }
        _ => {}
    }
    Ok(vault)
}

/// That the backups of a store are gone, all at once.
#[must_use]
pub fn gone(place: &str) -> Failure {
    Failure::new(Kind::Environment, format!("{place} is empty, and backups were put there before"))
        .hint(format!("is it mounted? If it is to begin anew: touch {place}/{MARK}"))
}

fn remember(note: &Path, folder: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(note)?;
    file.write_all(format!("{folder}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::backup::BackupName;

    #[tokio::test]
    async fn a_folder_that_is_not_mounted_is_no_new_store() {
        let (data, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mounted, elsewhere) = (disk.path().join("nas"), disk.path().join("elsewhere"));
        let store = mounted.join("backups").to_str().unwrap().to_owned();
        let open = || open(&store, data.path());
        let failure = open().unwrap_err();
        assert!(failure.kind() == Kind::Environment && failure.hint_text().unwrap().contains("mounted"), "{failure:?}");
        assert!(!mounted.exists(), "nothing is made where the file system should be");

        fs::create_dir(&mounted).unwrap();
        open().unwrap();
        let vault = open().unwrap();
        let name = BackupName::parse("cats_20261122_030000Z").unwrap();
        vault.begin(&name).await.unwrap().publish(b"{}".to_vec()).await.unwrap();
        open().unwrap();

        // It is unmounted: the mount point is there, and empty.
        fs::rename(&mounted, &elsewhere).unwrap();
        fs::create_dir(&mounted).unwrap();
        for _ in 0..2 {
            let failure = open().unwrap_err();
            assert!(failure.what().contains("is empty, and backups were put there before"), "{failure:?}");
        }
        fs::remove_dir_all(&mounted).unwrap();
        fs::rename(&elsewhere, &mounted).unwrap();
        assert_eq!(open().unwrap().list().await.unwrap(), std::slice::from_ref(&name));

        open().unwrap().remove(&name).await.unwrap();
        open().unwrap_err();
        fs::write(Path::new(&store).join(MARK), "").unwrap();
        open().unwrap();
    }
}
