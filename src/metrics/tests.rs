use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::*;
use crate::advertise::Counters;
use crate::fsm::State;
use crate::wire::{ErrorCode, Family, PerFamily, Treatment};

fn labels(connection: &str, ip: &str) -> SessionLabels {
    SessionLabels { connection: connection.into(), session_ip: ip.parse().unwrap() }
}

/// A family of the exposition as a strict reader sees it.
#[derive(Debug, Default)]
struct Parsed {
    help: String,
    kind: String,
    samples: Vec<(BTreeMap<String, String>, f64)>,
}

/// Reads the text format and takes nothing that it does not know: one HELP, one TYPE, then samples of that name only.
fn parse(text: &str) -> BTreeMap<String, Parsed> {
    let mut all: BTreeMap<String, Parsed> = BTreeMap::new();
    let mut current = String::new();
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!all.contains_key(name), "{name} comes twice");
            current = name.to_owned();
            all.insert(current.clone(), Parsed { help: help.to_owned(), ..Parsed::default() });
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, current);
            all.get_mut(name).unwrap().kind = kind.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = match series.split_once('{') {
                Some((name, rest)) => (name, rest.strip_suffix('}').unwrap()),
                None => (series, ""),
            };
            assert_eq!(name, current, "a sample away from its family");
            let family = all.get_mut(name).unwrap();
            let labels = parse_labels(labels);
            assert!(!family.samples.iter().any(|(l, _)| *l == labels), "{line} comes twice");
            family.samples.push((labels, value.parse().unwrap()));
        }
    }
    all
}

fn parse_labels(mut text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"").unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        let (mut value, mut end) = (String::new(), None);
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    end = Some(at);
                    break;
                }
                '\\' => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    c @ ('"' | '\\') => c,
                    c => panic!("escape {c}"),
                }),
                c => value.push(c),
            }
        }
        assert_eq!(all.insert(name.to_owned(), value), None);
        text = &rest[end.unwrap() + 1..];
        text = text.strip_prefix(',').unwrap_or(text);
    }
    all
}

fn value(text: &str, name: &str, wanted: &[(&str, &str)]) -> f64 {
    let parsed = parse(text);
    let family = parsed.get(name).unwrap_or_else(|| panic!("no family {name}"));
    let fits = |l: &BTreeMap<String, String>| wanted.iter().all(|(k, v)| l.get(*k).is_some_and(|x| x == v));
    let found: Vec<f64> = family.samples.iter().filter(|(l, _)| fits(l)).map(|(_, v)| *v).collect();
    assert_eq!(found.len(), 1, "{name} {wanted:?}: {family:?}");
    found[0]
}

#[test]
fn every_family_keeps_the_rules_for_names_and_help() {
    let metrics = Metrics::new().unwrap();
    metrics.session(labels("contoso-1", "192.0.2.1")).set_state(State::Idle, 1);
    metrics.registered(std::iter::once(RegistryFigures::of("contoso".into())), |_| true);
    metrics.origin().cache("192.0.2.8:323".parse().unwrap()).failed();
    let parsed = parse(&metrics.render().unwrap());
    assert_eq!(parsed.len(), 30 + 6 + 5 + 4 + 2 + 2 + 6, "{:?}", parsed.keys());
    let units = [
        "_bytes",
        "_seconds",
        "_prefixes",
        "_sets",
        "_fds",
        "_threads",
        "_number",
        "_info",
        "_up",
        "_state",
        "_ratio",
        "_vrps",
        "_routes",
        "_serial",
        "_in_use",
    ];
    for (name, family) in &parsed {
        assert!(name.starts_with("peeringd_"), "{name}");
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
        assert!(family.help.len() > 10 && family.help.ends_with('.'), "{name}: {}", family.help);
        assert!(family.help.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit()), "{name}");
        assert!(!family.samples.is_empty(), "{name}");
        match family.kind.as_str() {
            "counter" => assert!(name.ends_with("_total"), "{name}"),
            "gauge" => assert!(units.iter().any(|u| name.ends_with(u)), "{name}"),
            kind => panic!("{name} is a {kind}"),
        }
        for (labels, value) in &family.samples {
            assert!(value.is_finite() && *value >= 0.0, "{name} {value}");
            let own = name.starts_with("peeringd_session_");
            assert_eq!(own, labels.contains_key("connection"), "{name} {labels:?}");
            assert_eq!(own, labels.contains_key("session_ip"), "{name} {labels:?}");
            let allowed = [
                "connection",
                "session_ip",
                "family",
                "type",
                "code",
                "treatment",
                "result",
                "reason",
                "version",
                "cache",
                "peering",
                "state",
            ];
            assert!(labels.keys().all(|l| allowed.contains(&l.as_str())), "{name} {labels:?}");
        }
    }
}

