//! Boxes with something in them.

use maud::{Markup, html};

use super::badge::Tone;

/// Characters of a figure that is written large.
const LONGEST_FIGURE: usize = 7;

/// A box with a heading.
#[must_use]
pub fn card(title: &str, content: &Markup) -> Markup {
    html! { section.card { h2 { (title) } (content) } }
}

/// A box with a heading and what can be done beside it.
#[must_use]
pub fn card_with(title: &str, actions: &Markup, content: &Markup) -> Markup {
    html! { section.card { div.head { h2 { (title) } div.actions { (actions) } } (content) } }
}

/// A figure to be seen from afar, which leads to what is behind it.
#[must_use]
pub fn tile(label: &str, value: &str, note: &Markup, href: &str, tone: Tone) -> Markup {
    html! {
        a.tile.(tone.class()) href=(href) {
            span.label { (label) }
            span.value.words[value.len() > LONGEST_FIGURE] { (value) }
            span.note { (note) }
        }
    }
}

/// What is known of one thing: names and values.
#[must_use]
pub fn facts<'a>(pairs: impl IntoIterator<Item = (&'a str, Markup)>) -> Markup {
    html! { dl.facts { @for (name, value) in pairs { div { dt { (name) } dd { (value) } } } } }
}

/// Text to be copied, such as a command; `id` is its own on the page.
#[must_use]
pub fn copyable(id: &str, text: &str) -> Markup {
    html! {
        div.copyable {
            pre tabindex="0" { code id=(id) { (text) } }
            button.quiet type="button" data-copy=(id) hidden { "Copy" }
        }
    }
}

/// How far something is, from 0 to 1; none: nobody knows.
#[must_use]
pub fn progress(label: &str, fraction: Option<f64>) -> Markup {
    let value = fraction.map(|fraction| format!("{:.3}", fraction.clamp(0.0, 1.0)));
    html! { progress max="1" value=[value] aria-label=(label) {} }
}
