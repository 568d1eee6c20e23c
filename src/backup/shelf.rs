//! What stands in a store: backups, their manifests and what the last drills found. No database is asked.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde::de::DeserializeOwned;

use crate::model::backup::manifest::VERSION;
use crate::model::backup::{BackupName, DrillReport, Manifest, Verdict};
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::{DRILL, MANIFEST, Vault};

/// Backups that are read at once.
const AT_ONCE: usize = 8;

/// Names that a message lists where one was not enough to tell.
const CANDIDATES: usize = 5;

/// A backup as it stands in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Shelved {
    /// Its name.
    pub name: BackupName,
    /// What it holds; none where that cannot be read.
    pub manifest: Option<Manifest>,
    /// What the last drill found; none where there was none.
    pub drill: Option<DrillReport>,
    /// Why something of it cannot be read.
    pub problem: Option<String>,
}

impl Shelved {
    /// What the last drill found.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.drill.as_ref().map_or(Verdict::Unverified, |drill| drill.verdict)
    }
}

/// One backup. What cannot be read of it is told, not refused: a list with one spoilt backup is a list.
pub async fn one(vault: &Vault, name: &BackupName) -> Result<Shelved> {
    let mut problem = None;
    let mut manifest: Option<Manifest> = read(vault, name, MANIFEST, &mut problem).await?;
    let mut drill: Option<DrillReport> = read(vault, name, DRILL, &mut problem).await?;
    if let Some(newer) = manifest.take_if(|manifest| manifest.version > VERSION) {
        let version = newer.version;
        problem =
            Some(format!("{MANIFEST} has version {version}, this program knows {VERSION}: read it with a newer one"));
    }
    if manifest.take_if(|manifest| manifest.name != *name).is_some() {
        problem = Some(format!("{MANIFEST} is that of another backup"));
    }
    if drill.take_if(|drill| drill.backup != *name).is_some() {
        problem = Some(format!("{DRILL} is about another backup"));
    }
    Ok(Shelved { name: name.clone(), manifest, drill, problem })
}

/// All backups, or those of one database; newest first.
pub async fn all(vault: &Vault, database: Option<&str>) -> Result<Vec<Shelved>> {
    let names = vault.list().await?.into_iter().rev();
    let names = names.filter(|name| database.is_none_or(|database| name.database() == database));
    let read = names.map(|name| async move { one(vault, &name).await });
    stream::iter(read).buffered(AT_ONCE).try_collect().await
}

/// The backup that `text` means: a name or what only one begins with, `latest` for the newest of the database `ours`, or
/// `latest:DATABASE`.
pub async fn find(vault: &Vault, text: &str, ours: &str) -> Result<BackupName> {
    let names = vault.list().await?;
    let latest = match text.split_once(':') {
        None if text == "latest" => Some(ours),
        Some(("latest", database)) => Some(database),
        _ => None,
    };
    if let Some(database) = latest {
        return names.into_iter().rfind(|name| name.database() == database).ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("there is no backup of {database} in {}", vault.place()))
                .hint("make one with: repo-to-cat backup now; see those of others with: repo-to-cat backup list")
        });
    }
    let (equal, begun): (Vec<_>, Vec<_>) =
        names.into_iter().filter(|name| name.as_str().starts_with(text)).partition(|name| name.as_str() == text);
    match (equal.into_iter().next(), begun.as_slice()) {
        (Some(name), _) => Ok(name),
        (None, [name]) if !text.is_empty() => Ok(name.clone()),
        (None, []) => Err(Failure::new(Kind::NotFound, format!("there is no backup `{text}` in {}", vault.place()))
            .hint("see those that there are with: repo-to-cat backup list")),
        (None, several) => {
            let some: Vec<_> = several.iter().rev().take(CANDIDATES).map(BackupName::as_str).collect();
            let what = format!("{} backups begin with `{text}`", several.len());
            Err(Failure::new(Kind::Invalid, what)
                .hint(format!("say more of the name; the newest are {}", some.join(", "))))
        }
    }
}

/// Reads a file of a backup; what it is not is a problem, what cannot be reached is a failure.
async fn read<T: DeserializeOwned>(
    vault: &Vault,
    name: &BackupName,
    file: &str,
    problem: &mut Option<String>,
) -> Result<Option<T>> {
    let Some(text) = vault.get(name, file).await? else { return Ok(None) };
    match serde_json::from_slice(&text) {
        Ok(value) => Ok(Some(value)),
        Err(error) => {
            *problem = Some(format!("{file} cannot be read: {error}"));
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::providers::vault::S3;

    async fn vault(folder: &std::path::Path, names: &[&str]) -> Vault {
        let vault = Vault::open(folder.to_str().unwrap(), &S3::default()).unwrap();
        for name in names {
            let draft = vault.begin(&BackupName::parse(name).unwrap()).await.unwrap();
            draft.publish(b"{}".to_vec()).await.unwrap();
        }
        vault
    }

    #[tokio::test]
    async fn a_backup_is_found_by_what_is_enough_to_tell() {
        let folder = tempfile::tempdir().unwrap();
        let names =
            ["cats_20261121_030000Z", "cats_20261122_030000Z", "cats_20261122_040000Z", "dogs_20261122_030000Z"];
        let vault = vault(folder.path(), &names).await;
        for (text, expected) in [
            (names[0], Ok(names[0])),
            ("latest", Ok(names[2])),
            ("latest:dogs", Ok(names[3])),
            ("latest:cats", Ok(names[2])),
            ("cats_20261121", Ok(names[0])),
            ("d", Ok(names[3])),
            ("cats_20261122", Err(Kind::Invalid)),
            ("", Err(Kind::Invalid)),
            ("latest:birds", Err(Kind::NotFound)),
            ("cats_2025", Err(Kind::NotFound)),
            ("../x", Err(Kind::NotFound)),
        ] {
            let found = find(&vault, text, "cats").await;
            assert_eq!(found.as_ref().map(BackupName::as_str).map_err(Failure::kind), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn what_is_spoilt_is_told_and_never_green() {
        let folder = tempfile::tempdir().unwrap();
        let (vault, name) = (vault(folder.path(), &["cats_20261121_030000Z"]).await, "cats_20261121_030000Z");
        let name = BackupName::parse(name).unwrap();
        let shelved = one(&vault, &name).await.unwrap();
        assert!(shelved.manifest.is_none() && shelved.problem.unwrap().starts_with("manifest.json cannot be read"));
        let report = DrillReport {
            backup: BackupName::new("other", DateTime::UNIX_EPOCH),
            job: None,
            started_at: DateTime::UNIX_EPOCH,
            finished_at: DateTime::UNIX_EPOCH,
            verdict: Verdict::Verified,
            reason: None,
            differences: vec![],
            tables: 1,
            rows: 1,
            images: 0,
            fetched_bytes: 1,
            scratch_bytes: 1,
            restore_seconds: None,
            stages: vec![],
            server_version: None,
        };
        vault.put(&name, DRILL, serde_json::to_vec(&report).unwrap()).await.unwrap();
        let shelved = one(&vault, &name).await.unwrap();
        assert_eq!(shelved.verdict(), Verdict::Unverified, "a report that was copied here proves nothing");
        let own = DrillReport { backup: name.clone(), ..report };
        vault.put(&name, DRILL, serde_json::to_vec(&own).unwrap()).await.unwrap();
        assert_eq!(one(&vault, &name).await.unwrap().verdict(), Verdict::Verified);
    }
}
