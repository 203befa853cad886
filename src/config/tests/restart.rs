//! `graceful_restart`.

use expect_test::expect;

use super::{plan, said, with_peering};
use crate::config::RestartPlan;

fn with(keys: &str) -> String {
    with_peering(&format!(
        "  connections: [{{name: c, bgp_session: {{session_prefix_v4: 4.68.74.180/30, {keys}}}}}]\n"
    ))
}

fn meant(keys: &str) -> Option<RestartPlan> {
    let (plan, _) = plan(with(keys));
    plan.sessions[0].graceful_restart
}

#[test]
fn it_is_on_unless_it_is_off() {
    let usual = RestartPlan { restart_time: 120, notification: true, long_lived_stale_time: 0 };
    for keys in ["", "graceful_restart:", "graceful_restart: {}", "graceful_restart: {restart_time: 120}"] {
        assert_eq!(meant(keys), Some(usual), "{keys}");
    }
    assert_eq!(meant("graceful_restart: false"), None);
    let all = "graceful_restart: {restart_time: 4095, notification: false, long_lived_stale_time: 16777215}";
    let most = RestartPlan { restart_time: 4095, notification: false, long_lived_stale_time: 0x00FF_FFFF };
    assert_eq!(meant(all), Some(most));
}

#[test]
fn that_of_one_session_stands_for_all_of_it() {
    let both = "graceful_restart: {restart_time: 9, notification: false}";
    let one = RestartPlan { restart_time: 7, ..RestartPlan::default() };
    assert_eq!(meant(&format!("{both}, v4: {{graceful_restart: {{restart_time: 7}}}}")), Some(one));
    assert_eq!(meant(&format!("{both}, v4: {{graceful_restart: false}}")), None);
    let (plan, _) =
        plan(with("graceful_restart: false, v4: {graceful_restart: {}}, session_prefix_v6: '2a01::/126'"));
    let both: Vec<_> = plan.sessions.iter().map(|s| s.graceful_restart).collect();
    assert_eq!(both, [Some(RestartPlan::default()), None]);
}

#[test]
fn what_it_cannot_be_is_said() {
    let all: String = [
        "graceful_restart: true",
        "graceful_restart: 120",
        "graceful_restart: {restart_time: 4096, notification: 1, long_lived_stale_time: 16777216, stale: 1}",
        "graceful_restart: {restart_time: 0}",
        "graceful_restart: {restart_time: 0, long_lived_stale_time: 1}",
    ]
    .map(|keys| said(with(keys)) + "\n")
    .concat();
    let ours = |line: &&str| ["restart", "long_lived", "notification"].iter().any(|key| line.contains(key));
    let all: Vec<&str> = all.lines().filter(ours).collect();
    expect![[r#"
        c.yaml:6:94: graceful_restart true is neither a mapping nor false: write false, or a mapping whose keys are restart_time, notification, long_lived_stale_time
        c.yaml:6:94: graceful_restart 120 is neither a mapping nor false: write false, or a mapping whose keys are restart_time, notification, long_lived_stale_time
        c.yaml:6:109: restart_time 4096 is out of range: write a number from 0 to 4095
        c.yaml:6:129: notification 1 is not true or false: write true or false
        c.yaml:6:155: long_lived_stale_time 16777216 is out of range: write a number from 0 to 16777215
        c.yaml:6:165: unknown key stale in graceful_restart: remove it; the keys of graceful_restart are restart_time, notification, long_lived_stale_time
        c.yaml:6:109: warning: with restart_time 0 no peer keeps our routes over a restart: write the seconds that a restart takes, or graceful_restart: false"#]].assert_eq(&all.join("\n"));
}
