//! Fields of forms, each with its label.

use maud::{Markup, html};

/// A line of text.
#[must_use]
pub fn text(name: &str, label: &str, value: &str, placeholder: &str) -> Markup {
    html! {
        div.field {
            label for={ "f-" (name) } { (label) }
            input id={ "f-" (name) } type="text" name=(name) value=(value) placeholder=(placeholder) autocomplete="off"
                spellcheck="false" autocapitalize="none";
        }
    }
}

/// A number between two bounds.
#[must_use]
pub fn number(name: &str, label: &str, value: &str, bounds: (f64, f64), step: &str) -> Markup {
    html! {
        div.field.narrow {
            label for={ "f-" (name) } { (label) }
            input id={ "f-" (name) } type="number" name=(name) value=(value) min=(bounds.0) max=(bounds.1) step=(step);
        }
    }
}

/// One of several; each is a value and what is read.
#[must_use]
pub fn choice(name: &str, label: &str, value: &str, choices: &[(String, String)]) -> Markup {
    html! {
        div.field {
            label for={ "f-" (name) } { (label) }
            select id={ "f-" (name) } name=(name) {
                @for (own, read) in choices { option value=(own) selected[own == value] { (read) } }
            }
        }
    }
}
