//! Where nobody is asked who they are, whoever reaches the listener is an admin. Pages of other sites reach it, too, from
//! the browser of somebody on this machine: by sending forms to it, or under a name of theirs that they point to
//! 127.0.0.1. Neither gets in: the name must be one of this machine's own, and what changes something must come from a
//! page of the listener itself, or from no page at all.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};

use crate::http::Problem;
use crate::model::failure::{Failure, Kind};

/// Fails with 403 where the request may be the work of another site's page. Those of `allowed` are not others.
pub(super) fn check(request: &Request, allowed: &[String]) -> Result<(), Problem> {
    let host = host(request);
    if host.as_ref().is_some_and(|host| !is_loopback(host.host())) {
        return Err(refused("this host is none of this machine's own names").of_field("host"));
    }
    if request.method().is_safe() || is_own(request.headers(), host.as_ref(), allowed) {
        return Ok(());
    }
    Err(refused("a page of another site sent this").of_field("origin"))
}

/// The host that the client believes to speak to; none where it does not say, which no browser does.
fn host(request: &Request) -> Option<Authority> {
    let of_header = || request.headers().get(HOST)?.to_str().ok()?.parse().ok();
    request.uri().authority().cloned().or_else(of_header)
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn is_own(headers: &HeaderMap, host: Option<&Authority>, allowed: &[String]) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(origin) = text(ORIGIN.as_str()) else {
        return text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    };
    let is_this = host.is_some_and(|host| origin.split_once("://").is_some_and(|(_, site)| site == host.as_str()));
    is_this || allowed.iter().any(|allowed| allowed == origin)
}

fn refused(what: &str) -> Problem {
    let hint = "http.auth = \"none\" answers this machine only: ask 127.0.0.1 or localhost, or set http.auth = \"token\"";
    Problem::with(StatusCode::FORBIDDEN, Failure::new(Kind::Refused, what).hint(hint))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn passes(method: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(Body::empty()).unwrap(), &["https://app.example".to_owned()]).is_ok()
    }

    #[test]
    fn only_names_of_this_machine_are_taken() {
        for host in ["localhost", "LOCALHOST:8000", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000"] {
            assert!(passes("GET", &[("host", host)]), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8000", "10.0.0.1", "0.0.0.0:8000", "[::2]", "127.0.0.1.nip.io"]
        {
            assert!(!passes("GET", &[("host", host)]), "{host}");
        }
        assert!(passes("GET", &[]), "HTTP/1.0 has no host, and no browser speaks it");
    }

    #[test]
    fn what_changes_something_comes_from_our_own_pages_or_from_none() {
        let host = ("host", "localhost:8000");
        let from = |name, value| passes("POST", &[host, (name, value)]);
        assert!(passes("POST", &[host]));
        assert!(from("origin", "http://localhost:8000") && from("origin", "https://app.example"));
        assert!(from("sec-fetch-site", "same-origin") && from("sec-fetch-site", "none"));
        for origin in ["http://localhost:3000", "http://evil.example", "null", ""] {
            assert!(!from("origin", origin), "{origin}");
            assert!(passes("GET", &[host, ("origin", origin)]), "looking changes nothing");
        }
        assert!(!from("sec-fetch-site", "same-site") && !from("sec-fetch-site", "cross-site"));
    }
}
