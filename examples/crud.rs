//! The founding guide's CRUD in Rust: a generation is created, read, updated and deleted.
//!
//! `DATABASE_URL=postgresql://repo_user:repo_password@localhost:5434/repo_to_cat cargo run --example crud`

use repo_to_cat::config::{Config, Environment, Layers};
use repo_to_cat::db::generations::{self, GenerationFilter};
use repo_to_cat::db::{Db, migrate};
use repo_to_cat::model::failure::Result;
use serde_json::json;
use uuid::Uuid;

#[tokio::main]
async fn main() -> Result<()> {
    let config = Config::load(&Layers { environment: Environment::of_process()?, ..Layers::default() })?.config;
    let db = Db::connect(&config.database).await?;
    migrate::state(&db).await?.require_current()?;

    // CREATE. Cats that a worker makes are written by it; this is for those of another origin.
    let id: Uuid = sqlx::query_scalar(
        "INSERT INTO generations (github_url, repo_owner, repo_name, primary_language, code_quality_score, cat_attributes)
         VALUES ($1, $2, $3, $4, $5::float8, $6) RETURNING id",
    )
    .bind("https://github.com/user/repo")
    .bind("user")
    .bind("repo")
    .bind("Python")
    .bind(8.5)
    .bind(json!({"size": "chonky", "color": "orange"}))
    .fetch_one(db.pool())
    .await?;
    println!("created {id}");

    // READ: one by its id, and those that a filter lets in, newest first.
    let cat = generations::get(&db, id).await?.ok_or_else(|| generations::unknown(id))?;
    println!("read {} with score {:?}", cat.github_url, cat.code_quality_score);
    let filter = GenerationFilter {
        owner: Some("user".to_owned()),
        attributes: Some(json!({"size": "chonky"})),
        limit: 10,
        ..GenerationFilter::default()
    };
    for cat in generations::list(&db, &filter).await? {
        println!("listed {} of {}", cat.id, cat.created_at.format("%Y-%m-%d"));
    }

    // UPDATE.
    let updated = sqlx::query("UPDATE generations SET code_quality_score = $2::float8 WHERE id = $1")
        .bind(id)
        .bind(9.0)
        .execute(db.pool())
        .await?;
    println!("updated {}", updated.rows_affected());

    // DELETE. The keys of its pictures come back: `repo-to-cat generations delete` removes those, too.
    let pictures = generations::delete(&db, id).await?;
    println!("deleted, with {} pictures", pictures.len());
    db.close().await;
    Ok(())
}
