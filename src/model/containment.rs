//! What a JSON document must hold: `KEY=VALUE`, as people write it on a command line.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::model::failure::{Failure, Kind, Result};

/// One key and what it must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holds {
    text: String,
    document: Value,
}

impl FromStr for Holds {
    type Err = String;

    /// Keys are nested by dots; the value is JSON where it can be read as such, else a string.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((path, value)) = text.split_once('=') else {
            return Err("write KEY=VALUE, as in size=large or metrics.has_tests=true".to_owned());
        };
        let keys: Vec<&str> = path.split('.').collect();
        if keys.iter().any(|key| key.is_empty()) {
            return Err("a key is empty: write KEY=VALUE, with a dot between nested keys".to_owned());
        }
        if text.contains('\0') || value.contains("\\u0000") {
            return Err("no document holds a NUL".to_owned());
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        let nest = |inner, key: &&str| Value::Object(Map::from_iter([((*key).to_owned(), inner)]));
        Ok(Self { text: text.to_owned(), document: keys.iter().rev().fold(value, nest) })
    }
}

/// The one document that must be contained so that all of these hold; none where there are none. Arrays are joined:
/// an array is contained where each of its elements is.
pub fn all(wanted: &[Holds]) -> Result<Option<Value>> {
    let mut documents = wanted.iter();
    let Some(first) = documents.next() else { return Ok(None) };
    documents
        .try_fold(first.document.clone(), |joined, next| {
            join(joined, next.document.clone()).ok_or_else(|| {
                Failure::new(
                    Kind::Invalid,
                    format!("{} and another value for the same key cannot both hold", next.text),
                )
                .hint("give each key once")
            })
        })
        .map(Some)
}

fn join(one: Value, other: Value) -> Option<Value> {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            for (key, value) in other {
                let value = match one.remove(&key) {
                    Some(there) => join(there, value)?,
                    None => value,
                };
                one.insert(key, value);
            }
            Some(Value::Object(one))
        }
        (Value::Array(mut one), Value::Array(other)) => {
            one.extend(other);
            Some(Value::Array(one))
        }
        (one, other) => (one == other).then_some(one),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(wanted: &[&str]) -> Result<Option<Value>> {
        let wanted: Vec<Holds> = wanted.iter().map(|text| text.parse().unwrap()).collect();
        all(&wanted)
    }

    #[test]
    fn values_are_json_where_they_can_be() {
        for (text, expected) in [
            ("size=large", json!({"size": "large"})),
            ("size=\"7\"", json!({"size": "7"})),
            ("n=7.5", json!({"n": 7.5})),
            ("a.b.c=true", json!({"a": {"b": {"c": true}}})),
            ("a=null", json!({"a": null})),
            ("a=", json!({"a": ""})),
            ("a=b=c", json!({"a": "b=c"})),
            ("a=[\"x\"", json!({"a": "[\"x\""})),
        ] {
            assert_eq!(document(&[text]).unwrap(), Some(expected), "{text}");
        }
        for wrong in ["", "size", "=large", "a..b=1", ".a=1", "a=\\u0000"] {
            assert!(wrong.parse::<Holds>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn all_of_them_are_one_document() {
        assert_eq!(document(&[]).unwrap(), None);
        let wanted = document(&["a.b=1", "a.c=2", "d=[1]", "d=[2]", "a.b=1"]).unwrap();
        assert_eq!(wanted, Some(json!({"a": {"b": 1, "c": 2}, "d": [1, 2]})));
        let refused = document(&["size=large", "size=tiny"]).unwrap_err();
        assert!(refused.what().contains("size=tiny"), "{refused}");
    }
}
