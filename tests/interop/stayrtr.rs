//! StayRTR as the RTR cache, and files, asked through `show origin` and the HTTP server.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::daemon::{Daemon, Dials, Setup};
use crate::support::lab::Lab;
use crate::support::process::{Process, installed};

/// A cache in peeringd's namespace, and the file that it serves.
pub(crate) struct Stayrtr {
    process: Process,
    file: PathBuf,
}

impl Stayrtr {
    /// Starts one at this address, with these VRPs and further options.
    pub(crate) fn start(lab: &Lab, at: &str, vrps: &[Value], options: &[&str]) -> Self {
        let folder = lab.folder("stayrtr");
        let file = folder.join("vrps.json");
        write(&file, vrps);
        let mut command = lab.ours.command(&installed(&["/usr/bin/stayrtr"], "stayrtr"));
        command.args(["-bind", at, "-metrics.addr", "", "-checktime=false", "-refresh", "1"]);
        command.args(options).arg("-cache").arg(&file);
        let process = Process::spawn("stayrtr", command, &folder.join("log"));
        Self { process, file }
    }

    /// Gives it other VRPs, which it takes within a second.
    pub(crate) fn serve(&self, vrps: &[Value]) {
        write(&self.file, vrps);
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }
}

fn write(file: &Path, vrps: &[Value]) {
    let new = file.with_extension("new");
    fs::write(&new, json!({ "metadata": { "buildtime": "2026-11-22T18:00:00Z" }, "roas": vrps }).to_string())
        .unwrap();
    fs::rename(&new, file).unwrap();
}

/// One VRP as validators write it.
pub(crate) fn vrp(prefix: &str, max_len: u8, asn: u32) -> Value {
    json!({ "prefix": prefix, "maxLength": max_len, "asn": format!("AS{asn}"), "ta": "arin" })
}

/// peeringd with these sections in its config, and files beside it.
pub(crate) fn daemon(lab: &Lab, setup: Setup, sections: &str, files: &[(&str, String)]) -> Daemon {
    Daemon::start_changed(lab, setup, &crate::support::rib::Rib::shipped(), |config, folder| {
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        config.replacen("peerings:", &format!("{sections}peerings:"), 1)
    })
}

const SETUP: Setup = Setup::dialled_by(Dials::Router);

mod tests {
    use std::time::Duration;

    use super::*;
    use crate::bird::Bird;
    use crate::support::wait::{equal, stays, until};

