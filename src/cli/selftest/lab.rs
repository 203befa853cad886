//! The speaker that is tested, with a session for each case, and the run of all cases.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::case::{Case, Outcome, PEER_ASN, Setup, Trial, Verdict, ensure};
use super::octets::{
    OPEN, OpenBody, UPDATE, announce, as_path, attribute, keepalive, next_hop, origin, prefix, segment2,
    usual,
};
use super::peer::Peer;
use crate::accept::ReceivedRoute;
use crate::config::{self, Plan};
use crate::fsm::State;
use crate::metrics::{Metrics, SessionMetrics};
use crate::rib::{self, LoadOptions};
use crate::speaker::{Generations, Handle, Listeners, SessionSnapshot, Speaker};
use crate::wire::{Asn, ErrorCode, Notification};

/// Why no case can be run.
pub(super) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the speaker advertises.
const RIB: &str = "routes:\n  - prefixes: [4.1.0.0/16, 4.2.0.0/16, 4.3.3.0/24, \"2603:1000::/24\"]\n";
/// How many prefixes that is.
pub(super) const IPV4_ROUTES: usize = 3;
/// How long one case may take.
const LIMIT: Duration = Duration::from_secs(20);
/// Between two looks at a session.
const GLANCE: Duration = Duration::from_millis(3);
/// The longest wait for something that the speaker must come to.
const PATIENCE: Duration = Duration::from_secs(8);

/// What a case on loopback has: a session of the speaker, and the address that its peer dials from.
pub(super) struct Bench {
    /// Where the speaker listens.
    pub(super) at: SocketAddr,
    /// Where the peer dials from, and its BGP Identifier.
    pub(super) peer: Ipv4Addr,
    /// The session's name.
    pub(super) session: String,
    pub(super) speaker: Speaker,
    pub(super) metrics: Arc<SessionMetrics>,
    /// How often [`Bench::tell`] has waited: what it waits for is another each time.
    told: AtomicU32,
}

