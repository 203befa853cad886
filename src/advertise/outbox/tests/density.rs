//! Every kind of head against the densest packing that it allows, worked out prefix by prefix from the plain encoder.

use super::super::super::naive;
use super::*;

/// Prefixes in each of a few attribute sets, of both families.
fn table() -> Routes {
    let mut routes = sample::internet(20_000, 7, 1);
    let mut rng = fastrand::Rng::with_seed(2);
    while routes.len() < 30_000 {
        let len = rng.u8(20..=48);
        let addr = 0x2600_0000_u128 << 96 | u128::from(rng.u64(..)) << 32;
        let net = ipnet::Ipv6Net::new((addr & u128::MAX << (128 - len)).into(), len).unwrap();
        routes.entry(IpNet::V6(net)).or_insert_with(|| plain(rng.u16(0..7)));
    }
    routes
}

/// Messages as long as they are on the wire, and every head that differs in length.
fn heads() -> Vec<SessionProfile> {
    let six: Option<IpAddr> = "2001:db8::7".parse().ok();
    vec![
        session(),
        SessionProfile { max_message_len: 65_535, ..session() },
        SessionProfile { four_octet_as: false, ..session() },
        SessionProfile { four_octet_as: false, local_asn: Asn(196_608), ..session() },
        SessionProfile { otc: Some(Asn(8075)), ..session() },
        SessionProfile { extended_next_hop: true, next_hop: PerFamily { ipv4: six, ipv6: six }, ..session() },
        SessionProfile {
            extended_next_hop: true,
            next_hop: PerFamily { ipv4: six, ipv6: six },
            max_message_len: 65_535,
            ..session()
        },
    ]
}

/// UPDATEs and octets of the densest packing, by family; End-of-RIB included. RFC 7606 §5.1 puts MP_REACH_NLRI first, whose
/// length takes one octet up to 255 octets of value and two beyond.
fn densest(session: &SessionProfile, routes: &Routes) -> PerFamily<(usize, usize)> {
    PerFamily::from_fn(|of| {
        let mut by_attrs: BTreeMap<&AttrSet, Vec<usize>> = BTreeMap::new();
        for (net, spec) in routes.iter().filter(|(net, _)| family(net) == of) {
            by_attrs.entry(&spec.attrs).or_default().push(1 + usize::from(net.prefix_len()).div_ceil(8));
        }
        let (mut updates, mut octets) = (1, if of == Family::Ipv4 { 23 } else { 29 });
        for (attrs, mut lengths) in by_attrs {
            let heard = naive::route(session, of, attrs, false).unwrap();
            let plain = 23 + heard.attributes.len();
            let head = |nlri: usize| match heard.mp_next_hop.len() {
                0 => plain,
                hop => plain + if 5 + hop + nlri > 255 { 4 } else { 3 } + 5 + hop,
            };
            // The order is the encoder's to choose; the longest first leave the least room unused.
            lengths.sort_unstable_by(|a, b| b.cmp(a));
            let mut nlri = 0;
            for len in lengths {
                if head(nlri + len) + nlri + len > session.max_message_len {
                    (updates, octets, nlri) = (updates + 1, octets + head(nlri) + nlri, 0);
                }
                nlri += len;
            }
            (updates, octets) = (updates + 1, octets + head(nlri) + nlri);
        }
        (updates, octets)
    })
}

#[test]
fn no_head_costs_more_than_two_per_cent_over_the_densest_packing() {
    let routes = table();
    let made = Arc::new(sample::generation(&routes, None, &mut Ranks::new(), 1));
    let board = Board::new(made);
    for session in heads() {
        let mut outbox = Outbox::new();
        outbox.up(session.clone(), board.view(&selectors()[0]), Announcing::Yes);
        let mut said = PerFamily::<(usize, usize)>::default();
        let mut stream = Vec::new();
        while outbox.wants_write() {
            outbox
                .write(0, usize::MAX, &mut |slices| {
                    let before = stream.len();
                    slices.iter().for_each(|slice| stream.extend_from_slice(slice));
                    Ok(stream.len() - before)
                })
                .unwrap();
        }
        let mut rest = stream.as_slice();
        while !rest.is_empty() {
            let (message, more) = rest.split_at(usize::from(u16::from_be_bytes([rest[16], rest[17]])));
            let of = match naive::read(message, session.max_message_len) {
                Word::Announce(nets, _) => family(&nets[0]),
                Word::EndOfRib(of) => of,
                other @ (Word::Withdraw(_) | Word::Refresh(..) | Word::Other(_)) => {
                    panic!("{other:?} in a first pass")
                }
            };
            let (updates, octets) = said.get_mut(of);
            (*updates, *octets) = (*updates + 1, *octets + message.len());
            rest = more;
        }
        let densest = densest(&session, &routes);
        for of in Family::ALL {
            let ((updates, octets), (least, fewest)) = (*said.get(of), *densest.get(of));
            assert!(
                updates * 100 <= least * 102,
                "{session:?}, {of:?}: {updates} UPDATEs, the least is {least}"
            );
            assert!(
                octets * 100 <= fewest * 102,
                "{session:?}, {of:?}: {octets} octets, the least is {fewest}"
            );
        }
    }
}
