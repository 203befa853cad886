//! Chooses whose VRPs are used, makes the tables, and puts them in force.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument, debug, error, info_span, warn};

use super::super::clock::Clock;
use super::cache::{Cache, Told};
use super::{CacheState, CacheStatus, OriginStatus, Origins, OriginsInForce};
use crate::config::OriginPlan;
use crate::metrics::{CacheFigures, CacheMetrics, Metrics};
use crate::peering::OriginTables;
use crate::peering::origin::{RpkiTable, Vrp, VrpFile};
use crate::wire::{Family, PerFamily};

/// Owns the caches' tasks and the tables.
pub(super) struct Keeper {
    plans: watch::Receiver<OriginPlan>,
    metrics: Metrics,
    caches: Vec<Running>,
    wake: Arc<Notify>,
    in_force: watch::Sender<OriginsInForce>,
    status: watch::Sender<Arc<OriginStatus>>,
    /// What the tables were made of.
    made_of: Option<Arc<[Vrp]>>,
    made_by: OriginPlan,
    since: u64,
}

/// A cache's task, which ends when this is dropped.
struct Running {
    address: SocketAddr,
    told: watch::Receiver<Told>,
    metrics: Arc<CacheMetrics>,
    /// The log has a line on its set having expired.
    is_said: bool,
    _task: JoinSet<()>,
}

impl Keeper {
    /// With the tables of the plan's files in force.
    pub(super) fn new(plans: watch::Receiver<OriginPlan>, metrics: Metrics) -> (Self, Origins) {
        let made_by = plans.borrow().clone();
        let tables = Arc::new(tables(None, &made_by));
        let (in_force, in_force_rx) = watch::channel(OriginsInForce { tables, enforce: made_by.enforce });
        let (status, status_rx) = watch::channel(Arc::default());
        let mut keeper = Self {
            plans,
            metrics,
            caches: Vec::new(),
            wake: Arc::default(),
            in_force,
            status,
            made_of: None,
            made_by,
            since: Clock::unix(),
        };
        keeper.publish();
        (keeper, Origins { in_force: in_force_rx, status: status_rx })
    }

