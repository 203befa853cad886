//! Accepting: a connection goes to the session of its peer's address, or nowhere.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::sockets;

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
            addresses.iter().map(|at| sockets::listen(*at).map_err(|error| ListenError { at: *at, error }));
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
    loop {
        match listener.accept().await {
            Ok((stream, from)) => hand_over(&doors, stream, from),
            Err(error) => {
                warn!(%error, "accepting failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Gives a connection to its session. Whoever is not configured sees it closed and learns nothing.
fn hand_over(doors: &Doors, stream: TcpStream, from: SocketAddr) {
    let Some(door) = doors.load().get(&from.ip()).cloned() else {
        debug!(%from, "connection from an address that is no peer's");
        return;
    };
    match stream.local_addr() {
        Ok(local) if local.ip() == door.local_address => {}
        Ok(local) => {
            debug!(%from, to = %local.ip(), expected = %door.local_address, "connection to another address than the session's");
            return;
        }
        Err(error) => {
            debug!(%from, %error, "connection gone before it was taken");
            return;
        }
    }
    if door.accepted.try_send(stream).is_err() {
        debug!(%from, "connection closed: the session has others waiting");
    }
}
