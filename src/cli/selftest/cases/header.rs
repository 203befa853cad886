//! Headers, and streams that come in odd pieces (RFC 4271 §4.1, §6.1).

use tokio::time::sleep;

use crate::cli::selftest::case::{Case, Verdict, ensure, same};
use crate::cli::selftest::lab::Bench;
use crate::cli::selftest::octets::*;
use crate::fsm::State;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = malformed()
        .into_iter()
        .map(|(what, octets, subcode, data)| {
            let run = move |bench| refused(bench, octets, subcode, data);
            Case::loopback(4271, "§6.1", format!("{what} is answered by 1/{subcode} and its data"), run)
        })
        .collect();
    cases.push(Case::loopback(
        4271,
        "§4.1",
        "an OPEN and a KEEPALIVE an octet at a time are a session",
        one_by_one,
    ));
    cases.push(Case::loopback(4271, "§4.1", "messages glued together are read one by one", glued));
    cases.push(Case::loopback(4271, "§4.3", "a megabyte of UPDATEs at once is taken in", megabyte));
    cases
}

/// A header that says so, with a body of as much as it takes.
fn header(len: u16, kind: u8) -> Vec<u8> {
    let body = usize::from(len).saturating_sub(19);
    [&[0xFF; 16], &len.to_be_bytes()[..], &[kind], &vec![0; body]].concat()
}

type Malformed = (&'static str, Vec<u8>, u8, Vec<u8>);

fn malformed() -> Vec<Malformed> {
    let mut marker = header(19, KEEPALIVE);
    if let Some(octet) = marker.get_mut(7) {
        *octet = 0xFE;
    }
    vec![
        ("a marker with one bit unset", marker, 1, vec![]),
        ("a marker of zeros", vec![0; 19], 1, vec![]),
        ("an HTTP request", b"GET / HTTP/1.1\r\nHost: peer\r\n\r\n".to_vec(), 1, vec![]),
        ("a length of 0", header(0, KEEPALIVE), 2, vec![0, 0]),
        ("a length of 18", header(18, KEEPALIVE), 2, vec![0, 18]),
        ("a length of 4097 before RFC 8654 is negotiated", header(4097, UPDATE), 2, vec![0x10, 1]),
        ("a length of 65535 before RFC 8654 is negotiated", header(65535, UPDATE), 2, vec![0xFF, 0xFF]),
        ("a KEEPALIVE of 20 octets", header(20, KEEPALIVE), 2, vec![0, 20]),
        ("an OPEN of 28 octets", header(28, OPEN), 2, vec![0, 28]),
        ("an UPDATE of 22 octets", header(22, UPDATE), 2, vec![0, 22]),
        ("a NOTIFICATION of 20 octets", header(20, NOTIFICATION), 2, vec![0, 20]),
        ("type 0", header(19, 0), 3, vec![0]),
        ("type 6", header(19, 6), 3, vec![6]),
        ("type 255", header(19, 255), 3, vec![255]),
    ]
}

async fn refused(bench: Bench, octets: Vec<u8>, subcode: u8, data: Vec<u8>) -> Verdict {
    let mut peer = bench.dial().await?;
    peer.send(&octets).await?;
    same(&peer.ends_with(1, subcode).await?, &data, "data")
}

async fn one_by_one(bench: Bench) -> Verdict {
    let mut peer = bench.dial().await?;
    for octet in [bench.open(&usual()).message(), keepalive()].concat() {
        peer.send(&[octet]).await?;
        sleep(std::time::Duration::from_millis(1)).await;
    }
    bench.until("the session to be up", |session| session.state == State::Established).await.map(drop)
}

async fn glued(bench: Bench) -> Verdict {
    let mut peer = bench.dial().await?;
    let update = announce(&well_known(), &prefix(1));
    let octets = [bench.open(&usual()).message(), keepalive(), update, keepalive()].concat();
    let received = bench.tell_after(&mut peer, &octets).await?;
    same(&Bench::prefixes(&received), &vec!["5.1.0.0/16".to_owned()], "routes")
}

/// Each UPDATE is as long as one may be, and a prefix of its own is in each of the first 200.
async fn megabyte(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let communities = vec![0x11; 4 * 1010];
    let attributes = [well_known(), vec![attribute(0xC0, 8, &communities)]].concat();
    let all: Vec<u8> = (0..260_u16)
        .flat_map(|n| announce(&attributes, &prefix(u8::try_from(n).unwrap_or(0).min(199))))
        .collect();
    ensure(all.len() >= 1 << 20, || format!("only {} octets", all.len()))?;
    let received = bench.tell(&mut peer, &all).await?;
    same(&Bench::prefixes(&received).len(), &200, "routes")
}
