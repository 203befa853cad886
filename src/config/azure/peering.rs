//! Peerings and what belongs to them → lines of config.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use super::Options;
use super::object::Object;
use super::output::{Output, key, place, scalar, value};
use super::registered::{Lists, Registered};
use super::resource::{Resource, Type};
use super::session;
use crate::config::document::{Node, Value};
use crate::config::faults::{At, Faults};
use crate::config::section::read_node;
use crate::config::values;
use crate::peering::{
    AzureEnum, ConnectionState, ContactRole, DirectPeeringType, Kind, SessionAddressProvider, ValidationState,
};
use crate::rib::Place;
use crate::rib::load::collect::shown;
use crate::wire::Asn;

const PEER_ASN: &[&str] = &["peerAsn", "peerContactDetail", "peerName", "validationState", "errorMessage"];
const PEERING: &[&str] =
    &["direct", "exchange", "connectivityProbes", "peeringLocation", "provisioningState"];
const DIRECT: &[&str] = &["connections", "useForPeeringService", "peerAsn", "directPeeringType"];
const EXCHANGE: &[&str] = &["connections", "peerAsn"];
const CONNECTION: &[&str] = &[
    "bandwidthInMbps",
    "provisionedBandwidthInMbps",
    "sessionAddressProvider",
    "useForPeeringService",
    "microsoftTrackingId",
    "peeringDBFacilityId",
    "connectionState",
    "bgpSession",
    "connectionIdentifier",
    "errorMessage",
];
const PROBE: &[&str] = &["endpoint", "azureRegion", "protocol", "prefixesToAccesslist"];

/// A PeerAsn resource, as far as others refer to it.
pub(super) struct KnownAsn<'d> {
    name: &'d str,
    asn: At<Asn>,
}

/// The name and number of a PeerAsn resource.
pub(super) fn known_asn<'d>(resource: &'d Resource<'_>, faults: &mut Faults) -> Option<KnownAsn<'d>> {
    let Some(node) = resource.properties.get("peerAsn") else {
        faults.error(resource.mark, "peerAsn is missing in a peer ASN", "add the number");
        return None;
    };
    let asn = read_node(node, "peerAsn", faults, values::asn)?;
    let Some(name) = resource.name.as_deref() else {
        faults.error(resource.mark, "name is missing in a peer ASN", "add it, as its id ends");
        return None;
    };
    Some(KnownAsn { name, asn })
}

/// Writes a PeerAsn resource.
pub(super) fn peer_asn(
    known: &KnownAsn<'_>,
    resource: &Resource<'_>,
    faults: &mut Faults,
    output: &mut Output,
) {
    let (file, properties) = (&resource.file.path, &resource.properties);
    let here = Some(resource.mark.place(file));
    if !resource.is_flat() {
        properties.check("a peer ASN", PEER_ASN, faults);
    }
    output.line(1, &format!("- name: {}", scalar(known.name)), here);
    output.line(2, &format!("peer_asn: {}", known.asn.value), Some(known.asn.mark.place(file)));
    if let Some(node) = properties.get("peerName") {
        key(2, "peer_name", node, resource, faults, output);
    }
    let contacts = properties.items("peerContactDetail", faults);
    if !contacts.is_empty() {
        output.line(2, "peer_contact_detail:", None);
    }
    for node in contacts {
        let Some(contact) = Object::open(node, "a contact", faults) else { continue };
        let role = contact.get("role").and_then(|node| word(node, "role", faults));
        let role = role.unwrap_or(ContactRole::Noc).config_name();
        output.line(3, &format!("- role: {role}"), place(node, file));
        for name in ["email", "phone"] {
            if let Some(node) = contact.get(name) {
                key(4, name, node, resource, faults, output);
            }
        }
    }
    if let Some(node) = properties.get("validationState") {
        let Some(state) = word::<ValidationState>(node, "validationState", faults) else { return };
        output.line(2, &format!("validation_state: {}", state.config_name()), place(node, file));
    }
    note(2, "errorMessage", properties, faults, output);
}

/// Writes peerings.
pub(super) struct Writer<'a> {
    options: &'a Options,
    known: &'a [KnownAsn<'a>],
    registered: Registered,
    names: HashSet<String>,
    pub(super) connections: usize,
    /// The first of Microsoft's IPv4 addresses.
    pub(super) router_id: Option<Ipv4Addr>,
}

impl<'a> Writer<'a> {
    /// With what is registered, which is written under its peerings.
    pub(super) fn new(
        options: &'a Options,
        known: &'a [KnownAsn<'a>],
        resources: &[Resource<'_>],
        registered: Registered,
    ) -> Self {
        let names =
            resources.iter().filter(|r| r.of == Type::Peering).filter_map(|r| r.name.clone()).collect();
        Self { options, known, registered, names, connections: 0, router_id: None }
    }

