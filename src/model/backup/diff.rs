//! What changed between two backups, as far as their manifests tell.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::backup::manifest::FileRole;
use crate::model::backup::{BackupName, Fingerprint, Manifest};

/// From one backup to another.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = BackupDiff)]
pub struct Diff {
    /// The one.
    pub from: BackupName,
    /// The other.
    pub to: BackupName,
    /// Tables that the other has more.
    pub added: Vec<TableChange>,
    /// Tables that it has no longer.
    pub removed: Vec<TableChange>,
    /// Tables with other rows or columns.
    pub changed: Vec<TableChange>,
    /// Sequences that stand elsewhere, came or went, as `schema.sequence`.
    pub sequences: Vec<Change<Option<i64>>>,
    /// The large objects, where they are others.
    pub large_objects: Option<Change<Fingerprint>>,
    /// Size in the store, in bytes.
    pub bytes: Change<u64>,
    /// Size before compression and encryption, in bytes.
    pub raw_bytes: Change<u64>,
    /// Rows of all tables.
    pub rows: Change<u64>,
    /// How long it took, in seconds.
    pub seconds: Change<f64>,
    /// What was asked for otherwise: format, compression, recipients, ...
    pub options: Vec<Change<String>>,
    /// What it is of and was made by, otherwise: server, `pg_dump`, extensions, ...
    pub versions: Vec<Change<String>>,
}

/// A table of which the rows changed, came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct TableChange {
    /// `schema.table`, for people.
    pub table: String,
    /// What its rows amounted to; none: it was not there.
    pub before: Option<Fingerprint>,
    /// What they amount to; none: it is no longer there.
    pub after: Option<Fingerprint>,
    /// How many rows more; negative: fewer. 0 where values changed only.
    pub rows: i64,
    /// Whether other columns are in it.
    pub has_other_columns: bool,
}

/// Something that was one thing and is another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Change<T> {
    /// What.
    pub what: String,
    /// As it was.
    pub before: T,
    /// As it is.
    pub after: T,
}

impl Diff {
    /// From `from` to `to`.
    #[must_use]
    pub fn between(from: &Manifest, to: &Manifest) -> Self {
        let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for change in tables(from, to) {
            match (change.before, change.after) {
                (None, _) => added.push(change),
                (_, None) => removed.push(change),
                _ => changed.push(change),
            }
        }
        let objects = |manifest: &Manifest| manifest.large_objects.unwrap_or_default();
        Self {
            from: from.name.clone(),
            to: to.name.clone(),
            added,
            removed,
            changed,
            sequences: sequences(from, to),
            large_objects: Some(Change::new("large objects", objects(from), objects(to))).filter(Change::is_one),
            bytes: Change::new("size in the store", from.bytes(), to.bytes()),
            raw_bytes: Change::new("size before compression", from.raw_bytes(), to.raw_bytes()),
            rows: Change::new("rows", from.rows(), to.rows()),
            seconds: Change::new("seconds", from.seconds(), to.seconds()),
            options: worded(&options(from), &options(to)),
            versions: worded(&versions(from), &versions(to)),
        }
    }

    /// Whether both hold the same: the same tables, rows, sequences and large objects.
    #[must_use]
    pub fn is_same_content(&self) -> bool {
        self.added.is_empty()
            && self.removed.is_empty()
            && self.changed.is_empty()
            && self.sequences.is_empty()
            && self.large_objects.is_none()
    }
}

impl<T: PartialEq> Change<T> {
    fn new(what: impl Into<String>, before: T, after: T) -> Self {
        Self { what: what.into(), before, after }
    }

    /// Whether anything changed at all.
    #[must_use]
    pub fn is_one(&self) -> bool {
        self.before != self.after
    }
}

