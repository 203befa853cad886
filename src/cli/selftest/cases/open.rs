//! OPENs: what is refused and how, and what is taken though it is odd.

use std::net::Ipv4Addr;

use crate::cli::selftest::case::{Case, PEER_ASN, Verdict, ensure, same};
use crate::cli::selftest::lab::Bench;
use crate::cli::selftest::octets::*;
use crate::speaker::SessionSnapshot;
use crate::wire::{MAX_MESSAGE_LEN, MessageKind, Notification, Open, frame};

/// An OPEN made of the usual one.
type Change = fn(OpenBody) -> OpenBody;

pub(super) fn cases() -> Vec<Case> {
    let refusals = refusals().into_iter().map(|(rfc, section, what, change, code, data)| {
        let run = move |bench| refused(bench, change, code, data);
        Case::loopback(rfc, section, format!("{what} is answered by 2/{code}"), run)
    });
    let odd = odd().into_iter().map(|(rfc, section, what, change, check)| {
        Case::loopback(rfc, section, what, move |bench| taken(bench, change, check))
    });
    let mut cases: Vec<Case> = refusals.chain(odd).collect();
    cases.extend([
        Case::octets(4271, "§6.2", "an OPEN cut short at any octet is refused by 2/x or 1/2", || {
            cut_short(&OpenBody::new(Ipv4Addr::LOCALHOST, &every_capability()))
        }),
        Case::octets(9072, "§2", "an extended OPEN cut short at any octet is refused by 2/x or 1/2", || {
            cut_short(&extended_open(OpenBody::new(Ipv4Addr::LOCALHOST, &[])))
        }),
        Case::octets(5492, "§4", "a capability of any code and length is read or refused by 2/0", any_length),
        Case::loopback(6793, "§4.1", "a peer with AS4200000000 says AS_TRANS and is taken", as_trans)
            .peer_asn(4_200_000_000),
    ]);
    cases
}

