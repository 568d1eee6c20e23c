//! `migrate adopt`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use std::path::PathBuf;

use clap::{Args, ValueHint};

/// What stands below its help.
pub(super) const EXAMPLES: &str = "Examples:\n  repo-to-cat migrate adopt --dry-run\n  repo-to-cat migrate adopt --pictures ./generated_images\n  DATABASE_URL=postgresql://repo_user:repo_password@localhost:5434/repo_to_cat repo-to-cat migrate adopt --yes\n\nEvery row stays, with every value; only the path of a picture that is taken into the store becomes its key there. Whatever ends it half-way: type the same again, and it goes on where it was.\n\nExits with 5 if the user of the database may not do it, 6 if it is no database of the application's, 7 if somebody else keeps a table locked.";

/// `migrate adopt`.
#[derive(Debug, Clone, Args)]
pub struct Adopt {
    /// Only tell what would be done, and what is odd in the rows
    #[arg(long)]
    pub dry_run: bool,
    /// Take the application's pictures into the store: the folder that they are in
    #[arg(long, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub pictures: Option<PathBuf>,
    /// How long to wait for a table that others have locked before they go first again; tried 5 times
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub lock_timeout: u64,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}
