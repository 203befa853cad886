//! Graceful restart with real routers (RFC 4724, RFC 8538, RFC 9494): over a restart of ours they lose no route, and over
//! one of theirs we keep what they announced.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bird::Bird;
use crate::frr::Frr;
use crate::router::Router;
use crate::scenario::{IN_SYNC, NOTICED, Pair, incarnations};
use crate::support::daemon::{Daemon, Dials, Setup};
use crate::support::lab::Lab;
use crate::support::rib::{Rib, same_table};
use crate::support::wait::{equal, stays, until};

const DIALLED_BY_US: Setup = Setup::dialled_by(Dials::Peeringd);
/// How long the daemon is away.
const AWAY: Duration = Duration::from_secs(2);

/// A router that keeps our routes while we restart.
trait Helper: Router {
    /// Whether it keeps routes of our session at this address, which has ended.
    fn keeps(&self, ours: IpAddr) -> Result<bool, String>;
}

impl Helper for Frr {
    fn keeps(&self, ours: IpAddr) -> Result<bool, String> {
        let family = if ours.is_ipv4() { "ipv4" } else { "ipv6" };
        let text = self.ask(&[format!("show bgp {family} unicast json")])?;
        let all: Value = serde_json::from_str(&text).map_err(|e| format!("{e}: {text}"))?;
        let routes = all["routes"].as_object().ok_or_else(|| text.clone())?;
        Ok(routes
            .values()
            .flat_map(|paths| paths.as_array().into_iter().flatten())
            .any(|p| p["stale"] == true))
    }
}

impl Helper for Bird {
    fn keeps(&self, ours: IpAddr) -> Result<bool, String> {
        Ok(self.protocol(ours)?.contains("Neighbor graceful restart active"))
    }
}

/// How the daemon ends.
#[derive(Clone, Copy)]
enum End {
    Restart,
    Crash,
}

/// The daemon goes and comes, and the router has the whole table all the time.
fn loses_no_route<R: Helper>(end: End) {
    let rib = Rib::shipped();
    let mut pair = Pair::<R>::in_sync(DIALLED_BY_US, &rib);
    let (before, wanted) = (incarnations(&pair.established()), pair.wanted(&rib));
    match end {
        End::Restart => {
            pair.daemon.process().signal("USR1");
            let (status, took) = pair.daemon.process().wait_for_exit(NOTICED);
            assert!(status.success(), "{status} after {took:?}");
        }
        End::Crash => pair.daemon.process().kill(),
    }
    let whole = |pair: &Pair<R>| same_table(&pair.router.table()?, &wanted);
    let keeps = |pair: &Pair<R>| {
        let [v4, v6] = pair.ours().map(|ours| pair.router.keeps(ours));
        Ok::<_, String>([v4?, v6?])
    };
    until("the router to notice", NOTICED, || equal(&keeps(&pair)?, &[true, true]));
    stays("the whole table without us", AWAY, || {
        equal(&keeps(&pair)?, &[true, true])?;
        whole(&pair)
    });

    pair.daemon.start_again();
    until("new sessions, and all refreshed", IN_SYNC, || {
        whole(&pair).unwrap();
        equal(&keeps(&pair)?, &[false, false])?;
        let views = pair.views()?;
        equal(&views.clone().map(|view| view.is_established), &[true, true])?;
        let after = incarnations(&views);
        if before.iter().zip(&after).all(|(b, a)| b != a) { Ok(()) } else { Err(format!("{after:?}")) }
    });
    stays("the whole table with us", AWAY, || whole(&pair));
    // In that life of ours we say that we have restarted, in its next session no more.
    let details = pair.daemon.show(&["session", &name(&pair, "v4")]).unwrap();
    assert_eq!(
        our_restart_capability(&details),
        "120 s, restarting, also after NOTIFICATION, ipv4 with forwarding kept"
    );
}

