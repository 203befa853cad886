//! The way from a command to the daemon: HTTP/1.1 over the control socket.

use std::ffi::OsString;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use thiserror::Error;
use tokio::net::UnixStream;

use super::table::printable;

/// How long the daemon may take to begin an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// The most bytes of an answer that is not a list.
const MAX_VALUE: usize = 16 * 1024 * 1024;
/// The longest row of a list.
const MAX_ROW: usize = 4 * 1024 * 1024;

/// Why a command got nothing from the daemon.
#[derive(Debug, Error)]
pub(super) enum ClientError {
    #[error("nothing listens at {}: is peeringd running? (--socket or PEERINGD_SOCKET names another socket)", .0.display())]
    NoDaemon(PathBuf),
    #[error("{} is {what}, not a socket: name the daemon's control socket by --socket or PEERINGD_SOCKET", path.display())]
    NoSocket { path: PathBuf, what: &'static str },
    #[error("not allowed to use {}: run this as root, or as a member of the socket's group", .0.display())]
    NotAllowed(PathBuf),
    #[error("{}: {error}", socket.display())]
    Connect { socket: PathBuf, error: io::Error },
    #[error("the daemon did not answer within {} s", ANSWER_LIMIT.as_secs())]
    TooLate,
    #[error("the daemon's answer broke off: {0}")]
    BrokeOff(String),
    #[error("{0}")]
    Refused(String),
    /// What was looked up is not there.
    #[error("{0}")]
    NotThere(String),
    #[error("the daemon said what this command cannot read: {0}")]
    NotUnderstood(#[from] serde_json::Error),
    #[error("cannot write: {0}")]
    Output(#[from] io::Error),
}

impl From<hyper::Error> for ClientError {
    fn from(error: hyper::Error) -> Self {
        Self::BrokeOff(error.to_string())
    }
}

/// Says what an order came to. It was carried out all the same where nobody reads that any more.
pub(super) fn say(out: &mut dyn io::Write, what: &str) -> Result<(), ClientError> {
    match writeln!(out, "{}", printable(what)) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        said => Ok(said?),
    }
}

/// `{"error": {"code": …, "message": …}}`.
#[derive(Deserialize)]
struct Envelope {
    error: Inside,
}

#[derive(Deserialize)]
struct Inside {
    message: String,
}

pub(super) const CONTROL_SOCKET: &str = "/run/peeringd/control.sock";

/// Which daemon a command speaks to.
#[derive(Args, Clone, Debug)]
pub(super) struct SocketArgs {
    /// The daemon's control socket.
    #[arg(
        long,
        global = true,
        env = "PEERINGD_SOCKET",
        default_value = CONTROL_SOCKET,
        value_name = "PATH",
        value_parser = OsStringValueParser::new().map(socket_path)
    )]
    pub(super) socket: PathBuf,
}

/// A variable that is set to nothing is as good as unset.
pub(super) fn socket_path(given: OsString) -> PathBuf {
    if given.is_empty() { CONTROL_SOCKET.into() } else { given.into() }
}

/// Where the daemon listens.
#[derive(Clone, Debug)]
pub(super) struct Client {
    socket: PathBuf,
}

impl Client {
    pub(super) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Asks for a path and gives the answer once it begins, if it is a good one.
    async fn get(&self, path: &str) -> Result<Response<Incoming>, ClientError> {
        self.send(Request::get(path).body(Full::default()), path).await
    }

    /// Orders something, and gives the answer.
    pub(super) async fn order(&self, path: &str, order: &serde_json::Value) -> Result<Bytes, ClientError> {
        let body = Full::from(order.to_string());
        let request = Request::post(path).header(CONTENT_TYPE, "application/json").body(body);
        whole(self.send(request, path).await?).await
    }

    async fn send(
        &self,
        request: Result<Request<Full<Bytes>>, hyper::http::Error>,
        path: &str,
    ) -> Result<Response<Incoming>, ClientError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|e| self.no_connection(e))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // The connection's own error says no more than that of the answer.
        tokio::spawn(async move { drop(connection.await) });
        let mut request =
            request.map_err(|e| ClientError::Refused(format!("\"{path}\" cannot be asked for: {e}")))?;
        // A socket has no authority (RFC 9112 §3.2).
        request.headers_mut().insert(HOST, HeaderValue::from_static(""));
        let response = tokio::time::timeout(ANSWER_LIMIT, sender.send_request(request)).await;
        let response = response.map_err(|_| ClientError::TooLate)??;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = whole(response).await?;
        Err(ClientError::Refused(match serde_json::from_slice::<Envelope>(&body) {
            Ok(envelope) => envelope.error.message,
            Err(_) => format!("the daemon answered {status}"),
        }))
    }

    fn no_connection(&self, error: io::Error) -> ClientError {
        let socket = self.socket.clone();
        let kind = error.kind();
        if let Some(what) = other_than_socket(&socket) {
            ClientError::NoSocket { path: socket, what }
        } else if matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
            ClientError::NoDaemon(socket)
        } else if kind == io::ErrorKind::PermissionDenied {
            ClientError::NotAllowed(socket)
        } else {
            ClientError::Connect { socket, error }
        }
    }

    /// The answer to a path that has one value.
    pub(super) async fn value(&self, path: &str) -> Result<Bytes, ClientError> {
        whole(self.get(path).await?).await
    }

    /// The rows of a path that has a list.
    pub(super) async fn rows(&self, path: &str) -> Result<Rows, ClientError> {
        let answer = self.get(path).await?.into_body();
        Ok(Rows {
            client: self.clone(),
            path: path.to_owned(),
            answer,
            unread: BytesMut::new(),
            last: None,
            moved: false,
            next_link: None,
        })
    }
}

