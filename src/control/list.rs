//! Answers: whole where they are short, and else as a chunked JSON list, written while the reader takes it.
//!
//! What readers hold is bounded by bytes, since a peer decides how long a row is. An answer of [`SHORT`] bytes may wait
//! for its reader as it is; a longer one takes one of a few places, and holds it until its last byte has been taken or
//! its connection is gone. Of a long list a chunk of about [`CHUNK`] bytes is in memory at a time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use ipnet::IpNet;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::error::ApiError;
use super::json::{AdvertisedJson, ReceivedJson, RouteJson};
use super::query::{Range, Wanted, before};
use crate::accept::{PathKey, ReceivedRoute};
use crate::advertise::{Told, ToldRoute};
use crate::rib::{Generation, RouteView};
use crate::speaker::{AskError, Handle};
use crate::wire::{Asn, Family, PathId, PerFamily};

/// Bytes of the longest answer that needs no place.
pub(super) const SHORT: usize = 16 * 1024;
/// A chunk of a long list ends with the row that fills it so far, in bytes.
pub(super) const CHUNK: usize = 64 * 1024;
/// The most rows fetched at once.
pub(super) const PAGE: usize = 1000;
/// Rows fetched first; from then on twice as many each time, as long as they fit.
const FIRST_FETCH: usize = 64;
/// How long a session's task may take to answer a question.
pub(super) const ASK_LIMIT: Duration = Duration::from_secs(10);

/// Whether a list goes on behind what was written of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Page {
    More,
    Last,
}

/// Something that has rows.
pub(super) trait Source: Send + 'static {
    /// Writes the next rows, until `out` is full.
    fn write_page(&mut self, out: &mut Rows) -> impl Future<Output = Result<Page, ApiError>> + Send;
}

/// What stands around the rows of a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shape {
    /// An array.
    Array,
    /// Azure's: the array is the `value` of an object, with a `nextLink` behind it.
    Value,
}

/// The longest end of a list that is not a page.
const END: &str = "\n],\"nextLink\":null}\n";

/// Rows as the list's text, one a line.
#[derive(Debug)]
pub(super) struct Rows {
    shape: Shape,
    text: Vec<u8>,
    begun: bool,
    /// Bytes with which `text` is full.
    full: usize,
}

impl Rows {
    fn new(shape: Shape) -> Self {
        // Room for the list's end, so that a page just not full stays short.
        Self { shape, text: Vec::new(), begun: false, full: SHORT - END.len() }
    }

    /// Adds a row, however long it is.
    pub(super) fn push(&mut self, row: &impl Serialize) -> Result<(), ApiError> {
        self.text.extend_from_slice(if self.begun { b"," } else { self.open() });
        self.text.push(b'\n');
        self.begun = true;
        Ok(serde_json::to_writer(&mut self.text, row)?)
    }

    fn open(&self) -> &'static [u8] {
        match self.shape {
            Shape::Array => b"[",
            Shape::Value => br#"{"value":["#,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.text.len() > self.full
    }

    fn end(&mut self) {
        self.end_page(&serde_json::Value::Null);
    }

    /// The end of a page, with the link to the next, of a list that has them.
    fn end_page(&mut self, next_link: &serde_json::Value) {
        self.text.extend_from_slice(if self.begun { b"\n" } else { self.open() });
        match self.shape {
            Shape::Array => self.text.extend_from_slice(b"]\n"),
            Shape::Value => {
                self.text.extend_from_slice(format!("],\"nextLink\":{next_link}}}\n").as_bytes());
            }
        }
    }

    fn take(&mut self) -> Vec<u8> {
        self.full = CHUNK;
        std::mem::take(&mut self.text)
    }
}

/// A place among those who read long answers.
type Place = Arc<OwnedSemaphorePermit>;

fn place(readers: Arc<Semaphore>) -> Result<Place, ApiError> {
    readers
        .try_acquire_owned()
        .map(Arc::new)
        .map_err(|_| ApiError::unavailable("too many long answers are being read; try again in a moment"))
}

/// Text that keeps its reader's place until it has been written.
struct Placed {
    text: Vec<u8>,
    _place: Place,
}

