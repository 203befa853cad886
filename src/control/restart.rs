//! Graceful restart of one session: what we offer, what the peer does, and what it has come to.

use std::time::Duration;

use serde::Serialize;

use super::json::Time;
use crate::config::RestartPlan;
use crate::fsm::{GracefulRestart, Kept};
use crate::speaker::SessionSnapshot;
use crate::wire::PerFamily;

/// All of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RestartJson {
    configured: Option<Configured>,
    negotiated: Option<Negotiated>,
    stale: PerFamily<u64>,
    stale_until: PerFamily<Option<Time>>,
}

/// Times in seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Configured {
    restart_time: u16,
    notification: bool,
    long_lived_stale_time: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Negotiated {
    peer_restarted: bool,
    notification: bool,
    restart_time: u64,
    families: PerFamily<Family>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Family {
    graceful: bool,
    forwarding: bool,
    long_lived_stale_time: u64,
}

impl RestartJson {
    pub(super) fn new(s: &SessionSnapshot) -> Self {
        Self {
            configured: s.plan.graceful_restart.map(Configured::from),
            negotiated: s.graceful_restart.map(Negotiated::from),
            stale: s.stale,
            stale_until: PerFamily::from_fn(|family| s.stale_until.get(family).map(Time)),
        }
    }
}

impl From<RestartPlan> for Configured {
    fn from(plan: RestartPlan) -> Self {
        let RestartPlan { restart_time, notification, long_lived_stale_time } = plan;
        Self { restart_time, notification, long_lived_stale_time }
    }
}

impl From<GracefulRestart> for Negotiated {
    fn from(agreed: GracefulRestart) -> Self {
        let GracefulRestart { peer_restarted, notification, restart_time, families } = agreed;
        let family = |kept: &Kept| Family {
            graceful: kept.graceful,
            forwarding: kept.forwarding,
            long_lived_stale_time: secs(kept.stale_time),
        };
        Self {
            peer_restarted,
            notification,
            restart_time: secs(restart_time),
            families: PerFamily { ipv4: family(&families.ipv4), ipv6: family(&families.ipv6) },
        }
    }
}

fn secs(time: Duration) -> u64 {
    time.as_secs()
}
