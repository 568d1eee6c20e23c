//! One backup: what it holds, how it was made, what its last drill found.

use chrono::{DateTime, Utc};

use super::amount::{bytes, counted, grouped, relative};
use super::backups::seconds;
use super::look::Look;
use super::section::section;
use super::table::Table;
use super::text::safe;
use crate::backup::shelf::Shelved;
use crate::model::backup::verdict::Difference;
use crate::model::backup::{Compression, DrillReport, Fingerprint, Manifest, Selection, Verdict};

/// Tables that are shown unless all are asked for.
pub const TABLES: usize = 10;

/// The backup with its `tables` largest tables.
#[must_use]
pub fn show(shelved: &Shelved, place: &str, tables: usize, now: DateTime<Utc>, look: &Look) -> String {
    let mut lines = vec![look.heading(&safe(shelved.name.as_str()))];
    if let Some(problem) = &shelved.problem {
        lines.push(format!("  {}", look.bad(&safe(problem))));
    }
    lines.push(fact("where", place));
    let made = shelved.name.moment();
    lines.push(fact("made", &format!("{}, {}", made.format("%Y-%m-%d %H:%M:%S UTC"), relative(made, now))));
    if let Some(manifest) = &shelved.manifest {
        lines.extend(facts(manifest));
    }
    lines.push(format!("  {:<11}{}", "verdict", verdict(shelved, look)));
    if let Some(manifest) = &shelved.manifest {
        section(&mut lines, "Files", files(manifest, look), look);
        section(&mut lines, &title(manifest, tables), largest(manifest, tables, look), look);
        section(&mut lines, "Stages", stages(&manifest.stages), look);
    }
    if let Some(drill) = &shelved.drill {
        section(&mut lines, "Last drill", of_drill(drill, now), look);
        section(&mut lines, "Came back otherwise", drill.differences.iter().map(difference).collect(), look);
    }
    lines.join("\n") + "\n"
}

fn fact(name: &str, value: &str) -> String {
    format!("  {name:<11}{}", safe(value))
}

fn facts(manifest: &Manifest) -> Vec<String> {
    let Manifest { source, tools, .. } = manifest;
    let major = source.server_version / 10_000;
    let level = match manifest.compression {
        Compression::None | Compression::Lz4 => String::new(),
        Compression::Gzip | Compression::Zstd => format!(" {}", manifest.level),
    };
    let ratio = manifest.raw_bytes() as f64 / manifest.bytes().max(1) as f64;
    let mut lines = vec![
        fact("database", &format!("{} on PostgreSQL {major}, {}", source.database, bytes(source.bytes))),
        fact("layout", &format!("{}, {}{level}", manifest.format.name(), manifest.compression.name())),
        fact("size", &format!("{}, {ratio:.1} times smaller than the dump", bytes(manifest.bytes()))),
        fact(
            "rows",
            &format!("{} in {}", grouped(manifest.rows()), counted(manifest.tables.len() as u64, "table", "tables")),
        ),
        fact("took", &seconds(manifest.seconds())),
        fact("made by", &format!("repo-to-cat {}, pg_dump {}", tools.repo_to_cat, tools.pg_dump)),
    ];
    lines.extend(manifest.job.map(|job| fact("job", &job.to_string())));
    lines.extend((!manifest.selection.is_everything()).then(|| fact("part", &part(&manifest.selection))));
    lines.extend(manifest.recipients.iter().map(|key| fact("encrypted", &format!("to {key}"))));
    if let Some(objects) = manifest.large_objects {
        lines.push(fact("objects", &counted(objects.rows, "large object", "large objects")));
    }
    if let Some(images) = manifest.images {
        let place = if images.copied { "in the backup, too" } else { "in their own store only" };
        lines.push(fact("pictures", &format!("{}, {place}", grouped(images.count))));
    }
    lines
}

fn part(selection: &Selection) -> String {
    let Selection { tables, exclude_tables, schemas, exclude_schemas } = selection;
    let each = [("-t", tables), ("-T", exclude_tables), ("-n", schemas), ("-N", exclude_schemas)];
    let words = each.into_iter().flat_map(|(flag, patterns)| patterns.iter().map(move |it| format!("{flag} {it}")));
    words.collect::<Vec<_>>().join(" ")
}

