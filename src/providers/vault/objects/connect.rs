//! How a bucket is spoken to: its address, our certificates, and how long we wait for whom.

use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{HttpClient, HttpConnector};
use object_store::path::Path as Key;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use url::{Host, Url};

use super::{Reached, S3};
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::tls;

/// How long we wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a server may be silent, also while it takes in one part of an upload.
const SILENCE: Duration = Duration::from_secs(300);

/// How often one request is tried again. Longer trouble is what a job's own attempts are for.
const RETRIES: usize = 6;

/// How long after its beginning a request is still tried again: its signature does not hold much longer.
const TRYING: Duration = Duration::from_secs(600);

/// How long after its beginning a download is still taken up again.
const READING: Duration = Duration::from_secs(24 * 3600);

pub(super) fn open(place: &str, s3: &S3) -> Result<Reached> {
    let (bucket, prefix) = parse(place).ok_or_else(|| {
        Failure::new(Kind::Invalid, format!("`{place}` is no place for backups"))
            .hint("backup.store reads s3://bucket/prefix; prefixes are of letters, digits and -_.=")
    })?;
    let is_http = Url::parse(&s3.endpoint).is_ok_and(|url| url.scheme() == "http");
    if is_http && !s3.allow_http && !is_loopback(&s3.endpoint) {
        return Err(Failure::new(Kind::Refused, format!("{} would send backups unprotected", s3.endpoint)).hint(
            "use https:// in backup.s3_endpoint; on a network that nobody else hears: backup.s3_allow_http = true",
        ));
    }
    if s3.access_key_id.is_empty() != s3.secret_access_key.is_empty() {
        return Err(Failure::new(Kind::Invalid, "half of the bucket's credentials is missing")
            .hint("set backup.s3_access_key_id and backup.s3_secret_access_key (or its file), or neither"));
    }
    if s3.access_key_id.is_empty() && !s3.endpoint.is_empty() {
        return Err(Failure::new(Kind::Invalid, format!("there are no credentials for {}", s3.endpoint))
            .hint("set backup.s3_access_key_id and backup.s3_secret_access_key (or its file)"));
    }

    let cannot = |error: Box<dyn std::error::Error + Send + Sync>| {
        Failure::new(Kind::Invalid, format!("the store {place} cannot be opened"))
            .source(error)
            .hint("see backup.s3_endpoint and backup.s3_region")
    };
    // A machine's role is asked for on its own network, without TLS.
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(tls::client_config(std::path::Path::new(""))?)
        .https_only(!is_http && !s3.access_key_id.is_empty())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .http1_only()
        .connect_timeout(CONNECT)
        .read_timeout(SILENCE)
        .build()
        .map_err(|error| cannot(error.into()))?;
    let client = |trying| -> Result<AmazonS3> {
        let backoff = BackoffConfig { max_backoff: Duration::from_secs(3), ..BackoffConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_disable_bulk_delete(true)
            .with_http_connector(Connector(http.clone()))
            .with_retry(RetryConfig { backoff, max_retries: RETRIES, retry_timeout: trying });
        if !s3.region.is_empty() {
            builder = builder.with_region(&s3.region);
        }
        if !s3.endpoint.is_empty() {
            builder = builder.with_endpoint(&s3.endpoint).with_allow_http(is_http);
        }
        if !s3.access_key_id.is_empty() {
            let key = s3.access_key_id.trim();
            builder = builder.with_access_key_id(key).with_secret_access_key(s3.secret_access_key.trim());
        }
        builder.build().map_err(|error| cannot(error.into()))
    };
    Ok(Reached {
        s3: client(TRYING)?,
        reader: client(READING)?,
        http: http.clone(),
        place: shown(bucket, prefix),
        prefix: with_slash(prefix),
    })
}

/// Gives every request of a store the same client.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

/// The bucket and the prefix of `s3://bucket/prefix`.
fn parse(place: &str) -> Option<(&str, &str)> {
    let rest = place.strip_prefix("s3://")?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let prefix = prefix.trim_matches('/');
    let is_bucket = (3..=63).contains(&bucket.len())
        && bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte));
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=/".contains(&byte);
    (is_bucket && prefix.bytes().all(is_plain) && Key::parse(prefix).is_ok()).then_some((bucket, prefix))
}

fn shown(bucket: &str, prefix: &str) -> String {
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("s3://{bucket}{slash}{prefix}")
}

fn with_slash(prefix: &str) -> String {
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("{prefix}{slash}")
}

fn is_loopback(endpoint: &str) -> bool {
    Url::parse(endpoint).is_ok_and(|url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s3(endpoint: &str, key: &str, secret: &str) -> S3 {
        let (endpoint, access_key_id) = (endpoint.to_owned(), key.to_owned());
        S3 { endpoint, access_key_id, secret_access_key: secret.to_owned(), ..S3::default() }
    }

    #[test]
    fn a_place_is_a_bucket_and_a_prefix() {
        for (place, shown_as, prefix) in [
            ("s3://cats", "s3://cats", ""),
            ("s3://cats/", "s3://cats", ""),
            ("s3://my.cats/a/b=c/", "s3://my.cats/a/b=c", "a/b=c/"),
        ] {
            let reached = open(place, &s3("", "", "")).unwrap();
            assert_eq!((reached.place.as_str(), reached.prefix.as_str()), (shown_as, prefix));
        }
        for place in ["s3://", "s3://a", "s3://Cats", "s3://cats/../x", "s3://cats//x//y", "s3://cats/a b", "s3://c?ts"]
        {
            assert_eq!(open(place, &s3("", "", "")).unwrap_err().kind(), Kind::Invalid, "{place}");
        }
    }

    #[test]
    fn backups_go_over_tls_and_under_a_name() {
        for (endpoint, key, secret, expected) in [
            ("https://minio.example:9000", "k", "s", None),
            ("http://127.0.0.1:9000", "k", "s", None),
            ("http://[::1]:9000", "k", "s", None),
            ("http://minio.example:9000", "k", "s", Some(Kind::Refused)),
            ("HTTP://minio.example:9000", "k", "s", Some(Kind::Refused)),
            ("https://minio.example:9000", "", "", Some(Kind::Invalid)),
            ("", "k", "", Some(Kind::Invalid)),
            ("", "", "s", Some(Kind::Invalid)),
        ] {
            let opened = open("s3://cats", &s3(endpoint, key, secret));
            assert_eq!(opened.err().map(|failure| failure.kind()), expected, "{endpoint} {key} {secret}");
        }
        open("s3://cats", &S3 { allow_http: true, ..s3("http://minio.example:9000", "k", "s") }).unwrap();
    }
}
