//! The floor: what anybody would write first. One route inserts a row, one reads it; nobody is asked who they are.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::Result;

/// Its table. Like ours it has a time and an index that leads to what waits.
const TABLE: &str = "
CREATE SCHEMA IF NOT EXISTS floor;
CREATE TABLE IF NOT EXISTS floor.jobs (
    id uuid PRIMARY KEY, state text NOT NULL DEFAULT 'available', created_at timestamptz NOT NULL DEFAULT now(),
    payload jsonb NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_waiting ON floor.jobs (created_at) WHERE state = 'available';
";

/// Serves until it is killed; tells its address on standard output.
pub fn serve(url: &str) -> Result<()> {
    Runtime::new()?.block_on(async {
        // As many connections as `database.max_connections` gives ours.
        let pool = PgPoolOptions::new().max_connections(10).connect(url).await?;
        sqlx::raw_sql(TABLE).execute(&pool).await?;
        let router = Router::new().route("/jobs", post(enqueue)).route("/jobs/{id}", get(status)).with_state(pool);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("address={}", listener.local_addr()?);
        Ok(axum::serve(listener, router).await?)
    })
}

async fn enqueue(State(pool): State<PgPool>, Json(payload): Json<Value>) -> (StatusCode, Json<Value>) {
    let id = Uuid::now_v7();
    let inserted = sqlx::query("INSERT INTO floor.jobs (id, payload) VALUES ($1, $2)").bind(id).bind(payload);
    match inserted.execute(&pool).await {
        Ok(_) => (StatusCode::ACCEPTED, Json(json!({ "id": id }))),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": error.to_string()}))),
    }
}

async fn status(State(pool): State<PgPool>, Path(id): Path<Uuid>) -> (StatusCode, Json<Value>) {
    let query = "SELECT state, payload FROM floor.jobs WHERE id = $1";
    match sqlx::query_as::<_, (String, Value)>(query).bind(id).fetch_optional(&pool).await {
        Ok(Some((state, payload))) => (StatusCode::OK, Json(json!({"id": id, "state": state, "payload": payload}))),
        Ok(None) => (StatusCode::NOT_FOUND, Json(json!({"error": "there is no such job"}))),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, Json(json!({"error": error.to_string()}))),
    }
}
