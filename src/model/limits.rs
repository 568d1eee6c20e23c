//! Limits: how many jobs of a kind, or of one limit key, may run at once or be started in a time, over all hosts.

use std::collections::HashMap;
use std::hash::BuildHasher;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::failure::{Failure, Kind, Result};

/// The limit key that means each of them for itself.
pub const EACH: &str = "*";

/// A limit that somebody set, over all hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Limit {
    /// The kind.
    pub kind: String,
    /// Empty: the kind as a whole. [`EACH`]: each limit key for itself. Else this limit key.
    pub limit_key: String,
    /// Jobs that may run at once.
    pub max_running: Option<i32>,
    /// Jobs that may be started in `rate_seconds`.
    pub rate_count: Option<i32>,
    /// The time that `rate_count` is for.
    pub rate_seconds: Option<i32>,
}

/// What limits go by: a kind as a whole (no key), or one limit key of a kind.
pub type Scope = (String, Option<String>);

/// What is used of a scope.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Jobs that run.
    pub running: i64,
    /// Tokens that were left, and for how many seconds they have been filling up since; none where none was ever taken.
    pub tokens: Option<(f64, f64)>,
}

/// What may be started under one rule, and when it is worth to ask again where nothing may.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Room {
    jobs: i64,
    again_in: Option<Duration>,
}

impl Limit {
    /// Fails (`Invalid`) on one that limits nothing, or by less than nothing.
    pub fn check(&self) -> Result<()> {
        let refused = |what: &str, hint: &str| Err(Failure::new(Kind::Invalid, what).hint(hint));
        if self.rate_count.is_some() != self.rate_seconds.is_some() {
            return refused("a rate has two parts", "give rate_count and rate_seconds");
        }
        if self.max_running.is_none() && self.rate_count.is_none() {
            return refused("nothing is limited", "give max_running, or rate_count and rate_seconds");
        }
        let is_sane = self.max_running.is_none_or(|most| most >= 0)
            && [self.rate_count, self.rate_seconds].into_iter().flatten().all(|number| number > 0);
        if is_sane { Ok(()) } else { refused("a limit is below zero", "a rate counts from 1, max_running from 0") }
    }

    /// Tokens of a rate, with what was filled up since.
    #[must_use]
    pub fn tokens(&self, usage: Usage) -> Option<f64> {
        let (count, seconds) = (f64::from(self.rate_count?), f64::from(self.rate_seconds?));
        Some(usage.tokens.map_or(count, |(left, since)| (left + since.max(0.0) * count / seconds).min(count)))
    }

    fn room(&self, usage: Usage) -> Room {
        let mut room = Room { jobs: i64::MAX, again_in: None };
        if let Some(max) = self.max_running {
            room.jobs = (i64::from(max) - usage.running).max(0);
        }
        if let (Some(tokens), Some(count), Some(seconds)) = (self.tokens(usage), self.rate_count, self.rate_seconds) {
            room.jobs = room.jobs.min(tokens.floor() as i64);
            if tokens < 1.0 {
                let wait = (1.0 - tokens) * f64::from(seconds) / f64::from(count);
                room.again_in = Some(Duration::from_secs_f64(wait));
            }
        }
        room
    }
}

/// Which rules bind jobs of a kind under a limit key. A rule for the key itself stands in place of the one for each key.
#[must_use]
pub fn binding<'a>(rules: &'a [Limit], kind: &str, limit_key: Option<&str>) -> Vec<(&'a Limit, Scope)> {
    let of = |key: &str| rules.iter().find(|rule| rule.kind == kind && rule.limit_key == key);
    let mut bound: Vec<_> = of("").map(|rule| (rule, (kind.to_owned(), None))).into_iter().collect();
    if let Some(key) = limit_key
        && let Some(rule) = of(key).filter(|_| !key.is_empty()).or_else(|| of(EACH))
    {
        bound.push((rule, (kind.to_owned(), Some(key.to_owned()))));
    }
    bound
}

