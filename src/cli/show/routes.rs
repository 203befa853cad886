//! Routes of the generation, of what a peer was told and of what it announced, as rows.

use serde::Deserialize;

use super::clock::Clock;
use super::listing::View;
use crate::wire::Community;

#[derive(Deserialize)]
struct Since {
    generation: u32,
    time: String,
}

/// A route of whichever list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Route {
    prefix: String,
    #[serde(default)]
    path_id: u32,
    next_hop: Option<String>,
    as_path: Option<String>,
    origin: Option<String>,
    med: Option<u32>,
    #[serde(default)]
    communities: Option<Vec<String>>,
    #[serde(default)]
    extended_communities: Option<Vec<String>>,
    #[serde(default)]
    large_communities: Option<Vec<String>>,
    since: Option<Since>,
    received_timestamp: Option<String>,
    #[serde(default)]
    accepted: bool,
    #[serde(default)]
    reasons: Vec<String>,
    origin_as_validation_state: Option<String>,
    rpki_validation_state: Option<String>,
    only_to_customer: Option<u32>,
    #[serde(default)]
    is_leak: bool,
    source: Option<String>,
    file: Option<String>,
    line: Option<u32>,
    #[serde(default)]
    stale: bool,
    #[serde(default)]
    peering_locations: Vec<String>,
    #[serde(default)]
    peerings: Vec<String>,
}

pub(super) const ROUTES: View<Route, 6> = View {
    head: ["PREFIX", "AS PATH", "SINCE", "FROM", "ATTRIBUTES", "SOURCE"],
    words: 0,
    cells: |r, clock| [r.prefix.clone(), r.path(), r.since(clock), r.place(), r.attributes(), r.source()],
};

pub(super) const ADVERTISED: View<Route, 7> = View {
    head: ["PREFIX", "NEXT HOP", "AS PATH", "SINCE", "FROM", "ATTRIBUTES", "SOURCE"],
    words: 0,
    cells: |r, clock| {
        let (path, since, place) = (r.path(), r.since(clock), r.place());
        [r.prefix.clone(), text(&r.next_hop), path, since, place, r.attributes(), r.source()]
    },
};

pub(super) const RECEIVED: View<Route, 6> = View {
    head: ["PREFIX", "NEXT HOP", "AGE", "AS PATH", "ACCEPTED", "ATTRIBUTES"],
    words: 0,
    cells: |r, clock| {
        let age = r.received_timestamp.as_deref().map(|t| clock.age(t)).unwrap_or_default();
        let (path, accepted) = (r.path(), r.accepted());
        [r.prefix.clone(), text(&r.next_hop), age, path, accepted, r.attributes()]
    },
};

fn text(value: &Option<String>) -> String {
    value.clone().unwrap_or_else(|| "-".to_owned())
}

impl Route {
    fn path(&self) -> String {
        text(&self.as_path)
    }

    /// Or why not.
    fn accepted(&self) -> String {
        if self.accepted { "yes".to_owned() } else { format!("no: {}", self.reasons.join("; ")) }
    }

    /// What registries know of the origin, where they know it.
    fn known(&self) -> impl Iterator<Item = String> {
        let known = [("irr", &self.origin_as_validation_state), ("rpki", &self.rpki_validation_state)];
        let known = known.into_iter().filter_map(|(by, state)| Some((by, state.as_deref()?)));
        known.filter(|(_, state)| *state != "Unknown").map(|(by, state)| format!("{by} {state}"))
    }

    fn since(&self, clock: &Clock) -> String {
        self.since
            .as_ref()
            .map_or_else(|| "-".to_owned(), |s| format!("#{} {}", s.generation, clock.age(&s.time)))
    }

    fn place(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (_, _) => "-".to_owned(),
        }
    }

    /// What is not as in a plain route, in few words.
    fn attributes(&self) -> String {
        let mut parts = Vec::new();
        if self.stale {
            parts.push("stale".to_owned());
        }
        if self.path_id != 0 {
            parts.push(format!("path {}", self.path_id));
        }
        parts.extend(self.known());
        parts.extend(self.origin.clone().filter(|o| o != "igp"));
        // Of what a peer sent, 0 is what policy makes of every MED.
        let is_received = self.received_timestamp.is_some();
        parts.extend(self.med.filter(|med| !is_received || *med != 0).map(|med| format!("med {med}")));
        if self.is_leak {
            parts.push("leak".to_owned());
        }
        parts.extend(self.only_to_customer.map(|asn| format!("otc {asn}")));
        let graceful_shutdown = Community::GRACEFUL_SHUTDOWN.to_string();
        for list in [&self.communities, &self.extended_communities, &self.large_communities] {
            parts.extend(list.iter().flatten().map(|community| {
                if *community == graceful_shutdown {
                    "graceful-shutdown".to_owned()
                } else {
                    community.clone()
                }
            }));
        }
        for (word, only) in [("only at", &self.peering_locations), ("only on", &self.peerings)] {
            if !only.is_empty() {
                parts.push(format!("{word} {}", only.join(", ")));
            }
        }
        parts.join(" ")
    }

    fn source(&self) -> String {
        self.source.clone().unwrap_or_default()
    }
}
