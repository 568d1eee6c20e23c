//! What stands in a store: backups, their manifests and what the last drills found. No database is asked.

mod entry;

use chrono::{DateTime, Utc};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::model::backup::name::AHEAD;
use crate::model::backup::{BackupName, DrillReport, Manifest, Selection, Verdict};
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::{DRILL, MANIFEST, Vault};
pub use entry::Entry;

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
    /// What the last drill found. Of what cannot be read nothing is proven, whatever it found then.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match &self.drill {
            Some(drill) if drill.verdict != Verdict::Verified || self.is_sound() => drill.verdict,
            _ => Verdict::Unverified,
        }
    }

    /// Whether it is known to hold a part of its database only.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.manifest.as_ref().is_some_and(|manifest| !manifest.selection.is_everything())
    }

    /// Whether it proves that all of its database comes back.
    #[must_use]
    pub fn is_proof(&self) -> bool {
        self.verdict() == Verdict::Verified && !self.is_part()
    }

    fn is_sound(&self) -> bool {
        self.manifest.is_some() && self.problem.is_none()
    }
}

/// One backup. What cannot be read of it is told, not refused: a list with one spoilt backup is a list.
pub async fn one(vault: &Vault, name: &BackupName) -> Result<Shelved> {
    let mut problem = None;
    let mut drill = None;
    if let Some(text) = vault.get(name, DRILL).await? {
        match serde_json::from_slice::<DrillReport>(&text) {
            Ok(report) if report.backup == *name => drill = Some(report),
            Ok(_) => problem = Some(format!("{DRILL} is about another backup")),
            Err(error) => problem = Some(format!("{DRILL} cannot be read: {error}")),
        }
    }
    let text = vault.get(name, MANIFEST).await?;
    let read = text.map_or_else(|| Err(missing(vault, name)), |text| Manifest::read(&text, name));
    let manifest = read.map_err(|failure| problem = Some(failure.what().to_owned())).ok();
    Ok(Shelved { name: name.clone(), manifest, drill, problem })
}

/// What a backup holds; a failure where that cannot be read.
pub async fn manifest(vault: &Vault, name: &BackupName) -> Result<Manifest> {
    let text = vault.get(name, MANIFEST).await?.ok_or_else(|| missing(vault, name))?;
    Manifest::read(&text, name).map_err(|failure| failure.context(format!("{name} in {}", vault.place())))
}

fn missing(vault: &Vault, name: &BackupName) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no backup {name} in {}", vault.place()))
        .hint("see those that there are with: repo-to-cat backup list")
}

/// All backups, or those of one database; newest first.
pub async fn all(vault: &Vault, database: Option<&str>) -> Result<Vec<Shelved>> {
    let names = vault.list().await?.into_iter().rev();
    let names = names.filter(|name| database.is_none_or(|database| name.database() == database));
    let read = names.map(|name| async move { one(vault, &name).await });
    stream::iter(read).buffered(AT_ONCE).try_collect().await
}

/// The newest backup of a database, begun at `by` or before, that is as wanted.
pub async fn newest(
    vault: &Vault,
    database: &str,
    by: DateTime<Utc>,
    is_wanted: impl Fn(&Shelved) -> bool,
) -> Result<Option<Shelved>> {
    for name in vault.list().await?.iter().rev().filter(|name| name.database() == database && name.moment() <= by) {
        let shelved = one(vault, name).await?;
        if is_wanted(&shelved) {
            return Ok(Some(shelved));
        }
    }
    Ok(None)
}

/// What the newest backup of this part of a database holds, whatever its name says of when it was made.
pub async fn last(vault: &Vault, database: &str, selection: &Selection) -> Result<Option<Manifest>> {
    let is_of_it = |shelved: &Shelved| shelved.manifest.as_ref().is_some_and(|last| last.selection == *selection);
    Ok(newest(vault, database, DateTime::<Utc>::MAX_UTC, is_of_it).await?.and_then(|shelved| shelved.manifest))
}

