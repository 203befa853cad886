//! What stands behind the `?` of a list, and the prefixes that it may ask for.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::error::ApiError;
use crate::wire::Family;

/// The most of a value that an error repeats, in characters.
const MAX_ECHO: usize = 60;

/// What Azure's clients send with every request; there is one version here.
const API_VERSION: &str = "api-version";

/// What stands behind the `?` of a request, each key once.
#[derive(Debug, Default)]
pub(super) struct Pairs(Vec<(String, String)>);

impl Pairs {
    /// The pairs, of a path that takes these keys alone.
    pub(super) fn only(self, keys: &[&str]) -> Result<Vec<(String, String)>, ApiError> {
        match self.0.iter().find(|(key, _)| !keys.contains(&key.as_str())) {
            Some((key, _)) => {
                let what = format!("this path takes {}, not \"{}\"", in_words(keys), echo(key));
                Err(ApiError::bad_request(what))
            }
            None => Ok(self.0),
        }
    }
}

/// `prefix, after and limit`.
fn in_words(keys: &[&str]) -> String {
    match keys {
        [] => "nothing behind the ?".to_owned(),
        [only] => (*only).to_owned(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Pairs {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let read = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri);
        let Query(mut pairs) = read.map_err(|_| ApiError::no_query())?;
        pairs.retain(|(key, _)| key != API_VERSION);
        let mut seen = HashSet::new();
        match pairs.iter().find(|(key, _)| !seen.insert(key.as_str())) {
            Some((key, _)) => {
                let what = format!("{} is given twice: keep one of the two", echo(key));
                Err(ApiError::bad_request(what))
            }
            None => Ok(Self(pairs)),
        }
    }
}

/// Of a path that takes nothing behind the `?`.
#[derive(Clone, Copy, Debug)]
pub(super) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Pairs::from_request_parts(parts, state).await?.only(&[]).map(|_| Self)
    }
}

/// The rows of a list that are wanted: those of `wanted`, or those behind `after`, at most `limit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Range {
    /// A prefix: that one; an address: the most specific one that covers it.
    pub(super) wanted: Option<Wanted>,
    /// Only what stands behind this prefix.
    pub(super) after: Option<IpNet>,
    /// At most so many rows.
    pub(super) limit: Option<usize>,
}

impl Range {
    fn read(pairs: Pairs) -> Result<Self, ApiError> {
        let mut range = Self::default();
        for (key, value) in pairs.only(&["prefix", "after", "limit"])? {
            match key.as_str() {
                "prefix" => range.wanted = Some(value.parse()?),
                "after" => range.after = Some(after(&value)?),
                _ => range.limit = Some(limit(&value)?),
            }
        }
        if range.wanted.is_some() && (range.after.is_some() || range.limit.is_some()) {
            return Err(ApiError::bad_request("prefix stands alone: leave after and limit out"));
        }
        Ok(range)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Range {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        Self::read(Pairs::from_request_parts(parts, state).await?)
    }
}

fn after(value: &str) -> Result<IpNet, ApiError> {
    value.parse().map_err(|_| {
        ApiError::bad_request(format!("after takes a prefix like 13.64.0.0/11, not \"{}\"", echo(value)))
    })
}

fn limit(value: &str) -> Result<usize, ApiError> {
    value.parse().map_err(|_| {
        ApiError::bad_request(format!("limit takes a whole number of rows, not \"{}\"", echo(value)))
    })
}

pub(super) fn echo(value: &str) -> String {
    let mut text: String = value.chars().take(MAX_ECHO).collect();
    if value.chars().nth(MAX_ECHO).is_some() {
        text.push('…');
    }
    text
}

/// One prefix, or the most specific one that covers an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// Without host bits.
    Prefix(IpNet),
    /// Any.
    Address(IpAddr),
}

impl std::str::FromStr for Wanted {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        let net: IpNet = text.parse().map_err(|_| {
            let what = "prefix takes a prefix like 13.64.0.0/11, or an address like 13.64.0.1";
            ApiError::bad_request(format!("{what}, not \"{}\"", echo(text)))
        })?;
        if net.trunc() != net {
            return Err(ApiError::bad_request(format!("{net} has host bits: the prefix is {}", net.trunc())));
        }
        Ok(Self::Prefix(net))
    }
}

impl Wanted {
    /// The family of whatever answers it.
    pub(super) fn family(self) -> Family {
        let is_ipv4 = match self {
            Self::Prefix(net) => net.addr().is_ipv4(),
            Self::Address(address) => address.is_ipv4(),
        };
        if is_ipv4 { Family::Ipv4 } else { Family::Ipv6 }
    }

    /// The prefixes that answer it, in their order (address, then length), so that the last one found is the answer.
    pub(super) fn candidates(self) -> Vec<IpNet> {
        match self {
            Self::Prefix(net) => vec![net],
            Self::Address(address) => (0..=if address.is_ipv4() { 32 } else { 128 })
                .filter_map(|len| IpNet::new(address, len).ok())
                .map(|net| net.trunc())
                .collect(),
        }
    }
}

/// The last prefix without host bits that stands before `net` in the order of lists: IPv4 before IPv6, by address, then
/// by length. None before 0.0.0.0/0.
pub(super) fn before(net: IpNet) -> Option<IpNet> {
    let shorter = net.prefix_len().checked_sub(1).and_then(|len| IpNet::new(net.addr(), len).ok());
    if let Some(shorter) = shorter.filter(|shorter| shorter.trunc() == *shorter) {
        return Some(shorter);
    }
    match net {
        IpNet::V4(net) => {
            let before = net.addr().to_bits().checked_sub(1)?;
            Some(Ipv4Net::from(Ipv4Addr::from_bits(before)).into())
        }
        IpNet::V6(net) => Some(match net.addr().to_bits().checked_sub(1) {
            Some(before) => Ipv6Net::from(Ipv6Addr::from_bits(before)).into(),
            None => Ipv4Net::from(Ipv4Addr::BROADCAST).into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn before_a_prefix_stands_the_one_next_to_it() {
        for (net, expected) in [
            ("0.0.0.0/0", None),
            ("::/0", Some("255.255.255.255/32")),
            ("0.0.0.0/1", Some("0.0.0.0/0")),
            ("128.0.0.0/1", Some("127.255.255.255/32")),
            ("13.64.0.0/11", Some("13.64.0.0/10")),
            ("13.96.0.0/11", Some("13.95.255.255/32")),
            ("2603:1100::/24", Some("2603:10ff:ffff:ffff:ffff:ffff:ffff:ffff/128")),
            ("2603:1000::/25", Some("2603:1000::/24")),
        ] {
            let expected: Option<IpNet> = expected.map(|text| text.parse().unwrap());
            assert_eq!(before(net.parse().unwrap()), expected, "{net}");
        }
    }

    #[test]
    fn candidates_are_in_the_order_of_lists() {
        for address in ["13.65.0.9", "255.255.255.255", "0.0.0.0", "2603:1000::1"] {
            let all = Wanted::Address(address.parse().unwrap()).candidates();
            assert!(all.is_sorted() && all.iter().all(|net| net.trunc() == *net), "{address}");
            assert_eq!(all.last().map(|net| net.addr()), address.parse().ok());
        }
    }
}
