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

/// How long accepting pauses when the process is out of descriptors or memory.
const PAUSE: Duration = Duration::from_millis(100);

/// Where connections of one peer go.
#[derive(Clone, Debug)]
pub(super) struct Door {
    /// Our end of the session: what came to another address is not it.
    pub(super) local_address: IpAddr,
    /// The session's task.
    pub(super) accepted: mpsc::Sender<TcpStream>,
}

/// Every session by its peer's address.
pub(super) type Doors = Arc<ArcSwap<HashMap<IpAddr, Door>>>;

/// The bound listeners of a plan.
#[derive(Debug)]
pub struct Listeners(Vec<TcpListener>);

/// A listener that could not be bound.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {at}: {error}")]
pub struct ListenError {
    /// The address.
    pub at: SocketAddr,
    /// What the kernel said.
    pub error: std::io::Error,
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
pub(super) async fn accept(listener: TcpListener, doors: Doors) {
    let mut said = Said::default();
    loop {
        match listener.accept().await {
            Ok((stream, from)) => {
                if let Err(why) = hand_over(&doors, stream, from)
                    && let Some(unsaid) = said.again()
                {
                    info!(%from, unsaid, "connection closed: {why}");
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
    #[error("the session has others waiting")]
    Crowded,
}

/// Gives a connection to its session. Whoever is not configured sees it closed and learns nothing.
fn hand_over(doors: &Doors, stream: TcpStream, from: SocketAddr) -> Result<(), Astray> {
    let door = doors.load().get(&from.ip()).cloned().ok_or(Astray::Stranger)?;
    let came_to = stream.local_addr().map_err(Astray::Gone)?.ip();
    if came_to != door.local_address {
        return Err(Astray::WrongAddress { came_to, expected: door.local_address });
    }
    door.accepted.try_send(stream).map_err(|_| Astray::Crowded)
}
