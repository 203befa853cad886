//! The body of an OPEN: it decodes to what encodes and decodes to itself, or has an answer of code 2.
#![no_main]

use libfuzzer_sys::fuzz_target;
use peeringd::wire::{MAX_MESSAGE_LEN, MessageKind, Notification, Open, frame};

fuzz_target!(|body: &[u8]| {
    match Open::decode(body) {
        Err(error) => {
            let answer = Notification::from(&error);
            assert_eq!(answer.code.0, 2);
            assert!(answer.encode().len() <= MAX_MESSAGE_LEN);
        }
        Ok(open) => match open.encode() {
            // Written as one parameter, no OPEN that fits a message takes more than it did, save behind RFC 9072's
            // own head.
            Err(error) => assert!(body.len() + 19 + 7 > MAX_MESSAGE_LEN, "{error}"),
            Ok(octets) => {
                let found = frame(&octets, MAX_MESSAGE_LEN).expect("a header").expect("a whole message");
                assert_eq!((found.kind, found.whole.len()), (MessageKind::Open, octets.len()));
                assert_eq!(Open::decode(found.body), Ok(open));
            }
        },
    }
});
