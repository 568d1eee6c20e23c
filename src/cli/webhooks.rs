//! `webhooks ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use clap::Subcommand;
use uuid::Uuid;

use super::Page;
use super::values::id;

/// `webhooks ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum Webhooks {
    /// List what became of each try to deliver one, the last first
    #[command(
        after_help = "Examples:\n  repo-to-cat webhooks list\n  repo-to-cat webhooks list --job 0198c0de-0000-7000-8000-000000000000\n\nThose that wait: repo-to-cat jobs list --kind webhook"
    )]
    List {
        /// Of this generation, or of this webhook's job
        #[arg(long, value_name = "ID", value_parser = id)]
        job: Option<Uuid>,
        /// Which part of the list.
        #[command(flatten)]
        page: Page,
    },
    /// Show one webhook: its event, its state and its tries
    #[command(after_help = "Examples:\n  repo-to-cat webhooks show 0198c0de-0000-7000-8000-000000000000")]
    Show {
        /// Id of the webhook's job
        #[arg(value_parser = id)]
        id: Uuid,
    },
    /// Tell the same once more, as a new job with the same event
    #[command(after_help = "Examples:\n  repo-to-cat webhooks replay 0198c0de-0000-7000-8000-000000000000")]
    Replay {
        /// Ids of the webhooks' jobs
        #[arg(required = true, value_name = "ID", value_parser = id)]
        ids: Vec<Uuid>,
    },
    /// Tell where the secret is that they are signed with, and how a receiver verifies that
    #[command(after_help = "Examples:\n  repo-to-cat webhooks secret\n\nThe secret is made if there is none yet.")]
    Secret,
}
