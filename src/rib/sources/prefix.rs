//! One prefix of published data: what it may look like and which space it may name.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::rib::special;

/// The longest IPv4 prefix that peers take from each other.
pub const MAX_LEN_V4: u8 = 24;
/// The longest IPv6 prefix that peers take from each other.
pub const MAX_LEN_V6: u8 = 48;

/// Whether a prefix is longer than /24 or, for IPv6, /48.
#[must_use]
pub fn is_longer(net: &IpNet) -> bool {
    net.prefix_len() > max_len(net)
}

/// The prefix itself, or the /24 or /48 that covers it.
pub(super) fn widened(net: IpNet) -> IpNet {
    if !is_longer(&net) {
        return net;
    }
    IpNet::new(net.addr(), max_len(&net)).map_or(net, |wider| wider.trunc())
}

fn max_len(net: &IpNet) -> u8 {
    match net {
        IpNet::V4(_) => MAX_LEN_V4,
        IpNet::V6(_) => MAX_LEN_V6,
    }
}

/// Why a word is no prefix that may be advertised, and the way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Wrong {
    pub(super) what: String,
    pub(super) fix: String,
}

impl Wrong {
    fn new(what: String, fix: impl Into<String>) -> Self {
        Self { what, fix: fix.into() }
    }
}

/// Parses `ADDRESS/LENGTH` and checks that it may be advertised at all; its length is for [`is_longer`] to judge.
pub(super) fn parse(word: &str) -> Result<IpNet, Wrong> {
    let Some((addr, len)) = word.split_once('/') else {
        return Err(match word.parse::<IpAddr>() {
            Ok(addr) => Wrong::new(
                format!("{addr} has no prefix length"),
                format!("write {} if one address is meant", IpNet::from(addr)),
            ),
            Err(_) => malformed(word),
        });
    };
    let addr: IpAddr = addr.parse().map_err(|_| malformed(word))?;
    let net = parse_len(len).and_then(|len| IpNet::new(addr, len).ok()).ok_or_else(|| {
        let bits = IpNet::from(addr).prefix_len();
        Wrong::new(
            format!("\"{}\" has no length between 0 and {bits}", shown(word, 60)),
            "mend the length or fetch the file again",
        )
    })?;
    if net.trunc() != net {
        let what = format!("{net} has host bits set");
        return Err(Wrong::new(
            what,
            format!("mend it ({} is its network) or fetch the file again", net.trunc()),
        ));
    }
    match special::reason(&net) {
        Some(why) => {
            Err(Wrong::new(format!("{net} may not be advertised, it is {why}"), "remove it from the file"))
        }
        None => Ok(net),
    }
}

/// Digits only, and none to spare: `u8::from_str` would also take `+8` and `008`.
fn parse_len(len: &str) -> Option<u8> {
    let plain = len.bytes().all(|b| b.is_ascii_digit()) && (len == "0" || !len.starts_with('0'));
    if plain { len.parse().ok() } else { None }
}

fn malformed(word: &str) -> Wrong {
    Wrong::new(
        format!("\"{}\" is not a prefix", shown(word, 60)),
        "write ADDRESS/LENGTH, such as 13.64.0.0/11 or 2603:1000::/24",
    )
}

/// Text from a file as it may stand in a message or a RIB: no control characters or line ends, at most `max` characters.
pub(super) fn shown(word: &str, max: usize) -> String {
    let plain = |c: char| {
        if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') {
            '?'
        } else {
            c
        }
    };
    let mut out: String = word.chars().take(max).map(plain).collect();
    if word.chars().nth(max).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_may_be_advertised_parses() {
        for word in ["13.64.0.0/11", "2603:1000::/24", "2603:1030:A0B::/48", "4.145.74.52/30", "20.33.0.1/32"]
        {
            assert_eq!(parse(word).unwrap().to_string(), word.to_lowercase());
        }
    }

    #[test]
    fn what_may_not_is_named_with_its_reason() {
        for (word, reason) in [
            ("", "not a prefix"),
            ("13.64.0/11", "not a prefix"),
            ("013.64.0.0/11", "not a prefix"),
            ("13.64.0.0 /11", "not a prefix"),
            ("13.64.0.0/11/11", "no length between 0 and 32"),
            ("13.64.0.0/", "no length between 0 and 32"),
            ("13.64.0.0/33", "no length between 0 and 32"),
            ("13.64.0.0/+8", "no length between 0 and 32"),
            ("13.0.0.0/08", "no length between 0 and 32"),
            ("13.0.0.0/-1", "no length between 0 and 32"),
            ("2603::/129", "no length between 0 and 128"),
            ("20.33.0.1", "has no prefix length"),
            ("13.64.0.1/11", "host bits"),
            ("2603:1000::1/24", "host bits"),
            ("0.0.0.0/0", "a default route"),
            ("::/0", "a default route"),
            ("192.168.0.0/24", "private space"),
            ("2001:db8::/32", "documentation space"),
            ("::ffff:13.64.0.0/107", "outside global unicast space"),
        ] {
            let wrong = parse(word).unwrap_err();
            assert!(wrong.what.contains(reason), "{word}: {wrong:?}");
        }
        assert_eq!(parse("13.64.0.1/11").unwrap_err().fix.split(' ').nth(2), Some("(13.64.0.0/11"));
        assert_eq!(parse("20.33.0.1").unwrap_err().fix, "write 20.33.0.1/32 if one address is meant");
    }

    #[test]
    fn widening_stops_at_24_and_48() {
        for (from, to) in [
            ("13.64.1.128/25", "13.64.1.0/24"),
            ("13.64.1.0/24", "13.64.1.0/24"),
            ("13.64.0.0/11", "13.64.0.0/11"),
            ("2603:1030:a0b:ffff::/64", "2603:1030:a0b::/48"),
            ("2603:1000::/24", "2603:1000::/24"),
        ] {
            assert_eq!(widened(from.parse().unwrap()).to_string(), to);
        }
    }

    proptest! {
        #[test]
        fn any_word_gets_an_answer_that_fits_a_line(word in "\\PC{0,90}|[0-9a-f:./]{0,40}|\\x00\n\r.*") {
            match parse(&word) {
                Ok(net) => prop_assert_eq!(parse(&net.to_string()), Ok(net)),
                Err(wrong) => prop_assert!(!wrong.what.contains(['\n', '\r']) && wrong.what.len() < 400),
            }
        }
    }
}
