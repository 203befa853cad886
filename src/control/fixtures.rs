//! A speaker that is only a handle: snapshots that a test wrote, and tasks that answer questions.

mod registry;
mod session;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use axum::Router;
use ipnet::{IpNet, Ipv4Net};
use tokio::sync::{mpsc, watch};

use session::{down, plan};
pub(crate) use session::{established, exchange, idle};

use crate::accept::{Explained, ExplainedPath, PathKey, ReceivedAttrs, ReceivedRoute};
use crate::advertise::{Announcing, Board, Outbox, Outcome, Selector, SessionProfile, Told};
use crate::config::{Plan, RangePlan, load_text};
use crate::control::{router, socket_router};
use crate::fsm::State;
use crate::metrics::{MessageType, Metrics, SessionLabels, Way};
use crate::peering::origin::{RpkiTable, Vrp};
use crate::peering::{Check, Enforcement, Finding, Note, OriginTables, Reason, RouteOrigin};
use crate::rib::{FileSpan, Generation, Group, Ranks, Row, Rows};
use crate::speaker::{
    Ask, CacheState, CacheStatus, CannotRefresh, Handle, Leaving, OriginStatus, Origins, OriginsInForce,
    Overview, RefreshWay, RegistrarDesk, ResetDone, SessionEntry, SessionSnapshot,
};
use crate::wire::{AsPathBuf, Asn, AttrSet, Origin, PathId, PerFamily, SegmentKind};

/// 2026-11-22T12:00:00Z.
pub(crate) const NOON: u64 = 1_795_348_800;

/// The handle, and what must live for its tasks to answer.
pub(crate) struct Speaker {
    pub(crate) handle: Handle,
    pub(crate) metrics: Metrics,
    pub(crate) overview: watch::Sender<Overview>,
    _snapshots: Vec<watch::Sender<Arc<SessionSnapshot>>>,
}

impl Speaker {
    /// Three sessions of two connections, one of them Established, over a generation of three routes.
    pub(crate) fn new() -> Self {
        let sessions = vec![established(), idle(), exchange()];
        Self::with(sessions, vec![received(1), received(2)], Some(generation(3, three_routes())), None)
    }

    /// One Established session whose peer has all of a generation and nothing yet of the next, which has one route less
    /// and one with other attributes.
    pub(crate) fn in_transfer() -> Self {
        let mut routes = three_routes();
        routes[0].1.truncate(1);
        routes[1].0.attrs = Arc::default();
        let next = Some(generation(4, routes));
        Self::with(vec![established()], Vec::new(), next, Some(generation(3, three_routes())))
    }

    /// One Established session that holds, and has in its generation, so many routes.
    pub(crate) fn large(routes: usize) -> Self {
        let many = vec![(plain(), (0..routes).map(numbered).collect())];
        let held = (0..routes).map(|n| ReceivedRoute { prefix: numbered(n), ..received(1) }).collect();
        Self::with(vec![established()], held, Some(generation(3, many)), None)
    }

    /// One Established session that holds so many routes, each with an AS path of 11 KB.
    pub(crate) fn hostile(routes: usize) -> Self {
        let as_path = AsPathBuf::new([(SegmentKind::Sequence, vec![Asn(4_200_000_000); 1000])]);
        let attrs = ReceivedAttrs { as_path, ..ReceivedAttrs::default() };
        let route = ReceivedRoute { attrs: Arc::new(attrs), ..received(1) };
        let held = (0..routes).map(|n| ReceivedRoute { prefix: numbered(n), ..route.clone() }).collect();
        Self::with(vec![established()], held, Some(generation(3, three_routes())), None)
    }

    /// Two ranges of `ix-lab`, of which one has a peer, and no other session.
    pub(crate) fn of_ranges() -> Self {
        let range = |net: &str, suffix: &str, local: &str| {
            let range = net.parse().unwrap();
            let mut template = plan("ix-lab", suffix, local, &IpNet::addr(&range).to_string());
            template.transport.range = Some(range);
            RangePlan { range, peer_limit: 100, template: Arc::new(template) }
        };
        let v4 = range("5.57.80.128/25", "v4", "5.57.80.1");
        let v6 = range("2001:7f8:4::/64", "v6", "2001:7f8:4::1");
        let session = down(v4.session("5.57.80.130".parse().unwrap()));
        let ranges = vec![Arc::new(v4), Arc::new(v6)];
        Self::with_ranges(vec![session], ranges, Vec::new(), None, None)
    }

