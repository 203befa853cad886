//! The recorder without a session: what is kept, what is written, and how much of it.

use std::io::IoSlice;

use super::ring::Message;
use super::shelf::Paces;
use super::*;
use crate::fsm::Moment;
use crate::metrics::{CaptureResult, Metrics};
use crate::wire::{ErrorCode, KEEPALIVE, Open, RefreshSubtype, RouteRefresh};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn open() -> Vec<u8> {
    Open { my_as: 64500, hold_time: 90, bgp_id: [192, 0, 2, 1].into(), capabilities: Vec::new() }
        .encode()
        .unwrap()
}

/// An UPDATE of so many octets.
fn update(len: u16) -> Vec<u8> {
    let mut message = vec![0xFF; 16];
    message.extend_from_slice(&len.to_be_bytes());
    message.push(2);
    message.resize(usize::from(len), 0);
    message
}

fn reset(way: Way) -> Incident {
    let notification = Notification::with_data(ErrorCode::ATTRIBUTE_LENGTH, [0xC0, 23]);
    Incident::Notification { way, notification, why: Some("attribute 23: a length of 3".to_owned()) }
}

fn capture(session: &str, at: Duration, messages: Vec<Message>) -> Capture {
    let ends = ("192.0.2.2:179".parse().unwrap(), "192.0.2.1:40000".parse().unwrap());
    Capture {
        session: session.into(),
        shelf: session.into(),
        peer_asn: Asn(64500),
        ends: Some(ends),
        at,
        incident: reset(Way::Sent),
        messages,
    }
}

fn lens(ring: &Ring) -> Vec<usize> {
    ring.messages(secs(0), &reset(Way::Received), None).iter().map(|message| message.len).collect()
}

#[test]
fn what_goes_out_is_cut_into_messages_however_it_is_written() {
    let refresh = RouteRefresh { afi: 1, safi: 1, subtype: RefreshSubtype::Request }.encode();
    let all = [open(), KEEPALIVE.to_vec(), update(300), refresh, update(4096)].concat();
    for piece in [1, 7, 18, 19, 20, 500, 10_000] {
        let mut ring = Ring::default();
        for octets in all.chunks(piece) {
            let (front, back) = octets.split_at(octets.len() / 2);
            ring.sent(
                secs(1),
                &[IoSlice::new(front), IoSlice::new(back), IoSlice::new(b"not taken")],
                octets.len(),
            );
        }
        assert_eq!(lens(&ring), [29, 19, 300, 23, 4096], "{piece}");
        let kept = ring.messages(secs(1), &reset(Way::Received), None);
        assert_eq!(kept.iter().flat_map(|m| m.octets.to_vec()).collect::<Vec<_>>(), all);
    }
}

#[test]
fn the_opens_stay_and_the_rest_is_bounded() {
    let mut ring = Ring::default();
    ring.received(secs(0), &open());
    let many: Vec<u8> = (0..1000).flat_map(|_| update(4000)).collect();
    ring.sent(secs(0), &[IoSlice::new(&open())], 29);
    ring.sent(secs(1), &[IoSlice::new(&many)], many.len());
    for _ in 0..1000 {
        ring.received(secs(2), &update(50));
    }
    let kept = ring.messages(secs(3), &reset(Way::Sent), None);
    let of = |way| kept.iter().filter(|message| message.way == way).map(|m| m.len).collect::<Vec<_>>();
    assert_eq!(of(Way::Received), [&[29_usize][..], &[50; 32]].concat());
    assert_eq!(of(Way::Sent), [29, 4000, 23], "and our NOTIFICATION");
    assert!(kept.iter().map(|m| m.octets.len()).sum::<usize>() <= 16 * 1024);
}

#[test]
fn the_message_at_fault_is_whole() {
    let mut ring = Ring::default();
    let long = update(60_000);
    ring.received(secs(1), &long);
    let incident = Incident::Treatment { treatment: Treatment::TreatAsWithdraw, faults: "x".to_owned() };
    assert!(ring.messages(secs(1), &incident, None).iter().all(|message| message.octets.len() <= 4096));
    let kept = ring.messages(secs(1), &incident, Some(&long));
    assert_eq!(kept.last().map(|message| message.octets.len()), Some(60_000));
}

#[test]
fn one_that_goes_wrong_all_the_time_is_not_written_down_all_the_time() {
    let mut pace = Pace::default();
    let at = |ms| Moment(Duration::from_millis(ms));
    let other = Incident::Treatment { treatment: Treatment::AttributeDiscard, faults: String::new() };
    assert!(pace.allows(at(0), &reset(Way::Sent)));
    assert!(!pace.allows(at(999), &other), "too soon after another");
    assert!(pace.allows(at(1_000), &other));
    assert!(!pace.allows(at(59_999), &reset(Way::Sent)), "the same again");
    assert!(pace.allows(at(60_000), &reset(Way::Sent)));
    let collision = Notification::new(ErrorCode::COLLISION);
    let collision = Incident::Notification { way: Way::Sent, notification: collision, why: None };
    assert!(!pace.allows(at(1_000_000), &collision));
    let any = |n: u8| Incident::Notification {
        way: Way::Received,
        notification: Notification::new(ErrorCode(n, n)),
        why: None,
    };
    let allowed = (0..=255).filter(|n| pace.allows(at(2_000_000 + u64::from(*n) * 1_000), &any(*n))).count();
    assert!((16..=5 * 16).contains(&allowed), "{allowed} in 256 s");
}

