//! What partners and their customers register: where they may, how long it may be, and that it is nobody else's.

use std::collections::HashMap;
use std::sync::Arc;

use ipnet::IpNet;

use super::PeeringPlan;
use super::faults::{At, Faults};
use super::locations::Locations;
use super::setting::{Setting, asn_refusal};
use super::written::Peering;
use crate::peering::{DirectPeeringType, Kind, ResourceName};
use crate::rib::load::events::Mark;
use crate::rib::special;
use crate::wire::Asn;

/// The longest IPv4 prefix that is announced everywhere.
const LONGEST_ANNOUNCED: u8 = 24;

/// What the config says of what may be registered.
#[derive(Clone, Copy)]
pub(super) struct Registering {
    /// Our ASN.
    pub(super) us: Asn,
    pub(super) setting: Setting,
    /// IPv4 prefixes longer than /24 may be, but on voice peerings.
    pub(super) takes_longer: bool,
}

/// All that is registered, of every peering, for what holds between them.
#[derive(Default)]
pub(super) struct Registered {
    prefixes: Vec<Entry>,
    service_prefixes: Vec<Entry>,
    asns: HashMap<Asn, (Mark, Arc<str>, Asn)>,
    locations: Locations,
}

struct Entry {
    prefix: IpNet,
    mark: Mark,
    peering: Arc<str>,
}

impl Registered {
    /// Checks what one peering registers.
    pub(super) fn peering(
        &mut self,
        written: &Peering,
        plan: &PeeringPlan,
        registering: Registering,
        faults: &mut Faults,
    ) {
        // What looks missing may be there, and wrong.
        if !written.broken {
            supported(written, plan, faults);
        }
        names(written, faults);
        self.locations.peering(written, plan);
        let entry = |prefix: IpNet, mark: Mark| Entry { prefix, mark, peering: plan.name.clone() };
        for At { value, mark } in &written.registered_prefixes {
            public(value.prefix, *mark, registering.setting, faults);
            length(value.prefix, *mark, plan, registering, faults);
            self.prefixes.push(entry(value.prefix, *mark));
        }
        for At { value, mark } in &written.peering_service_prefixes {
            public(value.prefix, *mark, registering.setting, faults);
            let primary = value.primary_location.as_ref().or(plan.peering_location.as_ref());
            if primary.is_some() && primary == value.backup_location.as_ref() {
                let what = format!("the primary and the backup location of {} are one", value.prefix);
                faults.error(*mark, what, "name another backup_location, or leave it out");
            }
            self.service_prefixes.push(entry(value.prefix, *mark));
        }
        for At { value, mark } in &written.registered_asns {
            if value.asn == registering.us {
                let fix =
                    "register the ASN of the partner's customer: whatever has ours as its origin is our own";
                faults.error(*mark, format!("registered ASN {} is our own", value.asn), fix);
            } else if let Some((why, fix)) = asn_refusal(value.asn, registering.setting) {
                faults.error(*mark, format!("registered ASN {} is {why}", value.asn), fix);
            }
            self.asn(value.asn, *mark, plan, faults);
        }
    }

    /// A customer's ASN has one key, which one partner gives it, at whichever of its exchanges.
    fn asn(&mut self, asn: Asn, mark: Mark, plan: &PeeringPlan, faults: &mut Faults) {
        let holder = self.asns.entry(asn).or_insert_with(|| (mark, plan.name.clone(), plan.peer_asn));
        let (first, peering, partner) = holder;
        if *partner != plan.peer_asn {
            let what =
                format!("the registered ASN {asn} is already that of {peering} at {}", faults.at(*first));
            faults.error(mark, what, "keep one of the two: a registered ASN is of a single partner");
        }
    }

    /// Says what overlaps and which locations nobody has, once the whole config has been seen. O(n log n).
    pub(super) fn check(mut self, faults: &mut Faults) {
        self.locations.check(faults);
        let fix = "keep one of the two: a prefix is registered under a single peering";
        overlaps(&mut self.prefixes, |a, b| a.peering != b.peering, fix, faults);
        let fix = "keep one of the two: a prefix is in a single customer's Peering Service";
        overlaps(
            &mut self.service_prefixes,
            |a, b| a.peering != b.peering || a.prefix != b.prefix,
            fix,
            faults,
        );
    }
}

/// A name is that of one resource of a kind, whatever the case it is written in: Azure finds resources by it.
fn names(written: &Peering, faults: &mut Faults) {
    let prefixes = written.registered_prefixes.iter().map(|at| (at.value.resource_name(), at.mark));
    named_once(prefixes, "registered prefix", faults);
    let asns = written.registered_asns.iter().map(|at| (at.value.resource_name(), at.mark));
    named_once(asns, "registered ASN", faults);
    let prefixes = written.peering_service_prefixes.iter().map(|at| (at.value.resource_name(), at.mark));
    named_once(prefixes, "Peering Service prefix", faults);
}

