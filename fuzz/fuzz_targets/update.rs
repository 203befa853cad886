//! The body of an UPDATE behind one octet that says how the session is. It always has a treatment; what it announces
//! and withdraws fits that, survives an encoder of prefixes of its own, and fills an Adj-RIB-In to no more than that. What
//! is accepted of it is what has no reason against it.
#![no_main]

use std::collections::BTreeSet;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use peeringd::accept::{AdjRibIn, Budget};
use peeringd::peering::{ConnectionState, ImportPolicy, Registered};
use peeringd::wire::{AsPathBuf, Asn, FirstAs, PerFamily, Treatment, Update, UpdateContext, decode_update};

fuzz_target!(|input: &[u8]| {
    let Some((how, body)) = input.split_first() else { return };
    let is = |bit: u8| how & bit != 0;
    let ctx = UpdateContext {
        local_asn: Asn(8075),
        peer_asn: Asn(65001),
        peer_address: [127, 0, 0, 1].into(),
        local_address: PerFamily::default(),
        first_as: if is(1) { FirstAs::Any } else { FirstAs::Peer },
        four_octet_as: !is(2),
        families: PerFamily { ipv4: !is(4), ipv6: !is(8) },
        extended_next_hop: is(16),
        add_path: PerFamily { ipv4: is(32), ipv6: is(64) },
    };
    let update = decode_update(body, &ctx);
    check_outcome(&update, body);
    check_attributes(&update);
    check_rib(&update);
});

fn check_outcome(update: &Update<'_>, body: &[u8]) {
    let (announced, withdrawn) = (update.announced().count(), update.withdrawn().flatten().count());
    match update.treatment() {
        Treatment::Accept | Treatment::AttributeDiscard => {}
        Treatment::TreatAsWithdraw => assert_eq!(announced, 0),
        Treatment::SessionReset => assert_eq!((announced, withdrawn), (0, 0)),
    }
    let reset = update.treatment() == Treatment::SessionReset;
    assert_eq!(reset, update.notification().is_some());
    if let Some(notification) = update.notification() {
        assert_eq!(notification.code.0, 3);
        let data = &notification.data;
        assert!(data.is_empty() || body.windows(data.len()).any(|part| part == data));
    }
    if update.end_of_rib().is_some() {
        assert_eq!((update.treatment(), announced, withdrawn), (Treatment::Accept, 0, 0));
    }
    for fault in update.faults().iter() {
        assert!(fault.treatment <= update.treatment() && !fault.to_string().is_empty());
    }
    for reach in update.announced() {
        for net in reach.nlri {
            assert_eq!(net, net.trunc());
        }
    }
}

fn check_attributes(update: &Update<'_>) {
    let of = update.attributes();
    if let Some(path) = of.as_path() {
        assert!(path.hop_count() <= path.asns().count());
        assert!(path.asns().all(|asn| asn.0 != 0));
        let own = AsPathBuf::from(&path);
        assert!(own.view().asns().eq(path.asns()) && own.to_string() == path.to_string());
        assert_eq!(path.to_string().is_empty(), path.asns().next().is_none());
    }
    of.communities().for_each(drop);
    of.extended_communities().for_each(drop);
    of.large_communities().for_each(drop);
    assert!(of.unrecognized().all(|a| a.is_optional() && a.is_transitive()));
}

fn check_rib(update: &Update<'_>) {
    let budget = Arc::new(Budget::new(100_000));
    let mut rib = AdjRibIn::new(PerFamily { ipv4: 40, ipv6: 40 }, Arc::clone(&budget));
    let wanted: BTreeSet<_> = if update.has_loop() {
        BTreeSet::new()
    } else {
        update.announced().flat_map(|reach| reach.nlri).collect()
    };
    rib.set_policy(policy());
    let applied = rib.apply(update, 1);
    let count = rib.count();
    assert!(count.ipv4 <= 40 && count.ipv6 <= 40);
    assert_eq!(count.ipv4 + count.ipv6, budget.held());
    if applied.is_ok() {
        let held: BTreeSet<_> = rib.page(None, usize::MAX).iter().map(|route| route.prefix).collect();
        assert_eq!(held, wanted);
    }
    let accepted = rib.page(None, usize::MAX).iter().filter(|route| route.reasons.is_empty()).count();
    assert_eq!(rib.accepted().ipv4 + rib.accepted().ipv6, u64::try_from(accepted).unwrap());
    for (prefix, sighting) in rib.take_sightings(usize::MAX) {
        let is_accepted = rib.explain(prefix).paths.iter().any(|path| path.route.reasons.is_empty());
        assert_eq!(sighting.is_some_and(|sighting| sighting.reasons.is_empty()), is_accepted);
    }
    drop(rib);
    assert_eq!(budget.held(), 0);
}

/// In a lab, with a half of the space registered and an ASN.
fn policy() -> Arc<ImportPolicy> {
    let prefixes = ["0.0.0.0/1", "10.0.0.0/8", "11.0.0.0/24", "2000::/4", "2001:db8::/32"];
    let prefixes = prefixes.iter().filter_map(|prefix| prefix.parse().ok());
    Arc::new(ImportPolicy {
        connection_state: ConnectionState::Active,
        peering_service: true,
        lab: true,
        peer_asn: Asn(65001),
        registered: Arc::new(Registered::new(prefixes, [Asn(1), Asn(65001)], [])),
        ..ImportPolicy::default()
    })
}