fn verdict(shelved: &Shelved, look: &Look) -> String {
    let name = shelved.verdict().name();
    let word = match shelved.verdict() {
        Verdict::Verified => look.good(name),
        Verdict::Failed => look.bad(name),
        Verdict::Unverified | Verdict::Unverifiable => look.fair(name),
    };
    match shelved.drill.as_ref().and_then(|drill| drill.reason.as_ref()) {
        Some(reason) => format!("{word}: {}", safe(reason)),
        None => word,
    }
}

fn files(manifest: &Manifest, look: &Look) -> Vec<String> {
    let mut table = Table::new(["Name", "Holds", "Size", "SHA-256"]).whole(0).numbers(2);
    for file in &manifest.files {
        let sum = file.sha256.get(..12).unwrap_or(&file.sha256);
        table.row([file.name.clone(), manifest.holds(file), bytes(file.bytes), format!("{sum}…")]);
    }
    indented(table, look)
}

fn title(manifest: &Manifest, tables: usize) -> String {
    let all = manifest.tables.len();
    if all <= tables { "Tables".to_owned() } else { format!("Largest tables, {tables} of {all}; --all shows the rest") }
}

fn largest(manifest: &Manifest, most: usize, look: &Look) -> Vec<String> {
    if manifest.tables.is_empty() {
        return Vec::new();
    }
    let mut tables: Vec<_> = manifest.tables.iter().collect();
    tables.sort_by_key(|table| std::cmp::Reverse(table.fingerprint.bytes));
    let mut shown = Table::new(["Table", "Rows", "Text", "Content"]).whole(0).numbers(1).numbers(2);
    for table in tables.into_iter().take(most) {
        let Fingerprint { rows, bytes: size, hash } = table.fingerprint;
        let name = format!("{}.{}", table.schema, table.name);
        shown.row([name, grouped(rows), bytes(size), format!("{:08x}…", hash.0 >> 96)]);
    }
    indented(shown, look)
}

/// The lines of a table that stands in a section.
fn indented(table: Table, look: &Look) -> Vec<String> {
    let narrower = Look { width: look.width.saturating_sub(2), ..*look };
    table.render(&narrower).lines().map(str::to_owned).collect()
}

fn stages(stages: &[(String, f64)]) -> Vec<String> {
    stages.iter().map(|(name, time)| format!("{:<14}{}", safe(name), seconds(*time))).collect()
}

fn of_drill(drill: &DrillReport, now: DateTime<Utc>) -> Vec<String> {
    let took = (drill.finished_at - drill.started_at).as_seconds_f64().max(0.0);
    let mut lines = vec![
        format!("{}, took {}", relative(drill.started_at, now), seconds(took)),
        format!(
            "{} of {} compared, {} fetched, {} of disk used",
            counted(drill.rows, "row", "rows"),
            counted(drill.tables, "table", "tables"),
            bytes(drill.fetched_bytes),
            bytes(drill.scratch_bytes)
        ),
    ];
    lines.extend(drill.restore_seconds.map(|time| format!("restoring alone took {}", seconds(time))));
    lines.extend((drill.images > 0).then(|| format!("{} looked for", counted(drill.images, "picture", "pictures"))));
    lines.extend(stages(&drill.stages));
    lines
}

