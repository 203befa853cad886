//! Registrations and events as a person sees them.

use std::io::Write;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::view::Clock;
use super::{Show, WINDOW};
use crate::cli::client::{ClientError, encoded};
use crate::cli::table::Columns;

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

    /// A prefix that was asked for and is not there is an error; an empty list is not.
    fn none_found(&self, of: &str) -> Result<(), ClientError> {
        match &self.prefix {
            Some(prefix) => Err(ClientError::NotThere(format!("{prefix} is no {of}"))),
            None => Ok(()),
        }
    }
}

/// On a terminal narrower than this, the last column of a list stands below its row.
const WIDE: usize = 120;

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

/// How rows of one list are shown.
pub(super) struct View<T, const N: usize> {
    path: &'static str,
    /// What a row is.
    of: &'static str,
    head: [&'static str; N],
    /// The last column is words, which a narrow terminal has below the row.
    ends_in_words: bool,
    cells: fn(T, &Clock) -> [String; N],
}

pub(super) const PREFIXES: View<Resource<RegisteredPrefix>, 5> = View {
    path: "/api/v1/registeredPrefixes",
    of: "registered prefix",
    head: ["PEERING", "PREFIX", "STATE", "KEY", "ERROR"],
    ends_in_words: true,
    cells: |Resource { peering, properties: p }, _| {
        let key = p.peering_service_prefix_key.unwrap_or_else(none);
        [peering, p.prefix, p.prefix_validation_state, key, p.error_message.unwrap_or_default()]
    },
};

pub(super) const ASNS: View<Resource<RegisteredAsn>, 4> = View {
    path: "/api/v1/registeredAsns",
    of: "registered ASN",
    head: ["PEERING", "ASN", "STATE", "KEY"],
    ends_in_words: false,
    cells: |Resource { peering, properties: a }, _| {
        let key = a.peering_service_prefix_key.unwrap_or_else(none);
        [peering, a.asn.to_string(), a.provisioning_state, key]
    },
};

pub(super) const SERVICE_PREFIXES: View<Resource<ServicePrefix>, 5> = View {
    path: "/api/v1/peeringServicePrefixes",
    of: "Peering Service prefix",
    head: ["PEERING", "PREFIX", "STATE", "LEARNED", "ERROR"],
    ends_in_words: true,
    cells: |Resource { peering, properties: p }, _| {
        [peering, p.prefix, p.prefix_validation_state, p.learned_type, p.error_message.unwrap_or_default()]
    },
};

pub(super) const EVENTS: View<Event, 5> = View {
    path: "/api/v1/events",
    of: "prefix that events are of",
    head: ["AGE", "LEVEL", "EVENT", "OF", "WHAT"],
    ends_in_words: true,
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

impl Show {
    /// A list of registrations or events.
    pub(super) async fn registered<T: DeserializeOwned, const N: usize>(
        &self,
        view: View<T, N>,
        only: &Only,
        out: &mut impl Write,
    ) -> Result<(), ClientError> {
        let url = only.url(view.path);
        if self.json {
            return if self.json(&url, out).await? == 0 { only.none_found(view.of) } else { Ok(()) };
        }
        let mut rows = self.client.rows(&url).await?;
        let is_narrow = view.ends_in_words && self.eye.terminal.is_some_and(|width| width < WIDE);
        let mut head = view.head;
        if let Some(last) = head.last_mut().filter(|_| is_narrow) {
            *last = "";
        }
        let mut columns = Columns::new(head, self.eye.terminal);
        let mut window = rows.next(WINDOW).await?;
        if window.is_empty() {
            only.none_found(view.of)?;
            return Ok(columns.print(&[], out)?);
        }
        while !window.is_empty() {
            let (mut cells, mut notes) = (Vec::with_capacity(window.len()), Vec::new());
            for row in window {
                let mut row = (view.cells)(serde_json::from_slice(&row)?, &self.eye.clock);
                if let Some(last) = row.last_mut().filter(|_| is_narrow) {
                    notes.push(std::mem::take(last));
                }
                cells.push(row);
            }
            columns.print_noted(&cells, &notes, out)?;
            window = rows.next(WINDOW).await?;
        }
        Ok(())
    }
}
