//! What a session's task waits for.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use tokio::net::TcpStream;
use tokio::time::sleep_until;

use crate::fsm::ConnId;
use crate::speaker::connection::Connection;

/// A dial under way.
pub(super) type Dial = Pin<Box<dyn Future<Output = std::io::Result<TcpStream>> + Send>>;

/// Until a connection can be read, or written where something waits.
pub(super) async fn ready(connections: &[Connection]) {
    poll_fn(|cx| {
        // Each is polled, so that each wakes the task.
        let ready = connections.iter().filter(|c| c.poll_ready(cx).is_ready()).count();
        if ready > 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// The end of the dial under way.
pub(super) async fn dialled(dialing: Option<&mut (ConnId, Dial)>) -> (ConnId, std::io::Result<TcpStream>) {
    match dialing {
        Some((conn, dial)) => (*conn, dial.await),
        None => std::future::pending().await,
    }
}

/// Until a deadline, if there is one.
pub(super) async fn due(deadline: Option<tokio::time::Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
