//! How sessions end: messages that a state does not expect, silence, and what is said at the end.

use std::time::{Duration, Instant};

use crate::cli::selftest::case::{Case, Verdict, ensure, same};
use crate::cli::selftest::lab::Bench;
use crate::cli::selftest::octets::*;
use crate::cli::selftest::peer::Peer;
use crate::fsm::State;
use crate::wire::ErrorCode;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, octets) in unexpected() {
        let early = octets.clone();
        cases.push(Case::loopback(
            6608,
            "§4",
            format!("{what} in OpenSent is answered by 5/1 and its type"),
            |bench| in_open_sent(bench, early),
        ));
        cases.push(Case::loopback(
            6608,
            "§4",
            format!("{what} in OpenConfirm is answered by 5/2 and its type"),
            |bench| in_open_confirm(bench, octets),
        ));
    }
    cases.extend([
        Case::loopback(6608, "§4", "an OPEN in Established is answered by 5/3 and its type", in_established),
        Case::loopback(
            4271,
            "§6.5",
            "a hold time of 3 s that passes in silence ends the session by 4/0",
            silence,
        ),
        Case::loopback(
            4271,
            "§4.4",
            "a session of hold time 3 s lives on KEEPALIVEs, and gets them",
            keepalives,
        ),
        Case::loopback(4271, "§6.4", "a NOTIFICATION is not answered by one", not_answered),
        Case::loopback(4271, "§8.2.2", "the peer's end of the connection is the session's", closed),
        Case::loopback(
            4271,
            "§6.8",
            "a second connection beside a session is answered by 6/7 or 6/5",
            second,
        ),
        Case::loopback(4486, "§4", "more prefixes than allowed end the session by 6/1", too_many)
            .session("families: [ipv4, ipv6], max_prefixes_advertised_v4: 2"),
        Case::loopback(9003, "§2", "the text of a shutdown is shown, and made harmless", shutdown_text),
        Case::loopback(
            9003,
            "§3",
            "a shutdown text whose length lies is passed over",
            shutdown_text_that_lies,
        ),
        Case::loopback(8538, "§3.1", "a Hard Reset is shown with its text", hard_reset),
    ]);
    cases
}

/// Neither OPEN nor NOTIFICATION, of which each state has its own.
fn unexpected() -> Vec<(&'static str, Vec<u8>)> {
    vec![("an UPDATE", announce(&[], &[])), ("a ROUTE-REFRESH", refresh(1, 0))]
}

async fn in_open_sent(bench: Bench, octets: Vec<u8>) -> Verdict {
    let mut peer = bench.dial().await?;
    peer.expect(OPEN).await?;
    peer.send(&octets).await?;
    type_of(&octets, &peer.ends_with(5, 1).await?)
}

async fn in_open_confirm(bench: Bench, octets: Vec<u8>) -> Verdict {
    let mut peer = bench.dial().await?;
    peer.send(&bench.open(&usual()).message()).await?;
    peer.up_to(KEEPALIVE).await?;
    peer.send(&octets).await?;
    type_of(&octets, &peer.ends_with(5, 2).await?)
}

async fn in_established(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let octets = bench.open(&usual()).message();
    peer.send(&octets).await?;
    type_of(&octets, &peer.ends_with(5, 3).await?)
}

/// The data is the type of what was not expected (RFC 6608 §4).
fn type_of(octets: &[u8], data: &[u8]) -> Verdict {
    same(&data, &octets.get(18..19).unwrap_or_default(), "data")
}

/// A session of the shortest hold time that there is.
async fn shortest(bench: &Bench) -> Result<Peer, String> {
    let open = OpenBody { hold_time: 3, ..bench.open(&usual()) };
    bench.established_as(&open).await
}

async fn silence(bench: Bench) -> Verdict {
    let mut peer = shortest(&bench).await?;
    let began = Instant::now();
    peer.ends_with(4, 0).await?;
    let lasted = began.elapsed();
    ensure((Duration::from_millis(2500)..Duration::from_millis(6000)).contains(&lasted), || {
        format!("after {lasted:?}")
    })
}

async fn keepalives(bench: Bench) -> Verdict {
    let mut peer = shortest(&bench).await?;
    let began = Instant::now();
    // One comes a second at least: six are over two hold times.
    for _ in 0..6 {
        peer.up_to(KEEPALIVE).await?;
        peer.send(&keepalive()).await?;
    }
    ensure(began.elapsed() > Duration::from_secs(4), || format!("six KEEPALIVEs in {:?}", began.elapsed()))?;
    bench.still_up()
}

async fn not_answered(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    peer.send(&message(NOTIFICATION, &[6, 4])).await?;
    loop {
        match peer.next().await? {
            None => return Ok(()),
            Some(message) if message.kind == NOTIFICATION => return Err(format!("{message:?}")),
            Some(_) => {}
        }
    }
}

async fn closed(bench: Bench) -> Verdict {
    drop(bench.established().await?);
    bench.until("the session to be down", |session| session.state != State::Established).await.map(drop)
}

async fn second(bench: Bench) -> Verdict {
    let _session = bench.established().await?;
    let mut peer = bench.dial().await?;
    peer.send(&bench.open(&usual()).message()).await?;
    let (_, notification) = peer.up_to(NOTIFICATION).await?;
    let code = notification.body.get(..2).unwrap_or_default();
    ensure(code == [6, 7] || code == [6, 5], || format!("{notification:?}"))?;
    bench.still_up()
}

async fn too_many(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let nlri = [prefix(1), prefix(2), prefix(3)].concat();
    peer.send(&announce(&well_known(), &nlri)).await?;
    peer.ends_with(6, 1).await.map(drop)
}

/// Ends a session by this NOTIFICATION; how it is shown.
async fn shown(bench: &Bench, body: &[u8]) -> Result<(Option<ErrorCode>, String), String> {
    let mut peer = bench.established().await?;
    peer.send(&message(NOTIFICATION, body)).await?;
    let session = bench.until("the error to be shown", |session| session.last_error.is_some()).await?;
    session.last_error.as_ref().map(|error| (error.code, error.text.clone())).ok_or_else(String::new)
}

async fn shutdown_text(bench: Bench) -> Verdict {
    let text = "ticket #42\n\x1b[31m\"";
    let length = u8::try_from(text.len()).unwrap_or(0);
    let (_, said) = shown(&bench, &[&[6, 2, length], text.as_bytes()].concat()).await?;
    ensure(said.contains("ticket #42") && !said.chars().any(char::is_control), || format!("{said:?}"))
}

async fn shutdown_text_that_lies(bench: Bench) -> Verdict {
    let (code, said) = shown(&bench, &[6, 2, 200, b'x']).await?;
    same(&code, &Some(ErrorCode::ADMIN_SHUTDOWN), "code")?;
    ensure(!said.contains('"'), || said)
}

async fn hard_reset(bench: Bench) -> Verdict {
    let (_, said) = shown(&bench, &[&[6, 9, 6, 2, 4][..], b"bye!"].concat()).await?;
    ensure(said.contains("Hard Reset") && said.contains("bye!"), || said)
}
