use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn all_capabilities() -> Vec<Capability> {
    vec![
        Capability::Multiprotocol(1, 1),
        Capability::Multiprotocol(2, 1),
        Capability::RouteRefresh,
        Capability::ExtendedNextHop(vec![(1, 1, 2), (1, 128, 2)]),
        Capability::ExtendedMessage,
        Capability::Role(3),
        Capability::GracefulRestart {
            restarting: true,
            notification: true,
            restart_time: 4095,
            families: vec![(1, 1, true), (2, 1, false)],
        },
        Capability::FourOctetAs(Asn(4_200_000_000)),
        Capability::AddPath(vec![(1, 1, 1), (2, 1, 3)]),
        Capability::EnhancedRouteRefresh,
        Capability::LongLivedGracefulRestart(vec![(1, 1, true, 0x00AB_CDEF)]),
        Capability::Unknown { code: 73, value: b"\x04host\x00".to_vec() },
        Capability::Unknown { code: 128, value: vec![] },
    ]
}

fn open(capabilities: Vec<Capability>) -> Open {
    Open { my_as: 23456, hold_time: 90, bgp_id: [192, 0, 2, 9].into(), capabilities }
}

fn decoded(octets: &[u8]) -> Open {
    let found = frame(octets, MAX_MESSAGE_LEN).unwrap().unwrap();
    assert_eq!(found.kind, MessageKind::Open);
    Open::decode(found.body).unwrap()
}

/// The fixed fields, with these optional parameters, length octet included.
fn with_parameters(parameters: &[u8]) -> Vec<u8> {
    [&[4, 0xFD, 0xE9, 0, 90, 192, 0, 2, 9], parameters].concat()
}

fn code_of(body: &[u8]) -> Notification {
    Notification::from(&Open::decode(body).unwrap_err())
}

#[test]
fn the_bytes_are_those_of_the_rfc() {
    let octets =
        open(vec![Capability::Multiprotocol(2, 1), Capability::FourOctetAs(Asn(65536))]).encode().unwrap();
    let wanted = [4, 0x5B, 0xA0, 0, 90, 192, 0, 2, 9, 14, 2, 12, 1, 4, 0, 2, 0, 1, 65, 4, 0, 1, 0, 0];
    assert_eq!(octets, message(1, &wanted));
    assert_eq!(open(vec![]).encode().unwrap()[19..], [4, 0x5B, 0xA0, 0, 90, 192, 0, 2, 9, 0]);
    assert_eq!(open(all_capabilities()).asn(), Asn(4_200_000_000));
}

#[test]
fn every_capability_round_trips() {
    for capability in all_capabilities() {
        let one = open(vec![capability]);
        assert_eq!(decoded(&one.encode().unwrap()), one);
    }
    let all = open(all_capabilities());
    assert_eq!(decoded(&all.encode().unwrap()), all);
}

#[test]
fn the_extended_form_is_used_only_where_it_is_needed() {
    let filler = |len: usize| Capability::Unknown { code: 200, value: vec![1; len] };
    let largest = open(vec![filler(251)]);
    let octets = largest.encode().unwrap();
    assert_eq!(octets[28..32], [255, 2, 253, 200]);
    assert_eq!(decoded(&octets), largest);

    let larger = open(vec![filler(252)]);
    let octets = larger.encode().unwrap();
    assert_eq!(octets[28..36], [255, 255, 1, 1, 2, 0, 254, 200]);
    assert_eq!(decoded(&octets), larger);

    let filler_of = |code| Capability::Unknown { code, value: vec![1; 255] };
    let huge = open((200..215).map(filler_of).collect());
    assert_eq!(decoded(&huge.encode().unwrap()), huge);
    assert!(matches!(open(vec![filler(255); 16]).encode(), Err(EncodeError::TooLong { max: 4096, .. })));
    assert!(matches!(open(vec![filler(255); 300]).encode(), Err(EncodeError::TooLong { .. })));
}

#[test]
fn what_has_no_place_is_not_encoded() {
    let gr = |restart_time| Capability::GracefulRestart {
        restarting: false,
        notification: false,
        restart_time,
        families: vec![],
    };
    assert!(matches!(open(vec![gr(4096)]).encode(), Err(EncodeError::TooLarge { value: 4096, .. })));
    let llgr = Capability::LongLivedGracefulRestart(vec![(1, 1, false, 1 << 24)]);
    assert!(matches!(open(vec![llgr]).encode(), Err(EncodeError::TooLarge { .. })));
    let long = Capability::Unknown { code: 200, value: vec![0; 256] };
    assert!(matches!(open(vec![long]).encode(), Err(EncodeError::TooLong { len: 256, max: 255, .. })));
}