impl AsRef<[u8]> for Placed {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

fn placed(text: Vec<u8>, place: &Place) -> Bytes {
    Bytes::from_owner(Placed { text, _place: place.clone() })
}

/// Answers with the whole of a source, as an array.
pub(super) async fn answer<S: Source>(source: S, readers: Arc<Semaphore>) -> Result<Response, ApiError> {
    written(source, Shape::Array, readers).await
}

/// The same of one of Azure's collections, in its shape.
pub(super) async fn collection<S: Source>(source: S, readers: Arc<Semaphore>) -> Result<Response, ApiError> {
    written(source, Shape::Value, readers).await
}

/// One page of one of Azure's collections, and the link to the next.
pub(super) fn page<T: Serialize>(
    rows: impl Iterator<Item = T>,
    next_link: Option<String>,
    readers: Arc<Semaphore>,
) -> Result<Response, ApiError> {
    let mut page = Rows::new(Shape::Value);
    for row in rows {
        page.push(&row)?;
    }
    page.end_page(&next_link.into());
    Ok(json(whole(page.take(), readers)?))
}

async fn written<S: Source>(
    mut source: S,
    shape: Shape,
    readers: Arc<Semaphore>,
) -> Result<Response, ApiError> {
    let mut rows = Rows::new(shape);
    if source.write_page(&mut rows).await? == Page::Last {
        rows.end();
        return Ok(json(whole(rows.take(), readers)?));
    }
    let place = place(readers)?;
    let first = placed(rows.take(), &place);
    let rest = stream::try_unfold(Some((source, rows, place)), |open| async move {
        let Some((mut source, mut rows, place)) = open else { return Ok(None) };
        let page =
            source.write_page(&mut rows).await.map_err(|e| io::Error::other(e.message().to_owned()))?;
        Ok::<_, io::Error>(match page {
            Page::More => Some((placed(rows.take(), &place), Some((source, rows, place)))),
            Page::Last => {
                rows.end();
                Some((placed(rows.take(), &place), None))
            }
        })
    });
    let begun = stream::once(async { Ok(first) });
    Ok(json(Body::from_stream(stream::StreamExt::chain(begun, rest))))
}

/// A text that is there already; where it is long, with a place for its reader.
pub(super) fn whole(text: Vec<u8>, readers: Arc<Semaphore>) -> Result<Body, ApiError> {
    Ok(Body::from(if text.len() > SHORT { placed(text, &place(readers)?) } else { Bytes::from(text) }))
}

/// A value as a JSON answer of one line.
pub(super) fn value(value: &impl Serialize, readers: Arc<Semaphore>) -> Result<Response, ApiError> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    Ok(json(whole(text, readers)?))
}

fn json(body: Body) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Where a list stands: behind a prefix, or a path of one, IPv4 before IPv6, with so many rows still wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<K = IpNet> {
    family: Family,
    after: Option<K>,
    left: usize,
    fetch: usize,
}

impl Cursor {
    /// Where a range begins.
    pub(super) fn new(range: Range) -> Self {
        let family = match range.after {
            Some(IpNet::V6(_)) => Family::Ipv6,
            Some(IpNet::V4(_)) | None => Family::Ipv4,
        };
        Self { family, after: range.after, left: range.limit.unwrap_or(usize::MAX), fetch: FIRST_FETCH }
    }

    /// The same, behind all paths of the range's prefix.
    pub(super) fn of_paths(range: Range) -> Cursor<PathKey> {
        let Self { family, after, left, fetch } = Self::new(range);
        Cursor { family, after: after.map(last_path), left, fetch }
    }
}

/// Where the last of a prefix's paths could stand.
pub(super) fn last_path(prefix: IpNet) -> PathKey {
    (prefix, PathId::MAX)
}

impl<K> Cursor<K> {
    /// How many rows to fetch next.
    fn wanted(&self) -> usize {
        self.left.min(self.fetch)
    }

    /// Writes rows that were fetched, until `out` is full, and says how many; the others are fetched again when their
    /// turn comes.
    fn write<T>(
        &mut self,
        rows: &[T],
        key: impl Fn(&T) -> K,
        push: impl Fn(&T, &mut Rows) -> Result<(), ApiError>,
        out: &mut Rows,
    ) -> Result<usize, ApiError> {
        for (written, row) in rows.iter().enumerate() {
            if out.is_full() {
                self.fetch = written.max(1);
                return Ok(written);
            }
            push(row, out)?;
            self.after = Some(key(row));
            self.left = self.left.saturating_sub(1);
        }
        self.fetch = self.fetch.saturating_mul(2).min(PAGE);
        Ok(rows.len())
    }
}

impl Cursor {
    /// Writes rows of both families until `out` is full.
    fn fill<T>(
        &mut self,
        fetch: impl Fn(Family, Option<IpNet>, usize) -> Vec<T>,
        prefix: impl Fn(&T) -> IpNet,
        push: impl Fn(&T, &mut Rows) -> Result<(), ApiError>,
        out: &mut Rows,
    ) -> Result<Page, ApiError> {
        while !out.is_full() {
            let wanted = self.wanted();
            let rows = fetch(self.family, self.after, wanted);
            if self.write(&rows, &prefix, &push, out)? < rows.len() {
                break;
            }
            if self.left == 0 {
                return Ok(Page::Last);
            }
            if rows.len() < wanted {
                match self.family {
                    Family::Ipv4 => (self.family, self.after) = (Family::Ipv6, None),
                    Family::Ipv6 => return Ok(Page::Last),
                }
            }
        }
        Ok(Page::More)
    }
}

