//! Prefix limits in words: one that keeps a session down, and those that are near.

use serde::Deserialize;

use super::clock::{Clock, Families};
use crate::cli::table::grouped;

/// What a session, short or whole, has of its limits.
#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Limits {
    max_prefixes: Families<Option<u64>>,
    near_limit: Families<bool>,
    limit_passed: Option<LimitPassed>,
}

/// The limit that keeps a session down.
#[derive(Deserialize)]
struct LimitPassed {
    family: Option<String>,
    limit: Option<u64>,
    text: String,
    until: Option<String>,
}

impl Limits {
    /// `DOWN: prefix limit passed (1,000 ipv4); up again in 42s`, of a session that a limit keeps down.
    pub(super) fn down(&self, session: &str, clock: &Clock) -> Option<String> {
        let LimitPassed { family, limit, text, until } = self.limit_passed.as_ref()?;
        let passed = match (family, limit) {
            (Some(family), Some(limit)) => format!("prefix limit passed ({} {family})", grouped(*limit)),
            (_, _) => format!("limit passed ({text})"),
        };
        let end = match until {
            Some(until) => format!("up again in {}", clock.left(until)),
            None => format!("until peeringd reset {session}"),
        };
        Some(format!("DOWN: {passed}; {end}"))
    }

    /// `near the limit: ipv4 15,200 / 20,000`, of what the session holds; `OVER THE LIMIT: …` where it goes on past one.
    pub(super) fn near(&self, received: &Families<u64>) -> Option<String> {
        let (near, most) = (&self.near_limit, &self.max_prefixes);
        let families =
            [("ipv4", near.ipv4, received.ipv4, most.ipv4), ("ipv6", near.ipv6, received.ipv6, most.ipv6)];
        let (mut over, mut close) = (Vec::new(), Vec::new());
        for (family, is_near, held, limit) in families {
            let Some(limit) = limit else { continue };
            let said = format!("{family} {} / {}", grouped(held), grouped(limit));
            if held > limit {
                over.push(said);
            } else if is_near {
                close.push(said);
            }
        }
        let all = [("OVER THE LIMIT", over), ("near the limit", close)].into_iter();
        let all = all.filter(|(_, said)| !said.is_empty());
        let said: Vec<String> = all.map(|(what, said)| format!("{what}: {}", said.join(", "))).collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn limits(passed: &Value, near: bool) -> Limits {
        let value = json!({
            "maxPrefixes": { "ipv4": 20_000, "ipv6": null },
            "nearLimit": { "ipv4": near, "ipv6": false },
            "limitPassed": passed,
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_limit_that_keeps_a_session_down_is_said_with_its_end() {
        let noon = "2026-11-22T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
        let clock = Clock::at(noon);
        let text = "more than 1000 ipv4 prefixes";
        for (passed, said) in [
            (Value::Null, None),
            (
                json!({ "family": "ipv4", "limit": 1000, "text": text, "until": "2026-11-22T12:00:42Z" }),
                Some("DOWN: prefix limit passed (1,000 ipv4); up again in 42s"),
            ),
            (
                json!({ "family": "ipv4", "limit": 1000, "text": text, "until": null }),
                Some("DOWN: prefix limit passed (1,000 ipv4); until peeringd reset a-v4"),
            ),
            (
                json!({ "family": null, "limit": null, "text": "no room", "until": null }),
                Some("DOWN: limit passed (no room); until peeringd reset a-v4"),
            ),
        ] {
            assert_eq!(limits(&passed, false).down("a-v4", &clock).as_deref(), said);
        }
    }

    #[test]
    fn a_limit_that_is_near_is_said_with_what_is_held() {
        let received = Families { ipv4: 15_200, ipv6: 7 };
        assert_eq!(limits(&Value::Null, false).near(&received), None);
        let near = limits(&Value::Null, true).near(&received);
        assert_eq!(near.as_deref(), Some("near the limit: ipv4 15,200 / 20,000"));
        let over = limits(&Value::Null, true).near(&Families { ipv4: 20_001, ipv6: 7 });
        assert_eq!(
            over.as_deref(),
            Some("OVER THE LIMIT: ipv4 20,001 / 20,000"),
            "where it is only warned of"
        );
    }
}
