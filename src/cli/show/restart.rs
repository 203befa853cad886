//! Graceful restart in words.

use serde::Deserialize;

use super::clock::{Clock, Families};

/// What `show session` has of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Restart {
    configured: Option<Configured>,
    negotiated: Option<Negotiated>,
    stale: Families<u64>,
    stale_until: Families<Option<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Configured {
    restart_time: u64,
    long_lived_stale_time: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Negotiated {
    peer_restarted: bool,
    notification: bool,
    restart_time: u64,
    families: Families<Family>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Family {
    graceful: bool,
    long_lived_stale_time: u64,
}

impl Restart {
    /// What both sides ask for: `we ask for 120 s; the peer asks for ipv4 90 s; also after NOTIFICATION`.
    pub(super) fn asked(&self) -> String {
        let Some(ours) = &self.configured else { return "off".to_owned() };
        let mut parts = vec![format!("we ask for {}", times(ours.restart_time, ours.long_lived_stale_time))];
        if let Some(agreed) = &self.negotiated {
            parts.push(agreed.by_peer());
            if agreed.notification {
                parts.push("also after NOTIFICATION".to_owned());
            }
            if agreed.peer_restarted {
                parts.push("the peer had restarted".to_owned());
            }
        }
        parts.join("; ")
    }

    /// Stale routes, and when they go at the latest.
    pub(super) fn stale(&self, clock: &Clock) -> String {
        let ends = [("ipv4", &self.stale_until.ipv4), ("ipv6", &self.stale_until.ipv6)];
        let ends = ends.into_iter().filter_map(|(family, until)| {
            until.as_ref().map(|until| format!("{family} for {} at most", clock.left(until)))
        });
        std::iter::once(self.stale.both()).chain(ends).collect::<Vec<_>>().join(", ")
    }
}

impl Negotiated {
    fn by_peer(&self) -> String {
        let families = [("ipv4", &self.families.ipv4), ("ipv6", &self.families.ipv6)];
        let asked = families.into_iter().filter_map(|(name, family)| {
            let restart_time = if family.graceful { self.restart_time } else { 0 };
            let is_asked = restart_time > 0 || family.long_lived_stale_time > 0;
            is_asked.then(|| format!("{name} {}", times(restart_time, family.long_lived_stale_time)))
        });
        let asked: Vec<String> = asked.collect();
        let what = if asked.is_empty() { "nothing".to_owned() } else { asked.join(", ") };
        format!("the peer asks for {what}")
    }
}

/// `120 s`, or `120 s and 3600 s long-lived`.
fn times(restart_time: u64, long_lived: u64) -> String {
    if long_lived == 0 {
        format!("{restart_time} s")
    } else {
        format!("{restart_time} s and {long_lived} s long-lived")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn restart(negotiated: &Value) -> Restart {
        let value = json!({
            "configured": { "restartTime": 120, "notification": true, "longLivedStaleTime": 0 },
            "negotiated": negotiated,
            "stale": { "ipv4": 7, "ipv6": 0 },
            "staleUntil": { "ipv4": "2026-11-22T12:01:30Z", "ipv6": null },
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_both_ask_for_is_said_in_words() {
        let family = |graceful: bool, long: u32| json!({ "graceful": graceful, "forwarding": true, "longLivedStaleTime": long });
        let agreed = |restarted: bool, notification: bool, ipv4: Value, ipv6: Value| {
            json!({
                "peerRestarted": restarted, "notification": notification, "restartTime": 90,
                "families": { "ipv4": ipv4, "ipv6": ipv6 },
            })
        };
        for (negotiated, said) in [
            (Value::Null, "we ask for 120 s"),
            (
                agreed(true, true, family(true, 3600), family(false, 60)),
                "we ask for 120 s; the peer asks for ipv4 90 s and 3600 s long-lived, ipv6 0 s and 60 s long-lived; \
                 also after NOTIFICATION; the peer had restarted",
            ),
            (
                agreed(false, false, family(false, 0), family(false, 0)),
                "we ask for 120 s; the peer asks for nothing",
            ),
        ] {
            assert_eq!(restart(&negotiated).asked(), said);
        }
        let off = Restart { configured: None, ..restart(&Value::Null) };
        assert_eq!(off.asked(), "off");
    }

    #[test]
    fn stale_routes_are_counted_with_their_end() {
        let noon = "2026-11-22T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
        let stale = restart(&Value::Null);
        assert_eq!(stale.stale(&Clock::at(noon)), "7/0, ipv4 for 1m30s at most");
        assert_eq!(stale.stale(&Clock::at(noon + 100)), "7/0, ipv4 for 0s at most");
    }
}
