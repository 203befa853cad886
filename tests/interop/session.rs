//! Extensions of the protocol, each with a real router that has it.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bird::{Bird, protocol_name};
use crate::frr::Frr;
use crate::openbgpd::Openbgpd;
use crate::router::Router;
use crate::scenario::{IN_SYNC, NOTICED, Pair};
use crate::support::daemon::{Dials, Sessions, Setup};
use crate::support::lab::Lab;
use crate::support::process::output;
use crate::support::rib::Rib;
use crate::support::wait::{equal, stays, until};

const OURS: Setup = Setup::dialled_by(Dials::Peeringd);

/// peeringd with these keys and a BIRD with these places of its template filled otherwise, in sync.
fn with_bird(keys: &'static str, others: &[(&str, &str)]) -> Pair<Bird> {
    let setup = OURS.with_keys(keys);
    Pair::in_sync_with(setup, &Rib::shipped(), |lab| Bird::start_with(lab, lab.site(), setup, others))
}

/// Likewise, but without waiting for a session.
fn beside_bird(setup: Setup, others: &[(&str, &str)]) -> Pair<Bird> {
    let lab = Lab::new(1);
    let router = Bird::start_with(&lab, lab.site(), setup, others);
    let daemon = crate::support::daemon::Daemon::start(&lab, setup, &Rib::shipped());
    Pair { router, daemon, lab }
}

impl<R: Router> Pair<R> {
    fn v4(&self) -> String {
        format!("{}-v4", self.lab.site().connection())
    }

    fn details(&self) -> Result<Value, String> {
        self.daemon.show(&["session", &self.v4()])
    }

    /// The route that the router announces over IPv4, once it is there.
    fn its_route(&self) -> Value {
        until("the router's route", NOTICED, || {
            let routes = self.daemon.show(&["received", &self.v4()])?;
            routes.get(0).cloned().ok_or_else(|| routes.to_string())
        })
    }

    /// Waits for the error that ended the IPv4 session or kept it from coming up.
    fn wait_for_error(&self, code: u8, subcode: u8) -> Value {
        until("the error", IN_SYNC, || {
            let error = self.daemon.session(&self.v4())?["lastError"].clone();
            equal(&[&error["code"], &error["subcode"]], &[&json!(code), &json!(subcode)])?;
            Ok(error)
        })
    }
}

/// What BIRD holds of peeringd's over IPv4, in its own words.
fn held(bird: &Bird) -> String {
    bird.ask("show route all protocol microsoft4").unwrap()
}

fn passive_with(more: &str) -> String {
    format!("passive on; {more};")
}

// Roles and ONLY_TO_CUSTOMER (RFC 9234).

#[test]
fn bird_as_our_customer_gets_only_to_customer_on_every_route() {
    let pair = with_bird(
        "local_role: provider; strict_role: true",
        &[("PASSIVE", &passive_with("local role customer"))],
    );
    assert_eq!(pair.details().unwrap()["negotiated"]["peerRole"], "customer");
    let held = held(&pair.router);
    assert_eq!(held.matches("BGP.otc: 8075").count(), 354, "{held}");
    let route = pair.its_route();
    assert_eq!([&route["onlyToCustomer"], &route["isLeak"]], [&json!(null), &json!(false)], "{route}");
}

#[test]
fn bird_as_a_lateral_peer_marks_its_routes_and_holds_ours_marked() {
    let pair = with_bird("local_role: peer", &[("PASSIVE", &passive_with("local role peer"))]);
    assert_eq!(pair.details().unwrap()["negotiated"]["peerRole"], "peer");
    assert_eq!(held(&pair.router).matches("BGP.otc: 8075").count(), 354);
    let route = pair.its_route();
    let wanted = [json!(pair.lab.site().asn()), json!(false)];
    assert_eq!([route["onlyToCustomer"].clone(), route["isLeak"].clone()], wanted, "{route}");
}

#[test]
fn a_route_that_is_a_leak_is_held_and_said() {
    let leaks = "export filter { if proto != \"own4\" then reject; bgp_otc = 174; accept; };";
    let pair = with_bird("local_role: peer", &[("LIMIT", leaks)]);
    let route = pair.its_route();
    assert_eq!([&route["onlyToCustomer"], &route["isLeak"]], [&json!(174), &json!(true)], "{route}");
    assert_eq!(pair.details().unwrap()["receivedLeaks"], 1);
    let metrics = pair.daemon.get("/metrics").unwrap();
    let counted = metrics.lines().find(|l| {
        l.starts_with("peeringd_session_leaked_received_prefixes_total{") && l.contains("4.68.74.181")
    });
    assert!(counted.is_some_and(|l| l.ends_with(" 1")), "{counted:?}");
}

