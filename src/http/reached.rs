//! Under which address a request reached the listener, for links that lead back to it.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;

use crate::config::Http;

/// Says that a request came over TLS, by the word of a proxy that is trusted. The gate puts it to such requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct OverTls;

/// Where a request was sent to.
#[derive(Debug)]
pub struct Reached {
    host: Option<String>,
    over_tls: bool,
}

impl<S: Sync> FromRequestParts<S> for Reached {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let named = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = parts.uri.authority().map(Authority::as_str).or(named);
        let over_tls = parts.extensions.get::<OverTls>().is_some();
        Ok(Self { host: host.filter(|host| is_host(host)).map(ToOwned::to_owned), over_tls })
    }
}

impl Reached {
    /// Whether what is answered goes over TLS, as far as that is known.
    #[must_use]
    pub fn is_secure(&self, settings: &Http) -> bool {
        self.over_tls || settings.public_url.starts_with("https:")
    }

    /// This site's address, without a slash at its end.
    #[must_use]
    pub fn site(&self, settings: &Http) -> String {
        match settings.public_url.trim_end_matches('/') {
            "" => {
                let scheme = if self.over_tls { "https" } else { "http" };
                let listening = || settings.listen.parse().map_or_else(|_| settings.listen.clone(), to_be_typed);
                format!("{scheme}://{}", self.host.clone().unwrap_or_else(listening))
            }
            public => public.to_owned(),
        }
    }
}

/// What to type to reach a listener from its own machine. That it listens everywhere is no address.
pub(super) fn to_be_typed(bound: SocketAddr) -> String {
    if bound.ip().is_unspecified() { format!("localhost:{}", bound.port()) } else { bound.to_string() }
}

/// Whether it is a host and perhaps a port: it goes into a page that others copy from.
fn is_host(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    text.len() <= 255 && text.bytes().all(is_plain) && text.parse::<Authority>().is_ok()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;
    use crate::config::{Config, Environment, Flag, Layers};

    async fn site(host: &str, over_tls: bool, settings: &[(&'static str, &str)]) -> String {
        let flags =
            settings.iter().map(|(key, value)| Flag { name: "--test", key, value: (*value).to_owned() }).collect();
        let environment = Environment::of(&[]).as_root();
        let loaded = Config::load(&Layers { environment, flags, ..Layers::default() }).unwrap();
        let (mut parts, ()) = Request::builder().uri("/").header(HOST, host).body(()).unwrap().into_parts();
        if over_tls {
            parts.extensions.insert(OverTls);
        }
        Reached::from_request_parts(&mut parts, &()).await.unwrap().site(&loaded.config.http)
    }

    #[tokio::test]
    async fn links_lead_to_where_the_request_went() {
        for host in ["cats.example", "localhost:8000", "[::1]:8000", "10.0.0.1"] {
            assert_eq!(site(host, false, &[]).await, format!("http://{host}"));
        }
        assert_eq!(site("cats.example", true, &[]).await, "https://cats.example");
        let public = [("http.public_url", "https://public.example/")];
        assert_eq!(site("cats.example", false, &public).await, "https://public.example");
    }

    #[tokio::test]
    async fn what_is_no_host_is_not_repeated() {
        let everywhere = [("http.listen", "0.0.0.0:8000"), ("http.token_file", "/token")];
        for host in ["", "cat@evil.example", "a b", "evil.example)", "evil.example/x", "a:b:c", "\"><script>"] {
            assert_eq!(site(host, false, &[]).await, "http://127.0.0.1:8000", "{host}");
            assert_eq!(site(host, false, &everywhere).await, "http://localhost:8000", "{host}");
        }
    }
}