    pub(crate) fn with(
        snapshots: Vec<SessionSnapshot>,
        held: Vec<ReceivedRoute>,
        generation: Option<Generation>,
        told_before: Option<Generation>,
    ) -> Self {
        Self::with_ranges(snapshots, Vec::new(), held, generation, told_before)
    }

    fn with_ranges(
        snapshots: Vec<SessionSnapshot>,
        ranges: Vec<Arc<RangePlan>>,
        held: Vec<ReceivedRoute>,
        generation: Option<Generation>,
        told_before: Option<Generation>,
    ) -> Self {
        let generation = generation.map(Arc::new);
        let told = told(told_before.map(Arc::new), generation.clone());
        let metrics = Metrics::new().unwrap();
        let held = Arc::new(held);
        let (mut entries, mut senders) = (Vec::new(), Vec::new());
        for snapshot in snapshots {
            let labels = SessionLabels {
                connection: snapshot.plan.connection.clone(),
                session_ip: snapshot.plan.peer_address,
            };
            metrics.session(labels).count_messages(Way::Sent, MessageType::Update, 3);
            let is_up = snapshot.state == State::Established;
            let told = if is_up { told.clone() } else { PerFamily::default() };
            let (sender, receiver) = watch::channel(Arc::new(snapshot));
            let (ask, questions) = mpsc::channel(4);
            tokio::spawn(answer((questions, is_up), told, held.clone()));
            entries.push(SessionEntry { snapshot: receiver, ask });
            senders.push(sender);
        }
        let (overview, seen) = watch::channel(Overview {
            local_asn: Asn(8075),
            router_id: Ipv4Addr::new(192, 0, 2, 1),
            started: NOON - 60,
            ready: generation.is_some(),
            lab: true,
            last_reload_error: None,
        });
        let handle = Handle {
            sessions: Arc::new(ArcSwap::from_pointee(entries)),
            generation: Arc::new(ArcSwapOption::new(generation)),
            overview: seen,
            plan: Arc::new(ArcSwap::from_pointee(Plan { ranges, ..bare_plan() })),
            origins: origins(),
            registrar: RegistrarDesk::of(registry::registry(), registry::events()),
            kept: Arc::default(),
            type_changes: mpsc::channel(1).0,
            leaving: Arc::default(),
        };
        Self { handle, metrics, overview, _snapshots: senders }
    }

    /// Has sessions that a plan before had be on their way out.
    pub(crate) fn remove(&self, before: &Plan, sessions: &[&str]) {
        let leaving = |name: &&str| {
            let plan = before.sessions.iter().find(|session| *session.name == **name).unwrap().clone();
            Arc::new(Leaving::of(before, Arc::new(SessionSnapshot { plan, ..established() })).unwrap())
        };
        self.handle.leaving.store(Arc::new(sessions.iter().map(leaving).collect()));
    }

    pub(crate) fn router(&self) -> Router {
        router(self.handle.clone(), self.metrics.clone())
    }

    pub(crate) fn socket_router(&self) -> Router {
        socket_router(self.handle.clone(), self.metrics.clone())
    }
}

