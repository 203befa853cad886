//! Routes both ways: what is told and what is held, in every form that two OPENs can agree on.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::cli::selftest::case::{Case, PEER_ASN, Verdict, ensure, same};
use crate::cli::selftest::lab::{Bench, IPV4_ROUTES, OURS};
use crate::cli::selftest::octets::*;
use crate::cli::selftest::peer::Peer;
use crate::wire::{Asn, FirstAs, PerFamily, UpdateContext, decode_update};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::loopback(4724, "§2", "End-of-RIB comes once for each family, behind its routes", ends_of_rib),
        Case::loopback(4724, "§2", "the peer's End-of-RIB is seen for each family", ends_received),
        Case::loopback(2918, "§4", "a request brings the family's table again", |bench| refreshed(bench, 0)),
        Case::loopback(2918, "§3", "so it does whatever is in its reserved octet", |bench| {
            refreshed(bench, 1)
        }),
        Case::loopback(
            2918,
            "§4",
            "a request for a family that is not of the session brings nothing",
            not_refreshed,
        ),
        Case::loopback(7313, "§5", "a ROUTE-REFRESH of an unknown subtype is ignored", unknown_subtype),
        Case::loopback(
            7313,
            "§5",
            "an End of Route Refresh of 5 octets is answered by 7/1 and the message",
            bad_refresh,
        ),
        Case::loopback(7313, "§4", "before End-of-RIB the peer's BoRR and EoRR end nothing", too_soon),
        Case::loopback(4760, "§3", "IPv6 routes ride an IPv4 session both ways", ipv6),
        Case::loopback(4760, "§6", "routes of a family that was not negotiated are passed over", elsewhere),
        Case::loopback(6793, "§4.2.2", "a two-octet peer is told our ASN in two octets", two_octet_out),
        Case::loopback(6793, "§4.2.3", "AS4_PATH takes the place of AS_TRANS", as4_path),
        Case::loopback(8654, "§4", "an UPDATE of 60000 octets is read", long_update),
        Case::loopback(8654, "§4", "a KEEPALIVE is never extended", long_keepalive),
        Case::octets(
            8950,
            "§4",
            "an IPv4 route may have an IPv6 next hop where that was negotiated",
            ipv6_next_hop,
        ),
        Case::loopback(
            8950,
            "§4",
            "an IPv4 route with an IPv6 next hop ends a session where it was not",
            no_ipv6_next_hop,
        ),
        Case::loopback(8212, "§2", "nothing but the RIB is ever told, whatever peers announce", only_the_rib),
        Case::loopback(8212, "§2", "a connection that is not active is told nothing", nothing)
            .connection("connection_state: approved"),
        Case::loopback(
            4271,
            "§3.1",
            "a route that is withdrawn is gone, and one announced again is replaced",
            replaced,
        ),
        Case::loopback(
            4271,
            "§6.3",
            "the path of a route server's route begins with its client's AS",
            route_server,
        )
        .peering("direct_peering_type: ix_rs"),
        Case::loopback(4271, "§9.1.2", "a route with our own AS in its path is not held", looped),
    ]
}

async fn ends_of_rib(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let updates = Bench::table(&mut peer, 2).await?;
    let ipv4 = updates.iter().position(|update| *update == [0, 0, 0, 0]);
    let last_ipv4 = updates.iter().rposition(|update| is_classic(update));
    ensure(ipv4 > last_ipv4 && last_ipv4.is_some(), || format!("{updates:02x?}"))?;
    // Nothing of either family comes behind both.
    peer.silent(Duration::from_millis(300)).await?;
    bench.still_up()
}

/// An UPDATE with routes in the classic field.
fn is_classic(update: &[u8]) -> bool {
    let Some(([withdrawn_high, withdrawn_low, high, low], rest)) = update.split_first_chunk::<4>() else {
        return false;
    };
    let attributes = usize::from(u16::from_be_bytes([*high, *low]));
    [*withdrawn_high, *withdrawn_low] == [0, 0] && rest.len() > attributes
}

/// How many IPv4 prefixes the UPDATEs announce in the classic field.
fn classic_prefixes(updates: &[Vec<u8>]) -> usize {
    updates.iter().filter(|update| is_classic(update)).map(|update| nlri(update)).sum()
}

fn nlri(update: &[u8]) -> usize {
    let Some(([_, _, high, low], rest)) = update.split_first_chunk::<4>() else { return 0 };
    let mut octets = rest.get(usize::from(u16::from_be_bytes([*high, *low]))..).unwrap_or_default();
    let mut count: usize = 0;
    while let Some((len, after)) = octets.split_first() {
        octets = after.get(usize::from(len.div_ceil(8))..).unwrap_or_default();
        count = count.saturating_add(1);
    }
    count
}

async fn ends_received(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let v6 = announce(&[mp_unreach(2, &[])], &[]);
    peer.send(&[announce(&[], &[]), v6].concat()).await?;
    let seen = bench.until("both", |s| s.end_of_rib_received.ipv4 && s.end_of_rib_received.ipv6);
    seen.await.map(drop)
}

