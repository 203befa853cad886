//! Azure's PeerAsn.

use serde::Serialize;

use super::PROVIDER;
use crate::peering::{ContactRole, PeerAsn, ValidationState};
use crate::wire::Asn;

/// `Microsoft.Peering/peerAsns`.
#[derive(Serialize)]
pub(super) struct PeerAsnJson<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    of: &'static str,
    id: String,
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    peer_asn: Asn,
    peer_contact_detail: Vec<Contact<'a>>,
    peer_name: Option<&'a str>,
    validation_state: ValidationState,
    error_message: Option<&'static str>,
}

#[derive(Serialize)]
struct Contact<'a> {
    role: ContactRole,
    email: Option<&'a str>,
    phone: Option<&'a str>,
}

impl<'a> PeerAsnJson<'a> {
    pub(super) fn new(of: &'a PeerAsn) -> Self {
        let contacts = of.contacts.iter().map(|contact| Contact {
            role: contact.role,
            email: contact.email.as_deref(),
            phone: contact.phone.as_deref(),
        });
        Self {
            name: &of.name,
            of: "Microsoft.Peering/peerAsns",
            id: format!("{PROVIDER}/peerAsns/{}", of.name),
            properties: Properties {
                peer_asn: of.asn,
                peer_contact_detail: contacts.collect(),
                peer_name: of.peer_name.as_deref(),
                validation_state: of.validation_state,
                error_message: None,
            },
        }
    }
}
