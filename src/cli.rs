//! The command line: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use uuid::Uuid;

use crate::config::Flag;
use crate::model::failure::Kind;
use crate::model::picture::Canvas;

mod adopt;
mod backup;
mod db;
mod enqueue;
mod generations;
mod jobs;
mod migrate;
mod queue;
mod schedules;
mod users;
mod values;

pub use adopt::Adopt;
pub use backup::{
    Backup, BackupCheck, BackupDiff, BackupList, BackupNow, BackupPrune, BackupShow, BackupVerify, Keep, Release,
    Restore,
};
pub use db::{DbCommand, Explain, Terminate};
pub use enqueue::Enqueue;
pub use generations::{
    FileFormat, GenerationExport, GenerationFilter, GenerationImport, GenerationListing, Generations, OnTaken,
};
pub use jobs::{JobFilter, JobListing, JobSelection, Jobs};
pub use migrate::{Down, Going, Migrate, Up};
pub use queue::{Queue, QueueLimit};
pub use schedules::{ScheduleNames, ScheduleOptions, Schedules};
pub use users::{Expiry, NewUserToken, PasswordOf, User, UserPasswords, UserTokens, Users};
use values::id;

/// Turns Git repositories into the cats that they deserve, exactly once.
///
/// Without DATABASE_URL a private PostgreSQL server is started under the data folder and stopped again with its last
/// user.
#[derive(Debug, Parser)]
#[command(name = "repo-to-cat", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_long_help = exit_codes(), after_help = "`--help` tells more, with examples and exit codes.")]
pub struct Cli {
    /// What applies to every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// A TOML file with settings; see `config show` for the keys
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
    /// Folder for the private server and the pictures
    #[arg(long, global = true, value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    pub data_folder: Option<String>,
    /// PostgreSQL server to use. Others see it in the process list: rather set DATABASE_URL
    #[arg(long, global = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// What to log: a level, or target=level, separated by commas
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,
    /// Print data and errors as JSON
    #[arg(long, global = true)]
    pub json: bool,
}