fn tables(from: &Manifest, to: &Manifest) -> Vec<TableChange> {
    type Side<'a> = Option<(&'a str, Fingerprint)>;
    let mut tables: BTreeMap<(&str, &str), (Side<'_>, Side<'_>)> = BTreeMap::new();
    for table in &from.tables {
        tables.entry((&table.schema, &table.name)).or_default().0 = Some((&table.columns, table.fingerprint));
    }
    for table in &to.tables {
        tables.entry((&table.schema, &table.name)).or_default().1 = Some((&table.columns, table.fingerprint));
    }
    let changed = tables.into_iter().filter(|(_, (before, after))| before != after);
    let rows = |side: Side<'_>| side.map_or(0, |(_, fingerprint)| i64::try_from(fingerprint.rows).unwrap_or(i64::MAX));
    changed
        .map(|((schema, name), (before, after))| TableChange {
            table: format!("{schema}.{name}"),
            before: before.map(|(_, fingerprint)| fingerprint),
            after: after.map(|(_, fingerprint)| fingerprint),
            rows: rows(after) - rows(before),
            has_other_columns: before.zip(after).is_some_and(|(before, after)| before.0 != after.0),
        })
        .collect()
}

fn sequences(from: &Manifest, to: &Manifest) -> Vec<Change<Option<i64>>> {
    let stands = |manifest: &Manifest| -> BTreeMap<String, (i64, bool)> {
        let sequences = manifest.sequences.iter();
        sequences.map(|it| (format!("{}.{}", it.schema, it.name), (it.last_value, it.is_called))).collect()
    };
    let (before, after) = (stands(from), stands(to));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let changed = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let value = |side: &BTreeMap<String, (i64, bool)>, name| side.get(name).map(|(value, _)| *value);
    changed.map(|name| Change::new(name.clone(), value(&before, name), value(&after, name))).collect()
}

/// What was asked for, each with a name for people.
fn options(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let Manifest { selection, .. } = manifest;
    let has = |role| manifest.files.iter().any(|file| file.role == role).to_string();
    vec![
        ("format", manifest.format.name().to_owned()),
        ("compression", format!("{} {}", manifest.compression.name(), manifest.level)),
        ("recipients", manifest.recipients.join(", ")),
        ("tables", selection.tables.join(", ")),
        ("tables left out", selection.exclude_tables.join(", ")),
        ("schemas", selection.schemas.join(", ")),
        ("schemas left out", selection.exclude_schemas.join(", ")),
        ("globals", has(FileRole::Globals)),
        ("pictures", has(FileRole::Pictures)),
    ]
}

/// What it is of and was made by, each with a name for people.
fn versions(manifest: &Manifest) -> Vec<(&'static str, String)> {
    let Manifest { source, tools, .. } = manifest;
    let extensions: Vec<_> = source.extensions.iter().map(|it| format!("{} {}", it.name, it.version)).collect();
    vec![
        ("server", source.server_version.to_string()),
        ("cluster", source.system_identifier.clone().unwrap_or_default()),
        ("encoding", source.encoding.clone()),
        ("locale", format!("{} {}", source.collate, source.ctype)),
        ("extensions", extensions.join(", ")),
        ("pg_dump", tools.pg_dump.clone()),
        ("repo-to-cat", tools.repo_to_cat.clone()),
    ]
}