#[test]
fn a_session_counts_where_it_says() {
    let metrics = Metrics::new().unwrap();
    let s = metrics.session(labels("contoso-1", "2001:db8::1"));
    s.set_state(State::Established, 1_700_000_000);
    s.count_established();
    s.count_flap();
    s.count_connect_attempt();
    s.count_connect_failure();
    s.count_inbound_refused();
    s.count_messages(Way::Sent, MessageType::Update, 1091);
    s.count_messages(Way::Received, MessageType::RouteRefresh, 1);
    s.count_notification(Way::Received, ErrorCode(200, 7));
    s.count_notification(Way::Sent, ErrorCode::MAX_PREFIXES);
    s.count_bytes(Way::Sent, 4_000_000);
    s.count_announced(Way::Sent, Family::Ipv4, 354);
    s.count_withdrawn(Way::Received, Family::Ipv6, 3);
    s.count_treatment(Treatment::TreatAsWithdraw);
    s.set_prefixes(PrefixGauge::Advertised, Family::Ipv6, 14);
    s.set_prefixes(PrefixGauge::Received, Family::Ipv4, 2);
    s.set_prefixes(PrefixGauge::Received, Family::Ipv4, 1);
    let text = metrics.render().unwrap();
    let at = |name: &str, more: &[(&str, &str)]| {
        let mut wanted = vec![("connection", "contoso-1"), ("session_ip", "2001:db8::1")];
        wanted.extend(more);
        value(&text, &format!("peeringd_session_{name}"), &wanted)
    };
    for (name, more, expected) in [
        ("up", &[][..], 1.0),
        ("state", &[], 5.0),
        ("last_state_change_timestamp_seconds", &[], 1.7e9),
        ("established_total", &[], 1.0),
        ("flaps_total", &[], 1.0),
        ("connect_attempts_total", &[], 1.0),
        ("connect_failures_total", &[], 1.0),
        ("inbound_refused_total", &[], 1.0),
        ("messages_sent_total", &[("type", "update")], 1091.0),
        ("messages_received_total", &[("type", "route_refresh")], 1.0),
        ("messages_received_total", &[("type", "update")], 0.0),
        ("notifications_received_total", &[("code", "unknown")], 1.0),
        ("notifications_sent_total", &[("code", "cease")], 1.0),
        ("sent_bytes_total", &[], 4e6),
        ("received_bytes_total", &[], 0.0),
        ("announced_sent_prefixes_total", &[("family", "ipv4")], 354.0),
        ("announced_received_prefixes_total", &[("family", "ipv4")], 0.0),
        ("withdrawn_received_prefixes_total", &[("family", "ipv6")], 3.0),
        ("withdrawn_sent_prefixes_total", &[("family", "ipv6")], 0.0),
        ("update_errors_total", &[("treatment", "treat_as_withdraw")], 1.0),
        ("advertised_prefixes", &[("family", "ipv6")], 14.0),
        ("pending_prefixes", &[("family", "ipv6")], 0.0),
        ("received_prefixes", &[("family", "ipv4")], 1.0),
    ] {
        assert_eq!(at(name, more), expected, "{name} {more:?}");
    }
    s.set_state(State::OpenConfirm, 1_700_000_001);
    assert_eq!(value(&metrics.render().unwrap(), "peeringd_session_up", &[]), 0.0);
    assert_eq!(value(&metrics.render().unwrap(), "peeringd_session_state", &[]), 4.0);
}

#[test]
fn what_an_outbox_sent_is_counted_once() {
    let metrics = Metrics::new().unwrap();
    let s = metrics.session(labels("contoso-1", "192.0.2.1"));
    let first = Counters {
        opens: 1,
        updates: 5,
        keepalives: 2,
        bytes: 900,
        announced: PerFamily { ipv4: 354, ipv6: 14 },
        ..Counters::default()
    };
    let second = Counters {
        updates: 6,
        notifications: 1,
        route_refreshes: 3,
        bytes: 1000,
        withdrawn: PerFamily { ipv4: 0, ipv6: 9 },
        ..first.clone()
    };
    s.count_sent(&Counters::default(), &first);
    s.count_sent(&first, &second);
    s.count_sent(&second, &second);
    let sent: Vec<u64> = MessageType::ALL.iter().map(|kind| s.messages(Way::Sent, *kind)).collect();
    assert_eq!(sent, [1, 6, 1, 2, 3]);
    assert_eq!(s.bytes(Way::Sent), 1000);
    assert_eq!(s.announced(Way::Sent, Family::Ipv4), 354);
    assert_eq!(s.announced(Way::Sent, Family::Ipv6), 14);
    assert_eq!(s.withdrawn(Way::Sent, Family::Ipv6), 9);
    assert_eq!(s.bytes(Way::Received), 0);
}

