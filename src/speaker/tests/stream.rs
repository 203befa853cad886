//! What a peer's octets do to a session, however they come and whatever they are.

use super::*;
use crate::wire::{MAX_MESSAGE_LEN, Treatment};

/// 192.0.2.1, which nobody has here: the usual next hop.
const HOP: [u8; 4] = [192, 0, 2, 1];

fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    [&[flags | 0x10, code], u16::try_from(value.len()).unwrap().to_be_bytes().as_slice(), value].concat()
}

/// ORIGIN, AS_PATH and NEXT_HOP.
fn well_known() -> Vec<u8> {
    let path = [&[2, 1], THEIRS.0.to_be_bytes().as_slice()].concat();
    [attribute(0x40, 1, &[0]), attribute(0x40, 2, &path), attribute(0x40, 3, &HOP)].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len() + 19).unwrap().to_be_bytes();
    [&[0xFF; 16], len.as_slice(), &[kind], body].concat()
}

/// An UPDATE of these attributes and of 5.N.0.0/16.
fn update(attributes: &[u8], n: u8) -> Vec<u8> {
    let len = u16::try_from(attributes.len()).unwrap().to_be_bytes();
    message(2, &[&[0, 0], len.as_slice(), attributes, &[16, 5, n]].concat())
}

/// An UPDATE of the well-known attributes and one more.
fn with(attributes: &[u8], n: u8) -> Vec<u8> {
    update(&[well_known().as_slice(), attributes].concat(), n)
}

/// A speaker and a peer made of bytes, whose session is up.
async fn up() -> (Side, Raw) {
    let ours =
        SessionPlan { max_prefixes: PerFamily { ipv4: None, ipv6: None }, ..session(US, THEM, THEIRS, true) };
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"]);
    let mut peer = Raw::dial(THEM, us.at).await;
    peer.send(&open(THEIRS)).await;
    peer.send(&KEEPALIVE).await;
    us.session("up", |s| s.state == State::Established).await;
    (us, peer)
}

async fn held(us: &Side, prefixes: &[&str]) {
    let wanted = nets(prefixes);
    let name = us.handle().sessions()[0].plan.name.clone();
    let mut found = Vec::new();
    let same = timeout(Duration::from_secs(10), async {
        while found != wanted {
            let routes = us.handle().received(&name, None, 1000).await.unwrap();
            found = routes.into_iter().map(|r| r.prefix).collect();
        }
    });
    assert!(same.await.is_ok(), "{found:?} instead of {wanted:?}");
}