/// What has no name is called by its prefix or ASN: of such, only those that stand twice have one name, which is said.
fn named_once(listed: impl Iterator<Item = (ResourceName, Mark)>, what: &str, faults: &mut Faults) {
    let mut seen: HashMap<String, (bool, Mark)> = HashMap::new();
    for (ResourceName { name, is_given }, mark) in listed {
        let Some((first_is_given, first)) = seen.insert(name.to_lowercase(), (is_given, mark)) else {
            continue;
        };
        if is_given || first_is_given {
            let what = format!("the {what} name {name} is already used at {}", faults.at(first));
            faults.error(mark, what, "give each of them in a peering a name of its own");
        }
    }
}

/// An error for each prefix that is within another one, where the two may not be.
fn overlaps(entries: &mut [Entry], is_wrong: fn(&Entry, &Entry) -> bool, fix: &str, faults: &mut Faults) {
    // What covers a prefix stands before it, and nothing else stands between the two that does not lie in it as well.
    entries.sort_by_key(|entry| (entry.prefix, entry.mark.line, entry.mark.column));
    let mut covers: Vec<&Entry> = Vec::new();
    for entry in &*entries {
        while covers.last().is_some_and(|cover| !cover.prefix.contains(&entry.prefix)) {
            covers.pop();
        }
        if let Some(cover) = covers.iter().rev().find(|cover| is_wrong(cover, entry)) {
            let what = format!(
                "{}: Prefix overlaps with an existing prefix: {} of {} at {}",
                entry.prefix,
                cover.prefix,
                cover.peering,
                faults.at(cover.mark)
            );
            faults.error(entry.mark, what, fix);
        }
        covers.push(entry);
    }
}

/// Only where the peering is used for Peering Service anything can be registered.
fn supported(written: &Peering, plan: &PeeringPlan, faults: &mut Faults) {
    let firsts = [
        ("registered_prefixes", written.registered_prefixes.first().map(|at| at.mark)),
        ("registered_asns", written.registered_asns.first().map(|at| at.mark)),
        ("peering_service_prefixes", written.peering_service_prefixes.first().map(|at| at.mark)),
    ];
    let listed: Vec<_> = firsts.iter().filter_map(|(key, mark)| Some((key, (*mark)?))).collect();
    if !plan.peering_service {
        for (key, mark) in listed {
            let what = format!(
                "{key} on {}, which has peering_service: false \
                 (OperationNotSupported: Operation is not supported for this peering type)",
                plan.name
            );
            faults.error(mark, what, "write peering_service: true there, or remove the list");
        }
        return;
    }
    let has_route_servers = (plan.kind, plan.direct_peering_type) == (Kind::Direct, DirectPeeringType::IxRs);
    if let Some(first) = written.registered_asns.first().filter(|_| !has_route_servers) {
        let what = format!("registered_asns on {}, which is no peering with route servers", plan.name);
        faults.warning(
            first.mark,
            what,
            "they are for direct_peering_type: ix_rs; register the prefixes here",
        );
    }
}

/// Nobody registers what is not theirs to announce.
fn public(prefix: IpNet, mark: Mark, setting: Setting, faults: &mut Faults) {
    let why = special::reason(&prefix).filter(|_| setting == Setting::Live || prefix.prefix_len() == 0);
    if let Some(why) = why {
        let what = format!("Invalid IP prefix {prefix}: it is {why}");
        faults.error(mark, what, "register public space; lab: true allows other");
    }
}

fn is_longer(prefix: IpNet) -> bool {
    matches!(prefix, IpNet::V4(net) if net.prefix_len() > LONGEST_ANNOUNCED)
}

impl PeeringPlan {
    /// A registered prefix that no voice peering takes: IPv4, longer than /24.
    #[must_use]
    pub fn too_long_for_voice(&self) -> Option<IpNet> {
        self.registered_prefixes.iter().map(|registered| registered.prefix).find(|prefix| is_longer(*prefix))
    }
}

/// Azure's documents disagree on IPv4 prefixes longer than /24.
fn length(prefix: IpNet, mark: Mark, plan: &PeeringPlan, registering: Registering, faults: &mut Faults) {
    let is_voice = plan.direct_peering_type == DirectPeeringType::Voice;
    if is_longer(prefix) && (is_voice || !registering.takes_longer) {
        let fix = if is_voice {
            "register the /24: a voice peering takes nothing longer"
        } else {
            "register the /24, or set policy.accept_longer_than_24: true"
        };
        faults.error(mark, format!("Invalid Prefix: {prefix}, must be /24 or shorter"), fix);
    }
}
