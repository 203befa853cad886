mod answers;
mod keys;
mod saving;
mod service;

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net};
use tokio::time::{sleep, timeout};

use super::tracked::Judges;
use super::*;
use crate::config::load_text;
use crate::peering::{
    EventLevel, EventType, LearnedType, PrefixValidationState, ProvisioningState, Reason, Sighting, Verdict,
    judge_registered_prefix,
};
use crate::wire::Asn;

/// Two connections at Ashburn and one at Chicago, of one partner; and one of another.
const CONFIG: &str = "
lab: true
router: {router_id: 192.0.2.1}
rib: rib.yaml
peerings:
- name: ashburn
  peer_asn: 3356
  peering_service: true
  peering_location: Ashburn
  registered_prefixes: [8.23.254.0/24, {name: branch, prefix: 8.24.16.0/23}]
  registered_asns: [7018]
  peering_service_prefixes: [SERVICE]
  connections:
  - {name: a1, bgp_session: {session_prefix_v4: 10.0.1.0/31}}
  - {name: a2, bgp_session: {session_prefix_v4: 10.0.2.0/31}}
- name: chicago
  peer_asn: 3356
  peering_service: true
  peering_location: Chicago
  connections: [{name: c1, bgp_session: {session_prefix_v4: 10.0.3.0/31}}]
- name: other
  peer_asn: 6939
  peering_service: true
  registered_prefixes: [8.99.0.0/24]
  connections: [{name: o1, connection_state: validating, bgp_session: {session_prefix_v4: 10.0.4.0/31}}]
";
const A1: &str = "10.0.1.0";
const A2: &str = "10.0.2.0";
const C1: &str = "10.0.3.0";
const O1: &str = "10.0.4.0";
const P: &str = "8.23.254.0/24";

fn plan(text: &str) -> Arc<Plan> {
    let (plan, _) = load_text(Path::new("c.yaml"), text.to_owned()).unwrap_or_else(|e| panic!("{e}"));
    Arc::new(plan)
}