#[test]
fn roles_that_do_not_go_together_are_refused_by_both() {
    let setup = OURS.with_keys("local_role: provider");
    let pair = beside_bird(setup, &[("PASSIVE", &passive_with("local role provider"))]);
    pair.wait_for_error(2, 11);
    until("BIRD to say so", IN_SYNC, || {
        let text = pair.router.protocol(pair.lab.site().our_v4())?;
        if text.contains("Role mismatch") { Ok(()) } else { Err(text) }
    });
}

#[test]
fn a_peer_without_a_role_is_refused_where_the_config_is_strict() {
    let pair = beside_bird(OURS.with_keys("local_role: provider; strict_role: true"), &[]);
    let error = pair.wait_for_error(2, 11);
    assert_eq!(error["direction"], "sent", "{error}");
    assert!(pair.router.table().unwrap().is_empty());
}

#[test]
fn frr_as_our_customer_agrees_on_the_roles() {
    let setup = OURS.with_keys("local_role: provider; strict_role: true");
    let pair = Pair::<Frr>::in_sync_with(setup, &Rib::shipped(), |lab| {
        let site = lab.site();
        let role = |ours: std::net::IpAddr| format!("neighbor {ours} local-role customer strict-mode\n ");
        let more = role(site.our_v4()) + &role(site.our_v6());
        Frr::start_around(lab, site, setup, ["", more.trim_end()], &site.our_v6().to_string())
    });
    assert_eq!(pair.details().unwrap()["negotiated"]["peerRole"], "customer");
    let neighbor = pair.router.neighbor(pair.lab.site().our_v4()).unwrap();
    assert_eq!(neighbor["remoteRole"], "provider", "{neighbor:#}");
}

#[test]
fn openbgpd_as_our_route_server_client_agrees_on_the_roles() {
    let setup = OURS.with_keys("local_role: rs; strict_role: true");
    let pair = Pair::<Openbgpd>::in_sync_with(setup, &Rib::shipped(), |lab| {
        Openbgpd::start_with(lab, lab.site(), setup, "announce policy rs-client enforce")
    });
    assert_eq!(pair.details().unwrap()["negotiated"]["peerRole"], "rs_client");
}

// Extended messages (RFC 8654).

#[test]
fn bird_takes_messages_longer_than_4096_octets() {
    let pair = beside_bird(OURS, &[]);
    pair.wait_for(&Rib::shipped(), IN_SYNC);
    assert_eq!(pair.details().unwrap()["negotiated"]["extendedMessage"], true);
    // 20,000 octets of one attribute set.
    let prefixes: Vec<String> = (0..5000_u32).map(|n| format!("20.{}.{}.0/24", n >> 8, n & 255)).collect();
    let sent = || pair.details().unwrap()["messages"]["sent"]["update"].as_u64().unwrap();
    let before = sent();
    pair.daemon.reload_text(&format!("routes:\n  - prefixes: [{}]\n", prefixes.join(", ")));
    until("BIRD to hold it all", IN_SYNC, || match pair.router.table()?.len() {
        5000 => Ok(()),
        held => Err(format!("{held} routes")),
    });
    // What goes is told in one, what comes in one, where messages of 4,096 octets would have to be five.
    assert_eq!(sent() - before, 2);
}

// Graceful shutdown (RFC 8326).

#[test]
fn graceful_shutdown_goes_on_and_off_without_a_new_session() {
    let pair = with_bird("", &[]);
    let before = pair.established().map(|view| view.incarnation);
    let leaving = OURS.with_keys("graceful_shutdown: true");
    pair.daemon.reload_with_sites(&pair.lab, &pair.lab.sites, leaving);
    until("the community on every route", IN_SYNC, || {
        equal(&held(&pair.router).matches("BGP.community: (65535,0)").count(), &354)
    });
    assert_eq!(pair.details().unwrap()["gracefulShutdown"], true);
    pair.daemon.reload_with_sites(&pair.lab, &pair.lab.sites, OURS);
    until("the community to go", IN_SYNC, || equal(&held(&pair.router).matches("(65535,0)").count(), &0));
    assert_eq!(pair.established().map(|view| view.incarnation), before);
}

