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

/// The title of an RFC of the table.
pub(super) fn title(rfc: u16) -> Option<&'static str> {
    RFCS.iter().find(|(number, _)| *number == rfc).map(|(_, title)| *title)
}
