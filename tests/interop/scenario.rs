//! What must hold with every router, written once.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Value, json};

use crate::router::{Refresh, Router, SessionView};
use crate::support::daemon::{Daemon, Dials, HOLD_TIME, Sessions, Setup};
use crate::support::lab::Lab;
use crate::support::rib::{Rib, Table, same_table};
use crate::support::wait::{equal, stays, until};

/// From a start, or from a router's being ready to talk again, to a whole table.
pub(crate) const IN_SYNC: Duration = Duration::from_secs(25);
/// From the end of one side to the other's knowing it.
pub(crate) const NOTICED: Duration = Duration::from_secs(5);
/// SIGTERM to exit.
const STOPPED: Duration = Duration::from_secs(5);

const HOLD: Duration = Duration::from_secs(HOLD_TIME as u64);

const EACH_ITS_OWN: Setup = Setup::dialled_by(Dials::Peeringd);

/// The tests that every router has.
macro_rules! scenarios {
    ($router:ty) => {
        #[test]
        fn holds_the_shipped_rib_when_peeringd_dials() {
            $crate::scenario::holds::<$router>(
                $crate::support::daemon::Dials::Peeringd,
                &$crate::support::rib::Rib::shipped(),
            );
        }

        #[test]
        fn holds_communities_and_med_when_the_router_dials() {
            $crate::scenario::holds::<$router>(
                $crate::support::daemon::Dials::Router,
                &$crate::support::rib::Rib::marked(),
            );
        }

        #[test]
        fn settles_on_one_connection_when_both_dial() {
            $crate::scenario::settles_when_both_dial::<$router>();
        }

        #[test]
        fn a_reload_changes_two_prefixes_and_nothing_else() {
            $crate::scenario::reloads::<$router>();
        }

        #[test]
        fn the_session_outlives_three_hold_times() {
            $crate::scenario::outlives_three_hold_times::<$router>();
        }

        #[test]
        fn recovers_when_the_router_is_killed() {
            $crate::scenario::recovers_from_the_routers_end::<$router>();
        }

        #[test]
        fn recovers_when_peeringd_is_killed() {
            $crate::scenario::recovers_from_peeringds_end::<$router>();
        }

        #[test]
        fn sigterm_is_a_cease_and_the_routes_go() {
            $crate::scenario::stops::<$router>();
        }
    };
}
pub(crate) use scenarios;

/// peeringd and one router, in sync.
pub(crate) struct Pair<R> {
    pub(crate) router: R,
    pub(crate) daemon: Daemon,
    pub(crate) lab: Lab,
}

impl<R: Router> Pair<R> {
    /// Starts both, the one that waits first, and waits until the router holds the RIB.
    pub(crate) fn in_sync(setup: Setup, rib: &Rib) -> Self {
        Self::in_sync_with(setup, rib, |lab| R::start(lab, lab.site(), setup))
    }

    pub(crate) fn in_sync_with(setup: Setup, rib: &Rib, start_router: impl FnOnce(&Lab) -> R) -> Self {
        let lab = Lab::new(1);
        let start_daemon = || Daemon::start(&lab, setup, rib);
        let (router, daemon) = match setup.dials {
            Dials::Peeringd | Dials::Both => {
                let router = start_router(&lab);
                (router, start_daemon())
            }
            Dials::Router => {
                let daemon = start_daemon();
                (start_router(&lab), daemon)
            }
        };
        let pair = Self { router, daemon, lab };
        pair.wait_for(rib, IN_SYNC);
        pair
    }

    pub(crate) fn wanted(&self, rib: &Rib) -> Table {
        rib.table(self.lab.site().our_v4(), self.lab.site().our_v6())
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, rib: &Rib, limit: Duration) {
        let wanted = self.wanted(rib);
        until("the router to hold the table", limit, || same_table(&self.router.table()?, &wanted));
    }

    /// The routes of an ended session are gone.
    #[track_caller]
    pub(crate) fn wait_for_empty(&self) {
        until("the routes to go", NOTICED, || same_table(&self.router.table()?, &Table::new()));
    }

    pub(crate) fn ours(&self) -> [IpAddr; 2] {
        [self.lab.site().our_v4(), self.lab.site().our_v6()]
    }

    pub(crate) fn views(&self) -> Result<[SessionView; 2], String> {
        let [v4, v6] = self.ours();
        Ok([self.router.session(v4)?, self.router.session(v6)?])
    }

    /// Both sessions as they now are, which is Established.
    #[track_caller]
    pub(crate) fn established(&self) -> [SessionView; 2] {
        let views = self.views().unwrap();
        assert!(views.iter().all(|v| v.is_established), "{views:?}");
        views
    }
}

pub(crate) fn incarnations(views: &[SessionView; 2]) -> [String; 2] {
    views.clone().map(|v| v.incarnation)
}

