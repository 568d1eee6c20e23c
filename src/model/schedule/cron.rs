//! Cron expressions: five fields that say which minutes of the wall clock match.
//!
//! ```text
//! expression = minute hour day month weekday        0-59, 0-23, 1-31, 1-12 or jan-dec, 0-7 or sun-sat (0 and 7: Sunday)
//! field      = part *("," part)
//! part       = ("*" / value ["-" value]) ["/" step] "5/15" goes on to the field's end
//! ```
//!
//! A day matches by `day` and `weekday` both; where neither of them begins with `*`, by either, as everywhere in cron.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time, date};

use crate::model::failure::{Failure, Kind, Result};

/// The calendar repeats itself, weekdays included, after so many years.
const CALENDAR_YEARS: i16 = 400;

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// What may stand in one of the five places.
struct Field {
    name: &'static str,
    least: u8,
    most: u8,
    /// Names of values, from [`Field::least`] on.
    names: &'static [&'static str],
    example: &'static str,
}

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, names: &[], example: "`*/15 * * * *` (every quarter of an hour)" },
    Field { name: "hour", least: 0, most: 23, names: &[], example: "`30 2 * * *` (every day at 02:30)" },
    Field { name: "day", least: 1, most: 31, names: &[], example: "`0 3 1,15 * *` (on the 1st and the 15th at 03:00)" },
    Field { name: "month", least: 1, most: 12, names: &MONTHS, example: "`0 3 1 jan,jul *` (twice a year)" },
    Field { name: "weekday", least: 0, most: 7, names: &WEEKDAYS, example: "`0 9 * * mon-fri` (on weekdays at 09:00)" },
];

const SHAPE: &str = "write five fields, minute hour day month weekday, as in `30 2 * * mon-fri`; or @hourly, @daily, \
                     @weekly, @monthly, @yearly, or @every 90s";

/// The minutes of the wall clock that match. Each set is a mask of bits: bit n stands for the value n.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cron {
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    /// 0 to 6 from Sunday.
    weekdays: u64,
    /// Whether one of the two day fields is enough.
    either_day: bool,
}

impl Cron {
    /// Reads the five fields. Fails (`Invalid`) with the position of what is wrong and an example, and where no day of
    /// the calendar ever matches.
    pub fn parse(text: &str) -> Result<Self> {
        let words = words(text);
        if words.len() != FIELDS.len() {
            let what = format!("the cron expression `{text}` has {} fields instead of 5", words.len());
            let hint = if words.len() == 6 {
                "there is no field for seconds: leave it out as in `30 2 * * *`, or write @every 30s"
            } else {
                SHAPE
            };
            return Err(Failure::new(Kind::Invalid, what).hint(hint));
        }
        let mut sets = [0; FIELDS.len()];
        for ((set, field), (at, word)) in sets.iter_mut().zip(&FIELDS).zip(&words) {
            *set = field.set(word).map_err(|(inside, wrong)| {
                let what = format!("the cron expression `{text}` is wrong at character {}: {wrong}", at + inside + 1);
                Failure::new(Kind::Invalid, what).hint(format!("for example {}", field.example))
            })?;
        }
        let [minutes, hours, days, months, weekdays] = sets;
        // Sunday has two numbers.
        let weekdays = (weekdays | weekdays >> 7) & 0x7f;
        let either_day = !words[2].1.starts_with('*') && !words[4].1.starts_with('*');
        let cron = Self { minutes, hours, days, months, weekdays, either_day };
        if cron.next_wall(date(2000, 1, 1).at(0, 0, 0, 0)).is_none() {
            let what = format!("the cron expression `{text}` never comes: no such day is in the calendar");
            return Err(Failure::new(Kind::Invalid, what).hint("for the last days of each month write `0 3 28-31 * *`"));
        }
        Ok(cron)
    }

    /// Whether the hour is left open, so that the schedule goes by elapsed time rather than by the wall clock.
    #[must_use]
    pub fn is_every_hour(&self) -> bool {
        self.hours == (1 << 24) - 1
    }

    /// The first matching minute of the wall clock that is not before `from`; none where the calendar ends.
    #[must_use]
    pub fn next_wall(&self, from: DateTime) -> Option<DateTime> {
        let mut day = from.date();
        let mut least = minute_not_before(from.time());
        let last_year = from.year().saturating_add(CALENDAR_YEARS);
        loop {
            if !holds(self.months, day.month()) {
                day = day.first_of_month().checked_add(1.month()).ok()?;
                least = Some((0, 0));
            } else if let Some((hour, minute)) = least.filter(|_| self.has_day(day)).and_then(|least| self.time(least))
            {
                return Some(day.at(hour, minute, 0, 0));
            } else {
                day = day.tomorrow().ok()?;
                least = Some((0, 0));
            }
            if day.year() > last_year {
                return None;
            }
        }
    }