type Refusal = (u16, &'static str, &'static str, Change, u8, Option<&'static [u8]>);

fn refusals() -> Vec<Refusal> {
    let fields: [Refusal; 10] = [
        (4271, "§6.2", "version 3", |open| OpenBody { version: 3, ..open }, 1, Some(&[0, 4])),
        (4271, "§6.2", "version 5", |open| OpenBody { version: 5, ..open }, 1, Some(&[0, 4])),
        (
            4271,
            "§6.2",
            "another ASN",
            |open| with(OpenBody { my_as: 64501, ..open }, &[multiprotocol(1)]),
            2,
            None,
        ),
        (4271, "§6.2", "a hold time of 1 s", |open| OpenBody { hold_time: 1, ..open }, 6, None),
        (4271, "§6.2", "a hold time of 2 s", |open| OpenBody { hold_time: 2, ..open }, 6, None),
        (
            6286,
            "§2.2",
            "the identifier 0.0.0.0",
            |open| OpenBody { id: Ipv4Addr::UNSPECIFIED, ..open },
            3,
            None,
        ),
        (7607, "§2", "AS 0 in My Autonomous System", |open| OpenBody { my_as: 0, ..open }, 2, None),
        (7607, "§2", "AS 0 in the capability", |open| with(open, &[capability(65, &[0; 4])]), 2, None),
        (
            6793,
            "§4.1",
            "a capability that names another ASN",
            |open| with(open, &[capability(65, &[0, 0, 0xFB, 0xF5])]),
            2,
            None,
        ),
        (
            6793,
            "§9",
            "AS_TRANS in the capability",
            |open| with(OpenBody { my_as: 23456, ..open }, &[capability(65, &[0, 0, 0x5B, 0xA0])]),
            2,
            None,
        ),
    ];
    let parameters: [Refusal; 11] = [
        (
            4271,
            "§6.2",
            "an unknown optional parameter",
            |open| OpenBody { parameters: classic(&[parameter(1, &[0; 3])]), ..open },
            4,
            None,
        ),
        (
            4271,
            "§6.2",
            "octets behind the parameters",
            |open| OpenBody { parameters: vec![0, 2, 0], ..open },
            0,
            None,
        ),
        (
            4271,
            "§6.2",
            "parameters past the end",
            |open| OpenBody { parameters: vec![200, 2, 0], ..open },
            0,
            None,
        ),
        (
            4271,
            "§6.2",
            "a parameter past the end",
            |open| OpenBody { parameters: vec![2, 2, 9], ..open },
            0,
            None,
        ),
        (
            5492,
            "§4",
            "a capability past the end",
            |open| OpenBody { parameters: classic(&[parameter(2, &[1, 9, 0])]), ..open },
            0,
            None,
        ),
        (
            6793,
            "§3",
            "a four-octet AS capability of no octets",
            |open| with(open, &[capability(65, &[])]),
            0,
            None,
        ),
        (
            6793,
            "§3",
            "a four-octet AS capability of 5 octets",
            |open| with(open, &[capability(65, &[0; 5])]),
            0,
            None,
        ),
        (
            4760,
            "§8",
            "a multiprotocol capability of 3 octets",
            |open| with(open, &[capability(1, &[0, 1, 0])]),
            0,
            None,
        ),
        (
            5492,
            "§5",
            "no family in common",
            |open| with(open, &[capability(1, &[0, 1, 0, 128])]),
            7,
            Some(&[1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1]),
        ),
        (
            9072,
            "§2",
            "an extended length past the end",
            |open| OpenBody { parameters: vec![255, 255, 0, 9, 2, 0, 0], ..open },
            0,
            None,
        ),
        (
            9072,
            "§2",
            "extended parameters without a length",
            |open| OpenBody { parameters: vec![255, 255, 0], ..open },
            0,
            None,
        ),
    ];
    fields.into_iter().chain(parameters).collect()
}

fn with(open: OpenBody, capabilities: &[Vec<u8>]) -> OpenBody {
    OpenBody { parameters: classic(&[parameter(2, &capabilities.concat())]), ..open }
}

async fn refused(bench: Bench, change: Change, subcode: u8, data: Option<&'static [u8]>) -> Verdict {
    let mut peer = bench.dial().await?;
    peer.send(&change(bench.open(&usual())).message()).await?;
    let found = peer.ends_with(2, subcode).await?;
    data.map_or(Ok(()), |data| same(&found.as_slice(), &data, "data"))
}

type Odd = (u16, &'static str, &'static str, Change, fn(&SessionSnapshot) -> bool);

fn odd() -> Vec<Odd> {
    let both = |session: &SessionSnapshot| session.families.ipv4 && session.families.ipv6;
    vec![
        (
            4271,
            "§4.2",
            "an OPEN without parameters is a session of IPv4",
            |open| OpenBody { parameters: vec![0], ..open },
            |s| s.families.ipv4 && !s.families.ipv6,
        ),
        (
            4271,
            "§4.2",
            "a hold time of 0 is none",
            |open| OpenBody { hold_time: 0, ..open },
            |s| s.hold_time == Some(0),
        ),
        (
            4271,
            "§4.2",
            "the smaller hold time counts",
            |open| OpenBody { hold_time: 7, ..open },
            |s| s.hold_time == Some(7),
        ),
        (
            4271,
            "§4.2",
            "a larger hold time than ours does not",
            |open| OpenBody { hold_time: 65535, ..open },
            |s| s.hold_time == Some(90),
        ),
        (
            5492,
            "§4",
            "an unknown capability is passed over",
            |open| with(open, &usual_and(200, &[1, 2, 3])),
            both,
        ),
        (5492, "§4", "a capability twice is one", |open| with(open, &usual_and(1, &[0, 1, 0, 1])), both),
        (
            5492,
            "§4",
            "a parameter for each capability is as good as one for all",
            |open| OpenBody {
                parameters: classic(&usual().iter().map(|c| parameter(2, c)).collect::<Vec<_>>()),
                ..open
            },
            both,
        ),
        (
            5492,
            "§4",
            "a parameter without a capability is passed over",
            |open| OpenBody {
                parameters: classic(&[parameter(2, &[]), parameter(2, &usual().concat())]),
                ..open
            },
            both,
        ),
        (
            4760,
            "§8",
            "families that only one side lists are not of the session",
            |open| with(open, &[multiprotocol(2), capability(1, &[0, 25, 0, 65])]),
            |s| s.families.ipv6 && !s.families.ipv4,
        ),
        (
            6286,
            "§2.1",
            "an identifier that is no address of a host is taken",
            |open| OpenBody { id: Ipv4Addr::new(0, 0, 0, 1), ..open },
            both,
        ),
        (
            6286,
            "§2.1",
            "our own identifier from another AS is taken",
            |open| OpenBody { id: Ipv4Addr::LOCALHOST, ..open },
            both,
        ),
        (
            6793,
            "§4.1",
            "a peer of two-octet AS numbers is a session of those",
            |open| with(open, &[multiprotocol(1), multiprotocol(2)]),
            |s| !s.four_octet_as,
        ),
        (9072, "§2", "an OPEN of extended parameters is a session", extended_open, both),
        (
            9072,
            "§2",
            "extended parameters of more than 255 octets are read",
            |open| OpenBody {
                parameters: extended(
                    &[usual().concat(), capability(200, &[7; 255]), capability(201, &[7; 255])].concat(),
                ),
                ..open
            },
            both,
        ),
    ]
}

fn extended_open(open: OpenBody) -> OpenBody {
    OpenBody { parameters: extended(&every_capability().concat()), ..open }
}

async fn taken(bench: Bench, change: Change, check: fn(&SessionSnapshot) -> bool) -> Verdict {
    let _peer = bench.established_as(&change(bench.open(&usual()))).await?;
    let session = bench.session()?;
    ensure(check(&session), || {
        format!(
            "families {:?}, hold time {:?}, four-octet AS {}",
            session.families, session.hold_time, session.four_octet_as
        )
    })
}

async fn as_trans(bench: Bench) -> Verdict {
    let capabilities = [multiprotocol(1), capability(65, &4_200_000_000_u32.to_be_bytes())];
    let open = OpenBody { my_as: 23456, ..bench.open(&capabilities) };
    let _peer = bench.established_as(&open).await?;
    ensure(bench.session()?.four_octet_as, || "four-octet AS numbers were not negotiated".to_owned())
}

/// One of each that has a definition.
fn every_capability() -> Vec<Vec<u8>> {
    vec![
        multiprotocol(1),
        multiprotocol(2),
        capability(2, &[]),
        capability(5, &[0, 1, 0, 1, 0, 2]),
        capability(6, &[]),
        capability(9, &[3]),
        capability(64, &[0x80, 120, 0, 1, 1, 0x80]),
        capability(65, &PEER_ASN.to_be_bytes()),
        capability(69, &[0, 1, 1, 3]),
        capability(70, &[]),
        capability(71, &[0, 1, 1, 0x80, 0, 1, 0]),
        capability(73, b"\x04peer\x00"),
    ]
}

/// Each prefix of a body, in a message of its own length: read in full only as a whole.
fn cut_short(open: &OpenBody) -> Verdict {
    let whole = open.octets();
    for len in 0..=whole.len() {
        let octets = message(OPEN, whole.get(..len).unwrap_or_default());
        let outcome = match frame(&octets, MAX_MESSAGE_LEN) {
            Ok(Some(found)) if found.kind == MessageKind::Open => {
                Open::decode(found.body).map_err(|error| Notification::from(&error))
            }
            Ok(_) => return Err(format!("{len} octets are no OPEN")),
            Err(notification) => Err(notification),
        };
        match outcome {
            Ok(_) => ensure(len == whole.len(), || format!("{len} of {} octets are an OPEN", whole.len()))?,
            Err(answer) => {
                let fits = answer.code.0 == 2 || (answer.code.0, answer.code.1) == (1, 2);
                ensure(fits && len < whole.len(), || format!("{len} octets: {}", answer.code))?;
            }
        }
    }
    Ok(())
}

fn any_length() -> Verdict {
    for code in 0..=255_u8 {
        for len in (0..=40).chain([254, 255]) {
            for filler in [0, 1, 0xFF] {
                let open = OpenBody::new(Ipv4Addr::LOCALHOST, &[]);
                let open = OpenBody { parameters: extended(&capability(code, &vec![filler; len])), ..open };
                if let Err(error) = Open::decode(&open.octets()) {
                    let answer = Notification::from(&error).code;
                    // AS 0 is no malformed capability, but AS 0.
                    let fits = answer.0 == 2 && (answer.1 == 0 || (code == 65 && answer.1 == 2));
                    ensure(fits, || format!("capability {code} of {len} octets: {answer}"))?;
                }
            }
        }
    }
    Ok(())
}
