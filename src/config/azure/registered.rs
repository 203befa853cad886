//! What is registered under peerings → lines of config, written apart so that what is wrong is said of its own file.

use std::collections::{HashMap, HashSet};

use super::output::{Output, fact, key, place, scalar, value};
use super::resource::{Resource, Type};
use super::service::Services;
use crate::config::faults::Faults;
use crate::rib::load::collect::shown;

const ASN: &[&str] = &["asn", "peeringServicePrefixKey", "provisioningState"];
const PREFIX: &[&str] =
    &["prefix", "prefixValidationState", "peeringServicePrefixKey", "errorMessage", "provisioningState"];

/// The lists of every peering that has any, by its name in lower case.
#[derive(Default)]
pub(super) struct Registered(HashMap<String, [Output; 3]>);

/// What is registered under one peering.
pub(super) struct Lists {
    /// Its registered prefixes and ASNs.
    pub(super) registered: Output,
    /// The prefixes of customers' Peering Services.
    pub(super) services: Output,
}

impl Registered {
    /// Writes all that is registered.
    pub(super) fn of(resources: &[Resource<'_>], faults: &mut [Faults]) -> Self {
        let of = |wanted: Type| resources.iter().filter(move |resource| resource.of == wanted);
        let peerings: HashSet<String> =
            of(Type::Peering).filter_map(|peering| Some(peering.name.as_ref()?.to_lowercase())).collect();
        let mut lists = Self::default();
        for resource in of(Type::RegisteredPrefix).chain(of(Type::RegisteredAsn)) {
            let Some(faults) = faults.get_mut(resource.file.number) else { continue };
            check(resource, faults);
            if let Some(peering) = parent(resource, &peerings, faults) {
                lists.registered(resource, peering, faults);
            }
        }
        let services = Services::of(resources, &peerings, faults);
        for held in services.held() {
            let Some(faults) = faults.get_mut(held.resource.file.number) else { continue };
            held.write(lists.list(held.peering, 2, "peering_service_prefixes"), faults);
        }
        lists
    }

    /// Gives away what is registered under a peering.
    pub(super) fn take(&mut self, peering: &str) -> Option<Lists> {
        let [mut registered, asns, services] = self.0.remove(&peering.to_lowercase())?;
        registered.append(asns);
        Some(Lists { registered, services })
    }

    /// One of a peering's three lists, begun where it is not yet.
    fn list(&mut self, peering: &str, which: usize, name: &str) -> &mut Output {
        let [prefixes, asns, services] = self.0.entry(peering.to_lowercase()).or_default();
        let list = match which {
            0 => prefixes,
            1 => asns,
            _ => services,
        };
        if list.text.is_empty() {
            list.line(2, &format!("{name}:"), None);
        }
        list
    }

    fn registered(&mut self, resource: &Resource<'_>, peering: &str, faults: &mut Faults) {
        let (which, list, field) = match resource.of {
            Type::RegisteredAsn => (1, "registered_asns", "asn"),
            Type::RegisteredPrefix
            | Type::Peering
            | Type::PeerAsn
            | Type::PeeringService
            | Type::ServicePrefix => (0, "registered_prefixes", "prefix"),
        };
        let Some(node) = resource.properties.get(field) else { return };
        let output = self.list(peering, which, list);
        match &resource.name {
            Some(name) => {
                output.line(
                    3,
                    &format!("- name: {}", scalar(name)),
                    Some(resource.mark.place(&resource.file.path)),
                );
                fact(&resource.properties, output);
                key(4, field, node, resource, faults, output);
            }
            None => {
                let Some(text) = value(node, field, faults) else { return };
                output.line(3, &format!("- {text}"), place(node, &resource.file.path));
            }
        }
    }
}

/// Says what is not known, what is missing and what is not taken over.
fn check(resource: &Resource<'_>, faults: &mut Faults) {
    let what = resource.of.in_words();
    let (field, known) = if resource.of == Type::RegisteredAsn { ("asn", ASN) } else { ("prefix", PREFIX) };
    if !resource.is_flat() {
        resource.properties.check(&format!("a {what}"), known, faults);
    }
    if resource.properties.get(field).is_none() {
        faults.error(resource.mark, format!("{field} is missing in a {what}"), "add it");
    }
    if let Some(node) = resource.properties.get("peeringServicePrefixKey") {
        let fix = "give customers the new key, which `peeringd show registered` has";
        faults.warning(
            node.mark,
            format!("the prefix key of this {what} is not taken over: peeringd makes its own"),
            fix,
        );
    }
}

/// The peering that a resource is under. What is registered under one that was not read is not lost in silence.
fn parent<'a>(
    resource: &'a Resource<'_>,
    peerings: &HashSet<String>,
    faults: &mut Faults,
) -> Option<&'a str> {
    let what = resource.of.in_words();
    let Some(parent) = resource.parent.as_deref() else {
        let fix = "give it with its id, …/peerings/NAME/…, as Azure wrote it";
        let what = format!("the {what} does not say under which peering it is: it has no id");
        faults.error(resource.mark, what, fix);
        return None;
    };
    if !peerings.contains(&parent.to_lowercase()) {
        let what = format!("the peering {} of this {what} is in none of the files", shown(parent));
        faults.error(resource.mark, what, "give the file of that peering too");
        return None;
    }
    Some(parent)
}