fn difference(difference: &Difference) -> String {
    let rows = |of: &Fingerprint| format!("{} ({:08x}…)", counted(of.rows, "row", "rows"), of.hash.0 >> 96);
    safe(&match difference {
        Difference::Rows { table, expected, found: Some(found) } => {
            format!("table {table}: {} became {}", rows(expected), rows(found))
        }
        Difference::Rows { table, expected, found: None } => {
            format!("table {table}: {} did not come back", rows(expected))
        }
        Difference::Sequence { sequence, expected, found } => {
            format!("sequence {sequence}: {expected} became {}", found.as_deref().unwrap_or("nothing"))
        }
        Difference::LargeObjects { expected, found } => {
            format!("large objects: {} became {}", rows(expected), rows(found))
        }
        Difference::Missing { object } => format!("{object} is missing"),
        Difference::Picture { key } => format!("picture {key} is not in its store"),
        Difference::Damage { words } => format!("damage: {words}"),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::model::backup::fingerprint::Hash128;
    use crate::model::backup::manifest::{FileRole, Images, Source, StoredFile, Table as Of, Tools};
    use crate::model::backup::{BackupName, Format};

    pub fn fingerprint(rows: u64) -> Fingerprint {
        Fingerprint { rows, bytes: rows * 100, hash: Hash128(u128::from(rows) << 97) }
    }

    pub fn manifest(moment: &str) -> Manifest {
        let started_at = moment.parse().unwrap();
        let name = BackupName::new("cats", started_at);
        let file = |ending: &str, role, bytes| StoredFile {
            name: format!("{name}.{ending}"),
            role,
            bytes,
            raw_bytes: bytes * 4,
            sha256: "0123456789abcdef".repeat(4),
        };
        let table = |name: &str, rows| Of {
            schema: "public".into(),
            name: name.into(),
            columns: "(id)".into(),
            fingerprint: fingerprint(rows),
        };
        Manifest {
            version: 1,
            job: Some(uuid::Uuid::from_u128(7)),
            started_at,
            finished_at: started_at + chrono::TimeDelta::milliseconds(2_500),
            format: Format::Directory,
            compression: Compression::Zstd,
            level: 3,
            recipients: vec![],
            selection: Selection::default(),
            source: Source { database: "cats".into(), server_version: 150_018, bytes: 9_000_000, ..Source::default() },
            tools: Tools { repo_to_cat: "0.1.0".into(), pg_dump: "15.18".into() },
            files: vec![
                file("dump.zst", FileRole::Archive, 30_000),
                file("0001.copy.zst", FileRole::Piece { table: 1 }, 1_000_000),
            ],
            tables: vec![table("users", 3), table("generations", 41_000), table("weird\u{1b}[2J", 0)],
            sequences: vec![],
            large_objects: None,
            images: Some(Images { count: 41_000, copied: false }),
            stages: vec![("preflight".into(), 0.2), ("dump".into(), 2.3)],
            name,
        }
    }

    fn drill(name: &BackupName, verdict: Verdict) -> DrillReport {
        let started_at = name.moment() + chrono::TimeDelta::minutes(1);
        let differences = vec![
            Difference::Rows { table: "public.users".into(), expected: fingerprint(3), found: Some(fingerprint(2)) },
            Difference::Rows { table: "public.gone".into(), expected: fingerprint(1), found: None },
            Difference::Sequence { sequence: "public.ids".into(), expected: "7, given".into(), found: None },
            Difference::LargeObjects { expected: fingerprint(1), found: fingerprint(0) },
            Difference::Missing { object: "INDEX public generations_pkey".into() },
            Difference::Picture { key: "images/v1/aa".into() },
            Difference::Damage { words: "heap table \"public.users\", block 0: bad".into() },
        ];
        let is_failed = verdict == Verdict::Failed;
        DrillReport {
            backup: name.clone(),
            job: None,
            started_at,
            finished_at: started_at + chrono::TimeDelta::seconds(9),
            verdict,
            reason: is_failed.then(|| "2 tables came back otherwise".into()),
            differences: if is_failed { differences } else { vec![] },
            tables: 3,
            rows: 41_003,
            images: 12,
            fetched_bytes: 1_030_000,
            scratch_bytes: 60_000_000,
            restore_seconds: Some(4.2),
            stages: vec![("fetch".into(), 0.8), ("restore".into(), 4.2)],
            server_version: Some(150_018),
        }
    }

    pub fn shelved(moment: &str, verdict: Verdict) -> Shelved {
        let manifest = manifest(moment);
        let drill = (verdict != Verdict::Unverified).then(|| drill(&manifest.name, verdict));
        Shelved { name: manifest.name.clone(), manifest: Some(manifest), drill, problem: None }
    }

    pub fn spoilt(moment: &str) -> Shelved {
        let problem = Some("manifest.json cannot be read: EOF while parsing an object at line 1 column 1".into());
        Shelved { manifest: None, problem, ..shelved(moment, Verdict::Unverified) }
    }

    #[test]
    fn a_backup_reads_like_this() {
        let (moment, now) = ("2026-11-21T03:00:00Z", "2026-11-22T12:00:00Z".parse().unwrap());
        let look = Look::plain();
        let mut partial = shelved(moment, Verdict::Failed);
        let manifest = partial.manifest.as_mut().unwrap();
        manifest.recipients = vec!["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p".into()];
        manifest.selection.tables = vec!["public.*".into()];
        insta::assert_snapshot!(format!(
            "{}\n{}\n{}",
            show(&shelved(moment, Verdict::Verified), "s3://cats/prod", 2, now, &look),
            show(&partial, "/backups", TABLES, now, &look),
            show(&spoilt(moment), "/backups", TABLES, now, &look)
        ));
    }
}