/// The backup that `text` means: a name or what only one begins with, `latest` for the newest of all of the database
/// `ours`, or `latest:DATABASE`; of those begun `at` a time or before, where that is given. The names tell which is the
/// newest, not the pointer, which is for people and may lag behind.
///
/// Where nobody can read what the newest one holds, it is meant all the same: silently taking an older one helps nobody.
pub async fn find(vault: &Vault, text: &str, ours: &str, at: Option<DateTime<Utc>>) -> Result<BackupName> {
    let latest = match text.split_once(':') {
        None if text == "latest" => Some(ours),
        Some(("latest", database)) => Some(database),
        _ => None,
    };
    if let Some(database) = latest {
        let found = newest(vault, database, at.unwrap_or(Utc::now() + AHEAD), |shelved| !shelved.is_part()).await?;
        return found.map(|shelved| shelved.name).ok_or_else(|| none_of(vault, database, at));
    }
    if at.is_some() {
        return Err(Failure::new(Kind::Invalid, "both a backup and a time were given")
            .hint("name the backup alone, or the time alone: it chooses among the backups of the database"));
    }
    let names = vault.list().await?;
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

fn none_of(vault: &Vault, database: &str, at: Option<DateTime<Utc>>) -> Failure {
    let when = at.map(|at| format!(" of {} or before", at.format("%Y-%m-%d %H:%M:%S UTC"))).unwrap_or_default();
    Failure::new(Kind::NotFound, format!("there is no backup of all of {database}{when} in {}", vault.place())).hint(
        "make one with: repo-to-cat backup now; see what else there is with: repo-to-cat backup list; a backup of a part, or \
         of the future, is named in full",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::backup::manifest::{FileRole, Source, StoredFile, Tools, VERSION};
    use crate::model::backup::{Compression, Format};
    use crate::providers::vault::S3;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Puts a backup into the store, of one table where one is named.
    async fn put(vault: &Vault, name: &str, table: Option<&str>) -> BackupName {
        let name = BackupName::parse(name).unwrap();
        let archive = StoredFile {
            name: format!("{name}.dump"),
            role: FileRole::Archive,
            bytes: 0,
            raw_bytes: 0,
            sha256: String::new(),
        };
        let manifest = Manifest {
            version: VERSION,
            name: name.clone(),
            job: None,
            started_at: name.moment(),
            finished_at: name.moment(),
            format: Format::Custom,
            compression: Compression::None,
            level: 0,
            recipients: vec![],
            selection: Selection { tables: table.map(str::to_owned).into_iter().collect(), ..Selection::default() },
            source: Source::default(),
            tools: Tools::default(),
            files: vec![archive],
            tables: vec![],
            sequences: vec![],
            large_objects: None,
            images: None,
            stages: vec![],
        };
        let draft = vault.begin(&name).await.unwrap();
        draft.publish(serde_json::to_vec(&manifest).unwrap()).await.unwrap();
        name
    }

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
            let by = text.starts_with("latest").then(|| at("2026-12-01T00:00:00Z"));
            let found = find(&vault, text, "cats", by).await;
            assert_eq!(found.as_ref().map(BackupName::as_str).map_err(Failure::kind), expected, "{text}");
        }
        let by = |text| find(&vault, "latest", "cats", Some(at(text)));
        assert_eq!(by("2026-11-22T03:59:59Z").await.unwrap().as_str(), names[1]);
        assert_eq!(by("2026-11-21T02:59:59Z").await.unwrap_err().kind(), Kind::NotFound);
        let both = find(&vault, names[0], "cats", Some(at("2026-11-22T03:59:59Z"))).await;
        assert_eq!(both.unwrap_err().kind(), Kind::Invalid);
    }

    #[tokio::test]
    async fn the_latest_is_of_all_of_the_database_and_not_of_the_future() {
        let folder = tempfile::tempdir().unwrap();
        let vault = vault(folder.path(), &[]).await;
        let whole = put(&vault, "cats_20200101_030000Z", None).await;
        let part = put(&vault, "cats_20200102_030000Z", Some("toys")).await;
        let future = put(&vault, "cats_99990101_030000Z", None).await;
        // The pointer lags behind, or is of something else.
        vault.set_latest(&part).await.unwrap();
        assert_eq!(find(&vault, "latest", "cats", None).await.unwrap(), whole);
        for name in [&part, &future] {
            assert_eq!(find(&vault, name.as_str(), "cats", None).await.unwrap(), *name);
        }
    }

    #[tokio::test]
    async fn what_is_spoilt_is_told_and_never_green() {
        let folder = tempfile::tempdir().unwrap();
        let (vault, name) = (vault(folder.path(), &["cats_20261121_030000Z"]).await, "cats_20261121_030000Z");
        let spoilt = BackupName::parse(name).unwrap();
        let shelved = one(&vault, &spoilt).await.unwrap();
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
        let sound = put(&vault, "cats_20261122_030000Z", None).await;
        let with = async |report: &DrillReport, name: &BackupName| {
            vault.put(name, DRILL, serde_json::to_vec(report).unwrap()).await.unwrap();
            one(&vault, name).await.unwrap().verdict()
        };
        assert_eq!(with(&report, &sound).await, Verdict::Unverified, "a report that was copied here proves nothing");
        let own = |name: &BackupName| DrillReport { backup: name.clone(), ..report.clone() };
        assert_eq!(with(&own(&sound), &sound).await, Verdict::Verified);
        assert_eq!(with(&own(&spoilt), &spoilt).await, Verdict::Unverified, "nobody knows any more what was proven");
        let failed = DrillReport { verdict: Verdict::Failed, ..own(&spoilt) };
        assert_eq!(with(&failed, &spoilt).await, Verdict::Failed);
    }
}
