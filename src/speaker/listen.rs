//! Accepting: a connection goes to the session of its peer's address, or nowhere.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tracing::{info, warn};

use super::said::Said;
use super::system;
use crate::config::{RangePlan, SessionPlan};
use crate::metrics::{Metrics, TurnedAway};

/// How long accepting pauses when the process is out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// Where connections of one peer go.
#[derive(Clone, Debug)]
pub(super) struct Door {
    /// The session as planned. What came to another address than its own is not for it.
    pub(super) plan: Arc<SessionPlan>,
    /// The session's task.
    pub(super) accepted: mpsc::Sender<Admitted>,
}

/// A connection that has what its session asked of it when it came.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) stream: TcpStream,
    /// The session as it was then.
    pub(super) by: Arc<SessionPlan>,
}

/// Who may come in.
#[derive(Debug, Default)]
pub(super) struct Doors {
    /// Every session by its peer's address.
    pub(super) sessions: HashMap<IpAddr, Door>,
    /// Where peers that have no session yet may come from.
    pub(super) ranges: Vec<Arc<RangePlan>>,
}

/// A peer out of a range that has no session yet, and its connection.
#[derive(Debug)]
pub(super) struct Newcomer {
    pub(super) peer: IpAddr,
    pub(super) admitted: Admitted,
}

/// What a listener's task needs to know of the rest.
#[derive(Clone, Debug)]
pub(super) struct Entrance {
    /// The newest word on who may come in.
    pub(super) doors: Arc<ArcSwap<Doors>>,
    /// Who starts sessions of ranges.
    pub(super) newcomers: mpsc::Sender<Newcomer>,
    pub(super) metrics: Metrics,
}

/// The bound listeners of a plan.
#[derive(Debug)]
pub struct Listeners(Vec<TcpListener>);

/// A listener that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {at}: {error}: {}", way_out(error))]
pub struct ListenError {
    /// The address.
    pub at: SocketAddr,
    /// What the kernel said.
    pub error: std::io::Error,
}

fn way_out(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    let ways = [
        (
            ErrorKind::PermissionDenied,
            "ports below 1024 are root's and systemd's to give; set router.listen to another",
        ),
        (ErrorKind::AddrInUse, "end what listens there, or set router.listen"),
        (ErrorKind::AddrNotAvailable, "give this machine the address, or set router.listen"),
    ];
    let way = ways.into_iter().find(|(kind, _)| *kind == error.kind());
    way.map_or("set router.listen to an address of this machine", |(_, way)| way)
}

impl Listeners {
    /// Binds every address.
    ///
    /// # Errors
    /// The first address that cannot be bound; none is then left bound.
    pub fn bind(addresses: &[SocketAddr]) -> Result<Self, ListenError> {
        let bound =
            addresses.iter().map(|at| system::listen(*at).map_err(|error| ListenError { at: *at, error }));
        bound.collect::<Result<_, _>>().map(Self)
    }

    /// The addresses as bound, the port chosen by the kernel where 0 was asked for.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|l| l.local_addr().ok()).collect()
    }

    pub(super) fn into_inner(self) -> Vec<TcpListener> {
        self.0
    }
}

/// Accepts for ever.
pub(super) async fn accept(listener: Arc<TcpListener>, entrance: Entrance) {
    let mut said = Said::default();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                if let Err(why) = entrance.admit(stream, from.ip()) {
                    entrance.metrics.count_turned_away(why.counted());
                    if let Some(unsaid) = said.again() {
                        info!(%from, "connection closed: {why}{unsaid}");
                    }
                }
            }
            Err(error) => {
                warn!(%error, "accepting failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Why a connection went to no session.
#[derive(Debug, thiserror::Error)]
enum Astray {
    #[error("no session has that peer address")]
    Stranger,
    #[error("it came to {came_to}, and the session's own address is {expected}")]
    WrongAddress { came_to: IpAddr, expected: IpAddr },
    #[error("it was gone before it was taken: {0}")]
    Gone(std::io::Error),
    #[error("it is not as the session asks for, or cannot be made so: {0}")]
    Unfit(std::io::Error),
    #[error("the session has others waiting")]
    Crowded,
    #[error("other peers that have no session yet are waiting")]
    CrowdedRange,
}

impl Astray {
    fn counted(&self) -> TurnedAway {
        match self {
            Self::Stranger => TurnedAway::Stranger,
            Self::WrongAddress { .. } => TurnedAway::WrongAddress,
            Self::Gone(_) | Self::Unfit(_) => TurnedAway::Unfit,
            Self::Crowded | Self::CrowdedRange => TurnedAway::Crowded,
        }
    }
}

impl Entrance {
    /// Gives a connection to its session. Whoever is not configured sees it closed and learns nothing.
    fn admit(&self, stream: TcpStream, peer: IpAddr) -> Result<(), Astray> {
        let doors = self.doors.load();
        if let Some(door) = doors.sessions.get(&peer) {
            let admitted = fit(stream, peer, &door.plan)?;
            return door.accepted.try_send(admitted).map_err(|_| Astray::Crowded);
        }
        let range = doors.ranges.iter().find(|range| range.takes(peer)).ok_or(Astray::Stranger)?;
        let admitted = fit(stream, peer, &range.template)?;
        self.newcomers.try_send(Newcomer { peer, admitted }).map_err(|_| Astray::CrowdedRange)
    }
}

/// A connection with all that its session asks of it, and before anything else is decided about it.
fn fit(stream: TcpStream, peer: IpAddr, plan: &Arc<SessionPlan>) -> Result<Admitted, Astray> {
    let came_to = stream.local_addr().map_err(Astray::Gone)?.ip();
    let expected = plan.local_address;
    if came_to != expected {
        return Err(Astray::WrongAddress { came_to, expected });
    }
    match system::prepare_accepted(&stream, peer, &plan.transport) {
        Ok(()) => Ok(Admitted { stream, by: Arc::clone(plan) }),
        Err(error) => Err(Astray::Unfit(error)),
    }
}
