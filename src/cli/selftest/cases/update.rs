//! UPDATEs with errors (RFC 7606): each is sent on a session that has a route, and the outcome is seen from both sides.

use crate::cli::selftest::case::{Case, PEER_ASN, Verdict, ensure, same};
use crate::cli::selftest::lab::Bench;
use crate::cli::selftest::octets::*;
use crate::wire::Treatment;

/// What the RFC asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wanted {
    /// The routes count as they are.
    Accept,
    /// The routes count without the attribute.
    Discard,
    /// The routes are withdrawn.
    Withdraw,
    /// The session ends by this error.
    Reset(u8, u8),
}

use Wanted::{Accept, Discard, Reset, Withdraw};

type Row = (u16, &'static str, &'static str, Vec<u8>, Wanted);

pub(super) fn cases() -> Vec<Case> {
    let values = values().into_iter().map(|(rfc, section, what, attribute, wanted)| {
        (rfc, section, what, announce(&among(attribute), &both()), wanted)
    });
    let rows = values.chain(flags()).chain(next_hops()).chain(sets()).chain(messages());
    rows.map(|(rfc, section, what, octets, wanted)| {
        let outcome = match wanted {
            Accept => "is accepted".to_owned(),
            Discard => "is discarded".to_owned(),
            Withdraw => "is treat-as-withdraw".to_owned(),
            Reset(code, subcode) => format!("ends the session by {code}/{subcode}"),
        };
        Case::loopback(rfc, section, format!("{what} {outcome}"), move |bench| judged(bench, octets, wanted))
    })
    .collect()
}

/// 5.1.0.0/16, which is held before, and 5.2.0.0/16, which is not.
fn both() -> Vec<u8> {
    [prefix(1), prefix(2)].concat()
}

/// The well-known attributes, that of the same code replaced, or one more behind them.
fn among(attribute: Vec<u8>) -> Vec<Vec<u8>> {
    let code = attribute.get(1).copied();
    let mut all = well_known();
    match all.iter_mut().find(|one| one.get(1).copied() == code) {
        Some(place) => *place = attribute,
        None => all.push(attribute),
    }
    all
}

/// Values and lengths, flags as they should be.
fn values() -> Vec<Row> {
    let well_known = |code, value: &[u8]| attribute(0x40, code, value);
    let optional = |code, value: &[u8]| attribute(0x80, code, value);
    let transitive = |code, value: &[u8]| attribute(0xC0, code, value);
    vec![
        (7606, "§7.1", "ORIGIN 3", well_known(1, &[3]), Withdraw),
        (7606, "§7.1", "ORIGIN of no octets", well_known(1, &[]), Withdraw),
        (7606, "§7.1", "ORIGIN of 2 octets", well_known(1, &[0, 0]), Withdraw),
        (
            7606,
            "§7.2",
            "AS_PATH with an unknown segment type",
            well_known(2, &segment(9, &[PEER_ASN])),
            Withdraw,
        ),
        (7606, "§7.2", "AS_PATH with an empty segment", well_known(2, &[2, 0]), Withdraw),
        (
            7606,
            "§7.2",
            "AS_PATH with a segment past the end",
            well_known(2, &[2, 2, 0, 0, 0xFB, 0xF4]),
            Withdraw,
        ),
        (
            7606,
            "§7.2",
            "AS_PATH with an octet left over",
            well_known(2, &[&segment(2, &[PEER_ASN])[..], &[2]].concat()),
            Withdraw,
        ),
        (7606, "§7.2", "AS_PATH of no octets from an external peer", well_known(2, &[]), Withdraw),
        (
            7606,
            "§7.2",
            "AS_PATH that begins with another AS",
            well_known(2, &segment(2, &[64501, PEER_ASN])),
            Withdraw,
        ),
        (
            7606,
            "§7.2",
            "AS_PATH with a confederation segment",
            well_known(2, &segment(3, &[PEER_ASN])),
            Withdraw,
        ),
        (7606, "§7.3", "NEXT_HOP of 3 octets", well_known(3, &[192, 0, 2]), Withdraw),
        (7606, "§7.3", "NEXT_HOP of 5 octets", well_known(3, &[192, 0, 2, 7, 0]), Withdraw),
        (7606, "§7.4", "MULTI_EXIT_DISC", optional(4, &[0, 0, 0, 9]), Accept),
        (7606, "§7.4", "MULTI_EXIT_DISC of 3 octets", optional(4, &[0; 3]), Withdraw),
        (7606, "§7.5", "LOCAL_PREF from an external peer", well_known(5, &[0, 0, 0, 9]), Discard),
        (7606, "§7.6", "ATOMIC_AGGREGATE", well_known(6, &[]), Accept),
        (7606, "§7.6", "ATOMIC_AGGREGATE of 1 octet", well_known(6, &[0]), Discard),
        (
            7606,
            "§7.7",
            "AGGREGATOR of 6 octets among four-octet speakers",
            transitive(7, &[0xFB, 0xF4, 192, 0, 2, 7]),
            Discard,
        ),
        (7606, "§7.8", "COMMUNITIES of no octets", transitive(8, &[]), Withdraw),
        (7606, "§7.8", "COMMUNITIES of 6 octets", transitive(8, &[0; 6]), Withdraw),
        (7606, "§7.9", "ORIGINATOR_ID from an external peer", optional(9, &[1, 2, 3, 4]), Discard),
        (7606, "§7.10", "CLUSTER_LIST from an external peer", optional(10, &[1, 2, 3, 4]), Discard),
        (7606, "§7.14", "EXTENDED COMMUNITIES of 12 octets", transitive(16, &[0; 12]), Withdraw),
        (7606, "§7.14", "EXTENDED COMMUNITIES of no octets", transitive(16, &[]), Withdraw),
        (7606, "§8", "LARGE_COMMUNITY of 16 octets", transitive(32, &[0; 16]), Withdraw),
        (
            7606,
            "§8",
            "TUNNEL_ENCAPSULATION with a bad length (CVE-2023-38802)",
            transitive(23, &[0, 8, 0, 6, 1, 0]),
            Withdraw,
        ),
        (7606, "§8", "PREFIX_SID of zeros alone", transitive(40, &[0; 3]), Accept),
        (7606, "§8", "PREFIX_SID with a TLV past the end", transitive(40, &[1, 0, 7, 0]), Discard),
        (7606, "§8", "ONLY_TO_CUSTOMER of 1024 octets", transitive(35, &[0; 1024]), Withdraw),
        (7606, "§8", "ATTR_SET of 3 octets", transitive(128, &[0; 3]), Withdraw),
        (4271, "§5", "an unknown optional transitive attribute", transitive(200, &[1, 2]), Accept),
        (4271, "§5", "an unknown optional attribute", optional(201, &[1, 2]), Accept),
        (4271, "§6.3", "an unknown well-known attribute", well_known(202, &[1, 2]), Reset(3, 2)),
        (6793, "§6", "AS4_PATH from a four-octet speaker", transitive(17, &segment(2, &[PEER_ASN])), Discard),
        (
            9774,
            "§3",
            "AS_PATH with an AS_SET",
            well_known(2, &[segment(2, &[PEER_ASN]), segment(1, &[64511])].concat()),
            Withdraw,
        ),
        (
            9774,
            "§3",
            "AS_PATH with an AS_CONFED_SET",
            well_known(2, &[segment(4, &[PEER_ASN])].concat()),
            Withdraw,
        ),
        (7607, "§2", "AS 0 in AS_PATH", well_known(2, &segment(2, &[PEER_ASN, 0])), Withdraw),
        (7607, "§2", "AS 0 in AGGREGATOR", transitive(7, &[0, 0, 0, 0, 192, 0, 2, 7]), Discard),
    ]
}

