//! Every code of the IANA registry of path attributes, and those that nobody has: what each costs a session.

use super::*;

/// ORIGIN, AS_PATH, NEXT_HOP and one more attribute, which is none of the three, with routes.
fn beside(attribute: &[u8]) -> Vec<u8> {
    body(&[], &[well_known().concat(), attribute.to_vec()], &NLRI)
}

/// Optional and Transitive as the registry's documents have them, and a value that is well formed.
fn defined() -> Vec<(u8, u8, Vec<u8>)> {
    vec![
        (0x40, 1, vec![0]),
        (0x40, 2, sequence(&[65001])),
        (0x40, 3, vec![192, 0, 2, 1]),
        (0x80, 4, vec![0; 4]),
        (0x40, 5, vec![0; 4]),
        (0x40, 6, vec![]),
        (0xC0, 7, vec![1; 8]),
        (0xC0, 8, vec![1; 4]),
        (0x80, 9, vec![1; 4]),
        (0x80, 10, vec![1; 8]),
        (0x80, 14, mp_reach(2, 1, &V6_HOP, &V6_NLRI)[3..].to_vec()),
        (0x80, 15, mp_unreach(2, 1, &V6_NLRI)[3..].to_vec()),
        (0xC0, 16, vec![0; 8]),
        (0xC0, 17, sequence(&[65001])),
        (0xC0, 18, vec![1; 8]),
        (0xC0, 22, vec![0; 5]),
        (0xC0, 23, vec![0, 8, 0, 0]),
        (0x80, 24, vec![0; 4]),
        (0xC0, 25, vec![0; 20]),
        (0x80, 26, vec![1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9]),
        (0xC0, 27, vec![1; 7]),
        (0x80, 29, vec![4, 0, 0, 0]),
        (0xC0, 32, vec![0; 12]),
        (0x80, 33, vec![0; 8]),
        (0xC0, 35, vec![0, 0, 0, 7]),
        (0xC0, 40, vec![1, 0, 7, 0, 0, 0, 0, 0, 0, 5]),
        (0xC0, 128, vec![0, 0, 0, 7]),
    ]
}

fn is_defined(code: u8) -> bool {
    defined().iter().any(|(_, other, _)| *other == code)
}

fn strongest(octets: &[u8]) -> Treatment {
    let update = decode_update(octets, &ctx());
    look_at(&update);
    update.treatment()
}

/// Deprecated, unassigned and reserved ones alike, DPA (11), 0 and 255 among them: RFC 4271 §5, §6.3.
#[test]
fn a_code_without_a_definition_goes_by_its_flags_alone() {
    for code in (0..=255).filter(|code| !is_defined(*code)) {
        for value in [&[][..], &[0], &[255; 7], &[9; 300]] {
            for flags in [0x80, 0xA0, 0xC0, 0xE0] {
                let attribute = attr(flags, code, value);
                let octets = beside(&attribute);
                let update = decode_update(&octets, &ctx());
                assert_eq!((update.treatment(), update.faults().count()), (Treatment::Accept, 0), "{code}");
                assert_eq!(announced(&update).len(), 2, "{code}");
                let kept: Vec<&[u8]> = update.attributes().unrecognized().map(|a| a.whole).collect();
                // Optional and transitive ones stay, octet for octet; others are quietly ignored (§5).
                let wanted: &[&[u8]] = if flags & 0x40 == 0 { &[] } else { &[&attribute] };
                assert_eq!(kept, wanted, "{code} {flags:#x}");
            }
            for flags in [0x00, 0x20, 0x40, 0x60] {
                let attribute = attr(flags, code, value);
                let octets = beside(&attribute);
                let update = decode_update(&octets, &ctx());
                let wanted = Notification::with_data(ErrorCode::UNRECOGNIZED_WELL_KNOWN, attribute);
                assert_eq!(update.notification(), Some(&wanted), "{code} {flags:#x}");
            }
        }
    }
}