#[test]
fn routes_of_a_peer_in_graceful_shutdown_are_counted() {
    let leaving =
        "export filter { if proto != \"own4\" then reject; bgp_community.add((65535, 0)); accept; };";
    let pair = with_bird("", &[("LIMIT", leaving)]);
    let route = pair.its_route();
    assert_eq!(route["communities"], json!(["65535:0"]), "{route}");
    assert_eq!(pair.details().unwrap()["receivedGracefulShutdown"], 1);
}

// Shutdown communication (RFC 9003) and resets.

#[test]
fn what_birds_operator_says_at_a_shutdown_is_shown() {
    let pair = with_bird("", &[]);
    let protocol = protocol_name(pair.lab.site().our_v4());
    let text = "router upgrade, ticket 42";
    output(
        std::process::Command::new("/usr/sbin/birdc")
            .arg("-s")
            .arg(pair.router.control())
            .arg(format!("disable {protocol} \"{text}\"")),
    )
    .unwrap();
    let error = pair.wait_for_error(6, 2);
    assert_eq!(error["text"], format!("received 6/2 Administrative Shutdown: \"{text}\""));
}

#[test]
fn a_reset_is_told_in_the_operators_words_and_the_session_comes_again() {
    let pair = with_bird("shutdown_communication: ask us", &[]);
    let before = pair.established();
    let said = pair.daemon.order(&["reset", &pair.v4(), "--text", "new card in slot 3"]).unwrap();
    assert_eq!(said, format!("{} is reset\n", pair.v4()));
    let log = |text: &str| format!("Received: Administrative reset: \"{text}\"");
    until("BIRD to tell of the words", NOTICED, || {
        let said = pair.router.log();
        if said.contains(&log("new card in slot 3")) { Ok(()) } else { Err(said) }
    });
    pair.wait_for(&Rib::shipped(), IN_SYNC);
    pair.daemon.order(&["reset", &pair.lab.site().peer_v4().to_string()]).unwrap();
    until("BIRD to tell of the config's words", NOTICED, || {
        let said = pair.router.log();
        if said.contains(&log("ask us")) { Ok(()) } else { Err(said) }
    });
    pair.wait_for(&Rib::shipped(), IN_SYNC);
    let after = pair.established();
    assert_ne!(after[0].incarnation, before[0].incarnation);
    assert_eq!(after[1].incarnation, before[1].incarnation, "the other session is left alone");
}

#[test]
fn openbgpds_reason_is_shown_and_it_is_told_ours() {
    let pair = Pair::<Openbgpd>::in_sync(OURS, &Rib::shipped());
    let ours = pair.lab.site().our_v4();
    pair.daemon.order(&["reset", &pair.v4(), "--text", "line card moved"]).unwrap();
    until("OpenBGPD to tell of the words", NOTICED, || {
        let neighbor = pair.router.neighbor(ours)?;
        let said = neighbor["last_shutdown_reason"].as_str().unwrap_or_default();
        if said == "line card moved" { Ok(()) } else { Err(format!("{neighbor:#}")) }
    });
    pair.wait_for(&Rib::shipped(), IN_SYNC);
    pair.router.order(&["neighbor", &ours.to_string(), "down", "power work until 4"]);
    let error = pair.wait_for_error(6, 2);
    assert_eq!(error["text"], "received 6/2 Administrative Shutdown: \"power work until 4\"");
}

#[test]
fn frr_is_told_the_configs_words_at_a_stop() {
    let setup = OURS.with_keys("shutdown_communication: moving to another site");
    let mut pair =
        Pair::<Frr>::in_sync_with(setup, &Rib::shipped(), |lab| Frr::start(lab, lab.site(), setup));
    pair.daemon.process().signal("TERM");
    pair.wait_for_empty();
    until("FRR to tell of the words", NOTICED, || {
        let neighbor = pair.router.neighbor(pair.lab.site().our_v4())?;
        equal(&neighbor["lastShutdownDescription"], &json!("moving to another site"))
    });
}

