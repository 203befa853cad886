use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::verdict::NOT_REGISTERED;
use super::*;
use crate::peering::{
    EventLevel, EventType, LearnedType, PrefixValidationState, Reason, RouteOrigin, Sighting, Validity,
};
use crate::wire::{Asn, PerFamily};

const A: &str = "4.68.74.181";
const B: &str = "104.44.14.34";
const C: &str = "5.57.80.2";

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn required(peers: &[&str]) -> Required {
    let peers = PerFamily { ipv4: peers.iter().map(|p| ip(p)).collect(), ipv6: Vec::new() };
    Required { is_active: true, peers, ..Required::default() }
}

fn sighting(reasons: &[Reason]) -> Sighting {
    let origin = Some(Asn(7018));
    Sighting { origin, validity: Default::default(), received_at: 1, reasons: reasons.to_vec() }
}

fn seen(all: &[(&str, &[Reason])]) -> Seen {
    all.iter().map(|(peer, reasons)| (ip(peer), sighting(reasons))).collect()
}

fn said(all: &[(&str, &[Reason])]) -> String {
    let verdict = judge_registered_prefix(net("8.23.254.0/24"), &required(&[A, B]), &seen(all));
    match (verdict.state, verdict.message) {
        (PrefixValidationState::Verified, None) => "Verified".to_owned(),
        (PrefixValidationState::Failed, Some(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn f43_a_registered_prefix_is_verified_where_every_session_has_it_as_it_should_be() {
    assert_eq!(said(&[(A, &[]), (B, &[])]), "Verified");
    assert_eq!(said(&[(A, &[]), (B, &[]), (C, &[Reason::MissingCommunity])]), "Verified", "not asked for");
}

#[test]
fn f43_what_fails_is_said_in_the_documented_words() {
    assert_eq!(said(&[(A, &[])]), format!("Prefix not received from IP: {B}"));
    assert_eq!(said(&[(C, &[])]), format!("Prefix not received from IP: {A}, {B}"));
    let missing = "Advertisement missing MAPS community";
    assert_eq!(said(&[(A, &[]), (B, &[Reason::MissingCommunity])]), missing);
    for reason in [Reason::PathTooLong(4), Reason::PrivateAsn(Asn(64512)), Reason::Prepended(Asn(7018))] {
        assert_eq!(said(&[(A, &[reason]), (B, &[])]), "AS path isn't correct");
        let both: &[(&str, &[Reason])] = &[(A, &[reason]), (B, &[Reason::MissingCommunity, reason])];
        assert_eq!(said(both), missing, "what is checked first is said first");
    }
    assert_eq!(Verdict::internal_error().message.as_deref(), Some("Internal server error"));
}

#[test]
fn f41_what_registries_say_of_an_origin_that_is_let_in_is_a_warning() {
    let judge = |rpki, irr, has_irr| {
        let mut seen = seen(&[(A, &[]), (B, &[])]);
        seen.get_mut(&ip(B)).unwrap().validity = RouteOrigin { irr, rpki, trust_anchor: None };
        let verdict = judge_registered_prefix(net(P), &Required { has_irr, ..required(&[A, B]) }, &seen);
        assert!(verdict.is_good());
        (verdict.state, verdict.message.unwrap_or_default())
    };
    let verified = (PrefixValidationState::Verified, String::new());
    let warning = |message: &str| (PrefixValidationState::Warning, message.to_owned());
    assert_eq!(judge(Validity::Unknown, Validity::Unknown, false), verified, "without a registry");
    let unknown = warning("The origin ASN is not in the routing registry");
    assert_eq!(judge(Validity::Valid, Validity::Unknown, true), unknown);
    let other = warning("The origin ASN is not the one in the routing registry");
    assert_eq!(judge(Validity::Valid, Validity::Invalid, true), other);
    assert_eq!(judge(Validity::Invalid, Validity::Invalid, true), warning("The origin is RPKI-invalid"));
}

#[test]
fn f44_without_an_active_connection_nothing_is_verified() {
    let none = Required { is_active: false, ..required(&[]) };
    let verdict = judge_registered_prefix(net("8.23.254.0/24"), &none, &seen(&[(A, &[])]));
    assert_eq!(verdict, Verdict::failed(NOT_REGISTERED));
    let verdict = judge_registered_prefix(net("2a01:111::/48"), &required(&[A]), &seen(&[(A, &[])]));
    assert_eq!(verdict, Verdict::failed("No session of the peering carries IPv6"));
}

#[test]
fn of_a_range_whoever_announces_counts_and_somebody_has_to() {
    let range = net("5.57.80.0/24");
    let of_range = |peers: &[&str]| Required {
        ranges: PerFamily { ipv4: vec![range], ipv6: Vec::new() },
        ..required(peers)
    };
    let judge =
        |required: &Required, seen: &Seen| judge_registered_prefix(net("8.23.254.0/24"), required, seen);
    assert_eq!(judge(&of_range(&[A]), &seen(&[(A, &[]), (C, &[])])), Verdict::VERIFIED);
    let nobody = Verdict::failed("Prefix not received from IP: 5.57.80.0/24");
    assert_eq!(judge(&of_range(&[]), &seen(&[(A, &[])])), nobody);
    let wrong = judge(&of_range(&[A]), &seen(&[(A, &[]), (C, &[Reason::MissingCommunity])]));
    assert_eq!(wrong.message.as_deref(), Some("Advertisement missing MAPS community"));
}

#[test]
fn a_peer_that_the_config_names_is_none_of_a_range() {
    let ranges = PerFamily { ipv4: vec![net("5.57.80.0/24")], ipv6: Vec::new() };
    let required = Required { ranges, named: [ip(C)].into(), ..required(&[]) };
    let judge = |all: &[(&str, &[Reason])]| judge_registered_prefix(net(P), &required, &seen(all));
    let nobody = Verdict::failed("Prefix not received from IP: 5.57.80.0/24");
    assert_eq!(judge(&[(C, &[])]), nobody, "it is a session of somebody else");
    assert_eq!(judge(&[("5.57.80.3", &[]), (C, &[Reason::MissingCommunity])]), Verdict::VERIFIED);
}

fn served(prefix: &str, key: KeyHolder, all: &[(&str, &[Reason])]) -> (LearnedType, String) {
    let sessions = ServiceSessions { primary: required(&[A, B]), backup: Some(required(&[C])) };
    let judged = judge_service_prefix(net(prefix), key, &sessions, &seen(all));
    let state = judged.verdict.state.name().to_owned();
    (judged.learned_type, judged.verdict.message.unwrap_or(state))
}

const P: &str = "8.25.0.0/24";

#[test]
fn f49_a_peering_service_prefix_is_verified_by_its_key_on_primary_and_backup() {
    let all: &[(&str, &[Reason])] = &[(A, &[]), (B, &[]), (C, &[])];
    let verified = |via| (via, "Verified".to_owned());
    assert_eq!(served(P, KeyHolder::Prefix(net(P)), all), verified(LearnedType::ViaServiceProvider));
    assert_eq!(served(P, KeyHolder::Asn(Asn(7018)), all), verified(LearnedType::ViaSession));
    let none = |message: &str| (LearnedType::None, message.to_owned());
    assert_eq!(served(P, KeyHolder::Nobody, all), none("Peering service provider not found"));
    let invalid = "Peering service prefix is invalid";
    assert_eq!(served(P, KeyHolder::Prefix(net("8.25.1.0/24")), all), none(invalid));
    assert_eq!(served(P, KeyHolder::Asn(Asn(1)), all), (LearnedType::ViaSession, invalid.to_owned()));
}

#[test]
fn f49_what_fails_of_a_peering_service_prefix_is_said_in_the_documented_words() {
    let key = KeyHolder::Prefix(net(P));
    let of = |reason: Reason| served(P, key, &[(A, &[]), (B, &[reason]), (C, &[])]).1;
    let missing = format!("Not receiving prefix advertisement from IP for prefix: {B}, {C}");
    assert_eq!(served(P, key, &[(A, &[])]), (LearnedType::ViaServiceProvider, missing));
    let nowhere = "Prefix is not announced by the service provider to Microsoft.".to_owned();
    assert_eq!(served(P, key, &[]), (LearnedType::None, nowhere));
    let community = "Received route for prefix should have the Peering Service community 8075:8007";
    assert_eq!(of(Reason::MissingCommunity), community);
    assert_eq!(of(Reason::PathTooLong(4)), "AS path length for prefix should be <=3 for prefix");
    assert_eq!(of(Reason::PrivateAsn(Asn(64512))), "AS path for prefix shouldn't have any private ASN");
    assert_eq!(of(Reason::Prepended(Asn(7018))), "AS path isn't correct");
}

#[test]
fn f49_events_of_a_peering_service_prefix_have_the_portals_words() {
    let key = KeyHolder::Prefix(net(P));
    let of = |reason: Reason| served(P, key, &[(A, &[reason]), (B, &[]), (C, &[])]).1;
    for (message, words) in [
        (served(P, key, &[(A, &[])]).1, "Prefix wasn't received from Peering Service provider"),
        (of(Reason::MissingCommunity), "Prefix announcement doesn't have a valid BGP community"),
        (of(Reason::PathTooLong(4)), "Prefix received with longer AS path(>3)"),
        (of(Reason::PrivateAsn(Asn(64512))), "Prefix received with private AS in the path"),
    ] {
        let verdict = Verdict::failed(message.clone());
        let said = |is_service| validated((&"p".into(), net(P)), &verdict, is_service, 0).event_description;
        assert_eq!((said(true), said(false)), (format!("{words}: {message}"), message.clone()));
    }
}

#[test]
fn f50_the_provider_needs_two_sessions_in_the_primary_and_one_in_the_backup_location() {
    let judge = |primary: &[&str], backup: Option<&[&str]>| {
        let sessions = ServiceSessions { primary: required(primary), backup: backup.map(required) };
        let all = seen(&[(A, &[]), (B, &[]), (C, &[])]);
        let judged = judge_service_prefix(net(P), KeyHolder::Prefix(net(P)), &sessions, &all);
        judged.verdict.message.unwrap_or_default()
    };
    let few = "Provider has fewer than two sessions in its primary location";
    assert_eq!(judge(&[], Some(&[C])), few);
    assert_eq!(judge(&[A], Some(&[C])), few);
    assert_eq!(judge(&[A, B], Some(&[])), "Provider has no sessions in its backup location");
    assert_eq!(judge(&[A, B], Some(&[C])), "");
    assert_eq!(judge(&[A, B], None), "", "the Internet is the backup");
}

#[test]
fn f46_a_peering_service_prefix_is_ipv4_and_no_shorter_than_24() {
    let all: &[(&str, &[Reason])] = &[(A, &[]), (B, &[]), (C, &[])];
    for (prefix, expected) in [
        ("8.24.0.0/23", "Peering service prefix is invalid"),
        ("2a01:111::/48", "Peering service prefix is invalid"),
        ("8.25.0.0/24", "Verified"),
        ("8.25.0.1/32", "Verified"),
    ] {
        assert_eq!(served(prefix, KeyHolder::Prefix(net(prefix)), all).1, expected, "{prefix}");
    }
}

fn told(before: Presence, now: Presence, is_service_prefix: bool) -> Vec<(EventType, EventLevel)> {
    let peering: Arc<str> = "contoso".into();
    let events = changes((&peering, net(P)), before, now, is_service_prefix, 7);
    assert!(events.iter().all(|e| e.event_timestamp == 7 && e.prefix == Some(net(P))));
    events.iter().map(|e| (e.event_type, e.event_level)).collect()
}

#[test]
fn f52_the_eight_events_of_a_prefix_have_their_levels() {
    use EventLevel::{Critical, Error, Information, Warning};
    let from = |asn| Some(Sighted { origin: Some(Asn(asn)) });
    let at = |primary, backup| Presence { primary, backup };
    let none = Presence::default();
    for (before, now, expected) in [
        (none, none, vec![]),
        (
            none,
            at(from(1), None),
            vec![
                (EventType::PrefixAnnouncementEvent, Information),
                (EventType::PrefixActivePath, Information),
            ],
        ),
        (
            at(from(1), None),
            at(from(1), from(1)),
            vec![(EventType::PrefixBackupRouteAnnouncementEvent, Information)],
        ),
        (
            at(from(1), from(1)),
            at(None, from(1)),
            vec![(EventType::PrefixWithdrawalEvent, Warning), (EventType::PrefixBackupPath, Information)],
        ),
        (at(None, from(1)), none, vec![(EventType::PrefixBackupRouteWithdrawalEvent, Warning)]),
        (
            at(from(1), from(1)),
            at(from(2), from(3)),
            vec![
                (EventType::PrefixOriginAsChangeEvent, Critical),
                (EventType::PrefixBackupRouteOriginAsChangeEvent, Error),
            ],
        ),
    ] {
        assert_eq!(told(before, now, true), expected, "{before:?} → {now:?}");
    }
    let announced = vec![(EventType::PrefixAnnouncementEvent, Information)];
    assert_eq!(told(none, at(from(1), None), false), announced, "a registered prefix has one way");
}

#[test]
fn f52_a_presence_is_that_of_the_sessions_asked_for() {
    let sessions = ServiceSessions { primary: required(&[A, B]), backup: Some(required(&[C])) };
    let here = Some(Sighted { origin: Some(Asn(7018)) });
    let of = |all: &[(&str, &[Reason])]| Presence::of_service(net(P), &sessions, &seen(all));
    assert_eq!(of(&[(B, &[Reason::MissingCommunity])]), Presence { primary: here, backup: None });
    assert_eq!(of(&[(C, &[])]), Presence { primary: None, backup: here });
    let registered = Presence::of_registered(net(P), &sessions.primary, &seen(&[(C, &[])]));
    assert_eq!(registered, Presence::default());
}
