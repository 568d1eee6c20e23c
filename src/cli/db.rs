//! `db ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use std::ffi::OsString;

use clap::{Args, Subcommand};

/// `db ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum DbCommand {
    /// Check the server and the database, and say what to do about what is wrong
    #[command(
        after_help = "Examples:\n  repo-to-cat db check\n  repo-to-cat db check --json | jq '.[] | select(.state != \"ok\")'\n\nIt goes from the network to the indexes: who answers there, who lets us in, whether it can be written, the schema, clock, disk, standbys, long transactions, locks, dead rows. Nothing is changed. Exits with 7 if something does not work; docs/troubleshooting.md goes from symptoms to commands."
    )]
    Check,
    /// Show how much room the database and its tables take
    #[command(
        after_help = "Examples:\n  repo-to-cat db size\n  repo-to-cat db size --json | jq '.tables[] | {name, total_bytes}'\n\nPartitions count for the table that they are part of. Rows are the server's estimates."
    )]
    Size,
    /// Show who is connected to the database, since when, waiting for what, blocked by whom
    #[command(
        after_help = "Examples:\n  repo-to-cat db sessions\n  repo-to-cat db sessions --full\n  repo-to-cat db sessions --json | jq '.[] | select(.blocked_by != [])'\n\nWho waits for a lock stands below the one that holds it. * marks this program's own sessions: workers, services, backups. What others do is shown to superusers and members of pg_monitor only."
    )]
    Sessions {
        /// Show whole statements, not their first 80 characters; with --json they are always whole
        #[arg(long)]
        full: bool,
    },
    /// End sessions: their transactions are rolled back
    #[command(
        after_help = "Examples:\n  repo-to-cat db terminate 4711\n  repo-to-cat db terminate --all\n  repo-to-cat db terminate --all --workers --yes\n\nShows the sessions and asks. It never ends its own. --all leaves this program's sessions alone, which come back by themselves: to keep workers away, stop them. A session may be ended by its own user, by members of pg_signal_backend and by superusers."
    )]
    Terminate(Terminate),
    /// Start psql with our connection
    #[command(
        after_help = "Examples:\n  repo-to-cat db psql\n  repo-to-cat db psql -- -c '\\dt queue.*'\n  repo-to-cat db psql -- --no-psqlrc --csv -c 'SELECT count(*) FROM generations'\n\nThe password stands in no argument, no variable and no named file. The exit code is psql's."
    )]
    Psql {
        /// Arguments for psql, after --
        #[arg(last = true, value_name = "ARGS")]
        args: Vec<OsString>,
    },
    /// Show how the server would run a statement, without changing anything
    #[command(
        after_help = "Examples:\n  repo-to-cat db explain \"SELECT * FROM generations WHERE repo_owner = 'user'\"\n  repo-to-cat db explain --analyze \"SELECT count(*) FROM queue.history WHERE kind = 'generation'\"\n\nIt takes one statement, in a transaction that may not write and is rolled back. With --analyze the statement is run: one that writes is refused then."
    )]
    Explain(Explain),
}

/// `db terminate`.
#[derive(Debug, Clone, Args)]
pub struct Terminate {
    /// The process of a session, as `db sessions` shows it
    #[arg(value_name = "PID", value_parser = clap::value_parser!(i32).range(1..), required_unless_present = "all", conflicts_with = "all")]
    pub pids: Vec<i32>,
    /// Every other client's session in this database, but for this program's
    #[arg(long)]
    pub all: bool,
    /// This program's sessions, too: workers, services, backups
    #[arg(long, requires = "all")]
    pub workers: bool,
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
}

/// `db explain`.
#[derive(Debug, Clone, Args)]
pub struct Explain {
    /// The statement
    #[arg(value_name = "SQL")]
    pub statement: String,
    /// Run it, and tell how long each part took and how many rows there really were
    #[arg(long)]
    pub analyze: bool,
    /// Stop it after so many seconds
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=86_400), value_name = "N")]
    pub seconds: u32,
}
