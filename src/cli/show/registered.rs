//! Registrations and events as a person sees them.

use serde::Deserialize;

use super::listing::{Asked, View};
use crate::cli::client::encoded;

/// Which rows are wanted, as the arguments of a list say it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Only {
    /// Those of this prefix.
    prefix: Option<String>,
    /// Those of this peering.
    #[arg(long, value_name = "NAME")]
    peering: Option<String>,
}

impl Only {
    fn url(&self, path: &str) -> String {
        let prefix = self.prefix.as_ref().map(|prefix| format!("prefix={}", encoded(prefix)));
        let peering = self.peering.as_ref().map(|peering| format!("peering={}", encoded(peering)));
        let pairs: Vec<String> = prefix.into_iter().chain(peering).collect();
        if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
    }

    /// The list of a path, whose prefixes are called so. A prefix that was asked for and is not there is an error; an
    /// empty list is not.
    pub(super) fn of(&self, path: &str, what: &str) -> Asked {
        Asked {
            url: self.url(path),
            none: self.prefix.as_ref().map(|prefix| format!("{prefix} is no {what}")),
        }
    }
}

/// Which registered ASNs are wanted.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct OfPeering {
    /// Those of this peering.
    #[arg(long, value_name = "NAME")]
    peering: Option<String>,
}

impl From<&OfPeering> for Only {
    fn from(of: &OfPeering) -> Self {
        Self { prefix: None, peering: of.peering.clone() }
    }
}

/// An Azure resource of a list.
#[derive(Deserialize)]
pub(super) struct Resource<P> {
    peering: String,
    properties: P,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisteredPrefix {
    prefix: String,
    prefix_validation_state: String,
    peering_service_prefix_key: Option<String>,
    error_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisteredAsn {
    asn: u32,
    peering_service_prefix_key: Option<String>,
    provisioning_state: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServicePrefix {
    prefix: String,
    prefix_validation_state: String,
    learned_type: String,
    error_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    event_timestamp: String,
    event_type: String,
    event_summary: String,
    event_level: String,
    event_description: String,
    peering: String,
    connection: Option<String>,
}

pub(super) const PREFIXES: View<Resource<RegisteredPrefix>, 5> = View {
    head: ["PEERING", "PREFIX", "STATE", "KEY", "ERROR"],
    words: 1,
    cells: |Resource { peering, properties: p }, _| {
        let key = p.peering_service_prefix_key.unwrap_or_else(none);
        [peering, p.prefix, p.prefix_validation_state, key, p.error_message.unwrap_or_default()]
    },
};

pub(super) const ASNS: View<Resource<RegisteredAsn>, 4> = View {
    head: ["PEERING", "ASN", "STATE", "KEY"],
    words: 0,
    cells: |Resource { peering, properties: a }, _| {
        let key = a.peering_service_prefix_key.unwrap_or_else(none);
        [peering, a.asn.to_string(), a.provisioning_state, key]
    },
};

pub(super) const SERVICE_PREFIXES: View<Resource<ServicePrefix>, 5> = View {
    head: ["PEERING", "PREFIX", "STATE", "LEARNED", "ERROR"],
    words: 1,
    cells: |Resource { peering, properties: p }, _| {
        [peering, p.prefix, p.prefix_validation_state, p.learned_type, p.error_message.unwrap_or_default()]
    },
};

pub(super) const EVENTS: View<Event, 5> = View {
    head: ["AGE", "LEVEL", "EVENT", "OF", "WHAT"],
    words: 1,
    cells: |event, clock| {
        let Event { event_summary, event_description, .. } = event;
        // Where there is more to say than in few words, it is said.
        let what = if event_description.trim_end_matches('.') == event_summary {
            event_summary
        } else {
            format!("{event_summary}: {event_description}")
        };
        let of = event.connection.unwrap_or(event.peering);
        [clock.age(&event.event_timestamp), event.event_level, event.event_type, of, what]
    },
};

fn none() -> String {
    "-".to_owned()
}
