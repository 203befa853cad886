//! Long lists: pages of rows, written as a chunked JSON array while the reader takes them.
//!
//! A list holds one page in memory, whatever its length. One that ends within its first page is answered whole; a longer
//! one takes one of a few places for long readers, and gives it back when its body ends or is dropped.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use ipnet::IpNet;
use serde::Serialize;
use tokio::sync::Semaphore;

use super::error::ApiError;
use super::json::{AdvertisedJson, ReceivedJson, RouteJson, SessionJson};
use crate::advertise::{Told, ToldRoute};
use crate::rib::{Generation, RouteView};
use crate::speaker::{AskError, Handle, SessionSnapshot};
use crate::wire::{Asn, Family, PerFamily};

/// Rows a page.
pub(super) const PAGE: usize = 1000;
/// How long a session's task may take to answer a question.
pub(super) const ASK_LIMIT: Duration = Duration::from_secs(10);

/// Whether a list goes on behind a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Page {
    More,
    Last,
}

/// Something that has rows.
pub(super) trait Source: Send + 'static {
    /// Writes the next rows, at most [`PAGE`].
    fn write_page(&mut self, out: &mut Rows) -> impl Future<Output = Result<Page, ApiError>> + Send;
}

/// Rows as the array's text, one a line.
#[derive(Debug, Default)]
pub(super) struct Rows {
    text: Vec<u8>,
    begun: bool,
}

impl Rows {
    /// Adds a row.
    pub(super) fn push(&mut self, row: &impl Serialize) -> Result<(), ApiError> {
        self.text.extend_from_slice(if self.begun { b",\n" } else { b"[\n" });
        self.begun = true;
        Ok(serde_json::to_writer(&mut self.text, row)?)
    }

    fn end(&mut self) {
        self.text.extend_from_slice(if self.begun { b"\n]\n" } else { b"[]\n" });
    }

    fn take(&mut self) -> Bytes {
        Bytes::from(std::mem::take(&mut self.text))
    }
}

/// Answers with the whole of a source.
pub(super) async fn answer<S: Source>(mut source: S, readers: Arc<Semaphore>) -> Result<Response, ApiError> {
    let mut rows = Rows::default();
    if source.write_page(&mut rows).await? == Page::Last {
        rows.end();
        return Ok(json(Body::from(rows.take())));
    }
    let Ok(place) = readers.try_acquire_owned() else {
        return Err(ApiError::unavailable("too many long lists are being read; try again in a moment"));
    };
    let first = rows.take();
    let rest = stream::try_unfold(Some((source, rows, place)), |open| async move {
        let Some((mut source, mut rows, place)) = open else { return Ok(None) };
        let page =
            source.write_page(&mut rows).await.map_err(|e| io::Error::other(e.message().to_owned()))?;
        Ok::<_, io::Error>(match page {
            Page::More => Some((rows.take(), Some((source, rows, place)))),
            Page::Last => {
                rows.end();
                Some((rows.take(), None))
            }
        })
    });
    let begun = stream::once(async { Ok(first) });
    Ok(json(Body::from_stream(stream::StreamExt::chain(begun, rest))))
}

/// A value as a JSON answer of one line.
pub(super) fn value(value: &impl Serialize) -> Result<Response, ApiError> {
    let mut text = serde_json::to_vec(value)?;
    text.push(b'\n');
    Ok(json(Body::from(text)))
}

fn json(body: Body) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Where a list of prefixes stands: behind a prefix, IPv4 before IPv6, with so many rows still wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    family: Option<Family>,
    after: Option<IpNet>,
    left: usize,
}

impl Cursor {
    /// Behind `after`, or from the start; at most `limit` rows, or all.
    pub(super) fn new(after: Option<IpNet>, limit: Option<usize>) -> Self {
        let family = match after {
            Some(IpNet::V6(_)) => Family::Ipv6,
            Some(IpNet::V4(_)) | None => Family::Ipv4,
        };
        Self { family: Some(family), after, left: limit.unwrap_or(usize::MAX) }
    }

    fn wanted(&self) -> usize {
        self.left.min(PAGE)
    }

    /// The next page, from as many families as it takes.
    fn fill<T>(
        &mut self,
        mut page: impl FnMut(Family, Option<IpNet>, usize) -> Vec<T>,
        prefix: impl Fn(&T) -> IpNet,
    ) -> (Vec<T>, Page) {
        let wanted = self.wanted();
        let mut rows = Vec::new();
        while let Some(family) = self.family {
            let room = wanted.saturating_sub(rows.len());
            if room == 0 {
                break;
            }
            let part = page(family, self.after, room);
            if part.len() < room {
                self.family = (family == Family::Ipv4).then_some(Family::Ipv6);
                self.after = None;
            } else {
                self.after = part.last().map(&prefix);
            }
            rows.extend(part);
        }
        self.left = self.left.saturating_sub(rows.len());
        let last = self.family.is_none() || self.left == 0;
        (rows, if last { Page::Last } else { Page::More })
    }
}

/// Every session.
pub(super) struct Sessions(pub(super) std::vec::IntoIter<Arc<SessionSnapshot>>);

impl Source for Sessions {
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        for session in self.0.by_ref().take(PAGE) {
            out.push(&SessionJson::new(&session))?;
        }
        Ok(if self.0.len() == 0 { Page::Last } else { Page::More })
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
        let generation = &self.generation;
        let (rows, page) =
            self.cursor.fill(|f, after, n| generation.page(f, after, n), |r: &RouteView| r.prefix);
        rows.iter().try_for_each(|route| out.push(&RouteJson::new(route, self.local_asn)))?;
        Ok(page)
    }
}

/// One route or none.
pub(super) struct OneRoute(pub(super) Option<RouteView>, pub(super) Asn);

impl Source for OneRoute {
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        self.0.iter().try_for_each(|route| out.push(&RouteJson::new(route, self.1)))?;
        Ok(Page::Last)
    }
}

/// What a peer was told, at one instant.
pub(super) struct Advertised {
    pub(super) told: PerFamily<Option<Told>>,
    pub(super) local_asn: Asn,
    pub(super) cursor: Cursor,
}

impl Source for Advertised {
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        let told = &self.told;
        let (rows, page) = self.cursor.fill(
            |family, after, n| told.get(family).as_ref().map_or_else(Vec::new, |t| t.page(after, n)),
            |r: &ToldRoute| r.prefix,
        );
        rows.iter().try_for_each(|route| out.push(&AdvertisedJson::new(route, self.local_asn)))?;
        Ok(page)
    }
}

/// A session's Adj-RIB-In, asked for page by page, so that it may change meanwhile.
pub(super) struct Received {
    pub(super) handle: Handle,
    pub(super) session: Arc<str>,
    pub(super) cursor: Cursor,
}

impl Source for Received {
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        let wanted = self.cursor.wanted();
        if wanted == 0 {
            return Ok(Page::Last);
        }
        let rows = asked(self.handle.received(&self.session, self.cursor.after, wanted)).await?;
        rows.iter().try_for_each(|route| out.push(&ReceivedJson::new(route)))?;
        self.cursor.after = rows.last().map(|r| r.prefix);
        self.cursor.left = self.cursor.left.saturating_sub(rows.len());
        let last = rows.len() < wanted || self.cursor.left == 0;
        Ok(if last { Page::Last } else { Page::More })
    }
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