    fn has_day(&self, day: Date) -> bool {
        let by_day = holds(self.days, day.day());
        let by_weekday = holds(self.weekdays, day.weekday().to_sunday_zero_offset());
        if self.either_day { by_day || by_weekday } else { by_day && by_weekday }
    }

    /// The first matching time of a day, from `least` on.
    fn time(&self, (hour, minute): (i8, i8)) -> Option<(i8, i8)> {
        let within = holds(self.hours, hour).then(|| first(self.minutes, minute)).flatten();
        match within {
            Some(minute) => Some((hour, minute)),
            None => Some((first(self.hours, hour + 1)?, first(self.minutes, 0)?)),
        }
    }
}

/// The first full minute that is not before `time`; none where that is the next day's.
fn minute_not_before(time: Time) -> Option<(i8, i8)> {
    let is_full = time.second() == 0 && time.subsec_nanosecond() == 0;
    match (is_full, time.minute(), time.hour()) {
        (true, minute, hour) => Some((hour, minute)),
        (false, 0..=58, hour) => Some((hour, time.minute() + 1)),
        (false, _, 0..=22) => Some((time.hour() + 1, 0)),
        (false, _, _) => None,
    }
}

fn holds(set: u64, value: i8) -> bool {
    set >> value & 1 == 1
}

/// The least value of the set that is not below `least`.
fn first(set: u64, least: i8) -> Option<i8> {
    let left = set >> least;
    (left != 0).then(|| least + left.trailing_zeros() as i8)
}

/// The words of a text, each with the number of characters before it.
fn words(text: &str) -> Vec<(usize, String)> {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut is_inside = false;
    for (at, character) in text.chars().enumerate() {
        if character.is_whitespace() {
            is_inside = false;
        } else if is_inside && let Some((_, word)) = words.last_mut() {
            word.push(character);
        } else {
            words.push((at, character.to_string()));
            is_inside = true;
        }
    }
    words
}

/// What is wrong, and how many characters stand before it.
type Wrong = (usize, String);

impl Field {
    /// The values that the text of this field stands for.
    fn set(&self, text: &str) -> Result<u64, Wrong> {
        let mut at = 0;
        let mut set = 0;
        for part in text.split(',') {
            set |= self.part(part).map_err(|(inside, wrong)| (at + inside, wrong))?;
            at += part.chars().count() + 1;
        }
        Ok(set)
    }

    fn part(&self, text: &str) -> Result<u64, Wrong> {
        let (range, step) = match text.split_once('/') {
            None => (text, None),
            Some((range, step)) => (range, Some((range.chars().count() + 1, step))),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (self.least, self.last()),
            Some((from, to)) => {
                let at = from.chars().count() + 1;
                let (from, to) = (self.value(from, 0)?, self.value(to, at)?);
                if to < from {
                    return Err((at, format!("the {} {to} is below {from}, where its range begins", self.name)));
                }
                (from, to)
            }
            None => {
                let from = self.value(range, 0)?;
                (from, if step.is_some() { self.last() } else { from })
            }
        };
        let step = match step {
            None => 1,
            Some((at, step)) => match step.parse::<u8>() {
                Ok(number) if (1..=self.most).contains(&number) && is_number(step) => number,
                _ => {
                    return Err((at, format!("the step `{step}` of the {} is not from 1 to {}", self.name, self.most)));
                }
            },
        };
        Ok((from..=to).step_by(step.into()).fold(0, |set, value| set | 1 << value))
    }

    /// The last value that `*` means: Sunday counts once.
    fn last(&self) -> u8 {
        if self.most == 7 { 6 } else { self.most }
    }

    fn value(&self, text: &str, at: usize) -> Result<u8, Wrong> {
        let lower = text.to_ascii_lowercase();
        let named = self.names.iter().zip(self.least..).find(|(name, _)| **name == lower).map(|(_, value)| value);
        let number = if is_number(text) { text.parse().ok() } else { None };
        match named.or(number) {
            Some(value) if (self.least..=self.most).contains(&value) => Ok(value),
            _ if text.is_empty() => Err((at, format!("a {} is missing", self.name))),
            _ => {
                let or_word = match self.names {
                    [first, .., last] => format!(" or {first} to {last}"),
                    _ => String::new(),
                };
                Err((at, format!("the {} `{text}` is not {} to {}{or_word}", self.name, self.least, self.most)))
            }
        }
    }
}

