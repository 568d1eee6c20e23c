//! What each setting may be: the one list to read.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::hosts::urls_of_hosts;
use super::origin::Given;
use super::{Backup, Config, Pooler, secrets};
use crate::model::backup::{Compression, Format};
use crate::model::failure::{Failure, Kind, Result};

/// The rule of one key.
pub(super) struct Rule {
    /// `section.key`.
    pub key: &'static str,
    /// What is allowed, for people.
    pub allowed: &'static str,
    /// Whether a value of the right type is.
    pub holds: fn(&Value) -> bool,
}

macro_rules! rules {
    ($($key:literal: $allowed:literal if $holds:expr;)+) => {
        &[$(Rule { key: $key, allowed: $allowed, holds: $holds }),+]
    };
}

/// Every key's rule, in the order of `config/default.toml`.
pub(super) const RULES: &[Rule] = rules! {
    "data.folder": "a path, or empty" if is_path;
    "database.url": "postgres://user:password@host:port/database (or several: host1:port1,host2:port2), or empty for a private server" if is_postgres_url;
    "database.pooler": "none or transaction" if |value| matches!(text(value), "none" | "transaction");
    "database.direct_url": "a URL as in database.url, or empty" if is_postgres_url;
    "database.max_connections": "2 to 1000" if between::<2, 1000>;
    "database.connect_seconds": "1 to 600" if between::<1, 600>;
    "database.bin_folder": "a path, or empty" if is_path;
    "worker.slots": "1 to 256" if between::<1, 256>;
    "worker.light_slots": "1 to 10000" if between::<1, 10_000>;
    "worker.lease_seconds": "3 to 3600" if between::<3, 3600>;
    "worker.heartbeat_seconds": "1 to 1200, and at most a third of worker.lease_seconds" if between::<1, 1200>;
    "worker.poll_seconds": "1 to 3600" if between::<1, 3600>;
    "worker.attempt_seconds": "1 to 86400" if between::<1, 86_400>;
    "worker.grace_seconds": "0 to 3600" if between::<0, 3600>;
    "worker.max_attempts": "1 to 100" if between::<1, 100>;
    "worker.backoff_seconds": "1 to 86400" if between::<1, 86_400>;
    "worker.backoff_max_seconds": "1 to 2592000 (30 days), and at least worker.backoff_seconds" if between::<1, 2_592_000>;
    "worker.max_deaths": "1 to 1000" if between::<1, 1000>;
    "scheduler.sweep_seconds": "1 to 2592000 (30 days)" if between::<1, 2_592_000>;
    "scheduler.sweep_grace_seconds": "60 to 31536000 (a year)" if between::<60, 31_536_000>;
    "retention.completed_days": "0 (for ever) to 36500 (a hundred years)" if between::<0, 36_500>;
    "retention.discarded_days": "0 (for ever) to 36500 (a hundred years)" if between::<0, 36_500>;
    "retention.cancelled_days": "0 (for ever) to 36500 (a hundred years)" if between::<0, 36_500>;
    "retention.audit_days": "0 (for ever) to 36500 (a hundred years)" if between::<0, 36_500>;
    "fetch.allowed_hosts": "a list of host names such as github.com, without scheme, port and path" if |value| all(value, is_host);
    "fetch.local_roots": "a list of paths" if |value| all(value, |text| !text.is_empty());
    "fetch.token_file": "a path, or empty" if is_path;
    "fetch.github_api": "an https:// URL" if |value| Url::parse(text(value)).is_ok_and(|url| url.scheme() == "https");
    "fetch.ca_file": "a path, or empty" if is_path;
    "fetch.private_hosts": "a list of host:port pairs such as git.intranet:8443" if |value| all(value, |text| is_host_and_port(text, 1));
    "fetch.max_wire_mb": "1 to 100000" if between::<1, 100_000>;
    "fetch.max_object_mb": "1 to 4096" if between::<1, 4096>;
    "fetch.max_entries": "1 to 10000000" if between::<1, 10_000_000>;
    "fetch.max_depth": "1 to 4096" if between::<1, 4096>;
    "fetch.max_path_bytes": "1 to 65536" if between::<1, 65_536>;
    "fetch.max_seconds": "1 to 86400" if between::<1, 86_400>;
    "fetch.max_memory_mb": "64 to 1048576" if between::<64, 1_048_576>;
    "analysis.processes": "0 (one per core) to 256" if between::<0, 256>;
    "analysis.max_file_kb": "1 to 1048576" if between::<1, 1_048_576>;
    "analysis.max_file_ms": "1 to 600000" if between::<1, 600_000>;
    "analysis.max_memory_mb": "64 to 1048576" if between::<64, 1_048_576>;
    "analysis.max_seconds": "1 to 86400" if between::<1, 86_400>;
    "images.store": "a folder, a file:// URL, or empty" if is_store;
    "images.width": "768 (with height 448) or 1024 (with height 1024)" if |value| matches!(number(value), 768 | 1024);
    "images.height": "448 (with width 768) or 1024 (with width 1024)" if |value| matches!(number(value), 448 | 1024);
    "backup.store": "a folder, a file:// URL, s3://bucket/prefix, or empty" if is_vault;
    "backup.adopt_store": "true or false" if Value::is_boolean;
    "backup.format": "plain, custom or directory" if |value| is_one_of::<Format>(value);
    "backup.compression": "zstd, gzip, lz4 or none" if |value| is_one_of::<Compression>(value);
    "backup.level": "1 to 19 for zstd, 1 to 9 for gzip, or 0 for the usual" if between::<0, 19>;
    "backup.jobs": "1 to 64" if between::<1, 64>;
    "backup.threads": "0 (one per core) to 256" if between::<0, 256>;
    "backup.split_mb": "1 to 1048576" if between::<1, 1_048_576>;
    "backup.recipients": "a list of age recipients (age1...), as age-keygen shows them" if |value| all(value, is_recipient);
    "backup.identity_file": "a path, or empty" if is_path;
    "backup.globals": "true or false" if Value::is_boolean;
    "backup.with_images": "true or false" if Value::is_boolean;
    "backup.drill": "true or false" if Value::is_boolean;
    "backup.scratch_folder": "a path, or empty" if is_path;
    "backup.max_seconds": "60 to 604800 (a week)" if between::<60, 604_800>;
    "backup.lock_wait_seconds": "1 to 86400" if between::<1, 86_400>;
    "backup.yield_seconds": "1 to 86400" if between::<1, 86_400>;
    "backup.keep_last": "0 to 100000" if between::<0, 100_000>;
    "backup.keep_hourly": "0 to 100000" if between::<0, 100_000>;
    "backup.keep_daily": "0 to 100000" if between::<0, 100_000>;
    "backup.keep_weekly": "0 to 100000" if between::<0, 100_000>;
    "backup.keep_monthly": "0 to 100000" if between::<0, 100_000>;
    "backup.keep_yearly": "0 to 100000" if between::<0, 100_000>;
    "backup.keep_within_days": "0 to 36500 (a hundred years)" if between::<0, 36_500>;
    "backup.sweep_grace_seconds": "3600 (an hour) to 31536000 (a year), and at least backup.max_seconds" if between::<3600, 31_536_000>;
    "backup.fresh_hours": "0 (nobody asks) to 8760 (a year)" if between::<0, 8760>;
    "backup.alarm_percent": "1 to 1000" if between::<1, 1000>;
    "backup.ping_url": "an http:// or https:// URL, or empty" if is_web_url;
    "backup.webhook_url": "an http:// or https:// URL, or empty" if is_web_url;
    "backup.s3_endpoint": "the http:// or https:// URL of a server, or empty for Amazon's" if is_web_url;
    "backup.s3_region": "a region such as eu-central-1, or empty" if is_word;
    "backup.s3_access_key_id": "an access key id, or empty" if is_word;
    "backup.s3_secret_access_key": "a secret access key, or empty" if is_word;
    "backup.s3_secret_access_key_file": "a path, or empty" if is_path;
    "backup.s3_allow_http": "true or false" if Value::is_boolean;
    "webhooks.secret_file": "a path, or empty" if is_path;
    "webhooks.timeout_seconds": "1 to 600" if between::<1, 600>;
    "webhooks.max_attempts": "1 to 100" if between::<1, 100>;
    "webhooks.allow_http": "true or false" if Value::is_boolean;
    "webhooks.slots": "1 to 1000" if between::<1, 1000>;
    "http.listen": "host:port such as 127.0.0.1:8000; port 0 takes a free one" if |value| is_host_and_port(text(value), 0);
    "http.auth": "token or none" if |value| matches!(text(value), "token" | "none");
    "http.token_file": "a path, or empty" if is_path;
    "http.public_url": "an http:// or https:// URL without path, or empty" if is_site;
    "http.public_pictures": "true or false" if Value::is_boolean;
    "http.rate_per_minute": "0 (any number) to 10000000" if between::<0, 10_000_000>;
    "http.max_body_kb": "1 to 1000000" if between::<1, 1_000_000>;
    "http.max_seconds": "1 to 3600" if between::<1, 3600>;
    "http.wait_seconds": "0 to 3600, and less than http.max_seconds" if between::<0, 3600>;
    "http.trusted_proxies": "a list of addresses and networks such as 10.0.0.0/8" if |value| all(value, |text| network(text).is_some());
    "http.allowed_origins": "a list of origins such as https://app.example" if |value| all(value, is_origin);
    "http.session_hours": "1 to 8760 (a year)" if between::<1, 8760>;
    "metrics.listen": "host:port such as 127.0.0.1:9464, or empty for none; port 0 takes a free one" if |value| text(value).is_empty() || is_host_and_port(text(value), 0);
    "log.filter": "level, or target=level, separated by commas; levels: off, error, warn, info, debug, trace" if is_filter;
    "log.job_filter": "level, or target=level, separated by commas; levels: off, error, warn, info, debug, trace" if is_filter;
    "log.format": "text or json" if |value| matches!(text(value), "text" | "json");
};

