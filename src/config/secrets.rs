//! What of a value is shown to people.

use serde_json::Value;

use crate::model::secret::{MASK, host_only, redact};

/// A value of `key` without its secrets: some keys are secret as a whole, and of addresses that are, the host is shown.
pub(super) fn shown(key: &str, value: &Value) -> Value {
    match (key, value) {
        ("backup.s3_secret_access_key", Value::String(text)) if !text.is_empty() => Value::from(MASK),
        ("backup.ping_url" | "backup.webhook_url", Value::String(text)) => Value::from(host_only(text)),
        _ => redacted(value),
    }
}

fn redacted(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::from(redact(text)),
        Value::Array(items) => items.iter().map(redacted).collect(),
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), redacted(value))).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shown;

    #[test]
    fn secrets_are_masked_and_the_rest_is_not() {
        for (key, value, expected) in [
            ("backup.s3_secret_access_key", json!("s3cret"), json!("***")),
            ("backup.s3_secret_access_key", json!(""), json!("")),
            ("backup.s3_access_key_id", json!("AKIA"), json!("AKIA")),
            ("backup.ping_url", json!(""), json!("")),
            ("backup.ping_url", json!("https://hc-ping.com/s3cret"), json!("https://hc-ping.com/***")),
            ("backup.webhook_url", json!("https://me:s3cret@a.example:8/x?s3cret"), json!("https://a.example:8/***")),
            ("backup.webhook_url", json!("s3cret"), json!("***")),
            ("backup.webhook_url", json!(7), json!(7)),
            ("database.url", json!("postgres://cat:s3cret@db/cats"), json!("postgres://cat:***@db/cats")),
        ] {
            assert_eq!(shown(key, &value), expected, "{key}");
        }
    }
}
