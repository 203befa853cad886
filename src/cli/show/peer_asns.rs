//! `show peer-asns`: partners' ASNs as resources, a line each.

use serde::Deserialize;

use super::listing::View;

/// Azure's PeerAsn, as far as the tables go.
#[derive(Deserialize)]
pub(super) struct PeerAsn {
    name: String,
    pub(super) id: String,
    pub(super) properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Properties {
    pub(super) peer_asn: u32,
    peer_name: Option<String>,
    validation_state: String,
    peer_contact_detail: Vec<Contact>,
}

#[derive(Deserialize)]
struct Contact {
    role: String,
    email: Option<String>,
    phone: Option<String>,
}

pub(super) const PEER_ASNS: View<PeerAsn, 5> = View {
    head: ["NAME", "ASN", "PEER NAME", "STATE", "CONTACTS"],
    words: 1,
    cells: |PeerAsn { name, properties: of, .. }, _| {
        let contacts: Vec<String> = of.peer_contact_detail.into_iter().map(Contact::in_words).collect();
        let peer_name = of.peer_name.unwrap_or_else(|| "-".to_owned());
        [name, of.peer_asn.to_string(), peer_name, of.validation_state, contacts.join(", ")]
    },
};

impl Contact {
    fn in_words(self) -> String {
        [Some(self.role), self.email, self.phone].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}
