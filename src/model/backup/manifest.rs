//! The manifest: what a backup holds, how it was made, and what it must come back as.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::backup::{BackupName, Compression, Fingerprint, Format, Selection};
use crate::model::failure::{Failure, Kind, Result};

/// Seconds to the millisecond: what is written as JSON is read back as the same number.
#[must_use]
pub fn seconds(took: Duration) -> f64 {
    took.as_millis() as f64 / 1000.0
}

/// The version of the manifest's own form; a reader refuses a newer one.
pub const VERSION: u32 = 1;

/// What the file is called that a manifest is in.
pub const FILE: &str = "manifest.json";

/// What stands beside a backup, in `manifest.json`. A backup exists when, and only when, its manifest does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Manifest {
    /// Of this form.
    pub version: u32,
    /// Which backup.
    pub name: BackupName,
    /// The job that made it; none where it was made without a queue.
    pub job: Option<Uuid>,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// When its last byte was stored.
    pub finished_at: DateTime<Utc>,
    /// How it is laid out.
    pub format: Format,
    /// How its files are compressed.
    pub compression: Compression,
    /// How hard.
    pub level: u8,
    /// The age recipients that it is encrypted to; empty: it is not.
    pub recipients: Vec<String>,
    /// Which part of the database.
    pub selection: Selection,
    /// The database that it is of.
    pub source: Source,
    /// What made it.
    pub tools: Tools,
    /// Its files, the archive first.
    pub files: Vec<StoredFile>,
    /// Tables whose rows are in it.
    pub tables: Vec<Table>,
    /// Where its sequences stood.
    pub sequences: Vec<Sequence>,
    /// Its large objects, each counted as a row of what `SELECT oid, encode(lo_get(oid), 'hex') FROM
    /// pg_largeobject_metadata` says: `OID TAB digits`; none where there are none.
    pub large_objects: Option<Fingerprint>,
    /// The pictures that its rows name.
    pub images: Option<Images>,
    /// Seconds by stage: preflight, dump, store, ...
    pub stages: Vec<(String, f64)>,
}

/// The database that a backup is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BackupSource)]
pub struct Source {
    /// Its name.
    pub database: String,
    /// The server's version, as `server_version_num`: 150018.
    pub server_version: u32,
    /// Which cluster; none where we may not know.
    pub system_identifier: Option<String>,
    /// The name of the exported snapshot that it shows.
    pub snapshot: String,
    /// Its size on the server's disk in bytes.
    pub bytes: u64,
    /// Its encoding: `UTF8`.
    pub encoding: String,
    /// Its order of texts.
    pub collate: String,
    /// Its classes of characters.
    pub ctype: String,
    /// ICU locale, where it uses ICU.
    pub icu_locale: Option<String>,
    /// How it writes money.
    pub lc_monetary: String,
    /// Extensions and their versions.
    pub extensions: Vec<Extension>,
    /// Roles that its objects may belong to or be granted to: all but the built-in ones.
    pub roles: Vec<String>,
}

impl Source {
    /// The encoding of a dump's text, and so of what fingerprints are of: Unicode, but where there is no encoding that could
    /// be converted.
    #[must_use]
    pub fn text_encoding(&self) -> &'static str {
        if self.encoding == "SQL_ASCII" { "SQL_ASCII" } else { "UTF8" }
    }
}

/// An extension of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What made a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BackupTools)]
pub struct Tools {
    /// This program's version.
    pub repo_to_cat: String,
    /// `pg_dump`'s.
    pub pg_dump: String,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoredFile {
    /// Its name in the backup's folder.
    pub name: String,
    /// What is in it.
    pub role: FileRole,
    /// Its size in the store.
    pub bytes: u64,
    /// Its size before compression and encryption.
    pub raw_bytes: u64,
    /// SHA-256 of it as it is stored, in hexadecimal digits.
    pub sha256: String,
}

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileRole {
    /// What `pg_dump` wrote.
    Archive,
    /// Rows of one table in COPY's text format, without an end mark.
    Piece {
        /// Which: place in [`Manifest::tables`].
        table: usize,
    },
    /// Roles and tablespaces, as `pg_dumpall --globals-only` writes them.
    Globals,
    /// Keys of the pictures, one a line.
    ImageList,
    /// The pictures themselves, as a tar archive.
    Pictures,
}

/// A table whose rows are in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = BackupTable)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The columns that were copied, as the COPY statement lists them: `(id, "Weird name")`; empty: a table without any.
    pub columns: String,
    /// What its rows amount to.
    #[serde(flatten)]
    pub fingerprint: Fingerprint,
}

/// Where a sequence stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sequence {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The value that it gave last, or will give first.
    pub last_value: i64,
    /// Whether it gave that already.
    pub is_called: bool,
}

