//! A session's choices of the protocol, and what came of them.

use serde::Serialize;

use crate::fsm::Negotiated;
use crate::speaker::SessionSnapshot;
use crate::wire::ParameterForm;

/// Configured, negotiated and seen, beside the session's other keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ProtocolJson<'a> {
    local_role: Option<&'static str>,
    strict_role: bool,
    graceful_shutdown: bool,
    shutdown_communication: Option<&'a str>,
    max_prefix_warning_percent: Option<u8>,
    max_prefix_action: &'static str,
    max_prefix_restart_secs: Option<u64>,
    delay_open: u64,
    extended_optional_parameters: &'static str,
    /// Seconds, once Established; 0: for ever.
    send_hold_time: Option<u64>,
    negotiated: Option<NegotiatedJson>,
    received_graceful_shutdown: u64,
    received_leaks: u64,
    needs_reset: bool,
}

/// The extensions that both sides have.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NegotiatedJson {
    four_octet_as: bool,
    route_refresh: bool,
    enhanced_route_refresh: bool,
    extended_message: bool,
    peer_role: Option<&'static str>,
}

impl NegotiatedJson {
    fn new(negotiated: &Negotiated) -> Self {
        Self {
            four_octet_as: negotiated.four_octet_as,
            route_refresh: negotiated.route_refresh,
            enhanced_route_refresh: negotiated.enhanced_route_refresh,
            extended_message: negotiated.extended_message,
            peer_role: negotiated.peer_role.map(|role| role.name()),
        }
    }
}

impl<'a> ProtocolJson<'a> {
    pub(super) fn new(s: &'a SessionSnapshot) -> Self {
        let plan = &s.plan.protocol;
        Self {
            local_role: plan.local_role.map(|role| role.name()),
            strict_role: plan.strict_role,
            graceful_shutdown: plan.graceful_shutdown,
            shutdown_communication: plan.shutdown_communication.as_deref(),
            max_prefix_warning_percent: plan.max_prefix_warning_percent,
            max_prefix_action: plan.max_prefix_action.name(),
            max_prefix_restart_secs: plan.max_prefix_restart.map(|time| time.as_secs()),
            delay_open: plan.delay_open.as_secs(),
            extended_optional_parameters: match plan.parameter_form {
                ParameterForm::Classic => "auto",
                ParameterForm::Extended => "always",
            },
            send_hold_time: s.send_hold_time.map(|time| time.as_secs()),
            negotiated: s.negotiated.as_deref().map(NegotiatedJson::new),
            received_graceful_shutdown: s.graceful_shutdown_received,
            received_leaks: s.leaks,
            needs_reset: s.limit_passed.is_some_and(|limit| limit.until.is_none()),
        }
    }
}