/// RFC 7606 §3 g: whatever the second one holds, it is the first that counts.
#[test]
fn of_any_code_that_comes_twice_the_first_counts() {
    for code in 0..=255 {
        let (flags, value) = match defined().into_iter().find(|(_, other, _)| *other == code) {
            Some((flags, _, value)) => (flags, value),
            None => (0xC0, vec![1, 2, 3]),
        };
        let first = attr(flags, code, &value);
        let rest: Vec<Vec<u8>> = well_known().into_iter().filter(|a| a[1] != code).collect();
        for second in
            [first.clone(), attr(flags, code, &[]), attr(flags, code, &[255; 9]), attr(0x00, code, &[])]
        {
            let attributes = [vec![first.clone()], rest.clone(), vec![second]].concat();
            let octets = body(&[], &attributes, &NLRI);
            let update = decode_update(&octets, &ctx());
            look_at(&update);
            if [14, 15].contains(&code) {
                let wanted = Notification::new(ErrorCode::MALFORMED_ATTRIBUTE_LIST);
                assert_eq!(update.notification(), Some(&wanted), "{code}");
            } else {
                assert_eq!(update.treatment(), Treatment::AttributeDiscard, "{code}");
                let kinds: Vec<FaultKind> = update.faults().iter().map(|fault| fault.kind).collect();
                assert_eq!(kinds.last(), Some(&FaultKind::Duplicate), "{code}");
            }
        }
    }
}

/// A malformed first is not saved by a good second.
#[test]
fn a_malformed_first_counts_as_well() {
    for (bad, good) in [
        (attr(0x80, 4, &[0; 3]), attr(0x80, 4, &[0; 4])),
        (attr(0xC0, 8, &[0; 3]), attr(0xC0, 8, &[0; 4])),
        (attr(0xC0, 32, &[0; 3]), attr(0xC0, 32, &[0; 12])),
        (attr(0xC0, 35, &[0; 3]), attr(0xC0, 35, &[0; 4])),
    ] {
        assert_eq!(strongest(&beside(&[bad, good].concat())), Treatment::TreatAsWithdraw);
    }
}

#[test]
fn every_definition_holds_of_its_own_example() {
    for (flags, code, value) in defined() {
        let rest: Vec<Vec<u8>> = well_known().into_iter().filter(|a| a[1] != code).collect();
        let octets = body(&[], &[vec![attr(flags, code, &value)], rest].concat(), &NLRI);
        // Not for an external peer, or not for one with four-octet AS numbers.
        let wanted =
            if [5, 9, 10, 17, 18].contains(&code) { Treatment::AttributeDiscard } else { Treatment::Accept };
        assert_eq!(strongest(&octets), wanted, "{code}");
    }
}

/// RFC 7606 §3 c; AIGP and BGP-LS have treatments of their own, and the multiprotocol ones §5.3.
#[test]
fn the_flags_of_every_definition_are_held_to_it() {
    for (right, code, value) in defined() {
        let rest: Vec<Vec<u8>> = well_known().into_iter().filter(|a| a[1] != code).collect();
        for flags in [0x00, 0x40, 0x80, 0xC0].into_iter().filter(|flags| *flags != right) {
            let octets = body(&[], &[vec![attr(flags, code, &value)], rest.clone()].concat(), &NLRI);
            let wanted = match code {
                14 | 15 => Treatment::SessionReset,
                26 | 29 => Treatment::AttributeDiscard,
                _ => Treatment::TreatAsWithdraw,
            };
            assert_eq!(strongest(&octets), wanted, "{code} {flags:#x}");
        }
    }
}

/// RFC 7606 §4: AS_PATH and ATOMIC_AGGREGATE alone may be empty, and the first is then not from the peer.
#[test]
fn no_definition_but_that_of_atomic_aggregate_allows_nothing() {
    for (flags, code, _) in defined() {
        let rest: Vec<Vec<u8>> = well_known().into_iter().filter(|a| a[1] != code).collect();
        let octets = body(&[], &[vec![attr(flags, code, &[])], rest].concat(), &NLRI);
        let wanted = match code {
            6 | 26 | 33 => Treatment::Accept,
            5 | 7 | 9 | 10 | 17 | 18 | 29 | 40 => Treatment::AttributeDiscard,
            14 | 15 => Treatment::SessionReset,
            _ => Treatment::TreatAsWithdraw,
        };
        assert_eq!(strongest(&octets), wanted, "{code}");
    }
}
