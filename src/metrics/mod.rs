//! Prometheus metrics: names, help and labels.
//!
//! The speaker counts in plain atomics ([`SessionMetrics`], [`RibMetrics`]) and knows nothing of Prometheus; values are
//! read when somebody scrapes. Names are `peeringd_<thing>_<unit>` in base units, with `_total` for counters. A session
//! has the labels `connection` and `session_ip`, and `family` where it matters; every label value comes from the config
//! or from a closed enum, never from a peer.

mod exposition;
mod labels;
mod origin;
mod process;
mod registrations;
mod rib;
mod session;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::{Registry, TextEncoder};
use thiserror::Error;

use labels::Counts;
pub use labels::{CaptureResult, LoadResult, MessageType, NotificationCode, TurnedAway, Way};
pub use origin::{CacheFigures, CacheMetrics, OriginMetrics};
pub use registrations::RegistryFigures;
pub use rib::{GenerationFigures, RibMetrics};
pub use session::{PrefixGauge, SessionLabels, SessionMetrics};

/// The media type of [`Metrics::render`]'s text.
pub const TEXT_FORMAT: &str = prometheus::TEXT_FORMAT;

/// How many, as wide as counters and gauges are.
pub(crate) fn figure(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Metrics that cannot be described or rendered: two families of one name, say.
#[derive(Debug, Error)]
#[error("metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// Every metric of the process, in a registry of its own. Clones are the same metrics.
#[derive(Clone, Debug)]
pub struct Metrics {
    inner: Arc<Inner>,
    registry: Registry,
}

/// By the peer's address: the connection's name and the counters.
type Sessions = BTreeMap<IpAddr, (Arc<str>, Arc<SessionMetrics>)>;

type Registrations = BTreeMap<Arc<str>, Arc<RegistryFigures>>;

#[derive(Debug, Default)]
struct Inner {
    /// Seconds since the epoch.
    started: f64,
    rib: RibMetrics,
    origin: OriginMetrics,
    turned_away: Counts<5>,
    captures: Counts<3>,
    sessions: Mutex<Sessions>,
    /// By the peering's name.
    registrations: Mutex<Registrations>,
}

impl Inner {
    fn registrations(&self) -> Vec<Arc<RegistryFigures>> {
        let all = self.registrations.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }

    /// No invariant spans two entries, so a panic elsewhere leaves nothing half done here.
    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sessions(&self) -> Vec<(SessionLabels, Arc<SessionMetrics>)> {
        let labelled = |(ip, (connection, metrics)): (&IpAddr, &(Arc<str>, Arc<SessionMetrics>))| {
            (SessionLabels { connection: connection.clone(), session_ip: *ip }, metrics.clone())
        };
        self.lock().iter().map(labelled).collect()
    }
}

impl Metrics {
    /// Metrics that start now, without sessions.
    ///
    /// # Errors
    /// When a family's name or labels are not what Prometheus allows.
    pub fn new() -> Result<Self, MetricsError> {
        let inner = Arc::new(Inner { started: process::now(), ..Inner::default() });
        let registry = Registry::new();
        registry.register(Box::new(exposition::Scrape::new(inner.clone())?))?;
        Ok(Self { inner, registry })
    }

    /// The counters of a session: those that the address has had since it first appeared, under the connection's
    /// present name, or new ones.
    #[must_use]
    pub fn session(&self, labels: SessionLabels) -> Arc<SessionMetrics> {
        let mut sessions = self.inner.lock();
        let entry =
            sessions.entry(labels.session_ip).or_insert_with(|| (labels.connection.clone(), Arc::default()));
        entry.0 = labels.connection;
        entry.1.set_known(process::now_secs());
        entry.1.clone()
    }

    /// The counters of a session that has some.
    #[must_use]
    pub fn find_session(&self, session_ip: IpAddr) -> Option<Arc<SessionMetrics>> {
        self.inner.lock().get(&session_ip).map(|(_, metrics)| metrics.clone())
    }

    /// Drops a session's series; nothing, if it has none.
    pub fn remove_session(&self, session_ip: IpAddr) {
        self.inner.lock().remove(&session_ip);
    }

    /// A connection to a listener went to no session.
    pub fn count_turned_away(&self, why: TurnedAway) {
        self.inner.turned_away.add(why, 1);
    }

    /// Connections to listeners that went to no session for this reason.
    #[must_use]
    pub fn turned_away(&self, why: TurnedAway) -> u64 {
        self.inner.turned_away.get(why)
    }

    /// What is registered under peerings is now this; of peerings that are not known, nothing any more.
    pub fn registered(
        &self,
        changed: impl Iterator<Item = RegistryFigures>,
        is_known: impl Fn(&str) -> bool,
    ) {
        let mut all = self.inner.registrations.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(changed.map(|figures| (figures.peering().clone(), Arc::new(figures))));
        all.retain(|peering, _| is_known(peering));
    }

    /// The flight recorder is done with a capture.
    pub fn count_capture(&self, result: CaptureResult) {
        self.inner.captures.add(result, 1);
    }

    /// Captures of the flight recorder that this became of.
    #[must_use]
    pub fn captures(&self, result: CaptureResult) -> u64 {
        self.inner.captures.get(result)
    }

    /// The gauges and counters of the RIB.
    #[must_use]
    pub fn rib(&self) -> &RibMetrics {
        &self.inner.rib
    }

    /// The gauges and counters of origin validation.
    #[must_use]
    pub fn origin(&self) -> &OriginMetrics {
        &self.inner.origin
    }

    /// Everything in the text exposition format, [`TEXT_FORMAT`]. O(sessions); reads `/proc/self`.
    ///
    /// # Errors
    /// When the encoder refuses what was collected.
    pub fn render(&self) -> Result<String, MetricsError> {
        Ok(TextEncoder::new().encode_to_string(&self.registry.gather())?)
    }
}

#[cfg(test)]
mod tests;