/// A rule over two keys: the keys, what is wrong, whether it holds.
struct Relation {
    keys: [&'static str; 2],
    wrong: &'static str,
    holds: fn(&Config) -> bool,
}

const RELATIONS: &[Relation] = &[
    Relation {
        keys: ["database.pooler", "database.direct_url"],
        wrong: "a pooler in transaction mode passes on no notifications and keeps no locks: name the server behind it, too",
        holds: |config| config.database.pooler == Pooler::None || !config.database.direct_url.is_empty(),
    },
    Relation {
        keys: ["worker.heartbeat_seconds", "worker.lease_seconds"],
        wrong: "the heartbeat may be at most a third of the lease, or a slow moment would cost a worker its jobs",
        holds: |config| config.worker.heartbeat_seconds * 3 <= config.worker.lease_seconds,
    },
    Relation {
        keys: ["worker.backoff_seconds", "worker.backoff_max_seconds"],
        wrong: "the first wait may not be longer than the longest",
        holds: |config| config.worker.backoff_seconds <= config.worker.backoff_max_seconds,
    },
    Relation {
        keys: ["scheduler.sweep_grace_seconds", "worker.attempt_seconds"],
        wrong: "a picture may be removed only when its worker can no longer name it: after an attempt and two leases",
        holds: |config| {
            let worker = &config.worker;
            config.scheduler.sweep_grace_seconds >= worker.attempt_seconds + 2 * worker.lease_seconds
        },
    },
    Relation {
        keys: ["images.width", "images.height"],
        wrong: "pictures are 768 x 448 or 1024 x 1024",
        holds: |config| matches!((config.images.width, config.images.height), (768, 448) | (1024, 1024)),
    },
    Relation {
        keys: ["http.wait_seconds", "http.max_seconds"],
        wrong: "who waits for a cat must be answered before the answer is given up",
        holds: |config| config.http.wait_seconds < config.http.max_seconds,
    },
    Relation {
        keys: ["backup.level", "backup.compression"],
        wrong: "levels are 1 to 19 for zstd and 1 to 9 for gzip; the others have none: 0",
        holds: |config| {
            let Backup { level, compression, .. } = config.backup;
            level == 0 || compression.levels().contains(&level)
        },
    },
    Relation {
        keys: ["backup.sweep_grace_seconds", "backup.max_seconds"],
        wrong: "what a backup has stored so far may be swept only when that backup can no longer run",
        holds: |config| config.backup.sweep_grace_seconds >= config.backup.max_seconds,
    },
];

/// Refuses a value of the right type that its key's rule does not allow.
pub(super) fn check(given: &Given) -> Result<()> {
    match rule_of(&given.key) {
        Some(rule) if !(rule.holds)(&given.value) => Err(refusal(given)),
        _ => Ok(()),
    }
}

/// Says which value of which key is not allowed, where it stands and what is allowed.
pub(super) fn refusal(given: &Given) -> Failure {
    let Given { key, value, origin } = given;
    let what = format!("`{key}` is {} ({origin})", secrets::shown(key, value));
    let allowed = rule_of(key).map_or("nothing", |rule| rule.allowed);
    Failure::new(Kind::Invalid, what).hint(format!("allowed: {allowed}"))
}

fn rule_of(key: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.key == key)
}