    /// One peering, with its connections and what is registered under it.
    pub(super) fn peering(&mut self, resource: &Resource<'_>, faults: &mut Faults, output: &mut Output) {
        let properties = &resource.properties;
        if !resource.is_flat() {
            properties.check("a peering", PEERING, faults);
        }
        let Some((kind, inner)) = kind(resource, faults) else { return };
        inner.check("this", if kind == Kind::Direct { DIRECT } else { EXCHANGE }, faults);
        let Some(asn) = self.peer_asn(&inner, resource, faults) else { return };
        let location = properties.text("peeringLocation", faults);
        let name = self.name(resource, kind, asn.value, location);
        let file = &resource.file.path;
        let here = Some(resource.mark.place(file));
        output.line(1, &format!("- name: {}", scalar(&name)), here.clone());
        output.line(2, &format!("kind: {}", kind.config_name()), here.clone());
        if let Some(node) = inner.get("directPeeringType").filter(|_| kind == Kind::Direct)
            && let Some(of) = word::<DirectPeeringType>(node, "directPeeringType", faults)
        {
            output.line(2, &format!("direct_peering_type: {}", of.config_name()), place(node, file));
        }
        let connections = inner.items("connections", faults);
        if let Some(at) = peering_service(&inner, connections, resource, faults) {
            output.line(2, "peering_service: true", Some(at));
        }
        if resource.is_legacy() {
            output.comment(2, "Of the legacy list. Until this is taken away, its ASN, addresses and limits cannot be changed.");
            output.line(2, "legacy: true", here);
        }
        output.line(2, &format!("peer_asn: {}", asn.value), Some(asn.mark.place(file)));
        for (name, ours, of) in
            [("peeringLocation", "peering_location", properties), ("location", "location", &resource.object)]
        {
            if let Some(node) = of.get(name) {
                key(2, ours, node, resource, faults, output);
            }
        }
        tags(resource, faults, output);
        if let Some(node) = properties.get("connectivityProbes") {
            probes(node, faults, output);
        }
        self.append_registered(connections, resource, faults, output);
        if connections.is_empty() {
            return;
        }
        output.line(2, "connections:", None);
        for (node, number) in connections.iter().zip(1..) {
            self.connections += 1;
            let name = format!("{}-{number}", name.get(..name.len().min(60)).unwrap_or(&name));
            self.connection((node, &name, kind), resource, faults, output);
        }
    }

    /// What is registered under it: as comments where none of its connections is Active, since the config would be refused.
    fn append_registered(
        &mut self,
        connections: &[Node],
        resource: &Resource<'_>,
        faults: &mut Faults,
        output: &mut Output,
    ) {
        let Some(name) = resource.name.as_deref() else { return };
        let Some(Lists { registered, services }) = self.registered.take(name) else { return };
        let active = ConnectionState::Active.azure_name();
        let state = |node| Object::peek_open(node).and_then(|connection| connection.peek("connectionState"));
        let is_active = |node| state(node).is_some_and(|word| word.eq_ignore_ascii_case(active));
        if registered.is_empty() || connections.iter().any(is_active) {
            output.append(registered);
        } else {
            let fix = "take the # away once a connection is Active";
            let what = format!(
                "what is registered under {} stays as comments: none of its connections is Active",
                shown(name)
            );
            faults.warning(resource.mark, what, fix);
            output.append_commented(registered);
        }
        output.append(services);
    }

    /// Its own name, or, of the legacy list, one that is made of what it is.
    fn name(&mut self, resource: &Resource<'_>, kind: Kind, asn: Asn, location: Option<&str>) -> String {
        if let Some(name) = &resource.name {
            return name.clone();
        }
        let made = match location {
            Some(location) => format!("AS{asn}-{location}-{}", kind.config_name()),
            None => format!("AS{asn}-{}", kind.config_name()),
        };
        let made: String =
            made.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(50).collect();
        let mut name = made.clone();
        for number in 2_u32.. {
            if self.names.insert(name.clone()) {
                break;
            }
            name = format!("{made}-{number}");
        }
        name
    }

