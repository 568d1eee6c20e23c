//! What can be done with one job: buttons, and what is typed, for what its state allows.

use maud::{Markup, html};

use crate::dashboard::deed::button;
use crate::dashboard::forms::csrf_field;
use crate::dashboard::visitor::Visitor;
use crate::db::inspect::JobRow;
use crate::db::steer::Change;
use crate::model::failure::Result;

/// Two live parts: the second, where one types, changes only with what may be typed.
pub(super) fn show(job: &JobRow, visitor: &Visitor) -> Result<Markup> {
    let state = job.state()?;
    let live = (!state.is_final()).then_some("");
    let may = |change: Change| change.states().contains(&state);
    let to = |action: &str| format!("/jobs/{}/{action}", job.id);
    let (has_priority, has_time) = (may(Change::Reprioritize(0)), may(Change::Reschedule(visitor.now)));
    let shape = format!("{} {has_priority} {has_time}", live.is_some());
    Ok(html! {
        div #buttons.actions data-live=[live] {
            @if may(Change::Retry) {
                (button(visitor, &to("retry"), if state.is_final() { "Run it again" } else { "Run it now" }, "primary"))
            }
            @if may(Change::Cancel) { (button(visitor, &to("cancel"), "Cancel", "danger")) }
            @if may(Change::Discard) { (button(visitor, &to("discard"), "Discard", "quiet")) }
        }
        div #settings.actions data-live=[live] data-shape=(shape) {
            @if has_priority {
                form.inline method="post" action=(to("reprioritize")) {
                    (csrf_field(visitor))
                    label { "Priority " input type="number" name="priority" min="-100" max="100" value=(job.priority) required; }
                    button.quiet type="submit" { "Set" }
                }
            }
            @if has_time {
                form.inline method="post" action=(to("reschedule")) {
                    (csrf_field(visitor))
                    label { "Not before " input type="text" name="at" size="22" required placeholder="2h, or 2027-01-31T09:00:00Z"
                        value=(job.run_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)); }
                    button.quiet type="submit" { "Set" }
                }
            }
        }
    })
}
