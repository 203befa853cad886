//! The keys of a session that choose between ways of the protocol: as written, and as meant.

use std::sync::Arc;
use std::time::Duration;

use super::document::{Node, Value};
use super::faults::{At, Fault, Faults};
use super::layers::Layers;
use super::section::{Section, read_node};
use super::values::{self, Read};
use crate::rib::load::collect::shown;
use crate::wire::{Notification, ParameterForm, Role};

/// Percent of a prefix limit.
const WARNING_PERCENT: u8 = 75;
/// Seconds that a session over a prefix limit stays down.
const RESTART_SECS: u16 = 60;
/// Seconds: as long as an OPEN is awaited at all.
const MOST_DELAY_OPEN: u16 = 240;

/// What becomes of a session whose peer announces more than its limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MaxPrefixAction {
    /// It ends by Cease/1 (RFC 4486), and stays down.
    #[default]
    Cease,
    /// It goes on, and that is said. `limits.received_prefixes` holds all the same.
    Warn,
}

impl MaxPrefixAction {
    const NAMES: &[&str] = &["cease", "warn"];

    fn from_name(name: &str) -> Option<Self> {
        match name {
            "cease" => Some(Self::Cease),
            "warn" => Some(Self::Warn),
            _ => None,
        }
    }

    /// As the config has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cease => "cease",
            Self::Warn => "warn",
        }
    }
}

/// What is chosen for a session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProtocolPlan {
    /// What we are to the peer (RFC 9234); `None`: nothing is said.
    pub local_role: Option<Role>,
    /// The peer must say its role.
    pub strict_role: bool,
    /// Every route goes out with GRACEFUL_SHUTDOWN (RFC 8326).
    pub graceful_shutdown: bool,
    /// What the peer's operator is told with a shutdown and a reset (RFC 9003).
    pub shutdown_communication: Option<Arc<str>>,
    /// How long the peer may take nothing (RFC 9687): zero for ever, `None` the greater of 8 minutes and twice the hold
    /// time.
    pub send_hold_time: Option<Duration>,
    /// Percent of a prefix limit from which on it is said that it is near.
    pub max_prefix_warning_percent: Option<u8>,
    /// What becomes of the session over its own limit.
    pub max_prefix_action: MaxPrefixAction,
    /// How long a session over a prefix limit stays down; `None`: until it is reset by hand.
    pub max_prefix_restart: Option<Duration>,
    /// How long our OPEN waits for the peer's.
    pub delay_open: Duration,
    /// How the optional parameters of our OPEN are written (RFC 9072): in the extended form only where there is need, or
    /// always.
    pub parameter_form: ParameterForm,
}

impl Default for ProtocolPlan {
    fn default() -> Self {
        Self {
            local_role: None,
            strict_role: false,
            graceful_shutdown: false,
            shutdown_communication: None,
            send_hold_time: None,
            max_prefix_warning_percent: Some(WARNING_PERCENT),
            max_prefix_action: MaxPrefixAction::Cease,
            max_prefix_restart: Some(Duration::from_secs(RESTART_SECS.into())),
            delay_open: Duration::ZERO,
            parameter_form: ParameterForm::Classic,
        }
    }
}

impl ProtocolPlan {
    /// Whether the peer must learn of the change by a new session. Every field is judged here, the new ones too.
    pub(super) fn needs_reset(&self, new: &Self) -> bool {
        let Self {
            local_role,
            strict_role,
            graceful_shutdown: _,
            shutdown_communication: _,
            send_hold_time: _,
            max_prefix_warning_percent: _,
            max_prefix_action: _,
            max_prefix_restart: _,
            delay_open: _,
            parameter_form: _,
        } = self;
        *local_role != new.local_role || *strict_role != new.strict_role
    }
}

/// The same keys as written.
#[derive(Clone, Debug)]
pub(super) struct Protocol {
    local_role: Option<At<Option<Role>>>,
    strict_role: Option<At<bool>>,
    graceful_shutdown: Option<At<bool>>,
    shutdown_communication: Option<At<Option<String>>>,
    send_hold_time: Option<At<u16>>,
    /// The inner none is null.
    max_prefix_warning_percent: Option<At<Option<u8>>>,
    max_prefix_action: Option<At<MaxPrefixAction>>,
    max_prefix_restart: Option<At<Option<u16>>>,
    delay_open: Option<At<u16>>,
    parameter_form: Option<At<ParameterForm>>,
}

