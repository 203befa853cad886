//! The other side of a case: a TCP connection and octets.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

use super::case::{Verdict, ensure};
use super::octets::{KEEPALIVE, NOTIFICATION};

/// How long a peer waits for what must come.
const PATIENCE: Duration = Duration::from_secs(8);

/// A message as it came.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) body: Vec<u8>,
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "type {} {:02x?}", self.kind, self.body)
    }
}

/// One connection to the speaker.
pub(super) struct Peer {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Peer {
    /// Dials from an address, with this TTL where one is given.
    pub(super) async fn dial(from: Ipv4Addr, to: SocketAddr, ttl: Option<u32>) -> Result<Self, String> {
        let dial = async {
            let socket = TcpSocket::new_v4()?;
            socket.set_reuseaddr(true)?;
            if let Some(ttl) = ttl {
                SockRef::from(&socket).set_ttl_v4(ttl)?;
            }
            socket.bind(SocketAddr::from((from, 0)))?;
            socket.connect(to).await
        };
        let stream = dial.await.map_err(|error| format!("{from} cannot dial {to}: {error}"))?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    pub(super) async fn send(&mut self, octets: &[u8]) -> Verdict {
        self.stream.write_all(octets).await.map_err(|error| format!("sending failed: {error}"))
    }

    /// The next message; `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Result<Option<Message>, String> {
        self.next_before(Instant::now() + PATIENCE).await
    }

    async fn next_before(&mut self, deadline: Instant) -> Result<Option<Message>, String> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            let mut chunk = [0; 8192];
            let read = timeout_at(deadline, self.stream.read(&mut chunk)).await;
            match read.map_err(|_| "the speaker said nothing more".to_owned())? {
                // A reset is an end as well: it may overtake what was not read yet.
                Ok(0) | Err(_) => return Ok(None),
                Ok(read) => self.buffer.extend_from_slice(chunk.get(..read).unwrap_or_default()),
            }
        }
    }

    /// A whole message from the buffer.
    fn take(&mut self) -> Result<Option<Message>, String> {
        let Some((head, _)) = self.buffer.split_first_chunk::<19>() else { return Ok(None) };
        let [marker @ .., high, low, kind] = head;
        let len = usize::from(u16::from_be_bytes([*high, *low]));
        ensure(marker == &[0xFF; 16] && len >= 19, || format!("no header: {head:02x?}"))?;
        let kind = *kind;
        let Some(body) = self.buffer.get(19..len).map(<[u8]>::to_vec) else { return Ok(None) };
        self.buffer.drain(..len);
        Ok(Some(Message { kind, body }))
    }

    /// An error if anything comes within a time.
    pub(super) async fn silent(&mut self, time: Duration) -> Verdict {
        match self.next_before(Instant::now() + time).await {
            Ok(found) => Err(format!("{found:?} came")),
            Err(_) => Ok(()),
        }
    }

    /// The next message but for KEEPALIVEs, which must be of this type.
    pub(super) async fn expect(&mut self, kind: u8) -> Result<Message, String> {
        loop {
            match self.next().await? {
                Some(message) if message.kind == kind => return Ok(message),
                Some(message) if message.kind == KEEPALIVE => {}
                Some(other) => return Err(format!("{other:?} came instead of type {kind}")),
                None => return Err(format!("the connection ended instead of type {kind}")),
            }
        }
    }

    /// Whatever comes first of this type, and all that came before it.
    pub(super) async fn up_to(&mut self, kind: u8) -> Result<(Vec<Message>, Message), String> {
        let mut before = Vec::new();
        loop {
            match self.next().await? {
                Some(message) if message.kind == kind => return Ok((before, message)),
                Some(other) => before.push(other),
                None => return Err(format!("the connection ended after {before:?}, without type {kind}")),
            }
        }
    }

    /// A NOTIFICATION of this code and subcode, then the end; its data.
    pub(super) async fn ends_with(&mut self, code: u8, subcode: u8) -> Result<Vec<u8>, String> {
        let (_, notification) = self.up_to(NOTIFICATION).await?;
        let Some((said, data)) = notification.body.split_at_checked(2) else {
            return Err(format!("a NOTIFICATION of {} octets", notification.body.len()));
        };
        ensure(said == [code, subcode], || format!("NOTIFICATION {said:?} instead of {code}/{subcode}"))?;
        let data = data.to_vec();
        match self.next().await? {
            None => Ok(data),
            Some(more) => Err(format!("{more:?} behind the NOTIFICATION")),
        }
    }
}
