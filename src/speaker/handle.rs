//! The way into the speaker for whoever looks: snapshots, and pages asked of a session's task.

use std::collections::HashSet;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use ipnet::IpNet;
use thiserror::Error;
use tokio::sync::{mpsc, oneshot, watch};

use super::leaving::{self, Leaving};
use super::lifecycle::{CannotChangeType, TypeChangeBegun, TypeChangeOrder};
use super::origin::Origins;
use super::registrar::{CannotValidate, Events, RegistrarDesk, Registry};
use super::snapshot::{Overview, SessionSnapshot};
use crate::accept::{Explained, PathKey, ReceivedRoute};
use crate::advertise::Told;
use crate::config::{Kept, Plan, RangePlan};
use crate::rib::Generation;
use crate::wire::PerFamily;

/// A question to a session's task, answered between two turns.
#[derive(Debug)]
pub(crate) enum Ask {
    /// What the peer was told; a family without a lane has `None`.
    Advertised(oneshot::Sender<PerFamily<Option<Told>>>),
    /// Up to `limit` routes of Adj-RIB-In behind `after`: IPv4 before IPv6, each in prefix order.
    Received { after: Option<PathKey>, limit: usize, reply: oneshot::Sender<Vec<ReceivedRoute>> },
    /// What there is to say of one prefix that the peer announces, or does not.
    Explain { prefix: IpNet, reply: oneshot::Sender<Explained> },
    /// End the session and begin it anew.
    Reset { order: ResetOrder, reply: oneshot::Sender<ResetDone> },
    /// Say all routes again.
    Refresh { way: RefreshWay, reply: oneshot::Sender<Result<(), CannotRefresh>> },
}

/// How a session is to be reset.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ResetOrder {
    /// Also a peer that would keep the routes is to let them go (RFC 8538).
    pub is_hard: bool,
    /// Words for the peer's operator (RFC 9003) in place of the config's; at most 255 octets of them go out.
    pub text: Option<String>,
}

/// What a reset found. Whatever that was, the session begins anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ResetDone {
    /// A session was Established, and has ended.
    pub has_ended: bool,
    /// The peer was told, and the words with it; else there was nobody to tell.
    pub is_told: bool,
}

/// Who says all its routes again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RefreshWay {
    /// The peer: it is asked to by ROUTE-REFRESH.
    In,
    /// We do.
    Out,
}

/// Why nothing is refreshed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum CannotRefresh {
    /// There is no session.
    #[error("the session is not Established")]
    NotEstablished,
    /// The peer takes no ROUTE-REFRESH.
    #[error("the peer's OPEN had no route refresh (RFC 2918); only a reset brings its routes again")]
    NotNegotiated,
    /// See [`AskError`].
    #[error(transparent)]
    NotAsked(#[from] AskError),
}

/// One session as the handle knows it.
#[derive(Clone, Debug)]
pub(crate) struct SessionEntry {
    pub(crate) snapshot: watch::Receiver<Arc<SessionSnapshot>>,
    pub(crate) ask: mpsc::Sender<Ask>,
}

/// Why a question to a session got no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum AskError {
    /// The session went while it was asked: a reload removed it, or the daemon is stopping.
    #[error("the session has been removed")]
    Gone,
}

/// The way into the speaker: clones are cheap, and nothing here can slow a session.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) sessions: Arc<ArcSwap<Vec<SessionEntry>>>,
    pub(crate) generation: Arc<ArcSwapOption<Generation>>,
    pub(crate) overview: watch::Receiver<Overview>,
    pub(crate) plan: Arc<ArcSwap<Plan>>,
    pub(crate) origins: Origins,
    pub(crate) registrar: RegistrarDesk,
    pub(crate) kept: Arc<ArcSwap<Kept>>,
    pub(crate) type_changes: mpsc::Sender<TypeChangeOrder>,
    pub(crate) leaving: leaving::Shared,
}

impl Handle {
    /// Every session, in the order of the config.
    #[must_use]
    pub fn sessions(&self) -> Vec<Arc<SessionSnapshot>> {
        self.sessions.load().iter().map(|s| s.snapshot.borrow().clone()).collect()
    }

    /// The sessions that are being removed, by name: they are in the config no more, and not closed yet.
    #[must_use]
    pub fn leaving(&self) -> Vec<Arc<Leaving>> {
        let (all, plan) = (self.leaving.load_full(), self.plan.load());
        if all.is_empty() {
            return Vec::new();
        }
        // One that is there again, or by the same name with another peer, is not removed.
        let there: HashSet<&str> = plan.sessions.iter().map(|session| &*session.name).collect();
        let is_gone = |of: &&Arc<Leaving>| !there.contains(&*of.session.plan.name);
        all.iter().filter(is_gone).cloned().collect()
    }

