//! `generations ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use uuid::Uuid;

use super::Page;
use super::values::id;
use crate::model::containment::Holds;
use crate::model::when::When;

/// `generations ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum Generations {
    /// List cats, the newest first
    #[command(
        after_help = "Examples:\n  repo-to-cat generations list\n  repo-to-cat generations list --repository owner/name --limit 5\n  repo-to-cat generations list --owner owner --min-score 7.5 --since 30d\n  repo-to-cat generations list --attribute size=large --attribute breed=maine_coon\n  repo-to-cat generations list --analysis metrics.has_tests=false --language Go"
    )]
    List(GenerationListing),
    /// Show one cat: why it looks so, its story, its picture
    #[command(after_help = "Examples:\n  repo-to-cat generations show 0198c0de-0000-7000-8000-000000000000")]
    Show {
        /// Id of the generation, which is its job's
        #[arg(value_parser = id)]
        id: Uuid,
    },
    /// Put the picture into a file, or say where it is
    #[command(
        after_help = "Examples:\n  repo-to-cat generations open 0198c0de-0000-7000-8000-000000000000\n  repo-to-cat generations open 0198c0de-0000-7000-8000-000000000000 --original -o cat.png"
    )]
    Open {
        /// Id of the generation
        #[arg(value_parser = id)]
        id: Uuid,
        /// The picture without the caption
        #[arg(long)]
        original: bool,
        /// Copy it here
        #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
    },
    /// Write cats into a file, all that the database knows of each
    #[command(
        after_help = "Examples:\n  repo-to-cat generations export -o cats.ndjson\n  repo-to-cat generations export -o cats.csv --language Rust --min-score 8\n  repo-to-cat generations export | jq -c '{github_url, code_quality_score}'\n\nThe newest comes first, all as of one moment. A column without a value is left out of a JSON line and empty without quotes in CSV; the pictures are not in the file."
    )]
    Export(GenerationExport),
    /// Read cats back from a file that export wrote: all of them or none
    #[command(
        after_help = "Examples:\n  repo-to-cat generations import cats.ndjson --dry-run\n  repo-to-cat generations import cats.csv --without-users\n  zcat cats.ndjson.gz | repo-to-cat generations import -\n\nCats that are there already, the same in every column, are passed over. Of what is wrong, the line and the column are told."
    )]
    Import(GenerationImport),
    /// Delete cats; pictures that no other cat has are removed, too, fresh ones later
    #[command(after_help = "Examples:\n  repo-to-cat generations delete 0198c0de-0000-7000-8000-000000000000")]
    Delete {
        /// Ids of the generations
        #[arg(required = true, value_name = "ID", value_parser = id)]
        ids: Vec<Uuid>,
    },
}

/// Which part of which cats to list.
#[derive(Debug, Clone, Args)]
pub struct GenerationListing {
    /// Which cats.
    #[command(flatten)]
    pub filter: GenerationFilter,
    /// Which part of the list.
    #[command(flatten)]
    pub page: Page,
}

/// Which cats.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which cats")]
pub struct GenerationFilter {
    /// Of this repository: `owner/name`, or its URL
    #[arg(long, value_name = "REPO", conflicts_with_all = ["owner", "name"])]
    pub repository: Option<String>,
    /// Of this owner's repositories
    #[arg(long, value_name = "OWNER")]
    pub owner: Option<String>,
    /// Of repositories with this name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Of the repository with exactly this URL
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// In this primary language
    #[arg(long, value_name = "NAME")]
    pub language: Option<String>,
    /// With this score or a higher one
    #[arg(long, value_parser = score, allow_negative_numbers = true, value_name = "SCORE")]
    pub min_score: Option<f64>,
    /// With this score or a lower one
    #[arg(long, value_parser = score, allow_negative_numbers = true, value_name = "SCORE")]
    pub max_score: Option<f64>,
    /// With this attribute; the value is JSON or a word, keys are nested by dots. May be given several times
    #[arg(long = "attribute", value_name = "KEY=VALUE")]
    pub attributes: Vec<Holds>,
    /// With this in the analysis, such as metrics.has_tests=true. May be given several times
    #[arg(long, value_name = "KEY=VALUE")]
    pub analysis: Vec<Holds>,
    /// Made at this time or later: RFC 3339, or an age such as 10m or 2h
    #[arg(long, value_name = "WHEN")]
    pub since: Option<When>,
    /// Made before this time
    #[arg(long, value_name = "WHEN")]
    pub until: Option<When>,
}

/// How a file of cats is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// A JSON object a line.
    Ndjson,
    /// Comma-separated values (RFC 4180) with a header; JSON columns as text.
    Csv,
}

/// `generations export`.
#[derive(Debug, Clone, Args)]
pub struct GenerationExport {
    /// The file to write; - is standard output
    #[arg(short, long, default_value = "-", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: PathBuf,
    /// How to write it; if left out, CSV for names that end in .csv, else ndjson
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<FileFormat>,
    /// Which cats.
    #[command(flatten)]
    pub filter: GenerationFilter,
}

/// What to do with a cat whose id another one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OnTaken {
    /// Import nothing at all.
    Fail,
    /// Leave it out.
    Skip,
}

/// `generations import`.
#[derive(Debug, Clone, Args)]
pub struct GenerationImport {
    /// The file to read; - is standard input
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// How it is written; if left out, CSV for names that end in .csv, else ndjson
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<FileFormat>,
    /// Only check the file, and say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// What to do where the database has another cat with the same id
    #[arg(long, value_enum, default_value_t = OnTaken::Fail, value_name = "WHAT")]
    pub on_conflict: OnTaken,
    /// Leave out who asked for a cat, where this database does not know them
    #[arg(long)]
    pub without_users: bool,
}

fn score(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(score) if score.is_finite() => Ok(score),
        _ => Err("a score is a number, as in 7.5".to_owned()),
    }
}
