//! What the daemon's JSON looks like to a person. Only what is shown is read; keys that are not known are let be.

use std::collections::BTreeMap;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, presets};
use serde::Deserialize;

use super::clock::{Clock, Families};
use super::limit::Limits;
use super::protocol::Protocol;
use super::restart::Restart;
use crate::cli::table::printable;

/// `text` is the whole sentence, codes and direction in it.
#[derive(Deserialize)]
struct LastError {
    text: String,
    at: Option<String>,
    then: Option<String>,
}

impl LastError {
    fn with_age(&self, clock: &Clock) -> String {
        let at = self.at.as_ref().map(|at| format!(", {} ago", clock.age(at))).unwrap_or_default();
        format!("{}{at}", self.text)
    }

    /// With what has come of it since.
    fn whole(&self, clock: &Clock) -> String {
        let then = self.then.as_ref().map(|then| format!("; then {then}")).unwrap_or_default();
        format!("{}{then}", self.with_age(clock))
    }
}

#[derive(Deserialize)]
struct Capability {
    name: String,
    code: u8,
    text: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Capabilities {
    local: Vec<Capability>,
    peer: Vec<Capability>,
}

/// What a session asks of its TCP connections.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Transport {
    md5: bool,
    ttl_security_hops: Option<u8>,
    ttl: Option<u8>,
    interface: Option<String>,
    range: Option<String>,
}

impl Transport {
    /// Whatever is not as in plain TCP.
    fn in_words(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.md5.then(|| "MD5".to_owned()));
        words.extend(self.ttl_security_hops.map(|hops| format!("TTL security, hops {hops}")));
        words.extend(self.ttl.filter(|_| self.ttl_security_hops.is_none()).map(|ttl| format!("TTL {ttl}")));
        words.extend(self.interface.as_ref().map(|name| format!("on {name}")));
        words.extend(self.range.as_ref().map(|range| format!("out of {range}")));
        if words.is_empty() { "plain TCP".to_owned() } else { words.join(", ") }
    }
}

/// A session, short or whole.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    name: String,
    connection: String,
    peer_address: String,
    local_address: String,
    peer_asn: u32,
    state: String,
    families: Vec<String>,
    advertised: Families<u64>,
    received: Families<u64>,
    #[serde(default)]
    accepted: Families<u64>,
    last_error: Option<LastError>,
    #[serde(default)]
    peering: String,
    peering_location: Option<String>,
    #[serde(default)]
    connection_state: String,
    since: Option<String>,
    #[serde(default)]
    pending: Families<u64>,
    #[serde(default)]
    end_of_rib_sent: Families<bool>,
    #[serde(default)]
    end_of_rib_received: Families<bool>,
    #[serde(default)]
    flaps: u64,
    session_availability: Option<f64>,
    announcement_budget: Option<Families<u64>>,
    #[serde(default)]
    graceful_restart: Option<Restart>,
    #[serde(default)]
    extended_next_hop: bool,
    #[serde(default)]
    add_path_receive: Vec<String>,
    hold_time: Option<u16>,
    direction: Option<String>,
    peer_id: Option<String>,
    transport: Option<Transport>,
    #[serde(flatten)]
    limits: Limits,
    #[serde(flatten)]
    protocol: Protocol,
    #[serde(default)]
    capabilities: Capabilities,
    #[serde(default)]
    messages: Option<BTreeMap<String, BTreeMap<String, u64>>>,
}

impl Session {
    fn row(&self, clock: &Clock) -> [String; 8] {
        [
            self.name.clone(),
            self.peer_address.clone(),
            self.peer_asn.to_string(),
            self.state.clone(),
            self.since.as_deref().map(|t| clock.age(t)).unwrap_or_default(),
            self.advertised.both(),
            self.received.both(),
            self.trouble(clock),
        ]
        .map(|cell| printable(&cell))
    }

