//! `schedules ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use crate::model::schedule::{Missed, Overlap};
use crate::model::when::When;

/// `schedules ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum Schedules {
    /// List schedules by name, with their next slots
    #[command(after_help = "Examples:\n  repo-to-cat schedules list\n  repo-to-cat schedules list --json")]
    List,
    /// Show one schedule with its next five slots and what became of the last ones
    #[command(after_help = "Examples:\n  repo-to-cat schedules show nightly-cat")]
    Show {
        /// Name of the schedule
        name: String,
    },
    /// Add a schedule
    #[command(
        after_help = "Examples:\n  repo-to-cat schedules add nightly-cat --cron '30 2 * * *' --zone Europe/Berlin --repository https://github.com/owner/name\n  repo-to-cat schedules add often --cron '@every 90s' --repository https://github.com/owner/name --overlap queue\n  repo-to-cat schedules add weekly --cron @weekly --jitter 10m --payload '{\"github_url\":\"https://github.com/owner/name\",\"ref\":\"main\"}'"
    )]
    Add {
        /// Name of the schedule: 1 to 64 of a-z, 0-9, - and _ and .
        name: String,
        /// When: minute hour day month weekday, @daily and the like, or @every 90s
        #[arg(long, value_name = "EXPRESSION")]
        cron: String,
        /// What else it is like.
        #[command(flatten)]
        options: Box<ScheduleOptions>,
        /// Add it paused
        #[arg(long)]
        paused: bool,
    },
    /// Change a schedule; what is left out stays
    #[command(
        after_help = "Examples:\n  repo-to-cat schedules edit nightly-cat --cron '0 3 * * mon-fri'\n  repo-to-cat schedules edit nightly-cat --missed skip --jitter 5m\n\nIt holds until the declaration in the configuration changes, if there is one."
    )]
    Edit {
        /// Name of the schedule
        name: String,
        /// When: minute hour day month weekday, @daily and the like, or @every 90s
        #[arg(long, value_name = "EXPRESSION")]
        cron: Option<String>,
        /// What else it is like.
        #[command(flatten)]
        options: Box<ScheduleOptions>,
    },
    /// Pause schedules; slots that come meanwhile are not made up for
    #[command(after_help = "Examples:\n  repo-to-cat schedules pause nightly-cat")]
    Pause(ScheduleNames),
    /// Let paused or withdrawn schedules fire again, from their next slots on
    #[command(after_help = "Examples:\n  repo-to-cat schedules resume nightly-cat")]
    Resume(ScheduleNames),
    /// Enqueue the job of a schedule at once, beside its slots
    #[command(after_help = "Examples:\n  repo-to-cat schedules run-now nightly-cat")]
    RunNow {
        /// Name of the schedule
        name: String,
    },
    /// Delete schedules with the record of their slots; their jobs stay
    #[command(
        after_help = "Examples:\n  repo-to-cat schedules delete nightly-cat\n\nOne that the configuration declares comes back when a scheduler starts."
    )]
    Delete(ScheduleNames),
}

/// Which schedules to change.
#[derive(Debug, Clone, Args)]
pub struct ScheduleNames {
    /// Names of the schedules
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// What a schedule is like, but for when.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct ScheduleOptions {
    /// IANA time zone of the expression [default: UTC]
    #[arg(long, value_name = "ZONE")]
    pub zone: Option<String>,
    /// The repository whose cat is made
    #[arg(long, value_name = "URL", conflicts_with_all = ["kind", "payload"])]
    pub repository: Option<String>,
    /// Branch, tag or commit of --repository
    #[arg(long = "ref", value_name = "REF", requires = "repository")]
    pub reference: Option<String>,
    /// What sort of jobs it makes [default: generation]
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// What its jobs are to do, as a JSON object
    #[arg(long, value_name = "JSON")]
    pub payload: Option<String>,
    /// -100 to 100; higher runs first [default: 0]
    #[arg(long, value_parser = clap::value_parser!(i16).range(-100..=100), allow_negative_numbers = true, value_name = "N")]
    pub priority: Option<i16>,
    /// Attempts before a job is discarded, 1 to 100 [default: worker.max_attempts]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100), value_name = "N")]
    pub max_attempts: Option<u16>,
    /// What the unique keys of its jobs begin with, the slot's time follows; empty: no keys
    #[arg(long, value_name = "PREFIX")]
    pub key_prefix: Option<String>,
    /// Slots that came while no scheduler ran: none of them, one job for all, or the latest --missed-limit [default: once]
    #[arg(long, value_parser = missed(), value_name = "POLICY")]
    pub missed: Option<Missed>,
    /// How many missed slots run with --missed all [default: 10]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=100), value_name = "N")]
    pub missed_limit: Option<u16>,
    /// A slot that comes before the job of an earlier one is finished [default: skip]
    #[arg(long, value_parser = overlap(), value_name = "POLICY")]
    pub overlap: Option<Overlap>,
    /// A slot fires up to so much late, as in 90s or 5m [default: 0s]
    #[arg(long, value_parser = jitter, value_name = "TIME")]
    pub jitter: Option<u32>,
}

fn missed() -> impl TypedValueParser<Value = Missed> {
    PossibleValuesParser::new(Missed::ALL.iter().map(|word| word.name()))
        .try_map(|name| Missed::from_name(&name).ok_or("no such policy"))
}

fn overlap() -> impl TypedValueParser<Value = Overlap> {
    PossibleValuesParser::new(Overlap::ALL.iter().map(|word| word.name()))
        .try_map(|name| Overlap::from_name(&name).ok_or("no such policy"))
}

fn jitter(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(When::In(time)) if time.num_seconds() <= 86_400 => Ok(time.num_seconds() as u32),
        _ => Err("0s to 1d, as in 90s, 5m or 1h30m".to_owned()),
    }
}
