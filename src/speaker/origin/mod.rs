//! Keeps what registries say of routes' origins: files from the plan, and RTR caches (RFC 8210, RFC 6810).
//!
//! A cache is one task that has a copy of its VRPs; the keeper chooses whose are used, makes the tables and puts them in
//! force in one step. Whoever judges routes has the tables from [`Origins`] and is woken when they change.

mod cache;
mod keeper;
mod rtr;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;

use crate::config::OriginPlan;
use crate::metrics::Metrics;
use crate::peering::{Enforcement, OriginTables};
use crate::wire::PerFamily;

/// The way in for whoever judges or looks; clones are cheap.
#[derive(Clone, Debug)]
pub struct Origins {
    pub(crate) in_force: watch::Receiver<OriginsInForce>,
    pub(crate) status: watch::Receiver<Arc<OriginStatus>>,
}

impl Origins {
    /// What is in force; the receiver is woken when something else is.
    #[must_use]
    pub fn in_force(&self) -> watch::Receiver<OriginsInForce> {
        self.in_force.clone()
    }

    /// Where they come from.
    #[must_use]
    pub fn status(&self) -> Arc<OriginStatus> {
        self.status.borrow().clone()
    }
}

/// What origins are judged by. The two come together: by tables without a file that is still to be read, what is to be
/// refused would be everything.
#[derive(Clone, Debug, Default)]
pub struct OriginsInForce {
    /// What registries say.
    pub tables: Arc<OriginTables>,
    /// What of that keeps a route out.
    pub enforce: Enforcement,
}

/// Where the tables in force come from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OriginStatus {
    /// Seconds since the epoch.
    pub in_force_since: u64,
    /// VRPs of the cache in use and all files, each once.
    pub vrps: PerFamily<u64>,
    /// Routes of the registries' files.
    pub irr_routes: PerFamily<u64>,
    /// In the order of preference.
    pub caches: Vec<CacheStatus>,
    /// The files of VRPs, and how many each has.
    pub vrp_files: Vec<(Arc<PathBuf>, u64)>,
    /// The registries' files, and how many routes each has.
    pub irr_files: Vec<(Arc<PathBuf>, u64)>,
    /// What keeps a route out.
    pub enforce: Enforcement,
}

/// What has become of a cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum CacheState {
    /// It has not answered yet.
    #[default]
    Connecting,
    /// Its VRPs are here, and it says when they change.
    Synced,
    /// It has gone, and its VRPs are still good.
    Lost,
    /// It has gone for longer than its expire interval: its VRPs count for nothing (RFC 8210 §6).
    Expired,
}

/// One cache.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CacheStatus {
    /// Where it is.
    pub address: SocketAddr,
    /// What has become of it.
    pub state: CacheState,
    /// Its VRPs are those in the tables.
    pub is_in_use: bool,
    /// Its session and serial number, once it has sent something.
    pub session: Option<(u16, u32)>,
    /// VRPs that it sent.
    pub vrps: PerFamily<u64>,
    /// Seconds since the epoch at which it last said that they are current.
    pub updated_at: Option<u64>,
    /// Seconds since the epoch at which they expire unless it says so again.
    pub expires_at: Option<u64>,
    /// What ended the last connection, or kept it from being made, and when.
    pub last_error: Option<(Arc<str>, u64)>,
}

/// Starts keeping tables by a plan, and by every plan that is sent afterwards. The files' contents are in force when
/// this returns. Must be called within a runtime.
pub(super) fn start(plan: &OriginPlan, metrics: &Metrics) -> (Origins, watch::Sender<OriginPlan>) {
    let (plans, plan_rx) = watch::channel(plan.clone());
    let (keeper, origins) = keeper::Keeper::new(plan_rx, metrics.clone());
    tokio::spawn(keeper.run());
    (origins, plans)
}
