//! A stream: the first octet says in what pieces it comes, and whether messages may be extended. However it is cut,
//! the same messages come out, and the same error ends it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peeringd::wire::{
    Asn, FirstAs, MAX_EXTENDED_MESSAGE_LEN, MAX_MESSAGE_LEN, MessageKind, Notification, Open, PerFamily,
    RouteRefresh, UpdateContext, decode_update, frame,
};

fuzz_target!(|input: &[u8]| {
    let Some((how, stream)) = input.split_first() else { return };
    let max_len = if how & 0x80 == 0 { MAX_MESSAGE_LEN } else { MAX_EXTENDED_MESSAGE_LEN };
    let whole = run(stream, stream.len().max(1), max_len);
    assert_eq!(whole, run(stream, usize::from(how & 0x7F).max(1), max_len));
    whole.0.iter().for_each(|(kind, message)| decode(*kind, &message[19..]));
});

type Messages = Vec<(MessageKind, Vec<u8>)>;

/// All messages of the stream, and the error that ends it.
fn run(stream: &[u8], piece: usize, max_len: usize) -> (Messages, Option<Notification>) {
    let (mut buffer, mut messages) = (Vec::new(), Vec::new());
    for octets in stream.chunks(piece) {
        buffer.extend_from_slice(octets);
        let mut taken = 0;
        loop {
            match frame(&buffer[taken..], max_len) {
                Ok(None) => break,
                Ok(Some(found)) => {
                    assert!((19..=max_len).contains(&found.whole.len()));
                    assert_eq!(found.whole[19..], *found.body);
                    messages.push((found.kind, found.whole.to_vec()));
                    taken += found.whole.len();
                }
                Err(error) => {
                    assert_eq!(error.code.0, 1);
                    return (messages, Some(error));
                }
            }
        }
        buffer.drain(..taken);
    }
    (messages, None)
}

fn decode(kind: MessageKind, body: &[u8]) {
    match kind {
        MessageKind::Keepalive => assert!(body.is_empty()),
        MessageKind::Open => {
            if let Err(error) = Open::decode(body) {
                assert_eq!(Notification::from(&error).code.0, 2);
            }
        }
        MessageKind::Notification => {
            let notification = Notification::decode(body).expect("the frame holds two octets");
            if let Some(text) = notification.communication() {
                assert!(!text.chars().any(char::is_control));
            }
            let octets = notification.encode();
            let again = Notification::decode(&octets[19..]).expect("what was encoded");
            assert_eq!(again.code, notification.code);
            assert!(notification.data.starts_with(&again.data));
            assert!(octets.len() == MAX_MESSAGE_LEN || again == notification);
        }
        MessageKind::RouteRefresh => match RouteRefresh::decode(body) {
            Ok(refresh) => assert_eq!(RouteRefresh::decode(&refresh.encode()[19..]), Ok(refresh)),
            Err(error) => assert!(Notification::from(&error).encode().len() <= MAX_MESSAGE_LEN),
        },
        MessageKind::Update => {
            let ctx = UpdateContext {
                local_asn: Asn(8075),
                peer_asn: Asn(65001),
                peer_address: [192, 0, 2, 1].into(),
                local_address: PerFamily::default(),
                first_as: FirstAs::Any,
                four_octet_as: true,
                families: PerFamily { ipv4: true, ipv6: true },
                extended_next_hop: true,
                add_path: PerFamily::default(),
            };
            let update = decode_update(body, &ctx);
            assert!(update.withdrawn().flatten().count() <= body.len());
        }
    }
}
