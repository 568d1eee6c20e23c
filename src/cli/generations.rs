//! `generations ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use uuid::Uuid;

use super::Page;
use super::values::id;

/// `generations ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum Generations {
    /// List cats, the newest first
    #[command(
        after_help = "Examples:\n  repo-to-cat generations list\n  repo-to-cat generations list --repository owner/name --limit 5"
    )]
    List(GenerationFilter),
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
    /// Delete cats; pictures that no other cat has are removed, too, fresh ones later
    #[command(after_help = "Examples:\n  repo-to-cat generations delete 0198c0de-0000-7000-8000-000000000000")]
    Delete {
        /// Ids of the generations
        #[arg(required = true, value_name = "ID", value_parser = id)]
        ids: Vec<Uuid>,
    },
}

/// Which cats to list.
#[derive(Debug, Clone, Args)]
pub struct GenerationFilter {
    /// Only this repository: `owner/name`, or its URL
    #[arg(long, value_name = "REPO")]
    pub repository: Option<String>,
    /// Only this primary language
    #[arg(long, value_name = "NAME")]
    pub language: Option<String>,
    /// Which part of the list.
    #[command(flatten)]
    pub page: Page,
}
