use super::*;

fn notification(code: u8, subcode: u8, data: &[u8]) -> Notification {
    Notification::with_data(ErrorCode(code, subcode), data)
}

#[test]
fn a_whole_message_comes_out_and_what_follows_stays() {
    let two = [KEEPALIVE.as_slice(), &message(2, &[0; 4])].concat();
    let first = frame(&two, MAX_MESSAGE_LEN).unwrap().unwrap();
    assert_eq!((first.kind, first.body, first.whole.len()), (MessageKind::Keepalive, &[][..], 19));
    let second = frame(&two[19..], MAX_MESSAGE_LEN).unwrap().unwrap();
    assert_eq!((second.kind, second.body, second.whole.len()), (MessageKind::Update, &[0; 4][..], 23));
    assert_eq!(frame(&[], MAX_MESSAGE_LEN), Ok(None));
}

#[test]
fn every_prefix_of_a_message_waits_for_more() {
    for whole in [message(2, &[0; 40]), KEEPALIVE.to_vec(), message(3, &[6, 2]), message(5, &[0, 1, 0, 1])] {
        for len in 0..whole.len() {
            assert_eq!(frame(&whole[..len], MAX_MESSAGE_LEN), Ok(None), "{len}");
        }
    }
}

#[test]
fn a_marker_is_refused_at_its_first_wrong_octet() {
    for at in 0..16 {
        let mut octets = KEEPALIVE.to_vec();
        octets[at] = 0xFE;
        for len in 0..=19 {
            let wanted = if len > at { Err(notification(1, 1, &[])) } else { Ok(None) };
            assert_eq!(frame(&octets[..len], MAX_MESSAGE_LEN), wanted, "{at} {len}");
        }
    }
    assert_eq!(frame(b"GET / HTTP/1.1", MAX_MESSAGE_LEN), Err(notification(1, 1, &[])));
}

#[test]
fn lengths_are_held_to_the_type_and_to_what_was_negotiated() {
    let head = |len: u16, kind: u8| [&[0xFF; 16], len.to_be_bytes().as_slice(), &[kind]].concat();
    let bad = |len: u16| Err(notification(1, 2, &len.to_be_bytes()));
    for (kind, len, max, wanted) in [
        (1, 28, 4096, bad(28)),
        (1, 29, 4096, Ok(None)),
        (1, 4096, 4096, Ok(None)),
        (1, 4097, 65535, bad(4097)),
        (2, 22, 4096, bad(22)),
        (2, 23, 4096, Ok(None)),
        (2, 4096, 4096, Ok(None)),
        (2, 4097, 4096, bad(4097)),
        (2, 65535, 65535, Ok(None)),
        (3, 20, 4096, bad(20)),
        (3, 21, 4096, Ok(None)),
        (3, 65535, 65535, Ok(None)),
        (4, 18, 4096, bad(18)),
        (4, 20, 4096, bad(20)),
        (4, 4096, 65535, bad(4096)),
        (5, 18, 4096, bad(18)),
        (5, 23, 4096, Ok(None)),
        (0, 0, 4096, bad(0)),
        (0, 18, 4096, bad(18)),
        (0, 1, 4096, bad(1)),
        (2, 65535, 4096, bad(65535)),
    ] {
        assert_eq!(frame(&head(len, kind), max), wanted, "type {kind} length {len}");
    }
}

#[test]
fn a_length_out_of_range_is_refused_before_the_type_is_there() {
    let octets = [&[0xFF; 16], [0, 18].as_slice()].concat();
    assert_eq!(frame(&octets, MAX_MESSAGE_LEN), Err(notification(1, 2, &[0, 18])));
    let octets = [&[0xFF; 16], [0x10, 1].as_slice()].concat();
    assert_eq!(frame(&octets, MAX_MESSAGE_LEN), Err(notification(1, 2, &[0x10, 1])));
    assert_eq!(frame(&octets, MAX_EXTENDED_MESSAGE_LEN), Ok(None));
}

#[test]
fn every_type_that_is_none_is_refused() {
    for kind in (0..=255).filter(|kind| !(1..=5).contains(kind)) {
        assert_eq!(frame(&message(kind, &[0; 20]), MAX_MESSAGE_LEN), Err(notification(1, 3, &[kind])));
    }
    for kind in 1..=5 {
        assert_eq!(MessageKind::from_code(kind).map(MessageKind::code), Some(kind));
    }
}

/// All messages of a stream, or the error that ends it, where it comes in pieces of these sizes.
fn run(stream: &[u8], mut sizes: impl Iterator<Item = usize>) -> (Vec<Vec<u8>>, Option<Notification>) {
    let (mut buffer, mut rest, mut messages) = (Vec::new(), stream, Vec::new());
    loop {
        loop {
            match frame(&buffer, MAX_MESSAGE_LEN) {
                Ok(None) => break,
                Ok(Some(found)) => {
                    let len = found.whole.len();
                    messages.push(found.whole.to_vec());
                    buffer.drain(..len);
                }
                Err(error) => return (messages, Some(error)),
            }
        }
        if rest.is_empty() {
            return (messages, None);
        }
        let (now, later) = rest.split_at(sizes.next().unwrap_or(1).clamp(1, rest.len()));
        buffer.extend_from_slice(now);
        rest = later;
    }
}

proptest::proptest! {
    #[test]
    fn the_cut_of_a_stream_changes_nothing(
        kinds in proptest::collection::vec((1_u8..7, 0_usize..60), 0..8),
        sizes in proptest::collection::vec(1_usize..50, 1..40),
    ) {
        let stream: Vec<u8> = kinds.iter().flat_map(|(kind, len)| message(*kind, &vec![7; *len])).collect();
        let whole = run(&stream, std::iter::once(stream.len()));
        proptest::prop_assert_eq!(&run(&stream, std::iter::repeat(1)), &whole);
        proptest::prop_assert_eq!(&run(&stream, sizes.into_iter().cycle()), &whole);
    }
}
