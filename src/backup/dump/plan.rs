//! What a run is to make: the request, and for what it leaves open the configuration.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::backup::pipe::{Recipe, Recipients};
use crate::config;
use crate::model::backup::manifest::Source;
use crate::model::backup::{BackupName, BackupRequest, Compression, Format, Selection};
use crate::model::failure::{Failure, Kind, Result};

/// A request of which nothing is open any more.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub format: Format,
    /// How every file of the backup is made.
    pub recipe: Recipe,
    /// Connections that read pieces at once.
    pub jobs: usize,
    pub selection: Selection,
    pub globals: bool,
    pub with_images: bool,
}

impl Plan {
    /// Completes a request. A recipient that is no key stops the backup here, before anything is begun.
    pub fn of(settings: &config::Backup, request: &BackupRequest) -> Result<Self> {
        let compression = request.compression.unwrap_or(settings.compression);
        // The configured level is one of the configured compression.
        let configured = if compression == settings.compression { settings.level } else { 0 };
        let recipients = Recipients::parse(&settings.recipients)?;
        Ok(Self {
            format: request.format.unwrap_or(settings.format),
            recipe: Recipe {
                compression,
                level: level(compression, request.level.unwrap_or(configured))?,
                threads: settings.threads,
                recipients,
            },
            jobs: usize::from(request.jobs.unwrap_or(settings.jobs)).max(1),
            selection: request.selection.clone(),
            globals: request.globals.unwrap_or(settings.globals),
            with_images: request.with_images.unwrap_or(settings.with_images),
        })
    }

    /// What a file of the backup is called; `what` is `dump`, `0001.copy`, ...
    pub fn file_name(&self, name: &BackupName, what: &str) -> String {
        let encrypted = if self.recipe.recipients.keys().is_empty() { "" } else { ".age" };
        format!("{name}.{what}{}{encrypted}", self.recipe.compression.extension())
    }

    /// The arguments that tell `pg_dump` what to dump, and how. `rows_elsewhere` are patterns of
    /// the tables whose rows it leaves to us.
    pub fn arguments(&self, source: &Source, lock_wait: Duration, rows_elsewhere: &[String]) -> Vec<String> {
        let format = match self.format {
            Format::Plain => "plain",
            Format::Custom | Format::Directory => "custom",
        };
        let mut arguments = vec![
            format!("--format={format}"),
            "--compress=0".to_owned(),
            "--no-password".to_owned(),
            format!("--snapshot={}", source.snapshot),
            format!("--lock-wait-timeout={}", lock_wait.as_millis()),
            format!("--encoding={}", source.text_encoding()),
        ];
        let mut add = |option: &str, patterns: &[String]| {
            // One argument each, so that a pattern that begins with a dash is no option.
            arguments.extend(patterns.iter().map(|pattern| format!("--{option}={pattern}")));
        };
        add("table", &self.selection.tables);
        add("exclude-table", &self.selection.exclude_tables);
        add("schema", &self.selection.schemas);
        add("exclude-schema", &self.selection.exclude_schemas);
        add("exclude-table-data", rows_elsewhere);
        arguments
    }
}

/// The pattern that `pg_dump` matches with this table and no other.
pub(super) fn pattern(schema: &str, table: &str) -> String {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    format!("{}.{}", quoted(schema), quoted(table))
}

/// A level that there is; 0 stands for the usual one.
fn level(compression: Compression, asked: u8) -> Result<u8> {
    let usual = compression.usual_level();
    let levels: RangeInclusive<u8> = compression.levels();
    match asked {
        0 => Ok(usual),
        level if levels.contains(&level) => Ok(level),
        level => {
            let (name, least, most) = (compression.name(), levels.start(), levels.end());
            Err(Failure::new(Kind::Invalid, format!("compression {name} has no level {level}")).hint(if *most == 0 {
                format!("{name} has no levels")
            } else {
                format!("{least} to {most}, or 0 for {usual}")
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_the_usual_level_and_others_must_exist() {
        assert_eq!(level(Compression::Zstd, 0).unwrap(), 3);
        assert_eq!(level(Compression::Zstd, 19).unwrap(), 19);
        assert_eq!(level(Compression::Lz4, 0).unwrap(), 0);
        assert_eq!(level(Compression::Gzip, 9).unwrap(), 9);
        for (compression, asked) in [(Compression::Zstd, 20), (Compression::Gzip, 10), (Compression::None, 1)] {
            assert_eq!(level(compression, asked).unwrap_err().kind(), Kind::Invalid);
        }
    }

    #[test]
    fn patterns_match_one_table_whatever_it_is_called() {
        assert_eq!(pattern("public", "cats"), r#""public"."cats""#);
        assert_eq!(pattern("a.b", "c\"*\n?"), "\"a.b\".\"c\"\"*\n?\"");
    }

    #[test]
    fn filters_are_passed_as_they_are() {
        let plan = Plan {
            format: Format::Directory,
            recipe: Recipe { compression: Compression::Zstd, level: 3, threads: 0, recipients: Recipients::default() },
            jobs: 2,
            selection: Selection {
                tables: vec!["--c*".into()],
                exclude_schemas: vec!["\"X y\"".into()],
                ..Selection::default()
            },
            globals: false,
            with_images: false,
        };
        let source = Source { snapshot: "00000003-0000001B-1".into(), encoding: "UTF8".into(), ..Source::default() };
        let arguments = plan.arguments(&source, Duration::from_secs(60), &[pattern("s", "t")]);
        assert_eq!(
            arguments[3..],
            [
                "--snapshot=00000003-0000001B-1",
                "--lock-wait-timeout=60000",
                "--encoding=UTF8",
                "--table=--c*",
                "--exclude-schema=\"X y\"",
                "--exclude-table-data=\"s\".\"t\"",
            ]
        );
        let name = BackupName::new("cats", "2026-11-22T03:00:00Z".parse().unwrap());
        assert_eq!(plan.file_name(&name, "0001.copy"), "cats_20261122_030000Z.0001.copy.zst");
    }
}