#[test]
fn a_hard_reset_carries_the_reset_where_frr_knows_it() {
    let setup = OURS;
    let pair = Pair::<Frr>::in_sync_with(setup, &Rib::shipped(), |lab| {
        Frr::start_with(lab, lab.site(), setup, "bgp graceful-restart\n bgp log-neighbor-changes")
    });
    pair.daemon.order(&["reset", &pair.v4(), "--hard", "--text", "all of it"]).unwrap();
    let error = pair.wait_for_error(6, 4);
    assert_eq!(error["text"], "sent 6/9 Hard Reset: 6/4 Administrative Reset: \"all of it\"");
    until("FRR to tell of a Hard Reset", NOTICED, || {
        let log = pair.router.log();
        if log.contains("Hard Reset") && log.contains("6/4 (Cease/Administrative Reset)") {
            Ok(())
        } else {
            Err(log)
        }
    });
    pair.wait_for(&Rib::shipped(), IN_SYNC);
}

#[test]
fn orders_for_what_is_not_there_say_so() {
    let pair = with_bird("", &[]);
    for (words, wanted) in [
        (vec!["reset", "contoso-9-v4"], "no session, peer address or connection is \"contoso-9-v4\""),
        (vec!["refresh", "contoso-0"], "name one of them"),
        (vec!["reset", "contoso-0-v4", "--text", "a\nb"], "all printable"),
    ] {
        let error = pair.daemon.order(&words).unwrap_err();
        assert!(error.contains(wanted), "{words:?}: {error}");
    }
    // The HTTP of http.listen has none of it.
    let answer = pair.daemon.post("/api/v1/sessions/contoso-0-v4/reset", "{}").unwrap();
    assert!(answer.starts_with("HTTP/1.0 404") || answer.starts_with("HTTP/1.1 404"), "{answer}");
    pair.established();
}

// Route refresh, plain and enhanced (RFC 2918, RFC 7313).

fn refreshes(details: &Value) -> [u64; 2] {
    ["sent", "received"].map(|way| details["messages"][way]["routeRefresh"].as_u64().unwrap())
}

#[test]
fn birds_request_is_answered_between_borr_and_eorr() {
    let pair = with_bird("", &[]);
    assert_eq!(pair.details().unwrap()["negotiated"]["enhancedRouteRefresh"], true);
    let before = pair.established();
    pair.router.ask(&format!("reload in {}", protocol_name(pair.lab.site().our_v4()))).unwrap();
    until("BoRR and EoRR", IN_SYNC, || equal(&refreshes(&pair.details()?), &[2, 1]));
    pair.wait_for(&Rib::shipped(), NOTICED);
    until("each route once more", NOTICED, || equal(&pair.views()?[0].updates, &(before[0].updates * 2)));
    assert_eq!(pair.established()[0].incarnation, before[0].incarnation);
}

#[test]
fn refresh_asks_bird_or_tells_it_all_again() {
    let pair = with_bird("", &[]);
    let before = pair.established();
    let first = pair.its_route();
    pair.daemon.order(&["refresh", &pair.v4()]).unwrap();
    until("BIRD's BoRR and EoRR", IN_SYNC, || equal(&refreshes(&pair.details()?), &[1, 2]));
    assert_eq!(pair.its_route()["prefix"], first["prefix"], "what it said again stays");
    pair.daemon.order(&["refresh", &pair.v4(), "--out"]).unwrap();
    until("our BoRR and EoRR", IN_SYNC, || equal(&refreshes(&pair.details()?), &[3, 2]));
    until("each route once more", NOTICED, || equal(&pair.views()?[0].updates, &(before[0].updates * 2)));
    pair.wait_for(&Rib::shipped(), NOTICED);
    assert_eq!(pair.established()[0].incarnation, before[0].incarnation);
}

// Extended optional parameters (RFC 9072), DelayOpen.

#[test]
fn frr_reads_an_open_in_the_extended_form() {
    for dials in [Dials::Peeringd, Dials::Router] {
        let setup = Setup::dialled_by(dials).with_keys("extended_optional_parameters: always");
        let pair = Pair::<Frr>::in_sync(setup, &Rib::shipped());
        assert_eq!(pair.details().unwrap()["extendedOptionalParameters"], "always");
    }
}

#[test]
fn an_open_that_waits_goes_out_when_birds_comes() {
    let setup = Setup::dialled_by(Dials::Router).with_keys("delay_open: 240");
    let pair = Pair::<Bird>::in_sync(setup, &Rib::shipped());
    pair.established();
}

