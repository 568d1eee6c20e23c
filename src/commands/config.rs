//! `config show`.

use serde_json::Value;

use super::Output;
use super::view::table::Table;
use crate::config::Loaded;
use crate::model::failure::Result;

/// Prints every setting in force and where it comes from.
pub fn show(loaded: &Loaded, output: &Output) -> Result<()> {
    let rows = loaded.settings();
    output.data(&rows, |look| {
        let mut table = Table::new(["Key", "Value", "From"]).whole(0);
        for row in &rows {
            table.row([row.key.clone(), shown(&row.value), row.origin.to_string()]);
        }
        table.render(look)
    })
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "-".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
