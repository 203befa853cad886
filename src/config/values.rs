//! Nodes → values: what each kind of key takes, and what is said where it does not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;

use super::document::{Node, Value};
use super::faults::Fault;
use crate::peering::is_resource_name;
use crate::rib::load::collect::near;
use crate::rib::load::prefix::{self, PrefixError};
use crate::wire::{Asn, Family};

/// What a reader returns.
pub(super) type Read<T> = Result<T, Fault>;

/// A whole number.
pub(super) fn number<T>(range: RangeInclusive<T>) -> impl Fn(&Node) -> Read<T>
where
    T: Copy + PartialOrd + TryFrom<i128> + std::fmt::Display,
{
    move |node| {
        let fix = format!("write a number from {} to {}", range.start(), range.end());
        match &node.value {
            Value::Integer(value) => match T::try_from(*value) {
                Ok(value) if range.contains(&value) => Ok(value),
                Ok(_) | Err(_) => Err(Fault::new(format!("{value} is out of range"), fix)),
            },
            Value::Text(text) if text.parse::<i128>().is_ok() => {
                Err(Fault::new(format!("{} is text", node.shown()), "write the number without quotes"))
            }
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                Err(Fault::new(format!("{} is no whole number", node.shown()), fix))
            }
        }
    }
}

/// 0, or 3 and more: what RFC 4271 §4.2 takes.
pub(super) fn hold_time(node: &Node) -> Read<u16> {
    let seconds = number(0..=u16::MAX)(node);
    let fix = "write seconds: 0, or from 3 to 65535";
    match seconds {
        Ok(1 | 2) => Err(Fault::new(format!("{} s is below the minimum of 3 s", node.shown()), fix)),
        Ok(seconds) => Ok(seconds),
        Err(fault) => Err(Fault::new(fault.what, fix)),
    }
}

/// A limit on what a peer may announce, which null lifts.
pub(super) fn limit_or_null(family: Family) -> impl Fn(&Node) -> Read<Option<u64>> {
    move |node| {
        let fix = "write a number from 1 to 4294967295, or null for limits.received_prefixes alone";
        if node.is_null() {
            return Ok(None);
        }
        match number(i64::MIN..=i64::from(u32::MAX))(node).map(u64::try_from) {
            Ok(Ok(0) | Err(_)) => {
                let version = if family == Family::Ipv4 { 4 } else { 6 };
                let value = node.shown();
                let azure =
                    format!("MaxPrefixesAdvertisedV{version}:{value} must be greater than 0 or null.");
                Err(Fault::new(format!("is too small ({azure})"), fix))
            }
            Ok(Ok(limit)) => Ok(Some(limit)),
            Err(fault) => Err(Fault::new(fault.what, fix)),
        }
    }
}

pub(super) fn boolean(node: &Node) -> Read<bool> {
    match &node.value {
        Value::Bool(value) => Ok(*value),
        Value::Text(text) if matches!(text.as_str(), "true" | "false") => {
            Err(Fault::new(format!("{} is text", node.shown()), format!("write {text} without quotes")))
        }
        Value::Null | Value::Integer(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
            Err(Fault::new(format!("{} is not true or false", node.shown()), "write true or false"))
        }
    }
}

/// A text as it stands; numbers are texts too where one is wanted.
fn text(node: &Node) -> Read<String> {
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Integer(value) => Ok(value.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => {
            Err(Fault::new(format!("{} is no text", node.shown()), "write one value"))
        }
    }
}

/// A text that `FromStr` reads.
fn parsed<T: FromStr>(what: &str, like: &str) -> impl Fn(&Node) -> Read<T> {
    move |node| {
        let fault = || Fault::new(format!("{} is no {what}", node.shown()), format!("write one like {like}"));
        match &node.value {
            Value::Text(text) => text.parse().map_err(|_| fault()),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::List(_) | Value::Map(_) => Err(fault()),
        }
    }
}

/// One word of several.
pub(super) fn word<T>(
    names: &'static [&'static str],
    find: fn(&str) -> Option<T>,
) -> impl Fn(&Node) -> Read<T> {
    move |node| {
        let word = text(node)?;
        find(&word).ok_or_else(|| {
            let all = format!("write one of {}", names.join(", "));
            let fix = match near(&word, names.iter().copied()) {
                Some(near) => format!("did you mean {near}? {all}"),
                None => all,
            };
            Fault::new(format!("{} is unknown", node.shown()), fix)
        })
    }
}

pub(super) fn family(node: &Node) -> Read<Family> {
    word(&["ipv4", "ipv6"], |name| Family::ALL.into_iter().find(|family| family.name() == name))(node)
}

/// A name as Azure's resources have.
pub(super) fn resource_name(node: &Node) -> Read<String> {
    let name = text(node)?;
    if is_resource_name(&name) {
        return Ok(name);
    }
    let fix = "write 1 to 63 of the characters A-Z a-z 0-9 _ . -";
    Err(Fault::new(format!("{} is no name", node.shown()), fix))
}

/// Words for people: anything printable on one line.
pub(super) fn words(node: &Node) -> Read<String> {
    let words = text(node)?;
    if !words.trim().is_empty() && !words.chars().any(char::is_control) && words.len() <= 200 {
        return Ok(words);
    }
    Err(Fault::new(format!("{} is no name", node.shown()), "write up to 200 printable characters"))
}