// Send hold timer (RFC 9687).

/// So many more /24s than the shipped table has.
fn many_more(count: u32) -> String {
    let mut text = fs::read_to_string(Rib::shipped_file()).unwrap();
    text.push_str("\n  - source: a test\n    prefixes: |\n");
    for n in 0..count {
        // From 73.0.0.0 on, where no shipped prefix is.
        let [a, b, c, _] = (0x4900_0000 + (n << 8)).to_be_bytes();
        text.push_str(&format!("      {a}.{b}.{c}.0/24\n"));
    }
    text
}

#[test]
fn a_bird_that_stops_reading_is_told_of_the_send_hold_timer() {
    let setup = Setup { hold_time: 0, ..OURS }.with_keys("send_hold_time: 4");
    let lab = Lab::new(1);
    // What its kernel takes in by itself must be less than what is due.
    let mut small = lab.site().netns.command("/sbin/sysctl");
    output(small.args(["-w", "net.ipv4.tcp_rmem=4096 8192 8192"])).unwrap();
    let router = Bird::start(&lab, lab.site(), setup);
    let daemon = crate::support::daemon::Daemon::start(&lab, setup, &Rib::shipped());
    let pair = Pair { router, daemon, lab };
    pair.wait_for(&Rib::shipped(), IN_SYNC);
    assert_eq!(pair.details().unwrap()["sendHoldTime"], 4);
    stays("a session of a peer that has read all", Duration::from_secs(6), || {
        equal(&pair.daemon.session(&pair.v4())?["flaps"], &json!(0))
    });
    pair.router.signal("STOP");
    pair.daemon.reload_text(&many_more(40_000));
    let error = pair.wait_for_error(8, 0);
    assert_eq!(error["direction"], "sent", "{error}");
    pair.router.signal("CONT");
    pair.daemon.reload(&Rib::shipped());
    pair.wait_for(&Rib::shipped(), IN_SYNC);
}

// Prefix limits.

/// BIRD announces two IPv4 routes, where the limit is one.
const TWO_ROUTES: [(&str, &str); 2] = [
    ("IPV6_SESSION", "protocol static more4 { ipv4; route 4.0.2.0/24 blackhole; }"),
    ("LIMIT", "export where source = RTS_STATIC;"),
];

fn limited(keys: &'static str) -> Pair<Bird> {
    let setup = Setup { sessions: Sessions::BothOnIpv4, ..OURS }.with_keys(keys);
    beside_bird(setup, &TWO_ROUTES)
}

#[test]
fn a_limit_that_is_near_is_said_before_it_is_passed() {
    let pair = with_bird("max_prefixes_advertised_v4: 1; max_prefix_warning_percent: 100", &[]);
    pair.its_route();
    assert_eq!(pair.details().unwrap()["nearLimit"], json!({ "ipv4": true, "ipv6": false }));
    pair.established();
}

#[test]
fn a_session_over_its_limit_comes_again_after_the_restart_time() {
    let pair = limited("max_prefixes_advertised_v4: 1; max_prefix_restart_secs: 1");
    pair.wait_for_error(6, 1);
    until("further tries", IN_SYNC, || {
        let flaps = pair.daemon.session(&pair.v4())?["flaps"].as_u64().unwrap_or(0);
        if flaps >= 3 { Ok(()) } else { Err(format!("{flaps} flaps")) }
    });
    pair.router.ask("disable more4").unwrap();
    pair.daemon.wait_established(IN_SYNC);
    pair.wait_for(&Rib::shipped(), IN_SYNC);
}

#[test]
fn a_session_over_its_limit_stays_down_until_it_is_reset() {
    let pair = limited("max_prefixes_advertised_v4: 1; max_prefix_restart_secs: null");
    pair.wait_for_error(6, 1);
    pair.router.ask("disable more4").unwrap();
    stays("a session that is down", NOTICED, || {
        let details = pair.details()?;
        equal(&[&details["state"], &details["needsReset"]], &[&json!("Idle"), &json!(true)])
    });
    pair.daemon.order(&["reset", &pair.v4()]).unwrap();
    pair.daemon.wait_established(IN_SYNC);
    pair.wait_for(&Rib::shipped(), IN_SYNC);
    assert_eq!(pair.details().unwrap()["needsReset"], false);
}
