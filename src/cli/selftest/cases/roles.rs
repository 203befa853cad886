//! Roles and ONLY_TO_CUSTOMER (RFC 9234), and routes that are about to go (RFC 8326).

use crate::cli::selftest::case::{Case, PEER_ASN, Verdict, same};
use crate::cli::selftest::lab::Bench;
use crate::cli::selftest::octets::*;
use crate::fsm::State;

/// Codes of the capability.
const PROVIDER: u8 = 0;
const CUSTOMER: u8 = 3;
const PEER: u8 = 4;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (keys, role, what) in [
        ("families: [ipv4, ipv6], local_role: peer", PEER, "peer and peer"),
        ("families: [ipv4, ipv6], local_role: provider", CUSTOMER, "provider and customer"),
        ("families: [ipv4, ipv6], local_role: customer", PROVIDER, "customer and provider"),
    ] {
        let run =
            move |bench: Bench| async move { bench.established_as(&open(&bench, &[role])).await.map(drop) };
        cases.push(Case::loopback(9234, "§4.2", format!("{what} go together"), run).session(keys));
    }
    for (keys, roles, what) in [
        (
            "families: [ipv4, ipv6], local_role: peer",
            &[CUSTOMER][..],
            "peer and customer are refused by 2/11",
        ),
        (
            "families: [ipv4, ipv6], local_role: provider",
            &[PROVIDER],
            "provider and provider are refused by 2/11",
        ),
        (
            "families: [ipv4, ipv6], local_role: peer",
            &[PEER, CUSTOMER],
            "two roles of one peer are refused by 2/11",
        ),
        (
            "families: [ipv4, ipv6], local_role: peer, strict_role: true",
            &[],
            "no role is refused by 2/11 where one is asked for",
        ),
    ] {
        let run = move |bench| refused(bench, roles);
        cases.push(Case::loopback(9234, "§4.2", what, run).session(keys));
    }
    cases.extend([
        Case::loopback(9234, "§4.2", "no role goes with any where none is asked for", no_role)
            .session("families: [ipv4, ipv6], local_role: peer"),
        Case::loopback(9234, "§5", "a peer is told ONLY_TO_CUSTOMER with our ASN", marked)
            .session("families: [ipv4, ipv6], local_role: peer"),
        Case::loopback(9234, "§5", "a provider is not", not_marked)
            .session("families: [ipv4, ipv6], local_role: customer"),
        Case::loopback(9234, "§5", "a customer's route with ONLY_TO_CUSTOMER is a leak", leak_of_customer)
            .session("families: [ipv4, ipv6], local_role: provider"),
        Case::loopback(
            9234,
            "§5",
            "a peer's route with another ASN in ONLY_TO_CUSTOMER is a leak",
            leak_of_peer,
        )
        .session("families: [ipv4, ipv6], local_role: peer"),
        Case::loopback(9234, "§5", "a peer's route with its own ASN in ONLY_TO_CUSTOMER is none", no_leak)
            .session("families: [ipv4, ipv6], local_role: peer"),
        Case::loopback(
            8326,
            "§4.2",
            "a session that is going away says GRACEFUL_SHUTDOWN on its routes",
            going,
        )
        .session("families: [ipv4, ipv6], graceful_shutdown: true"),
        Case::loopback(8326, "§4.2", "one that is not does not", staying),
        Case::loopback(8326, "§4.1", "routes with GRACEFUL_SHUTDOWN are counted", received),
        Case::loopback(9003, "§2", "a reset tells the peer what the config says", told)
            .session("families: [ipv4, ipv6], shutdown_communication: \"ticket 42\""),
        Case::loopback(4271, "§8.2.2", "with DelayOpen our OPEN waits for the peer's", delayed)
            .session("families: [ipv4, ipv6], delay_open: 200"),
    ]);
    cases
}

fn open(bench: &Bench, roles: &[u8]) -> OpenBody {
    let roles = roles.iter().map(|role| capability(9, &[*role]));
    bench.open(&usual().into_iter().chain(roles).collect::<Vec<_>>())
}

