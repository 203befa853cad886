//! Whatever the encoder of these tests writes, the decoder reads back.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn nlri_of(nets: &[IpNet]) -> Vec<u8> {
    nets.iter()
        .flat_map(|net| {
            let len = net.prefix_len();
            let octets = match net {
                IpNet::V4(net) => net.network().octets().to_vec(),
                IpNet::V6(net) => net.network().octets().to_vec(),
            };
            std::iter::once(len).chain(octets.into_iter().take(usize::from(len).div_ceil(8)))
        })
        .collect()
}

fn v4() -> impl Strategy<Value = IpNet> {
    (any::<u32>(), 0_u8..=32).prop_map(|(addr, len)| Ipv4Net::new(addr.into(), len).unwrap().trunc().into())
}

fn v6() -> impl Strategy<Value = IpNet> {
    (any::<u128>(), 0_u8..=128).prop_map(|(addr, len)| Ipv6Net::new(addr.into(), len).unwrap().trunc().into())
}

/// Sequences of a path, of numbers that are neither 0 nor ours.
fn segments() -> impl Strategy<Value = Vec<Vec<u32>>> {
    vec(vec(9000_u32.., 1..6), 0..4)
}

proptest! {
    #[test]
    fn routes_and_attributes(
        v4_out in vec(v4(), 0..20),
        v4_in in vec(v4(), 1..20),
        v6_out in vec(v6(), 0..20),
        v6_in in vec(v6(), 1..20),
        more in segments(),
        med in any::<Option<u32>>(),
        communities in vec(any::<u32>(), 0..70),
        large in vec(any::<[u32; 3]>(), 0..30),
    ) {
        let path = [vec![vec![65001]], more].concat();
        let mut attributes = vec![
            mp_reach(2, 1, &V6_HOP, &nlri_of(&v6_in)),
            mp_unreach(2, 1, &nlri_of(&v6_out)),
            origin(),
            attr(0x40, 2, &path.iter().flat_map(|asns| sequence(asns)).collect::<Vec<u8>>()),
            next_hop(),
        ];
        attributes.extend(med.map(|med| attr(0x80, 4, &med.to_be_bytes())));
        if !communities.is_empty() {
            let value: Vec<u8> = communities.iter().flat_map(|c| c.to_be_bytes()).collect();
            attributes.push(attr(0xC0, 8, &value));
        }
        if !large.is_empty() {
            let value: Vec<u8> = large.iter().flatten().flat_map(|n| n.to_be_bytes()).collect();
            attributes.push(attr(0xC0, 32, &value));
        }
        let octets = body(&nlri_of(&v4_out), &attributes, &nlri_of(&v4_in));
        let update = decode_update(&octets, &ctx());
        look_at(&update);
        prop_assert_eq!(update.treatment(), Treatment::Accept);
        let reached: Vec<IpNet> = update.announced().flat_map(|reach| reach.nlri).collect();
        prop_assert_eq!(reached, [v4_in, v6_in].concat());
        let gone: Vec<IpNet> = update.withdrawn().flatten().collect();
        prop_assert_eq!(gone, [v4_out, v6_out].concat());
        let of = update.attributes();
        prop_assert!(of.as_path().unwrap().asns().map(|asn| asn.0).eq(path.concat()));
        prop_assert_eq!(of.med(), med);
        prop_assert_eq!(of.communities().map(|c| c.0).collect::<Vec<_>>(), communities);
        prop_assert_eq!(of.large_communities().map(|c| c.0).collect::<Vec<_>>(), large);
    }

    #[test]
    fn any_octets_have_an_outcome(octets in vec(any::<u8>(), 0..200)) {
        look_at(&decode_update(&octets, &ctx()));
        look_at(&decode_update(&octets, &two_octet()));
    }

    #[test]
    fn any_attributes_have_an_outcome(
        attributes in vec((any::<u8>(), 0_u8..45, vec(0_u8..20, 0..24)), 0..12),
        nlri in vec(0_u8..30, 0..10),
    ) {
        let attributes: Vec<Vec<u8>> =
            attributes.iter().map(|(flags, code, value)| attr(flags & 0xEF, *code, value)).collect();
        let octets = body(&[], &[well_known(), attributes].concat(), &nlri);
        look_at(&decode_update(&octets, &ctx()));
        look_at(&decode_update(&octets, &two_octet()));
    }

    #[test]
    fn treat_as_withdraw_withdraws_all_that_accept_would_have_announced(
        v4_in in vec(v4(), 1..20), v6_in in vec(v6(), 1..20), bad in 0_usize..3,
    ) {
        let reach = mp_reach(2, 1, &V6_HOP, &nlri_of(&v6_in));
        let good = [vec![reach], well_known()].concat();
        let octets = body(&[], &good, &nlri_of(&v4_in));
        let update = decode_update(&octets, &ctx());
        let reached: Vec<IpNet> = update.announced().flat_map(|reach| reach.nlri).collect();
        let fault = vec![attr(0x80, 4, &[0; 3]), attr(0xC0, 8, &[0; 3]), attr(0x40, 32, &[0; 12])].swap_remove(bad);
        let octets = body(&[], &[good, vec![fault]].concat(), &nlri_of(&v4_in));
        let update = decode_update(&octets, &ctx());
        prop_assert_eq!(update.treatment(), Treatment::TreatAsWithdraw);
        let gone: Vec<IpNet> = update.withdrawn().flatten().collect();
        prop_assert_eq!(gone, reached);
    }
}
