//! From one page of a list to the next.

use maud::{Markup, html};

/// Links to the newest entries, unless these are they, and to older ones, where there may be some.
#[must_use]
pub fn pager(newest: Option<&str>, older: Option<&str>) -> Markup {
    html! {
        @if newest.is_some() || older.is_some() {
            nav.pager aria-label="Pages of this list" {
                @if let Some(newest) = newest { a.button href=(newest) rel="first" { "← Newest" } }
                @if let Some(older) = older { a.button href=(older) rel="next" { "Older →" } }
            }
        }
    }
}