/// The pictures that a backup's rows name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Images {
    /// How many.
    pub count: u64,
    /// Whether they are in the backup, too.
    pub copied: bool,
}

impl Manifest {
    /// What is in one of its files, in words.
    #[must_use]
    pub fn holds(&self, file: &StoredFile) -> String {
        match file.role {
            FileRole::Archive => "what pg_dump wrote".to_owned(),
            FileRole::Piece { table } => match self.tables.get(table) {
                Some(of) => format!("rows of {}.{}", of.schema, of.name),
                None => "rows of no table".to_owned(),
            },
            FileRole::Globals => "roles and tablespaces".to_owned(),
            FileRole::ImageList => "keys of pictures".to_owned(),
            FileRole::Pictures => "pictures".to_owned(),
        }
    }

    /// Reads the manifest of the backup `name`, which may be garbage, of another backup, or newer than this program. A
    /// failure of kind `Environment` says that another program could read it, one of kind `Unusable` that none can.
    pub fn read(text: &[u8], name: &BackupName) -> Result<Self> {
        // A newer form need not have the rest of ours.
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let refused = |why: String| {
            Failure::new(Kind::Unusable, format!("{FILE} {why}"))
                .hint("take another backup; what the files hold can be restored by hand: see docs/backups.md")
        };
        let garbage = |error: serde_json::Error| refused(format!("cannot be read: {error}"));
        let Versioned { version } = serde_json::from_slice(text).map_err(garbage)?;
        if version > VERSION {
            let what = format!("{FILE} has version {version}, this program knows {VERSION}");
            return Err(Failure::new(Kind::Environment, what).hint("take a newer repo-to-cat"));
        }
        let manifest: Self = serde_json::from_slice(text).map_err(garbage)?;
        if manifest.name != *name {
            return Err(refused(format!("is that of {}, another backup", manifest.name)));
        }
        let archives = manifest.files.iter().filter(|file| file.role == FileRole::Archive).count();
        if archives != 1 {
            return Err(refused(format!("names {archives} archives")));
        }
        let is_lost =
            |file: &StoredFile| matches!(file.role, FileRole::Piece { table } if table >= manifest.tables.len());
        if let Some(lost) = manifest.files.iter().find(|file| is_lost(file)) {
            return Err(refused(format!("names {:?}, a piece of no table", lost.name)));
        }
        Ok(manifest)
    }

    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.fingerprint.rows).sum()
    }

    /// Size in the store, in bytes, without the manifest.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Size before compression and encryption, in bytes.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.raw_bytes).sum()
    }

    /// How long it took, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.finished_at - self.started_at).as_seconds_f64().max(0.0)
    }

    /// The archive, which every backup has.
    #[must_use]
    pub fn archive(&self) -> Option<&StoredFile> {
        self.files.iter().find(|file| file.role == FileRole::Archive)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A manifest as JSON, whose fields may be bent.
    fn json_of(name: &BackupName) -> Value {
        json!({
            "version": VERSION, "name": name, "job": null,
            "started_at": name.moment(), "finished_at": name.moment(),
            "format": "directory", "compression": "zstd", "level": 3, "recipients": [], "selection": {},
            "source": Source::default(), "tools": Tools::default(),
            "files": [
                {"name": "a", "role": "archive", "bytes": 1, "raw_bytes": 1, "sha256": ""},
                {"name": "b", "role": {"piece": {"table": 0}}, "bytes": 1, "raw_bytes": 1, "sha256": ""},
            ],
            "tables": [{"schema": "s", "name": "t", "columns": "(a)", "rows": 0, "bytes": 0, "hash": "00000000000000000000000000000000"}],
            "sequences": [], "large_objects": null, "images": null, "stages": [],
        })
    }

    #[test]
    fn what_is_no_manifest_of_this_backup_is_refused() {
        let moment = "2026-11-22T03:00:00Z".parse().unwrap();
        let (name, other) = (BackupName::new("cats", moment), BackupName::new("dogs", moment));
        let read = |value: &Value| Manifest::read(value.to_string().as_bytes(), &name);
        let good = json_of(&name);
        assert_eq!(read(&good).unwrap().name, name);
        let bent = |key: &str, value: Value| {
            let mut bent = good.clone();
            bent[key] = value;
            bent
        };
        let pieces_of_nothing = bent("tables", json!([]));
        for (bad, kind, words) in [
            (json!({}), Kind::Unusable, "cannot be read"),
            (json!({"version": VERSION + 1}), Kind::Environment, "has version"),
            (bent("name", json!(other)), Kind::Unusable, "that of dogs_"),
            (bent("files", json!([])), Kind::Unusable, "0 archives"),
            (pieces_of_nothing, Kind::Unusable, "a piece of no table"),
        ] {
            let failure = read(&bad).unwrap_err();
            assert!(failure.kind() == kind && failure.what().contains(words), "{failure:?}");
        }
    }
}