    /// The partner's ASN, which a peering refers to.
    fn peer_asn(&self, inner: &Object<'_>, resource: &Resource<'_>, faults: &mut Faults) -> Option<At<Asn>> {
        let reference = inner.object("peerAsn", faults);
        let node = reference.and_then(|reference| reference.get("id"));
        let Some(node) = node else {
            if let Some(value) = self.options.asn {
                return Some(At { value, mark: resource.mark });
            }
            let fix = "say it by --peer-asn ASN, which holds for every peering that names none";
            faults.error(resource.mark, "the peering does not say whose it is: it has no peerAsn.id", fix);
            return None;
        };
        let At { value: id, mark } = read_node(node, "peerAsn.id", faults, values::words)?;
        let name = id.rsplit('/').next().unwrap_or_default();
        let said = self.options.peer_asns.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let read = self.known.iter().find(|known| known.name.eq_ignore_ascii_case(name));
        let in_name =
            || name.get(..2).filter(|head| head.eq_ignore_ascii_case("as")).and(name.get(2..)?.parse().ok());
        let asn = said.map(|(_, asn)| *asn).or(read.map(|known| known.asn.value)).or(in_name().map(Asn));
        if asn.is_none() {
            let what = format!("the number of the peer ASN {} is not known", shown(name));
            let fix = format!("give the file of that PeerAsn too, or say --peer-asn {}=ASN", shown(name));
            faults.error(mark, what, fix);
        }
        asn.map(|value| At { value, mark })
    }

    fn connection(
        &mut self,
        (node, name, kind): (&Node, &str, Kind),
        resource: &Resource<'_>,
        faults: &mut Faults,
        output: &mut Output,
    ) {
        let Some(connection) = Object::open(node, "a connection", faults) else { return };
        connection.check("a connection", CONNECTION, faults);
        let file = &resource.file.path;
        output.line(3, &format!("- name: {}", scalar(name)), place(node, file));
        let state = state(&connection, faults);
        let at = connection.get("connectionState").unwrap_or(node);
        output.line(4, &format!("connection_state: {}", state.config_name()), place(at, file));
        error_message(&connection, state, resource, faults, output);
        note(4, "microsoftTrackingId", &connection, faults, output);
        if let Some(node) = bandwidth(&connection) {
            key(4, "bandwidth_in_mbps", node, resource, faults, output);
        }
        if let Some(node) = connection.get("sessionAddressProvider")
            && let Some(provider) = word::<SessionAddressProvider>(node, "sessionAddressProvider", faults)
        {
            output.line(
                4,
                &format!("session_address_provider: {}", provider.config_name()),
                place(node, file),
            );
        }
        for (azure, ours) in [
            ("peeringDBFacilityId", "peering_db_facility_id"),
            ("connectionIdentifier", "connection_identifier"),
        ] {
            if let Some(node) = connection.get(azure) {
                key(4, ours, node, resource, faults, output);
            }
        }
        if let Some(session) = connection.object("bgpSession", faults) {
            let ours = session::session(&session, (kind, state), resource, faults, output);
            self.router_id = self.router_id.or(ours);
        }
    }
}

/// The kind of a peering, and the object that has what is particular to it.
fn kind<'d>(resource: &Resource<'d>, faults: &mut Faults) -> Option<(Kind, Object<'d>)> {
    let direct = resource.properties.object("direct", faults);
    let exchange = resource.properties.object("exchange", faults);
    let said = match resource.object.get("kind") {
        Some(node) => Some((word(node, "kind", faults)?, node.mark)),
        None => None,
    };
    let (inner, of) = match (said, direct, exchange) {
        (Some((Kind::Direct, _)) | None, Some(direct), None) => (direct, Kind::Direct),
        (Some((Kind::Exchange, _)) | None, None, Some(exchange)) => (exchange, Kind::Exchange),
        (Some((Kind::Direct, _)), Some(direct), Some(_)) => (direct, Kind::Direct),
        (Some((Kind::Exchange, _)), Some(_), Some(exchange)) => (exchange, Kind::Exchange),
        (Some((kind, mark)), _, _) => {
            let name = kind.name().to_lowercase();
            faults.error(
                mark,
                format!("the peering is of kind {}, and has no {name}", kind.name()),
                format!("add {name}, or mend kind"),
            );
            return None;
        }
        (None, _, _) => {
            faults.error(resource.mark, "kind is missing in a peering", "write Direct or Exchange");
            return None;
        }
    };
    Some((of, inner))
}

