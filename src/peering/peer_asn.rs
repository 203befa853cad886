//! A partner's ASN as a resource of its own: whose it is, and whom to ask.

use std::sync::Arc;

use super::{ContactRole, ValidationState};
use crate::wire::Asn;

/// Azure's PeerAsn.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerAsn {
    /// The resource's name.
    pub name: Arc<str>,
    /// The ASN; there is one resource of each.
    pub asn: Asn,
    /// The partner, in letters and spaces.
    pub peer_name: Option<Arc<str>>,
    /// Whom to ask.
    pub contacts: Vec<Contact>,
    /// Whether it was found to be the partner's.
    pub validation_state: ValidationState,
}

/// One of a partner's contacts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contact {
    /// What for.
    pub role: ContactRole,
    /// By mail.
    pub email: Option<Arc<str>>,
    /// By telephone.
    pub phone: Option<Arc<str>>,
}

/// Whether a text can be a partner's name: letters and spaces.
#[must_use]
pub fn is_peer_name(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().all(|c| c.is_alphabetic() || c == ' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_name_is_letters_and_spaces() {
        assert!(is_peer_name("Contoso") && is_peer_name("Fabrikam Netze Süd"));
        for name in ["", "  ", "Contoso 2", "AT&T", "Contoso\tLtd"] {
            assert!(!is_peer_name(name), "{name}");
        }
    }
}
