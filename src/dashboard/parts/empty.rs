//! Where there is nothing: why, and what to do next.

use maud::{Markup, html};

use super::cat;

/// Nothing to see; `next` is what to do about it.
#[must_use]
pub fn empty(what: &str, next: &Markup) -> Markup {
    html! { div.empty { (cat::curled()) p.lead { (what) } div.next { (next) } } }
}