impl Global {
    /// The flags that set a key of the configuration.
    #[must_use]
    pub fn flags(&self) -> Vec<Flag> {
        [
            ("--data-folder", "data.folder", &self.data_folder),
            ("--database-url", "database.url", &self.database_url),
            ("--log", "log.filter", &self.log),
        ]
        .into_iter()
        .filter_map(|(name, key, value)| Some(Flag { name, key, value: value.clone()? }))
        .collect()
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service: worker, scheduler and HTTP listener
    #[command(
        after_help = "Examples:\n  repo-to-cat run\n  repo-to-cat run --only worker,scheduler\n  DATABASE_URL=postgres://cat@db/cats repo-to-cat run --only http\n\nSIGTERM and Ctrl-C stop it gracefully: running jobs get worker.grace_seconds to end, the rest is handed back."
    )]
    Run(Run),
    /// Make a cat of one repository and watch it happen
    #[command(
        after_help = "Examples:\n  repo-to-cat demo\n  repo-to-cat demo https://github.com/owner/name\n  repo-to-cat demo ../some/checkout"
    )]
    Demo(Demo),
    /// Ask for cats; a worker makes them
    #[command(
        after_help = "Examples:\n  repo-to-cat enqueue https://github.com/owner/name\n  repo-to-cat enqueue https://github.com/owner/name --ref v1.2 --wait\n  repo-to-cat enqueue --at 2h --priority 10 git@github.com:owner/name\n  repo-to-cat enqueue --key owner/name --key-scope open --on-conflict reschedule --delay 10m https://github.com/owner/name\n  repo-to-cat enqueue --rerun-of 0198c0de-0000-7000-8000-000000000000\n  repo-to-cat enqueue < urls.txt\n\nIt returns once every request is committed; nothing is queued if one of the URLs is refused."
    )]
    Enqueue(Enqueue),
    /// Make backups, prove that they restore, restore them
    Backup {
        /// What to do with them.
        #[command(subcommand)]
        command: Backup,
    },
    /// Look at jobs and steer them
    Jobs {
        /// What to do with them.
        #[command(subcommand)]
        command: Jobs,
    },
    /// Look at the queue as a whole and steer it
    Queue {
        /// What to do with it.
        #[command(subcommand)]
        command: Queue,
    },
    /// Enqueue by the clock
    Schedules {
        /// What to do with them.
        #[command(subcommand)]
        command: Schedules,
    },
    /// Look at the cats that were made
    Generations {
        /// What to do with them.
        #[command(subcommand)]
        command: Generations,
    },
    /// Users, their tokens and passwords
    Users {
        /// What to do with them.
        #[command(subcommand)]
        command: Users,
    },
    /// Analyse a repository, without a database
    #[command(
        after_help = "Examples:\n  repo-to-cat analyze .\n  repo-to-cat analyze https://github.com/owner/name --ref main\n  repo-to-cat analyze --json . | jq '.files[] | select(.score < 4) | .path'"
    )]
    Analyze(Analyze),
    /// Paint a cat, without a database
    #[command(
        after_help = "Examples:\n  repo-to-cat paint --from . -o cat.png\n  repo-to-cat paint --attributes '{\"size\":\"large\",\"breed\":\"maine_coon\",\"color\":\"orange\"}' -o cat.png\n  repo-to-cat paint --from . --top 'NO TESTS' --bottom 'NO FEAR' --size 1024x1024 -o meme.png\n  repo-to-cat paint --contact-sheet all.png"
    )]
    Paint(Paint),
    /// Look at the database server, and end what is in the way
    Db {
        /// What to do with it.
        #[command(subcommand)]
        command: DbCommand,
    },
    /// Bring the database's schema to this program's version, or to another
    #[command(after_help = migrate::AFTER_HELP)]
    Migrate {
        /// What to do with it.
        #[command(subcommand)]
        command: Migrate,
    },
    /// Remove jobs that finished longer ago than their retention, as the scheduler does by itself
    #[command(
        after_help = "Examples:\n  repo-to-cat prune --dry-run\n  REPO_TO_CAT_RETENTION__COMPLETED_DAYS=7 repo-to-cat prune\n\nCats and their pictures stay. Exits with 7 if a long transaction, such as a dump, keeps old weeks in use."
    )]
    Prune(Prune),
    /// Check everything that this program needs, and say what to do about what is missing
    #[command(
        after_help = "Examples:\n  repo-to-cat doctor\n  repo-to-cat doctor --json\n\nExits with 7 if something is missing."
    )]
    Doctor,
    /// Look at the settings
    Config {
        /// What to do with them.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Print a completion script for a shell
    #[command(
        after_help = "Examples:\n  repo-to-cat completions bash > ~/.local/share/bash-completion/completions/repo-to-cat\n  repo-to-cat completions zsh > ~/.zfunc/_repo-to-cat\n  repo-to-cat completions fish > ~/.config/fish/completions/repo-to-cat.fish"
    )]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the reference of the command line in Markdown
    #[command(hide = true, name = "cli-reference")]
    CliReference,
    /// Print the OpenAPI document of the HTTP interface
    #[command(hide = true)]
    Openapi,
    /// Parse files; started by this program only
    #[command(hide = true, name = "__parse")]
    Parse(Child),
    /// Fetch a repository; started by this program only
    #[command(hide = true, name = "__fetch")]
    Fetch(Child),
    /// Measure the queue; started by benches/peers only
    #[command(hide = true, name = "__bench")]
    Bench {
        /// What to do.
        #[command(subcommand)]
        command: Bench,
    },
    /// Guard the private server; started by this program only
    #[command(hide = true, name = "__postgres")]
    Postgres(Child),
}

/// `__bench ...`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Bench {
    /// Bring the schema up to date.
    Setup,
    /// Enqueue jobs one at a time, each in a transaction of its own.
    Enqueue {
        /// How many.
        jobs: u64,
        /// By so many callers.
        callers: u64,
    },
    /// Enqueue jobs by the SQL function.
    Bulk {
        /// How many.
        jobs: u64,
        /// So many a call.
        chunk: u64,
    },
    /// Enqueue jobs by COPY.
    Copy {
        /// How many.
        jobs: u64,
    },
    /// Enqueue jobs at a fixed rate.
    Pace {
        /// Jobs a second.
        rate: f64,
        /// How many.
        jobs: u64,
        /// So many a call.
        #[arg(default_value_t = 1)]
        batch: u64,
    },
    /// Work until stopped.
    Worker {
        /// Report once so many jobs ran.
        jobs: u64,
    },
}

