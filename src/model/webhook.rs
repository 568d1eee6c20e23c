//! What a webhook tells: that a generation has ended.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

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