fn our_restart_capability(details: &Value) -> String {
    let all = details["capabilities"]["local"].as_array().cloned().unwrap_or_default();
    let found = all.iter().find(|c| c["code"] == 64).map(|c| c["text"].clone());
    found.and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_else(|| panic!("{details:#}"))
}

fn name<R>(pair: &Pair<R>, version: &str) -> String {
    format!("{}-{version}", pair.lab.site().connection())
}

/// What peeringd holds of the router: `prefix stale communities`.
fn held<R>(pair: &Pair<R>) -> Result<Vec<Value>, String> {
    let routes = pair.daemon.show(&["received", &name(pair, "v4")])?;
    let told = routes.as_array().cloned().unwrap_or_default();
    Ok(told.iter().map(|r| json!([r["prefix"], r["stale"], r["communities"]])).collect())
}

/// Our side of a session that is down, its stale IPv4 routes counted.
fn stale<R>(pair: &Pair<R>) -> Result<[Value; 2], String> {
    let details = pair.daemon.show(&["session", &name(pair, "v4")])?;
    Ok([json!(details["state"] == "Established"), details["gracefulRestart"]["stale"]["ipv4"].clone()])
}

const ANNOUNCED: &str = "4.0.1.0/24";
const LOST: &str = "4.0.2.0/24";
/// LLGR_STALE.
const LLGR_STALE: &str = "65535:6";

/// The router is killed, and started again by `again` with one of its two prefixes: both are kept until it is back and has
/// said all that it has.
fn keeps_theirs<R: Router>(first: impl FnOnce(&Lab) -> R, again: impl FnOnce(&Lab) -> R) {
    let mut pair = Pair::in_sync_with(DIALLED_BY_US, &Rib::shipped(), first);
    let fresh = |prefix: &str| json!([prefix, false, []]);
    let kept = |prefix: &str| json!([prefix, true, []]);
    until("their routes", IN_SYNC, || equal(&held(&pair)?, &vec![fresh(ANNOUNCED), fresh(LOST)]));
    pair.lab.site().netns.kill_all();
    until("peeringd to notice", NOTICED, || equal(&stale(&pair)?, &[json!(false), json!(2)]));
    assert_eq!(held(&pair).unwrap(), [kept(ANNOUNCED), kept(LOST)]);
    stays("stale routes", AWAY, || equal(&stale(&pair)?, &[json!(false), json!(2)]));

    pair.router = again(&pair.lab);
    until("their one route", IN_SYNC, || {
        let now = held(&pair)?;
        assert!(!now.is_empty(), "never without the route that they still have");
        equal(&now, &vec![fresh(ANNOUNCED)])
    });
    assert_eq!(stale(&pair).unwrap(), [json!(true), json!(0)]);
    let details = pair.daemon.show(&["session", &name(&pair, "v4")]).unwrap();
    assert_eq!(details["gracefulRestart"]["negotiated"]["peerRestarted"], true, "{details:#}");
    assert_eq!(our_restart_capability(&details), "120 s, also after NOTIFICATION, ipv4 with forwarding kept");
    pair.wait_for(&Rib::shipped(), IN_SYNC);
}

/// What has FRR announce these networks, and ask for them to be kept.
fn announcing(networks: &[&str]) -> String {
    let networks: String = networks.iter().map(|net| format!("  network {net}\n")).collect();
    format!(
        "bgp graceful-restart\n bgp graceful-restart preserve-fw-state\n no bgp network import-check\n \
         address-family ipv4 unicast\n{networks} exit-address-family"
    )
}

mod tests {
    use super::*;

    #[test]
    fn frr_loses_no_route_over_a_restart() {
        loses_no_route::<Frr>(End::Restart);
    }

    #[test]
    fn frr_loses_no_route_over_a_crash() {
        loses_no_route::<Frr>(End::Crash);
    }

    #[test]
    fn bird_loses_no_route_over_a_restart() {
        loses_no_route::<Bird>(End::Restart);
    }

