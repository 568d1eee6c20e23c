//! Which keys exist and of which type each is: read from the built-in defaults, so that they are said once.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::origin::{Given, Origin};
use super::{rules, schedules};
use crate::model::failure::{Failure, Kind, Result};

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Every key (`section.key`) with its default.
#[derive(Debug, Clone)]
pub(super) struct Schema(BTreeMap<String, Value>);

impl Schema {
    /// The keys of `config/default.toml`.
    pub fn built_in() -> Self {
        let sections: Map<String, Value> = toml::from_str(DEFAULTS).expect("config/default.toml is valid TOML");
        let mut keys = BTreeMap::new();
        for (section, values) in sections {
            for (key, value) in values.as_object().into_iter().flatten() {
                keys.insert(format!("{section}.{key}"), value.clone());
            }
        }
        Self(keys)
    }

    /// Every default as a value that was given.
    pub fn defaults(&self) -> impl Iterator<Item = Given> {
        self.0.iter().map(|(key, value)| Given { key: key.clone(), value: value.clone(), origin: Origin::Default })
    }

    /// The default of `key`, which also tells its type.
    pub fn default_of(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// The key that `name` may have been meant to be.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        nearest(name, self.0.keys().map(String::as_str))
    }

    /// Refuses a key that does not exist and a value of another type than the default's.
    pub fn check(&self, given: &Given) -> Result<()> {
        let Given { key, value, origin } = given;
        if let Some(name) = schedules::name(key) {
            return schedules::check(name, given);
        }
        let Some(default) = self.0.get(key) else {
            let hint = match self.nearest(key) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`repo-to-cat config show` lists every key".to_owned(),
            };
            return Err(Failure::new(Kind::Invalid, format!("unknown setting `{key}` ({origin})")).hint(hint));
        };
        let fits = match (default, value) {
            (Value::Array(_), Value::Array(items)) => items.iter().all(Value::is_string),
            (Value::Number(_), Value::Number(number)) => number.is_u64(),
            (Value::String(_), Value::String(_)) | (Value::Bool(_), Value::Bool(_)) => true,
            _ => false,
        };
        if fits {
            return Ok(());
        }
        Err(rules::refusal(given))
    }

    /// The value that `text`, from a variable or a flag, stands for. Lists are separated by commas.
    pub fn parse(&self, key: &str, text: &str) -> Value {
        let text = text.trim();
        let parsed = match self.0.get(key) {
            Some(Value::Number(_)) => text.parse::<u64>().ok().map(Value::from),
            // A schedule, which can be taken out.
            Some(Value::Bool(_) | Value::Object(_)) => text.parse::<bool>().ok().map(Value::from),
            Some(Value::Array(_)) => {
                Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect())
            }
            _ => None,
        };
        parsed.unwrap_or_else(|| Value::from(text))
    }
}

/// The candidate that is close enough to `name` to be a slip of the keyboard.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
