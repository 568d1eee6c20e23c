//! A database of one test, whose clock it sets.

use chrono::{DateTime, Utc};
use repo_to_cat::config::{Config, Environment, Layers};
use repo_to_cat::db::schedules::{self, SlotRow};
use repo_to_cat::db::{Db, inspect};
use repo_to_cat::model::schedule::{Spec, State};
use repo_to_cat::schedule::edit;
use repo_to_cat::schedule::firing::Firing;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::gate::{Gate, database_with_gate, settings};
use crate::support::postgres::temporary_folder;

/// The database of one test.
pub struct Bed {
    pub url: String,
    pub gate: Gate,
    folder: TempDir,
}

/// The settings of a host whose file says this.
pub fn config(folder: &TempDir, text: &str) -> Config {
    let file = folder.path().join("schedules.toml");
    std::fs::write(&file, text).unwrap();
    let environment = Environment::of(&[("HOME", "/home/cat"), ("REPO_TO_CAT_SCHEDULES__BACKUP", "false")]);
    Config::load(&Layers { file: Some(file), environment, flags: Vec::new() }).unwrap().config
}

/// A moment.
pub fn utc(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A schedule that makes cats of `owner/name`, with these fields.
pub fn spec(fields: &Value) -> Spec {
    let mut spec = json!({"payload": {"github_url": "https://github.com/owner/name"}});
    spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    Spec::from_value(&spec).unwrap()
}

impl Bed {
    /// A fresh database.
    pub fn make() -> Self {
        let url = database_with_gate("schedules");
        Self { gate: Gate::of(&url), url, folder: temporary_folder() }
    }

    /// From now on, the clock goes on from this moment for those who connect.
    pub async fn set_clock(&self, time: &str) -> Firing {
        let ahead = utc(time) - Utc::now();
        let name: String = sqlx::query_scalar("SELECT current_database()").fetch_one(&self.gate.pool).await.unwrap();
        let set = format!("ALTER DATABASE {name} SET queue.clock_offset = '{} milliseconds'", ahead.num_milliseconds());
        self.execute(&set).await;
        self.firing("").await
    }

    /// Connections of one host, whose configuration says this.
    pub async fn firing(&self, text: &str) -> Firing {
        Firing { db: Db::connect(&settings(&self.url)).await.unwrap(), config: config(&self.folder, text) }
    }

    /// Runs a statement.
    pub async fn execute(&self, statement: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned())).execute(&self.gate.pool).await.unwrap();
    }

    /// Rows of a table, those that hold.
    pub async fn count(&self, rows: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {rows}"));
        sqlx::query_scalar(query).fetch_one(&self.gate.pool).await.unwrap()
    }
}

/// Adds a schedule as `schedules add` does.
pub async fn add(host: &Firing, name: &str, fields: &Value) {
    edit::add(&host.db, name, &spec(fields), State::Active, &host.config).await.unwrap();
}

/// What became of the slots of a schedule, the oldest first.
pub async fn slots(host: &Firing, name: &str) -> Vec<SlotRow> {
    let mut slots = schedules::slots(&host.db, name, 1000).await.unwrap();
    slots.reverse();
    slots
}

/// The same as text: the time of the day and the outcome.
pub async fn outcomes(host: &Firing, name: &str) -> Vec<String> {
    let slots = slots(host, name).await;
    slots.iter().map(|slot| format!("{} {}", slot.due_at.format("%H:%M"), slot.outcome)).collect()
}

/// The unique key of a slot's job.
pub async fn key_of(host: &Firing, slot: &SlotRow) -> Option<String> {
    inspect::job(&host.db, slot.job_id.unwrap()).await.unwrap().unique_key
}
