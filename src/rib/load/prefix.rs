//! A prefix from its text, without allocation: a load reads a million of them.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Why a text is no prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PrefixError {
    /// Not an address and a length.
    Text,
    /// An address alone.
    NoLength(std::net::IpAddr),
    /// A length over 32 or 128.
    Length {
        /// The most it may be.
        max: u8,
    },
    /// Bits behind the length are set; the network that holds the address.
    HostBits(IpNet),
}

/// Reads `ADDRESS/LENGTH` with nothing around it. Leading zeros are refused, since some take them for octal.
pub(crate) fn parse(text: &str) -> Result<IpNet, PrefixError> {
    let Some((address, length)) = text.split_once('/') else {
        return Err(text.parse().map_or(PrefixError::Text, PrefixError::NoLength));
    };
    if let Ok(address) = address.parse::<Ipv4Addr>() {
        let net = Ipv4Net::new(address, parse_length(length, 32)?).map_err(|_| PrefixError::Text)?;
        if net.network() != address {
            return Err(PrefixError::HostBits(net.trunc().into()));
        }
        return Ok(net.into());
    }
    let address: Ipv6Addr = address.parse().map_err(|_| PrefixError::Text)?;
    let net = Ipv6Net::new(address, parse_length(length, 128)?).map_err(|_| PrefixError::Text)?;
    if net.network() != address {
        return Err(PrefixError::HostBits(net.trunc().into()));
    }
    Ok(net.into())
}

fn parse_length(text: &str, max: u8) -> Result<u8, PrefixError> {
    let plain =
        matches!(text.as_bytes(), [b'0'] | [b'1'..=b'9', ..]) && text.bytes().all(|b| b.is_ascii_digit());
    if !plain {
        return Err(PrefixError::Text);
    }
    match text.parse::<u8>() {
        Ok(length) if length <= max => Ok(length),
        Ok(_) | Err(_) => Err(PrefixError::Length { max }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn agrees_with_ipnet(text in "[0-9]{1,3}\\.[0-9]{1,3}\\.(0|64)\\.0/[0-9]{1,3}|[0-9a-f:]{2,12}::/[0-9]{1,3}|[0-9a-f:./]{0,20}") {
            let theirs = text.parse::<IpNet>().ok();
            match parse(&text) {
                Ok(net) => prop_assert_eq!(Some(net), theirs.filter(|n| n.trunc() == *n)),
                Err(PrefixError::HostBits(net)) => prop_assert_eq!(theirs.map(|n| n.trunc()), Some(net)),
                // ipnet takes numbers with leading zeros.
                Err(PrefixError::Text) if leading_zero(&text) => {}
                Err(_) => prop_assert_eq!(theirs, None),
            }
        }

        #[test]
        fn reads_what_ipnet_prints(bits in any::<u128>(), length in 0_u8..=128, small in any::<u32>(), short in 0_u8..=32) {
            let v6 = IpNet::from(Ipv6Net::new(bits.into(), length).unwrap().trunc());
            prop_assert_eq!(parse(&v6.to_string()), Ok(v6));
            let v4 = IpNet::from(Ipv4Net::new(small.into(), short).unwrap().trunc());
            prop_assert_eq!(parse(&v4.to_string()), Ok(v4));
        }
    }

    fn leading_zero(text: &str) -> bool {
        text.split(['.', '/']).any(|part| part.len() > 1 && part.starts_with('0'))
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, error) in [
            ("13.64.0.0", PrefixError::NoLength("13.64.0.0".parse().unwrap())),
            ("13.64.0.0/33", PrefixError::Length { max: 32 }),
            ("2603::/129", PrefixError::Length { max: 128 }),
            ("13.64.0.0/4294967296", PrefixError::Length { max: 32 }),
            ("13.64.0.1/24", PrefixError::HostBits("13.64.0.0/24".parse().unwrap())),
            ("13.64.0.0/+8", PrefixError::Text),
            ("13.64.0.0/08", PrefixError::Text),
            ("13.64.0.0/", PrefixError::Text),
            ("013.64.0.0/11", PrefixError::Text),
            ("13.64.0.0 /11", PrefixError::Text),
            ("", PrefixError::Text),
            ("fe80::%eth0/10", PrefixError::Text),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }
}