#[test]
fn the_extended_form_can_be_asked_for() {
    let small = open(vec![Capability::RouteRefresh]);
    let octets = small.encode_in(ParameterForm::Extended).unwrap();
    assert_eq!(octets[28..], [255, 255, 0, 5, 2, 0, 2, 2, 0]);
    assert_eq!(decoded(&octets), small);
    let none = open(vec![]);
    assert_eq!(none.encode_in(ParameterForm::Extended).unwrap(), none.encode().unwrap());
}

#[test]
fn the_extended_form_is_read_whatever_its_size_and_its_first_length() {
    for first in [1, 7, 254, 255] {
        let body = with_parameters(&[first, 255, 0, 9, 2, 0, 6, 65, 4, 0, 0, 0xFD, 0xE9]);
        assert_eq!(Open::decode(&body).unwrap().capabilities, [Capability::FourOctetAs(Asn(65001))]);
    }
    assert_eq!(Open::decode(&with_parameters(&[255, 255, 0, 0])).unwrap().capabilities, []);
    // With a length of 0 there is no parameter whose type could say so.
    assert_eq!(code_of(&with_parameters(&[0, 255, 0, 0])).code, ErrorCode::OPEN_ERROR);
}

#[test]
fn several_parameters_make_one_list() {
    let body = with_parameters(&[10, 2, 2, 2, 0, 2, 0, 2, 2, 70, 0]);
    let wanted = [Capability::RouteRefresh, Capability::EnhancedRouteRefresh];
    assert_eq!(Open::decode(&body).unwrap().capabilities, wanted);
}

/// An OPEN whose one parameter, in the extended form, has these capabilities.
fn extended(capabilities: &[u8]) -> Vec<u8> {
    let len = |n: usize| u16::try_from(n).unwrap().to_be_bytes();
    let (all, value) = (len(capabilities.len() + 3), len(capabilities.len()));
    with_parameters(&[&[255, 255], all.as_slice(), &[2], &value, capabilities].concat())
}

#[test]
fn a_repeated_capability_counts_once_in_whatever_parameter() {
    let repeats = extended(&[[2, 0], [70, 0]].concat().repeat(1000));
    let wanted = [Capability::RouteRefresh, Capability::EnhancedRouteRefresh];
    assert_eq!(Open::decode(&repeats).unwrap().capabilities, wanted);
    let two_parameters = with_parameters(&[8, 2, 2, 2, 0, 2, 2, 2, 0]);
    assert_eq!(Open::decode(&two_parameters).unwrap().capabilities, [Capability::RouteRefresh]);
    // The same code with other words is another.
    let families = extended(&[1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1, 1, 4, 0, 1, 0, 1]);
    let wanted = [Capability::Multiprotocol(1, 1), Capability::Multiprotocol(2, 1)];
    assert_eq!(Open::decode(&families).unwrap().capabilities, wanted);
}

#[test]
fn more_capabilities_than_any_speaker_has_are_an_error() {
    let many = |n: u16| -> Vec<u8> {
        (0..n).flat_map(|i| [[200, 2].as_slice(), &i.to_be_bytes()].concat()).collect()
    };
    assert_eq!(Open::decode(&extended(&many(256))).unwrap().capabilities.len(), Capability::MOST);
    let error = Open::decode(&extended(&many(257))).unwrap_err();
    assert_eq!(error, OpenError::TooManyCapabilities { max: 256 });
    assert_eq!(Notification::from(&error), Notification::new(ErrorCode::OPEN_ERROR));
}

