//! Capabilities in words.

use std::fmt::{Display, Write as _};

use serde::Serialize;

use crate::wire::{Capability, Family};

/// The most octets of an unknown capability that are shown.
const MAX_SHOWN: usize = 32;

/// A capability: its code, its name in the IANA registry, and what it says.
#[derive(Serialize)]
pub(super) struct CapabilityJson {
    code: u8,
    name: &'static str,
    text: String,
}

impl CapabilityJson {
    pub(super) fn new(capability: &Capability) -> Self {
        let (name, text) = match capability {
            Capability::Multiprotocol(afi, safi) => ("Multiprotocol", family(*afi, *safi)),
            Capability::RouteRefresh => ("Route Refresh", String::new()),
            Capability::ExtendedNextHop(list) => {
                let text = joined(list, |(afi, safi, hop)| {
                    format!("{} via {}", family16(*afi, *safi), afi_name(*hop))
                });
                ("Extended Next Hop", text)
            }
            Capability::ExtendedMessage => ("Extended Message", String::new()),
            Capability::Role(role) => ("BGP Role", role_name(*role)),
            Capability::GracefulRestart { restarting, notification, restart_time, families } => {
                ("Graceful Restart", graceful_restart(*restarting, *notification, *restart_time, families))
            }
            Capability::FourOctetAs(asn) => ("Four-octet AS Number", asn.to_string()),
            Capability::AddPath(list) => (
                "ADD-PATH",
                joined(list, |(afi, safi, way)| format!("{} {}", family(*afi, *safi), paths(*way))),
            ),
            Capability::EnhancedRouteRefresh => ("Enhanced Route Refresh", String::new()),
            Capability::LongLivedGracefulRestart(list) => {
                let text = joined(list, |(afi, safi, _, secs)| format!("{} {secs} s", family(*afi, *safi)));
                ("Long-Lived Graceful Restart", text)
            }
            Capability::Unknown { value, .. } => ("Unknown", hex(value)),
        };
        Self { code: capability.code(), name, text }
    }
}

fn joined<T, D: Display>(list: &[T], one: impl FnMut(&T) -> D) -> String {
    list.iter().map(one).map(|d| d.to_string()).collect::<Vec<_>>().join(", ")
}

fn family(afi: u16, safi: u8) -> String {
    Family::from_afi_safi(afi, safi).map_or_else(|| format!("{afi}/{safi}"), |f| f.name().to_owned())
}

fn family16(afi: u16, safi: u16) -> String {
    u8::try_from(safi).map_or_else(|_| format!("{afi}/{safi}"), |safi| family(afi, safi))
}

fn afi_name(afi: u16) -> String {
    family(afi, Family::SAFI_UNICAST)
}

fn paths(way: u8) -> &'static str {
    match way {
        1 => "receive",
        2 => "send",
        3 => "both",
        _ => "neither",
    }
}

/// RFC 9234 §4.1.
fn role_name(role: u8) -> String {
    let name = match role {
        0 => "provider",
        1 => "route server",
        2 => "route server client",
        3 => "customer",
        4 => "peer",
        _ => return role.to_string(),
    };
    name.to_owned()
}

fn graceful_restart(restarting: bool, notification: bool, secs: u16, families: &[(u16, u8, bool)]) -> String {
    let mut parts = vec![format!("{secs} s")];
    if restarting {
        parts.push("restarting".to_owned());
    }
    if notification {
        parts.push("also after NOTIFICATION".to_owned());
    }
    parts.extend(families.iter().map(|(afi, safi, kept)| {
        let kept = if *kept { " with forwarding kept" } else { "" };
        format!("{}{kept}", family(*afi, *safi))
    }));
    parts.join(", ")
}

fn hex(value: &[u8]) -> String {
    let mut text = String::new();
    for byte in value.iter().take(MAX_SHOWN) {
        if write!(text, "{byte:02x}").is_err() {
            break;
        }
    }
    if value.len() > MAX_SHOWN {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Asn;

    fn shown(capability: Capability) -> String {
        let json = CapabilityJson::new(&capability);
        format!("{} {}: {}", json.code, json.name, json.text)
    }

    #[test]
    fn capabilities_are_said_in_words() {
        for (capability, expected) in [
            (Capability::Multiprotocol(2, 1), "1 Multiprotocol: ipv6"),
            (Capability::Multiprotocol(25, 70), "1 Multiprotocol: 25/70"),
            (
                Capability::ExtendedNextHop(vec![(1, 1, 2), (1, 300, 2)]),
                "5 Extended Next Hop: ipv4 via ipv6, 1/300 via ipv6",
            ),
            (Capability::Role(3), "9 BGP Role: customer"),
            (Capability::Role(77), "9 BGP Role: 77"),
            (Capability::FourOctetAs(Asn(4_200_000_001)), "65 Four-octet AS Number: 4200000001"),
            (Capability::AddPath(vec![(1, 1, 3), (2, 1, 9)]), "69 ADD-PATH: ipv4 both, ipv6 neither"),
            (
                Capability::GracefulRestart {
                    restarting: true,
                    notification: true,
                    restart_time: 120,
                    families: vec![(1, 1, true), (2, 1, false)],
                },
                "64 Graceful Restart: 120 s, restarting, also after NOTIFICATION, ipv4 with forwarding kept, ipv6",
            ),
            (Capability::Unknown { code: 73, value: b"\x1b[2J".to_vec() }, "73 Unknown: 1b5b324a"),
        ] {
            assert_eq!(shown(capability), expected);
        }
        let long = shown(Capability::Unknown { code: 200, value: vec![7; 60_000] });
        assert_eq!(long.chars().count(), "200 Unknown: ".len() + 2 * MAX_SHOWN + 1);
    }
}