    #[test]
    fn bird_loses_no_route_over_a_crash() {
        loses_no_route::<Bird>(End::Crash);
    }

    #[test]
    fn bird_hears_no_withdrawal_over_a_restart() {
        let rib = Rib::shipped();
        let mut pair = Pair::<Bird>::in_sync(DIALLED_BY_US, &rib);
        let before = pair.established();
        pair.daemon.process().signal("USR1");
        pair.daemon.process().wait_for_exit(NOTICED);
        pair.daemon.start_again();
        until("the table to be told again", IN_SYNC, || {
            let now = pair.views()?;
            let told = [now[0].updates - before[0].updates, now[1].updates - before[1].updates];
            equal(&told, &[354, 14])
        });
        for ours in pair.ours() {
            let text = pair.router.protocol(ours).unwrap();
            let line = text.lines().find(|l| l.contains("Import withdraws:")).unwrap();
            assert_eq!(line.split_whitespace().nth(2), Some("0"), "{text}");
        }
    }

    #[test]
    fn a_restart_with_a_rib_in_error_opens_no_session_that_would_end_the_routes() {
        let rib = Rib::shipped();
        let mut pair = Pair::<Bird>::in_sync(DIALLED_BY_US, &rib);
        let wanted = pair.wanted(&rib);
        pair.daemon.process().signal("USR1");
        pair.daemon.process().wait_for_exit(NOTICED);
        pair.daemon.put_rib("routes: []\n");
        pair.daemon.start_again();
        let (status, _) = pair.daemon.process().wait_for_exit(NOTICED);
        assert!(!status.success());
        same_table(&pair.router.table().unwrap(), &wanted).unwrap();
        assert_eq!(pair.ours().map(|ours| pair.router.keeps(ours)), [Ok(true), Ok(true)]);

        pair.daemon.put_rib(&rib.changed().yaml());
        pair.daemon.start_again();
        pair.wait_for(&rib.changed(), IN_SYNC);
        pair.daemon.wait_established(NOTICED);
    }

    #[test]
    fn without_graceful_restart_bird_drops_the_routes() {
        let rib = Rib::shipped();
        let lab = Lab::new(1);
        let router = Bird::start(&lab, lab.site(), DIALLED_BY_US);
        let daemon = Daemon::start_with(&lab, DIALLED_BY_US, &rib, "graceful_restart: false");
        let mut pair = Pair { router, daemon, lab };
        pair.wait_for(&rib, IN_SYNC);
        let details = pair.daemon.show(&["session", &name(&pair, "v4")]).unwrap();
        assert_eq!(details["gracefulRestart"]["configured"], Value::Null, "{details:#}");
        pair.daemon.process().signal("USR1");
        pair.wait_for_empty();
    }

    #[test]
    fn bird_holds_our_routes_as_its_last_choice_for_the_long_lived_stale_time() {
        let rib = Rib::shipped();
        let lab = Lab::new(1);
        let more = [("MORE", "long lived graceful restart on;")];
        let router = Bird::start_with(&lab, lab.site(), DIALLED_BY_US, &more);
        let times = "graceful_restart: { restart_time: 1, long_lived_stale_time: 30 }";
        let daemon = Daemon::start_with(&lab, DIALLED_BY_US, &rib, times);
        let mut pair = Pair { router, daemon, lab };
        pair.wait_for(&rib, IN_SYNC);
        let wanted = pair.wanted(&rib);
        pair.daemon.process().kill();
        until("LLGR_STALE on every route", NOTICED, || {
            let table = pair.router.table()?;
            let marked = table.values().filter(|route| route.communities.contains(LLGR_STALE)).count();
            equal(&[table.len(), marked], &[wanted.len(), wanted.len()])
        });
        pair.daemon.start_again();
        pair.wait_for(&rib, IN_SYNC);
        pair.daemon.wait_established(NOTICED);
    }