/// The router holds exactly the RIB, and peeringd says that it told it so.
pub(crate) fn holds<R: Router>(dials: Dials, rib: &Rib) {
    let pair = Pair::<R>::in_sync(Setup::dialled_by(dials), rib);
    pair.established();
    let site = pair.lab.site();
    let table = pair.wanted(rib);
    for (name, ours, peer, family) in [
        (format!("{}-v4", site.connection()), site.our_v4(), site.peer_v4(), "ipv4"),
        (format!("{}-v6", site.connection()), site.our_v6(), site.peer_v6(), "ipv6"),
    ] {
        let count = table.keys().filter(|p| p.addr().is_ipv6() == peer.is_ipv6()).count();
        let session = pair.daemon.session(&name).unwrap();
        assert_eq!(session["connection"], site.connection(), "{session:#}");
        assert_eq!(session["peerAddress"], peer.to_string(), "{session:#}");
        assert_eq!(session["localAddress"], ours.to_string(), "{session:#}");
        assert_eq!(session["peerAsn"], site.asn(), "{session:#}");
        assert_eq!(session["state"], "Established", "{session:#}");
        assert_eq!(session["advertised"][family], count, "{session:#}");
        let details = pair.daemon.show(&["session", &name]).unwrap();
        assert_eq!(details["holdTime"], HOLD_TIME, "{details:#}");
        let direction = if dials == Dials::Peeringd { "outbound" } else { "inbound" };
        assert_eq!(details["direction"], direction, "{details:#}");
    }
}

/// Both sides dial at once: collisions are resolved (RFC 4271 §6.8), and what is left is one session that stays.
pub(crate) fn settles_when_both_dial<R: Router>() {
    let rib = Rib::shipped();
    let pair = Pair::<R>::in_sync(Setup::dialled_by(Dials::Both), &rib);
    pair.daemon.wait_established(NOTICED);
    let before = incarnations(&pair.established());
    let flaps = |name: &str| pair.daemon.session(name).map(|s| s["flaps"].clone());
    let sessions = ["v4", "v6"].map(|version| format!("{}-{version}", pair.lab.site().connection()));
    let flapped = sessions.clone().map(|name| flaps(&name).unwrap());
    stays("one session each", HOLD * 2, || {
        equal(&incarnations(&pair.views()?), &before)?;
        let now = sessions.clone().map(|name| flaps(&name).unwrap());
        equal(&now, &flapped)
    });
}

/// One prefix is withdrawn, another added, and the sessions never notice.
pub(crate) fn reloads<R: Router>() {
    let rib = Rib::shipped();
    let pair = Pair::<R>::in_sync(EACH_ITS_OWN, &rib);
    let before = pair.established();
    let changed = rib.changed();
    pair.daemon.reload(&changed);
    pair.wait_for(&changed, IN_SYNC);
    let wanted = pair.wanted(&changed);
    stays("one withdrawal, one announcement and no more", HOLD, || {
        let now = pair.views()?;
        same_table(&pair.router.table()?, &wanted)?;
        equal(&incarnations(&now), &incarnations(&before))?;
        equal(&[now[0].updates - before[0].updates, now[1].updates - before[1].updates], &[2, 0])
    });
}

/// The shortest hold time there is runs out on neither side.
pub(crate) fn outlives_three_hold_times<R: Router>() {
    let rib = Rib::shipped();
    let pair = Pair::<R>::in_sync(EACH_ITS_OWN, &rib);
    let before = incarnations(&pair.established());
    stays("an Established session", HOLD * 3 + Duration::from_secs(1), || {
        let now = pair.views()?;
        equal(&now.clone().map(|v| v.is_established), &[true, true])?;
        equal(&incarnations(&now), &before)
    });
    same_table(&pair.router.table().unwrap(), &pair.wanted(&rib)).unwrap();
}

/// The router is killed and started again; peeringd dials it.
pub(crate) fn recovers_from_the_routers_end<R: Router>() {
    let rib = Rib::shipped();
    let mut pair = Pair::<R>::in_sync(EACH_ITS_OWN, &rib);
    pair.lab.site().netns.kill_all();
    until("peeringd to notice", NOTICED, || {
        let sessions = pair.daemon.show(&["sessions"])?;
        let up = sessions.as_array().unwrap().iter().filter(|s| s["state"] == "Established").count();
        equal(&up, &0)
    });
    pair.router = R::start(&pair.lab, pair.lab.site(), EACH_ITS_OWN);
    pair.wait_for(&rib, IN_SYNC);
    assert!(pair.daemon.process().ended().is_none(), "peeringd runs on");
}

/// peeringd is killed and started again; the router dials it, as soon as its own rules let it. Whether it keeps the routes
/// meanwhile is its own affair.
pub(crate) fn recovers_from_peeringds_end<R: Router>() {
    let rib = Rib::shipped();
    let mut pair = Pair::<R>::in_sync(Setup::dialled_by(Dials::Router), &rib);
    let before = incarnations(&pair.established());
    pair.daemon.process().kill();
    until("the router to notice", NOTICED, || {
        equal(&pair.views()?.map(|view| view.is_established), &[false, false])
    });
    pair.daemon.start_again();
    pair.daemon.wait_established(IN_SYNC + Duration::from_secs(R::patience_secs()));
    pair.wait_for(&rib, NOTICED);
    let after = incarnations(&pair.established());
    assert!(before.iter().zip(&after).all(|(before, after)| before != after), "{before:?}, then {after:?}");
}

