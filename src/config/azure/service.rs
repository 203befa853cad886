//! Customers' Peering Services and their prefixes → what stands under the peering of the partner that is their provider.
//!
//! In Azure they are in the customer's subscription and name their provider by its name and by a prefix key; here they
//! are of a peering, which is found by either, or by the same prefix being registered there.

use std::collections::{HashMap, HashSet};

use super::output::{Output, fact, key, place, scalar, value};
use super::resource::{Resource, Type};
use crate::config::document::{Node, Value};
use crate::config::faults::Faults;
use crate::rib::load::collect::shown;

const SERVICE: &[&str] = &[
    "peeringServiceLocation",
    "peeringServiceProvider",
    "provisioningState",
    "providerPrimaryPeeringLocation",
    "providerBackupPeeringLocation",
    "logAnalyticsWorkspaceProperties",
];
const PREFIX: &[&str] = &[
    "prefix",
    "prefixValidationState",
    "learnedType",
    "errorMessage",
    "events",
    "peeringServicePrefixKey",
    "provisioningState",
];
/// The most characters of a resource's name.
const MAX_NAME: usize = 63;

/// The Peering Services of all files, and their prefixes with the peerings that they are of.
pub(super) struct Services<'a, 'd> {
    held: Vec<Held<'a, 'd>>,
}

/// A Peering Service prefix.
pub(super) struct Held<'a, 'd> {
    pub(super) resource: &'a Resource<'d>,
    /// The Peering Service that it is of, where a file has it.
    service: Option<&'a Resource<'d>>,
    /// The peering of its provider, which a file has.
    pub(super) peering: &'a str,
    /// Unique within the peering; none where Azure has none either.
    name: Option<String>,
}

impl<'a, 'd> Services<'a, 'd> {
    /// Finds the peering of every prefix, and says which has none. Peerings are given by their names in lower case.
    pub(super) fn of(
        resources: &'a [Resource<'d>],
        peerings: &HashSet<String>,
        faults: &mut [Faults],
    ) -> Self {
        let of = |wanted: Type| resources.iter().filter(move |resource| resource.of == wanted);
        let services: HashMap<String, &Resource<'d>> =
            of(Type::PeeringService).filter_map(|s| Some((s.service_id()?, s))).collect();
        let holders = Holders::of(resources, peerings);
        let mut used = HashSet::new();
        let mut names = HashSet::new();
        let mut held = Vec::new();
        for resource in of(Type::ServicePrefix) {
            let Some(faults) = faults.get_mut(resource.file.number) else { continue };
            check(resource, faults);
            let service_name = resource.service();
            let service = resource.service_id().and_then(|id| services.get(&id).copied());
            used.extend(service.map(|service| service.mark_in_file()));
            let Some(peering) = holders.find(resource, service, faults) else { continue };
            let name = resource.name.as_deref().map(|name| {
                let own = name.to_owned();
                let longer = || format!("{}-{name}", service_name.unwrap_or("service"));
                let is_new = names.insert((peering.to_lowercase(), name.to_lowercase()));
                if is_new { own } else { longer().chars().take(MAX_NAME).collect() }
            });
            held.push(Held { resource, service, peering, name });
        }
        for service in of(Type::PeeringService) {
            let Some(faults) = faults.get_mut(service.file.number) else { continue };
            check_service(service, used.contains(&service.mark_in_file()), faults);
        }
        Self { held }
    }

    pub(super) fn held(&self) -> &[Held<'a, 'd>] {
        &self.held
    }
}

impl Held<'_, '_> {
    /// Writes it as an item of its peering's list.
    pub(super) fn write(&self, output: &mut Output, faults: &mut Faults) {
        let resource = self.resource;
        let Some(prefix) = resource.properties.get("prefix") else { return };
        let Some(text) = value(prefix, "prefix", faults) else { return };
        let at = place(prefix, &resource.file.path);
        match &self.name {
            Some(name) => {
                let here = Some(resource.mark.place(&resource.file.path));
                output.line(3, &format!("- name: {}", scalar(name)), here);
                output.line(4, &format!("prefix: {text}"), at);
            }
            None => output.line(3, &format!("- prefix: {text}"), at),
        }
        if let Some(service) = self.service {
            output.comment(4, &of_service(service));
        }
        fact(&resource.properties, output);
        if let Some(node) = resource.properties.get("peeringServicePrefixKey") {
            key(4, "peering_service_prefix_key", node, resource, faults, output);
            let what = "the prefix key of this Peering Service prefix is as it was there, and peeringd makes its own";
            let fix = "write the key that `peeringd show registered` has, once it has one, into the config";
            faults.warning(node.mark, what, fix);
        }
        self.locations(output, faults);
    }

