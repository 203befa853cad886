//! `peeringd demo`: Microsoft's side and a partner in one process, over real TCP, with nothing to set up.

use std::collections::BTreeSet;
use std::io::{ErrorKind, IsTerminal, Write, stdout};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{sleep, timeout};

use crate::config::{
    Limits, OriginPlan, Plan, PolicyPlan, ProtocolPlan, RestartPlan, RouterPlan, SessionPlan, TransportPlan,
};
use crate::control;
use crate::fsm::State;
use crate::metrics::Metrics;
use crate::peering::{ConnectionState, PolicyGroup};
use crate::rib::{self, Generation, LoadOptions, Rows};
use crate::speaker::{Generations, Handle, Listeners, SessionSnapshot, Speaker};
use crate::wire::{Asn, ErrorCode, Family, Notification, PerFamily};

/// The RIB that ships, as it is in the repository.
const SHIPPED_RIB: &str = include_str!("../../configs/rib/microsoft.yaml");
const SHIPPED_RIB_NAME: &str = "configs/rib/microsoft.yaml";
/// Microsoft's AS, and one set aside for documentation (RFC 5398) for the partner.
const MICROSOFT: Asn = Asn(8075);
const PARTNER: Asn = Asn(64500);
/// Where Microsoft's side listens, if nobody else does.
const PORT: u16 = 1790;
const HTTP_PORT: u16 = 9179;
/// The partner's two routers with their connections, and an address for whoever wants to connect a router.
const PARTNERS: [(Ipv4Addr, &str); 2] =
    [(Ipv4Addr::new(127, 0, 0, 2), "demo-1"), (Ipv4Addr::new(127, 0, 0, 3), "demo-2")];
const YOUR_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
/// The next hops, of documentation space (RFC 5737, 3849): a router refuses those of loopback.
const NEXT_HOP_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const NEXT_HOP_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x8075, 0, 0, 0, 0, 1);
/// How long the partner may take.
const IN_SYNC_WITHIN: Duration = Duration::from_secs(20);

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// End after the partner is in sync; exit 0 only if it holds exactly the RIB.
    #[arg(long)]
    once: bool,
}

/// Runs the demo.
pub(super) fn run(args: &DemoArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("peeringd demo: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(demo(args)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peeringd demo: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whoever read the output has seen enough.
fn is_closed_pipe(error: &Failure) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == ErrorKind::BrokenPipe)
}

/// Why a demo failed; said once, to a person.
type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn demo(args: &DemoArgs) -> Result<(), Failure> {
    let begin = Instant::now();
    let (rows, _) = rib::load_text(
        Path::new(SHIPPED_RIB_NAME),
        SHIPPED_RIB.to_owned(),
        &LoadOptions { local_asn: MICROSOFT },
    )?;
    let generation = Generations::new().build(rows)?;
    let count = generation.count();
    let mut out = stdout();
    writeln!(
        out,
        "peeringd {}: Microsoft's side (AS{MICROSOFT}) and a partner (AS{PARTNER}), over TCP\n",
        env!("CARGO_PKG_VERSION")
    )?;
    writeln!(
        out,
        "  RIB       {} IPv4 and {} IPv6 prefixes, loaded in {}\n            ({SHIPPED_RIB_NAME})",
        count.ipv4,
        count.ipv6,
        took(begin)
    )?;

    let listeners = bind(PORT)?;
    let at = *listeners.addresses().first().ok_or("no listener")?;
    let microsoft = Arc::new(microsoft_plan(at));
    let metrics = Metrics::new()?;
    let speaker = Speaker::start(microsoft, generation.clone(), listeners, metrics.clone());
    writeln!(out, "  Speaker   {at}{}", instead_of(PORT, at))?;
    let http = http(&speaker, &metrics).await?;

    let dialled = Instant::now();
    let nothing = Generations::new().build(Rows::default())?;
    let mut partners = Vec::new();
    for (address, connection) in PARTNERS {
        let plan = Arc::new(partner_plan(address, connection, at));
        partners.push(Speaker::start(plan, nothing.clone(), bind(0)?, Metrics::new()?));
    }
    let in_sync = timeout(IN_SYNC_WITHIN, watch(&partners, &generation, dialled)).await;
    let sessions =
        in_sync.map_err(|_| format!("the partner was not in sync within {} s", IN_SYNC_WITHIN.as_secs()))?;
    let exact = report(&sessions, &generation).await?;

    if exact && !args.once {
        // From here on there is a folder to take away.
        let mut asked = EndSignals::new()?;
        let folder = tempfile::Builder::new().prefix("peeringd-demo-").tempdir()?;
        let socket = folder.path().join("control.sock");
        let router = control::socket_router(speaker.handle(), metrics.clone());
        let serving = control::serve_socket(control::bind_socket(&socket)?, router, std::future::pending());
        say_what_next(at, http, &socket)?;
        tokio::select! {
            () = serving => {}
            () = asked.any() => {}
        }
        writeln!(out, "\nstopping")?;
    }
    for speaker in partners.iter().chain([&speaker]) {
        speaker.stop(Some(Notification::new(ErrorCode::ADMIN_SHUTDOWN))).await?;
    }
    if exact { Ok(()) } else { Err("the partner does not hold exactly the RIB".into()) }
}