/// SIGTERM: Cease on both sessions, exit 0 within 5 s, and no route stays.
pub(crate) fn stops<R: Router>() {
    let mut pair = Pair::<R>::in_sync(EACH_ITS_OWN, &Rib::shipped());
    pair.daemon.process().signal("TERM");
    let (status, took) = pair.daemon.process().wait_for_exit(STOPPED);
    assert!(status.success(), "{status} after {took:?}");
    pair.wait_for_empty();
    for ours in pair.ours() {
        until("the router to tell of a Cease", NOTICED, || pair.router.saw_cease(ours));
    }
}

/// A ROUTE-REFRESH is answered with as much as the first time, and the session goes on.
pub(crate) fn refreshes<R: Refresh>() {
    let rib = Rib::shipped();
    let pair = Pair::<R>::in_sync(EACH_ITS_OWN, &rib);
    let before = pair.established();
    for ours in pair.ours() {
        pair.router.refresh(ours);
    }
    until("the whole table again", IN_SYNC, || {
        for (before, now) in before.iter().zip(pair.views()?) {
            equal(&now.incarnation, &before.incarnation)?;
            // An End-of-RIB, which some routers count as an UPDATE, need not come twice.
            if now.updates + 1 < before.updates * 2 {
                return Err(format!("{} updates, then {}", before.updates, now.updates));
            }
        }
        Ok(())
    });
    same_table(&pair.router.table().unwrap(), &pair.wanted(&rib)).unwrap();
}

/// The routes of both families over one IPv4 session, IPv6 ones with the next hop that the config gives.
pub(crate) fn holds_both_families_over_ipv4<R: Router>() {
    let setup = Setup { sessions: Sessions::BothOnIpv4, ..EACH_ITS_OWN };
    let rib = Rib::marked();
    let pair = Pair::<R>::in_sync(setup, &rib);
    let session = pair.daemon.session(&format!("{}-v4", pair.lab.site().connection())).unwrap();
    assert_eq!(session["advertised"], json!({ "ipv4": 354, "ipv6": 14 }), "{session:#}");
}

/// The routes of both families over one IPv6 session, IPv4 ones by way of IPv6 as well (RFC 8950).
pub(crate) fn holds_both_families_over_ipv6<R: Router>() -> Pair<R> {
    let setup = Setup { sessions: Sessions::BothOnIpv6, ..EACH_ITS_OWN };
    let rib = Rib::marked();
    let lab = Lab::new(1);
    let router = R::start(&lab, lab.site(), setup);
    let daemon = Daemon::start(&lab, setup, &rib);
    let pair = Pair { router, daemon, lab };
    let hop = pair.lab.site().our_v6();
    let wanted = rib.table(hop, hop);
    until("the router to hold the table", IN_SYNC, || same_table(&pair.router.table()?, &wanted));
    let name = format!("{}-v6", pair.lab.site().connection());
    let details = pair.daemon.show(&["session", &name]).unwrap();
    assert_eq!(details["advertised"], json!({ "ipv4": 354, "ipv6": 14 }), "{details:#}");
    assert_eq!(details["extendedNextHop"], true, "{details:#}");
    pair
}

/// Of each session, the view of what was advertised is what the router holds, and each route names the line that it
/// comes from.
pub(crate) fn advertised_is_what_the_router_holds<R: Router>() {
    let rib = Rib::marked();
    let pair = Pair::<R>::in_sync(EACH_ITS_OWN, &rib);
    let table = pair.router.table().unwrap();
    for (suffix, family) in [("v4", "ipv4"), ("v6", "ipv6")] {
        let name = format!("{}-{suffix}", pair.lab.site().connection());
        let shown = pair.daemon.show(&["advertised", &name]).unwrap();
        let rows = shown.as_array().unwrap();
        let prefix = |row: &Value| row["prefix"].as_str().unwrap().parse::<IpNet>().unwrap();
        let held = table.keys().filter(|p| p.addr().is_ipv6() == (family == "ipv6"));
        assert!(rows.iter().map(prefix).eq(held.copied()), "{shown:#}");
        assert_eq!(pair.daemon.session(&name).unwrap()["advertised"][family], rows.len());
        for row in rows {
            let text = fs::read_to_string(row["file"].as_str().unwrap()).unwrap();
            let line = usize::try_from(row["line"].as_u64().unwrap()).unwrap();
            let said = text.lines().nth(line - 1).unwrap();
            assert!(said.contains(row["prefix"].as_str().unwrap()), "{row:#}: {said}");
        }
    }
}