/// What a child process of our own is told.
#[derive(Debug, Clone, Args)]
pub struct Child {
    /// Passed on as it is.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub args: Vec<OsString>,
}

/// A part of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Part {
    /// Runs jobs.
    Worker,
    /// Fires schedules, and keeps house: removes pictures that no cat has and jobs that finished long ago.
    Scheduler,
    /// Answers HTTP.
    Http,
}

/// `run`.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// Run these parts only, separated by commas
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS")]
    pub only: Vec<Part>,
}

impl Run {
    /// Whether this process runs `part`.
    #[must_use]
    pub fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// `demo`.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// A URL or a local repository
    #[arg(default_value = ".", value_name = "REPO")]
    pub repository: String,
    /// Branch, tag or commit; the default branch if left out
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
}

/// Which part of a list.
#[derive(Debug, Clone, Args)]
pub struct Page {
    /// How many at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "N")]
    pub limit: u32,
    /// Go on after this one: the id of the last line, or the one that the page names
    #[arg(long, value_name = "CURSOR", value_parser = id)]
    pub after: Option<Uuid>,
}

/// `analyze`.
#[derive(Debug, Clone, Args)]
pub struct Analyze {
    /// A URL or a local repository
    #[arg(value_name = "PATH_OR_URL")]
    pub repository: String,
    /// Branch, tag or commit; the default branch if left out
    #[arg(long = "ref", value_name = "REF")]
    pub reference: Option<String>,
}

/// `paint`.
#[derive(Debug, Clone, Args)]
pub struct Paint {
    /// What the cat is like, in JSON; what is left out gets a default
    #[arg(long, value_name = "JSON", conflicts_with_all = ["from", "contact_sheet"], required_unless_present_any = ["from", "contact_sheet"])]
    pub attributes: Option<String>,
    /// Paint the cat of this repository: a path or a URL
    #[arg(long, value_name = "PATH_OR_URL", conflicts_with = "contact_sheet")]
    pub from: Option<String>,
    /// Branch, tag or commit of --from
    #[arg(long = "ref", value_name = "REF", requires = "from")]
    pub reference: Option<String>,
    /// File to write
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, required_unless_present = "contact_sheet")]
    pub output: Option<PathBuf>,
    /// Size in pixels
    #[arg(long, value_enum, default_value_t = PictureSize::Wide)]
    pub size: PictureSize,
    /// Upper line of the caption
    #[arg(long, value_name = "TEXT", conflicts_with = "contact_sheet")]
    pub top: Option<String>,
    /// Lower line of the caption
    #[arg(long, value_name = "TEXT", conflicts_with = "contact_sheet")]
    pub bottom: Option<String>,
    /// Draw every variant onto one sheet instead
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "output")]
    pub contact_sheet: Option<PathBuf>,
}

/// A picture's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PictureSize {
    /// As the original's.
    #[value(name = "768x448")]
    Wide,
    /// A square.
    #[value(name = "1024x1024")]
    Square,
}

impl From<PictureSize> for Canvas {
    fn from(size: PictureSize) -> Self {
        match size {
            PictureSize::Wide => Self::WIDE,
            PictureSize::Square => Self::SQUARE,
        }
    }
}

/// `prune`.
#[derive(Debug, Clone, Copy, Args)]
pub struct Prune {
    /// Only tell what would be removed
    #[arg(long)]
    pub dry_run: bool,
}

/// `config ...`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting in force and where it comes from; secrets masked
    #[command(
        after_help = "Examples:\n  repo-to-cat config show\n  repo-to-cat --config production.toml config show\n  REPO_TO_CAT_WORKER__SLOTS=4 repo-to-cat config show --json"
    )]
    Show,
}

/// The table of exit codes, which every kind of failure is in.
#[must_use]
pub fn exit_codes() -> String {
    let mut table = "Exit codes:\n    0  success\n".to_owned();
    let mut kinds = Kind::ALL;
    kinds.sort_by_key(|kind| kind.exit_code());
    let mut last = None;
    for kind in kinds {
        let code = kind.exit_code();
        let shown = if last == Some(code) { String::new() } else { code.to_string() };
        _ = writeln!(table, "  {shown:>3}  {:<12}  {}", kind.name(), kind.meaning());
        last = Some(code);
    }
    table.truncate(table.trim_end().len());
    table
}