async fn refreshed(bench: Bench, octet: u8) -> Verdict {
    let open = bench.open(&usual_and(2, &[]));
    let mut peer = bench.established_as(&open).await?;
    let first = Bench::table(&mut peer, 2).await?;
    same(&classic_prefixes(&first), &IPV4_ROUTES, "IPv4 prefixes")?;
    peer.send(&refresh(1, octet)).await?;
    let mut again = 0;
    while again < IPV4_ROUTES {
        let update = peer.expect(UPDATE).await?.body;
        again = again.saturating_add(nlri(&update));
    }
    same(&again, &IPV4_ROUTES, "IPv4 prefixes again")
}

async fn not_refreshed(bench: Bench) -> Verdict {
    let open = bench.open(&[multiprotocol(1), capability(2, &[]), capability(65, &PEER_ASN.to_be_bytes())]);
    let mut peer = bench.established_as(&open).await?;
    bench.tell(&mut peer, &[refresh(2, 0), message(ROUTE_REFRESH, &[0, 25, 0, 65])].concat()).await?;
    bench.still_up()
}

async fn unknown_subtype(bench: Bench) -> Verdict {
    let open = bench.open(&[usual_and(2, &[]), vec![capability(70, &[])]].concat());
    let mut peer = bench.established_as(&open).await?;
    bench.tell(&mut peer, &refresh(1, 77)).await?;
    bench.still_up()
}

async fn too_soon(bench: Bench) -> Verdict {
    let restart = capability(64, &[0, 120, 0, 1, 1, 0x80]);
    let open = bench.open(&[usual_and(2, &[]), vec![capability(70, &[]), restart]].concat());
    let mut peer = bench.established_as(&open).await?;
    let (one, other) = (announce(&well_known(), &prefix(1)), announce(&well_known(), &prefix(2)));
    let end_of_rib = announce(&[], &[]);
    let held = bench.tell(&mut peer, &[one, refresh(1, 1), other.clone(), refresh(1, 2)].concat()).await?;
    let is_held = |held: &[_]| Bench::prefixes(held).iter().any(|prefix| prefix == "5.1.0.0/16");
    ensure(is_held(&held), || format!("5.1.0.0/16 is not in {held:?}"))?;
    let again = [end_of_rib, refresh(1, 1), other, refresh(1, 2)].concat();
    let held = bench.tell(&mut peer, &again).await?;
    ensure(!is_held(&held), || "5.1.0.0/16 is still held behind End-of-RIB".to_owned())
}

async fn bad_refresh(bench: Bench) -> Verdict {
    let mut peer =
        bench.established_as(&bench.open(&[usual_and(2, &[]), vec![capability(70, &[])]].concat())).await?;
    let octets = message(ROUTE_REFRESH, &[0, 1, 2, 1, 0]);
    peer.send(&octets).await?;
    same(&peer.ends_with(7, 1).await?, &octets, "data")
}

async fn ipv6(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let updates = Bench::table(&mut peer, 2).await?;
    let told = updates.iter().any(|update| update.windows(4).any(|part| part == [24, 0x26, 0x03, 0x10]));
    ensure(told, || format!("2603:1000::/24 is not in {updates:02x?}"))?;
    let attributes = [origin(), as_path(&[PEER_ASN]), mp_reach(2, &V6_HOP.octets(), &V6_NLRI)];
    let held = bench.tell(&mut peer, &announce(&attributes, &[])).await?;
    same(&Bench::prefixes(&held), &vec!["2a01:5::/32".to_owned()], "routes")?;
    let held = bench.tell(&mut peer, &announce(&[mp_unreach(2, &V6_NLRI)], &[])).await?;
    same(&Bench::prefixes(&held), &Vec::new(), "routes after they are withdrawn")
}

async fn elsewhere(bench: Bench) -> Verdict {
    let open = bench.open(&[multiprotocol(1), capability(65, &PEER_ASN.to_be_bytes())]);
    let mut peer = bench.established_as(&open).await?;
    let attributes = [origin(), as_path(&[PEER_ASN]), mp_reach(2, &V6_HOP.octets(), &V6_NLRI)];
    let held = bench.tell(&mut peer, &announce(&attributes, &[])).await?;
    same(&Bench::prefixes(&held), &Vec::new(), "routes")?;
    bench.still_up()
}

/// A peer that has no four-octet AS numbers.
async fn two_octet(bench: &Bench) -> Result<Peer, String> {
    bench.established_as(&bench.open(&[multiprotocol(1)])).await
}

async fn two_octet_out(bench: Bench) -> Verdict {
    let mut peer = two_octet(&bench).await?;
    let updates = Bench::table(&mut peer, 1).await?;
    let path = attribute(0x40, 2, &segment2(2, &[8075]));
    let told = updates.iter().any(|update| update.windows(path.len()).any(|part| part == path));
    ensure(told, || format!("no AS_PATH of AS8075 in two octets: {updates:02x?}"))
}

