//! What a reload does to the sessions, for the log.

use std::sync::Arc;

use tracing::info;

use crate::config::{self, Plan, RangePlan, SessionPlan};

/// The most names in a line of the log.
const MOST_NAMES: usize = 20;

/// Says which sessions and ranges the change from one plan to the next touches.
pub(super) fn say(old: &Plan, new: &Plan) {
    let lines = lines(old, new);
    if lines.is_empty() {
        info!("the reload changes no session");
    }
    for line in lines {
        info!("the reload {line}");
    }
}

fn lines(old: &Plan, new: &Plan) -> Vec<String> {
    let changes = config::changes(old, new);
    let sessions = |list: &[Arc<SessionPlan>]| list.iter().map(|s| s.name.to_string()).collect::<Vec<_>>();
    let same = |a: &RangePlan, b: &RangePlan| a.range == b.range;
    let ranges = |of: &Plan, is_listed: &dyn Fn(&RangePlan) -> bool| {
        let listed = of.ranges.iter().filter(|range| is_listed(range));
        listed.map(|range| format!("{} {}", range.template.connection, range.range)).collect::<Vec<_>>()
    };
    let of_old = |range: &RangePlan| old.ranges.iter().find(|other| same(other, range));
    let is_gone = |range: &RangePlan| !new.ranges.iter().any(|other| same(other, range));
    let all = [
        ("starts", "session", sessions(&changes.added)),
        ("resets", "session", sessions(&changes.reset)),
        ("adjusts", "session", sessions(&changes.adjusted)),
        ("ends", "session", sessions(&changes.removed)),
        ("adds", "range", ranges(new, &|range| of_old(range).is_none())),
        ("changes", "range", ranges(new, &|range| of_old(range).is_some_and(|was| **was != *range))),
        ("ends", "range", ranges(old, &is_gone)),
    ];
    let some = all.into_iter().filter(|(_, _, names)| !names.is_empty());
    some.map(|(does, what, names)| format!("{does} {}", counted(what, &names))).collect()
}

/// `2 sessions: a-v4, a-v6`, or `30 sessions: a-v4, …, and 10 more`.
fn counted(what: &str, names: &[String]) -> String {
    let plural = if names.len() == 1 { "" } else { "s" };
    let listed = names.get(..MOST_NAMES).unwrap_or(names).join(", ");
    let more = match names.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{} {what}{plural}: {listed}{more}", names.len())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A plan of these sessions, each an entry of a list in flow style.
    fn plan(sessions: &[&str]) -> Plan {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("c.yaml");
        let list = sessions.join(", ");
        let config = format!(
            "router: {{router_id: 192.0.2.1}}\nrib: rib\nlab: true\npeerings:\n- name: p\n  peer_asn: 3356\n  \
             kind: exchange\n  connections: [{{name: c, bgp_session: [{list}]}}]\n"
        );
        fs::write(&file, config).unwrap();
        config::load(&file).unwrap().0
    }

    fn peer(last: usize, more: &str) -> String {
        format!(
            "{{microsoft_session_ipv4_address: 10.0.0.1, peer_session_ipv4_address: 10.0.1.{last}{more}}}"
        )
    }

    fn range(last: u8, more: &str) -> String {
        format!("{{microsoft_session_ipv4_address: 10.0.0.1, peer_range_v4: 10.1.{last}.0/24{more}}}")
    }

    #[test]
    fn what_a_reload_does_is_said_by_name() {
        let before = [peer(1, ""), peer(2, ""), peer(3, ""), range(1, ""), range(2, "")];
        let after = [
            peer(1, ", hold_time: 30"),
            peer(2, ", max_prefixes_advertised_v4: 7"),
            peer(4, ""),
            range(1, ", peer_limit: 7"),
            range(3, ""),
        ];
        let [before, after] = [before, after].map(|list| plan(&list.each_ref().map(String::as_str)));
        assert_eq!(lines(&before, &before), [""; 0]);
        expect_test::expect![[r#"
            starts 1 session: c-v4-3
            resets 1 session: c-v4
            adjusts 1 session: c-v4-2
            ends 1 session: c-v4-3
            adds 1 range: c 10.1.3.0/24
            changes 1 range: c 10.1.1.0/24
            ends 1 range: c 10.1.2.0/24"#]]
        .assert_eq(&lines(&before, &after).join("\n"));
    }

    #[test]
    fn names_are_bounded() {
        let many: Vec<String> = (1..=25).map(|last| peer(last, "")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let said = lines(&plan(&[&range(1, "")]), &plan(&many));
        let line = &said[0];
        assert!(line.starts_with("starts 25 sessions: c-v4, c-v4-2, "), "{line}");
        assert!(line.ends_with(", c-v4-20 and 5 more"), "{line}");
    }
}