impl Protocol {
    pub(super) fn read(section: &Section<'_>, faults: &mut Faults) -> Self {
        fn nullable<T>(
            section: &Section<'_>,
            key: &str,
            faults: &mut Faults,
            read: impl Fn(&Node) -> Read<T>,
        ) -> Option<At<Option<T>>> {
            read_node(section.get(key)?, key, faults, |node| {
                if node.is_null() { Ok(None) } else { read(node).map(Some) }
            })
        }
        Self {
            local_role: section.read("local_role", faults, role),
            strict_role: section.read("strict_role", faults, values::boolean),
            graceful_shutdown: section.read("graceful_shutdown", faults, values::boolean),
            shutdown_communication: nullable(section, "shutdown_communication", faults, communication),
            send_hold_time: section.read("send_hold_time", faults, values::number(0..=u16::MAX)),
            max_prefix_warning_percent: nullable(
                section,
                "max_prefix_warning_percent",
                faults,
                values::number(1..=100),
            ),
            max_prefix_action: section.read(
                "max_prefix_action",
                faults,
                values::word(MaxPrefixAction::NAMES, MaxPrefixAction::from_name),
            ),
            max_prefix_restart: nullable(
                section,
                "max_prefix_restart_secs",
                faults,
                values::number(1..=u16::MAX),
            ),
            delay_open: section.read("delay_open", faults, values::number(0..=MOST_DELAY_OPEN)),
            parameter_form: section.read(
                "extended_optional_parameters",
                faults,
                values::word(&["auto", "always"], |word| match word {
                    "auto" => Some(ParameterForm::Classic),
                    "always" => Some(ParameterForm::Extended),
                    _ => None,
                }),
            ),
        }
    }
}

fn role(node: &Node) -> Read<Option<Role>> {
    values::word(&["none", "provider", "rs", "rs_client", "customer", "peer"], |word| {
        if word == "none" {
            return Some(None);
        }
        Role::ALL.into_iter().find(|role| role.name() == word).map(Some)
    })(node)
}

/// Words for the peer's operator, as RFC 9003 §2 takes them, on one line.
fn communication(node: &Node) -> Read<String> {
    let most = Notification::MOST_COMMUNICATION;
    let fix = format!("write up to {most} octets of printable text");
    match &node.value {
        Value::Text(text) if !text.is_empty() && Notification::is_communication(text) => Ok(text.clone()),
        Value::Text(text) if text.len() > most => {
            Err(Fault::new(format!("{} has {} octets", shown(text), text.len()), fix))
        }
        Value::Null
        | Value::Bool(_)
        | Value::Integer(_)
        | Value::Text(_)
        | Value::List(_)
        | Value::Map(_) => Err(Fault::new(format!("{} is no text for people", node.shown()), fix)),
    }
}

impl Layers<'_, Protocol> {
    /// All of it, with defaults, checked against the hold time that the session proposes.
    pub(super) fn resolve(self, hold_time: u16, faults: &mut Faults) -> ProtocolPlan {
        let seconds = |secs: u16| Duration::from_secs(secs.into());
        let defaults = ProtocolPlan::default();
        let plan = ProtocolPlan {
            local_role: self.value(|p| p.local_role).flatten(),
            strict_role: self.value(|p| p.strict_role).unwrap_or(defaults.strict_role),
            graceful_shutdown: self.value(|p| p.graceful_shutdown).unwrap_or(defaults.graceful_shutdown),
            shutdown_communication: self
                .get(|p| p.shutdown_communication.as_ref())
                .and_then(|at| at.value.as_deref())
                .map(Into::into),
            send_hold_time: self.value(|p| p.send_hold_time).map(seconds),
            max_prefix_warning_percent: self
                .value(|p| p.max_prefix_warning_percent)
                .unwrap_or(defaults.max_prefix_warning_percent),
            max_prefix_action: self.value(|p| p.max_prefix_action).unwrap_or(defaults.max_prefix_action),
            max_prefix_restart: self
                .value(|p| p.max_prefix_restart)
                .map_or(defaults.max_prefix_restart, |given| given.map(seconds)),
            delay_open: self.value(|p| p.delay_open).map_or(defaults.delay_open, seconds),
            parameter_form: self.value(|p| p.parameter_form).unwrap_or(defaults.parameter_form),
        };
        self.check(&plan, hold_time, faults);
        plan
    }

    fn check(self, plan: &ProtocolPlan, hold_time: u16, faults: &mut Faults) {
        if let Some(at) = self.get(|p| p.strict_role).filter(|at| at.value && plan.local_role.is_none()) {
            let fix = "add local_role with what we are to the peer, or remove strict_role";
            faults.error(at.mark, "strict_role without a local_role", fix);
        }
        if let Some(at) = self.get(|p| p.send_hold_time).filter(|at| at.value > 0 && at.value <= hold_time) {
            let what = format!("send_hold_time {} s is not above hold_time, {hold_time} s", at.value);
            faults.error(at.mark, what, "write more seconds than hold_time has, or 0 for no such limit");
        }
    }
}
