//! Which jobs are meant: those with some ids, or all that a filter lets in.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Change, Refusal, Tally, by_filter, by_id, count, rehearse};
use crate::db::Db;
use crate::db::inspect::Filter;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::counted;

/// Which jobs to change.
#[derive(Debug, Clone)]
pub enum Selection {
    /// Those with these ids.
    Ids(Vec<Uuid>),
    /// All that it lets in.
    Filter(Box<Filter>),
}

/// What was done, or would be.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Steered)]
pub struct Done {
    /// Whether nothing was to be done.
    pub dry_run: bool,
    /// How many jobs.
    #[serde(flatten)]
    pub tally: Tally,
    /// Whether more would be changed, perhaps: only the first 100,000 jobs are looked through to count them, the first
    /// 30,000 for text or classes of errors of ended ones. What is done is done to all.
    pub more: bool,
    /// The changed jobs, where they were named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<Uuid>>,
    /// Named jobs that were not changed, and why.
    #[serde(skip)]
    pub refused: Vec<(Uuid, Refusal)>,
}

impl Done {
    /// Whether nothing was to be changed, or is.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.tally.changed == 0 && !self.more
    }

    /// How many jobs were changed, or would be, in words.
    #[must_use]
    pub fn jobs(&self) -> String {
        match (self.tally.changed, self.more) {
            (0, true) => "nobody knows how many jobs".to_owned(),
            (jobs, true) => format!("at least {}", counted(jobs, "job", "jobs")),
            (jobs, false) => counted(jobs, "job", "jobs"),
        }
    }
}

impl Selection {
    /// What is meant by ids, or by a filter, which leaves all in only where `all` were asked for. A filter that names no
    /// state means those that the change is for. Fails (`Invalid`) where neither or both are given, and where the filter
    /// names a state in which the change does not apply.
    pub fn of(change: Change, mut ids: Vec<Uuid>, mut filter: Filter, all: bool) -> Result<Self> {
        match (ids.is_empty(), filter.is_empty() && !all) {
            (true, true) => Err(Failure::new(Kind::Invalid, "it was not said which jobs")
                .hint("name ids, or say which with --state, --kind, --text, ...; all of them: --all")),
            (false, false) => Err(Failure::new(Kind::Invalid, "both ids and a filter were given")
                .hint("name the ids alone, or the filter alone")),
            (false, true) => {
                ids.sort_unstable();
                ids.dedup();
                Ok(Self::Ids(ids))
            }
            (true, false) => {
                if filter.states.is_empty() {
                    filter.states = change.default_states().to_vec();
                }
                let Some(state) = filter.states.iter().find(|state| !change.states().contains(state)) else {
                    return Ok(Self::Filter(Box::new(filter)));
                };
                let names: Vec<_> = change.states().iter().map(|state| state.name()).collect();
                Err(Failure::new(Kind::Invalid, format!("{state} jobs cannot be {}", change.verb()))
                    .hint(format!("possible with --state: {}", names.join(", "))))
            }
        }
    }

    /// Changes them, or only tells how many would be changed. One that cannot be changed does not keep the others from it.
    pub async fn steer(&self, db: &Db, change: Change, dry_run: bool) -> Result<Done> {
        change.check()?;
        let states = change.states();
        let steered = match self {
            Self::Filter(filter) => {
                let (tally, more) = if dry_run {
                    let (changed, more) = count(db, filter).await?;
                    (Tally { changed, ..Tally::default() }, more)
                } else {
                    (by_filter(db, change, filter).await?, false)
                };
                return Ok(Done { dry_run, tally, more, ids: None, refused: Vec::new() });
            }
            Self::Ids(ids) if dry_run => rehearse(db, change, ids, states).await?,
            Self::Ids(ids) => by_id(db, change, ids, states).await?,
        };
        let tally = Tally::of(&steered);
        Ok(Done { dry_run, tally, more: false, ids: Some(steered.changed), refused: steered.refused })
    }
}
