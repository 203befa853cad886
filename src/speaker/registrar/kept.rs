//! What registrations leave on disk: keys and verdicts in `registered.json`, events in `events.json`.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::events::Events;
use super::keys::{Owner, RemovedKey};
use crate::config::{Plan, Registration, registration_refusals};
use crate::peering::{Event, PrefixValidationState, Presence, ServiceVerdict, Verdict};
use crate::rib::Findings;
use crate::speaker::store::{StateError, Store};
use crate::wire::Asn;

const REGISTERED: &str = "registered.json";
const EVENTS: &str = "events.json";

/// A registered prefix.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptPrefix {
    pub(super) peering: Arc<str>,
    /// Whose peering that was; a state from before this was noted does not say.
    #[serde(default)]
    pub(super) partner: Option<Asn>,
    pub(super) prefix: IpNet,
    pub(super) key: Option<Arc<str>>,
    #[serde(flatten)]
    pub(super) verdict: Verdict,
    pub(super) presence: Presence,
}

/// A registered ASN, of the partner who gives its key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptAsn {
    pub(super) asn: Asn,
    pub(super) partner: Asn,
    pub(super) key: Arc<str>,
}

/// A Peering Service prefix.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptServicePrefix {
    pub(super) peering: Arc<str>,
    pub(super) prefix: IpNet,
    #[serde(flatten)]
    pub(super) verdict: ServiceVerdict,
    pub(super) presence: Presence,
}

/// `registered.json`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct KeptRegistrations {
    pub(super) registered_prefixes: Vec<KeptPrefix>,
    pub(super) registered_asns: Vec<KeptAsn>,
    pub(super) peering_service_prefixes: Vec<KeptServicePrefix>,
    /// Keys of what is registered no more.
    #[serde(default)]
    pub(super) removed_keys: Vec<RemovedKey>,
}

/// The state of registrations as the life before left it, and where it is kept.
#[derive(Debug, Default)]
pub struct KeptState {
    /// Where nothing outlives the process: none.
    pub(super) store: Option<Store>,
    pub(super) registrations: KeptRegistrations,
    pub(super) events: Vec<Event>,
}

impl KeptState {
    /// Reads what there is in a state folder.
    ///
    /// # Errors
    /// Where a file is there and cannot be read: it is not taken for empty.
    pub fn read(state_dir: &Path) -> Result<Self, StateError> {
        let store = Store::new(state_dir);
        Ok(Self {
            registrations: store.read(REGISTERED)?.unwrap_or_default(),
            events: store.read(EVENTS)?.unwrap_or_default(),
            store: Some(store),
        })
    }

    /// Why a config cannot follow on it: what it would register without an Active connection.
    #[must_use]
    pub fn refusals(&self, plan: &Plan) -> Findings {
        let KeptRegistrations { registered_prefixes, registered_asns, .. } = &self.registrations;
        let is_registered = |kept: &&KeptPrefix| kept.verdict.state != PrefixValidationState::None;
        let prefixes = registered_prefixes.iter().filter(is_registered);
        let prefixes: HashSet<(&str, IpNet)> = prefixes.map(|kept| (&*kept.peering, kept.prefix)).collect();
        let asns: HashSet<(Asn, Asn)> = registered_asns.iter().map(|kept| (kept.partner, kept.asn)).collect();
        Findings(registration_refusals(plan, |peering, what| match what {
            Registration::Prefix(prefix) => prefixes.contains(&(&*peering.name, prefix)),
            Registration::Asn(asn) => asns.contains(&(peering.peer_asn, asn)),
        }))
    }

    /// The events that the life before recorded.
    pub(in crate::speaker) fn events(&self) -> Vec<Event> {
        self.events.clone()
    }

    /// Nothing from before, and nothing kept: for what is over when the process is.
    #[must_use]
    pub fn nowhere() -> Self {
        Self::default()
    }
}

/// What is to be written.
#[derive(Debug)]
pub(super) struct ToKeep {
    pub(super) registrations: Option<KeptRegistrations>,
    /// As the log is when it is written: taking it takes its time too.
    pub(super) events: Option<Events>,
}

/// What of it could not be written.
#[derive(Debug)]
pub(super) struct NotKept {
    pub(super) error: String,
    /// Registrations are on disk as they were to be, or none were to be written.
    pub(super) has_registrations: bool,
}

impl ToKeep {
    /// Writes it. Waits for the disk.
    pub(super) fn write(&self, store: &Store) -> Result<(), NotKept> {
        let not_kept = |has_registrations| {
            move |error: StateError| NotKept { error: error.to_string(), has_registrations }
        };
        if let Some(registrations) = &self.registrations {
            store.write(REGISTERED, registrations).map_err(not_kept(false))?;
        }
        if let Some(events) = &self.events {
            store.write(EVENTS, &events.list()).map_err(not_kept(true))?;
        }
        Ok(())
    }
}

/// What a life before left, to be found by what the plan lists.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) prefixes: HashMap<(Arc<str>, IpNet), KeptPrefix>,
    pub(super) asns: HashMap<(Asn, Asn), Arc<str>>,
    pub(super) service_prefixes: HashMap<(Arc<str>, IpNet), KeptServicePrefix>,
}

impl From<KeptRegistrations> for Found {
    fn from(kept: KeptRegistrations) -> Self {
        let prefixes = kept.registered_prefixes.into_iter();
        let service_prefixes = kept.peering_service_prefixes.into_iter();
        Self {
            prefixes: prefixes.map(|kept| ((kept.peering.clone(), kept.prefix), kept)).collect(),
            asns: kept.registered_asns.into_iter().map(|k| ((k.partner, k.asn), k.key)).collect(),
            service_prefixes: service_prefixes
                .map(|kept| ((kept.peering.clone(), kept.prefix), kept))
                .collect(),
        }
    }
}

impl Found {
    /// What there is of a prefix that a partner registers under a peering. What another partner had under a peering of
    /// that name is none of it.
    pub(super) fn take_prefix(
        &mut self,
        peering: &Arc<str>,
        partner: Asn,
        prefix: IpNet,
    ) -> Option<KeptPrefix> {
        let id = (peering.clone(), prefix);
        let is_its = |kept: &KeptPrefix| kept.partner.is_none_or(|of| of == partner);
        self.prefixes.get(&id).is_some_and(is_its).then(|| self.prefixes.remove(&id)).flatten()
    }

    /// The keys of all that nobody took, with whose they were; where the state does not say, whose the peering is now.
    pub(super) fn into_keys(self, plan: &Plan) -> impl Iterator<Item = (Owner, Arc<str>)> {
        let partners: HashMap<Arc<str>, Asn> =
            plan.peerings.iter().map(|peering| (peering.name.clone(), peering.peer_asn)).collect();
        let prefixes = self.prefixes.into_values().filter_map(
            move |KeptPrefix { peering, partner, prefix, key, .. }| {
                let partner = partner.or_else(|| partners.get(&peering).copied())?;
                Some((Owner::Prefix { peering, partner, prefix }, key?))
            },
        );
        let asns = self.asns.into_iter().map(|((partner, asn), key)| (Owner::Asn { partner, asn }, key));
        prefixes.chain(asns)
    }
}
