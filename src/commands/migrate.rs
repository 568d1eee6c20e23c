//! `migrate`: the schema.

use serde_json::json;

use crate::cli::Migrate;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::{Output, adopt};
use crate::config::Loaded;
use crate::db::migrate;
use crate::model::failure::Result;

/// Runs `migrate ...`.
pub fn run(command: &Migrate, loaded: &Loaded, output: &Output) -> Result<()> {
    match command {
        Migrate::Up => up(loaded, output),
        Migrate::Adopt(args) => adopt::run(args, loaded, output),
    }
}

fn up(loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let session = Session::open(loaded, Schema::Any).await?;
        let applied = migrate::up(&session.db).await?;
        let state = migrate::state(&session.db).await?;
        let data = json!({
            "current": state.current,
            "applied": applied.iter().map(|(version, name)| json!({"version": version, "name": name})).collect::<Vec<_>>(),
        });
        output.data(&data, |_| {
            let mut text: String =
                applied.iter().map(|(version, name)| format!("applied {version:04} {name}\n")).collect();
            if applied.is_empty() {
                text = format!("nothing to do: the schema is at {:04}\n", state.current);
            }
            text
        })
    })
}