#[test]
fn the_text_says_what_happened() {
    let mut ring = Ring::default();
    ring.received(secs(1_700_000_000), &update(50));
    let capture =
        capture("a-v4", secs(1_700_000_001), ring.messages(secs(1_700_000_001), &reset(Way::Sent), None));
    let expected = "\
session   a-v4
between   192.0.2.2:179 and 192.0.2.1:40000, AS64500
at        2023-11-14T22:13:21.000Z
what      sent NOTIFICATION 3/5 Attribute Length Error
why       attribute 23: a length of 3
data      c017
messages  2, the oldest first
          2023-11-14T22:13:20.000Z received UPDATE, 50 octets
          2023-11-14T22:13:21.000Z sent     NOTIFICATION, 23 octets
";
    assert_eq!(capture.to_text(), expected);
}

#[test]
fn the_text_says_what_a_hard_reset_carries() {
    let inner = Notification::with_communication(ErrorCode::ADMIN_RESET, "new card");
    let incident = Incident::Notification {
        way: Way::Received,
        notification: Notification::hard_reset(&inner),
        why: None,
    };
    let text = Capture { incident, ..capture("a-v4", secs(0), Vec::new()) }.to_text();
    let what = "what      received NOTIFICATION 6/9 Hard Reset: 6/4 Administrative Reset: \"new card\"\n";
    assert!(text.contains(what), "{text}");
    assert!(text.contains("data      0604086e65772063617264\n"), "{text}");
}

#[tokio::test]
async fn captures_are_counted_by_what_became_of_them() {
    let (folder, metrics) = (tempfile::tempdir().unwrap(), Metrics::new().unwrap());
    let recorder = Recorder::start(folder.path(), &metrics);
    // The task that writes has not run yet, so the seventeenth finds no place.
    for n in 0..17 {
        recorder.keep(capture("a", secs(n), Vec::new()));
    }
    assert_eq!(metrics.captures(CaptureResult::Dropped), 1);
    while metrics.captures(CaptureResult::Written) < 16 {
        tokio::task::yield_now().await;
    }
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let recorder = Recorder::start(&file, &metrics);
    recorder.keep(capture("a", secs(0), Vec::new()));
    while metrics.captures(CaptureResult::Failed) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(metrics.captures(CaptureResult::Written), 16);
}

#[test]
fn the_shelf_keeps_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let names = |session: &str| {
        let mut names: Vec<String> = std::fs::read_dir(folder.path().join(session))
            .map(|all| all.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        names.sort();
        names
    };
    shelf::write(folder.path(), &capture("first", secs(0), Vec::new())).unwrap();
    for n in 1..=20 {
        shelf::write(folder.path(), &capture("a", secs(n), Vec::new())).unwrap();
    }
    assert_eq!(names("a").len(), 16, "eight, each with its text");
    assert_eq!(names("a")[0], "19700101T000013.000Z-sent-3-5.pcapng");
    for n in 0..255 {
        shelf::write(folder.path(), &capture(&format!("s{n}"), secs(100), Vec::new())).unwrap();
    }
    let sessions = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!((names("first").len(), names("a").len(), sessions), (0, 2, 256), "256 in all");
}

#[test]
fn a_shelf_that_is_filled_takes_no_more_than_its_share_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let count = |shelf: &str| {
        let all = std::fs::read_dir(folder.path().join(shelf)).map(Iterator::count).unwrap_or_default();
        assert_eq!(all % 2, 0, "each with its text");
        all / 2
    };
    for n in 0..62 {
        for at in 0..4 {
            shelf::write(folder.path(), &capture(&format!("s{n}"), secs(at), Vec::new())).unwrap();
        }
    }
    // Of 100 peers out of one range, each of which goes wrong in its turn.
    for n in 0..100 {
        let capture =
            Capture { shelf: "ix-v4".into(), ..capture(&format!("ix-v4-{n}"), secs(100 + n), Vec::new()) };
        shelf::write(folder.path(), &capture).unwrap();
    }
    assert_eq!(count("ix-v4"), 8);
    // One that is new gets as much as the others have.
    for n in 0..100 {
        shelf::write(folder.path(), &capture("new", secs(300 + n), Vec::new())).unwrap();
    }
    assert!((0..62).all(|n| count(&format!("s{n}")) >= 3), "three of four at least");
    assert!(count("new") >= 4 && count("ix-v4") >= 4);
}

#[test]
fn the_peers_of_a_range_have_one_pace_and_it_outlives_them() {
    let mut paces = Paces::default();
    let at = |secs| Moment(Duration::from_secs(secs));
    let (range, other): (Arc<str>, Arc<str>) = ("ix-v4".into(), "a-v4".into());
    assert!(paces.allow(&range, at(0), &reset(Way::Sent)));
    assert!(!paces.allow(&range, at(59), &reset(Way::Sent)), "of whichever session");
    assert!(paces.allow(&other, at(59), &reset(Way::Sent)));
    assert!(!paces.allow(&range, at(59), &reset(Way::Sent)), "not forgotten over another");
    assert!(paces.allow(&"b-v4".into(), at(130), &reset(Way::Sent)));
    assert_eq!(paces.len(), 1, "who has rested is not remembered");
}