/// Refuses values that do not go together; `describe` says what a key's value is and where it comes from.
pub(super) fn check_relations(config: &Config, describe: impl Fn(&str) -> String) -> Result<()> {
    match RELATIONS.iter().find(|relation| !(relation.holds)(config)) {
        None => Ok(()),
        Some(Relation { keys: [one, other], wrong, .. }) => {
            let what = format!("{} does not go with {}", describe(one), describe(other));
            Err(Failure::new(Kind::Invalid, what).hint(*wrong))
        }
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(u64::MAX)
}

fn between<const LEAST: u64, const MOST: u64>(value: &Value) -> bool {
    (LEAST..=MOST).contains(&number(value))
}

fn all(value: &Value, holds: fn(&str) -> bool) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(|item| holds(text(item))))
}

fn is_path(value: &Value) -> bool {
    !text(value).contains('\0')
}

fn is_store(value: &Value) -> bool {
    match text(value).split_once("://") {
        None => is_path(value),
        Some(_) => Url::parse(text(value)).is_ok_and(|url| url.scheme() == "file" && url.to_file_path().is_ok()),
    }
}

fn is_vault(value: &Value) -> bool {
    match text(value).strip_prefix("s3://") {
        None => is_store(value),
        Some(rest) => {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=/".contains(&byte);
            (3..=63).contains(&bucket.len())
                && bucket.bytes().all(|byte| is_plain(byte) && byte != b'/')
                && prefix.bytes().all(is_plain)
        }
    }
}

