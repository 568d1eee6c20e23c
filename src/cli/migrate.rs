//! `migrate ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use std::time::Duration;

use clap::{Args, Subcommand};

use super::Adopt;

/// What a REV is, and which exit code says what.
pub const AFTER_HELP: &str = "\
REV is a revision: its number (9, 0009), its name (0009_backups, backups), or a beginning of it that no other has.
Alembic's words mean what they mean there: head, base, +N, -N, upgrade, downgrade, and with --sql a range FROM:TO.

Exit codes of migrate:
    2  a REV that several have, more steps than there are, --yes missing
    4  no such REV
    5  the database cannot be reached, takes no writes (a standby, read-only), or the user may not change it
    6  migrations are pending (check), a migration failed, was edited since, or is missing below another; two heads;
       a newer program's schema; a database that is not ours
    7  a lock that others hold, after several tries
  130  stopped; what was begun was taken back";

/// `migrate ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum Migrate {
    /// Tell which revision the database's schema is at
    #[command(
        after_help = "Examples:\n  repo-to-cat migrate current\n  repo-to-cat migrate current --json | jq .current"
    )]
    Current,
    /// List all revisions, the newest first, and which are applied
    #[command(after_help = "Examples:\n  repo-to-cat migrate history\n  repo-to-cat migrate history --verbose")]
    History {
        /// Tell what each is for, too
        #[arg(long, short)]
        verbose: bool,
    },
    /// Tell the newest revision that this program has, without a database
    #[command(after_help = "Examples:\n  repo-to-cat migrate heads")]
    Heads,
    /// Print a revision: what it is for, and its scripts, without a database
    #[command(
        after_help = "Examples:\n  repo-to-cat migrate show\n  repo-to-cat migrate show 9\n  repo-to-cat migrate show 0009_backups --json"
    )]
    Show {
        /// Which; the newest if left out
        #[arg(default_value = "head", value_name = "REV")]
        revision: String,
    },
    /// Tell whether anything is to be applied: exit code 0 if not, 6 if so
    #[command(after_help = "Examples:\n  repo-to-cat migrate check || repo-to-cat migrate up")]
    Check,
    /// Apply the migrations that are missing
    #[command(
        visible_alias = "upgrade",
        after_help = "Examples:\n  repo-to-cat migrate up\n  DATABASE_URL=postgres://cat@db/cats repo-to-cat migrate up\n  repo-to-cat migrate upgrade +1 --dry-run\n  repo-to-cat migrate up 0008_hold:head --sql > upgrade.sql\n\nEach migration is a transaction: one that fails leaves the last good revision. Two hosts never migrate at once."
    )]
    Up(Up),
    /// Take migrations back, with all that their tables hold
    #[command(
        visible_alias = "downgrade",
        after_help = "Examples:\n  repo-to-cat migrate down -1\n  repo-to-cat migrate downgrade 0008_hold --yes\n  repo-to-cat migrate down base --dry-run\n  repo-to-cat migrate down head:0008 --sql > downgrade.sql\n\nIt asks first; where nobody can be asked it wants --yes. Make a backup before: repo-to-cat backup now"
    )]
    Down(Down),
    /// Record the schema as being at a revision, and change nothing else
    #[command(
        after_help = "Examples:\n  repo-to-cat migrate stamp head\n  repo-to-cat migrate stamp 0008_hold\n\nFor a schema that was put right by hand. Whatever is recorded above that revision is forgotten."
    )]
    Stamp {
        /// A revision, head or base
        #[arg(value_name = "REV|base|head")]
        revision: String,
    },
    /// Adopt a database of the founding Python application in place, while that goes on working
    #[command(after_help = super::adopt::EXAMPLES)]
    Adopt(Adopt),
    /// Write the files of the next migration into ./migrations of a checkout
    #[command(after_help = "Examples:\n  repo-to-cat migrate new add_generation_rating")]
    New {
        /// What it does, in words: add_user_email, not update_1
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// `migrate up`.
#[derive(Debug, Clone, Args)]
pub struct Up {
    /// How far: head, a revision, or +N; with --sql also FROM:TO
    #[arg(default_value = "head", value_name = "head|REV|+N")]
    pub goal: String,
    /// Let tables of others stay in the database beside ours
    #[arg(long)]
    pub beside: bool,
    /// How to go.
    #[command(flatten)]
    pub going: Going,
}

/// `migrate down`.
#[derive(Debug, Clone, Args)]
pub struct Down {
    /// How far: -N, a revision, or base; with --sql FROM:TO
    #[arg(allow_negative_numbers = true, value_name = "-N|REV|base")]
    pub goal: String,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// How to go.
    #[command(flatten)]
    pub going: Going,
}

/// What both ways have.
#[derive(Debug, Clone, Args)]
pub struct Going {
    /// Only tell what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Print the script instead, without a database; from the base unless FROM:TO says otherwise
    #[arg(long, conflicts_with = "dry_run")]
    pub sql: bool,
    /// How long to wait for a lock that others hold, before the migration is taken back and tried again
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600), value_name = "SECONDS")]
    pub lock_timeout: u32,
}

impl Going {
    /// The time to wait for a lock.
    #[must_use]
    pub fn lock_timeout(&self) -> Duration {
        Duration::from_secs(self.lock_timeout.into())
    }
}
