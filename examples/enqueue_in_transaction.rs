//! Enqueues a cat in the caller's own transaction: it will be made if, and only if, that commits.
//!
//! `DATABASE_URL=postgresql://... cargo run --example enqueue_in_transaction -- https://github.com/owner/name`

use repo_to_cat::config::{Config, Environment, Layers};
use repo_to_cat::db::Db;
use repo_to_cat::generation::submit::{Wishes, generation_job};
use repo_to_cat::model::failure::{Failure, Kind, Result};
use repo_to_cat::queue::enqueue::enqueue;

#[tokio::main]
async fn main() -> Result<()> {
    let repository = std::env::args()
        .nth(1)
        .ok_or_else(|| Failure::new(Kind::Invalid, "name a repository, such as https://github.com/owner/name"))?;
    let config = Config::load(&Layers { environment: Environment::of_process()?, ..Layers::default() })?.config;
    let db = Db::connect(&config.database).await?;

    let mut transaction = db.pool().begin().await?;
    // What the caller writes here, an order or an invoice, and the job become true together.
    let job = generation_job(&repository, Wishes::default(), &config)?;
    let enqueued = enqueue(&mut transaction, &job).await?;
    transaction.commit().await?;

    println!("{}", enqueued.id);
    Ok(())
}
