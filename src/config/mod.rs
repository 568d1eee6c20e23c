//! Typed settings, and the only place that reads the environment and configuration files.
//!
//! Every component gets its own section as a plain value; nothing below this module looks anything up.
//!
//! Layers, the later wins: `config/default.toml` (built in), the file of `--config`, `.env` in the current folder, the
//! environment, flags. Each layer becomes a list of single values that remember where they came from
//! ([`origin`]); each value is checked in its own place ([`schema`], [`rules`]), then the last one per key counts.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::model::backup::{Compression, Format};
use crate::model::schedule::Spec;

mod environment;
mod file;
mod hosts;
mod load;
mod machine;
mod origin;
mod rules;
mod schedules;
mod schema;
mod secrets;
#[cfg(test)]
mod tests;

pub use environment::Environment;
pub use load::{Flag, Layers, Loaded, Setting};
pub use origin::Origin;

/// All settings. The defaults are `config/default.toml`, which is built into the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where this program keeps its files.
    pub data: Data,
    /// The `PostgreSQL` server.
    pub database: Database,
    /// How jobs are run.
    pub worker: Worker,
    /// What the timed upkeep does.
    pub scheduler: Scheduler,
    /// What is enqueued by the clock, by name.
    #[serde(default)]
    pub schedules: BTreeMap<String, Spec>,
    /// How long finished jobs are kept.
    pub retention: Retention,
    /// From where repositories may come, and how much of them.
    pub fetch: Fetch,
    /// How much the analysis may use.
    pub analysis: Analysis,
    /// Where pictures go.
    pub images: Images,
    /// How backups are made, kept and proven.
    pub backup: Backup,
    /// How others are told of generations.
    pub webhooks: Webhooks,
    /// The HTTP listener.
    pub http: Http,
    /// The listener for metrics alone.
    pub metrics: Metrics,
    /// What is logged.
    pub log: Log,
}

/// Where this program keeps its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    /// The folder; empty: `/var/lib/repo-to-cat` as root, else `repo-to-cat` in the user's data folder.
    pub folder: PathBuf,
}

/// The `PostgreSQL` server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// `postgres://user:password@host:port/database`, or several hosts separated by commas, of which the one that takes
    /// writes is used; empty: a private cluster under the data folder.
    pub url: String,
    /// What stands between us and the server.
    pub pooler: Pooler,
    /// The server itself, for what cannot go through a pooler; empty: `url` is it.
    pub direct_url: String,
    /// Most connections in one process's pool.
    pub max_connections: u32,
    /// How long to wait for a connection.
    pub connect_seconds: u64,
    /// Folder with `initdb`, `postgres` and the client programs; empty: the newest installed.
    pub bin_folder: PathBuf,
}

impl Database {
    /// One URL for each host of `url`, in their order.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        hosts::urls_of_hosts(&self.url).unwrap_or_default()
    }

    /// One URL for each host that is no pooler, in their order.
    #[must_use]
    pub fn direct_hosts(&self) -> Vec<String> {
        if self.direct_url.is_empty() {
            self.hosts()
        } else {
            hosts::urls_of_hosts(&self.direct_url).unwrap_or_default()
        }
    }
}

/// What stands between us and the `PostgreSQL` server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooler {
    /// Nothing, or a pooler that gives each client a server connection for as long as it stays.
    None,
    /// A pooler such as `PgBouncer` in transaction mode, which gives each transaction another server connection.
    Transaction,
}

