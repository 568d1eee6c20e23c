//! Who wants to be told by HTTP: an address that somebody gave us, and the client that talks to it and nobody else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Url, redirect};
use rustls::ClientConfig;
use url::Host;

use super::address::{Guard, is_public};
use super::answer;
use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::repository::is_private_host;

/// Longest URL, in bytes.
const LONGEST: usize = 2048;

/// Somebody who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receiver {
    url: Url,
    host: String,
    private_allowed: bool,
}

impl Receiver {
    /// Reads a URL. Fails with `Invalid` where it is none, and with `Refused` where it is not allowed: without TLS, or with a
    /// private address in place of a host's name. What a name leads to is looked at when the connection is made.
    pub fn parse(text: &str, settings: &config::Webhooks, private_hosts: &[String]) -> Result<Self> {
        let invalid = |what: &str| {
            Failure::new(Kind::Invalid, format!("the webhook's URL {what}"))
                .hint("it reads as in https://example.org/path, without a password, in at most 2048 bytes")
        };
        if text.len() > LONGEST || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(invalid("is too long, or has blanks in it"));
        }
        let url = Url::parse(text).map_err(|error| invalid("is none").source(error))?;
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(invalid("names no host"));
        };
        match url.scheme() {
            "https" => {}
            "http" if settings.allow_http => {}
            "http" => {
                return Err(Failure::new(Kind::Refused, "webhooks are sent over https only")
                    .hint("give an https:// URL; the operator may set webhooks.allow_http"));
            }
            _ => return Err(invalid("is neither https:// nor http://")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("holds a user's name or a password"));
        }
        let private_allowed = is_private_host(&host.to_string(), port, private_hosts);
        let address = match host {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        };
        // The client resolves names only: who writes an address gets by the guard of its resolver.
        if !private_allowed && let Some(private) = address.filter(|address| !is_public(*address)) {
            return Err(Failure::new(Kind::Refused, format!("{private} is not a public address"))
                .hint("the operator may name host:port in fetch.private_hosts"));
        }
        let host = host.to_string();
        Ok(Self { url, host, private_allowed })
    }

    /// Where it is.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The host's name, for messages: the rest of a URL may be secret.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A client that reaches this host at public addresses only, follows no redirect and asks no proxy.
    pub fn client(&self, tls: ClientConfig, patience: Duration) -> Result<Client> {
        let guard = Guard { host: self.host.clone(), private_allowed: self.private_allowed };
        Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Arc::new(guard))
            .no_proxy()
            .https_only(self.url.scheme() == "https")
            .redirect(redirect::Policy::none())
            .timeout(patience)
            .build()
            .map_err(|error| Failure::new(Kind::Environment, "the https client cannot be set up").source(error))
    }

    /// The failure that an unanswered request stands for.
    #[must_use]
    pub fn failure(&self, error: reqwest::Error) -> Failure {
        answer::of_error(error, &self.host)
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

/// How long an answer asks us to wait.
#[must_use]
pub fn asked_to_wait(headers: &reqwest::header::HeaderMap) -> Option<Duration> {
    answer::asked_to_wait(headers, chrono::Utc::now())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn parse(text: &str, allow_http: bool) -> Result<Receiver, Kind> {
        let settings =
            config::Webhooks { secret_file: PathBuf::new(), timeout_seconds: 1, max_attempts: 1, allow_http, slots: 1 };
        let private = ["localhost:8443".to_owned(), "[::1]:8443".to_owned(), "10.0.0.1:80".to_owned()];
        Receiver::parse(text, &settings, &private).map_err(|failure| failure.kind())
    }

    #[test]
    fn public_https_and_what_the_operator_names_may_be_told() {
        for url in ["https://example.org", "https://example.org:8443/a?b=c", "https://8.8.8.8/", "https://[::1]:8443/"]
        {
            assert!(parse(url, false).is_ok(), "{url}");
        }
        assert!(parse("http://10.0.0.1/x", true).unwrap().private_allowed);
        assert_eq!(parse("https://EXAMPLE.org/A", false).unwrap().to_string(), "https://example.org/A");
    }

    #[test]
    fn what_leads_inside_or_is_no_url_is_refused() {
        for url in [
            "http://example.org/",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://[::1]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.0.0.1:81/",
        ] {
            assert_eq!(parse(url, false), Err(Kind::Refused), "{url}");
        }
        let long = format!("https://example.org/{}", "x".repeat(LONGEST));
        for url in
            ["", "example.org", "ftp://example.org/", "https://", "https://u:p@example.org/", "https://a b/", &long]
        {
            assert_eq!(parse(url, true), Err(Kind::Invalid), "{url}");
        }
    }
}
