//! `peer_asns:`: partners' ASNs as resources, whose they are and whom to ask.

use std::collections::HashMap;

use super::document::Node;
use super::faults::{At, Fault, Faults};
use super::section::{Section, Shape};
use super::setting::{Setting, asn_refusal};
use super::values;
use crate::peering::{Contact, ContactRole, PeerAsn, ValidationState, is_peer_name};
use crate::rib::load::events::Mark;
use crate::wire::Asn;

pub(super) const SHAPE: Shape = Shape {
    name: "a peer ASN",
    keys: &["name", "peer_asn", "peer_name", "peer_contact_detail", "validation_state"],
    more: &[],
};
pub(super) const CONTACT: Shape = Shape { name: "a contact", keys: &["role", "email", "phone"], more: &[] };

/// As written.
#[derive(Debug)]
pub(super) struct Written {
    name: At<String>,
    asn: At<Asn>,
    peer_name: Option<At<String>>,
    contacts: Vec<Contact>,
    validation_state: Option<At<ValidationState>>,
}

pub(super) fn read(node: &Node, faults: &mut Faults) -> Option<Written> {
    let section = Section::open(node, SHAPE, faults)?;
    let name = section.need("name", "AS3356", faults, values::resource_name);
    let asn = section.need("peer_asn", "3356", faults, values::asn);
    let peer_name = section.read("peer_name", faults, peer_name);
    let contacts = section.items("peer_contact_detail", faults).iter();
    let contacts = contacts.filter_map(|node| contact(node, faults)).collect();
    let word = values::word(ValidationState::CONFIG_NAMES, ValidationState::from_config);
    let validation_state = section.read("validation_state", faults, word);
    Some(Written { name: name?, asn: asn?, peer_name, contacts, validation_state })
}

fn contact(node: &Node, faults: &mut Faults) -> Option<Contact> {
    let section = Section::open(node, CONTACT, faults)?;
    let word = values::word(ContactRole::CONFIG_NAMES, ContactRole::from_config);
    let role = section.read("role", faults, word);
    let email = section.read("email", faults, email);
    let phone = section.read("phone", faults, values::words);
    if section.node("email").is_none() && section.node("phone").is_none() {
        faults.error(section.mark, "a contact without email and phone", "add one of the two");
    }
    Some(Contact {
        role: role.map_or(ContactRole::Noc, |at| at.value),
        email: email.map(|at| at.value.into()),
        phone: phone.map(|at| at.value.into()),
    })
}

fn peer_name(node: &Node) -> values::Read<String> {
    let name = values::words(node)?;
    if is_peer_name(&name) {
        return Ok(name);
    }
    Err(Fault::new(
        format!("{} has more than letters and spaces", node.shown()),
        "write letters and spaces only",
    ))
}

fn email(node: &Node) -> values::Read<String> {
    let address = values::words(node)?;
    let is_address =
        address.split_once('@').is_some_and(|(who, domain)| !who.is_empty() && domain.contains('.'));
    if is_address && !address.contains(char::is_whitespace) {
        return Ok(address);
    }
    Err(Fault::new(format!("{} is no mail address", node.shown()), "write one like noc@contoso.example"))
}

/// The resources, each name and each ASN once.
pub(super) fn resolve(written: &[Written], setting: Setting, faults: &mut Faults) -> Vec<PeerAsn> {
    let mut names: HashMap<&str, Mark> = HashMap::with_capacity(written.len());
    let mut asns: HashMap<Asn, Mark> = HashMap::with_capacity(written.len());
    for Written { name, asn, .. } in written {
        if let Some(first) = names.get(name.value.as_str()) {
            let what = format!("the name {} is already used at {}", name.value, faults.at(*first));
            faults.error(name.mark, what, "give each peer ASN a name of its own");
        }
        if let Some(first) = asns.get(&asn.value) {
            let what = format!("the peer ASN {} is already listed at {}", asn.value, faults.at(*first));
            faults.error(asn.mark, what, "keep one of the two");
        }
        if let Some((why, fix)) = asn_refusal(asn.value, setting) {
            faults.error(asn.mark, format!("peer_asn {} is {why}", asn.value), fix);
        }
        names.entry(&name.value).or_insert(name.mark);
        asns.entry(asn.value).or_insert(asn.mark);
    }
    let plan = |written: &Written| PeerAsn {
        name: written.name.value.as_str().into(),
        asn: written.asn.value,
        peer_name: written.peer_name.as_ref().map(|at| at.value.as_str().into()),
        contacts: written.contacts.clone(),
        validation_state: written.validation_state.map_or(ValidationState::Approved, |at| at.value),
    };
    written.iter().map(plan).collect()
}

/// A peering goes by an ASN that was found to be the partner's.
pub(super) fn check_approved(peer_asn: Option<At<Asn>>, known: &[PeerAsn], faults: &mut Faults) {
    let Some(At { value: asn, mark }) = peer_asn else { return };
    let Some(of) = known.iter().find(|known| known.asn == asn) else { return };
    if of.validation_state != ValidationState::Approved {
        let what =
            format!("the peer ASN {} is in validation_state {}", of.name, of.validation_state.config_name());
        faults.warning(mark, what, "Azure makes peerings of one that is approved only");
    }
}