async fn as4_path(bench: Bench) -> Verdict {
    let mut peer = two_octet(&bench).await?;
    let path = attribute(0x40, 2, &segment2(2, &[64500, 23456, 3356]));
    let as4 = attribute(0xC0, 17, &segment(2, &[4_200_000_001, 3356]));
    let held = bench.tell(&mut peer, &announce(&[origin(), path, next_hop(), as4], &prefix(1))).await?;
    let paths: Vec<String> = held
        .iter()
        .filter(|route| route.prefix.to_string() == "5.1.0.0/16")
        .map(|route| route.attrs.as_path.to_string())
        .collect();
    same(&paths, &vec!["64500 4200000001 3356".to_owned()], "AS path")
}

async fn long_update(bench: Bench) -> Verdict {
    let mut peer = bench.established_as(&bench.open(&usual_and(6, &[]))).await?;
    let attributes = [well_known(), vec![attribute(0xC0, 200, &[7; 60_000])]].concat();
    let held = bench.tell(&mut peer, &announce(&attributes, &prefix(1))).await?;
    same(&Bench::prefixes(&held), &vec!["5.1.0.0/16".to_owned()], "routes")
}

async fn long_keepalive(bench: Bench) -> Verdict {
    let mut peer = bench.established_as(&bench.open(&usual_and(6, &[]))).await?;
    peer.send(&message(KEEPALIVE, &[0; 5000])).await?;
    same(&peer.ends_with(1, 2).await?, &vec![0x13, 0x9B], "data")
}

fn ipv4_over_ipv6() -> Vec<u8> {
    update_body(&[], &[origin(), as_path(&[PEER_ASN]), mp_reach(1, &V6_HOP.octets(), &prefix(1))], &[])
}

fn ipv6_next_hop() -> Verdict {
    let ctx = UpdateContext {
        local_asn: OURS,
        peer_asn: Asn(PEER_ASN),
        peer_address: Ipv4Addr::LOCALHOST.into(),
        local_address: PerFamily::default(),
        first_as: FirstAs::Peer,
        four_octet_as: true,
        families: PerFamily { ipv4: true, ipv6: true },
        add_path: PerFamily::default(),
        extended_next_hop: true,
    };
    let body = ipv4_over_ipv6();
    let update = decode_update(&body, &ctx);
    let hops: Vec<_> = update.announced().map(|reach| reach.next_hop.address).collect();
    same(&hops, &vec![V6_HOP.into()], "next hops")
}

async fn no_ipv6_next_hop(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    peer.send(&message(UPDATE, &ipv4_over_ipv6())).await?;
    peer.ends_with(3, 9).await.map(drop)
}

async fn only_the_rib(bench: Bench) -> Verdict {
    let mut peer = bench.established_as(&bench.open(&usual_and(2, &[]))).await?;
    Bench::table(&mut peer, 2).await?;
    bench.tell(&mut peer, &announce(&well_known(), &prefix(1))).await?;
    peer.send(&refresh(1, 0)).await?;
    let mut again = 0;
    while again < IPV4_ROUTES {
        let update = peer.expect(UPDATE).await?.body;
        let learned = update.windows(3).any(|part| part == prefix(1) || part == prefix(255));
        ensure(!learned, || format!("a route of a peer is told: {update:02x?}"))?;
        again = again.saturating_add(nlri(&update));
    }
    same(&again, &IPV4_ROUTES, "IPv4 prefixes")
}

async fn nothing(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let updates = Bench::table(&mut peer, 2).await?;
    same(&updates.len(), &2, "UPDATEs, of which both are End-of-RIB")
}

async fn replaced(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let med = |n: u8| [well_known(), vec![attribute(0x80, 4, &[0, 0, 0, n])]].concat();
    let both = [prefix(1), prefix(2)].concat();
    let withdrawal = message(UPDATE, &update_body(&prefix(2), &[], &[]));
    let octets = [announce(&med(1), &both), announce(&med(2), &prefix(1)), withdrawal].concat();
    let held = bench.tell(&mut peer, &octets).await?;
    same(&Bench::prefixes(&held), &vec!["5.1.0.0/16".to_owned()], "routes")?;
    same(&held.first().and_then(|route| route.attrs.med), &Some(2), "MULTI_EXIT_DISC")
}

async fn route_server(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let attributes = [origin(), as_path(&[64511]), next_hop()];
    let held = bench.tell(&mut peer, &announce(&attributes, &prefix(1))).await?;
    same(&Bench::prefixes(&held), &vec!["5.1.0.0/16".to_owned()], "routes")
}

async fn looped(bench: Bench) -> Verdict {
    let mut peer = bench.established().await?;
    let attributes = [origin(), as_path(&[PEER_ASN, 8075]), next_hop()];
    let held = bench.tell(&mut peer, &announce(&attributes, &prefix(1))).await?;
    same(&Bench::prefixes(&held), &Vec::new(), "routes")?;
    bench.still_up()
}
