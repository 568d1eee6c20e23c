//! `jobs ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use std::time::Duration;

use clap::{Args, Subcommand};
use uuid::Uuid;

use super::Page;
use super::values::{error_class, id, job_kind, job_state};
use crate::model::failure::ErrorClass;
use crate::model::job::{JobKind, JobState};
use crate::model::when::{When, span};

/// `jobs ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum Jobs {
    /// List jobs, the newest first
    #[command(
        after_help = "Examples:\n  repo-to-cat jobs list\n  repo-to-cat jobs list --state running,parked --limit 20\n  repo-to-cat jobs list --text owner/name --since 2h\n  repo-to-cat jobs list --json --after CURSOR"
    )]
    List(JobListing),
    /// Show one job with its steps, attempts and errors
    #[command(after_help = "Examples:\n  repo-to-cat jobs show 0198c0de-0000-7000-8000-000000000000")]
    Show {
        /// Id of the job
        #[arg(value_parser = id)]
        id: Uuid,
    },
    /// Run jobs again: discarded ones, or others by --state or id
    #[command(
        after_help = "Examples:\n  repo-to-cat jobs retry 0198c0de-0000-7000-8000-000000000000\n  repo-to-cat jobs retry --text 'host is down' --since 2h --dry-run\n  repo-to-cat jobs retry --all\n\nDiscarded and cancelled jobs are reopened under their ids with all their attempts; scheduled and parked ones wait no longer. Completed jobs stay so: enqueue their repositories again."
    )]
    Retry(JobSelection),
    /// Cancel jobs; running ones stop within seconds
    #[command(
        after_help = "Examples:\n  repo-to-cat jobs cancel 0198c0de-0000-7000-8000-000000000000\n  repo-to-cat jobs cancel --tag nightly --state available,scheduled\n  repo-to-cat jobs cancel --all --dry-run"
    )]
    Cancel(JobSelection),
    /// Give jobs up: like cancel, but to the discarded ones
    #[command(
        after_help = "Examples:\n  repo-to-cat jobs discard 0198c0de-0000-7000-8000-000000000000\n  repo-to-cat jobs discard --state parked"
    )]
    Discard(JobSelection),
    /// Give waiting jobs another priority
    #[command(
        after_help = "Examples:\n  repo-to-cat jobs reprioritize --priority 50 0198c0de-0000-7000-8000-000000000000\n  repo-to-cat jobs reprioritize --priority -20 --tag nightly\n\nA point of priority is worth 6 seconds of waiting."
    )]
    Reprioritize {
        /// From -100 to 100
        #[arg(long, value_parser = clap::value_parser!(i16).range(-100..=100), allow_negative_numbers = true, value_name = "N")]
        priority: i16,
        /// Which.
        #[command(flatten)]
        selection: JobSelection,
    },
    /// Give scheduled and available jobs another time
    #[command(
        after_help = "Examples:\n  repo-to-cat jobs reschedule --at 2h 0198c0de-0000-7000-8000-000000000000\n  repo-to-cat jobs reschedule --at 2027-01-31T09:00:00Z --tag nightly\n\nA time that has passed means at once."
    )]
    Reschedule {
        /// When they may start: RFC 3339, or a wait such as 10m or 2h
        #[arg(long, value_name = "WHEN")]
        at: When,
        /// Which.
        #[command(flatten)]
        selection: JobSelection,
    },
}

/// Which part of which jobs to list.
#[derive(Debug, Clone, Args)]
pub struct JobListing {
    /// Which jobs.
    #[command(flatten)]
    pub filter: JobFilter,
    /// Which part of the list.
    #[command(flatten)]
    pub page: Page,
}

/// Which jobs.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Which jobs")]
pub struct JobFilter {
    /// In one of these states, separated by commas
    #[arg(long = "state", value_parser = job_state(), value_delimiter = ',', value_name = "STATES")]
    pub states: Vec<JobState>,
    /// Of this kind
    #[arg(long, value_parser = job_kind(), value_name = "KIND")]
    pub kind: Option<JobKind>,
    /// Of the user with this name, address or id
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// With this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// With this text in the URL or elsewhere in what they are to do, or in an error
    #[arg(long, value_parser = clap::builder::NonEmptyStringValueParser::new(), value_name = "TEXT")]
    pub text: Option<String>,
    /// Enqueued at this time or later: RFC 3339, or an age such as 10m or 2h
    #[arg(long, value_name = "WHEN")]
    pub since: Option<When>,
    /// Enqueued before this time
    #[arg(long, value_name = "WHEN")]
    pub until: Option<When>,
    /// Ended at this time or later
    #[arg(long, value_name = "WHEN")]
    pub ended_since: Option<When>,
    /// Whose last attempt that failed failed for this; none: nobody told why
    #[arg(long, value_parser = error_class(), value_name = "CLASS")]
    pub error_class: Option<ErrorClass>,
    /// Whose last attempt took, or takes, longer: 500ms, 90s, 10m
    #[arg(long, value_parser = span, value_name = "TIME")]
    pub longer_than: Option<Duration>,
    /// Whose last attempt took, or takes, not so long
    #[arg(long, value_parser = span, value_name = "TIME")]
    pub shorter_than: Option<Duration>,
}

/// Which jobs to change.
#[derive(Debug, Clone, Args)]
pub struct JobSelection {
    /// Ids of the jobs
    #[arg(value_name = "ID", value_parser = id)]
    pub ids: Vec<Uuid>,
    /// All that it is meant for
    #[arg(long, conflicts_with = "ids")]
    pub all: bool,
    /// Only say how many there are
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Or which.
    #[command(flatten)]
    pub filter: JobFilter,
}
