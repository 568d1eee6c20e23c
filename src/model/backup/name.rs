//! Names of backups: `DATABASE_YYYYmmdd_HHMMSSZ`.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::model::failure::{Failure, Kind, Result};

/// The moment, as names write it.
const STAMP: &str = "%Y%m%d_%H%M%SZ";

/// How far ahead of ours the clock of another host may be.
pub const AHEAD: TimeDelta = TimeDelta::hours(1);

/// The name of a backup: of its folder in the store and of the files in it. It says which database and when.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BackupName {
    text: String,
    database: String,
    moment: DateTime<Utc>,
}

impl PartialSchema for BackupName {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).examples(["repo_to_cat_20261122_030000Z"]).into()
    }
}

impl ToSchema for BackupName {}

impl BackupName {
    /// The name of a backup of `database` begun at `moment`. Bytes of the database's name that have a meaning in paths,
    /// URLs or shells are written as `%XX`.
    #[must_use]
    pub fn new(database: &str, moment: DateTime<Utc>) -> Self {
        let moment = DateTime::from_timestamp(moment.timestamp(), 0).unwrap_or(moment);
        let text = format!("{}_{}", escape(database), moment.format(STAMP));
        Self { text, database: database.to_owned(), moment }
    }

    /// Reads a name; refuses what could not be one, such as a path out of the store.
    pub fn parse(text: &str) -> Result<Self> {
        let refused = || {
            Failure::new(Kind::Invalid, format!("`{text}` is no name of a backup"))
                .hint("names read as repo_to_cat_20261122_030000Z; see them with: repo-to-cat backup list")
        };
        let at = text.len().checked_sub("_YYYYmmdd_HHMMSSZ".len()).filter(|at| text.is_char_boundary(*at));
        let (database, stamp) = text.split_at(at.ok_or_else(refused)?);
        let stamp = stamp.strip_prefix('_').ok_or_else(refused)?;
        let moment = NaiveDateTime::parse_from_str(stamp, STAMP).map_err(|_| refused())?.and_utc();
        let database = unescape(database).ok_or_else(refused)?;
        let name = Self::new(&database, moment);
        // One backup has one name only.
        if name.text == text && !name.database.is_empty() { Ok(name) } else { Err(refused()) }
    }

    /// As it stands in the store.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The database that it is of.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// When it was begun, to the second.
    #[must_use]
    pub const fn moment(&self) -> DateTime<Utc> {
        self.moment
    }

    /// Whether it can only have been made by a clock that was ahead: then nobody knows how old it is.
    #[must_use]
    pub fn is_of_the_future(&self, now: DateTime<Utc>) -> bool {
        self.moment - now > AHEAD
    }

    /// What all names of this database's backups begin with, without the `_` before the moment.
    #[must_use]
    pub fn stem(database: &str) -> String {
        escape(database)
    }
}

impl fmt::Display for BackupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl TryFrom<String> for BackupName {
    type Error = Failure;

    fn try_from(text: String) -> Result<Self> {
        Self::parse(&text)
    }
}

impl From<BackupName> for String {
    fn from(name: BackupName) -> Self {
        name.text
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn escape(database: &str) -> String {
    use std::fmt::Write;
    database.bytes().fold(String::new(), |mut text, byte| {
        if is_plain(byte) {
            text.push(char::from(byte));
        } else {
            _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        if byte == b'%' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(byte);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_says_which_database_and_when() {
        let moment = "2026-11-22T03:00:00.7Z".parse().unwrap();
        let name = BackupName::new("repo_to_cat", moment);
        assert_eq!(name.as_str(), "repo_to_cat_20261122_030000Z");
        assert_eq!(BackupName::new("a/b c", moment).as_str(), "a%2Fb%20c_20261122_030000Z");
        for text in [
            "",
            "cat",
            "../x_20261122_030000Z",
            "a%2fb_20261122_030000Z",
            "_20261122_030000Z",
            "a_20261322_030000Z",
            "é",
        ] {
            assert!(BackupName::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn names_are_read_back(database in "\\PC{1,20}", seconds in 0_i64..4_000_000_000) {
            let name = BackupName::new(&database, DateTime::from_timestamp(seconds, 0).unwrap());
            prop_assert_eq!(BackupName::parse(name.as_str()).unwrap(), name.clone());
            prop_assert!(name.as_str().bytes().all(|byte| is_plain(byte) || byte == b'%'));
        }
    }
}