    fn locations(&self, output: &mut Output, faults: &mut Faults) {
        let resource = self.resource;
        let Some(service) = self.service else {
            let of = resource.service().map(|name| format!(" {}", shown(name))).unwrap_or_default();
            let what = format!(
                "the Peering Service{of} of this prefix is in none of the files: the peering's location is taken for its \
                 primary one, and there is no backup"
            );
            let fix =
                "give the Peering Service too, or add primary_location and backup_location to the config";
            return faults.warning(resource.mark, what, fix);
        };
        for (azure, ours) in [
            ("providerPrimaryPeeringLocation", "primary_location"),
            ("providerBackupPeeringLocation", "backup_location"),
        ] {
            // None is a location too: there is no backup then.
            let node = service.properties.get(azure);
            if let Some(node) = node.filter(|node| !is_text(node, "None")) {
                key(4, ours, node, service, faults, output);
            }
        }
    }
}

/// What the config has no key for, for whoever reads it.
fn of_service(service: &Resource<'_>) -> String {
    let mut said = format!("Of the Peering Service {}", service.name.as_deref().unwrap_or_default());
    for (what, field) in [("with", "peeringServiceProvider"), ("in", "peeringServiceLocation")] {
        if let Some(text) = service.properties.peek(field) {
            said.push_str(&format!(" {what} {}", text.chars().take(200).collect::<String>()));
        }
    }
    let sku = service.object.get("sku").and_then(|sku| match &sku.value {
        Value::Map(entries) => entries.iter().find(|entry| entry.key.eq_ignore_ascii_case("name")),
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Text(_) | Value::List(_) => None,
    });
    if let Some(name) = sku {
        said.push_str(&format!(", sku {}", name.node.shown()));
    }
    said
}

fn is_text(node: &Node, wanted: &str) -> bool {
    matches!(&node.value, Value::Text(text) if text.eq_ignore_ascii_case(wanted))
}

fn check(resource: &Resource<'_>, faults: &mut Faults) {
    if !resource.is_flat() {
        resource.properties.check("a Peering Service prefix", PREFIX, faults);
    }
    if resource.properties.get("prefix").is_none() {
        faults.error(resource.mark, "prefix is missing in a Peering Service prefix", "add it");
    }
}

fn check_service(service: &Resource<'_>, is_used: bool, faults: &mut Faults) {
    if !service.is_flat() {
        service.properties.check("a Peering Service", SERVICE, faults);
    }
    if !is_used {
        let name = service.name.as_deref().map(|name| format!(" {}", shown(name))).unwrap_or_default();
        let what =
            format!("nothing of the Peering Service{name} is in the config: no file has a prefix of it");
        faults.warning(service.mark, what, "give its prefixes too, which are resources of their own");
    }
    if let Some(node) = service.properties.get("logAnalyticsWorkspaceProperties") {
        let what = "logAnalyticsWorkspaceProperties is not taken over";
        faults.warning(node.mark, what, "scrape /metrics: peeringd reports to no workspace");
    }
    let tags = service.object.get("tags");
    if let Some(node) = tags.filter(|node| !matches!(&node.value, Value::Map(entries) if entries.is_empty()))
    {
        let fix = "put what is needed of them into the peering's tags";
        faults.warning(node.mark, "the tags of a Peering Service are not taken over", fix);
    }
}

/// Which peering is whose provider's: by what is registered under it, and by the provider's name.
struct Holders<'a, 'p> {
    /// In lower case.
    peerings: &'p HashSet<String>,
    by_key: HashMap<String, &'a str>,
    by_prefix: HashMap<&'a str, &'a str>,
    /// Of each provider, in lower case: peerings with their locations, those that are used for Peering Service first.
    by_provider: HashMap<String, Vec<Candidate<'a>>>,
}

