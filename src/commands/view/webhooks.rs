//! Webhooks and their deliveries.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::amount::relative;
use super::look::Look;
use super::section::section;
use super::table::Table;
use super::text::safe;
use crate::db::deliveries::DeliveryRow;
use crate::db::inspect::JobRow;

/// Deliveries as a table.
#[must_use]
pub fn deliveries(rows: &[DeliveryRow], now: DateTime<Utc>, look: &Look) -> String {
    if rows.is_empty() {
        return "No deliveries. Those that wait: repo-to-cat jobs list --kind webhook\n".to_owned();
    }
    let mut table =
        Table::new(["Webhook", "Generation", "Try", "Status", "Took", "When", "Error", "Id"]).whole(0).numbers(2);
    for row in rows {
        table.row([
            row.job_id.to_string(),
            row.generation_id.to_string(),
            row.claim.to_string(),
            row.status.map_or_else(|| "-".to_owned(), |status| status.to_string()),
            format!("{:.2} s", row.seconds),
            relative(row.at, now),
            row.error.clone().unwrap_or_default(),
            row.id.to_string(),
        ]);
    }
    table.render(look)
}

/// One webhook with its tries.
#[must_use]
pub fn webhook(job: &JobRow, tries: &[DeliveryRow], now: DateTime<Utc>, look: &Look) -> String {
    let mut lines = vec![look.heading(&format!("Webhook {}", job.id))];
    let mut line = |name: &str, value: &str| lines.push(format!("  {name:<12}{}", safe(value)));
    line("state", &job.state);
    line("event", &format!("generation.{}", text(&job.payload["state"])));
    line("event id", text(&job.payload["event_id"]));
    line("generation", text(&job.payload["generation_id"]));
    line("receiver", text(&job.payload["url"]));
    line("enqueued", &relative(job.created_at, now));
    let content = if tries.is_empty() {
        vec!["none yet".to_owned()]
    } else {
        tries.iter().rev().map(|row| one(row, now)).collect()
    };
    section(&mut lines, "Tries", content, look);
    lines.join("\n") + "\n"
}

fn one(row: &DeliveryRow, now: DateTime<Utc>) -> String {
    let status = row.status.map_or_else(|| "no answer".to_owned(), |status| format!("HTTP {status}"));
    let told = [&row.error, &row.answer].into_iter().flatten().map(|text| format!(": {}", safe(text)));
    format!("{}  {}  {status} in {:.2} s{}", row.claim, relative(row.at, now), row.seconds, told.collect::<String>())
}

/// The text of a value that is one.
#[must_use]
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("-")
}

/// Where the secret is and how it is used.
#[must_use]
pub fn secret(file: &Path, look: &Look) -> String {
    format!(
        "{}\n  {}\n\n{}\n  Take the line without whsec_, decode it from base64: that is the key.\n  HMAC-SHA256 of \
         `webhook-id.webhook-timestamp.body` in base64, behind `v1,`, is one of the\n  words of the header webhook-signature. \
         Compare in constant time, and refuse a\n  timestamp that is more than five minutes old. docs/webhooks.md has code.\n",
        look.heading("The secret is in"),
        file.display(),
        look.heading("To verify a webhook")
    )
}
