//! `config show`.

use serde::Serialize;
use serde_json::Value;

use super::Output;
use super::view::table::Table;
use crate::config::{Loaded, Setting};
use crate::model::failure::Result;

#[derive(Serialize)]
struct Row {
    key: String,
    value: Value,
    from: String,
}

/// Prints every setting in force and where it comes from.
pub fn show(loaded: &Loaded, output: &Output) -> Result<()> {
    let rows: Vec<Row> = loaded.settings().into_iter().map(row).collect();
    output.data(&rows, |look| {
        let mut table = Table::new(["Key", "Value", "From"]).whole(0);
        for row in &rows {
            table.row([row.key.clone(), shown(&row.value), row.from.clone()]);
        }
        table.render(look)
    })
}

fn row(setting: Setting) -> Row {
    Row { key: setting.key, value: setting.value, from: setting.origin.to_string() }
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