/// Optional and Transitive other than they should be, and bits that mean nothing.
fn flags() -> Vec<Row> {
    let with = |flags, code, value: &[u8]| announce(&among(attribute(flags, code, value)), &both());
    vec![
        (7606, "§3 c", "ORIGIN flagged as optional", with(0xC0, 1, &[0]), Withdraw),
        (7606, "§3 c", "MULTI_EXIT_DISC flagged as well-known", with(0x40, 4, &[0; 4]), Withdraw),
        (7606, "§3 c", "COMMUNITIES flagged as non-transitive", with(0x80, 8, &[0; 4]), Withdraw),
        (4271, "§4.3", "ORIGIN with the unused flag bits set", with(0x4F & !0x10, 1, &[0]), Accept),
        (4271, "§4.3", "ORIGIN with an extended length", with_extended_origin(), Accept),
    ]
}

fn with_extended_origin() -> Vec<u8> {
    announce(&among(vec![0x50, 1, 0, 1, 0]), &both())
}

fn next_hops() -> Vec<Row> {
    let to = |hop: [u8; 4]| announce(&among(attribute(0x40, 3, &hop)), &both());
    vec![
        (4271, "§6.3", "NEXT_HOP 0.0.0.0", to([0; 4]), Withdraw),
        (4271, "§6.3", "NEXT_HOP 224.0.0.1", to([224, 0, 0, 1]), Withdraw),
        (
            4271,
            "§6.3",
            "NEXT_HOP 127.0.0.99, which is loopback and not the peer",
            to([127, 0, 0, 99]),
            Withdraw,
        ),
    ]
}

/// What is missing or there twice.
fn sets() -> Vec<Row> {
    let without = |code: u8| -> Vec<Vec<u8>> {
        well_known().into_iter().filter(|one| one.get(1) != Some(&code)).collect()
    };
    let twice = [well_known(), vec![attribute(0x40, 1, &[2])]].concat();
    let unknown_alone = vec![attribute(0xC0, 200, &[1])];
    let two_wrong = [among(attribute(0xC0, 8, &[0; 3])), vec![attribute(0x40, 6, &[0])]].concat();
    vec![
        (7606, "§3 d", "a route without ORIGIN", announce(&without(1), &both()), Withdraw),
        (7606, "§3 d", "a route without AS_PATH", announce(&without(2), &both()), Withdraw),
        (7606, "§3 d", "a route without NEXT_HOP", announce(&without(3), &both()), Withdraw),
        (
            7606,
            "§3 d",
            "a route with nothing but an unknown attribute (CVE-2023-46753)",
            announce(&unknown_alone, &both()),
            Withdraw,
        ),
        (7606, "§3 g", "ORIGIN twice", announce(&twice, &both()), Discard),
        (7606, "§3 h", "the stronger of two errors", announce(&two_wrong, &both()), Withdraw),
    ]
}

