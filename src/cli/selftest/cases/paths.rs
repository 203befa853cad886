//! Several paths of a prefix (RFC 7911), tried with IPv6 routes, so that IPv4 routes are as ever.

use crate::cli::selftest::case::{Case, PEER_ASN, Verdict, same};
use crate::cli::selftest::lab::Bench;
use crate::cli::selftest::octets::*;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::loopback(7911, "§3", "paths of one prefix are held apart, and withdrawn one by one", several)
            .session("families: [ipv4, ipv6], add_path_receive: true"),
        Case::loopback(
            7911,
            "§3",
            "a path announced again takes the place of the one of its identifier",
            replaced,
        )
        .session("families: [ipv4, ipv6], add_path_receive: true"),
        Case::loopback(
            7911,
            "§4",
            "what a peer offers and we do not ask for is not of the session",
            not_asked,
        ),
        Case::loopback(7911, "§4", "a peer that only receives sends no identifiers", only_receives)
            .session("families: [ipv4, ipv6], add_path_receive: true"),
        Case::loopback(
            7911,
            "§5",
            "a prefix without room for its identifier ends the session by 3/9",
            no_room,
        )
        .session("families: [ipv4, ipv6], add_path_receive: true"),
    ]
}

/// The peer's OPEN: for IPv6 unicast, 1 receives, 2 sends.
fn open(bench: &Bench, how: u8) -> OpenBody {
    bench.open(&usual_and(69, &[0, 2, 1, how]))
}

/// 2a01:5::/32 with an identifier.
fn path(id: u8) -> Vec<u8> {
    [&[0, 0, 0, id][..], &V6_NLRI].concat()
}

fn reach(nlri: &[u8]) -> Vec<u8> {
    announce(&[origin(), as_path(&[PEER_ASN]), mp_reach(2, &V6_HOP.octets(), nlri)], &[])
}

async fn held(bench: &Bench, how: u8, octets: &[u8]) -> Result<Vec<u32>, String> {
    let mut peer = bench.established_as(&open(bench, how)).await?;
    let routes = bench.tell(&mut peer, octets).await?;
    let ipv6 = routes.iter().filter(|route| route.prefix.to_string() == "2a01:5::/32");
    Ok(ipv6.map(|route| route.path_id.number()).collect())
}

async fn several(bench: Bench) -> Verdict {
    let withdrawal = announce(&[mp_unreach(2, &path(2))], &[]);
    let octets = [reach(&[path(1), path(2), path(9)].concat()), withdrawal].concat();
    same(&held(&bench, 2, &octets).await?, &vec![1, 9], "paths")
}

async fn replaced(bench: Bench) -> Verdict {
    same(&held(&bench, 3, &[reach(&path(1)), reach(&path(1))].concat()).await?, &vec![1], "paths")
}

async fn not_asked(bench: Bench) -> Verdict {
    same(&held(&bench, 3, &reach(&V6_NLRI)).await?, &vec![0], "paths")
}

async fn only_receives(bench: Bench) -> Verdict {
    same(&held(&bench, 1, &reach(&V6_NLRI)).await?, &vec![0], "paths")
}

async fn no_room(bench: Bench) -> Verdict {
    let mut peer = bench.established_as(&open(&bench, 2)).await?;
    peer.send(&reach(&[0, 0, 0])).await?;
    peer.ends_with(3, 9).await.map(drop)
}