/// One cache in sync, and one that was never there.
fn origins() -> Origins {
    let cache = CacheStatus {
        address: "192.0.2.8:323".parse().unwrap(),
        state: CacheState::Synced,
        is_in_use: true,
        session: Some((4711, 12)),
        vrps: PerFamily { ipv4: 400_000, ipv6: 100_000 },
        updated_at: Some(NOON - 60),
        expires_at: Some(NOON + 7140),
        last_error: None,
    };
    let absent = CacheStatus {
        address: "[2001:db8::8]:323".parse().unwrap(),
        state: CacheState::Connecting,
        is_in_use: false,
        session: None,
        vrps: PerFamily::default(),
        updated_at: None,
        expires_at: None,
        last_error: Some(("connect: Connection refused".into(), NOON - 5)),
    };
    let status = OriginStatus {
        in_force_since: NOON - 60,
        vrps: PerFamily { ipv4: 400_002, ipv6: 100_000 },
        irr_routes: PerFamily { ipv4: 3, ipv6: 0 },
        caches: vec![cache, absent],
        vrp_files: vec![(Arc::new(PathBuf::from("vrps.json")), 2)],
        irr_files: vec![(Arc::new(PathBuf::from("radb.db.route")), 3)],
        enforce: Enforcement { rpki_invalid: true, ..Enforcement::default() },
    };
    let vrp = Vrp { prefix: "4.1.0.0/16".parse().unwrap(), max_len: 24, asn: Asn(3356) };
    let tables = OriginTables { rpki: Arc::new(RpkiTable::new(&[vrp], &[])), ..OriginTables::default() };
    let in_force = OriginsInForce { tables: Arc::new(tables), enforce: status.enforce };
    Origins { in_force: watch::channel(in_force).1, status: watch::channel(Arc::new(status)).1 }
}

/// A plan with the peerings that something is registered under, without connections.
fn bare_plan() -> Plan {
    let peerings = "[{name: contoso-ashburn, peer_asn: 3356, peering_service: true, registered_prefixes: [4.9.0.0/16]}, \
                    {name: ix-london, peer_asn: 6939}]";
    let text = format!("router: {{router_id: 192.0.2.1}}\nrib: rib.yaml\npeerings: {peerings}\n");
    load_text(Path::new("peeringd.yaml"), text).unwrap().0
}

/// Answers as a session's task would; a limit of 0 is never answered.
async fn answer(
    (mut questions, is_up): (mpsc::Receiver<Ask>, bool),
    told: PerFamily<Option<Told>>,
    held: Arc<Vec<ReceivedRoute>>,
) {
    while let Some(question) = questions.recv().await {
        match question {
            Ask::Advertised(reply) => drop(reply.send(told.clone())),
            Ask::Explain { prefix, reply } => {
                let paths = held.iter().filter(|route| route.prefix == prefix).map(explained).collect();
                let registered: IpNet = "4.0.0.0/8".parse().unwrap();
                let is_registered = registered.contains(&prefix);
                drop(reply.send(Explained { is_registered, paths }));
            }
            Ask::Reset { reply, .. } => drop(reply.send(ResetDone { has_ended: is_up, is_told: is_up })),
            Ask::Refresh { way, reply } => {
                let answer = match way {
                    RefreshWay::Out => Ok(()),
                    RefreshWay::In => Err(CannotRefresh::NotNegotiated),
                };
                reply.send(answer).unwrap();
            }
            Ask::Received { limit: 0, reply, .. } => {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(3600)).await;
                    drop(reply);
                });
            }
            Ask::Received { after, limit, reply } => {
                let behind = |r: &&ReceivedRoute| after.is_none_or(|a| key(r.key()) > key(a));
                drop(reply.send(held.iter().filter(behind).take(limit).cloned().collect()));
            }
        }
    }
}

/// Three checks, and what the route says of the last.
fn explained(route: &ReceivedRoute) -> ExplainedPath {
    let community = route.reasons.first().copied().map_or(Finding::Holds, Finding::Fails);
    let rpki = Finding::Noted(Note::RpkiUnknown);
    let checks =
        vec![(Check::AddressSpace, Finding::Holds), (Check::Rpki, rpki), (Check::Community, community)];
    ExplainedPath { route: route.clone(), checks }
}

/// What a peer was told that got all of `before`, or of `now` where there is no `before`.
fn told(before: Option<Arc<Generation>>, now: Option<Arc<Generation>>) -> PerFamily<Option<Told>> {
    let Some(now) = now else { return PerFamily::default() };
    let selector = Selector { peering: "contoso-ashburn".into(), location: Some("Ashburn".into()) };
    let profile = SessionProfile {
        local_asn: Asn(8075),
        four_octet_as: true,
        max_message_len: 4096,
        families: PerFamily { ipv4: true, ipv6: true },
        next_hop: PerFamily {
            ipv4: Some("4.68.74.182".parse().unwrap()),
            ipv6: Some("2001:1900::2".parse().unwrap()),
        },
        extended_next_hop: false,
        enhanced_route_refresh: false,
        link_local: None,
        otc: None,
    };
    let board = Board::new(before.unwrap_or_else(|| now.clone()));
    let mut outbox = Outbox::new();
    outbox.up(profile, board.view(&selector), Announcing::Yes);
    let wrote =
        outbox.write(NOON, usize::MAX, &mut |slices| Ok(slices.iter().map(|s| s.len()).sum())).unwrap();
    assert_eq!(wrote.outcome, Outcome::Drained);
    outbox.set_view(board.next(now).view(&selector));
    PerFamily::from_fn(|family| outbox.told(family))
}

