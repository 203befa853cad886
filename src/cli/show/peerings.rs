//! `show peerings`: each with its connections, whose states are not those of their sessions.

use std::collections::HashMap;

use serde::Deserialize;

use super::connections::{Connection, Session};
use super::peer_asns::PeerAsn;
use super::view::laid_out;
use crate::cli::table::printable;

const HEAD: [&str; 9] = [
    "PEERING",
    "TYPE",
    "ASN",
    "LOCATION",
    "PEERING SERVICE",
    "CONNECTION",
    "STATE",
    "SESSIONS",
    "AVAILABILITY",
];

/// Azure's Peering, as far as the table goes.
#[derive(Deserialize)]
pub(super) struct Peering {
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    direct: Option<Inner>,
    exchange: Option<Inner>,
    peering_location: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inner {
    peer_asn: SubResource,
    direct_peering_type: Option<String>,
    #[serde(default)]
    use_for_peering_service: bool,
}

#[derive(Deserialize)]
struct SubResource {
    id: String,
}

/// The table, and below it what peerings lack.
pub(super) fn table(
    peerings: &[Peering],
    peer_asns: &[PeerAsn],
    connections: &[Connection],
    terminal: Option<usize>,
) -> String {
    let asns: HashMap<&str, u32> =
        peer_asns.iter().map(|of| (of.id.as_str(), of.properties.peer_asn)).collect();
    let mut of_peering: HashMap<&str, Vec<&Connection>> = HashMap::new();
    for connection in connections {
        of_peering.entry(&connection.peering).or_default().push(connection);
    }
    let (mut rows, mut notes) = (Vec::new(), Vec::new());
    for peering in peerings {
        let own = of_peering.get(peering.name.as_str()).map_or([].as_slice(), Vec::as_slice);
        let head = peering.cells(&asns);
        let names = std::iter::once(head).chain(std::iter::repeat_with(Default::default));
        let first = own.first().copied();
        let links = std::iter::once(first).chain(own.iter().skip(1).map(|connection| Some(*connection)));
        rows.extend(names.zip(links).map(|(head, link)| row(head, link)));
        notes.extend(first.and_then(|connection| peering.note(connection)));
    }
    let mut text = laid_out(&HEAD, rows.iter(), None);
    if let Some(width) = terminal.filter(|width| text.lines().any(|line| line.chars().count() > *width)) {
        text = narrow(&rows, width);
    }
    if !notes.is_empty() {
        text.push('\n');
        text.push_str(&laid_out(&["PEERING", "FINDINGS"], notes.iter(), terminal));
    }
    text
}

/// Peerings and connections apart; what may be folded stands in the first two columns.
fn narrow(rows: &[[String; 9]], width: usize) -> String {
    let peerings = rows.iter().filter(|[name, ..]| !name.is_empty());
    let peerings = peerings.map(|[name, of, asn, location, service, ..]| [name, location, of, asn, service]);
    let head = ["PEERING", "LOCATION", "TYPE", "ASN", "PEERING SERVICE"];
    let mut text = laid_out(&head, peerings, Some(width));
    let links =
        rows.iter().map(|[.., link, state, sessions, availability]| [link, sessions, state, availability]);
    let links = links.filter(|[link, ..]| *link != "-");
    text.push('\n');
    text.push_str(&laid_out(&["CONNECTION", "SESSIONS", "STATE", "AVAILABILITY"], links, Some(width)));
    text
}

fn row(peering: [String; 5], connection: Option<&Connection>) -> [String; 9] {
    let [name, of, asn, location, service] = peering;
    let none = || ["-", "", "", ""].map(str::to_owned);
    let [link, state, sessions, availability] = connection.map_or_else(none, cells);
    [name, of, asn, location, service, link, state, sessions, availability].map(|cell| printable(&cell))
}

impl Peering {
    fn inner(&self) -> Option<&Inner> {
        self.properties.direct.as_ref().or(self.properties.exchange.as_ref())
    }

    fn cells(&self, asns: &HashMap<&str, u32>) -> [String; 5] {
        let inner = self.inner();
        let of = inner.and_then(|inner| inner.direct_peering_type.clone());
        let asn = inner.and_then(|inner| asns.get(inner.peer_asn.id.as_str()));
        [
            self.name.clone(),
            of.unwrap_or_else(|| "Exchange".to_owned()),
            asn.map_or_else(|| "-".to_owned(), u32::to_string),
            self.properties.peering_location.clone().unwrap_or_else(|| "-".to_owned()),
            if self.is_for_service() { "yes" } else { "no" }.to_owned(),
        ]
    }

    fn is_for_service(&self) -> bool {
        self.inner().is_some_and(|inner| inner.use_for_peering_service)
    }

    /// What it lacks, or would for Peering Service.
    fn note(&self, connection: &Connection) -> Option<[String; 2]> {
        let (lacks, lead) = if self.is_for_service() {
            (&connection.findings, "")
        } else {
            (&connection.maps_lacks, "for Peering Service it lacks: ")
        };
        let said = printable(&format!("{lead}{}", lacks.join(", ")));
        (!lacks.is_empty()).then(|| [printable(&self.name), said])
    }
}

/// What a connection is in a row, and its sessions.
fn cells(connection: &Connection) -> [String; 4] {
    let session =
        |s: &Session| format!("{} {}", if s.session_ip.is_ipv4() { "v4" } else { "v6" }, s.session_state);
    let sessions: Vec<String> = connection.sessions.iter().map(session).collect();
    [
        connection.name.clone(),
        connection.connection_state.clone(),
        if sessions.is_empty() { "-".to_owned() } else { sessions.join(", ") },
        connection.availability(),
    ]
}
