//! Roles, shutdowns, limits and timers of a session.

use std::time::Duration;

use expect_test::expect;

use super::{plan, said, with_peering};
use crate::config::{MaxPrefixAction, ProtocolPlan};
use crate::wire::{ParameterForm, Role};

/// A config of one connection with a session over each transport and these keys.
fn with_keys(keys: &str) -> String {
    let sessions = "session_prefix_v4: 4.68.74.180/30, session_prefix_v6: '2a01:111:2000:1::2044/126'";
    with_peering(&format!("  connections: [{{name: c, bgp_session: {{{sessions}, {keys}}}}}]\n"))
}

/// What the two sessions have.
fn chosen(keys: &str) -> [ProtocolPlan; 2] {
    let (plan, _) = plan(with_keys(keys));
    [&plan.sessions[0], &plan.sessions[1]].map(|session| session.protocol.clone())
}

#[test]
fn what_is_not_written_has_its_default() {
    let [v4, v6] = chosen("hold_time: 90");
    assert_eq!((&v4, &v6), (&ProtocolPlan::default(), &ProtocolPlan::default()));
    assert_eq!((v4.local_role, v4.strict_role, v4.graceful_shutdown), (None, false, false));
    assert_eq!((v4.send_hold_time, v4.delay_open), (None, Duration::ZERO));
    assert_eq!(v4.max_prefix_warning_percent, Some(75));
    assert_eq!(v4.max_prefix_restart, Some(Duration::from_secs(60)));
    assert_eq!(v4.max_prefix_action, MaxPrefixAction::Cease);
    assert_eq!((v4.parameter_form, v4.shutdown_communication), (ParameterForm::Classic, None));
}

#[test]
fn every_key_is_read_and_one_sessions_own_stands_over_that_of_both() {
    let [v4, v6] = chosen(
        "local_role: peer, strict_role: true, graceful_shutdown: true, shutdown_communication: call us, \
         send_hold_time: 600, max_prefix_warning_percent: 90, max_prefix_action: warn, max_prefix_restart_secs: 5, delay_open: 3, \
         extended_optional_parameters: always, \
         v6: {local_role: none, strict_role: false, graceful_shutdown: false, shutdown_communication: null, \
         send_hold_time: 0, max_prefix_warning_percent: null, max_prefix_action: cease, max_prefix_restart_secs: null, delay_open: 0, \
         extended_optional_parameters: auto}",
    );
    let all = ProtocolPlan {
        local_role: Some(Role::Peer),
        strict_role: true,
        graceful_shutdown: true,
        shutdown_communication: Some("call us".into()),
        send_hold_time: Some(Duration::from_secs(600)),
        max_prefix_warning_percent: Some(90),
        max_prefix_action: MaxPrefixAction::Warn,
        max_prefix_restart: Some(Duration::from_secs(5)),
        delay_open: Duration::from_secs(3),
        parameter_form: ParameterForm::Extended,
    };
    assert_eq!(v4, all);
    let none = ProtocolPlan {
        send_hold_time: Some(Duration::ZERO),
        max_prefix_warning_percent: None,
        max_prefix_restart: None,
        ..ProtocolPlan::default()
    };
    assert_eq!(v6, none);
}

#[test]
fn each_role_has_its_name() {
    for role in Role::ALL {
        assert_eq!(chosen(&format!("local_role: {role}"))[0].local_role, Some(role));
    }
}

#[test]
fn what_cannot_be_is_said_with_the_way_out() {
    let long = "x".repeat(256);
    let keys = [
        "local_role: router",
        "strict_role: true",
        "graceful_shutdown: 1",
        "shutdown_communication: \"a\\nb\"",
        &format!("shutdown_communication: {long}"),
        "send_hold_time: 90",
        "hold_time: 0, send_hold_time: 1",
        "send_hold_time: 65536",
        "max_prefix_warning_percent: 0",
        "max_prefix_warning_percent: 101",
        "max_prefix_restart_secs: 0",
        "delay_open: 241",
        "extended_optional_parameters: never",
    ];
    let all: Vec<String> = keys.iter().map(|keys| said(with_keys(keys))).collect();
    expect![[r#"
        c.yaml:6:136: local_role "router" is unknown: write one of none, provider, rs, rs_client, customer, peer
        c.yaml:6:137: strict_role without a local_role: add local_role with what we are to the peer, or remove strict_role
        c.yaml:6:143: graceful_shutdown 1 is not true or false: write true or false
        c.yaml:6:148: shutdown_communication "a\nb" is no text for people: write up to 255 octets of printable text
        c.yaml:6:148: shutdown_communication xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… has 256 octets: write up to 255 octets of printable text
        c.yaml:6:140: send_hold_time 90 s is not above hold_time, 90 s: write more seconds than hold_time has, or 0 for no such limit
        c.yaml:6:135: warning: with hold_time 0 a peer that is gone is never noticed: write a hold time of 3 s or more, unless the peer insists
        c.yaml:6:140: send_hold_time 65536 is out of range: write a number from 0 to 65535
        c.yaml:6:152: max_prefix_warning_percent 0 is out of range: write a number from 1 to 100
        c.yaml:6:152: max_prefix_warning_percent 101 is out of range: write a number from 1 to 100
        c.yaml:6:149: max_prefix_restart_secs 0 is out of range: write a number from 1 to 65535
        c.yaml:6:136: delay_open 241 is out of range: write a number from 0 to 240
        c.yaml:6:154: extended_optional_parameters "never" is unknown: write one of auto, always"#]].assert_eq(&all.join("\n"));
}
