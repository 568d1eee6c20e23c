//! How values of the command line are read.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use uuid::Uuid;

use crate::model::failure::Failure;
use crate::model::job::{JobKind, JobState};
use crate::model::trace::Traceparent;

pub(super) fn job_state() -> impl TypedValueParser<Value = JobState> {
    PossibleValuesParser::new(JobState::ALL.map(JobState::name)).try_map(|name| JobState::from_name(&name))
}

pub(super) fn job_kind() -> impl TypedValueParser<Value = JobKind> {
    PossibleValuesParser::new(JobKind::ALL.map(JobKind::name))
        .try_map(|name| JobKind::from_name(&name).ok_or("no such kind"))
}

pub(super) fn id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "an id looks like 0198c0de-0000-7000-8000-000000000000".to_owned())
}

pub(super) fn traceparent(text: &str) -> Result<Traceparent, String> {
    text.parse().map_err(|failure: Failure| failure.hint_text().unwrap_or_default().to_owned())
}

pub(super) fn unique_key(text: &str) -> Result<String, String> {
    let fits = (1..=255).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("1 to 255 characters without control characters".to_owned()) }
}