    fn advertised_of_budget(&self) -> String {
        let budget = self.announcement_budget.as_ref().map(|b| format!(", budget {}", b.both()));
        self.advertised.both() + &budget.unwrap_or_default()
    }

    /// Why it is down; or, of a session that is up, what may end it, and an error of the past.
    fn trouble(&self, clock: &Clock) -> String {
        if let Some(down) = self.limits.down(&self.name, clock) {
            return down;
        }
        let is_up = self.state == "Established";
        let error = self.last_error.as_ref().map(|e| if is_up { e.with_age(clock) } else { e.text.clone() });
        let parts: Vec<String> = self.limits.near(&self.received).into_iter().chain(error).collect();
        parts.join("; ")
    }
}

/// Something shown as names and what they are.
pub(super) trait Lines {
    /// In the order of showing.
    fn lines(&self, clock: &Clock) -> Vec<(&'static str, String)>;
}

impl Lines for Session {
    fn lines(&self, clock: &Clock) -> Vec<(&'static str, String)> {
        let none = || "-".to_owned();
        let down = self.limits.down(&self.name, clock).map(|down| format!("; {down}")).unwrap_or_default();
        let since = self.since.as_deref().map(|s| format!(" for {}", clock.age(s))).unwrap_or_default();
        let location = self.peering_location.as_ref().map(|l| format!(" at {l}")).unwrap_or_default();
        let mut lines = vec![
            ("session", self.name.clone()),
            ("connection", format!("{}, {}", self.connection, self.connection_state)),
            ("peering", format!("{}{location}", self.peering)),
            ("peer", format!("{} AS{}", self.peer_address, self.peer_asn)),
            ("peer id", self.peer_id.clone().unwrap_or_else(none)),
            ("local address", self.local_address.clone()),
            ("state", format!("{}{since}{down}", self.state)),
            ("dialled by", dialled_by(self.direction.as_deref())),
            ("transport", self.transport.as_ref().map_or_else(none, Transport::in_words)),
            ("hold time", self.hold_time.map_or_else(none, |s| format!("{s} s"))),
            ("families", if self.families.is_empty() { none() } else { self.families.join(", ") }),
            ("advertised v4/v6", self.advertised_of_budget()),
            ("pending v4/v6", self.pending.both()),
            ("received v4/v6", self.received.both()),
            ("accepted v4/v6", self.accepted.both()),
            ("End-of-RIB", end_of_rib(&self.end_of_rib_sent, &self.end_of_rib_received)),
            ("graceful restart", self.graceful_restart.as_ref().map_or_else(none, Restart::asked)),
            ("stale v4/v6", self.graceful_restart.as_ref().map_or_else(none, |r| r.stale(clock))),
            ("flaps", self.flaps.to_string()),
            (
                "availability",
                self.session_availability.map_or_else(none, |part| format!("{:.2} %", part * 100.0)),
            ),
            ("last error", self.last_error.as_ref().map_or_else(none, |e| e.whole(clock))),
        ];
        if self.extended_next_hop {
            lines.push(("extended next hop", "IPv4 by way of IPv6".to_owned()));
        }
        if !self.add_path_receive.is_empty() {
            lines.push(("ADD-PATH from peer", self.add_path_receive.join(", ")));
        }
        lines.extend(self.protocol.lines());
        lines.extend(self.limits.near(&self.received).map(|near| ("limits", near)));
        for (way, counts) in self.messages.iter().flatten().rev() {
            let name = if way == "sent" { "messages sent" } else { "messages received" };
            let counts: Vec<String> =
                counts.iter().map(|(kind, n)| format!("{} {n}", in_words(kind))).collect();
            lines.push((name, counts.join(", ")));
        }
        for (name, list) in
            [("our capabilities", &self.capabilities.local), ("peer's capabilities", &self.capabilities.peer)]
        {
            lines.extend(
                list.iter()
                    .enumerate()
                    .map(|(i, capability)| (if i == 0 { name } else { "" }, format!("{capability}"))),
            );
        }
        lines
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, name, text } = self;
        write!(f, "{name} ({code})")?;
        if text.is_empty() { Ok(()) } else { write!(f, ": {text}") }
    }
}