/// The session goes on, with these routes, whatever came before.
async fn goes_on(us: &Side, peer: &mut Raw, prefixes: &[&str]) {
    peer.send(&update(&well_known(), 99)).await;
    held(us, &[prefixes, ["5.99.0.0/16"].as_slice()].concat()).await;
    let session = us.handle().sessions()[0].clone();
    assert_eq!((session.state, session.flaps), (State::Established, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_comes_up_octet_by_octet() {
    let us = Side::start(plan(OURS, US, vec![session(US, THEM, THEIRS, true)]), &["13.64.0.0/11"]);
    let mut peer = Raw::dial(THEM, us.at).await;
    peer.0.set_nodelay(true).unwrap();
    let all = [open(THEIRS), KEEPALIVE.to_vec(), update(&well_known(), 1), update(&well_known(), 2)].concat();
    for octet in all {
        peer.send(&[octet]).await;
    }
    held(&us, &["5.1.0.0/16", "5.2.0.0/16"]).await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_comes_up_all_at_once() {
    let us = Side::start(plan(OURS, US, vec![session(US, THEM, THEIRS, true)]), &["13.64.0.0/11"]);
    let mut peer = Raw::dial(THEM, us.at).await;
    let all = [open(THEIRS), KEEPALIVE.to_vec(), update(&well_known(), 1), KEEPALIVE.to_vec()].concat();
    peer.send(&all).await;
    held(&us, &["5.1.0.0/16"]).await;
    us.stop().await;
}

/// More than any buffer holds, in which messages of all sizes follow each other without a gap.
#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte_at_once_is_read_to_its_end() {
    let (us, mut peer) = up().await;
    let mut stream = Vec::new();
    let mut count = 0_u64;
    while stream.len() < 2 << 20 {
        for filler in [0, 1, 300, 3900] {
            let n = u8::try_from(count % 90).unwrap();
            stream.extend(with(&attribute(0xC0, 222, &vec![7; filler]), n));
            stream.extend(KEEPALIVE);
            count += 1;
        }
    }
    peer.send(&stream).await;
    let metrics = us.metrics.find_session(THEM.into()).unwrap();
    until("all of it", || (metrics.announced(Way::Received, Family::Ipv4) == count).then_some(())).await;
    us.session("90 prefixes", |s| s.received.ipv4 == 90 && s.flaps == 0).await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marker_and_nothing_behind_it_is_waited_for() {
    let (us, mut peer) = up().await;
    peer.send(&update(&well_known(), 1)).await;
    let next = update(&well_known(), 2);
    peer.send(&next[..16]).await;
    held(&us, &["5.1.0.0/16"]).await;
    peer.send(&next[16..]).await;
    goes_on(&us, &mut peer, &["5.1.0.0/16", "5.2.0.0/16"]).await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_treatment_shows_in_the_session_the_table_and_the_metrics() {
    let (us, mut peer) = up().await;
    for n in 1..=9 {
        peer.send(&update(&well_known(), n)).await;
    }
    let all: Vec<String> = (1..=9).map(|n| format!("5.{n}.0.0/16")).collect();
    held(&us, &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let set = [&[1, 1], THEIRS.0.to_be_bytes().as_slice()].concat();
    for octets in [
        // Kept as it is, kept without the attribute, and taken as withdrawn.
        with(&attribute(0xC0, 222, &[1]), 1),
        with(&attribute(0x40, 5, &[0; 4]), 2),
        with(&attribute(0xC0, 8, &[0; 3]), 3),
        with(&[0xC0, 8, 200, 1], 4),
        update(&[attribute(0x40, 1, &[0]), attribute(0x40, 3, &HOP)].concat(), 5),
        update(&[attribute(0x40, 1, &[0]), attribute(0x40, 2, &set), attribute(0x40, 3, &HOP)].concat(), 6),
        update(
            &[well_known()[..5].to_vec(), attribute(0x40, 2, &[2, 1, 0, 0, 0, 0]), attribute(0x40, 3, &HOP)]
                .concat(),
            7,
        ),
    ] {
        peer.send(&octets).await;
    }
    goes_on(&us, &mut peer, &["5.1.0.0/16", "5.2.0.0/16", "5.8.0.0/16", "5.9.0.0/16"]).await;
    let metrics = us.metrics.find_session(THEM.into()).unwrap();
    assert_eq!(metrics.treatments(Treatment::TreatAsWithdraw), 5);
    assert_eq!(metrics.treatments(Treatment::AttributeDiscard), 1);
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_resets_is_answered_with_what_came_and_no_more() {
    let cut = [0x90, 14, 0xFF, 0xFF, 0, 2, 1];
    for (octets, wanted) in [
        (message(2, &[0, 9, 0, 0]), vec![3, 1]),
        (with(&attribute(0x40, 222, &[5]), 1), [&[3, 2], attribute(0x40, 222, &[5]).as_slice()].concat()),
        (message(2, &[&[0, 0, 0, 7], cut.as_slice()].concat()), [&[3, 9], cut.as_slice()].concat()),
        (message(2, &[&[0, 0, 0, 0], [33, 1, 2, 3, 4, 5].as_slice()].concat()), vec![3, 10]),
        (message(2, &[0; 3]), vec![1, 2, 0, 22]),
        (message(9, &[]), vec![1, 3, 9]),
        ([&[0xFF; 16], [0, 18, 2].as_slice()].concat(), vec![1, 2, 0, 18]),
        (message(5, &[0, 1, 1]), [&[7, 1], message(5, &[0, 1, 1]).as_slice()].concat()),
    ] {
        let (us, mut peer) = up().await;
        peer.send(&octets).await;
        let messages = peer.rest().await;
        assert_eq!(messages.last(), Some(&(3, wanted)), "{octets:?}");
        us.stop().await;
    }
}

/// GHSA-jcrv-p53f-v5w5: what a peer's operator writes cannot be taken for anything but words.
#[tokio::test(flavor = "multi_thread")]
async fn a_peers_words_are_escaped_before_they_are_told() {
    let (us, mut peer) = up().await;
    let words = b"\x1b[2J\"}],\n{\"state\":\"x\xff\xe2\x80\xae";
    let said = [&[6, 2, u8::try_from(words.len()).unwrap()], words.as_slice()].concat();
    peer.send(&message(3, &said)).await;
    let down = us.session("told", |s| s.last_error.is_some()).await;
    let text = down.last_error.clone().unwrap().text;
    let escaped = r#"\u{1b}[2J\"}],\n{\"state\":\"x\xff\u{202e}"#;
    assert!(text.contains(escaped), "{text}");
    assert!(!text.chars().any(char::is_control), "{text}");
    us.stop().await;
}

/// The longest NOTIFICATION that a plain session takes, with a length octet that claims more than there is.
#[tokio::test(flavor = "multi_thread")]
async fn a_notification_of_any_length_ends_the_session_once() {
    for len in [0, 1, 128, MAX_MESSAGE_LEN - 19 - 2] {
        let (us, mut peer) = up().await;
        peer.send(&message(3, &[&[6, 4], vec![255; len].as_slice()].concat())).await;
        let down = us.session("down", |s| s.flaps == 1).await;
        assert_eq!(down.last_error.as_ref().unwrap().code, Some(ErrorCode::ADMIN_RESET));
        us.stop().await;
    }
}
