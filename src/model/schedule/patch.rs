//! A change of a schedule.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Missed, Overlap, Spec};

/// What to change of a schedule. What is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = SchedulePatch)]
pub struct Patch {
    /// Five fields of cron, `@daily` and the like, or `@every 90s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// IANA name of the time zone that the expression is read in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// What sort of jobs it makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// What they are to do, by kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Map<String, Value>>,
    /// From -100 to 100; the higher goes first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = -100, maximum = 100)]
    pub priority: Option<i16>,
    /// Attempts before a job is discarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub max_attempts: Option<u16>,
    /// What the unique keys of its jobs begin with; empty: they have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_prefix: Option<String>,
    /// What becomes of slots that came while no scheduler ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missed: Option<Missed>,
    /// How many of them run with `all`, the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 100)]
    pub missed_limit: Option<u16>,
    /// What becomes of a slot that comes while the job of an earlier one is not finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// A slot fires up to so many seconds late.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 86400)]
    pub jitter_seconds: Option<u32>,
}

impl Patch {
    /// Changes the schedule.
    pub fn apply(self, spec: &mut Spec) {
        let set = |field: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *field = value;
            }
        };
        set(&mut spec.cron, self.cron);
        set(&mut spec.zone, self.zone);
        set(&mut spec.kind, self.kind);
        if let Some(payload) = self.payload {
            spec.payload = payload;
        }
        if let Some(prefix) = self.key_prefix {
            spec.key_prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
        }
        spec.priority = self.priority.unwrap_or(spec.priority);
        spec.max_attempts = self.max_attempts.or(spec.max_attempts);
        spec.missed = self.missed.unwrap_or(spec.missed);
        spec.missed_limit = self.missed_limit.unwrap_or(spec.missed_limit);
        spec.overlap = self.overlap.unwrap_or(spec.overlap);
        spec.jitter_seconds = self.jitter_seconds.unwrap_or(spec.jitter_seconds);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_stays() {
        let before =
            json!({"cron": "@daily", "zone": "Europe/Berlin", "priority": 3, "key_prefix": "a", "max_attempts": 2});
        let before = Spec::from_value(&before).unwrap();
        let changed = |patch: serde_json::Value| {
            let mut spec = before.clone();
            serde_json::from_value::<Patch>(patch).unwrap().apply(&mut spec);
            spec
        };
        assert_eq!(changed(json!({})), before);
        assert_eq!(changed(json!({"cron": "@weekly"})), Spec { cron: "@weekly".into(), ..before.clone() });
        assert_eq!(changed(json!({"key_prefix": ""})), Spec { key_prefix: None, ..before.clone() });
        assert_eq!(changed(json!({"priority": 0})), Spec { priority: 0, ..before.clone() });
        assert!(serde_json::from_value::<Patch>(json!({"crn": ""})).is_err());
    }
}