#[test]
fn counters_outlive_a_reload_and_end_with_the_session() {
    let metrics = Metrics::new().unwrap();
    metrics.session(labels("old-name", "192.0.2.1")).count_flap();
    let again = metrics.clone().session(labels("new-name", "192.0.2.1"));
    assert_eq!(again.flaps(), 1);
    assert_eq!(
        value(&metrics.render().unwrap(), "peeringd_session_flaps_total", &[("connection", "new-name")]),
        1.0
    );
    assert!(metrics.find_session("192.0.2.1".parse().unwrap()).is_some());
    metrics.remove_session("192.0.2.1".parse().unwrap());
    metrics.remove_session("192.0.2.1".parse().unwrap());
    assert!(metrics.find_session("192.0.2.1".parse().unwrap()).is_none());
    assert!(!metrics.render().unwrap().contains("peeringd_session_"));
    assert_eq!(metrics.session(labels("new-name", "192.0.2.1")).flaps(), 0);
}

#[test]
fn the_rib_and_the_build_are_there() {
    let metrics = Metrics::new().unwrap();
    metrics.count_capture(CaptureResult::Written);
    metrics.rib().load_failed();
    metrics.rib().loaded(GenerationFigures {
        number: 7,
        prefixes: PerFamily { ipv4: 354, ipv6: 14 },
        attribute_sets: 2,
        load_time: Duration::from_millis(1500),
        at: 1_700_000_000,
    });
    let text = metrics.render().unwrap();
    for (name, labels, expected) in [
        ("peeringd_rib_generation_number", &[][..], 7.0),
        ("peeringd_rib_prefixes", &[("family", "ipv4")], 354.0),
        ("peeringd_rib_prefixes", &[("family", "ipv6")], 14.0),
        ("peeringd_rib_attribute_sets", &[], 2.0),
        ("peeringd_rib_load_duration_seconds", &[], 1.5),
        ("peeringd_rib_last_load_timestamp_seconds", &[], 1.7e9),
        ("peeringd_rib_loads_total", &[("result", "ok")], 1.0),
        ("peeringd_rib_loads_total", &[("result", "failed")], 1.0),
        ("peeringd_connections_turned_away_total", &[("reason", "stranger")], 0.0),
        ("peeringd_flight_captures_total", &[("result", "written")], 1.0),
        ("peeringd_flight_captures_total", &[("result", "dropped")], 0.0),
        ("peeringd_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0),
    ] {
        assert_eq!(value(&text, name, labels), expected, "{name} {labels:?}");
    }
    assert!(value(&text, "peeringd_process_start_time_seconds", &[]) > 1.6e9);
}

#[test]
fn a_name_with_every_awkward_character_is_escaped() {
    let metrics = Metrics::new().unwrap();
    let name = "a\\b\"c\nd}e,f=\"";
    metrics.session(labels(name, "192.0.2.1")).count_flap();
    let text = metrics.render().unwrap();
    assert_eq!(value(&text, "peeringd_session_flaps_total", &[("connection", name)]), 1.0);
    let names: BTreeSet<String> = parse(&text).into_keys().collect();
    assert!(names.contains("peeringd_session_up"));
}

#[test]
fn f56_availability_flaps_and_prefixes_are_there_for_each_session_of_a_connection() {
    let session = SessionMetrics::default();
    session.set_known(1000);
    session.set_known(5000);
    assert!(session.availability(1000).abs() < f64::EPSILON);
    session.set_state(State::Established, 1025);
    session.count_established();
    assert!((session.availability(1100) - 0.75).abs() < f64::EPSILON, "75 of 100 s");
    session.set_state(State::Idle, 1075);
    session.count_flap();
    assert!((session.availability(1100) - 0.5).abs() < f64::EPSILON, "50 of 100 s");
    assert_eq!((session.established_for(9000), session.flaps()), (50, 1));

    let metrics = Metrics::new().unwrap();
    for ip in ["4.68.74.181", "2a01:111:2000:1::2045"] {
        let session = metrics.session(labels("contoso-ashburn-1", ip));
        session.set_state(State::Established, 1);
        session.count_flap();
        session.set_prefixes(PrefixGauge::Received, Family::Ipv4, 7);
        session.set_prefixes(PrefixGauge::Advertised, Family::Ipv4, 354);
    }
    let text = metrics.render().unwrap();
    for ip in ["4.68.74.181", "2a01:111:2000:1::2045"] {
        let own = [("connection", "contoso-ashburn-1"), ("session_ip", ip)];
        let ipv4 = [own[0], own[1], ("family", "ipv4")];
        assert!((value(&text, "peeringd_session_availability_ratio", &own) - 1.0).abs() < f64::EPSILON);
        for (name, labels, expected) in [
            ("peeringd_session_flaps_total", &own[..], 1.0),
            ("peeringd_session_received_prefixes", &ipv4[..], 7.0),
            ("peeringd_session_advertised_prefixes", &ipv4[..], 354.0),
        ] {
            assert!((value(&text, name, labels) - expected).abs() < f64::EPSILON, "{name}");
        }
    }
}