fn is_one_of<T: DeserializeOwned>(value: &Value) -> bool {
    T::deserialize(value).is_ok()
}

fn is_recipient(text: &str) -> bool {
    text.len() == 62
        && text.starts_with("age1")
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_web_url(value: &Value) -> bool {
    let is_web = |url: Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    text(value).is_empty() || Url::parse(text(value)).is_ok_and(is_web)
}

/// Scheme, host and port, and no more.
fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.origin().ascii_serialization() == text
    })
}

fn is_site(value: &Value) -> bool {
    text(value).is_empty() || is_origin(text(value).trim_end_matches('/'))
}

/// The network that is written as `10.0.0.0/8`, or the single address as `10.0.0.1`.
pub(super) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// What may go into a header of a request.
fn is_word(value: &Value) -> bool {
    text(value).bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_postgres_url(value: &Value) -> bool {
    text(value).is_empty() || urls_of_hosts(text(value)).is_some()
}

fn is_host(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn is_host_and_port(text: &str, least: u16) -> bool {
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return address.port() >= least;
    }
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        is_host(host) && digits && port.parse::<u16>().is_ok_and(|port| port >= least)
    })
}

/// A lone word that is no level would be taken for a target by `tracing`, and a slip would silence everything.
fn is_filter(value: &Value) -> bool {
    let filter = text(value);
    let has_levels = filter.split(',').all(|directive| {
        directive.contains(['=', '['])
            || ["off", "error", "warn", "info", "debug", "trace"].contains(&directive.trim().to_lowercase().as_str())
    });
    has_levels && tracing_subscriber::EnvFilter::builder().parse(filter).is_ok()
}
