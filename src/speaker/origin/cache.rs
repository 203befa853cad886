//! One RTR cache: connects, takes its VRPs, hears of changes, and comes back when it has gone.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use rpki::rtr::{Client, State, Timing};
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{info, warn};

use super::super::clock::Clock;
use super::rtr::{Intake, RtrError, VERSION, payload_error};
use crate::metrics::CacheMetrics;
use crate::peering::origin::Vrp;

/// How long a cache may take to answer a connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long all VRPs may take to come.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);
/// Between two answers, whatever the cache says.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// Before the first new attempt; each further one waits twice as long.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LONGEST_RETRY: Duration = Duration::from_secs(60);
/// What RFC 8210 §6 has as the greatest intervals, in seconds.
const LONGEST_REFRESH: u32 = 86_400;
const LONGEST_EXPIRE: u32 = 172_800;
/// Octets read at once.
const BUFFER: usize = 64 * 1024;

/// What a cache's task tells the keeper.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// It is connected, and what is below is what it has.
    pub(super) is_synced: bool,
    /// The last whole set, sorted; none: it never sent one.
    pub(super) vrps: Option<Arc<[Vrp]>>,
    pub(super) session: Option<(u16, u32)>,
    /// When it last said that the set is current: seconds since the epoch.
    pub(super) updated_at: Option<u64>,
    /// When the set expires: by the clock of timers, and in seconds since the epoch.
    pub(super) expires: Option<(Instant, u64)>,
    pub(super) last_error: Option<(Arc<str>, u64)>,
}

/// A cache's task.
pub(super) struct Cache {
    pub(super) address: SocketAddr,
    pub(super) told: watch::Sender<Told>,
    /// Wakes the keeper.
    pub(super) wake: Arc<Notify>,
    pub(super) metrics: Arc<CacheMetrics>,
    /// Where to go on; none: all VRPs are to be asked for.
    state: Option<State>,
    vrps: Arc<[Vrp]>,
    retry: Duration,
    /// The log has a line on the cache being away.
    is_said: bool,
}

impl Cache {
    pub(super) fn new(
        address: SocketAddr,
        told: watch::Sender<Told>,
        wake: Arc<Notify>,
        metrics: Arc<CacheMetrics>,
    ) -> Self {
        let vrps = Arc::from([]);
        Self { address, told, wake, metrics, state: None, vrps, retry: FIRST_RETRY, is_said: false }
    }

    /// Until it is aborted.
    pub(super) async fn run(mut self) {
        loop {
            // A task that ended here would look like a cache in sync until its set expires.
            match AssertUnwindSafe(self.connection()).catch_unwind().await {
                Ok(Ok(never)) => match never {},
                Ok(Err(error)) => self.lost(&error),
                Err(_) => self.lost(&RtrError::Panicked),
            }
            sleep(self.retry).await;
            self.retry = LONGEST_RETRY.min(self.retry.saturating_mul(2));
        }
    }

    /// Takes answers until something is wrong.
    async fn connection(&mut self) -> Result<Infallible, RtrError> {
        let stream = timeout(CONNECT_LIMIT, TcpStream::connect(self.address)).await;
        let stream = stream
            .map_err(|_| RtrError::NoConnection(CONNECT_LIMIT.as_secs()))?
            .map_err(RtrError::Connect)?;
        stream.set_nodelay(true).map_err(RtrError::Io)?;
        let stream = BufReader::with_capacity(BUFFER, stream);
        // Taken: a cache of another life may do no more than close when it is asked to go on where the one before
        // stopped, and it is asked for all of it then.
        let state = self.state.take();
        let mut client = Client::with_initial_version(VERSION, stream, Intake::default(), state);
        let mut limit = ANSWER_LIMIT;
        loop {
            let begun = Instant::now();
            let before = client.state();
            let step = timeout(limit, client.step()).await;
            step.map_err(|_| RtrError::Stalled(limit.as_secs()))?.map_err(RtrError::of)?;
            let Some((changes, timing)) = client.target_mut().answer.take() else {
                return Err(RtrError::Protocol("no answer".to_owned()));
            };
            let session = |state: Option<State>| state.map(State::session);
            if !changes.is_reset && session(before) != session(client.state()) {
                return Err(RtrError::Protocol("changes of another session".to_owned()));
            }
            let vrps = self.vrps.clone();
            let applied = spawn_blocking(move || changes.apply(&vrps)).await.map_err(RtrError::Died)?;
            match applied {
                Ok(vrps) => self.take(vrps, client.state(), timing),
                Err(error) => {
                    // It goes whether the cache still listens or not.
                    drop(client.send_error(payload_error(error)).await);
                    return Err(error.into());
                }
            }
            limit = ANSWER_LIMIT + Duration::from_secs(timing.refresh.min(LONGEST_REFRESH).into());
            sleep_until(begun + LEAST_PAUSE).await;
        }
    }

    /// The cache's set is whole and current.
    fn take(&mut self, vrps: Arc<[Vrp]>, state: Option<State>, timing: Timing) {
        let (now, unix) = (Instant::now(), Clock::unix());
        let expire = timing.expire.min(LONGEST_EXPIRE);
        let session = state.map(|state| (state.session(), u32::from(state.serial())));
        if vrps != self.vrps || self.told.borrow().vrps.is_none() {
            self.vrps = vrps;
        }
        self.state = state;
        self.retry = FIRST_RETRY;
        self.is_said = false;
        let was_synced = self.told.borrow().is_synced;
        self.told.send_modify(|told| {
            told.is_synced = true;
            told.vrps = Some(self.vrps.clone());
            told.session = session;
            told.updated_at = Some(unix);
            told.expires =
                Some((now + Duration::from_secs(expire.into()), unix.saturating_add(expire.into())));
        });
        if !was_synced {
            info!(cache = %self.address, vrps = self.vrps.len(), "the RTR cache is in sync");
        }
        self.wake.notify_one();
    }

    fn lost(&mut self, error: &RtrError) {
        if error.is_out_of_step() {
            self.state = None;
        }
        self.metrics.failed();
        let has_vrps = self.told.borrow().vrps.is_some();
        if !std::mem::replace(&mut self.is_said, true) {
            if has_vrps {
                warn!(cache = %self.address, %error, "the RTR cache is lost; what it sent stays until it expires");
            } else {
                warn!(cache = %self.address, %error, "the RTR cache does not answer");
            }
        }
        self.told.send_modify(|told| {
            told.is_synced = false;
            told.last_error = Some((error.to_string().into(), Clock::unix()));
        });
        self.wake.notify_one();
    }
}
