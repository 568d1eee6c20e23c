//! How values of the command line are read.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use uuid::Uuid;

use crate::model::failure::ErrorClass;
use crate::model::job::{JobKind, JobState};

pub(super) fn job_state() -> impl TypedValueParser<Value = JobState> {
    PossibleValuesParser::new(JobState::ALL.map(JobState::name)).try_map(|name| JobState::from_name(&name))
}

pub(super) fn job_kind() -> impl TypedValueParser<Value = JobKind> {
    PossibleValuesParser::new(JobKind::ALL.map(JobKind::name))
        .try_map(|name| JobKind::from_name(&name).ok_or("no such kind"))
}

pub(super) fn error_class() -> impl TypedValueParser<Value = ErrorClass> {
    PossibleValuesParser::new(ErrorClass::names()).try_map(|name| name.parse())
}

pub(super) fn id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| "an id looks like 0198c0de-0000-7000-8000-000000000000".to_owned())
}