fn config() -> String {
    CONFIG.replace("SERVICE", "")
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn sighting(origin: u32, reasons: &[Reason]) -> Option<Sighting> {
    let origin = Some(Asn(origin));
    Some(Sighting { origin, validity: Default::default(), received_at: 1, reasons: reasons.to_vec() })
}

/// A registrar of a test, and its sessions' pens.
struct Office(Registrar, RefCell<HashMap<IpAddr, Pen>>);

impl Office {
    fn open(text: &str) -> Self {
        Self::with(text, KeptState::nowhere())
    }

    fn with(text: &str, kept: KeptState) -> Self {
        let events = Events::with(kept.events());
        Self::of(Registrar::start(plan(text), kept, events, Metrics::new().unwrap()))
    }

    fn of(registrar: Registrar) -> Self {
        Self(registrar, RefCell::default())
    }

    fn write(&self, peer: IpAddr, write: impl FnOnce(&Pen)) {
        write(self.1.borrow_mut().entry(peer).or_insert_with(|| self.0.mailbox.pen(peer)));
    }

    fn post(&self, peer: &str, prefix: &str, sighting: Option<Sighting>) {
        self.write(peer.parse().unwrap(), |pen| pen.post([(net(prefix), sighting)]));
    }

    fn leave(&self, peer: &str) {
        drop(self.1.borrow_mut().remove(&peer.parse().unwrap()));
    }

    /// Puts a plan in force, by which sessions have nothing new to say.
    fn put(&self, plan: Arc<Plan>) {
        self.0.put(plan.clone());
        plan.sessions.iter().for_each(|session| self.answer(session.peer_address));
    }

    fn answer(&self, peer: IpAddr) {
        self.write(peer, |pen| pen.answered(self.0.plan_number()));
    }

    fn announced(&self, peers: &[&str], prefix: &str) {
        peers.iter().for_each(|peer| self.post(peer, prefix, sighting(7018, &[])));
    }

    fn registered(&self, prefix: &str) -> Option<Arc<RegisteredPrefixStatus>> {
        let registry = self.0.desk.registry();
        let mut all = registry.peerings.iter().flat_map(|p| &p.registered_prefixes);
        all.find(|status| status.prefix == net(prefix)).cloned()
    }

    fn service(&self, prefix: &str) -> Option<Arc<ServicePrefixStatus>> {
        let registry = self.0.desk.registry();
        let mut all = registry.peerings.iter().flat_map(|p| &p.service_prefixes);
        all.find(|status| status.prefix == net(prefix)).cloned()
    }

    /// Waits until a registered prefix is so, and gives its key.
    async fn is(
        &self,
        prefix: &str,
        state: PrefixValidationState,
        message: Option<&str>,
    ) -> Option<Arc<str>> {
        let verdict = Verdict { state, message: message.map(str::to_owned) };
        until(&format!("{prefix} {verdict:?}"), || {
            self.registered(prefix)
                .filter(|status| status.verdict == verdict)
                .map(|status| status.key.clone())
        })
        .await
    }

    /// Waits until it is Verified and its key, which has to be on disk, is shown.
    async fn verified(&self, prefix: &str) -> Arc<str> {
        self.is(prefix, PrefixValidationState::Verified, None).await;
        until(&format!("the key of {prefix}"), || self.registered(prefix)?.key.clone()).await
    }

    async fn failed(&self, prefix: &str, message: &str) -> Option<Arc<str>> {
        self.is(prefix, PrefixValidationState::Failed, Some(message)).await
    }

    /// Waits for a Peering Service prefix's verdict: the words of a failure, or the state.
    async fn service_says(&self, prefix: &str, message: &str, learned: LearnedType) {
        until(&format!("{prefix}: {message}"), || {
            let status = self.service(prefix)?;
            let verdict = &status.verdict.verdict;
            let said = verdict.message.clone().unwrap_or_else(|| verdict.state.name().to_owned());
            (said == message && status.verdict.learned_type == learned).then_some(())
        })
        .await;
    }

    fn told(&self, prefix: &str) -> Vec<(EventType, EventLevel)> {
        let events = self.0.desk.events().list();
        let of = events.iter().filter(|e| e.prefix == Some(net(prefix)));
        of.map(|e| (e.event_type, e.event_level)).collect()
    }
}

async fn until<T>(what: &str, is: impl Fn() -> Option<T>) -> T {
    let waited = timeout(Duration::from_secs(20), async {
        loop {
            if let Some(value) = is() {
                return value;
            }
            sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never: {what}"))
}

#[tokio::test]
async fn f43_a_registered_prefix_is_pending_then_verified_with_a_key_that_stays() {
    let office = Office::open(&config());
    assert_eq!(office.is(P, PrefixValidationState::Pending, None).await, None);
    office.announced(&[A1, A2], P);
    let key = office.verified(P).await;
    assert_eq!(uuid::Uuid::parse_str(&key).unwrap().get_version_num(), 4);
    assert_eq!(office.registered(P).unwrap().provisioning_state, ProvisioningState::Succeeded);
    for (reason, message) in [
        (Reason::MissingCommunity, "Advertisement missing MAPS community"),
        (Reason::PathTooLong(4), "AS path isn't correct"),
        (Reason::PrivateAsn(Asn(64512)), "AS path isn't correct"),
    ] {
        office.post(A2, P, sighting(7018, &[reason]));
        assert_eq!(office.failed(P, message).await.as_ref(), Some(&key));
        office.announced(&[A2], P);
        assert_eq!(office.verified(P).await, key);
    }
    office.post(A1, P, None);
    assert_eq!(office.failed(P, "Prefix not received from IP: 10.0.1.0").await.as_ref(), Some(&key));
    office.announced(&[A1], P);
    assert_eq!(office.verified(P).await, key);
    office.leave(A2);
    office.failed(P, "Prefix not received from IP: 10.0.2.0").await;
}

#[tokio::test]
async fn f43_validate_makes_it_pending_and_judges_it_again() {
    let office = Office::open(&config());
    office.announced(&[A1, A2], P);
    let key = office.verified(P).await;
    office.0.desk.validate(net(P)).await.unwrap();
    assert_eq!(office.registered(P).unwrap().verdict, Verdict::PENDING);
    assert_eq!(office.registered(P).unwrap().key.as_ref(), Some(&key));
    assert_eq!(office.verified(P).await, key);
    let unknown = net("8.8.8.0/24");
    assert_eq!(office.0.desk.validate(unknown).await, Err(CannotValidate::Unknown(unknown)));
}

#[tokio::test]
async fn f43_keys_verdicts_and_events_outlive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let text = config();
    let open = || Office::with(&text, KeptState::read(dir.path()).unwrap());
    let office = open();
    office.announced(&[A1, A2], P);
    let key = office.verified(P).await;
    let asn_key = office.0.desk.registry().peering("ashburn").unwrap().registered_asns[0].key.clone();
    assert!(asn_key.is_some());
    let events = office.0.desk.events().list();
    office.0.end().await;

    let office = open();
    let status = until("the registry", || office.registered(P)).await;
    assert_eq!((status.verdict.clone(), status.key.clone()), (Verdict::VERIFIED, Some(key.clone())));
    assert_eq!(office.0.desk.registry().peering("ashburn").unwrap().registered_asns[0].key, asn_key);
    assert_eq!(office.0.desk.events().list(), events, "a restart is no event");
    office.announced(&[A1, A2], P);
    office.announced(&[A1, A2], "8.24.16.0/23");
    office.verified("8.24.16.0/23").await;
    assert_eq!(office.told(P).len(), 3, "announced, verified, registered; and nothing new");
    office.post(A1, P, sighting(7018, &[Reason::MissingCommunity]));
    assert_eq!(office.failed(P, "Advertisement missing MAPS community").await, Some(key));
    office.announced(&[A1], P);
    let key = office.verified(P).await;
    office.0.end().await;

    let office = open();
    office.announced(&[A1], P);
    until("the registry", || office.registered(P)).await;
    office.post(A1, P, sighting(7018, &[Reason::MissingCommunity]));
    let missing = "Advertisement missing MAPS community";
    assert_eq!(office.failed(P, missing).await, Some(key), "what is wrong is, though A2 is not back");
    office.0.end().await;
    std::fs::write(dir.path().join("registered.json"), "{").unwrap();
    let error = KeptState::read(dir.path()).unwrap_err().to_string();
    assert!(error.contains("registered.json:1:1"), "{error}");
}

#[tokio::test]
async fn f44_nothing_is_registered_before_a_connection_is_active() {
    let office = Office::open(&config());
    let message = "No connection of the peering is Active";
    let key = office.is("8.99.0.0/24", PrefixValidationState::None, Some(message)).await;
    assert_eq!(key, None);
    let status = office.registered("8.99.0.0/24").unwrap();
    assert_eq!(status.provisioning_state, ProvisioningState::Failed);
    let prefix = net("8.99.0.0/24");
    assert_eq!(office.0.desk.validate(prefix).await, Err(CannotValidate::NotRegistered(prefix)));
    office.announced(&[O1], "8.99.0.0/24");
    office.put(plan(&config().replace("connection_state: validating, ", "")));
    office.verified("8.99.0.0/24").await;
    office.put(plan(&config()));
    office.failed("8.99.0.0/24", message).await;
}

#[tokio::test]
async fn f48_a_registered_asn_has_one_key_wherever_its_partner_has_it() {
    let text = config();
    let both = text.replace(
        "peering_location: Chicago\n",
        "peering_location: Chicago\n  registered_asns: [{name: att, asn: 7018}]\n",
    );
    let office = Office::open(&text);
    let keys = || {
        let registry = office.0.desk.registry();
        let all = registry.peerings.iter().flat_map(|p| &p.registered_asns);
        all.map(|status| (status.asn, status.key.clone())).collect::<Vec<_>>()
    };
    let first = until("a key", || keys().first().cloned()).await;
    assert!(first.1.is_some());
    office.put(plan(&both));
    until("the second", || (keys() == [first.clone(), first.clone()]).then_some(())).await;
    let name = office.0.desk.registry().peering("chicago").unwrap().registered_asns[0].name.clone();
    assert_eq!(&*name, "att");
}

#[tokio::test]
async fn f52_what_happens_to_a_prefix_is_told_with_its_level() {
    use EventLevel::{Critical, Error, Information, Warning};
    let office = Office::open(&config());
    office.announced(&[A1, A2], P);
    let key = office.verified(P).await;
    let announced = [
        (EventType::PrefixValidationEvent, Information),
        (EventType::PrefixAnnouncementEvent, Information),
        (EventType::PrefixValidationEvent, Information),
    ];
    assert_eq!(office.told(P), announced, "pending, announced, verified");
    let service = format!("{{prefix: {P}, peering_service_prefix_key: {key}, backup_location: Chicago}}");
    office.put(plan(&CONFIG.replace("SERVICE", &service)));
    office.announced(&[C1], P);
    office.service_says(P, "Verified", LearnedType::ViaServiceProvider).await;
    office.post(C1, P, sighting(1, &[]));
    let has = |kind: EventType, level| {
        let what = format!("{kind:?}");
        let office = &office;
        async move {
            until(&what, || office.told(P).contains(&(kind, level)).then_some(())).await;
        }
    };
    has(EventType::PrefixActivePath, Information).await;
    has(EventType::PrefixBackupRouteAnnouncementEvent, Information).await;
    has(EventType::PrefixBackupRouteOriginAsChangeEvent, Error).await;
    office.post(A1, P, sighting(1, &[]));
    has(EventType::PrefixOriginAsChangeEvent, Critical).await;
    office.post(A1, P, None);
    office.post(A2, P, None);
    has(EventType::PrefixWithdrawalEvent, Warning).await;
    has(EventType::PrefixBackupPath, Information).await;
    office.post(C1, P, None);
    has(EventType::PrefixBackupRouteWithdrawalEvent, Warning).await;
    let nowhere = "Prefix is not announced by the service provider to Microsoft.";
    office.service_says(P, nowhere, LearnedType::None).await;
}

#[tokio::test(start_paused = true)]
async fn f43_a_verdict_from_before_a_restart_stands_while_a_session_is_not_back() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Office::with(&config(), KeptState::read(dir.path()).unwrap());
    let office = open();
    office.announced(&[A1, A2], P);
    office.verified(P).await;
    office.0.end().await;

    let office = open();
    office.announced(&[A1], P);
    until("the registry", || office.registered(P)).await;
    sleep(Duration::from_secs(110)).await;
    assert_eq!(office.registered(P).unwrap().verdict, Verdict::VERIFIED);
    let other = office.registered("8.24.16.0/23").unwrap();
    assert_eq!(other.verdict, Verdict::PENDING, "and so does what nothing was known of");
    office.failed(P, "Prefix not received from IP: 10.0.2.0").await;
}

#[tokio::test]
async fn of_a_range_a_session_that_another_peering_names_counts_for_that_alone() {
    let range = "  - {name: a2, bgp_session: {peer_range_v4: 10.0.3.0/24, microsoft_session_ipv4_address: 10.0.3.200}}";
    let a2 = "  - {name: a2, bgp_session: {session_prefix_v4: 10.0.2.0/31}}";
    let text = config().replace(a2, range);
    assert_ne!(text, config());
    let office = Office::open(&text);
    office.announced(&[A1, C1], P);
    office.announced(&[A1, "10.0.3.7"], "8.24.16.0/23");
    office.verified("8.24.16.0/23").await;
    assert_eq!(office.registered(P).unwrap().verdict, Verdict::PENDING, "C1 is Chicago's");
    office.announced(&["10.0.3.7"], P);
    office.verified(P).await;
    office.leave("10.0.3.7");
    office.failed(P, "Prefix not received from IP: 10.0.3.0/24").await;
}

/// Dies of one prefix.
fn rough(prefix: IpNet, required: &crate::peering::Required, seen: &crate::peering::Seen) -> Verdict {
    assert_ne!(prefix, net(P), "a bug");
    judge_registered_prefix(prefix, required, seen)
}

#[tokio::test]
async fn f43_a_judgement_that_dies_is_an_internal_server_error_of_that_prefix_alone() {
    let judges = Judges { registered: rough, ..Judges::default() };
    let metrics = Metrics::new().unwrap();
    let office = Office::of(Registrar::with_judges(
        plan(&config()),
        KeptState::nowhere(),
        (Events::default(), metrics.clone()),
        judges,
    ));
    office.announced(&[A1, A2], P);
    office.announced(&[A1, A2], "8.24.16.0/23");
    office.failed(P, "Internal server error").await;
    office.verified("8.24.16.0/23").await;
    let text = metrics.render().unwrap();
    for (state, n) in [("verified", 1), ("failed", 1), ("pending", 0)] {
        let line = format!("peeringd_registered_prefixes{{peering=\"ashburn\",state=\"{state}\"}} {n}\n");
        assert!(text.contains(&line), "{line}");
    }
}

#[tokio::test]
async fn a_connection_that_becomes_active_is_waited_for() {
    let one = config().replace("{name: a2, bgp", "{name: a2, connection_state: validating, bgp");
    let office = Office::open(&one);
    office.announced(&[A1], P);
    let not_active = Reason::ConnectionNotActive(crate::peering::ConnectionState::Validating);
    office.post(A2, P, sighting(7018, &[not_active]));
    office.verified(P).await;
    let before = office.told(P);
    office.put(plan(&config()));
    until("the plan", || office.registered("8.24.16.0/23")).await;
    office.announced(&[A2], P);
    office.announced(&[A1, A2], "8.24.16.0/23");
    office.verified("8.24.16.0/23").await;
    assert_eq!(office.told(P), before, "it was Verified all the time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_announcement_of_many_prefixes_by_many_sessions_is_judged() {
    let nets: Vec<String> = (0..10_000_u32)
        .map(|n| Ipv4Net::new((0x0800_0000 + n * 256).into(), 24).unwrap().to_string())
        .collect();
    let connection =
        |n: u32| format!("  - {{name: c{n}, bgp_session: {{session_prefix_v4: 10.0.{n}.0/31}}}}\n");
    let text = format!(
        "lab: true\nrouter: {{router_id: 192.0.2.1}}\nrib: r\npeerings:\n- name: p\n  peer_asn: 3356\n  \
         peering_service: true\n  registered_prefixes: [{}]\n  connections:\n{}",
        nets.join(", "),
        (0..20).map(connection).collect::<String>()
    );
    let office = Office::open(&text);
    let nets: Vec<IpNet> = nets.iter().map(|text| net(text)).collect();
    let all_are = |state: PrefixValidationState| {
        let Some(peering) = office.0.desk.registry().peering("p") else { return false };
        peering.registered_prefixes.len() == nets.len()
            && peering.registered_prefixes.iter().all(|status| status.verdict.state == state)
    };
    for (reasons, state) in [
        (vec![], PrefixValidationState::Verified),
        (vec![Reason::MissingCommunity], PrefixValidationState::Failed),
        (vec![], PrefixValidationState::Verified),
    ] {
        for n in 0..20 {
            let peer = IpAddr::from([10, 0, n, 0]);
            office.write(peer, |pen| pen.post(nets.iter().map(|net| (*net, sighting(7018, &reasons)))));
        }
        until(state.name(), || all_are(state).then_some(())).await;
    }
}
