//! Where a request comes from and how, where proxies stand before the listener.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

/// The addresses for which proxies asked, the last one at the end.
const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// How the outermost proxy was asked: `http` or `https`.
const PROTOCOL: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The proxies that are believed.
#[derive(Debug)]
pub(super) struct Proxies(pub Vec<IpNet>);

impl Proxies {
    /// The address of whoever asked the outermost of our proxies. What stands before that in the header may have been
    /// written by anybody, and is not read.
    pub fn outermost(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let told =
            headers.get_all(FORWARDED).iter().rev().flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
        let mut asker = peer.to_canonical();
        for address in told.map(|word| address(word.trim())) {
            match address.filter(|_| self.are_ours(asker)) {
                Some(address) => asker = address.to_canonical(),
                None => break,
            }
        }
        asker
    }

    /// Whether one of our proxies says that it was asked over TLS.
    pub fn tell_of_tls(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let told = headers.get(PROTOCOL).and_then(|told| told.to_str().ok()?.split(',').next());
        self.are_ours(peer.to_canonical()) && told.is_some_and(|told| told.trim().eq_ignore_ascii_case("https"))
    }

    fn are_ours(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Some proxies name the port, too.
fn address(word: &str) -> Option<IpAddr> {
    let bare = word.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(word);
    bare.parse().ok().or_else(|| word.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies() -> Proxies {
        Proxies(["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap()).to_vec())
    }

    fn asker(peer: &str, forwarded: &[&'static str]) -> String {
        let headers = forwarded.iter().map(|line| (FORWARDED, line.parse().unwrap())).collect();
        proxies().outermost(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn our_proxies_are_believed() {
        assert_eq!(asker("127.0.0.1", &["203.0.113.7"]), "203.0.113.7");
        assert_eq!(asker("::ffff:127.0.0.1", &["203.0.113.7:4711"]), "203.0.113.7");
        assert_eq!(asker("fd00::1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(asker("127.0.0.1", &["203.0.113.7, 10.1.2.3", "[fd00::2]"]), "203.0.113.7");
        assert_eq!(asker("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(asker("127.0.0.1", &["10.9.9.9"]), "10.9.9.9", "one of us asked");
    }

    #[test]
    fn our_proxies_tell_of_tls() {
        let over_tls = |peer: &str, told: &'static str| {
            proxies().tell_of_tls(peer.parse().unwrap(), &[(PROTOCOL, told.parse().unwrap())].into_iter().collect())
        };
        for told in ["https", "HTTPS", "https, http"] {
            assert!(over_tls("127.0.0.1", told) && over_tls("::ffff:10.0.0.1", told), "{told}");
            assert!(!over_tls("203.0.113.7", told), "{told}");
        }
        for told in ["http", "http, https", "", "wss"] {
            assert!(!over_tls("127.0.0.1", told), "{told}");
        }
    }

    #[test]
    fn nobody_else_is() {
        assert_eq!(asker("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(asker("127.0.0.1", &["198.51.100.1, 203.0.113.7"]), "203.0.113.7", "what a stranger wrote there");
        assert_eq!(asker("127.0.0.1", &["198.51.100.1", "203.0.113.7"]), "203.0.113.7", "in a line of its own, too");
        assert_eq!(asker("127.0.0.1", &["unknown"]), "127.0.0.1");
        assert_eq!(asker("127.0.0.1", &["198.51.100.1, "]), "127.0.0.1");
    }
}