/// Digits alone: a sign, which numbers may have elsewhere, is a slip here.
fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn next(expression: &str, from: &str) -> String {
        let from: DateTime = from.parse().unwrap();
        Cron::parse(expression).unwrap().next_wall(from).unwrap().strftime("%a %Y-%m-%d %H:%M").to_string()
    }

    #[test]
    fn the_next_minute_of_the_wall_clock() {
        for (expression, from, expected) in [
            ("* * * * *", "2027-01-01T00:00:00", "Fri 2027-01-01 00:00"),
            ("* * * * *", "2027-12-31T23:59:30", "Sat 2028-01-01 00:00"),
            ("30 2 * * *", "2027-01-01T02:30:00", "Fri 2027-01-01 02:30"),
            ("30 2 * * *", "2027-01-01T02:30:01", "Sat 2027-01-02 02:30"),
            ("5/20 8-10 * * *", "2027-01-01T08:46:00", "Fri 2027-01-01 09:05"),
            ("0 0 31 * *", "2027-02-01T00:00:00", "Wed 2027-03-31 00:00"),
            ("0 0 29 2 *", "2097-01-01T00:00:00", "Fri 2104-02-29 00:00"),
            ("0 9 * * MON-fri", "2027-01-02T00:00:00", "Mon 2027-01-04 09:00"),
            ("0 9 * * 7", "2027-01-01T00:00:00", "Sun 2027-01-03 09:00"),
            ("0 9 * * 5-7", "2027-01-03T10:00:00", "Fri 2027-01-08 09:00"),
            ("0 0 1 jan,Jul *", "2027-01-02T00:00:00", "Thu 2027-07-01 00:00"),
            // Either of both days where both are given, both where one begins with `*`.
            ("0 0 13 * fri", "2027-08-01T00:00:00", "Fri 2027-08-06 00:00"),
            ("0 0 */13 * fri", "2027-08-01T00:00:00", "Fri 2027-08-27 00:00"),
        ] {
            assert_eq!(next(expression, from), expected, "{expression} from {from}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_an_example() {
        let refused: Vec<_> = [
            "",
            "* * * *",
            "0 30 2 * * *",
            "61 2 * * *",
            "0 24 * * *",
            "0 0 0 * *",
            "0 0 * foo *",
            "0 0 * * sunday",
            "0 0 * * 8",
            "5-1 * * * *",
            "1,,2 * * * *",
            "*/0 * * * *",
            "*/x * * * *",
            "+5 * * * *",
            "-5 * * * *",
            "* */24 * * *",
            "0 0 L * *",
            "0 0 ? * 1",
            "0 0 30 2 *",
            "0 0 31 4,6 *",
            "0  ü * * *",
        ]
        .iter()
        .map(|text| {
            let failure = Cron::parse(text).expect_err(text);
            assert_eq!(failure.kind(), Kind::Invalid);
            format!("{failure}\n  {}", failure.hint_text().unwrap())
        })
        .collect();
        insta::assert_snapshot!(refused.join("\n"));
    }

    fn field(least: u8, most: u8) -> impl Strategy<Value = String> {
        let range = (least..=most).prop_flat_map(move |from| (Just(from), from..=most));
        prop_oneof![
            Just("*".to_owned()),
            (least..=most).prop_map(|value| value.to_string()),
            range.clone().prop_map(|(from, to)| format!("{from}-{to}")),
            (range, 1..=most).prop_map(|((from, to), step)| format!("{from}-{to}/{step}")),
            (1..=most).prop_map(|step| format!("*/{step}")),
            prop::collection::vec(least..=most, 1..4)
                .prop_map(|values| { values.iter().map(u8::to_string).collect::<Vec<_>>().join(",") }),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn the_next_minute_is_the_first_that_matches(
            minute in field(0, 59), hour in field(0, 23), day in field(1, 28), weekday in field(0, 7),
            offset in 0_i64..60 * 24 * 400,
        ) {
            let cron = Cron::parse(&format!("{minute} {hour} {day} * {weekday}")).unwrap();
            let from = date(2027, 1, 1).at(0, 0, 0, 0) + offset.minutes();
            let next = cron.next_wall(from).unwrap();
            let matches = |at: DateTime| {
                cron.has_day(at.date()) && holds(cron.hours, at.hour()) && holds(cron.minutes, at.minute())
            };
            prop_assert!(next >= from && matches(next));
            // Looking minute by minute finds nothing before; three days are enough of that.
            let mut at = from;
            while at < next && at < from + 3.days() {
                prop_assert!(!matches(at), "{} was passed over", at);
                at += 1.minute();
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "[-0-9*/,a-z ]{0,24}") {
            _ = Cron::parse(&text);
        }
    }
}
