//! `show connections`: a line each.

use std::net::IpAddr;

use serde::Deserialize;

use super::listing::View;

/// A connection, as far as the table goes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection {
    pub(super) name: String,
    pub(super) peering: String,
    pub(super) connection_state: String,
    direct_peering_type: Option<String>,
    use_for_peering_service: bool,
    type_change: Option<TypeChange>,
    error_message: Option<String>,
    session_availability: Option<f64>,
    flap_counts: u64,
    pub(super) sessions: Vec<Session>,
    pub(super) findings: Vec<String>,
    pub(super) maps_lacks: Vec<String>,
    unsupported: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TypeChange {
    direct_peering_type: String,
    use_for_peering_service: bool,
    phase: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Session {
    pub(super) session_ip: IpAddr,
    pub(super) session_state: String,
}

pub(super) const CONNECTIONS: View<Connection, 8> = View {
    head: ["CONNECTION", "STATE", "SESSIONS UP", "AVAILABILITY", "FLAPS", "PEERING", "TYPE", "NOTE"],
    words: 3,
    cells: |connection, _| connection.row(),
};

impl Connection {
    fn row(&self) -> [String; 8] {
        let up = self.sessions.iter().filter(|session| session.session_state == "Established").count();
        let kind = self.direct_peering_type.as_deref().unwrap_or("Exchange");
        [
            self.name.clone(),
            self.connection_state.clone(),
            format!("{up}/{}", self.sessions.len()),
            self.availability(),
            self.flap_counts.to_string(),
            self.peering.clone(),
            in_words(kind, self.use_for_peering_service),
            self.note(),
        ]
    }

    /// The mean of its sessions'.
    pub(super) fn availability(&self) -> String {
        self.session_availability.map_or_else(|| "-".to_owned(), |part| format!("{:.2} %", part * 100.0))
    }

    /// Whatever is not as it should be, or is becoming another.
    fn note(&self) -> String {
        let mut notes = Vec::new();
        if let Some(change) = &self.type_change {
            let to = in_words(&change.direct_peering_type, change.use_for_peering_service);
            notes.push(format!("to {to}: {}", change.phase));
        }
        notes.extend(self.error_message.clone());
        notes.extend(self.findings.iter().cloned());
        if !self.use_for_peering_service && !self.maps_lacks.is_empty() {
            notes.push(format!("for Peering Service it lacks: {}", self.maps_lacks.join(", ")));
        }
        notes.extend(self.unsupported.clone());
        notes.join("; ")
    }
}

fn in_words(kind: &str, for_peering_service: bool) -> String {
    if for_peering_service { format!("{kind}, Peering Service") } else { kind.to_owned() }
}
