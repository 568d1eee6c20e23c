//! Numbers of jobs: exact, or marked as estimates.

use maud::{Markup, html};

use super::link::href;
use crate::db::stats::Amount;
use crate::model::figures::grouped;

/// `1,204`, or `~1,204` where it is an estimate.
#[must_use]
pub fn text(amount: Amount) -> String {
    let mark = if amount.exact { "" } else { "~" };
    format!("{mark}{}", grouped(amount.jobs))
}

/// A number of jobs, which leads to the list of them.
#[must_use]
pub fn linked(amount: Amount, query: &[(&str, &str)]) -> Markup {
    html! {
        @if amount.jobs == 0 && amount.exact {
            span.muted { "0" }
        } @else {
            a href=(href("/jobs", query)) title=[(!amount.exact).then_some("an estimate")] { (text(amount)) }
        }
    }
}