    #[test]
    fn frr_keeps_the_table_over_a_notification_and_drops_it_by_a_hard_reset() {
        let rib = Rib::shipped();
        let mut pair = Pair::<Frr>::in_sync(DIALLED_BY_US, &rib);
        let before = incarnations(&pair.established());
        let wanted = pair.wanted(&rib);
        let details = pair.daemon.show(&["session", &name(&pair, "v4")]).unwrap();
        assert_eq!(details["gracefulRestart"]["negotiated"]["notification"], true, "{details:#}");

        // Another hold time is Cease, Other Configuration Change.
        let setup = Setup { hold_time: 4, ..DIALLED_BY_US };
        pair.daemon.reload_with_sites(&pair.lab, &pair.lab.sites, setup);
        until("new sessions", IN_SYNC, || {
            same_table(&pair.router.table()?, &wanted).unwrap();
            let after = incarnations(&pair.views()?);
            if before.iter().zip(&after).all(|(b, a)| b != a) { Ok(()) } else { Err(format!("{after:?}")) }
        });
        pair.daemon.wait_established(IN_SYNC);
        pair.wait_for(&rib, NOTICED);

        pair.daemon.process().signal("TERM");
        pair.wait_for_empty();
        for ours in pair.ours() {
            until("FRR to tell of a Hard Reset", NOTICED, || {
                let neighbor = pair.router.neighbor(ours)?;
                let said = [&neighbor["lastNotificationReason"], &neighbor["lastNotificationHardReset"]];
                equal(&said, &[&json!("Cease/Administrative Shutdown"), &json!(true)])
            });
        }
    }

    #[test]
    fn what_bird_announced_is_kept_over_its_restart() {
        let both = format!("route {ANNOUNCED} blackhole; route {LOST} blackhole;");
        let one = format!("route {ANNOUNCED} blackhole;");
        let more = "graceful restart on;";
        let start = |lab: &Lab, routes: &str, arguments: &[&str]| {
            let others = [("OWN4", routes), ("MORE", more)];
            Bird::start_by(arguments, lab, lab.site(), DIALLED_BY_US, &others)
        };
        keeps_theirs(|lab| start(lab, &both, &[]), |lab| start(lab, &one, &["-R"]));
    }

    #[test]
    fn what_frr_announced_is_kept_over_its_restart() {
        let start = |lab: &Lab, networks: &[&str]| {
            Frr::start_with(lab, lab.site(), DIALLED_BY_US, &announcing(networks))
        };
        keeps_theirs(|lab| start(lab, &[ANNOUNCED, LOST]), |lab| start(lab, &[ANNOUNCED]));
    }

    #[test]
    fn what_frr_announced_is_kept_over_its_reset_but_not_over_a_hard_one() {
        let pair = Pair::in_sync_with(DIALLED_BY_US, &Rib::shipped(), |lab| {
            let more = announcing(&[ANNOUNCED]) + "\n no bgp hard-administrative-reset";
            Frr::start_with(lab, lab.site(), DIALLED_BY_US, &more)
        });
        let fresh = vec![json!([ANNOUNCED, false, []])];
        let kept = vec![json!([ANNOUNCED, true, []])];
        until("their route", IN_SYNC, || equal(&held(&pair)?, &fresh));
        let reset = format!("clear bgp ipv4 {}", pair.lab.site().our_v4());
        let ended = || Ok::<_, String>(pair.daemon.session(&name(&pair, "v4"))?["lastError"]["text"].clone());

        pair.router.ask(std::slice::from_ref(&reset)).unwrap();
        until("the reset to be over", IN_SYNC, || {
            let now = held(&pair)?;
            assert!(now == fresh || now == kept, "{now:?}");
            equal(&ended()?, &json!("received 6/4 Administrative Reset"))?;
            equal(&stale(&pair)?, &[json!(true), json!(0)])
        });
        let hard = ["configure terminal", "router bgp 3356", "bgp hard-administrative-reset"];
        pair.router.ask(&hard.map(str::to_owned)).unwrap();
        pair.router.ask(&[reset]).unwrap();
        until("the hard reset", IN_SYNC, || {
            let now = held(&pair)?;
            assert_ne!(now, kept);
            equal(&ended()?, &json!("received 6/9 Hard Reset: 6/4 Administrative Reset"))?;
            equal(&stale(&pair)?, &[json!(true), json!(0)])
        });
        until("their route", IN_SYNC, || equal(&held(&pair)?, &fresh));
    }

