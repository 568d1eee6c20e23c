//! `EXPLAIN`, so that nothing comes of it: one statement, in a transaction that may not write and is rolled back.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgDatabaseError, PgErrorPosition};

use crate::db::{Db, error};
use crate::model::failure::{Failure, Kind, Result};

/// A part of a plan, as `EXPLAIN (FORMAT JSON)` tells it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[allow(missing_docs)]
pub struct Node {
    #[serde(rename = "Node Type")]
    pub node_type: String,
    #[serde(rename = "Join Type")]
    pub join_type: Option<String>,
    pub operation: Option<String>,
    #[serde(rename = "Subplan Name")]
    pub subplan_name: Option<String>,
    pub schema: Option<String>,
    #[serde(rename = "Relation Name")]
    pub relation_name: Option<String>,
    #[serde(rename = "Index Name")]
    pub index_name: Option<String>,
    pub alias: Option<String>,
    #[serde(rename = "Total Cost")]
    pub total_cost: f64,
    #[serde(rename = "Plan Rows")]
    pub plan_rows: f64,
    #[serde(rename = "Actual Rows")]
    pub actual_rows: Option<f64>,
    #[serde(rename = "Actual Loops")]
    pub actual_loops: Option<f64>,
    /// In milliseconds, of one loop.
    #[serde(rename = "Actual Total Time")]
    pub actual_total_time: Option<f64>,
    #[serde(rename = "Rows Removed by Filter")]
    pub rows_removed_by_filter: Option<f64>,
    #[serde(rename = "Shared Hit Blocks")]
    pub shared_hit_blocks: Option<u64>,
    #[serde(rename = "Shared Read Blocks")]
    pub shared_read_blocks: Option<u64>,
    #[serde(rename = "Index Cond")]
    pub index_cond: Option<String>,
    #[serde(rename = "Recheck Cond")]
    pub recheck_cond: Option<String>,
    #[serde(rename = "Hash Cond")]
    pub hash_cond: Option<String>,
    #[serde(rename = "Merge Cond")]
    pub merge_cond: Option<String>,
    #[serde(rename = "Join Filter")]
    pub join_filter: Option<String>,
    pub filter: Option<String>,
    #[serde(rename = "Sort Key")]
    pub sort_key: Vec<String>,
    #[serde(rename = "Group Key")]
    pub group_key: Vec<String>,
    pub plans: Vec<Node>,
}

impl Node {
    /// This node and all below it.
    #[must_use]
    pub fn all(&self) -> Vec<&Self> {
        let mut all = vec![self];
        all.extend(self.plans.iter().flat_map(Self::all));
        all
    }
}

/// The plan of a statement; rules may make several of one.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// Its topmost part.
    #[serde(rename = "Plan")]
    pub top: Node,
    /// Settings of the planner that are not the server's defaults.
    #[serde(rename = "Settings")]
    pub settings: serde_json::Map<String, Value>,
    /// In milliseconds.
    #[serde(rename = "Planning Time")]
    pub planning_time: Option<f64>,
    /// In milliseconds.
    #[serde(rename = "Execution Time")]
    pub execution_time: Option<f64>,
}

/// How the server would run `statement`; with `analyze` it runs it, too, for `patience` at most. As JSON, whose shape is
/// that of several [`Plan`]s.
pub async fn explain(db: &Db, statement: &str, analyze: bool, patience: Duration) -> Result<Value> {
    let run = if analyze { "ANALYZE, " } else { "" };
    let prefix = format!("EXPLAIN ({run}BUFFERS, SETTINGS, VERBOSE, FORMAT JSON) ");
    let mut transaction = db.pool().begin().await?;
    sqlx::query("SET TRANSACTION READ ONLY").execute(&mut *transaction).await?;
    sqlx::query("SELECT set_config('statement_timeout', $1, true)")
        .bind(patience.as_millis().to_string())
        .execute(&mut *transaction)
        .await?;
    // The server prepares it, and refuses to prepare more than one statement.
    let sql = AssertSqlSafe(format!("{prefix}{statement}"));
    let plan = sqlx::query_scalar(sql).persistent(false).fetch_one(&mut *transaction).await;
    transaction.rollback().await?;
    plan.map_err(|error| refusal(error, &prefix, patience))
}

/// Why a statement could not be explained, with the place in it where the server tells.
fn refusal(error: sqlx::Error, prefix: &str, patience: Duration) -> Failure {
    let Some(answer) = error.as_database_error().and_then(|answer| answer.try_downcast_ref::<PgDatabaseError>()) else {
        return error.into();
    };
    let message = answer.message();
    let (what, hint) = match answer.code() {
        "25006" => (
            "the statement writes, and --analyze would run it".to_owned(),
            "leave --analyze out: then it is planned only",
        ),
        "57014" if error::is_timeout(&error) => (
            format!("it took longer than {} s and was stopped", patience.as_secs()),
            "leave --analyze out, or give it longer with --seconds",
        ),
        "42601" if message.contains("multiple commands") => {
            ("there are several statements".to_owned(), "one at a time can be explained")
        }
        "08P01" | "42P02" => (
            format!("the statement has parameters: {message}"),
            "write values in place of $1, $2, ..., with their types: '...'::uuid",
        ),
        "42501" => (message.to_owned(), "grant the user of database.url what it lacks"),
        code if ["42", "22", "0A", "3F"].iter().any(|class| code.starts_with(class)) => {
            let before = prefix.chars().count();
            let place = match answer.position() {
                Some(PgErrorPosition::Original(at)) if at > before => format!(", at character {}", at - before),
                _ => String::new(),
            };
            (format!("{message}{place}"), "give the statement alone, as psql takes it, without EXPLAIN before it")
        }
        _ => return error.into(),
    };
    let kind = if answer.code() == "42501" { Kind::Database } else { Kind::Invalid };
    Failure::new(kind, format!("it cannot be explained: {what}")).hint(answer.hint().unwrap_or(hint))
}

/// How many rows the tables have that `names` (schema and name) are, as the server estimates.
pub async fn rows_of(db: &Db, names: &[(String, String)]) -> Result<Vec<(String, String, i64)>> {
    let (schemas, tables): (Vec<String>, Vec<String>) = names.iter().cloned().unzip();
    let found = sqlx::query_as(
        "SELECT n.nspname::text, c.relname::text, c.reltuples::bigint
         FROM unnest($1::text[], $2::text[]) AS x (schema, name)
         JOIN pg_namespace AS n ON n.nspname = x.schema
         JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = x.name",
    );
    Ok(found.bind(schemas).bind(tables).fetch_all(db.pool()).await?)
}