/// A peering of a provider.
#[derive(Clone, Copy)]
struct Candidate<'a> {
    name: &'a str,
    location: Option<&'a str>,
    is_for_peering_service: bool,
}

impl<'a, 'p> Holders<'a, 'p> {
    fn of(resources: &'a [Resource<'_>], peerings: &'p HashSet<String>) -> Self {
        let (mut by_key, mut by_prefix) = (HashMap::new(), HashMap::new());
        for resource in resources {
            let is_registered = matches!(resource.of, Type::RegisteredPrefix | Type::RegisteredAsn);
            let Some(parent) = resource.parent.as_deref().filter(|_| is_registered) else { continue };
            let of = |field| resource.properties.peek(field);
            by_key.extend(of("peeringServicePrefixKey").map(|key| (key.to_lowercase(), parent)));
            by_prefix.extend(of("prefix").map(|prefix| (prefix, parent)));
        }
        Self { peerings, by_key, by_prefix, by_provider: by_provider(resources) }
    }

    /// The peering of a prefix's provider; none is said.
    fn find(
        &self,
        prefix: &'a Resource<'_>,
        service: Option<&Resource<'_>>,
        faults: &mut Faults,
    ) -> Option<&'a str> {
        let of = |field| prefix.properties.peek(field);
        let provider = service.and_then(|service| service.properties.peek("peeringServiceProvider"));
        let primary = service.and_then(|service| service.properties.peek("providerPrimaryPeeringLocation"));
        let said = prefix.parent.as_deref();
        let found = said
            .or_else(|| self.by_key.get(&of("peeringServicePrefixKey")?.to_lowercase()).copied())
            .or_else(|| self.by_prefix.get(of("prefix")?).copied())
            .or_else(|| self.of_provider(provider?, primary));
        if let Some(found) = found.filter(|found| self.peerings.contains(&found.to_lowercase())) {
            return Some(found);
        }
        let name = shown(of("prefix").unwrap_or_default());
        let whose = match (found, provider) {
            (Some(peering), _) => format!("the peering {}", shown(peering)),
            (None, Some(provider)) => format!("a peering of its provider {}", shown(provider)),
            (None, None) => "the peering of its provider".to_owned(),
        };
        let what = format!("the Peering Service prefix {name} is left out: {whose} is in none of the files");
        let fix = "give that peering too, with its PeerAsn and what is registered under it; or add the prefix to the \
                   config's peering_service_prefixes";
        faults.warning(prefix.mark, what, fix);
        None
    }

    /// A provider's peering, at the location if it has one there.
    fn of_provider(&self, provider: &str, location: Option<&str>) -> Option<&'a str> {
        let peerings = self.by_provider.get(&provider.to_lowercase())?;
        let is_there = |at: &str| location.is_some_and(|location| at.eq_ignore_ascii_case(location));
        let there = peerings.iter().find(|peering| peering.location.is_some_and(is_there));
        there.or(peerings.first()).map(|peering| peering.name)
    }
}

/// The peerings of each PeerAsn, by its peerName and by its own name.
fn by_provider<'a>(resources: &'a [Resource<'_>]) -> HashMap<String, Vec<Candidate<'a>>> {
    let mut of_asn: HashMap<String, Vec<Candidate<'a>>> = HashMap::new();
    for peering in resources.iter().filter(|resource| resource.of == Type::Peering) {
        let Some((name, asn)) = peering.name.as_deref().zip(peering.peer_asn_name()) else { continue };
        let (location, is_for_peering_service) =
            (peering.properties.peek("peeringLocation"), peering.is_for_peering_service());
        let candidate = Candidate { name, location, is_for_peering_service };
        of_asn.entry(asn.to_lowercase()).or_default().push(candidate);
    }
    let mut by_provider = HashMap::new();
    for asn in resources.iter().filter(|resource| resource.of == Type::PeerAsn) {
        let Some(name) = asn.name.as_deref() else { continue };
        let Some(peerings) = of_asn.get_mut(&name.to_lowercase()) else { continue };
        peerings.sort_by_key(|peering| !peering.is_for_peering_service);
        for called in [asn.properties.peek("peerName"), Some(name)].into_iter().flatten() {
            by_provider.entry(called.to_lowercase()).or_insert_with(|| peerings.clone());
        }
    }
    by_provider
}
