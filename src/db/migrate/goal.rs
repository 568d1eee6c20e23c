//! Where a migration goes to, in Alembic's words: `head`, `base`, a revision, `+N`, `-N`.

use super::revisions::{Revision, Revisions};
use super::state::SchemaState;
use crate::model::failure::{Failure, Kind, Result};

/// Where to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Nothing applied.
    Base,
    /// All applied.
    Head,
    /// This one applied, and none after it.
    Revision(i64),
    /// So many further than the schema is.
    Up(usize),
    /// So many back.
    Down(usize),
}

impl Goal {
    /// Reads what a person wrote.
    pub fn read(text: &str, revisions: &Revisions) -> Result<Self> {
        let count = |digits: &str| {
            digits.parse().ok().filter(|count| *count > 0).ok_or_else(|| {
                Failure::new(Kind::Invalid, format!("{text:?} is no number of revisions"))
                    .hint("write it like +1 or -1")
            })
        };
        match text.split_at_checked(1) {
            _ if text.eq_ignore_ascii_case("base") => Ok(Self::Base),
            _ if text.eq_ignore_ascii_case("head") || text.eq_ignore_ascii_case("heads") => Ok(Self::Head),
            Some(("+", digits)) => Ok(Self::Up(count(digits)?)),
            Some(("-", digits)) => Ok(Self::Down(count(digits)?)),
            _ => revisions.find(text).map(|revision| Self::Revision(revision.version)),
        }
    }

    /// The number that it stands for, 0 for the base; none where that depends on where the schema is.
    #[must_use]
    pub fn version(self, revisions: &Revisions) -> Option<i64> {
        match self {
            Self::Base => Some(0),
            Self::Head => Some(revisions.head()),
            Self::Revision(version) => Some(version),
            Self::Up(_) | Self::Down(_) => None,
        }
    }

    /// What is to be applied, in order.
    pub(super) fn above<'r>(self, state: &SchemaState, revisions: &'r Revisions) -> Result<Vec<&'r Revision>> {
        let pending: Vec<_> = state.pending.iter().filter_map(|(version, _)| revisions.get(*version)).collect();
        match self {
            Self::Up(count) if count > pending.len() => Err(too_far(count, pending.len(), "to apply")),
            Self::Up(count) => Ok(pending.into_iter().take(count).collect()),
            Self::Down(_) | Self::Base => {
                Err(Failure::new(Kind::Invalid, "that way is down").hint("see: repo-to-cat migrate down --help"))
            }
            Self::Head | Self::Revision(_) => {
                let goal = self.version(revisions);
                Ok(pending.into_iter().filter(|revision| Some(revision.version) <= goal).collect())
            }
        }
    }

    /// What is to be taken back, in order. What was applied by half is taken back, too.
    pub(super) fn below<'r>(self, state: &SchemaState, revisions: &'r Revisions) -> Result<Vec<&'r Revision>> {
        let applied: Vec<_> = state.recorded.keys().rev().filter_map(|version| revisions.get(*version)).collect();
        match self {
            Self::Down(count) if count > applied.len() => Err(too_far(count, applied.len(), "to take back")),
            Self::Down(count) => Ok(applied.into_iter().take(count).collect()),
            Self::Up(_) => {
                Err(Failure::new(Kind::Invalid, "that way is up").hint("see: repo-to-cat migrate up --help"))
            }
            Self::Base | Self::Head | Self::Revision(_) => {
                let goal = self.version(revisions).unwrap_or(0);
                if goal > state.current {
                    let what = format!("the schema is at {}, below {}", state.label(state.current), state.label(goal));
                    return Err(Failure::new(Kind::Invalid, what).hint("that way is up: repo-to-cat migrate up"));
                }
                Ok(applied.into_iter().filter(|revision| revision.version > goal).collect())
            }
        }
    }
}

fn too_far(count: usize, there: usize, what: &str) -> Failure {
    Failure::new(Kind::Invalid, format!("{count} revisions are too many: {there} are there {what}"))
        .hint("see where the schema is with: repo-to-cat migrate history")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_are_read_as_alembic_does() {
        let read = |text: &str| Goal::read(text, Revisions::ours());
        for (text, goal) in [
            ("head", Goal::Head),
            ("BASE", Goal::Base),
            ("+2", Goal::Up(2)),
            ("-1", Goal::Down(1)),
            ("0002", Goal::Revision(2)),
            ("queue", Goal::Revision(2)),
        ] {
            assert_eq!(read(text).unwrap(), goal, "{text}");
        }
        for (text, kind) in [
            ("-", Kind::Invalid),
            ("+0", Kind::Invalid),
            ("-x", Kind::Invalid),
            ("", Kind::NotFound),
            ("ü", Kind::NotFound),
        ] {
            assert_eq!(read(text).unwrap_err().kind(), kind, "{text}");
        }
    }
}
