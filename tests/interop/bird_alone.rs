//! What one kind of router is enough to show: BIRD, with GoBGP as the second where two are needed.

mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use crate::bird::{Bird, protocol_name};
    use crate::gobgp::Gobgp;
    use crate::router::Router;
    use crate::scenario::{IN_SYNC, NOTICED, Pair};
    use crate::support::daemon::{Daemon, Dials, HOLD_TIME, Setup};
    use crate::support::lab::{Lab, Site};
    use crate::support::rib::{Rib, Table, same_table};
    use crate::support::wait::{equal, stays, until};

    const HOLD: Duration = Duration::from_secs(HOLD_TIME as u64);

    fn wanted(rib: &Rib, site: &Site) -> Table {
        rib.table(site.our_v4(), site.our_v6())
    }

    #[test]
    fn a_peer_with_two_octet_as_numbers_holds_the_table() {
        // AS_PATH is then in two octets (RFC 6793 §4.2.2).
        let setup = Setup::dialled_by(Dials::Peeringd);
        let start = |lab: &Lab| Bird::start_with(lab, lab.site(), setup, &[("AS4", "off")]);
        let pair = Pair::in_sync_with(setup, &Rib::marked(), start);
        pair.established();
        let name = format!("{}-v4", pair.lab.site().connection());
        let details = pair.daemon.show(&["session", &name]).unwrap();
        assert_eq!(details["fourOctetAs"], false, "{details:#}");
    }

    #[test]
    fn what_a_peer_announces_is_counted_and_goes_no_further() {
        let lab = Lab::new(2);
        let rib = Rib::shipped();
        let setup = Setup::dialled_by(Dials::Peeringd);
        let [first, second] = lab.sites.as_slice() else { panic!("a lab for two") };
        let bird = Bird::start(&lab, first, setup);
        let gobgp = Gobgp::start(&lab, second, setup);
        let daemon = Daemon::start(&lab, setup, &rib);
        until("BIRD to hold the table", IN_SYNC, || same_table(&bird.table()?, &wanted(&rib, first)));
        until("GoBGP to hold the table", IN_SYNC, || same_table(&gobgp.table()?, &wanted(&rib, second)));
        let announced = [
            ("v4", "ipv4", "4.0.1.0/24", first.peer_v4()),
            ("v6", "ipv6", "2001:1900:1::/48", first.peer_v6()),
        ];
        for (version, family, prefix, next_hop) in announced {
            let name = format!("{}-{version}", first.connection());
            until("the announced prefix to be counted", IN_SYNC, || {
                equal(&daemon.session(&name)?["received"][family], &json!(1))
            });
            let routes = daemon.show(&["received", &name]).unwrap();
            let [route] = routes.as_array().unwrap().as_slice() else { panic!("one route: {routes:#}") };
            assert_eq!(route["prefix"], prefix, "{routes:#}");
            assert_eq!(route["nextHop"], next_hop.to_string(), "{routes:#}");
            assert_eq!(route["asPath"], first.asn().to_string(), "{routes:#}");
        }
        stays("the table at GoBGP", HOLD, || same_table(&gobgp.table()?, &wanted(&rib, second)));
    }

    #[test]
    fn with_a_hold_time_of_0_the_session_needs_no_keepalives() {
        let rib = Rib::shipped();
        let setup = Setup { hold_time: 0, ..Setup::dialled_by(Dials::Peeringd) };
        let pair = Pair::<Bird>::in_sync(setup, &rib);
        let before = pair.established();
        let keepalives = || {
            let details = pair.daemon.show(&["session", &format!("{}-v4", pair.lab.site().connection())])?;
            Ok::<_, String>(details["messages"].clone())
        };
        let messages = keepalives().unwrap();
        // The one that answers an OPEN; with the shortest hold time more would come in this time.
        assert_eq!(messages["sent"]["keepalive"], 1, "{messages:#}");
        stays("a silent session", HOLD + Duration::from_secs(1), || {
            equal(&pair.views()?.map(|v| v.incarnation), &before.clone().map(|v| v.incarnation))?;
            equal(&keepalives()?, &messages)
        });
    }

    #[test]
    fn a_peer_with_another_asn_is_refused_with_the_right_code() {
        let lab = Lab::new(1);
        let setup = Setup::dialled_by(Dials::Both);
        let bird = Bird::start_with(&lab, lab.site(), setup, &[("ASN", "6939")]);
        let daemon = Daemon::start(&lab, setup, &Rib::shipped());
        let (site, name) = (lab.site(), format!("{}-v4", lab.site().connection()));
        until("BIRD to be told", IN_SYNC, || {
            let text = bird.protocol(site.our_v4())?;
            if text.contains("Received: Bad peer AS") { Ok(()) } else { Err(text) }
        });
        until("peeringd to say so", IN_SYNC, || {
            let error = daemon.session(&name)?["lastError"].clone();
            // OPEN Message Error, Bad Peer AS (RFC 4271 §6.2).
            equal(&[error["code"].clone(), error["subcode"].clone()], &[json!(2), json!(2)])
        });
        assert!(bird.table().unwrap().is_empty());
    }

    #[test]
    fn a_peer_that_ends_its_session_is_taken_back_at_once() {
        let rib = Rib::shipped();
        let pair = Pair::<Bird>::in_sync(Setup::dialled_by(Dials::Router), &rib);
        let name = format!("{}-v4", pair.lab.site().connection());
        let protocol = protocol_name(pair.lab.site().our_v4());
        pair.router.ask(&format!("disable {protocol}")).unwrap();
        until("peeringd to tell of the Cease", NOTICED, || {
            let session = pair.daemon.session(&name)?;
            let error = &session["lastError"];
            // Cease, Administrative Shutdown (RFC 4486).
            equal(&[error["code"].clone(), error["subcode"].clone()], &[json!(6), json!(2)])?;
            equal(&session["flaps"], &json!(1))
        });
        pair.router.ask(&format!("enable {protocol}")).unwrap();
        // BIRD waits a second before it dials, and another if it is refused.
        pair.wait_for(&rib, Duration::from_secs(3));
    }

    #[test]
    fn a_peer_that_falls_silent_is_given_up_after_the_hold_time() {
        let rib = Rib::shipped();
        let pair = Pair::<Bird>::in_sync(Setup::dialled_by(Dials::Both), &rib);
        let name = format!("{}-v4", pair.lab.site().connection());
        pair.router.signal("STOP");
        let stopped = Instant::now();
        until("the hold timer to expire", HOLD + NOTICED, || {
            // Hold Timer Expired (RFC 4271 §6.5).
            equal(&pair.daemon.session(&name)?["lastError"]["code"], &json!(4))
        });
        // Its last KEEPALIVE may have come up to a third of the hold time before.
        assert!(stopped.elapsed() > HOLD / 2, "after {:?}", stopped.elapsed());
        pair.router.signal("CONT");
        pair.wait_for(&rib, IN_SYNC);
        pair.daemon.wait_established(NOTICED);
    }

    #[test]
    fn a_limit_at_the_peer_is_told_by_its_cease() {
        let lab = Lab::new(1);
        let setup = Setup::dialled_by(Dials::Peeringd);
        let limit = "import limit 100 action disable;";
        let _bird = Bird::start_with(&lab, lab.site(), setup, &[("LIMIT", limit)]);
        let daemon = Daemon::start(&lab, setup, &Rib::shipped());
        until("peeringd to tell of the Cease", IN_SYNC, || {
            let error = daemon.session(&format!("{}-v4", lab.site().connection()))?["lastError"].clone();
            // Cease, Maximum Number of Prefixes Reached (RFC 4486).
            equal(&[error["code"].clone(), error["subcode"].clone()], &[json!(6), json!(1)])?;
            equal(&error["direction"], &json!("received"))
        });
    }

    #[test]
    fn peers_come_and_go_by_reload_and_the_others_do_not_notice() {
        let lab = Lab::new(2);
        let rib = Rib::shipped();
        let setup = Setup::dialled_by(Dials::Peeringd);
        let [first, second] = lab.sites.as_slice() else { panic!("a lab for two") };
        let bird = Bird::start(&lab, first, setup);
        let gobgp = Gobgp::start(&lab, second, setup);
        let daemon = Daemon::start(&lab, setup, &rib);
        until("BIRD to hold the table", IN_SYNC, || same_table(&bird.table()?, &wanted(&rib, first)));
        until("GoBGP to hold the table", IN_SYNC, || same_table(&gobgp.table()?, &wanted(&rib, second)));
        let before = [first.our_v4(), first.our_v6()].map(|ours| bird.session(ours).unwrap());

        daemon.reload_with_sites(&lab, &lab.sites[..1], setup);
        until("GoBGP to lose the table", IN_SYNC, || same_table(&gobgp.table()?, &Table::new()));
        gobgp.saw_cease(second.our_v4()).unwrap();
        until("peeringd to forget it", NOTICED, || {
            equal(&daemon.show(&["sessions"])?.as_array().map(Vec::len), &Some(2))
        });
        daemon.reload_with_sites(&lab, &lab.sites, setup);
        until("GoBGP to hold the table again", IN_SYNC + Duration::from_secs(Gobgp::patience_secs()), || {
            same_table(&gobgp.table()?, &wanted(&rib, second))
        });
        assert_eq!([first.our_v4(), first.our_v6()].map(|ours| bird.session(ours).unwrap()), before);
    }

    #[test]
    fn a_reload_with_an_error_changes_nothing() {
        let rib = Rib::shipped();
        let mut pair = Pair::<Bird>::in_sync(Setup::dialled_by(Dials::Peeringd), &rib);
        let before = pair.established();
        pair.daemon.reload_text("routes:\n  - prefixes: [8.8.8.0/24, 10.0.0.0/8]\n");
        until("the error to be said", NOTICED, || {
            let log = pair.daemon.process().log();
            if log.contains("rib.yaml:2:") && log.contains("10.0.0.0/8") { Ok(()) } else { Err(log) }
        });
        assert_eq!(pair.established(), before);
        same_table(&pair.router.table().unwrap(), &pair.wanted(&rib)).unwrap();
        // And a good one after it is taken.
        let changed = rib.changed();
        pair.daemon.reload(&changed);
        pair.wait_for(&changed, NOTICED);
    }

    #[test]
    fn readiness_and_metrics_tell_of_the_sessions() {
        let pair = Pair::<Bird>::in_sync(Setup::dialled_by(Dials::Peeringd), &Rib::shipped());
        for path in ["/healthz", "/readyz"] {
            let answer = pair.daemon.get(path).unwrap();
            assert!(answer.lines().next().is_some_and(|l| l.contains(" 200 ")), "{answer}");
        }
        let site = pair.lab.site();
        let metrics = pair.daemon.get("/metrics").unwrap();
        for (ip, family, count) in [(site.peer_v4(), "ipv4", "354"), (site.peer_v6(), "ipv6", "14")] {
            let labels = [
                format!("connection=\"{}\"", site.connection()),
                format!("session_ip=\"{ip}\""),
                format!("family=\"{family}\""),
            ];
            let sample = |name: &str| {
                let mut lines = metrics.lines().filter(|l| l.starts_with(&format!("{name}{{")));
                lines
                    .find(|l| labels.iter().all(|label| l.contains(label)))
                    .and_then(|l| l.split(' ').next_back())
            };
            assert_eq!(sample("peeringd_session_advertised_prefixes"), Some(count), "{metrics}");
            assert_eq!(sample("peeringd_session_pending_prefixes"), Some("0"), "{metrics}");
        }
        let up = metrics.lines().filter(|l| l.starts_with("peeringd_session_up{") && l.ends_with(" 1"));
        assert_eq!(up.count(), 2, "{metrics}");
    }
}