/// Rows that are all at hand: how an item becomes one is `push`.
pub(super) struct Listed<I, F> {
    pub(super) items: I,
    pub(super) push: F,
}

impl<I, F> Source for Listed<I, F>
where
    I: Iterator + Send + 'static,
    F: FnMut(I::Item, &mut Rows) -> Result<(), ApiError> + Send + 'static,
{
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        while !out.is_full() {
            let Some(item) = self.items.next() else { return Ok(Page::Last) };
            (self.push)(item, out)?;
        }
        Ok(Page::More)
    }
}

/// The routes of a generation, which stays in memory while they are read.
pub(super) struct Routes {
    pub(super) generation: Arc<Generation>,
    pub(super) local_asn: Asn,
    pub(super) cursor: Cursor,
}

impl Source for Routes {
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        let (generation, local_asn) = (&self.generation, self.local_asn);
        self.cursor.fill(
            |family, after, n| generation.page(family, after, n),
            |route: &RouteView| route.prefix,
            |route, out| out.push(&RouteJson::new(route, local_asn)),
            out,
        )
    }
}

/// One row or none.
pub(super) fn one(row: Option<&impl Serialize>, readers: Arc<Semaphore>) -> Result<Response, ApiError> {
    let mut rows = Rows::new(Shape::Array);
    if let Some(row) = row {
        rows.push(row)?;
    }
    rows.end();
    Ok(json(whole(rows.take(), readers)?))
}

/// What a peer was told, at one instant.
pub(super) struct Advertised {
    pub(super) told: PerFamily<Option<Told>>,
    pub(super) local_asn: Asn,
    pub(super) cursor: Cursor,
}

impl Source for Advertised {
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        let (told, local_asn) = (&self.told, self.local_asn);
        self.cursor.fill(
            |family, after, n| told.get(family).as_ref().map_or_else(Vec::new, |t| t.page(after, n)),
            |route: &ToldRoute| route.prefix,
            |route, out| out.push(&AdvertisedJson::new(route, local_asn)),
            out,
        )
    }
}

/// A session's Adj-RIB-In, asked for page by page, so that it may change meanwhile.
pub(super) struct Received {
    pub(super) handle: Handle,
    pub(super) session: Arc<str>,
    pub(super) cursor: Cursor<PathKey>,
    /// The paths of this prefix alone, behind which the cursor must not stand yet.
    pub(super) only: Option<IpNet>,
}

impl Received {
    /// All paths of one prefix.
    pub(super) fn paths_of(handle: Handle, session: Arc<str>, prefix: IpNet) -> Self {
        let mut cursor = Cursor::of_paths(Range::default());
        cursor.after = before(prefix).map(last_path);
        Self { handle, session, cursor, only: Some(prefix) }
    }
}

impl Source for Received {
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        while !out.is_full() {
            let wanted = self.cursor.wanted();
            if wanted == 0 {
                return Ok(Page::Last);
            }
            let mut rows = asked(self.handle.received(&self.session, self.cursor.after, wanted)).await?;
            if let Some(prefix) = self.only {
                rows.truncate(rows.partition_point(|route| route.prefix == prefix));
            }
            let push = |route: &ReceivedRoute, out: &mut Rows| out.push(&ReceivedJson::new(route));
            if self.cursor.write(&rows, ReceivedRoute::key, push, out)? < rows.len() {
                break;
            }
            if rows.len() < wanted {
                return Ok(Page::Last);
            }
        }
        Ok(Page::More)
    }
}

/// The route that answers `wanted`, of those that `fetch` gives behind a prefix: the last of its candidates that is
/// there. At most as many questions as candidates.
pub(super) async fn sought<T, F>(
    wanted: Wanted,
    fetch: impl Fn(Option<IpNet>) -> F,
    prefix: impl Fn(&T) -> IpNet,
) -> Result<Option<T>, ApiError>
where
    F: Future<Output = Result<Option<T>, ApiError>>,
{
    let mut found = None;
    let mut open = wanted.candidates().into_iter().peekable();
    while let Some(candidate) = open.peek() {
        let Some(row) = fetch(before(*candidate)).await? else { break };
        let at = prefix(&row);
        while open.next_if(|candidate| *candidate < at).is_some() {}
        if open.next_if_eq(&at).is_some() {
            found = Some(row);
        }
    }
    Ok(found)
}

/// The answer to a question to a session's task, within [`ASK_LIMIT`].
pub(super) async fn asked<T>(answer: impl Future<Output = Result<T, AskError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(ASK_LIMIT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => {
            Err(ApiError::unavailable(format!("the session did not answer within {} s", ASK_LIMIT.as_secs())))
        }
    }
}