/// Ctrl-C, SIGTERM, and the terminal that is closed.
struct EndSignals([Signal; 3]);

impl EndSignals {
    /// Takes the signals over from their default actions.
    fn new() -> std::io::Result<Self> {
        let of = |kind: fn() -> SignalKind| signal(kind());
        Ok(Self([of(SignalKind::interrupt)?, of(SignalKind::terminate)?, of(SignalKind::hangup)?]))
    }

    /// Until one of them comes.
    async fn any(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// Binds the port, or one that the kernel chooses where it is taken.
fn bind(port: u16) -> Result<Listeners, Failure> {
    let at = |port| [SocketAddr::from((Ipv4Addr::LOCALHOST, port))];
    match Listeners::bind(&at(port)) {
        Err(taken) if taken.error.kind() == ErrorKind::AddrInUse => Ok(Listeners::bind(&at(0))?),
        bound => Ok(bound?),
    }
}

/// Says where it ended up when that is not where it was meant to.
fn instead_of(port: u16, at: SocketAddr) -> String {
    if at.port() == port { String::new() } else { format!(" (port {port} is taken)") }
}

/// Serves metrics and the API for a browser.
async fn http(speaker: &Speaker, metrics: &Metrics) -> Result<SocketAddr, Failure> {
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, HTTP_PORT)).await {
        Err(taken) if taken.kind() == ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?
        }
        bound => bound?,
    };
    let at = listener.local_addr()?;
    let router = control::router(speaker.handle(), metrics.clone());
    tokio::spawn(control::serve_http(listener, router, std::future::pending()));
    Ok(at)
}

/// A session that came to hold the whole set.
struct InSync {
    partner: Handle,
    snapshot: Arc<SessionSnapshot>,
    /// From the partner's start to End-of-RIB of both families.
    after: Duration,
}