/// A key of the JSON as words: `routeRefresh` as `route refresh`.
fn in_words(key: &str) -> String {
    key.chars().fold(String::with_capacity(key.len() + 1), |mut words, c| {
        if c.is_uppercase() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
        words
    })
}

fn dialled_by(direction: Option<&str>) -> String {
    match direction {
        Some("outbound") => "us",
        Some("inbound") => "the peer",
        Some(other) => other,
        None => "-",
    }
    .to_owned()
}

fn end_of_rib(sent: &Families<bool>, received: &Families<bool>) -> String {
    let named = |families: &Families<bool>| match (families.ipv4, families.ipv6) {
        (true, true) => "ipv4, ipv6",
        (true, false) => "ipv4",
        (false, true) => "ipv6",
        (false, false) => "-",
    };
    format!("sent {}; received {}", named(sent), named(received))
}

const SESSION_HEAD: [&str; 8] =
    ["NAME", "PEER", "ASN", "STATE", "FOR", "ADV v4/v6", "RCV v4/v6", "LAST ERROR"];

/// The table of sessions: as wide as it needs, or no wider than the terminal, with the errors then below it.
pub(super) fn sessions(sessions: &[Session], clock: &Clock, terminal: Option<usize>) -> String {
    let rows: Vec<[String; 8]> = sessions.iter().map(|s| s.row(clock)).collect();
    let whole = laid_out(&SESSION_HEAD, rows.iter().map(|row| row.as_slice()), None);
    let Some(width) = terminal.filter(|width| whole.lines().any(|line| line.chars().count() > *width)) else {
        return whole;
    };
    let narrow = ["NAME", "PEER", "ASN", "STATE", "FOR", "ADV", "RCV"];
    let mut text =
        laid_out(&narrow, rows.iter().map(|row| row.get(..narrow.len()).unwrap_or(row)), Some(width));
    let mut errors = rows.iter().filter(|[.., error]| !error.is_empty()).peekable();
    if errors.peek().is_some() {
        text.push('\n');
        text.push_str(&laid_out(
            &["NAME", "LAST ERROR"],
            errors.map(|[name, .., error]| [name.as_str(), error.as_str()]),
            Some(width),
        ));
    }
    text
}

/// A table without borders. Names and addresses are broken where the terminal is too narrow, other columns last.
pub(super) fn laid_out<R: AsRef<[C]>, C: AsRef<str>>(
    head: &[&str],
    rows: impl Iterator<Item = R>,
    terminal: Option<usize>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(head);
    for row in rows {
        table.add_row(row.as_ref().iter().map(AsRef::as_ref));
    }
    let keep = if terminal.is_some() { head.len() } else { 0 };
    if let Some(width) = terminal {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    for (at, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if at + 1 == head.len() { 0 } else { 2 }));
        if (2..keep).contains(&at) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.lines().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// The generation in force.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Generation {
    number: u32,
    hash: String,
    installed_at: String,
    routes: Families<u64>,
    local_asn: Option<u32>,
    router_id: Option<String>,
    last_reload_error: Option<String>,
}

impl Lines for Generation {
    fn lines(&self, clock: &Clock) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("generation", self.number.to_string()),
            ("hash", self.hash.clone()),
            ("in force since", format!("{} ({} ago)", self.installed_at, clock.age(&self.installed_at))),
            ("routes v4/v6", self.routes.both()),
        ];
        lines.extend(self.local_asn.map(|asn| ("local ASN", asn.to_string())));
        lines.extend(self.router_id.clone().map(|id| ("router id", id)));
        for (i, line) in self.last_reload_error.iter().flat_map(|e| e.lines()).enumerate() {
            lines.push((if i == 0 { "reload refused" } else { "" }, line.to_owned()));
        }
        lines
    }
}
