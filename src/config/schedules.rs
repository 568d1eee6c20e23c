//! Schedules: the one section whose keys people name themselves.

use super::origin::Given;
use crate::model::failure::Result;
use crate::model::schedule::{Spec, check_name};

/// The name of the schedule that a key declares.
pub(super) fn name(key: &str) -> Option<&str> {
    key.strip_prefix("schedules.")
}

/// Refuses a declaration that is not allowed, naming its place. Whether its job can be made is seen when it is applied.
pub(super) fn check(name: &str, given: &Given) -> Result<()> {
    check_name(name)
        .and_then(|()| Spec::from_value(&given.value)?.check())
        .map(drop)
        .map_err(|failure| failure.context(format!("`{}` ({})", given.key, given.origin)))
}