/// Where it is said that the peering is used for Peering Service, if it is: of the peering, or of its connections.
fn peering_service(
    inner: &Object<'_>,
    connections: &[Node],
    resource: &Resource<'_>,
    faults: &mut Faults,
) -> Option<Place> {
    let mut flags: Vec<At<bool>> = Vec::new();
    for node in connections {
        let Some(flag) =
            Object::open(node, "a connection", faults).and_then(|c| c.get("useForPeeringService"))
        else {
            continue;
        };
        flags.extend(read_node(flag, "useForPeeringService", faults, values::boolean));
    }
    if let Some(other) =
        flags.iter().find(|flag| flags.first().is_some_and(|first| first.value != flag.value))
    {
        let fix = "divide the peering in two, or check that all its connections are meant";
        faults.warning(
            other.mark,
            "connections differ in useForPeeringService, which here holds for all of a peering",
            fix,
        );
    }
    let whole = inner.get("useForPeeringService");
    let whole = whole.and_then(|node| read_node(node, "useForPeeringService", faults, values::boolean));
    let used = whole.into_iter().chain(flags).find(|flag| flag.value)?;
    Some(used.mark.place(&resource.file.path))
}

fn tags(resource: &Resource<'_>, faults: &mut Faults, output: &mut Output) {
    let Some(tags) = resource.object.object("tags", faults) else { return };
    if tags.entries().is_empty() {
        return;
    }
    output.line(2, "tags:", None);
    for tag in tags.entries() {
        if let Some(text) = value(&tag.node, &shown(&tag.key), faults) {
            output.line(3, &format!("{}: {text}", scalar(&tag.key)), place(&tag.node, &resource.file.path));
        }
    }
}

/// They stay as comments alone.
fn probes(node: &Node, faults: &mut Faults, output: &mut Output) {
    let Value::List(items) = &node.value else {
        let what = format!("connectivityProbes is {}, and should be an array", node.shown());
        return faults.error(node.mark, what, "write one");
    };
    if items.is_empty() {
        return;
    }
    faults.warning(
        node.mark,
        "connectivityProbes are not taken over, and stay as comments",
        "probe by other means: peeringd sends BGP only",
    );
    for item in items {
        let Some(probe) = Object::open(item, "a connectivity probe", faults) else { continue };
        probe.check("a connectivity probe", PROBE, faults);
        let said = ["endpoint", "azureRegion", "protocol"].map(|field| probe.text(field, faults));
        let said: Vec<&str> = said.into_iter().flatten().collect();
        output.comment(2, &format!("connectivityProbe: {}", said.join(", ")));
    }
}

/// The state as it is in Azure; a connection of which none is said has only been asked for.
fn state(connection: &Object<'_>, faults: &mut Faults) -> ConnectionState {
    let Some(node) = connection.get("connectionState") else {
        let fix = "write it into the config, where it should be another";
        faults.warning(
            connection.mark,
            "the connection has no connectionState and is taken for PendingApproval",
            fix,
        );
        return ConnectionState::PendingApproval;
    };
    let state = word(node, "connectionState", faults);
    state.unwrap_or(ConnectionState::PendingApproval)
}

/// What was asked for, or, as the legacy list has it, what is provisioned; of 0 there is nothing to say.
fn bandwidth<'d>(connection: &Object<'d>) -> Option<&'d Node> {
    let is_some = |node: &&Node| node.value != Value::Integer(0);
    let asked = connection.get("bandwidthInMbps").filter(is_some);
    asked.or_else(|| connection.get("provisionedBandwidthInMbps").filter(is_some))
}

/// Why it failed: a key where the config has one for it.
fn error_message(
    connection: &Object<'_>,
    state: ConnectionState,
    resource: &Resource<'_>,
    faults: &mut Faults,
    output: &mut Output,
) {
    let has_key = matches!(state, ConnectionState::ProvisioningFailed | ConnectionState::ExternalBlocker);
    match connection.get("errorMessage").filter(|node| has_key && values::words(node).is_ok()) {
        Some(node) => key(4, "error_message", node, resource, faults, output),
        None => note(4, "errorMessage", connection, faults, output),
    }
}

/// A fact that has no key, as a comment.
fn note(indent: usize, name: &str, object: &Object<'_>, faults: &mut Faults, output: &mut Output) {
    if let Some(text) = object.text(name, faults) {
        output.comment(indent, &format!("{name}: {}", text.chars().take(500).collect::<String>()));
    }
}

/// One of Azure's words.
fn word<T: AzureEnum>(node: &Node, name: &str, faults: &mut Faults) -> Option<T> {
    let At { value: word, mark } = read_node(node, name, faults, values::words)?;
    let found = T::all().iter().copied().find(|value| value.azure_name().eq_ignore_ascii_case(&word));
    if found.is_none() {
        let names: Vec<_> = T::all().iter().map(|value| value.azure_name()).collect();
        let what = format!("{name} \"{}\" is unknown", shown(&word));
        faults.error(mark, what, format!("write one of {}", names.join(", ")));
    }
    found
}
