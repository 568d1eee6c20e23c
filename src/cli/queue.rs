//! `queue ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use clap::{Args, Subcommand};

use super::values::job_kind;
use crate::model::job::JobKind;

/// `queue ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum Queue {
    /// Show how the queue does: depth, waits, pace, workers, limits
    #[command(
        after_help = "Examples:\n  repo-to-cat queue stats\n  repo-to-cat queue stats --kind generation --json\n\nA figure with ~ before it is an estimate: nothing is counted that runs into hundreds of thousands."
    )]
    Stats {
        /// Of this kind only
        #[arg(long, value_parser = job_kind(), value_name = "KIND")]
        kind: Option<JobKind>,
    },
    /// List the workers that are registered
    #[command(after_help = "Examples:\n  repo-to-cat queue workers")]
    Workers,
    /// Start no more jobs of a kind; those that run go on
    #[command(after_help = "Examples:\n  repo-to-cat queue pause generation --because 'the disk is full'")]
    Pause {
        /// The kind
        #[arg(value_parser = job_kind())]
        kind: JobKind,
        /// Why, for those who wonder
        #[arg(long, value_name = "TEXT")]
        because: Option<String>,
    },
    /// Start jobs of a kind again
    #[command(after_help = "Examples:\n  repo-to-cat queue resume generation")]
    Resume {
        /// The kind
        #[arg(value_parser = job_kind())]
        kind: JobKind,
    },
    /// Limit how many jobs of a kind run, over all hosts
    #[command(
        after_help = "Examples:\n  repo-to-cat queue limit generation --max-running 20\n  repo-to-cat queue limit generation --key '*' --max-running 4 --rate 30/60\n  repo-to-cat queue limit generation --none\n\nA limit takes the place of the one that the kind, or the key, had before."
    )]
    Limit(QueueLimit),
    /// List the limits, and what is used of them
    #[command(after_help = "Examples:\n  repo-to-cat queue limits")]
    Limits,
}

/// `queue limit`.
#[derive(Debug, Clone, Args)]
pub struct QueueLimit {
    /// The kind
    #[arg(value_parser = job_kind())]
    pub kind: JobKind,
    /// For jobs with this limit key; *: for each limit key by itself
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new(), value_name = "KEY")]
    pub key: Option<String>,
    /// Jobs that may run at once
    #[arg(long, value_parser = clap::value_parser!(i32).range(0..), value_name = "N", required_unless_present_any = ["rate", "none"])]
    pub max_running: Option<i32>,
    /// Jobs that may be started in so many seconds
    #[arg(long, value_parser = rate, value_name = "N/SECONDS")]
    pub rate: Option<(i32, i32)>,
    /// Remove the limit
    #[arg(long, conflicts_with_all = ["max_running", "rate"])]
    pub none: bool,
}

fn rate(text: &str) -> Result<(i32, i32), String> {
    let positive = |text: &str| text.parse().ok().filter(|number| *number > 0);
    text.split_once('/')
        .and_then(|(count, seconds)| Some((positive(count)?, positive(seconds)?)))
        .ok_or_else(|| "write N/SECONDS as in 30/60: 30 jobs a minute".to_owned())
}