fn key((net, path): PathKey) -> (bool, IpAddr, u8, PathId) {
    (matches!(net, IpNet::V6(_)), net.addr(), net.prefix_len(), path)
}

pub(crate) fn received(n: u8) -> ReceivedRoute {
    ReceivedRoute {
        prefix: format!("4.{n}.0.0/16").parse().unwrap(),
        path_id: PathId::default(),
        next_hop: "4.68.74.181".parse().unwrap(),
        med: 0,
        attrs: Arc::new(ReceivedAttrs {
            origin: Origin::Incomplete,
            as_path: AsPathBuf::new([
                (SegmentKind::Sequence, vec![Asn(3356), Asn(65001)]),
                (SegmentKind::Set, vec![Asn(7), Asn(8)]),
            ]),
            med: Some(10),
            communities: vec!["8075:8007".parse().unwrap()],
            extended_communities: vec!["rt:8075:100".parse().unwrap()],
            large_communities: vec!["8075:1:2".parse().unwrap()],
            only_to_customer: Some(Asn(3356)),
            is_leak: true,
        }),
        received_at: NOON,
        stale: false,
        validity: RouteOrigin::default(),
        reasons: if n == 1 { Vec::new() } else { vec![Reason::MissingCommunity, Reason::PathTooLong(4)] },
    }
}

/// A load of one file: a group for each of these, a line for each group and each prefix.
fn generation(number: u32, groups: Vec<(Group, Vec<IpNet>)>) -> Generation {
    let path = Arc::new(PathBuf::from("rib/microsoft.yaml"));
    let mut rows = Rows { files: vec![FileSpan { path, first_line: 1 }], ..Rows::default() };
    let mut line = 2;
    for ((group, prefixes), number) in groups.into_iter().zip(0..) {
        rows.groups.push(Group { line, ..group });
        for prefix in prefixes {
            line += 1;
            let len = prefix.prefix_len();
            match prefix.network() {
                IpAddr::V4(addr) => rows.v4.push(Row { addr: addr.into(), len, group: number, line }),
                IpAddr::V6(addr) => rows.v6.push(Row { addr: addr.into(), len, group: number, line }),
            }
        }
        line += 1;
    }
    rows.v4.sort_unstable_by_key(|r| (r.addr, r.len));
    rows.v6.sort_unstable_by_key(|r| (r.addr, r.len));
    Generation::build(rows, None, &mut Ranks::new(), number, NOON).unwrap()
}

fn plain() -> Group {
    Group {
        attrs: Arc::default(),
        source: None,
        peering_locations: Vec::new(),
        peerings: Vec::new(),
        allow_longer: false,
        line: 0,
    }
}

fn three_routes() -> Vec<(Group, Vec<IpNet>)> {
    let attrs = AttrSet {
        origin: Origin::Egp,
        as_path: vec![Asn(12075)],
        med: Some(50),
        communities: vec!["8075:1007".parse().unwrap(), "8075:1008".parse().unwrap()],
        ..AttrSet::default()
    };
    let regional = Group {
        attrs: Arc::new(attrs),
        source: Some("service-tags 376".into()),
        peering_locations: vec!["Ashburn".to_owned()],
        ..plain()
    };
    vec![
        (plain(), vec!["13.64.0.0/11".parse().unwrap(), "2603:1000::/24".parse().unwrap()]),
        (regional, vec!["13.64.0.0/14".parse().unwrap()]),
    ]
}

/// The `n`th /24 from 20.0.0.0 on.
fn numbered(n: usize) -> IpNet {
    let address = 0x1400_0000 + (u32::try_from(n).unwrap() << 8);
    Ipv4Net::new(Ipv4Addr::from(address), 24).unwrap().into()
}
