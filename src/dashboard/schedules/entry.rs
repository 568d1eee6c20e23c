//! A schedule as a form holds it: what people typed, kept as it is until it can be read.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::http::Problem;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::schedule::{Missed, Overlap, Spec};

/// The fields of the form.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    pub name: String,
    pub cron: String,
    pub zone: String,
    pub kind: String,
    pub payload: String,
    pub priority: String,
    pub max_attempts: String,
    pub key_prefix: String,
    pub missed: String,
    pub missed_limit: String,
    pub overlap: String,
    pub jitter_seconds: String,
    /// A new one that is not to fire yet.
    pub paused: bool,
    /// Which button was pressed: `preview` shows what would be.
    pub press: String,
}

impl Default for Entry {
    /// As usual; when it fires must be said.
    fn default() -> Self {
        let usual = Spec {
            cron: String::new(),
            zone: "UTC".to_owned(),
            kind: "generation".to_owned(),
            payload: Map::new(),
            priority: 0,
            max_attempts: None,
            key_prefix: None,
            missed: Missed::default(),
            missed_limit: 10,
            overlap: Overlap::default(),
            jitter_seconds: 0,
        };
        Self::of("", &usual)
    }
}

impl Entry {
    /// A schedule, to be changed.
    pub fn of(name: &str, spec: &Spec) -> Self {
        let payload = Value::Object(spec.payload.clone());
        Self {
            name: name.to_owned(),
            cron: spec.cron.clone(),
            zone: spec.zone.clone(),
            kind: spec.kind.clone(),
            payload: serde_json::to_string_pretty(&payload).unwrap_or_default(),
            priority: spec.priority.to_string(),
            max_attempts: spec.max_attempts.map(|number| number.to_string()).unwrap_or_default(),
            key_prefix: spec.key_prefix.clone().unwrap_or_default(),
            missed: spec.missed.name().to_owned(),
            missed_limit: spec.missed_limit.to_string(),
            overlap: spec.overlap.name().to_owned(),
            jitter_seconds: spec.jitter_seconds.to_string(),
            paused: false,
            press: String::new(),
        }
    }

    /// Whether nothing is to be saved yet.
    pub fn is_preview(&self) -> bool {
        self.press == "preview"
    }

    /// What was typed, read. Fails on what cannot be, and names the field; whether it is allowed is not looked at here.
    pub fn spec(&self) -> std::result::Result<Spec, Problem> {
        let of_field = |field: &'static str| move |failure| Problem::from(failure).of_field(field);
        Ok(Spec {
            cron: self.cron.trim().to_owned(),
            zone: self.zone.trim().to_owned(),
            kind: self.kind.trim().to_owned(),
            payload: payload(&self.payload).map_err(of_field("payload"))?,
            priority: number("priority", &self.priority)?.unwrap_or(0),
            max_attempts: number("max_attempts", &self.max_attempts)?,
            key_prefix: Some(self.key_prefix.clone()).filter(|prefix| !prefix.is_empty()),
            missed: word(&self.missed, Missed::from_name).map_err(of_field("missed"))?,
            missed_limit: number("missed_limit", &self.missed_limit)?.unwrap_or(10),
            overlap: word(&self.overlap, Overlap::from_name).map_err(of_field("overlap"))?,
            jitter_seconds: number("jitter_seconds", &self.jitter_seconds)?.unwrap_or(0),
        })
    }
}

fn number<T: std::str::FromStr>(field: &'static str, text: &str) -> std::result::Result<Option<T>, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong =
        || Failure::new(Kind::Invalid, format!("`{text}` is no number for {field}")).hint("write a whole number");
    text.parse().map(Some).map_err(|_| Problem::from(wrong()).of_field(field))
}

fn word<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<T> {
    let wrong = || Failure::new(Kind::Invalid, format!("`{text}` is none of the words")).hint("choose one of the list");
    read(text).ok_or_else(wrong)
}

fn payload(text: &str) -> Result<Map<String, Value>> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(text).map_err(|cause| {
        Failure::new(Kind::Invalid, format!("the payload is no JSON object: {cause}"))
            .hint(r#"for example: {"github_url": "https://github.com/owner/name"}"#)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schedule_survives_its_form() {
        let spec = Spec::from_value(&json!({
            "cron": "30 2 * * *", "zone": "Europe/Berlin", "payload": {"github_url": "https://github.com/a/b"},
            "priority": -3, "max_attempts": 7, "key_prefix": "cats/", "missed": "all", "missed_limit": 4,
            "overlap": "queue", "jitter_seconds": 60,
        }))
        .unwrap();
        assert_eq!(Entry::of("nightly", &spec).spec().unwrap(), spec);
        let bare = Spec::from_value(&json!({"cron": "@daily"})).unwrap();
        assert_eq!(Entry { cron: "@daily".into(), ..Entry::default() }.spec().unwrap(), bare);
        let empty = Entry {
            payload: " ".into(),
            priority: String::new(),
            max_attempts: String::new(),
            ..Entry::of("x", &bare)
        };
        assert_eq!(empty.spec().unwrap(), bare, "what is left empty is as usual");
    }

    #[test]
    fn what_cannot_be_read_names_its_field() {
        let refused = |entry: Entry| entry.spec().unwrap_err().failure().what().to_owned();
        assert!(refused(Entry { payload: "[1]".into(), ..Entry::default() }).contains("no JSON object"));
        assert!(
            refused(Entry { priority: "high".into(), ..Entry::default() }).contains("`high` is no number for priority")
        );
        assert!(refused(Entry { max_attempts: "-1".into(), ..Entry::default() }).contains("max_attempts"));
        assert!(refused(Entry { missed: "never".into(), ..Entry::default() }).contains("`never`"));
    }
}