/// Messages whose parts do not fit, and multiprotocol attributes whose routes cannot be told.
fn messages() -> Vec<Row> {
    let update = |body: &[u8]| message(UPDATE, body);
    let overrun = [origin(), as_path(&[PEER_ASN]), next_hop(), vec![0xC0, 8, 200, 0]].concat();
    let overrun = [&[0, 0][..], &[0, u8::try_from(overrun.len()).unwrap_or(0)], &overrun, &both()].concat();
    let cut = [origin(), as_path(&[PEER_ASN]), next_hop(), vec![0xC0]].concat();
    let cut = [&[0, 0][..], &[0, u8::try_from(cut.len()).unwrap_or(0)], &cut, &both()].concat();
    let reach = |value: &[u8]| announce(&[well_known(), vec![attribute(0x80, 14, value)]].concat(), &both());
    let twice = vec![mp_reach(2, &V6_HOP.octets(), &V6_NLRI), mp_reach(2, &V6_HOP.octets(), &V6_NLRI)];
    vec![
        (7606, "§3 b", "withdrawn routes past the end", update(&[0, 9, 0, 0]), Reset(3, 1)),
        (7606, "§3 b", "attributes past the end", update(&[0, 0, 0, 9]), Reset(3, 1)),
        (7606, "§4", "an attribute past the end of the attributes", update(&overrun), Withdraw),
        (7606, "§4", "attributes that end within a head", update(&cut), Withdraw),
        (
            7606,
            "§5.2",
            "an error among attributes without a route",
            announce(&[attribute(0x40, 1, &[9])], &[]),
            Reset(3, 6),
        ),
        (7606, "§5.3", "a prefix length of 33", announce(&well_known(), &[33, 5, 1, 0, 0, 0]), Reset(3, 10)),
        (7606, "§5.3", "a prefix past the end", announce(&well_known(), &[24, 5, 1]), Reset(3, 10)),
        (
            7606,
            "§5.3",
            "an IPv6 prefix length of 129",
            announce(&[origin(), as_path(&[PEER_ASN]), mp_reach(2, &V6_HOP.octets(), &[129; 18])], &[]),
            Reset(3, 9),
        ),
        (7606, "§7.11", "MP_REACH_NLRI of 2 octets", reach(&[0, 2]), Reset(3, 9)),
        (
            7606,
            "§7.11",
            "MP_REACH_NLRI with a next hop of no octets (CVE-2023-46752)",
            reach(&[0, 2, 1, 0, 0]),
            Reset(3, 9),
        ),
        (
            7606,
            "§7.11",
            "MP_REACH_NLRI with a next hop of 255 octets",
            reach(&[0, 2, 1, 255, 0]),
            Reset(3, 9),
        ),
        (
            7606,
            "§7.12",
            "MP_UNREACH_NLRI of 2 octets",
            announce(&[attribute(0x80, 15, &[0, 2])], &[]),
            Reset(3, 9),
        ),
        (
            7606,
            "§3 g",
            "MP_REACH_NLRI twice",
            announce(&[vec![origin(), as_path(&[PEER_ASN])], twice].concat(), &[]),
            Reset(3, 1),
        ),
    ]
}

async fn judged(bench: Bench, octets: Vec<u8>, wanted: Wanted) -> Verdict {
    let mut peer = bench.established().await?;
    let held = bench.tell(&mut peer, &announce(&well_known(), &prefix(1))).await?;
    same(&Bench::prefixes(&held), &vec!["5.1.0.0/16".to_owned()], "routes before")?;
    if let Reset(code, subcode) = wanted {
        peer.send(&octets).await?;
        let data = peer.ends_with(code, subcode).await?;
        let arrived = data.is_empty() || octets.windows(data.len()).any(|part| part == data);
        return ensure(arrived, || format!("the data {data:02x?} never arrived"));
    }
    let held = bench.tell(&mut peer, &octets).await?;
    bench.still_up()?;
    let routes = match wanted {
        Accept | Discard => vec!["5.1.0.0/16".to_owned(), "5.2.0.0/16".to_owned()],
        Withdraw | Reset(..) => Vec::new(),
    };
    same(&Bench::prefixes(&held), &routes, "routes")?;
    let count = |treatment| bench.metrics.treatments(treatment);
    let counted = (count(Treatment::AttributeDiscard), count(Treatment::TreatAsWithdraw));
    let expected = (u64::from(wanted == Discard), u64::from(wanted == Withdraw));
    same(&counted, &expected, "UPDATEs counted as attribute-discard and treat-as-withdraw")
}
