//! The result of looking at something that this program needs.

use serde::Serialize;
use utoipa::ToSchema;

use super::failure::Failure;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CheckState)]
pub enum State {
    /// As it should be.
    Ok,
    /// It works, but not for everything or not for long.
    Warn,
    /// It does not work.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = SystemCheck)]
pub struct Check {
    /// What was looked at, in a few words; stable, for scripts.
    pub name: &'static str,
    /// How it came out.
    pub state: State,
    /// What was found, one line.
    pub found: String,
    /// What to do about it; there is always something for a [`State::Fail`].
    pub todo: Option<String>,
}

impl Check {
    /// As it should be.
    #[must_use]
    pub fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: State::Ok, found: found.into(), todo: None }
    }

    /// It works, but `todo` would be better.
    #[must_use]
    pub fn warn(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name, state: State::Warn, found: found.into(), todo: Some(todo.into()) }
    }

    /// It does not work; `todo` helps.
    #[must_use]
    pub fn fail(name: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { name, state: State::Fail, found: found.into(), todo: Some(todo.into()) }
    }

    /// It does not work for the reason that `failure` tells.
    #[must_use]
    pub fn failed(name: &'static str, failure: &Failure) -> Self {
        let found = [vec![failure.what().to_owned()], failure.causes()].concat().join(": ").replace('\n', "; ");
        Self::fail(name, found, failure.hint_text().unwrap_or("look at the message"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::failure::Kind;

    #[test]
    fn a_failure_becomes_one_line_with_its_causes_and_what_to_do() {
        let failure = Failure::new(Kind::Environment, "it does not start").source("first\nsecond").hint("do this");
        let check = Check::failed("private cluster", &failure);
        assert_eq!(check.state, State::Fail);
        assert_eq!(check.found, "it does not start: first; second");
        assert_eq!(check.todo.as_deref(), Some("do this"));
    }
}
