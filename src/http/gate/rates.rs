//! How often one may ask: with one token, or from one address for who shows none that has worked.
//!
//! Told by the headers of the IETF's draft "`RateLimit` header fields for HTTP" (httpapi-ratelimit-headers).

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

/// The header that tells what is allowed.
pub(super) const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The header that tells how much of it is left.
pub(super) const STANDING: HeaderName = HeaderName::from_static("ratelimit");
/// So many requests apart, who has not asked for long is forgotten.
const FORGET_EVERY: usize = 4096;

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Asker {
    /// Who shows a token that has worked; its hash.
    Token([u8; 32]),
    /// Everybody else at an address.
    Address(IpAddr),
}

impl Asker {
    /// Whoever asks from there. Who has one address of IPv6 has 2^64 of them.
    pub fn at(address: IpAddr) -> Self {
        Self::Address(match address.to_canonical() {
            IpAddr::V6(address) => {
                IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Token(_) => "token",
            Self::Address(_) => "address",
        }
    }
}

type Limiter = RateLimiter<Asker, DefaultKeyedStateStore<Asker>, DefaultClock, StateInformationMiddleware>;

/// So many requests in a minute for each.
#[derive(Debug)]
pub(super) struct Rates {
    limiter: Limiter,
    per_minute: u32,
    asked: AtomicUsize,
}

/// How an asker stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    name: &'static str,
    per_minute: u32,
    left: u32,
    /// How long to wait before the next request; none where there is no need to.
    pub wait: Option<Duration>,
}

impl Rates {
    /// None where any number is allowed.
    pub fn new(per_minute: u32) -> Option<Self> {
        let quota = Quota::per_minute(NonZeroU32::new(per_minute)?);
        let limiter = RateLimiter::keyed(quota).with_middleware::<StateInformationMiddleware>();
        Some(Self { limiter, per_minute, asked: AtomicUsize::new(0) })
    }

    /// Counts a request.
    pub fn count(&self, asker: &Asker) -> Standing {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        let (left, wait) = match self.limiter.check_key(asker) {
            Ok(state) => (state.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(self.limiter.clock().now()))),
        };
        Standing { name: asker.name(), per_minute: self.per_minute, left, wait }
    }
}

impl Standing {
    /// Tells it.
    pub fn write_to(&self, headers: &mut HeaderMap) {
        let Self { name, per_minute, left, .. } = self;
        // As much comes back in each second: so long until all of it is there again.
        let full = (u64::from(per_minute - left) * 60).div_ceil(u64::from(*per_minute));
        for (header, value) in
            [(POLICY, format!("\"{name}\";q={per_minute};w=60")), (STANDING, format!("\"{name}\";r={left};t={full}"))]
        {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(header, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_asker_has_a_quota_of_its_own() {
        let rates = Rates::new(2).unwrap();
        let one = Asker::Token([1; 32]);
        let told = |standing: &Standing| {
            let mut headers = HeaderMap::new();
            standing.write_to(&mut headers);
            [POLICY, STANDING].map(|name| headers[name].to_str().unwrap().to_owned())
        };
        let first = rates.count(&one);
        assert_eq!(told(&first), ["\"token\";q=2;w=60", "\"token\";r=1;t=30"]);
        assert_eq!((first.wait, rates.count(&one).wait), (None, None));
        let third = rates.count(&one);
        assert!(third.wait.is_some_and(|wait| wait <= Duration::from_secs(30)), "{third:?}");
        assert_eq!(told(&third)[1], "\"token\";r=0;t=60");
        assert_eq!(rates.count(&Asker::Token([2; 32])).wait, None);
        assert_eq!(told(&rates.count(&Asker::at([10, 0, 0, 1].into())))[0], "\"address\";q=2;w=60");
        assert!(Rates::new(0).is_none());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let at = |address: &str| Asker::at(address.parse().unwrap());
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
        assert_ne!(at("10.0.0.1"), at("10.0.0.2"));
    }
}
