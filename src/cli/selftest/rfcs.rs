//! The RFCs of the table, in its order.

/// Number and title.
pub(super) const RFCS: [(u16, &str); 26] = [
    (4271, "BGP-4"),
    (2385, "TCP MD5 signature"),
    (2918, "Route refresh"),
    (4486, "Cease subcodes"),
    (4724, "Graceful restart"),
    (4760, "Multiprotocol extensions"),
    (5082, "Generalized TTL security"),
    (5492, "Capabilities advertisement"),
    (6286, "AS-wide unique BGP Identifier"),
    (6608, "FSM error subcodes"),
    (6793, "Four-octet AS numbers"),
    (7313, "Enhanced route refresh"),
    (7606, "Revised error handling for UPDATE"),
    (7607, "AS 0"),
    (7911, "ADD-PATH"),
    (8212, "Default deny without policies"),
    (8326, "Graceful shutdown"),
    (8538, "Notification graceful restart"),
    (8654, "Extended messages"),
    (8950, "IPv4 with an IPv6 next hop"),
    (9003, "Shutdown communication"),
    (9072, "Extended optional parameters"),
    (9234, "Roles and ONLY_TO_CUSTOMER"),
    (9494, "Long-lived graceful restart"),
    (9687, "Send hold timer"),
    (9774, "AS_SET deprecation"),
];

/// An RFC of the table by what a user writes: `7606`, `RFC7606`, `rfc 7606`.
///
/// # Errors
/// What is no RFC of the table; the message lists those that are.
pub(super) fn number(text: &str) -> Result<u16, String> {
    let digits = match text.split_at_checked(3) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case("rfc") => rest.trim_start_matches([' ', '-']),
        Some(_) | None => text,
    };
    digits.parse().ok().filter(|rfc| title(*rfc).is_some()).ok_or_else(|| {
        let mut all = RFCS.map(|(rfc, _)| rfc);
        all.sort_unstable();
        format!("there are cases of RFC {}", all.map(|rfc| rfc.to_string()).join(", "))
    })
}

/// The title of an RFC of the table.
pub(super) fn title(rfc: u16) -> Option<&'static str> {
    RFCS.iter().find(|(number, _)| *number == rfc).map(|(_, title)| *title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_rfc_is_found_however_it_is_written() {
        for text in ["7606", "RFC7606", "rfc7606", "RFC 7606", "rfc-7606"] {
            assert_eq!(number(text), Ok(7606), "{text}");
        }
        for text in ["7605", "RFC", "", "é7606", "rfc7606x", "-1", "99999999"] {
            let said = number(text).unwrap_err();
            assert!(said.starts_with("there are cases of RFC 2385, 2918, 4271, "), "{text}: {said}");
        }
    }
}