fn worded(before: &[(&'static str, String)], after: &[(&'static str, String)]) -> Vec<Change<String>> {
    let both = before.iter().zip(after);
    both.map(|((what, before), (_, after))| Change::new(*what, before.clone(), after.clone()))
        .filter(Change::is_one)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::backup::manifest::{Extension, Sequence, Source, StoredFile, Table, Tools, VERSION};
    use crate::model::backup::{Compression, Format, Selection};

    fn manifest(tables: &[(&str, &[&str])]) -> Manifest {
        let started_at = "2026-11-22T03:00:00Z".parse().unwrap();
        let table = |(name, rows): &(&str, &[&str])| {
            let mut fingerprint = Fingerprint::default();
            rows.iter().for_each(|row| fingerprint.add(row.as_bytes()));
            Table { schema: "public".to_owned(), name: (*name).to_owned(), columns: "(id)".to_owned(), fingerprint }
        };
        Manifest {
            version: VERSION,
            name: BackupName::new("cats", started_at),
            job: None,
            started_at,
            finished_at: started_at,
            format: Format::Custom,
            compression: Compression::Zstd,
            level: 3,
            recipients: Vec::new(),
            selection: Selection::default(),
            source: Source::default(),
            tools: Tools::default(),
            files: Vec::new(),
            tables: tables.iter().map(table).collect(),
            sequences: Vec::new(),
            large_objects: None,
            images: None,
            stages: Vec::new(),
        }
    }

    #[test]
    fn tables_are_added_removed_and_changed() {
        let before =
            manifest(&[("same", &["1"]), ("gone", &["1", "2"]), ("changed", &["1", "2"]), ("shrunk", &["1", "2"])]);
        let mut after = manifest(&[("new", &["1"]), ("changed", &["1", "3"]), ("shrunk", &["1"]), ("same", &["1"])]);
        after.tables[2].columns = "(id, name)".to_owned();
        let diff = Diff::between(&before, &after);
        let told = |changes: &[TableChange]| -> Vec<(String, i64, bool)> {
            changes.iter().map(|change| (change.table.clone(), change.rows, change.has_other_columns)).collect()
        };
        assert_eq!(told(&diff.added), [("public.new".to_owned(), 1, false)]);
        assert_eq!(told(&diff.removed), [("public.gone".to_owned(), -2, false)]);
        assert_eq!(
            told(&diff.changed),
            [("public.changed".to_owned(), 0, false), ("public.shrunk".to_owned(), -1, true)]
        );
        assert_eq!((diff.rows.before, diff.rows.after), (7, 5));
        assert!(!diff.is_same_content());
    }

    #[test]
    fn the_same_is_the_same_however_it_is_ordered_and_stored() {
        let before = manifest(&[("a", &["1"]), ("b", &["2"])]);
        let mut after = manifest(&[("b", &["2"]), ("a", &["1"])]);
        after.large_objects = Some(Fingerprint::default());
        after.compression = Compression::Gzip;
        after.level = 6;
        let file = StoredFile {
            name: "x".to_owned(),
            role: FileRole::Globals,
            bytes: 10,
            raw_bytes: 20,
            sha256: String::new(),
        };
        after.files.push(file);
        let diff = Diff::between(&before, &after);
        assert!(diff.is_same_content());
        let options: Vec<_> =
            diff.options.iter().map(|it| (it.what.as_str(), it.before.as_str(), it.after.as_str())).collect();
        assert_eq!(options, [("compression", "zstd 3", "gzip 6"), ("globals", "false", "true")]);
        assert_eq!((diff.bytes.after, diff.raw_bytes.after), (10, 20));
        assert_eq!(diff.versions, []);
    }

    #[test]
    fn sequences_objects_and_versions_are_told() {
        let (mut before, mut after) = (manifest(&[]), manifest(&[]));
        let sequence = |name: &str, last_value, is_called| Sequence {
            schema: "public".to_owned(),
            name: name.to_owned(),
            last_value,
            is_called,
        };
        before.sequences = vec![sequence("a", 1, true), sequence("b", 1, false), sequence("c", 9, true)];
        after.sequences = vec![sequence("a", 1, true), sequence("b", 1, true), sequence("d", 4, true)];
        after.source.extensions.push(Extension { name: "hstore".to_owned(), version: "1.8".to_owned() });
        let mut objects = Fingerprint::default();
        objects.add(b"1\tx");
        after.large_objects = Some(objects);
        let diff = Diff::between(&before, &after);
        assert_eq!(
            diff.sequences,
            [
                Change::new("public.b", Some(1), Some(1)),
                Change::new("public.c", Some(9), None),
                Change::new("public.d", None, Some(4))
            ]
        );
        assert_eq!(diff.versions, [Change::new("extensions", String::new(), "hstore 1.8".to_owned())]);
        assert_eq!(diff.large_objects.map(|change| change.after), Some(objects));
        assert!(Diff::between(&after, &after).is_same_content());
    }
}