/// Runs all cases, those on loopback at once; the outcomes are in the order of the cases.
pub(super) async fn run(cases: Vec<Case>) -> Result<Vec<Outcome>, Failure> {
    let bar = progress_bar(cases.len());
    let plan = plan(cases.iter().map(|case| case.setup))?;
    let listeners = Listeners::bind(&plan.router.listen)?;
    let at = *listeners.addresses().first().ok_or("no listener")?;
    let options = LoadOptions { local_asn: plan.router.asn };
    let (rows, _) = rib::load_text(Path::new("selftest-rib.yaml"), RIB.to_owned(), &options)?;
    let metrics = Metrics::new()?;
    let speaker = Speaker::start(Arc::new(plan), Generations::new().build(rows)?, listeners, metrics.clone());

    let mut running = JoinSet::new();
    for (place, case) in cases.into_iter().enumerate() {
        let peer = peer_address(place);
        let bench = Bench {
            at,
            peer,
            session: format!("{}-v4", name(place)),
            speaker: speaker.clone(),
            metrics: metrics.find_session(IpAddr::V4(peer)).ok_or("a session has no metrics")?,
            told: AtomicU32::new(0),
        };
        let bar = bar.clone();
        running.spawn(async move {
            let outcome = run_one(case, bench).await;
            bar.inc(1);
            (place, outcome)
        });
    }
    let mut outcomes = running.join_all().await;
    bar.finish_and_clear();
    speaker.stop(Some(Notification::new(ErrorCode::ADMIN_SHUTDOWN))).await?;
    outcomes.sort_by_key(|(place, _)| *place);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

fn progress_bar(cases: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(u64::try_from(cases).ok(), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("selftest [{bar:40}] {pos}/{len} {elapsed}");
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

async fn run_one(case: Case, bench: Bench) -> Outcome {
    let by = case.by();
    let verdict = match case.trial {
        Trial::Octets(run) | Trial::VirtualTime(run) => match tokio::task::spawn_blocking(run).await {
            Ok(verdict) => verdict,
            Err(error) => Err(error.to_string()),
        },
        Trial::Loopback(run) => match timeout(LIMIT, tokio::spawn(run(bench))).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("not over within {} s", LIMIT.as_secs())),
        },
    };
    let Case { rfc, section, what, .. } = case;
    Outcome { rfc, section, what, by, passed: verdict.is_ok(), error: verdict.err() }
}

fn name(place: usize) -> String {
    format!("case-{place}")
}

/// 127.90.0.0/16 has a peer for each case.
fn peer_address(place: usize) -> Ipv4Addr {
    let host = u16::try_from(place.saturating_add(1)).unwrap_or(u16::MAX);
    let [high, low] = host.to_be_bytes();
    Ipv4Addr::new(127, 90, high, low)
}

/// A config as an operator would write it, read by the same code.
fn plan(setups: impl Iterator<Item = Setup>) -> Result<Plan, Failure> {
    let mut text = "lab: true\nrouter: { asn: 8075, router_id: 127.0.0.1, listen: [\"127.0.0.1:0\"] }\nrib: rib.yaml\npeerings:\n".to_owned();
    for (place, setup) in setups.enumerate() {
        let Setup { peer_asn, peering, connection, session } = setup;
        let (name, peer) = (name(place), peer_address(place));
        let session = if session.is_empty() { "families: [ipv4, ipv6]" } else { session };
        writeln!(
            text,
            "  - {{ name: {name}, peer_asn: {peer_asn}, {peering}{} connections: [{{ name: {name}, {connection}{} bgp_session: {{ \
             microsoft_session_ipv4_address: 127.0.0.1, peer_session_ipv4_address: {peer}, passive: true, \
             next_hop_v4: 192.0.2.254, next_hop_v6: \"2001:db8::254\", {session} }} }}] }}",
            if peering.is_empty() { "" } else { "," },
            if connection.is_empty() { "" } else { "," },
        )?;
    }
    let (mut plan, _) = config::load_text(Path::new("selftest.yaml"), text)?;
    // Nothing of a test is kept: least of all where the daemon of this machine keeps its own.
    plan.state_dir = PathBuf::new();
    Ok(plan)
}

impl Bench {
    fn handle(&self) -> Handle {
        self.speaker.handle()
    }

    /// TCP, and nothing said yet.
    pub(super) async fn dial(&self) -> Result<Peer, String> {
        Peer::dial(self.peer, self.at, None).await
    }

    /// The same, in packets with this TTL.
    pub(super) async fn dial_with_ttl(&self, ttl: u32) -> Result<Peer, String> {
        Peer::dial(self.peer, self.at, Some(ttl)).await
    }

    /// Our OPEN, with these capabilities.
    pub(super) fn open(&self, capabilities: &[Vec<u8>]) -> OpenBody {
        OpenBody::new(self.peer, capabilities)
    }

    /// A session with the usual capabilities, and the table received.
    pub(super) async fn established(&self) -> Result<Peer, String> {
        self.established_as(&self.open(&usual())).await
    }

    /// A session with this OPEN, and the table received up to End-of-RIB of each family of the usual two.
    pub(super) async fn established_as(&self, open: &OpenBody) -> Result<Peer, String> {
        let mut peer = self.dial().await?;
        peer.send(&open.message()).await?;
        peer.expect(OPEN).await?;
        peer.send(&keepalive()).await?;
        self.until("the session to be up and the table to be sent", |session| {
            let families = session.families;
            let done = session.end_of_rib_sent;
            session.state == State::Established
                && (!families.ipv4 || done.ipv4)
                && (!families.ipv6 || done.ipv6)
        })
        .await?;
        Ok(peer)
    }

    /// The session as it is now.
    pub(super) fn session(&self) -> Result<Arc<SessionSnapshot>, String> {
        let sessions = self.handle().sessions();
        let found = sessions.into_iter().find(|session| *session.plan.name == *self.session);
        found.ok_or_else(|| format!("no session {}", self.session))
    }

    /// Waits until the session is as it should be.
    pub(super) async fn until(
        &self,
        what: &str,
        is_so: impl Fn(&SessionSnapshot) -> bool,
    ) -> Result<Arc<SessionSnapshot>, String> {
        let began = Instant::now();
        loop {
            let session = self.session()?;
            if is_so(&session) {
                return Ok(session);
            }
            if began.elapsed() > PATIENCE {
                let error = session.last_error.as_ref().map_or("none", |error| &error.text);
                return Err(format!("waited for {what}: {:?}, last error: {error}", session.state));
            }
            sleep(GLANCE).await;
        }
    }

    /// What the speaker holds of the peer.
    pub(super) async fn received(&self) -> Result<Vec<ReceivedRoute>, String> {
        let asked = self.handle().received(&self.session, None, 1000).await;
        asked.map_err(|error| error.to_string())
    }

    /// Sends this and then one more UPDATE, and waits until that is taken in: what came before has been judged by then.
    pub(super) async fn tell(&self, peer: &mut Peer, octets: &[u8]) -> Result<Vec<ReceivedRoute>, String> {
        let path = if self.session()?.four_octet_as {
            as_path(&[PEER_ASN])
        } else {
            attribute(0x40, 2, &segment2(2, &[64500]))
        };
        let told = self.told.fetch_add(1, Ordering::Relaxed);
        let med = attribute(0x80, 4, &told.to_be_bytes());
        peer.send(octets).await?;
        peer.send(&announce(&[origin(), path, next_hop(), med], &prefix(255))).await?;
        let began = Instant::now();
        loop {
            let received = self.received().await?;
            let last = received.iter().find(|route| route.prefix.to_string() == "5.255.0.0/16");
            if last.is_some_and(|route| route.attrs.med == Some(told)) {
                return Ok(received);
            }
            let session = self.session()?;
            if session.state != State::Established || began.elapsed() > PATIENCE {
                let error = session.last_error.as_ref().map_or("none", |error| &error.text);
                return Err(format!("it was not taken in: {:?}, last error: {error}", session.state));
            }
            sleep(GLANCE).await;
        }
    }

    /// The same where the octets begin with an OPEN and a KEEPALIVE.
    pub(super) async fn tell_after(
        &self,
        peer: &mut Peer,
        octets: &[u8],
    ) -> Result<Vec<ReceivedRoute>, String> {
        peer.send(octets).await?;
        self.until("the session to be up", |session| session.state == State::Established).await?;
        self.tell(peer, &[]).await
    }

    /// The prefixes of routes, as text.
    pub(super) fn prefixes(routes: &[ReceivedRoute]) -> Vec<String> {
        let all = routes.iter().map(|route| route.prefix.to_string());
        all.filter(|prefix| prefix != "5.255.0.0/16").collect()
    }

    /// Every UPDATE that comes until so many Ends-of-RIB have.
    pub(super) async fn table(peer: &mut Peer, ends: usize) -> Result<Vec<Vec<u8>>, String> {
        let (mut updates, mut found) = (Vec::new(), 0);
        while found < ends {
            let update = peer.expect(UPDATE).await?.body;
            let is_end = update == [0, 0, 0, 0] || update == [0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1];
            found += usize::from(is_end);
            updates.push(update);
        }
        Ok(updates)
    }

    /// An error unless the session stays Established.
    pub(super) fn still_up(&self) -> Verdict {
        let session = self.session()?;
        let error = session.last_error.as_ref().map_or("none", |error| &error.text);
        let is_up = session.state == State::Established;
        ensure(is_up, || format!("the session is {:?}, last error: {error}", session.state))
    }
}

/// Our ASN.
pub(super) const OURS: Asn = Asn(8075);
