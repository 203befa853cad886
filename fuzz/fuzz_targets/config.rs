//! The text of a config: the plan of one that loads holds together and is the same again; of any other, the errors are
//! in place.
#![no_main]

use std::collections::BTreeSet;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use peeringd::config::{Plan, changes, load_text};
use peeringd::wire::Family;
use peeringd_fuzz::check_findings;

fuzz_target!(|text: &str| {
    let name = Path::new("fuzz.yaml");
    match load_text(name, text.to_owned()) {
        Err(findings) => check_findings(&findings, text.as_bytes(), true),
        Ok((plan, warnings)) => {
            check_findings(&warnings, text.as_bytes(), false);
            check_plan(&plan);
            let (again, _) = load_text(name, text.to_owned()).expect("what loaded once");
            assert_eq!(again, plan);
            assert!(changes(&plan, &again).is_empty());
        }
    }
});

fn check_plan(plan: &Plan) {
    assert!(!plan.router.listen.is_empty());
    let names: BTreeSet<_> = plan.sessions.iter().map(|session| &session.name).collect();
    let peers: BTreeSet<_> = plan.sessions.iter().map(|session| session.peer_address).collect();
    assert_eq!((names.len(), peers.len()), (plan.sessions.len(), plan.sessions.len()));
    let connections = plan.peerings.iter().flat_map(|peering| &peering.connections);
    let of_connections: usize = connections.map(|connection| connection.sessions.len()).sum();
    assert_eq!(of_connections, plan.sessions.len());
    for session in &plan.sessions {
        assert!(Family::ALL.into_iter().any(|family| *session.families.get(family)), "{}", session.name);
        assert!(!matches!(session.hold_time, 1 | 2), "{}", session.name);
        assert!(session.peer_asn != plan.router.asn && session.peer_asn.0 != 0, "{}", session.name);
        assert_ne!(session.local_address, session.peer_address, "{}", session.name);
        assert_eq!(session.local_address.is_ipv4(), session.peer_address.is_ipv4(), "{}", session.name);
        assert!(plan.peerings.iter().any(|peering| peering.name == session.peering), "{}", session.name);
    }
}
