//! Several paths of a prefix from a real router (RFC 7911).

mod tests {
    use serde_json::{Value, json};

    use crate::bird::Bird;
    use crate::gobgp::Gobgp;
    use crate::scenario::{IN_SYNC, NOTICED};
    use crate::support::daemon::{Daemon, Dials, Setup};
    use crate::support::lab::{Lab, Site};
    use crate::support::rib::Rib;
    use crate::support::wait::{equal, until};

    const PREFIX: &str = "4.0.1.0/24";
    /// The same prefix as BIRD's own one, from another source and with a metric.
    const SECOND: &str = "protocol static second4 {
    ipv4 { import filter { bgp_med = 77; accept; }; };
    route 4.0.1.0/24 blackhole;
}";

    struct Two {
        bird: Bird,
        daemon: Daemon,
        lab: Lab,
    }

    impl Two {
        fn start(keys: &'static str) -> Self {
            let lab = Lab::new(1);
            let setup = Setup::dialled_by(Dials::Peeringd).with_keys(keys);
            let places = [("PROTOCOLS", SECOND), ("LIMIT", "add paths tx;")];
            let bird = Bird::start_with(&lab, lab.site(), setup, &places);
            let daemon = Daemon::start(&lab, setup, &Rib::shipped());
            daemon.wait_established(IN_SYNC);
            Self { bird, daemon, lab }
        }

        fn site(&self) -> &Site {
            self.lab.site()
        }

        fn session(&self) -> String {
            format!("{}-v4", self.site().connection())
        }

        fn show(&self, what: &[&str]) -> Result<Value, String> {
            self.daemon.show(what)
        }

        /// The metrics of the routes held, in order.
        fn meds(&self) -> Result<Vec<Value>, String> {
            let routes = self.show(&["received", &self.session()])?;
            let routes = routes.as_array().ok_or("no array")?;
            if routes.iter().any(|route| route["prefix"] != PREFIX) {
                return Err(format!("{routes:#?}"));
            }
            let mut meds: Vec<Value> = routes.iter().map(|route| route["receivedMed"].clone()).collect();
            meds.sort_by_key(Value::as_u64);
            Ok(meds)
        }
    }

    #[test]
    fn both_paths_are_held_counted_and_withdrawn_alone() {
        let two = Two::start("add_path_receive: true");
        until("both paths", IN_SYNC, || equal(&two.meds()?, &vec![Value::Null, json!(77)]));
        let routes = two.show(&["received", &two.session()]).unwrap();
        assert_ne!(routes[0]["pathId"], routes[1]["pathId"], "{routes:#}");
        for route in routes.as_array().unwrap() {
            assert_eq!(route["nextHop"], two.site().peer_v4().to_string(), "{routes:#}");
            assert_eq!(route["asPath"], two.site().asn().to_string(), "{routes:#}");
        }
        let of_prefix = two.show(&["received", &two.session(), PREFIX]).unwrap();
        assert_eq!(of_prefix, routes);
        let details = two.show(&["session", &two.session()]).unwrap();
        assert_eq!(details["received"]["ipv4"], 2, "{details:#}");
        assert_eq!(details["addPathReceive"], json!(["ipv4"]), "{details:#}");
        let listed = |whose: &str| {
            let all = details["capabilities"][whose].as_array().unwrap();
            all.iter().find(|c| c["code"] == 69).map(|c| c["text"].clone())
        };
        assert_eq!(listed("local"), Some(json!("ipv4 receive")), "{details:#}");
        assert_eq!(listed("peer"), Some(json!("ipv4 send")), "{details:#}");

        two.bird.ask("disable own4").unwrap();
        until("one path", NOTICED, || equal(&two.meds()?, &vec![json!(77)]));
        two.bird.ask("enable own4").unwrap();
        until("both again", NOTICED, || equal(&two.meds()?, &vec![Value::Null, json!(77)]));
        assert_eq!(two.show(&["session", &two.session()]).unwrap()["flaps"], 0);
    }

    /// GoBGP numbers the paths of a prefix for each peer anew.
    #[test]
    fn gobgp_sends_as_many_paths_as_it_has() {
        let lab = Lab::new(1);
        let setup = Setup::dialled_by(Dials::Peeringd).with_keys("add_path_receive: true");
        let gobgp = Gobgp::start_with(&lab, lab.site(), setup, &[("SEND_MAX", "8")]);
        let daemon = Daemon::start(&lab, setup, &Rib::shipped());
        daemon.wait_established(IN_SYNC);
        let name = format!("{}-v4", lab.site().connection());
        let meds = || {
            let routes = daemon.show(&["received", &name])?;
            let routes = routes.as_array().ok_or("no array")?;
            let mut meds: Vec<u64> =
                routes.iter().filter_map(|route| route["receivedMed"].as_u64()).collect();
            meds.sort_unstable();
            Ok::<_, String>((routes.len(), meds))
        };
        for n in 1..=3 {
            gobgp.ask(&format!("global rib add -a ipv4 {PREFIX} identifier {n} med {n}0")).unwrap();
        }
        until("three paths", IN_SYNC, || equal(&meds()?, &(3, vec![10, 20, 30])));
        gobgp.ask(&format!("global rib del -a ipv4 {PREFIX} identifier 2 med 20")).unwrap();
        until("two paths", NOTICED, || equal(&meds()?, &(2, vec![10, 30])));
    }

    #[test]
    fn without_the_key_there_is_one_path() {
        let two = Two::start("");
        until("a path", IN_SYNC, || equal(&two.meds()?.len(), &1));
        let routes = two.show(&["received", &two.session()]).unwrap();
        assert_eq!(routes[0]["pathId"], 0, "{routes:#}");
        let details = two.show(&["session", &two.session()]).unwrap();
        assert_eq!(details["addPathReceive"], json!([]), "{details:#}");
    }
}