async fn refused(bench: Bench, roles: &'static [u8]) -> Verdict {
    let mut peer = bench.dial().await?;
    peer.send(&open(&bench, roles).message()).await?;
    peer.ends_with(2, 11).await.map(drop)
}

async fn no_role(bench: Bench) -> Verdict {
    bench.established().await.map(drop)
}

/// Whether an attribute is in some UPDATE of the table, which is told to a peer of this role.
async fn tells(bench: &Bench, role: Option<u8>, attribute: &[u8]) -> Result<bool, String> {
    let mut peer = bench.established_as(&open(bench, role.as_slice())).await?;
    let updates = Bench::table(&mut peer, 2).await?;
    Ok(updates.iter().any(|update| update.windows(attribute.len()).any(|part| part == attribute)))
}

fn only_to_customer(asn: u32) -> Vec<u8> {
    attribute(0xC0, 35, &asn.to_be_bytes())
}

async fn marked(bench: Bench) -> Verdict {
    same(&tells(&bench, Some(PEER), &only_to_customer(8075)).await?, &true, "ONLY_TO_CUSTOMER")
}

async fn not_marked(bench: Bench) -> Verdict {
    same(&tells(&bench, Some(PROVIDER), &only_to_customer(8075)).await?, &false, "ONLY_TO_CUSTOMER")
}

/// How many of the peer's routes are leaks, of one with this ASN in ONLY_TO_CUSTOMER.
async fn leaks(bench: &Bench, role: u8, asn: u32) -> Result<u64, String> {
    let mut peer = bench.established_as(&open(bench, &[role])).await?;
    let attributes = [well_known(), vec![only_to_customer(asn)]].concat();
    bench.tell(&mut peer, &announce(&attributes, &prefix(1))).await?;
    bench.still_up()?;
    Ok(bench.until("the route to be shown", |session| session.received.ipv4 == 2).await?.leaks)
}

async fn leak_of_customer(bench: Bench) -> Verdict {
    same(&leaks(&bench, CUSTOMER, PEER_ASN).await?, &1, "leaks")
}

async fn leak_of_peer(bench: Bench) -> Verdict {
    same(&leaks(&bench, PEER, 64511).await?, &1, "leaks")
}

async fn no_leak(bench: Bench) -> Verdict {
    same(&leaks(&bench, PEER, PEER_ASN).await?, &0, "leaks")
}

const GRACEFUL_SHUTDOWN: [u8; 4] = [0xFF, 0xFF, 0, 0];

async fn going(bench: Bench) -> Verdict {
    same(&tells(&bench, None, &attribute(0xC0, 8, &GRACEFUL_SHUTDOWN)).await?, &true, "GRACEFUL_SHUTDOWN")
}

async fn staying(bench: Bench) -> Verdict {
    same(&tells(&bench, None, &GRACEFUL_SHUTDOWN).await?, &false, "GRACEFUL_SHUTDOWN")
}

async fn received(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let attributes = [well_known(), vec![attribute(0xC0, 8, &GRACEFUL_SHUTDOWN)]].concat();
    bench.tell(&mut peer, &announce(&attributes, &prefix(1))).await?;
    let session = bench.until("the route to be shown", |session| session.received.ipv4 == 2).await?;
    same(&session.graceful_shutdown_received, &1, "routes")
}

async fn told(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let order = crate::speaker::ResetOrder { is_hard: false, text: None };
    bench.speaker.handle().reset(&bench.session, order).await.map_err(|error| error.to_string())?;
    same(&peer.ends_with(6, 4).await?, &b"\x09ticket 42".to_vec(), "data")
}

async fn delayed(bench: Bench) -> Verdict {
    let mut peer = bench.dial().await?;
    peer.silent(std::time::Duration::from_millis(300)).await?;
    peer.send(&[bench.open(&usual()).message(), keepalive()].concat()).await?;
    peer.expect(OPEN).await?;
    bench.until("the session to be up", |session| session.state == State::Established).await.map(drop)
}
