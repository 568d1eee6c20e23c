//! What a backup is asked to be; the payloads of backup and drill jobs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::backup::BackupName;

/// The payload of a backup job. What is left out is as the configuration says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupRequest {
    /// A database of the configured server; ours where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// How it is laid out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// How it is compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// How hard it is compressed; what is allowed depends on the compression.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
    /// Connections that read at once; directory format only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 64)]
    pub jobs: Option<u8>,
    /// Which part of the database.
    #[serde(default, skip_serializing_if = "Selection::is_everything")]
    pub selection: Selection,
    /// Whether roles and tablespaces of the whole server are added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub globals: Option<bool>,
    /// Whether the pictures that its rows name are copied beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_images: Option<bool>,
    /// Whether a drill follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<bool>,
}

/// The payload of a drill job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrillRequest {
    /// Which backup; the latest of `database` where it is absent, as a schedule asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backup: Option<BackupName>,
    /// A database of the configured server; ours where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
}

/// How a dump is laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BackupFormat)]
pub enum Format {
    /// SQL, for psql.
    Plain,
    /// `pg_dump`'s own archive, for `pg_restore`; restored in parallel and by table.
    #[default]
    Custom,
    /// An archive and, beside it, large tables in pieces that are read in parallel.
    Directory,
}

/// How a dump is compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, clap::ValueEnum, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// For those who have nothing else.
    Gzip,
    /// The quickest.
    Lz4,
    /// Quick and small.
    #[default]
    Zstd,
}

impl Format {
    /// The name in JSON, in configuration and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Custom => "custom",
            Self::Directory => "directory",
        }
    }

    /// What the name of the main file ends with, before the compression's own ending.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Plain => "sql",
            Self::Custom | Self::Directory => "dump",
        }
    }
}

impl Compression {
    /// The name in JSON, in configuration and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// What a file's name ends with, dot included.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Lz4 => ".lz4",
            Self::Zstd => ".zst",
        }
    }

    /// The levels that there are, from the quickest to the smallest.
    #[must_use]
    pub const fn levels(self) -> std::ops::RangeInclusive<u8> {
        match self {
            Self::None | Self::Lz4 => 0..=0,
            Self::Gzip => 1..=9,
            Self::Zstd => 1..=19,
        }
    }

    /// The level that is meant where none is asked for: as small as `gzip` makes it, as quickly as that goes.
    #[must_use]
    pub const fn usual_level(self) -> u8 {
        match self {
            Self::None | Self::Lz4 => 0,
            Self::Gzip => 6,
            Self::Zstd => 3,
        }
    }
}

/// Which part of a database, by `pg_dump`'s patterns.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Selection {
    /// Only these tables (`-t`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<String>,
    /// All but these tables (`-T`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_tables: Vec<String>,
    /// Only these schemas (`-n`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub schemas: Vec<String>,
    /// All but these schemas (`-N`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_schemas: Vec<String>,
}

impl Selection {
    /// Whether nothing is left out.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}