#[test]
fn each_error_has_its_answer() {
    let of = |code| Notification::new(code);
    let fixed = |at: usize, value: &[u8]| {
        let mut body = with_parameters(&[0]);
        body[at..at + value.len()].copy_from_slice(value);
        body
    };
    for (body, wanted) in [
        (fixed(0, &[3]), Notification::with_data(ErrorCode::UNSUPPORTED_VERSION, [0, 4])),
        (fixed(0, &[5]), Notification::with_data(ErrorCode::UNSUPPORTED_VERSION, [0, 4])),
        (vec![0], Notification::with_data(ErrorCode::UNSUPPORTED_VERSION, [0, 4])),
        (fixed(1, &[0, 0]), of(ErrorCode::BAD_PEER_AS)),
        (with_parameters(&[8, 2, 6, 65, 4, 0, 0, 0, 0]), of(ErrorCode::BAD_PEER_AS)),
        (fixed(3, &[0, 1]), of(ErrorCode::UNACCEPTABLE_HOLD_TIME)),
        (fixed(3, &[0, 2]), of(ErrorCode::UNACCEPTABLE_HOLD_TIME)),
        (fixed(5, &[0, 0, 0, 0]), of(ErrorCode::BAD_BGP_IDENTIFIER)),
        (with_parameters(&[2, 1, 0]), of(ErrorCode::UNSUPPORTED_OPTIONAL_PARAMETER)),
        (with_parameters(&[6, 2, 2, 2, 0, 255, 0]), of(ErrorCode::UNSUPPORTED_OPTIONAL_PARAMETER)),
        (with_parameters(&[255, 255, 0, 3, 9, 0, 0]), of(ErrorCode::UNSUPPORTED_OPTIONAL_PARAMETER)),
        (with_parameters(&[1, 2]), of(ErrorCode::OPEN_ERROR)),
        (with_parameters(&[2, 2]), of(ErrorCode::OPEN_ERROR)),
        (with_parameters(&[2, 2, 0, 0]), of(ErrorCode::OPEN_ERROR)),
        (with_parameters(&[3, 2, 1, 2]), of(ErrorCode::OPEN_ERROR)),
        (with_parameters(&[4, 2, 3, 2, 0]), of(ErrorCode::OPEN_ERROR)),
        (vec![], of(ErrorCode::OPEN_ERROR)),
        (with_parameters(&[]), of(ErrorCode::OPEN_ERROR)),
    ] {
        assert_eq!(code_of(&body), wanted, "{body:?}: {}", Open::decode(&body).unwrap_err());
    }
    assert!(Open::decode(&fixed(3, &[0, 0])).is_ok());
    assert!(Open::decode(&fixed(3, &[0, 3])).is_ok());
}

#[test]
fn a_known_capability_has_no_length_but_its_own() {
    let lens = |code: u8| -> Vec<usize> {
        (0..=12)
            .filter(|len| {
                let capability = [&[code, u8::try_from(*len).unwrap()], vec![1; *len].as_slice()].concat();
                let n = u8::try_from(capability.len()).unwrap();
                let body = with_parameters(&[&[n + 2, 2, n], capability.as_slice()].concat());
                match Open::decode(&body) {
                    Ok(_) => true,
                    Err(error) => {
                        assert_eq!(error, OpenError::CapabilityLength { code, len: *len });
                        false
                    }
                }
            })
            .collect()
    };
    for (code, wanted) in [
        (1, vec![4]),
        (2, vec![0]),
        (5, vec![0, 6, 12]),
        (6, vec![0]),
        (9, vec![1]),
        (64, vec![2, 6, 10]),
        (65, vec![4]),
        (69, vec![0, 4, 8, 12]),
        (70, vec![0]),
        (71, vec![0, 7]),
    ] {
        assert_eq!(lens(code), wanted, "capability {code}");
    }
    for code in (0..=255).filter(|code| ![1, 2, 5, 6, 9, 64, 65, 69, 70, 71].contains(code)) {
        assert_eq!(lens(code).len(), 13, "capability {code}");
    }
}

#[test]
fn add_path_with_an_undefined_mode_counts_as_not_understood() {
    let body = with_parameters(&[8, 2, 6, 69, 4, 0, 1, 1, 4]);
    let wanted = [Capability::Unknown { code: 69, value: vec![0, 1, 1, 4] }];
    assert_eq!(Open::decode(&body).unwrap().capabilities, wanted);
}

#[test]
fn every_truncation_of_an_open_is_an_error_with_an_answer() {
    let extended = Open {
        capabilities: [all_capabilities(), vec![Capability::Unknown { code: 200, value: vec![0; 255] }]]
            .concat(),
        ..open(vec![])
    };
    for valid in [open(all_capabilities()), extended] {
        let octets = valid.encode().unwrap();
        for len in 0..octets.len() - 19 {
            let answer = code_of(&octets[19..19 + len]);
            assert_eq!(answer.code, ErrorCode::OPEN_ERROR, "{len}");
        }
    }
}

#[test]
fn no_octet_at_any_place_of_an_open_does_harm() {
    let valid = open(all_capabilities()).encode().unwrap()[19..].to_vec();
    let mut extended =
        open(vec![Capability::Unknown { code: 200, value: vec![0; 255] }, Capability::RouteRefresh])
            .encode()
            .unwrap()[19..]
            .to_vec();
    extended.truncate(300);
    for body in [valid, extended] {
        for at in 0..body.len() {
            for value in [0, 1, 2, 127, 128, 254, 255] {
                let mut body = body.clone();
                body[at] = value;
                match Open::decode(&body) {
                    Ok(open) => assert_eq!(decoded(&open.encode().unwrap()), open),
                    Err(error) => assert_eq!(Notification::from(&error).code.0, 2),
                }
            }
        }
    }
}