/// The value of a tag: anything printable, also nothing, up to Azure's 256 characters.
pub(super) fn tag(node: &Node) -> Read<String> {
    let text = if node.is_null() { String::new() } else { text(node)? };
    if text.chars().count() <= 256 && !text.chars().any(char::is_control) {
        return Ok(text);
    }
    Err(Fault::new(format!("{} is no tag", node.shown()), "write up to 256 printable characters"))
}

/// A GUID, in Azure's upper case or in any other.
pub(super) fn guid(node: &Node) -> Read<String> {
    let text = text(node)?;
    let groups: Vec<usize> = text.split('-').map(str::len).collect();
    if groups == [8, 4, 4, 4, 12] && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') {
        return Ok(text);
    }
    let fix = "write one like 5f4cb5c7-6b43-4444-9338-9abc72606c16";
    Err(Fault::new(format!("{} is no GUID", node.shown()), fix))
}

/// A prefix key, which is a GUID; as keys are given out, in lower case.
pub(super) fn prefix_key(node: &Node) -> Read<String> {
    match guid(node) {
        Ok(key) => Ok(key.to_lowercase()),
        Err(fault) => {
            let fix =
                "write the key as `peeringd show registered` has it, or leave it out until there is one";
            Err(Fault::new(fault.what, fix))
        }
    }
}

/// A network interface's name, as Linux takes it.
pub(super) fn interface(node: &Node) -> Read<String> {
    let name = text(node)?;
    let is_name = (1..=15).contains(&name.len())
        && !matches!(name.as_str(), "." | "..")
        && name.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b':'));
    if is_name {
        return Ok(name);
    }
    Err(Fault::new(
        format!("{} is no interface", node.shown()),
        "write its name, of up to 15 characters, like eth0",
    ))
}

pub(super) fn path(node: &Node) -> Read<PathBuf> {
    let path = text(node)?;
    if path.is_empty() || path.contains('\0') {
        return Err(Fault::new(format!("{} is no path", node.shown()), "write a path"));
    }
    Ok(path.into())
}

pub(super) fn asn(node: &Node) -> Read<Asn> {
    number(1..=u32::MAX)(node).map(Asn)
}

pub(super) fn ipv4(node: &Node) -> Read<Ipv4Addr> {
    parsed("IPv4 address", "4.68.74.181")(node)
}

pub(super) fn ipv6(node: &Node) -> Read<Ipv6Addr> {
    parsed("IPv6 address", "2a01:111:2000:1::2045")(node)
}

/// An address of one family.
pub(super) fn address(family: Family) -> fn(&Node) -> Read<IpAddr> {
    match family {
        Family::Ipv4 => |node| ipv4(node).map(IpAddr::V4),
        Family::Ipv6 => |node| ipv6(node).map(IpAddr::V6),
    }
}

pub(super) fn socket_address(node: &Node) -> Read<SocketAddr> {
    parsed("address and port", "127.0.0.1:9179 or \"[::1]:9179\"")(node)
}

/// A prefix without host bits.
pub(super) fn any_prefix(node: &Node) -> Read<IpNet> {
    let text = text(node)?;
    prefix::parse(&text).map_err(|error| match error {
        PrefixError::HostBits(net) => Fault::new(
            format!("has host bits (Invalid Prefix: {text}, must be {net})"),
            format!("write {net}"),
        ),
        PrefixError::Text | PrefixError::NoLength(_) | PrefixError::Length { .. } => Fault::new(
            format!("{} is no prefix", node.shown()),
            "write a network and its length, like 4.68.74.180/30",
        ),
    })
}

/// A prefix that a customer may bring into its own Peering Service.
pub(super) fn service_prefix(node: &Node) -> Read<IpNet> {
    const AZURE: &str = "Invalid Peering Service prefix, the prefix should be valid format, \
                         only IPv4 prefix is supported currently.";
    let fix = "write an IPv4 prefix of /24 to /32, like 20.33.0.0/24";
    match any_prefix(node) {
        Ok(IpNet::V4(net)) if net.prefix_len() < 24 => {
            Err(Fault::new(format!("is too short (Invalid Prefix: {net}, must be /24 to /32)"), fix))
        }
        Ok(IpNet::V4(net)) => Ok(IpNet::V4(net)),
        Ok(IpNet::V6(net)) => Err(Fault::new(format!("{net} is IPv6 ({AZURE})"), fix)),
        Err(fault) => Err(Fault::new(format!("{} ({AZURE})", fault.what), fix)),
    }
}

/// A prefix of one family.
pub(super) fn prefix_of(family: Family) -> impl Fn(&Node) -> Read<IpNet> {
    move |node| {
        let net = any_prefix(node)?;
        let (is, name) = match net {
            IpNet::V4(_) => (Family::Ipv4, "IPv4"),
            IpNet::V6(_) => (Family::Ipv6, "IPv6"),
        };
        if is == family {
            return Ok(net);
        }
        let like = match family {
            Family::Ipv4 => "an IPv4 prefix, like 4.68.74.180/30",
            Family::Ipv6 => "an IPv6 prefix, like 2a01:111:2000:1::2044/126",
        };
        Err(Fault::new(format!("{net} is an {name} prefix"), format!("write {like}")))
    }
}