    /// Every range that peers may dial from, in the order of the config.
    #[must_use]
    pub fn ranges(&self) -> Vec<Arc<RangePlan>> {
        self.plan.load().ranges.clone()
    }

    /// The generation in force.
    #[must_use]
    pub fn generation(&self) -> Option<Arc<Generation>> {
        self.generation.load_full()
    }

    /// What registries say of origins.
    #[must_use]
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// The plan in force: the config's, with the states and types that its connections have now.
    #[must_use]
    pub fn plan(&self) -> Arc<Plan> {
        self.plan.load_full()
    }

    /// What partners registered, and what became of it.
    #[must_use]
    pub fn registry(&self) -> Arc<Registry> {
        self.registrar.registry()
    }

    /// What happened to prefixes and connections.
    #[must_use]
    pub fn events(&self) -> &Events {
        self.registrar.events()
    }

    /// Has a registered or Peering Service prefix validated again; it is Pending then.
    ///
    /// # Errors
    /// Where there is no such prefix, or nothing of it to validate.
    pub async fn validate(&self, prefix: IpNet) -> Result<(), CannotValidate> {
        self.registrar.validate(prefix).await
    }

    /// What became of connections: their states and types, and changes of type.
    #[must_use]
    pub fn kept(&self) -> Arc<Kept> {
        self.kept.load_full()
    }

    /// Has the type of a connection changed, when its turn comes: its sessions are drained and restart.
    ///
    /// # Errors
    /// Where the connection or its peering does not allow it.
    pub async fn change_type(&self, connection: &str, to: &str) -> Result<TypeChangeBegun, CannotChangeType> {
        let (reply, answer) = oneshot::channel();
        let order = TypeChangeOrder { connection: connection.to_owned(), to: to.to_owned(), reply };
        self.type_changes.send(order).await.map_err(|_| CannotChangeType::Ended)?;
        answer.await.map_err(|_| CannotChangeType::Ended)?
    }

    /// The speaker as a whole.
    #[must_use]
    pub fn overview(&self) -> Overview {
        self.overview.borrow().clone()
    }

    /// What a session's peer was told, at one instant.
    ///
    /// # Errors
    /// [`AskError::Gone`] where no session has that name any more.
    pub async fn advertised(&self, session: &str) -> Result<PerFamily<Option<Told>>, AskError> {
        let (reply, answer) = oneshot::channel();
        self.ask(session, Ask::Advertised(reply)).await?;
        answer.await.map_err(|_| AskError::Gone)
    }

    /// Up to `limit` routes of a session's Adj-RIB-In behind `after`.
    ///
    /// # Errors
    /// [`AskError::Gone`] where no session has that name any more.
    pub async fn received(
        &self,
        session: &str,
        after: Option<PathKey>,
        limit: usize,
    ) -> Result<Vec<ReceivedRoute>, AskError> {
        let (reply, answer) = oneshot::channel();
        self.ask(session, Ask::Received { after, limit, reply }).await?;
        answer.await.map_err(|_| AskError::Gone)
    }

    /// Every check of one prefix on a session.
    ///
    /// # Errors
    /// [`AskError::Gone`] where no session has that name any more.
    pub async fn explain(&self, session: &str, prefix: IpNet) -> Result<Explained, AskError> {
        let (reply, answer) = oneshot::channel();
        self.ask(session, Ask::Explain { prefix, reply }).await?;
        answer.await.map_err(|_| AskError::Gone)
    }

    /// Ends a session by Cease/4, or by a Hard Reset that carries it, and begins it anew; also one that a prefix limit
    /// keeps down.
    ///
    /// # Errors
    /// [`AskError::Gone`] where no session has that name any more.
    pub async fn reset(&self, session: &str, order: ResetOrder) -> Result<ResetDone, AskError> {
        let (reply, answer) = oneshot::channel();
        self.ask(session, Ask::Reset { order, reply }).await?;
        answer.await.map_err(|_| AskError::Gone)
    }

    /// Has all routes of a session said again.
    ///
    /// # Errors
    /// Where there is no session, or the peer cannot be asked.
    pub async fn refresh(&self, session: &str, way: RefreshWay) -> Result<(), CannotRefresh> {
        let (reply, answer) = oneshot::channel();
        self.ask(session, Ask::Refresh { way, reply }).await?;
        answer.await.map_err(|_| AskError::Gone)?
    }

    async fn ask(&self, session: &str, question: Ask) -> Result<(), AskError> {
        let entry = self.sessions.load().iter().find(|s| &*s.snapshot.borrow().plan.name == session).cloned();
        let entry = entry.ok_or(AskError::Gone)?;
        entry.ask.send(question).await.map_err(|_| AskError::Gone)
    }
}
