//! What `show session` says of a session's choices of the protocol.

use serde::Deserialize;

/// The daemon's JSON of it; see `shapes.md`.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Protocol {
    local_role: Option<String>,
    strict_role: bool,
    graceful_shutdown: bool,
    shutdown_communication: Option<String>,
    max_prefix_warning_percent: Option<u8>,
    max_prefix_action: String,
    max_prefix_restart_secs: Option<u64>,
    delay_open: u64,
    extended_optional_parameters: String,
    send_hold_time: Option<u64>,
    negotiated: Option<Negotiated>,
    received_graceful_shutdown: u64,
    received_leaks: u64,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Negotiated {
    four_octet_as: bool,
    route_refresh: bool,
    enhanced_route_refresh: bool,
    extended_message: bool,
    peer_role: Option<String>,
}

impl Protocol {
    pub(super) fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = Vec::new();
        if let Some(negotiated) = &self.negotiated {
            lines.push(("extensions", negotiated.extensions()));
        }
        lines.extend(self.send_hold_time.map(|secs| ("send hold time", seconds(secs))));
        lines.extend(self.roles().map(|roles| ("roles", roles)));
        lines.push(("over a limit", self.over_a_limit()));
        if self.graceful_shutdown {
            lines.push(("graceful shutdown", "on all that is advertised".to_owned()));
        }
        if self.received_graceful_shutdown > 0 {
            let of = format!("on {} of the peer's routes", self.received_graceful_shutdown);
            lines.push(("graceful shutdown", of));
        }
        lines.extend(self.shutdown_communication.clone().map(|text| ("told at a stop", text)));
        if self.delay_open > 0 {
            lines.push(("delay open", seconds(self.delay_open)));
        }
        if self.extended_optional_parameters == "always" {
            lines.push(("OPEN", "always with extended optional parameters".to_owned()));
        }
        lines
    }

    fn roles(&self) -> Option<String> {
        let local = self.local_role.as_ref()?;
        let peer = self.negotiated.as_ref().and_then(|n| n.peer_role.as_deref()).unwrap_or("not said");
        let strict = if self.strict_role { ", strict" } else { "" };
        let leaks = match self.received_leaks {
            0 => String::new(),
            leaks => format!("; leaks among its routes: {leaks}"),
        };
        Some(format!("ours {local}{strict}; the peer's {peer}{leaks}"))
    }

    fn over_a_limit(&self) -> String {
        let down = match (self.max_prefix_action.as_str(), self.max_prefix_restart_secs) {
            ("warn", _) => "goes on".to_owned(),
            (_, Some(secs)) => format!("down for {secs} s"),
            (_, None) => "down until peeringd reset".to_owned(),
        };
        let warned = self.max_prefix_warning_percent.map(|p| format!(", warned of from {p} %"));
        format!("{down}{}", warned.unwrap_or_default())
    }
}

impl Negotiated {
    fn extensions(&self) -> String {
        let all = [
            (self.four_octet_as, "four-octet AS numbers"),
            (self.route_refresh, "route refresh"),
            (self.enhanced_route_refresh, "enhanced route refresh"),
            (self.extended_message, "extended messages"),
        ];
        let names: Vec<_> = all.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect();
        if names.is_empty() { "-".to_owned() } else { names.join(", ") }
    }
}

fn seconds(secs: u64) -> String {
    if secs == 0 { "for ever".to_owned() } else { format!("{secs} s") }
}