    /// StayRTR reads its file every second, and peeringd dials again after one, two, four.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn until_origin(daemon: &Daemon, what: &str, wanted: impl Fn(&Value) -> Result<(), String>) -> Value {
        until(what, PATIENCE, || {
            let origin = daemon.show(&["origin"])?;
            wanted(&origin).map(|()| origin)
        })
    }

    /// The state of each cache, and which is in use.
    fn caches(origin: &Value) -> Vec<(String, bool)> {
        let all = origin["rpki"]["caches"].as_array().unwrap();
        let state = |cache: &Value| (cache["state"].as_str().unwrap().to_owned(), cache["inUse"] == true);
        all.iter().map(state).collect()
    }

    fn are(origin: &Value, wanted: &[(&str, bool)], vrps: [u64; 2]) -> Result<(), String> {
        let wanted: Vec<_> = wanted.iter().map(|(state, in_use)| ((*state).to_owned(), *in_use)).collect();
        equal(&caches(origin), &wanted)?;
        equal(&origin["rpki"]["vrps"], &json!({ "ipv4": vrps[0], "ipv6": vrps[1] }))
    }

    /// BIRD announcing a registered prefix as it should be, and peeringd with these sections and files.
    fn partner(sections: &str, files: &[(&str, String)]) -> (Lab, Bird, Daemon) {
        let lab = Lab::new(1);
        let own = "route 4.0.1.0/24 blackhole { bgp_community.add((8075, 8007)); };";
        let bird = Bird::start_with(&lab, lab.site(), SETUP, &[("OWN4", own)]);
        let rib = crate::support::rib::Rib::shipped();
        let daemon = Daemon::start_changed(&lab, SETUP, &rib, |config, folder| {
            for (name, text) in files {
                fs::write(folder.join(name), text).unwrap();
            }
            let registered = "    peering_service: true\n    registered_prefixes: [4.0.1.0/24]\n";
            config.replacen("peerings:", &format!("{sections}peerings:"), 1).replacen(
                "    peer_asn:",
                &format!("{registered}    peer_asn:"),
                1,
            )
        });
        (lab, bird, daemon)
    }

    /// Waits for the route to be shown so.
    fn until_route(daemon: &Daemon, what: &str, wanted: &Value) {
        until(what, PATIENCE, || {
            let routes = daemon.show(&["received", "contoso-0-v4", "4.0.1.0/24"])?;
            let route = &routes[0];
            let keys = wanted.as_object().unwrap().keys();
            let shown: Value = keys.map(|key| (key.clone(), route[key].clone())).collect();
            equal(&shown, wanted)
        });
    }

    #[test]
    fn f42_each_route_shows_what_rpki_says_and_is_held_to_it_where_the_config_says_so() {
        let vrps = [vrp("4.0.0.0/16", 24, 3356), vrp("4.0.0.0/9", 9, 3356)];
        let (lab, _bird, daemon) = partner("rpki: { caches: [\"127.0.0.1:323\"], invalid: show }\n", &[]);
        let shown = |state: &str, accepted: bool, reasons: &[&str]| json!({ "rpkiValidationState": state, "accepted": accepted, "reasons": reasons });
        until_route(&daemon, "a route without a cache", &shown("Unknown", true, &[]));
        let cache = Stayrtr::start(&lab, "127.0.0.1:323", &vrps, &[]);
        until_route(&daemon, "a valid route", &shown("Valid", true, &[]));
        cache.serve(&vrps[1..]);
        until_route(&daemon, "an invalid route, shown", &shown("Invalid", true, &[]));
        daemon.reload_changed(|config| config.replace("invalid: show", "invalid: refuse"));
        let why = "The origin is RPKI-invalid";
        until_route(&daemon, "an invalid route, refused", &shown("Invalid", false, &[why]));
        cache.serve(&vrps);
        until_route(&daemon, "a valid route again", &shown("Valid", true, &[]));
        let text = json!({ "roas": [vrp("4.0.1.0/24", 24, 3356)] }).to_string();
        fs::write(daemon.folder().join("vrps.json"), text).unwrap();
        daemon.reload_changed(|config| config.replace("invalid: refuse", "vrp_files: [vrps.json]"));
        // A cache names no trust anchor, and a file does; of two that match, the longer.
        let anchored = json!({ "rpkiValidationState": "Valid", "accepted": true, "trustAnchor": "Arin" });
        until_route(&daemon, "whose ROA it is", &anchored);
        assert_eq!(daemon.session("contoso-0-v4").unwrap()["flaps"], 0);
    }

    #[test]
    fn f41_each_route_shows_what_the_registry_says_and_is_held_to_it_where_the_config_says_so() {
        let object = |origin: u32| format!("route: 4.0.1.0/24\norigin: AS{origin}\nsource: RADB\n");
        let (_lab, _bird, daemon) =
            partner("irr: { files: [radb], unknown: show }\n", &[("radb", object(3356))]);
        let shown = |state: &str, accepted: bool, reasons: &[&str]| json!({ "originAsValidationState": state, "accepted": accepted, "reasons": reasons });
        let put = |text: String| fs::write(daemon.folder().join("radb"), text).unwrap();
        until_route(&daemon, "a registered route", &shown("Valid", true, &[]));
        put(object(6939));
        daemon.reload_changed(|config| config);
        until_route(&daemon, "another's route, shown", &shown("Invalid", true, &[]));
        daemon.reload_changed(|config| config.replace("unknown: show", "unknown: show, invalid: refuse"));
        let why = "The origin ASN is not the one in the routing registry";
        until_route(&daemon, "another's route, refused", &shown("Invalid", false, &[why]));
        put(object(6939).replace("4.0.1.0/24", "4.0.2.0/24"));
        daemon.reload_changed(|config| config);
        until_route(&daemon, "an unregistered route, shown", &shown("Unknown", true, &[]));
        daemon.reload_changed(|config| config.replace("unknown: show", "unknown: refuse"));
        let why = "The origin ASN is not in the routing registry";
        until_route(&daemon, "an unregistered route, refused", &shown("Unknown", false, &[why]));
        put(json!({ "AS3356": [{ "prefix": "4.0.0.0/16", "exact": false, "less-equal": 24 }] }).to_string());
        daemon.reload_changed(|config| config);
        until_route(&daemon, "a route registered again", &shown("Valid", true, &[]));
        assert_eq!(daemon.session("contoso-0-v4").unwrap()["flaps"], 0);
    }

    #[test]
    fn f42_a_cache_is_followed_while_it_changes_goes_and_comes_back() {
        let lab = Lab::new(1);
        let first = [vrp("8.0.0.0/12", 24, 3356), vrp("2001:1900::/24", 48, 3356)];
        let mut cache = Stayrtr::start(&lab, "127.0.0.1:323", &first, &[]);
        let daemon = daemon(&lab, SETUP, "rpki: { caches: [\"127.0.0.1:323\"] }\n", &[]);
        let origin =
            until_origin(&daemon, "the cache to be in sync", |o| are(o, &[("synced", true)], [1, 1]));
        let before = origin["rpki"]["caches"][0].clone();
        // Whether it was asked before it listened is a matter of which of the two was quicker.
        assert_eq!(before["serial"], 0, "{before:#}");

        // The cache's own refresh interval is an hour: it is its Serial Notify that brings this.
        let more = [first.as_slice(), &[vrp("8.8.8.0/24", 24, 15169), vrp("9.0.0.0/8", 8, 3356)]].concat();
        cache.serve(&more);
        let origin = until_origin(&daemon, "more VRPs", |o| are(o, &[("synced", true)], [3, 1]));
        let after = &origin["rpki"]["caches"][0];
        assert_eq!((&after["sessionId"], &after["serial"]), (&before["sessionId"], &json!(1)), "{after:#}");
        cache.serve(&more[1..2]);
        until_origin(&daemon, "fewer VRPs", |o| are(o, &[("synced", true)], [0, 1]));

        cache.kill();
        let origin = until_origin(&daemon, "the loss", |o| are(o, &[("lost", true)], [0, 1]));
        let error = &origin["rpki"]["caches"][0]["lastError"]["text"];
        assert_eq!(error, "the cache closed the connection", "{origin:#}");
        let text = daemon.get("/metrics").unwrap();
        assert!(text.contains("peeringd_rpki_cache_up{cache=\"127.0.0.1:323\"} 0"), "{text}");
        assert!(text.contains("peeringd_rpki_vrps{family=\"ipv6\"} 1"), "{text}");

        let other = [vrp("8.0.0.0/12", 24, 3356), vrp("20.33.0.0/16", 16, 8075)];
        let _cache = Stayrtr::start(&lab, "127.0.0.1:323", &other, &[]);
        until_origin(&daemon, "the cache again", |o| are(o, &[("synced", true)], [2, 0]));
        assert!(daemon.get("/api/v1/origin").unwrap().contains("\"state\":\"synced\""));
    }

    #[test]
    fn f42_what_a_cache_sent_counts_for_nothing_when_it_has_expired() {
        let lab = Lab::new(1);
        let vrps = [vrp("8.0.0.0/12", 24, 3356)];
        let times = ["-rtr.refresh", "1", "-rtr.retry", "1", "-rtr.expire", "4"];
        let mut cache = Stayrtr::start(&lab, "127.0.0.1:323", &vrps, &times);
        let daemon = daemon(&lab, SETUP, "rpki: { caches: [\"127.0.0.1:323\"] }\n", &[]);
        until_origin(&daemon, "the cache to be in sync", |o| are(o, &[("synced", true)], [1, 0]));
        // It is asked again before that, and so lives on.
        stays("a cache that answers", Duration::from_secs(5), || {
            are(&daemon.show(&["origin"])?, &[("synced", true)], [1, 0])
        });
        cache.kill();
        until_origin(&daemon, "the loss", |o| are(o, &[("lost", true)], [1, 0]));
        until_origin(&daemon, "the end of it", |o| are(o, &[("expired", false)], [0, 0]));
    }

    #[test]
    fn f42_of_several_caches_the_first_that_answers_is_used() {
        let lab = Lab::new(1);
        let (one, two) = ("127.0.0.1:3231", "127.0.0.1:3232");
        let vrps = [vrp("8.0.0.0/12", 24, 3356), vrp("8.8.8.0/24", 24, 15169)];
        let sections = format!("rpki: {{ caches: [\"{one}\", \"{two}\"] }}\n");
        let daemon = daemon(&lab, SETUP, &sections, &[]);
        let _second = Stayrtr::start(&lab, two, &vrps[..1], &["-protocol", "0"]);
        until_origin(&daemon, "the second", |o| are(o, &[("connecting", false), ("synced", true)], [1, 0]));
        let mut first = Stayrtr::start(&lab, one, &vrps, &["-protocol", "1"]);
        until_origin(&daemon, "the first", |o| are(o, &[("synced", true), ("synced", false)], [2, 0]));
        first.kill();
        until_origin(&daemon, "the second again", |o| are(o, &[("lost", false), ("synced", true)], [1, 0]));
    }

    #[test]
    fn f41_f42_files_are_read_anew_by_a_reload_or_not_at_all() {
        let lab = Lab::new(1);
        let file = |vrps: &[Value]| json!({ "roas": vrps }).to_string();
        let route = |n: u8| format!("route: 8.{n}.0.0/16\norigin: AS3356\nsource: RADB\n\n");
        let list = json!({ "AS3356": [{ "prefix": "8.9.0.0/16", "exact": true }] }).to_string();
        let daemon = daemon(
            &lab,
            SETUP,
            "rpki: { vrp_files: [vrps.json] }\nirr: { files: [radb, as3356.json] }\n",
            &[("vrps.json", file(&[vrp("8.0.0.0/12", 24, 3356)])), ("radb", route(1)), ("as3356.json", list)],
        );
        let folder = daemon.folder().to_owned();
        let counts = |vrps: u64, routes: u64| {
            move |origin: &Value| {
                equal(&origin["rpki"]["vrps"]["ipv4"], &json!(vrps))?;
                equal(&origin["irr"]["routes"]["ipv4"], &json!(routes))
            }
        };
        until_origin(&daemon, "the files", counts(1, 2));
        fs::write(folder.join("radb"), route(1) + &route(2)).unwrap();
        fs::write(folder.join("vrps.json"), file(&[vrp("8.0.0.0/12", 24, 3356), vrp("9.0.0.0/8", 8, 3356)]))
            .unwrap();
        daemon.reload_changed(|config| config);
        until_origin(&daemon, "the new files", counts(2, 3));
        fs::write(folder.join("radb"), "route: 8.1.0.0/16\n").unwrap();
        fs::write(folder.join("vrps.json"), file(&[vrp("8.0.0.0/12", 24, 3356)])).unwrap();
        daemon.reload_changed(|config| config);
        let error = until("the reload to be refused", PATIENCE, || {
            let generation = daemon.show(&["generation"])?;
            generation["lastReloadError"].as_str().map(str::to_owned).ok_or_else(|| generation.to_string())
        });
        let place = folder.join("radb").display().to_string();
        assert_eq!(
            error,
            format!("{place}:1:1: route without an origin: mend the object or fetch the file again")
        );
        until_origin(&daemon, "the files before", counts(2, 3));
    }
}
