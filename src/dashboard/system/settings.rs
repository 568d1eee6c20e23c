//! The settings in force, secrets masked, and where each comes from.

use maud::{Markup, html};
use serde_json::Value;

use crate::config::{Origin, Setting};
use crate::dashboard::parts::table::{Column, table};

/// A table of each section; those that nobody touched are folded up.
pub(super) fn list(settings: &[Setting]) -> Markup {
    let sections = settings.chunk_by(|one, next| section(one) == section(next));
    html! {
        section.card aria-labelledby="settings" {
            h2 #settings { "Settings" }
            p.note { "Those that were given are in bold; secrets are masked." }
            @for of_section in sections {
                @let given = of_section.iter().filter(|setting| is_given(setting)).count();
                details open[given > 0] {
                    summary { (of_section.first().map(section).unwrap_or_default()) @if given > 0 { " (" (given) " given)" } }
                    (rows(of_section))
                }
            }
        }
    }
}

fn rows(settings: &[Setting]) -> Markup {
    let columns = [Column::text("Key"), Column::text("Value"), Column::text("From")];
    let row = |setting: &Setting| {
        vec![
            html! { @if is_given(setting) { strong { (setting.key) } } @else { (setting.key) } },
            html! { code { (shown(&setting.value)) } },
            html! { (setting.origin.to_string()) },
        ]
    };
    table("Settings", &columns, settings.iter().map(row))
}

fn section(setting: &Setting) -> &str {
    setting.key.split('.').next().unwrap_or_default()
}

const fn is_given(setting: &Setting) -> bool {
    !matches!(setting.origin, Origin::Default | Origin::Machine)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "–".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