/// How jobs are run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    /// Generations that run at once in this process.
    pub slots: usize,
    /// Jobs of light kinds, which wait more than they work, that run at once in this process.
    pub light_slots: usize,
    /// How long a worker holds its jobs without a heartbeat.
    pub lease_seconds: u64,
    /// How often the lease is renewed.
    pub heartbeat_seconds: u64,
    /// How often to look for jobs when nothing woke the worker.
    pub poll_seconds: u64,
    /// How long one attempt may take.
    pub attempt_seconds: u64,
    /// How long a graceful stop lets running jobs go on before it hands them back.
    pub grace_seconds: u64,
    /// Attempts before a job is discarded.
    pub max_attempts: u16,
    /// Mean wait before the second attempt; doubled for each further one.
    pub backoff_seconds: u64,
    /// Longest wait between two attempts.
    pub backoff_max_seconds: u64,
    /// Workers that may be lost while they run a job before it is suspected of killing them and discarded.
    pub max_deaths: u16,
}

/// What the timed upkeep does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduler {
    /// How often pictures without a row are looked for.
    pub sweep_seconds: u64,
    /// How old a picture without a row must be before it is removed.
    pub sweep_grace_seconds: u64,
}

/// How long finished jobs are kept, and what belongs to them; and the audit log. 0: for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Retention {
    /// Completed ones.
    pub completed_days: u16,
    /// Discarded ones.
    pub discarded_days: u16,
    /// Cancelled ones.
    pub cancelled_days: u16,
    /// Not jobs, but what the audit log tells.
    pub audit_days: u16,
}

/// From where repositories may come, and how much of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fetch {
    /// Hosts that may be fetched from over https.
    pub allowed_hosts: Vec<String>,
    /// Folders under which local repositories may be opened; empty: none.
    pub local_roots: Vec<PathBuf>,
    /// File with one `host token` per line, mode 0600; empty: none.
    pub token_file: PathBuf,
    /// GitHub's interface, which is asked for stars where there is a token for github.com.
    pub github_api: String,
    /// PEM file with certificate authorities to trust beside the public ones; empty: none.
    pub ca_file: PathBuf,
    /// `host:port` pairs that may resolve to private addresses and use that port; for tests and intranets.
    pub private_hosts: Vec<String>,
    /// Most bytes on the wire.
    pub max_wire_mb: u64,
    /// Largest single object that is read.
    pub max_object_mb: u64,
    /// Most entries of the tree.
    pub max_entries: u64,
    /// Deepest folder.
    pub max_depth: u32,
    /// Longest path in bytes.
    pub max_path_bytes: usize,
    /// Longest time for one fetch.
    pub max_seconds: u64,
    /// Most memory of the fetching child process.
    pub max_memory_mb: u64,
}

/// How much the analysis may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Analysis {
    /// Parser processes that run at once; 0: one per core.
    pub processes: usize,
    /// Largest file that is parsed.
    pub max_file_kb: u64,
    /// Longest time for one file.
    pub max_file_ms: u64,
    /// Most memory of one parser process.
    pub max_memory_mb: u64,
    /// Longest time for one repository.
    pub max_seconds: u64,
}

/// Where pictures go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Images {
    /// A folder; given as a path, as a `file://` URL, or empty for the data folder.
    pub store: String,
    /// Width of the picture in pixels.
    pub width: u32,
    /// Height of the picture in pixels.
    pub height: u32,
}