/// What limits leave of the wishes (kind, limit key and number of jobs each), in their order; and when it is worth to ask
/// again for those that get nothing, where that is known.
#[must_use]
pub fn allow(
    rules: &[Limit],
    usage: &HashMap<Scope, Usage, impl BuildHasher>,
    wishes: &[(&str, Option<&str>, i64)],
) -> Vec<(i64, Option<Duration>)> {
    let mut given: HashMap<Scope, i64> = HashMap::new();
    let none = Usage { running: 0, tokens: None };
    wishes
        .iter()
        .map(|(kind, key, wanted)| {
            let bound = binding(rules, kind, *key);
            let (mut jobs, mut again_in) = (*wanted, None::<Duration>);
            for (rule, scope) in &bound {
                let room = rule.room(usage.get(scope).copied().unwrap_or(none));
                jobs = jobs.min((room.jobs - given.get(scope).copied().unwrap_or(0)).max(0));
                again_in = again_in.max(room.again_in);
            }
            for (_, scope) in bound {
                *given.entry(scope).or_default() += jobs;
            }
            (jobs, again_in)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rule(key: &str, max_running: Option<i32>, rate: Option<(i32, i32)>) -> Limit {
        Limit {
            kind: "webhook".into(),
            limit_key: key.into(),
            max_running,
            rate_count: rate.map(|rate| rate.0),
            rate_seconds: rate.map(|rate| rate.1),
        }
    }

    fn scope(key: Option<&str>) -> Scope {
        ("webhook".into(), key.map(Into::into))
    }

    #[test]
    fn a_rule_for_a_key_stands_in_place_of_the_one_for_each() {
        let rules = [rule("*", Some(1), None), rule("big.example", Some(5), None)];
        let wishes = [
            ("webhook", Some("big.example"), 9),
            ("webhook", Some("small.example"), 9),
            ("webhook", None, 9),
            ("probe", None, 9),
        ];
        let allowed: Vec<_> = allow(&rules, &HashMap::new(), &wishes).into_iter().map(|(jobs, _)| jobs).collect();
        assert_eq!(allowed, [5, 1, 9, 9]);
    }

    #[test]
    fn tokens_fill_up_with_time_and_not_beyond_the_rate() {
        let rate = rule("", None, Some((10, 60)));
        let usage = |left, since| Usage { running: 0, tokens: Some((left, since)) };
        assert_eq!(rate.room(usage(0.0, 0.0)), Room { jobs: 0, again_in: Some(Duration::from_secs(6)) });
        assert_eq!(rate.room(usage(0.0, 12.0)).jobs, 2);
        assert_eq!(rate.room(usage(3.0, 1e9)).jobs, 10);
        assert_eq!(rate.room(usage(0.0, -5.0)).jobs, 0, "a clock that went back gives nothing");
    }

    proptest! {
        #[test]
        fn no_limit_is_exceeded_and_nothing_is_held_back_without_need(
            kind_max in prop::option::of(0..20_i32), each_max in prop::option::of(0..6_i32),
            running in prop::collection::vec(0..5_i64, 3), wanted in prop::collection::vec((0..3_usize, 0..9_i64), 1..8),
        ) {
            let keys = ["a", "b", "c"];
            let mut rules = Vec::new();
            rules.extend(kind_max.map(|max| rule("", Some(max), None)));
            rules.extend(each_max.map(|max| rule("*", Some(max), None)));
            let mut usage: HashMap<_, _> =
                keys.iter().zip(&running).map(|(key, n)| (scope(Some(key)), Usage { running: *n, tokens: None })).collect();
            let all: i64 = running.iter().sum();
            usage.insert(scope(None), Usage { running: all, tokens: None });
            let wishes: Vec<_> = wanted.iter().map(|(key, n)| ("webhook", Some(keys[*key]), *n)).collect();
            let allowed: Vec<i64> = allow(&rules, &usage, &wishes).into_iter().map(|(jobs, _)| jobs).collect();
            let total: i64 = allowed.iter().sum();
            if let Some(max) = kind_max {
                prop_assert!(total <= (i64::from(max) - all).max(0));
            }
            for (place, key) in keys.iter().enumerate() {
                let of_key: i64 = wanted.iter().zip(&allowed).filter(|((wish, _), _)| *wish == place).map(|(_, n)| n).sum();
                if let Some(max) = each_max {
                    prop_assert!(of_key <= (i64::from(max) - running[place]).max(0), "{key}");
                }
            }
            if rules.is_empty() {
                prop_assert_eq!(allowed, wanted.iter().map(|(_, n)| *n).collect::<Vec<_>>());
            }
        }
    }
}
