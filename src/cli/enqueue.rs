//! `enqueue`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use uuid::Uuid;

use super::id;
use crate::model::failure::Failure;
use crate::model::trace::Traceparent;
use crate::model::unique::{OnConflict, Scope};
use crate::model::when::{When, length};

/// `enqueue`.
#[derive(Debug, Clone, Args)]
pub struct Enqueue {
    /// Repositories; read from standard input, one a line, if none is given
    #[arg(value_name = "URL")]
    pub urls: Vec<String>,
    /// Branch, tag or commit; the default branch if left out
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
    /// -100 to 100; a point is worth 6 seconds of waiting
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_name = "N")]
    pub priority: i16,
    /// Not before: RFC 3339, or a wait such as 10m or 2h
    #[arg(long, value_name = "WHEN")]
    pub at: Option<When>,
    /// Not before this wait is over, by the database's clock: 90s, 10m, 2h
    #[arg(long, value_name = "WAIT", value_parser = length, conflicts_with = "at")]
    pub delay: Option<Duration>,
    /// Discard it unless it was started by then: RFC 3339, or a wait
    #[arg(long, value_name = "WHEN")]
    pub deadline: Option<When>,
    /// How long one attempt may take; as worker.timeout_seconds if left out
    #[arg(long, value_name = "TIME", value_parser = length)]
    pub timeout: Option<Duration>,
    /// 1 to 100; as worker.max_attempts if left out
    #[arg(long, value_name = "N")]
    pub max_attempts: Option<u16>,
    /// A word to find it by; may be given more than once
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Who is told how it ended: an https:// URL, which gets it signed
    #[arg(long, value_name = "URL")]
    pub webhook_url: Option<String>,
    /// Who asks: name, address or id of a user, who gets a fair share of the workers
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// Unique key: while a job has it, no other is queued
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,
    /// When the key is given back: success, where the job fails for good; open, where it ends
    #[arg(long, requires = "key", value_parser = key_scope(), default_value = "success", value_name = "SCOPE")]
    pub key_scope: Scope,
    /// Give the key back after this time, whatever became of the job
    #[arg(long, requires = "key", value_parser = length, value_name = "TIME")]
    pub key_window: Option<Duration>,
    /// While another waiting job has the key: keep that, replace what it does, or reschedule it, too
    #[arg(long, requires = "key", value_parser = on_conflict(), default_value = "keep", value_name = "WAY")]
    pub on_conflict: OnConflict,
    /// Do again what this finished job did, as a new job
    #[arg(long, value_name = "ID", value_parser = id, conflicts_with = "urls")]
    pub rerun_of: Option<Uuid>,
    /// The trace that the work belongs to, as W3C Trace Context writes it; $TRACEPARENT if left out
    #[arg(long, value_name = "TRACEPARENT", value_parser = traceparent)]
    pub traceparent: Option<Traceparent>,
    /// Wait for the cats and show the progress
    #[arg(long)]
    pub wait: bool,
}

fn key_scope() -> impl TypedValueParser<Value = Scope> {
    PossibleValuesParser::new(Scope::ALL.map(Scope::name)).try_map(|name| Scope::from_name(&name))
}

fn on_conflict() -> impl TypedValueParser<Value = OnConflict> {
    PossibleValuesParser::new(OnConflict::ALL.map(OnConflict::name)).try_map(|name| OnConflict::from_name(&name))
}

fn traceparent(text: &str) -> Result<Traceparent, String> {
    text.parse().map_err(|failure: Failure| failure.hint_text().unwrap_or_default().to_owned())
}
