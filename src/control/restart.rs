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

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::control::fixtures::{NOON, established};

    #[test]
    fn what_was_agreed_and_what_is_stale_is_told() {
        let kept = Kept { graceful: true, forwarding: true, stale_time: Duration::from_secs(3600) };
        let snapshot = SessionSnapshot {
            graceful_restart: Some(GracefulRestart {
                peer_restarted: true,
                notification: true,
                restart_time: Duration::from_secs(90),
                families: PerFamily { ipv4: kept, ipv6: Kept::default() },
            }),
            stale: PerFamily { ipv4: 7, ipv6: 0 },
            stale_until: PerFamily { ipv4: Some(NOON + 90), ipv6: None },
            ..established()
        };
        let json = serde_json::to_string_pretty(&RestartJson::new(&snapshot)).unwrap();
        expect![[r#"
            {
              "configured": {
                "restartTime": 120,
                "notification": true,
                "longLivedStaleTime": 0
              },
              "negotiated": {
                "peerRestarted": true,
                "notification": true,
                "restartTime": 90,
                "families": {
                  "ipv4": {
                    "graceful": true,
                    "forwarding": true,
                    "longLivedStaleTime": 3600
                  },
                  "ipv6": {
                    "graceful": false,
                    "forwarding": false,
                    "longLivedStaleTime": 0
                  }
                }
              },
              "stale": {
                "ipv4": 7,
                "ipv6": 0
              },
              "staleUntil": {
                "ipv4": "2026-11-22T12:01:30Z",
                "ipv6": null
              }
            }"#]]
        .assert_eq(&json);
    }
}