/// Watches the partner's sessions until each has End-of-RIB of both families.
async fn watch(partners: &[Speaker], generation: &Generation, dialled: Instant) -> Vec<InSync> {
    let partners: Vec<Handle> = partners.iter().map(Speaker::handle).collect();
    let sessions = || partners.iter().flat_map(|p| p.sessions().into_iter().map(|s| (p.clone(), s)));
    let count = generation.count();
    let total = u64::try_from(count.ipv4.saturating_add(count.ipv6)).unwrap_or(u64::MAX);
    let bars = Bars::new(sessions().map(|(_, session)| session), total);
    let mut done: Vec<Option<InSync>> = sessions().map(|_| None).collect();
    loop {
        let after = dialled.elapsed();
        for (i, ((partner, session), done)) in sessions().zip(&mut done).enumerate() {
            bars.show(i, &session);
            let ended = session.end_of_rib_received;
            if session.state == State::Established && ended.ipv4 && ended.ipv6 && done.is_none() {
                *done = Some(InSync { partner, snapshot: session, after });
            }
        }
        if done.iter().all(Option::is_some) {
            bars.clear();
            return done.into_iter().flatten().collect();
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// A bar a session, on a terminal.
struct Bars(Vec<ProgressBar>);

impl Bars {
    fn new(sessions: impl Iterator<Item = Arc<SessionSnapshot>>, total: u64) -> Self {
        let target =
            if stdout().is_terminal() { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        let all = MultiProgress::with_draw_target(target);
        let style = ProgressStyle::with_template("  {prefix:<9} [{bar:30}] {pos}/{len} {msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(
            sessions
                .map(|s| {
                    let bar = all.add(ProgressBar::new(total).with_style(style.clone()));
                    bar.with_prefix(s.plan.connection.to_string())
                })
                .collect(),
        )
    }

    fn show(&self, i: usize, session: &SessionSnapshot) {
        if let Some(bar) = self.0.get(i) {
            bar.set_position(session.received.ipv4.saturating_add(session.received.ipv6));
            bar.set_message(format!("{:?}", session.state));
        }
    }

    fn clear(&self) {
        for bar in &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Says what each session of the partner received; true if each holds exactly the RIB.
async fn report(sessions: &[InSync], generation: &Generation) -> Result<bool, Failure> {
    let expected = expected(generation);
    let mut exact = true;
    let mut out = stdout();
    for session in sessions {
        let name = &session.snapshot.plan.name;
        let received = received(&session.partner, name).await?;
        let (ipv4, ipv6) = (of(&received, Family::Ipv4), of(&received, Family::Ipv6));
        let (partner, after) = (session.snapshot.plan.local_address, millis(session.after));
        writeln!(out, "  Partner   {partner} received {ipv4} IPv4 and {ipv6} IPv6 prefixes in {after}")?;
        if received != expected {
            exact = false;
            let missing = expected.difference(&received).count();
            let unexpected = received.difference(&expected).count();
            writeln!(out, "            {missing} missing, {unexpected} unexpected")?;
        }
    }
    let verdict = if exact { "exactly the RIB on every session" } else { "NOT the RIB" };
    let (ipv4, ipv6) = (of(&expected, Family::Ipv4), of(&expected, Family::Ipv6));
    writeln!(out, "\n  The partner holds {verdict}:\n  {ipv4} IPv4 and {ipv6} IPv6 prefixes received.")?;
    Ok(exact)
}

/// A route as far as the demo compares it: prefix and AS path.
type Seen = BTreeSet<(IpNet, String)>;

fn of(routes: &Seen, family: Family) -> usize {
    routes.iter().filter(|(prefix, _)| prefix.max_prefix_len() == family.max_len()).count()
}

fn expected(generation: &Generation) -> Seen {
    let mut all = Seen::new();
    for family in Family::ALL {
        let mut after = None;
        loop {
            let page = generation.page(family, after, 1000);
            let Some(last) = page.last() else { break };
            after = Some(last.prefix);
            all.extend(page.iter().map(|route| (route.prefix, MICROSOFT.to_string())));
        }
    }
    all
}

async fn received(partner: &Handle, session: &str) -> Result<Seen, Failure> {
    let mut all = Seen::new();
    let mut after = None;
    loop {
        let page = partner.received(session, after, 1000).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.key());
        all.extend(page.into_iter().map(|route| (route.prefix, route.attrs.as_path.to_string())));
    }
}

fn say_what_next(at: SocketAddr, http: SocketAddr, socket: &Path) -> std::io::Result<()> {
    let (ip, port) = (at.ip(), at.port());
    writeln!(
        stdout(),
        "
  Browser   http://{http}/
  Metrics   http://{http}/metrics{}
  Look in   peeringd show sessions --socket {}

  Your own  A router may dial {ip} port {port} from {YOUR_ADDRESS} as AS{PARTNER}.
            With BIRD 2, put this in a file FILE and run `bird -f -c FILE -s bird.ctl`:

              router id {YOUR_ADDRESS};
              protocol device {{ }}
              protocol bgp microsoft {{
                local {YOUR_ADDRESS} as {PARTNER};
                neighbor {ip} port {port} as {MICROSOFT};
                multihop;
                ipv4 {{ import all; export none; }};
                ipv6 {{ import all; export none; }};
              }}

            `birdc -s bird.ctl show route` then lists them, as unreachable: the
            next hops are of documentation space, and lead nowhere.

  Ctrl-C ends it.",
        instead_of(HTTP_PORT, http),
        socket.display()
    )
}

fn took(since: Instant) -> String {
    millis(since.elapsed())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn microsoft_plan(at: SocketAddr) -> Plan {
    let peers = PARTNERS.into_iter().chain([(YOUR_ADDRESS, "yours")]);
    let sessions = peers.map(|(peer, connection)| SessionPlan {
        peer_address: peer.into(),
        local_address: at.ip(),
        peer_asn: PARTNER,
        passive: true,
        next_hop: PerFamily { ipv4: Some(NEXT_HOP_V4.into()), ipv6: Some(NEXT_HOP_V6.into()) },
        ..session(connection)
    });
    plan(MICROSOFT, Ipv4Addr::LOCALHOST, at, sessions.collect())
}

fn partner_plan(local: Ipv4Addr, connection: &str, at: SocketAddr) -> Plan {
    let session = SessionPlan {
        peer_address: at.ip(),
        peer_port: at.port(),
        local_address: local.into(),
        peer_asn: MICROSOFT,
        next_hop: PerFamily { ipv4: Some(NEXT_HOP_V4.into()), ipv6: Some(NEXT_HOP_V6.into()) },
        ..session(connection)
    };
    plan(PARTNER, local, at, vec![session])
}

fn session(connection: &str) -> SessionPlan {
    SessionPlan {
        name: format!("{connection}-v4").into(),
        connection: connection.into(),
        peering: "demo".into(),
        peering_location: None,
        connection_state: ConnectionState::Active,
        policy_group: PolicyGroup::default(),
        peer_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        peer_port: PORT,
        local_address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        peer_asn: PARTNER,
        passive: false,
        is_route_server: false,
        hold_time: 90,
        connect_retry: Duration::from_secs(1),
        add_path_receive: false,
        extended_next_hop: false,
        families: PerFamily { ipv4: true, ipv6: true },
        next_hop: PerFamily::default(),
        max_prefixes: PerFamily { ipv4: Some(20_000), ipv6: Some(2_000) },
        transport: TransportPlan::default(),
        protocol: ProtocolPlan::default(),
        graceful_restart: Some(RestartPlan::default()),
    }
}

fn plan(asn: Asn, router_id: Ipv4Addr, at: SocketAddr, sessions: Vec<SessionPlan>) -> Plan {
    Plan {
        file: PathBuf::from("demo"),
        router: RouterPlan { asn, router_id, listen: vec![at] },
        rib: PathBuf::from(SHIPPED_RIB_NAME),
        http: None,
        control_socket: PathBuf::new(),
        state_dir: PathBuf::new(),
        lab: true,
        limits: Limits { received_prefixes: 1_000_000 },
        peer_asns: Vec::new(),
        policy: PolicyPlan::default(),
        origin: OriginPlan::default(),
        peerings: Vec::new(),
        sessions: sessions.into_iter().map(Arc::new).collect(),
        ranges: Vec::new(),
    }
}
