//! Which jobs are meant: as `jobs list` says it.

use chrono::Utc;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::db::inspect::Filter;
use crate::db::{Db, users};
use crate::http::error::{Problem, wrong};
use crate::model::failure::ErrorClass;
use crate::model::job::{JobKind, JobState};
use crate::model::when::{Span, When};

macro_rules! filters {
    ($($(#[$meta:meta])* $name:ident: $of:ty,)+) => {
        /// Which jobs to list, and which part of the list.
        #[derive(Debug, Deserialize, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        pub(super) struct Wanted {
            $($(#[$meta])* $name: $of,)+
            /// Those that were enqueued before this job.
            pub(super) after: Option<Uuid>,
            /// How many.
            #[param(minimum = 1, maximum = 1000, default = 50)]
            pub(super) limit: Option<u16>,
        }

        /// Which jobs. What is left out leaves all in.
        #[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct JobFilter {
            $($(#[$meta])* #[serde(skip_serializing_if = "is_nothing")] $name: $of,)+
        }

        impl Wanted {
            /// Which jobs, whichever part of the list.
            pub(super) fn filter(self) -> JobFilter {
                JobFilter { $($name: self.$name,)+ }
            }
        }
    };
}

filters! {
    /// In one of these states; may be repeated.
    #[serde(default)]
    state: Vec<JobState>,
    /// Of this kind.
    kind: Option<JobKind>,
    /// Of the user with this name, address or id.
    user: Option<String>,
    /// With this tag.
    tag: Option<String>,
    /// With this text in what they are to do, or in an error.
    text: Option<String>,
    /// Enqueued at this time or later: RFC 3339, or an age such as 10m or 2h.
    since: Option<When>,
    /// Enqueued before this time.
    until: Option<When>,
    /// Ended at this time or later.
    ended_since: Option<When>,
    /// Whose last attempt that failed failed for this; `none`: nobody told why.
    error_class: Option<ErrorClass>,
    /// Whose last attempt took, or takes, longer: 500ms, 90s, 10m.
    longer_than: Option<Span>,
    /// Whose last attempt took, or takes, not so long.
    shorter_than: Option<Span>,
}

/// Whether a part of a filter leaves all in.
trait Nothing {
    fn is_nothing(&self) -> bool;
}

impl<T> Nothing for Option<T> {
    fn is_nothing(&self) -> bool {
        self.is_none()
    }
}

impl<T> Nothing for Vec<T> {
    fn is_nothing(&self) -> bool {
        self.is_empty()
    }
}

fn is_nothing(part: &impl Nothing) -> bool {
    part.is_nothing()
}

impl JobFilter {
    /// What it means now.
    pub(super) async fn resolve(self, db: &Db) -> Result<Filter, Problem> {
        let now = Utc::now();
        if self.text.as_deref() == Some("") {
            return Err(wrong("text", "text is empty", "leave it out: it leaves all in"));
        }
        let user = match &self.user {
            Some(who) => Some(users::id_of(db, who).await.map_err(|failure| Problem::from(failure).of_field("user"))?),
            None => None,
        };
        Ok(Filter {
            states: self.state,
            kind: self.kind.map(|kind| kind.name().to_owned()),
            user,
            tag: self.tag,
            text: self.text,
            since: self.since.map(|when| when.before(now)),
            until: self.until.map(|when| when.before(now)),
            ended_since: self.ended_since.map(|when| when.before(now)),
            error_class: self.error_class,
            longer_than: self.longer_than.map(|span| span.0),
            shorter_than: self.shorter_than.map(|span| span.0),
        })
    }
}
