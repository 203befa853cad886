//! Connections: how many, how slow, and how they end.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::serve::{Listener, ListenerExt as _};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};

use super::seats::Seats;
use super::socket::Unlink;

/// Connections open at once; for one more, the one that has been silent for longest is closed.
pub(super) const MAX_CONNECTIONS: usize = 256;
/// How long a client may take over a request's head, or be silent between two requests.
pub(super) const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// How long a reader may take nothing of an answer.
pub(super) const STALL_LIMIT: Duration = Duration::from_secs(30);
/// How long answers under way may take to end at a stop.
pub(super) const STOP_LIMIT: Duration = Duration::from_secs(1);
/// Bytes of a request's head, and of an answer not yet written.
const MAX_BUFFER: usize = 16 * 1024;

/// Serves HTTP/1.1 on TCP until `shutdown` ends; answers under way then have 1 s.
pub async fn serve_http(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "an HTTP client was gone at once");
        }
    });
    serve(listener, router, shutdown).await;
}

/// Serves HTTP/1.1 on a Unix socket until `shutdown` ends, and then removes its file.
pub async fn serve_socket(listener: UnixListener, router: Router, shutdown: impl Future<Output = ()>) {
    let _unlink = Unlink::of(&listener);
    serve(listener, router, shutdown).await;
}

async fn serve(mut listener: impl Listener, router: Router, shutdown: impl Future<Output = ()>) {
    let mut shutdown = pin!(shutdown);
    let (stop, stopping) = watch::channel(());
    let (mut open, mut seats) = (JoinSet::new(), Seats::new(MAX_CONNECTIONS));
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = open.join_next(), if !open.is_empty() => {}
            (io, _) = listener.accept() => {
                let io = seats.watch(io);
                let last = io.last();
                seats.seat(last, open.spawn(connection(io, router.clone(), stopping.clone())));
            }
        }
    }
    drop((listener, stop));
    let drained = timeout(STOP_LIMIT, async { while open.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        open.shutdown().await;
    }
}

/// Answers one connection's requests. It ends well when the other side closes, when its time is over, or soon after
/// `stopping` closes.
pub(super) async fn connection<I>(io: I, router: Router, mut stopping: watch::Receiver<()>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(Unstalled::new(io));
    let mut serving = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_LIMIT)
            .max_buf_size(MAX_BUFFER)
            .serve_connection(io, TowerToHyperService::new(router))
    );
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        Err::<Infallible, _>(_) = closed(&mut stopping) => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "an HTTP connection broke off");
    }
}

/// Ends when the sender is gone, which never sends.
async fn closed(stopping: &mut watch::Receiver<()>) -> Result<Infallible, watch::error::RecvError> {
    loop {
        stopping.changed().await?;
    }
}

/// A stream whose writes fail once the other side has taken nothing for [`STALL_LIMIT`].
#[derive(Debug)]
struct Unstalled<I> {
    io: I,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<I> Unstalled<I> {
    fn new(io: I) -> Self {
        Self { io, stalled: None }
    }

    fn judge<T>(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stalled = None;
            return progress;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL_LIMIT)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Unstalled<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Unstalled<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.io).poll_write(cx, buf);
        self.judge(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.judge(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.io).poll_flush(cx);
        self.judge(cx, progress)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.io).poll_shutdown(cx);
        self.judge(cx, progress)
    }
}