/// Lengths of the parameters, of a parameter and of a capability, in both forms: none, one, one less and one more.
#[test]
fn the_lengths_of_an_open_at_their_edges() {
    let valid = open(vec![Capability::Multiprotocol(1, 1), Capability::FourOctetAs(Asn(65001))]);
    let classic = valid.encode().unwrap()[19..].to_vec();
    // Parameters 14, parameter 12, capability 4.
    assert_eq!([classic[9], classic[11], classic[13]], [14, 12, 4]);
    for at in [9, 11, 13] {
        for new in [0, 1, classic[at] - 1, classic[at] + 1, 254, 255] {
            let mut body = classic.clone();
            body[at] = new;
            assert_eq!(code_of(&body).code.0, 2, "{new} at {at}");
        }
    }
    let extended = [&classic[..9], &[255, 255, 0, 15, 2, 0, 12], &classic[12..]].concat();
    assert_eq!(Open::decode(&extended).unwrap(), valid);
    for at in [11, 14] {
        let old = u16::from_be_bytes([extended[at], extended[at + 1]]);
        for new in [0, 1, old - 1, old + 1, 0xFF, 0x100, u16::MAX] {
            let mut body = extended.clone();
            body[at..at + 2].copy_from_slice(&new.to_be_bytes());
            assert_eq!(code_of(&body).code.0, 2, "{new} at {at}");
        }
    }
}

/// CVE-2022-40302, CVE-2022-40318, CVE-2022-43681: the head of the extended form, cut anywhere.
#[test]
fn every_truncation_of_the_extended_form_is_an_error() {
    for parameters in [&[255][..], &[255, 255], &[255, 255, 0], &[255, 255, 0, 1], &[255, 255, 0, 3, 2, 0]] {
        assert_eq!(code_of(&with_parameters(parameters)).code, ErrorCode::OPEN_ERROR, "{parameters:?}");
    }
}

fn capability() -> impl Strategy<Value = Capability> {
    prop_oneof![
        any::<(u16, u8)>().prop_map(|(afi, safi)| Capability::Multiprotocol(afi, safi)),
        Just(Capability::RouteRefresh),
        vec(any::<(u16, u16, u16)>(), 0..5).prop_map(Capability::ExtendedNextHop),
        Just(Capability::ExtendedMessage),
        any::<u8>().prop_map(Capability::Role),
        (any::<bool>(), any::<bool>(), 0_u16..4096, vec(any::<(u16, u8, bool)>(), 0..5)).prop_map(
            |(restarting, notification, restart_time, families)| Capability::GracefulRestart {
                restarting,
                notification,
                restart_time,
                families
            }
        ),
        (1_u32..).prop_map(|n| Capability::FourOctetAs(Asn(n))),
        vec((any::<u16>(), any::<u8>(), 1_u8..4), 0..5).prop_map(Capability::AddPath),
        Just(Capability::EnhancedRouteRefresh),
        vec((any::<u16>(), any::<u8>(), any::<bool>(), 0_u32..1 << 24), 0..5)
            .prop_map(Capability::LongLivedGracefulRestart),
        (72_u8.., vec(any::<u8>(), 0..=255)).prop_map(|(code, value)| Capability::Unknown { code, value }),
    ]
}

proptest! {
    #[test]
    fn any_open_round_trips(
        my_as in 1_u16..,
        hold_time in prop_oneof![Just(0), 3_u16..],
        bgp_id in 1_u32..,
        capabilities in vec(capability(), 0..12),
    ) {
        let open = Open { my_as, hold_time, bgp_id: bgp_id.into(), capabilities };
        let mut without_repeats: Vec<Capability> = Vec::new();
        for capability in &open.capabilities {
            if !without_repeats.contains(capability) {
                without_repeats.push(capability.clone());
            }
        }
        let wanted = Open { capabilities: without_repeats, ..open.clone() };
        prop_assert_eq!(decoded(&open.encode().unwrap()), wanted);
    }

    #[test]
    fn any_octets_are_an_open_or_an_error(octets in vec(any::<u8>(), 0..80)) {
        let body = [&[4], octets.as_slice()].concat();
        if let Ok(open) = Open::decode(&body) {
            prop_assert_eq!(decoded(&open.encode().unwrap()), open);
        }
    }
}