/// What stands at a path where a socket should, if anything else does.
fn other_than_socket(path: &Path) -> Option<&'static str> {
    let kind = std::fs::metadata(path).ok()?.file_type();
    if kind.is_socket() {
        None
    } else if kind.is_dir() {
        Some("a folder")
    } else if kind.is_file() {
        Some("a file")
    } else {
        Some("a device or a pipe")
    }
}

async fn whole(response: Response<Incoming>) -> Result<Bytes, ClientError> {
    let body = Limited::new(response.into_body(), MAX_VALUE).collect().await;
    Ok(body.map_err(|e| ClientError::BrokeOff(e.to_string()))?.to_bytes())
}

/// The rows of a list as they come, each the JSON text of one element: an array, or Azure's `{"value": […]}`.
///
/// The daemon ends a reader that takes nothing for 30 s, as one behind a pager may well; the list is then taken up again
/// behind the last prefix.
#[derive(Debug)]
pub(super) struct Rows {
    client: Client,
    path: String,
    answer: Incoming,
    /// What has come and was not given out.
    unread: BytesMut,
    last: Option<Bytes>,
    /// A row has come since the list was last asked for.
    moved: bool,
    next_link: Option<String>,
}

/// What a line of a list is.
enum Line {
    Open,
    Row(Bytes),
    /// With the link to what comes behind it.
    End(Option<String>),
}

/// The `nextLink` of one of Azure's lists, of the line that ends it.
fn behind_the_last(line: &[u8]) -> Option<&[u8]> {
    let ended = line.strip_prefix(br#"{"value":["#).unwrap_or(line);
    ended.strip_prefix(br#"],"nextLink":"#)?.strip_suffix(b"}")
}

#[derive(Deserialize)]
struct Prefixed {
    prefix: String,
}

impl Rows {
    /// Up to `max` rows; fewer, if no more have come yet; none at the end.
    pub(super) async fn next(&mut self, max: usize) -> Result<Vec<Bytes>, ClientError> {
        let mut rows = Vec::new();
        while rows.len() < max {
            let Some(line) = self.line()? else {
                if !rows.is_empty() {
                    break;
                }
                self.read().await?;
                continue;
            };
            match line {
                Line::Open => {}
                Line::Row(row) => rows.push(row),
                Line::End(next_link) => {
                    self.next_link = self.next_link.take().or(next_link);
                    // Left to be read again: whoever asks behind the end gets the end.
                    self.unread = BytesMut::from(&b"]\n"[..]);
                    break;
                }
            }
        }
        if let Some(row) = rows.last() {
            self.last = Some(row.clone());
            self.moved = true;
        }
        Ok(rows)
    }

    /// Where the list goes on, once its end has been read.
    pub(super) fn next_link(&self) -> Option<&str> {
        self.next_link.as_deref()
    }

    fn line(&mut self) -> Result<Option<Line>, ClientError> {
        let Some(end) = self.unread.iter().position(|b| *b == b'\n') else {
            return if self.unread.len() > MAX_ROW {
                Err(ClientError::BrokeOff("a row is too long".to_owned()))
            } else {
                Ok(None)
            };
        };
        let line = self.unread.split_to(end.saturating_add(1)).freeze();
        let text = line.trim_ascii_end();
        if let Some(next_link) = behind_the_last(text) {
            return Ok(Some(Line::End(serde_json::from_slice(next_link)?)));
        }
        Ok(Some(match text {
            b"[" | br#"{"value":["# => Line::Open,
            b"]" | b"[]" => Line::End(None),
            row => Line::Row(line.slice_ref(row.strip_suffix(b",").unwrap_or(row))),
        }))
    }

    async fn read(&mut self) -> Result<(), ClientError> {
        let broke_off = match self.answer.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.unread.extend_from_slice(&data);
                }
                return Ok(());
            }
            Some(Err(error)) => ClientError::from(error),
            None => return Err(ClientError::BrokeOff("it ended in the middle of a list".to_owned())),
        };
        let resumed = match &self.last {
            Some(row) if self.moved => serde_json::from_slice::<Prefixed>(row).ok(),
            Some(_) | None => None,
        };
        let Some(Prefixed { prefix }) = resumed else { return Err(broke_off) };
        let path = format!("{}?after={}", self.path, encoded(&prefix));
        self.answer = match self.client.get(&path).await {
            Ok(answer) => answer.into_body(),
            // Not every list can be taken up again.
            Err(ClientError::Refused(_)) => return Err(broke_off),
            Err(error) => return Err(error),
        };
        self.unread.clear();
        self.moved = false;
        Ok(())
    }
}

/// A text as a segment or a query value of a URL (RFC 3986 §2.3).
pub(super) fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}