/// How backups are made, kept and proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// A path, `file:///path` or `s3://bucket/prefix`.
    pub store: String,
    /// Whether a database's backups may follow those of another server.
    pub adopt_store: bool,
    /// How dumps are laid out.
    pub format: Format,
    /// How they are compressed.
    pub compression: Compression,
    /// How hard; 0: as usual for the compression.
    pub level: u8,
    /// Connections that read or write at once.
    pub jobs: u8,
    /// Threads that compress; 0: one per core.
    pub threads: usize,
    /// From which size on a table is split in directory format.
    pub split_mb: u64,
    /// The age recipients that backups are encrypted to.
    pub recipients: Vec<String>,
    /// File with age identities; empty: none.
    pub identity_file: PathBuf,
    /// Whether roles and tablespaces are added.
    pub globals: bool,
    /// Whether the pictures that rows name are copied beside each backup.
    pub with_images: bool,
    /// Whether a drill follows each backup.
    pub drill: bool,
    /// Folder for scratch clusters.
    pub scratch_folder: PathBuf,
    /// How long one backup or drill may take.
    pub max_seconds: u64,
    /// How long `pg_dump` waits for a table's lock.
    pub lock_wait_seconds: u64,
    /// How long another session may wait for a lock of the dump's before that gives way.
    pub yield_seconds: u64,
    /// How many of the latest verified backups are kept.
    pub keep_last: u64,
    /// Of how many of the latest hours that have one, the last.
    pub keep_hourly: u64,
    /// Of how many days.
    pub keep_daily: u64,
    /// Of how many weeks.
    pub keep_weekly: u64,
    /// Of how many months.
    pub keep_monthly: u64,
    /// Of how many years.
    pub keep_yearly: u64,
    /// All that are not older than so many days.
    pub keep_within_days: u64,
    /// How old what a killed run left must be before it is swept.
    pub sweep_grace_seconds: u64,
    /// How old the last verified backup may be.
    pub fresh_hours: u64,
    /// By how much a backup may differ from the one before.
    pub alarm_percent: u64,
    /// Who is told as healthchecks.io has it; empty: nobody.
    pub ping_url: String,
    /// Who is told as JSON; empty: nobody.
    pub webhook_url: String,
    /// The bucket's server.
    pub s3_endpoint: String,
    /// Its region.
    pub s3_region: String,
    /// Who we are there.
    pub s3_access_key_id: String,
    /// The proof of it.
    pub s3_secret_access_key: String,
    /// File that holds it; empty: none.
    pub s3_secret_access_key_file: PathBuf,
    /// Whether the server may be spoken to without TLS, beyond this machine.
    pub s3_allow_http: bool,
}

/// How others are told of generations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// File with the secrets that they are signed with, one a line; empty: in the data folder.
    pub secret_file: PathBuf,
    /// How long one try may take.
    pub timeout_seconds: u64,
    /// Tries before a webhook is discarded.
    pub max_attempts: u16,
    /// Whether they may be sent without TLS.
    pub allow_http: bool,
    /// Webhooks that are sent at once by this process.
    pub slots: usize,
}

/// The HTTP listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port.
    pub listen: String,
    /// Who is answered.
    pub auth: Auth,
    /// File that gets the first admin's token; empty: in the data folder, on a loopback address.
    pub token_file: PathBuf,
    /// Where others reach the listener; empty: pages name the host that a request names.
    pub public_url: String,
    /// Whether pictures are shown to everybody.
    pub public_pictures: bool,
    /// Requests in a minute with one token; 0: any number.
    pub rate_per_minute: u32,
    /// Largest body of a request, in KB.
    pub max_body_kb: usize,
    /// Longest time for one answer, and for a body to arrive, in seconds.
    pub max_seconds: u64,
    /// How long the original's `POST /generate` waits, in seconds.
    pub wait_seconds: u64,
    /// Proxies that are believed when they say for whom they ask, and how they were asked: addresses and networks.
    pub trusted_proxies: Vec<String>,
    /// Other sites whose pages may ask from a browser.
    pub allowed_origins: Vec<String>,
    /// How long a login at the dashboard lasts, in hours.
    pub session_hours: u32,
}

impl Http {
    /// The networks of `trusted_proxies`.
    #[must_use]
    pub fn networks_of_proxies(&self) -> Vec<IpNet> {
        self.trusted_proxies.iter().filter_map(|text| rules::network(text)).collect()
    }
}

/// Whom the HTTP listener answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Whoever shows a token that works.
    Token,
    /// Everybody who reaches it.
    None,
}

/// The listener for metrics alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Address and port; empty: none.
    pub listen: String,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// Filter in `tracing`'s syntax.
    pub filter: String,
    /// Filter of what is kept with a job that runs.
    pub job_filter: String,
    /// `text` or `json`.
    pub format: LogFormat,
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
