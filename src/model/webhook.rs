//! What a webhook tells: that a generation has ended.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::model::secret::{host_only, redact};

/// The end of a generation, which somebody wanted to be told; the payload of a webhook's job. The trigger `queue.announce`
/// writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The event: the same in all tries and replays.
    pub event_id: Uuid,
    /// Which generation.
    pub generation_id: Uuid,
    /// completed, discarded or cancelled.
    pub state: String,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// How often it had been claimed.
    pub claims: i32,
    /// Who is told.
    pub url: String,
    /// What the generation was asked to do.
    pub request: Value,
}

/// Cuts the address of a receiver in a payload down to its host: whoever knows the rest of one may tell it things.
pub fn hide_receiver(payload: &mut Map<String, Value>) {
    let of_event = payload.contains_key("event_id").then_some("url");
    for key in ["webhook_url"].into_iter().chain(of_event) {
        if let Some(Value::String(url)) = payload.get_mut(key) {
            *url = host_only(url);
        }
    }
}

/// A job's payload as people get to see it.
#[must_use]
pub fn shown(payload: &Value) -> Value {
    let mut shown = payload.clone();
    shown.as_object_mut().into_iter().for_each(hide_receiver);
    shown
}

/// A document without what nobody but who wrote it may know: of receivers the host is left, wherever in it a payload stands;
/// credentials and tokens are masked.
#[must_use]
pub fn without_secrets(mut document: Value) -> Value {
    match &mut document {
        Value::String(text) => *text = redact(text),
        Value::Array(items) => items.iter_mut().for_each(|item| *item = without_secrets(item.take())),
        Value::Object(fields) => {
            hide_receiver(fields);
            fields.values_mut().for_each(|value| *value = without_secrets(value.take()));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    document
}

/// Writes a job's payload as people get to see it.
pub fn serialize_shown<S: Serializer>(payload: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    shown(payload).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_receiver_the_host_is_shown() {
        let secret = "https://hooks.example:8443/T0/s3cret?key=x";
        let seen = shown(&json!({"github_url": "https://a.example/b/c", "webhook_url": secret}));
        assert_eq!(
            seen,
            json!({"github_url": "https://a.example/b/c", "webhook_url": "https://hooks.example:8443/***"})
        );
        let seen = shown(&json!({"event_id": 1, "url": secret, "request": {"url": "x"}}));
        assert_eq!(seen, json!({"event_id": 1, "url": "https://hooks.example:8443/***", "request": {"url": "x"}}));
        for other in [json!({"url": secret}), json!({"webhook_url": null}), json!([secret]), json!(null)] {
            assert_eq!(shown(&other), other);
        }
    }

    #[test]
    fn a_document_tells_no_secret() {
        let secret = "https://hooks.example:8443/T0/s3cret?key=x";
        let payload = json!({"github_url": "https://cat:s3cret@git.example/a/b", "webhook_url": secret});
        let told = without_secrets(json!([{"spec": {"cron": "@daily", "payload": payload}}, true]));
        let payload =
            json!({"github_url": "https://cat:***@git.example/a/b", "webhook_url": "https://hooks.example:8443/***"});
        assert_eq!(told, json!([{"spec": {"cron": "@daily", "payload": payload}}, true]));
    }
}