    #[test]
    fn what_bird_announced_goes_when_it_comes_back_without_forwarding_state() {
        let start = |lab: &Lab, routes: &str| {
            let others = [("OWN4", routes), ("MORE", "graceful restart on;")];
            Bird::start_with(lab, lab.site(), DIALLED_BY_US, &others)
        };
        let route = format!("route {ANNOUNCED} blackhole;");
        let mut pair = Pair::in_sync_with(DIALLED_BY_US, &Rib::shipped(), |lab| start(lab, &route));
        until("their route", IN_SYNC, || equal(&held(&pair)?, &vec![json!([ANNOUNCED, false, []])]));
        pair.lab.site().netns.kill_all();
        until("peeringd to notice", NOTICED, || equal(&stale(&pair)?, &[json!(false), json!(1)]));
        pair.router = start(&pair.lab, "");
        until("it to be gone", IN_SYNC, || equal(&stale(&pair)?, &[json!(true), json!(0)]));
        assert_eq!(held(&pair).unwrap(), Vec::<Value>::new());
    }

    #[test]
    fn what_bird_announced_is_the_last_choice_for_its_long_lived_stale_time() {
        let route = format!("route {ANNOUNCED} blackhole;");
        let more = "graceful restart on; graceful restart time 2;\n    \
                    long lived graceful restart on; long lived stale time 4;";
        let others = [("OWN4", route.as_str()), ("MORE", more)];
        // The peer's time is the shorter one, and counts.
        let setup = DIALLED_BY_US.with_keys("graceful_restart: { long_lived_stale_time: 60 }");
        let pair = Pair::in_sync_with(setup, &Rib::shipped(), |lab| {
            Bird::start_with(lab, lab.site(), setup, &others)
        });
        until("their route", IN_SYNC, || equal(&held(&pair)?, &vec![json!([ANNOUNCED, false, []])]));
        let details = pair.daemon.show(&["session", &name(&pair, "v4")]).unwrap();
        let family = &details["gracefulRestart"]["negotiated"]["families"]["ipv4"];
        assert_eq!(family["longLivedStaleTime"], 4, "{details:#}");
        pair.lab.site().netns.kill_all();
        until("it to be stale", NOTICED, || equal(&held(&pair)?, &vec![json!([ANNOUNCED, true, []])]));
        until("the restart time to be over", NOTICED, || {
            equal(&held(&pair)?, &vec![json!([ANNOUNCED, true, [LLGR_STALE]])])
        });
        stays("a long-lived route", Duration::from_secs(2), || {
            equal(&held(&pair)?, &vec![json!([ANNOUNCED, true, [LLGR_STALE]])])
        });
        until("its time to be over", NOTICED, || equal(&held(&pair)?, &Vec::new()));
    }

    #[test]
    fn a_stop_of_bird_ends_its_routes() {
        // BIRD does not know of RFC 8538: its Cease is the end, whatever it asked for.
        let others = [("MORE", "graceful restart on;")];
        let pair = Pair::in_sync_with(DIALLED_BY_US, &Rib::shipped(), |lab| {
            Bird::start_with(lab, lab.site(), DIALLED_BY_US, &others)
        });
        until("their route", IN_SYNC, || equal(&held(&pair)?, &vec![json!([ANNOUNCED, false, []])]));
        pair.router.signal("TERM");
        until("it to be gone", NOTICED, || equal(&stale(&pair)?, &[json!(false), json!(0)]));
        assert_eq!(held(&pair).unwrap(), Vec::<Value>::new());
    }
}