    /// Until nobody sends plans any more.
    pub(super) async fn run(mut self) {
        self.run_caches();
        loop {
            // A set may expire while tables are made of it.
            let looked = Instant::now();
            self.refresh().await;
            let wake = self.wake.clone();
            let expiry = self.next_expiry(looked);
            tokio::select! {
                changed = self.plans.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    self.run_caches();
                }
                () = wake.notified() => {}
                () = at(expiry) => {}
            }
        }
    }

    /// Starts and ends caches' tasks by the plan. One that stays keeps what it has.
    fn run_caches(&mut self) {
        let wanted = self.plans.borrow_and_update().caches.clone();
        let mut before = std::mem::take(&mut self.caches);
        for address in &wanted {
            let kept = before.iter().position(|running| running.address == *address);
            let running = match kept {
                Some(at) => before.swap_remove(at),
                None => self.start(*address),
            };
            self.caches.push(running);
        }
        for gone in before {
            self.metrics.origin().remove_cache(gone.address);
        }
    }

    fn start(&self, address: SocketAddr) -> Running {
        let (told, told_rx) = watch::channel(Told::default());
        let metrics = self.metrics.origin().cache(address);
        let cache = Cache::new(address, told, self.wake.clone(), metrics.clone());
        let mut task = JoinSet::new();
        task.spawn(cache.run().instrument(info_span!("rtr", cache = %address)));
        Running { address, told: told_rx, metrics, is_said: false, _task: task }
    }

    /// The first moment after another at which a set expires.
    fn next_expiry(&self, after: Instant) -> Option<Instant> {
        let ends = self.caches.iter().filter_map(|c| c.told.borrow().expires.map(|(at, _)| at));
        ends.filter(|at| *at > after).min()
    }

    /// Makes the tables anew where what they are made of has changed, and tells whoever looks.
    async fn refresh(&mut self) {
        let plan = self.plans.borrow().clone();
        let in_use = self.in_use().map(|running| running.address);
        let cache = self.in_use().and_then(|running| running.told.borrow().vrps.clone());
        let is_same = match (&cache, &self.made_of) {
            (Some(new), Some(old)) => Arc::ptr_eq(new, old),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !is_same || !is_of_same_files(&plan, &self.made_by) {
            let (vrps, of_plan) = (cache.clone(), plan.clone());
            match spawn_blocking(move || tables(vrps.as_deref(), &of_plan)).await {
                Ok(made) => {
                    let (ipv4, ipv6) = made.rpki.count();
                    debug!(
                        vrps_ipv4 = ipv4,
                        vrps_ipv6 = ipv6,
                        cache = in_use.map(tracing::field::display),
                        "origin tables in force"
                    );
                    self.in_force
                        .send_replace(OriginsInForce { tables: Arc::new(made), enforce: plan.enforce });
                    self.since = Clock::unix();
                    self.made_of = cache;
                }
                Err(died) => {
                    error!(%died, "making the origin tables died; those before stay in force");
                    return;
                }
            }
        } else if plan.enforce != self.made_by.enforce {
            self.in_force.send_modify(|in_force| in_force.enforce = plan.enforce);
        }
        self.made_by = plan;
        self.publish();
    }

    /// The most preferred cache that is there, or whose set is still good.
    fn in_use(&self) -> Option<&Running> {
        let find = |wanted: CacheState| self.caches.iter().find(|running| running.state() == wanted);
        find(CacheState::Synced).or_else(|| find(CacheState::Lost))
    }

    fn publish(&mut self) {
        let in_use = self.in_use().map(|running| running.address);
        for running in &mut self.caches {
            let has_expired = running.state() == CacheState::Expired;
            if has_expired && !running.is_said {
                warn!(cache = %running.address, "what the RTR cache sent has expired and counts for nothing");
            }
            running.is_said = has_expired;
        }
        let OriginsInForce { tables, enforce } = self.in_force.borrow().clone();
        let status = OriginStatus {
            in_force_since: self.since,
            vrps: counts(tables.rpki.count()),
            irr_routes: counts(tables.irr.count()),
            caches: self.caches.iter().map(|c| c.status(in_use == Some(c.address))).collect(),
            vrp_files: self.made_by.vrp_files.iter().map(|file| of_file(file)).collect(),
            irr_files: self.made_by.irr_files.iter().map(|(path, n)| (path.clone(), as_u64(*n))).collect(),
            enforce,
        };
        self.metrics.origin().put(status.vrps, status.irr_routes);
        for (running, status) in self.caches.iter().zip(&status.caches) {
            running.metrics.put(CacheFigures {
                is_synced: status.state == CacheState::Synced,
                is_in_use: status.is_in_use,
                serial: status.session.map_or(0, |(_, serial)| serial),
                vrps: status.vrps,
                updated_at: status.updated_at.unwrap_or(0),
            });
        }
        self.status.send_replace(Arc::new(status));
    }
}

impl Running {
    fn state(&self) -> CacheState {
        let told = self.told.borrow();
        match told.expires {
            None => CacheState::Connecting,
            Some((end, _)) if end <= Instant::now() => CacheState::Expired,
            Some(_) if told.is_synced => CacheState::Synced,
            Some(_) => CacheState::Lost,
        }
    }

    fn status(&self, is_in_use: bool) -> CacheStatus {
        let state = self.state();
        let told = self.told.borrow();
        let all = told.vrps.as_deref().unwrap_or_default();
        // IPv4 stands before IPv6.
        let ipv4 = all.partition_point(|vrp| matches!(vrp.prefix, ipnet::IpNet::V4(_)));
        CacheStatus {
            address: self.address,
            state,
            is_in_use,
            session: told.session,
            vrps: counts((ipv4, all.len().saturating_sub(ipv4))),
            updated_at: told.updated_at,
            expires_at: told.expires.map(|(_, unix)| unix),
            last_error: told.last_error.clone(),
        }
    }
}

fn tables(cache: Option<&[Vrp]>, plan: &OriginPlan) -> OriginTables {
    let rpki = RpkiTable::new(cache.unwrap_or_default(), &plan.vrp_files);
    OriginTables { rpki: Arc::new(rpki), irr: plan.irr.clone() }
}

/// Whether two plans have the same of files. What was read anew may be the same all the same; what was not is the very
/// same, and is seen to be so at once.
fn is_of_same_files(a: &OriginPlan, b: &OriginPlan) -> bool {
    a.vrp_files == b.vrp_files && a.irr == b.irr
}

fn of_file(file: &VrpFile) -> (Arc<std::path::PathBuf>, u64) {
    (file.path.clone(), as_u64(file.vrps.len()))
}

fn counts((ipv4, ipv6): (usize, usize)) -> PerFamily<u64> {
    PerFamily::from_fn(|family| match family {
        Family::Ipv4 => as_u64(ipv4),
        Family::Ipv6 => as_u64(ipv6),
    })
}

fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// That moment, or never.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
