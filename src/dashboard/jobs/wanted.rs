//! Which jobs a page is about: as its address and its form say it, in the words of `jobs list`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use url::form_urlencoded;
use uuid::Uuid;

use crate::db::inspect::Filter;
use crate::db::{Db, users};
use crate::http::Problem;
use crate::model::failure::{ErrorClass, Failure, Kind, Result};
use crate::model::job::{JobKind, JobState};
use crate::model::when::{When, span};

/// What is looked for, as people typed it. What they left empty leaves all in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub states: Vec<String>,
    pub kind: String,
    pub user: String,
    pub tag: String,
    pub text: String,
    pub since: String,
    pub until: String,
    pub ended_since: String,
    pub error_class: String,
    pub longer_than: String,
    pub shorter_than: String,
}

impl Wanted {
    /// Reads the part of an address after the question mark; what is of no meaning here is passed over.
    pub fn of_query(query: &str) -> Self {
        let mut wanted = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()).filter(|(_, value)| !value.trim().is_empty()) {
            let field = match &*name {
                "state" => {
                    wanted.states.push(value.into_owned());
                    continue;
                }
                "kind" => &mut wanted.kind,
                "user" => &mut wanted.user,
                "tag" => &mut wanted.tag,
                "text" => &mut wanted.text,
                "since" => &mut wanted.since,
                "until" => &mut wanted.until,
                "ended_since" => &mut wanted.ended_since,
                "error_class" => &mut wanted.error_class,
                "longer_than" => &mut wanted.longer_than,
                "shorter_than" => &mut wanted.shorter_than,
                _ => continue,
            };
            value.trim().clone_into(field);
        }
        wanted
    }

    /// What [`Wanted::of_query`] reads.
    pub fn query(&self) -> String {
        let states = self.states.iter().map(|state| ("state", state.as_str()));
        let given = states.chain(self.texts().into_iter().filter(|(_, value)| !value.is_empty()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(given).finish()
    }

    /// A page of the list.
    pub fn address(&self, after: Option<Uuid>) -> String {
        let mut query = self.query();
        if let Some(after) = after {
            query += if query.is_empty() { "" } else { "&" };
            query += "after=";
            query += &after.to_string();
        }
        if query.is_empty() { "/jobs".to_owned() } else { format!("/jobs?{query}") }
    }

    /// All but the states, by the names that addresses and forms have for them.
    pub fn texts(&self) -> [(&'static str, &str); 10] {
        [
            ("kind", &self.kind),
            ("user", &self.user),
            ("tag", &self.tag),
            ("text", &self.text),
            ("since", &self.since),
            ("until", &self.until),
            ("ended_since", &self.ended_since),
            ("error_class", &self.error_class),
            ("longer_than", &self.longer_than),
            ("shorter_than", &self.shorter_than),
        ]
    }

    /// What is meant, seen from `now`. Fails on what cannot be read, and names the field.
    pub async fn filter(&self, db: &Db, now: DateTime<Utc>) -> std::result::Result<Filter, Problem> {
        let user = match given(&self.user) {
            Some(who) => Some(users::id_of(db, who).await.map_err(of_field("user"))?),
            None => None,
        };
        Ok(Filter { user, ..self.without_user(now)? })
    }

    fn without_user(&self, now: DateTime<Utc>) -> std::result::Result<Filter, Problem> {
        let states = self.states.iter().map(|state| JobState::from_name(state));
        let moment = |name, text| given(text).map(|text| moment(text, now)).transpose().map_err(of_field(name));
        Ok(Filter {
            states: states.collect::<Result<_>>().map_err(of_field("state"))?,
            kind: given(&self.kind)
                .map(JobKind::called)
                .transpose()
                .map_err(of_field("kind"))?
                .map(|kind| kind.name().to_owned()),
            user: None,
            tag: given(&self.tag).map(str::to_owned),
            text: given(&self.text).map(str::to_owned),
            since: moment("since", &self.since)?,
            until: moment("until", &self.until)?,
            ended_since: moment("ended_since", &self.ended_since)?,
            error_class: given(&self.error_class).map(class).transpose().map_err(of_field("error_class"))?,
            longer_than: given(&self.longer_than).map(length).transpose().map_err(of_field("longer_than"))?,
            shorter_than: given(&self.shorter_than).map(length).transpose().map_err(of_field("shorter_than"))?,
        })
    }
}

fn of_field(field: &'static str) -> impl Fn(Failure) -> Problem {
    move |failure| Problem::from(failure).of_field(field)
}

/// What was typed, if anything was.
fn given(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A time, or an age that lies before `now`.
fn moment(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
    let read = text.parse::<When>().map(|when| when.before(now));
    read.map_err(|how| Failure::new(Kind::Invalid, format!("`{text}` is no time")).hint(how))
}

fn class(text: &str) -> Result<ErrorClass> {
    text.parse().map_err(|how: String| Failure::new(Kind::Invalid, format!("`{text}` is no class of errors")).hint(how))
}

fn length(text: &str) -> Result<Duration> {
    span(text).map_err(|how| Failure::new(Kind::Invalid, format!("`{text}` is no length of time")).hint(how))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_survives_an_address() {
        let wanted = Wanted {
            states: vec!["discarded".into(), "cancelled".into()],
            text: "a b&c=d?ü".into(),
            longer_than: "500ms".into(),
            ..Wanted::default()
        };
        assert_eq!(wanted.query(), "state=discarded&state=cancelled&text=a+b%26c%3Dd%3F%C3%BC&longer_than=500ms");
        assert_eq!(Wanted::of_query(&wanted.query()), wanted);
        assert_eq!(Wanted::default().query(), "");
        let form = "state=&kind=&user=&tag=&text=&since=&until=&ended_since=&error_class=&longer_than=&shorter_than=";
        assert!(Wanted::of_query(form).without_user(Utc::now()).unwrap().is_empty(), "an empty form leaves all in");
    }

    #[test]
    fn addresses_keep_the_filter() {
        let wanted = Wanted { tag: "a&b".into(), ..Wanted::default() };
        let id = Uuid::from_u128(1);
        assert_eq!(Wanted::default().address(None), "/jobs");
        assert_eq!(Wanted::default().address(Some(id)), format!("/jobs?after={id}"));
        assert_eq!(wanted.address(Some(id)), format!("/jobs?tag=a%26b&after={id}"));
    }

    #[test]
    fn it_is_read_as_the_command_line_reads_it() {
        let now: DateTime<Utc> = "2027-01-31T12:00:00Z".parse().unwrap();
        let query = "state=running&kind=probe&tag=+x+&since=2h&until=2027-01-31T11:30:00Z&ended_since=30m&error_class=expired&longer_than=500ms&shorter_than=10m";
        let filter = Wanted::of_query(query).without_user(now).unwrap();
        assert_eq!((filter.states.as_slice(), filter.kind.as_deref()), (&[JobState::Running][..], Some("probe")));
        assert_eq!(filter.tag.as_deref(), Some("x"));
        assert_eq!(filter.since, Some("2027-01-31T10:00:00Z".parse().unwrap()));
        assert_eq!(filter.until, Some("2027-01-31T11:30:00Z".parse().unwrap()));
        assert_eq!(filter.ended_since, filter.until);
        assert_eq!(filter.error_class, Some(ErrorClass::Expired));
        assert_eq!(filter.longer_than, Some(Duration::from_millis(500)));
        assert_eq!(filter.shorter_than, Some(Duration::from_mins(10)));
    }

    #[test]
    fn what_cannot_be_read_is_a_problem() {
        for wrong in [
            "state=sleeping",
            "kind=nap",
            "since=yesterday",
            "until=1y",
            "ended_since=noon",
            "error_class=sleepy",
            "longer_than=long",
            "shorter_than=-1s",
        ] {
            let problem = Wanted::of_query(wrong).without_user(Utc::now()).unwrap_err();
            assert_eq!(problem.failure().kind(), Kind::Invalid, "{wrong}");
            assert!(problem.failure().hint_text().is_some(), "{wrong}");
        }
    }
}
