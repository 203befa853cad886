//! The Peering Service as a partner with FRR or BIRD knows it: two connections, each to a router of its own that runs what
//! `partner-config` wrote for it; what is registered becomes Verified, every documented error shows while its cause lasts,
//! and nothing flows on a connection that is not Active.

use std::fs;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::bird::Bird;
use crate::frr::Frr;
use crate::partner_config::Configured;
use crate::scenario::{IN_SYNC, NOTICED};
use crate::support::daemon::{Daemon, Dials, Setup, partner_config};
use crate::support::lab::{Lab, Site};
use crate::support::rib::Rib;
use crate::support::wait::{equal, stays, until};

const ASN: u32 = 3356;
const V4: &str = "8.23.254.0/24";
const V6: &str = "2001:1900:1::/48";
/// From what a session hears to the verdict on it, and from Active to the whole set.
const A_SECOND: Duration = Duration::from_secs(1);
/// How many prefixes there are of each family.
const SET: [u64; 2] = [354, 14];

/// How a router announces the registered IPv4 prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Announces {
    AsAsked,
    WithoutCommunity,
    /// By way of so many more ASNs, none of them private or twice.
    PathOfFour,
    PrivateAsn,
    Nothing,
}

impl Announces {
    /// The ASNs that it puts between its own and the prefix.
    fn path(self) -> &'static [u32] {
        match self {
            Self::AsAsked | Self::WithoutCommunity | Self::Nothing => &[],
            Self::PathOfFour => &[174, 3257, 2914],
            Self::PrivateAsn => &[64512],
        }
    }
}

/// A router that can be told to announce otherwise.
trait Partner: Configured {
    /// Announces the registered IPv4 prefix like that from now on; `config` is what it was started with.
    fn announce(&self, session: &str, config: &str, how: Announces);

    /// How many routes it took of Microsoft's, by IP version.
    fn taken(&self, site: &Site) -> Result<[u64; 2], String>;
}

impl Partner for Bird {
    fn announce(&self, _: &str, config: &str, how: Announces) {
        let mark = "bgp_community.add((8075, 8007));";
        // What is put before the path first stands last in it.
        let path: String = how.path().iter().rev().map(|asn| format!("bgp_path.prepend({asn}); ")).collect();
        let changed = match how {
            Announces::AsAsked => config.to_owned(),
            Announces::WithoutCommunity => config.replacen(mark, "", 1),
            Announces::PathOfFour | Announces::PrivateAsn => {
                config.replacen(mark, &format!("{mark} {path}"), 1)
            }
            Announces::Nothing => config.replace(V4, "8.23.252.0/24"),
        };
        assert!(changed != config || how == Announces::AsAsked, "{config}");
        self.reconfigure(&changed);
    }

    fn taken(&self, site: &Site) -> Result<[u64; 2], String> {
        let count = |version: &str| -> Result<u64, String> {
            let text = self.ask(&format!("show protocols all '{}-{version}'", site.connection()))?;
            let line = text.lines().find_map(|line| line.trim().strip_prefix("Routes:"));
            let word = line.and_then(|line| line.split_whitespace().next()).ok_or_else(|| text.clone())?;
            word.parse().map_err(|_| text.clone())
        };
        Ok([count("v4")?, count("v6")?])
    }
}

impl Partner for Frr {
    fn announce(&self, session: &str, _: &str, how: Announces) {
        let path: Vec<_> = how.path().iter().map(ToString::to_string).collect();
        let no = if how == Announces::Nothing { "no " } else { "" };
        let community = if how == Announces::WithoutCommunity {
            "no set community".to_owned()
        } else {
            "set community 8075:8007 additive".to_owned()
        };
        let path = if path.is_empty() {
            "no set as-path prepend".to_owned()
        } else {
            format!("set as-path prepend {}", path.join(" "))
        };
        let commands = [
            "configure terminal".to_owned(),
            "bgp route-map delay-timer 0".to_owned(),
            format!("route-map {session}-out permit 10"),
            community,
            path,
            "exit".to_owned(),
            format!("router bgp {ASN}"),
            "address-family ipv4 unicast".to_owned(),
            format!("{no}network {V4}"),
            "end".to_owned(),
            "clear bgp ipv4 unicast * soft out".to_owned(),
        ];
        self.ask(&commands).unwrap();
    }

    fn taken(&self, site: &Site) -> Result<[u64; 2], String> {
        let count = |ours: IpAddr, family: &str| -> Result<u64, String> {
            let neighbor = self.neighbor(ours)?;
            let count = neighbor["addressFamilyInfo"][family]["acceptedPrefixCounter"].as_u64();
            count.ok_or_else(|| format!("{neighbor:#}"))
        };
        Ok([count(site.our_v4(), "ipv4Unicast")?, count(site.our_v6(), "ipv6Unicast")?])
    }
}

/// A registered prefix: state, error message and key.
pub(crate) fn registered_prefix(
    daemon: &Daemon,
    prefix: &str,
) -> Result<(String, Option<String>, Option<String>), String> {
    let all = daemon.show(&["registered"])?;
    let found = all.as_array().and_then(|all| all.iter().find(|one| one["properties"]["prefix"] == prefix));
    let properties = &found.ok_or_else(|| format!("{all:#}"))?["properties"];
    let text = |key: &str| properties[key].as_str().map(str::to_owned);
    let state = text("prefixValidationState").ok_or_else(|| format!("{properties:#}"))?;
    Ok((state, text("errorMessage").filter(|message| !message.is_empty()), text("peeringServicePrefixKey")))
}

/// One peering with a connection to each of two routers.
struct Service<R> {
    routers: Vec<R>,
    /// What each was started with.
    configs: Vec<String>,
    daemon: Daemon,
    lab: Lab,
}

impl<R: Partner> Service<R> {
    /// Starts all of it with its connections in this state.
    fn start(state: &str) -> Self {
        let lab = Lab::new(2);
        let setup = Setup::dialled_by(Dials::Both);
        let daemon = Daemon::start_changed(&lab, setup, &Rib::shipped(), |config, _| {
            let (head, _) = config.split_once("peerings:\n").unwrap();
            format!("{head}{}", peering(&lab, setup, state))
        });
        // The partner's routers announce what is to be registered, before it can be.
        let active = daemon.folder().join("active.yaml");
        let config = fs::read_to_string(daemon.folder().join("peeringd.yaml")).unwrap();
        fs::write(&active, activated(&config)).unwrap();
        let mut service = Self { routers: Vec::new(), configs: Vec::new(), daemon, lab };
        for site in &service.lab.sites {
            let config = partner_config(&active, &site.connection(), R::NAME, &[]);
            service.routers.push(R::configured(&service.lab, site, &config));
            service.configs.push(config);
        }
        service.daemon.wait_established(IN_SYNC);
        service
    }

    /// Has one of the routers announce otherwise, and waits until its session hears it.
    fn announce(&self, nth: usize, how: Announces) {
        let session = format!("{}-v4", self.lab.sites[nth].connection());
        self.routers[nth].announce(&session, &self.configs[nth], how);
        let path: Vec<_> = [ASN].iter().chain(how.path()).map(ToString::to_string).collect();
        let communities = if how == Announces::WithoutCommunity { json!([]) } else { json!(["8075:8007"]) };
        until("the session to hear it", IN_SYNC, || {
            let routes = self.daemon.show(&["received", &session])?;
            let route = routes.as_array().and_then(|all| all.iter().find(|route| route["prefix"] == V4));
            match (how, route) {
                (Announces::Nothing, None) => Ok(()),
                (Announces::Nothing, Some(_)) | (_, None) => Err(format!("{routes:#}")),
                (_, Some(route)) => {
                    equal(&(&route["asPath"], &route["communities"]), &(&json!(path.join(" ")), &communities))
                }
            }
        });
    }

    /// Waits for Verified, and gives the key.
    #[track_caller]
    fn wait_verified(&self, prefix: &str, limit: Duration) -> String {
        until("the prefix to be Verified", limit, || match registered_prefix(&self.daemon, prefix)? {
            (state, None, Some(key)) if state == "Verified" => Ok(key),
            other => Err(format!("{other:?}")),
        })
    }

    /// Waits for this error, the key being what it was.
    #[track_caller]
    fn wait_failed(&self, message: &str, key: &str, limit: Duration) {
        let wanted = ("Failed".to_owned(), Some(message.to_owned()), Some(key.to_owned()));
        until(message, limit, || equal(&registered_prefix(&self.daemon, V4)?, &wanted));
    }
}

/// The `peerings` of the config. Nothing is registered before a connection is Active.
fn peering(lab: &Lab, setup: Setup, state: &str) -> String {
    let registered = if state == "active" { registered() } else { String::new() };
    let connections: String = lab.sites.iter().map(|site| connection(site, setup, state)).collect();
    format!(
        "peerings:
  - name: contoso
    peering_service: true
    peer_asn: {ASN}
    peering_location: Ashburn
{registered}    connections:
{connections}"
    )
}

fn registered() -> String {
    format!("    registered_prefixes: [\"{V4}\", \"{V6}\"]\n")
}

/// The same config with its connections Active, and with what can be registered then.
fn activated(config: &str) -> String {
    let active = config.replace("connection_state: validating", "connection_state: active");
    if active.contains(&registered()) {
        return active;
    }
    let connections = "    connections:\n";
    active.replacen(connections, &(registered() + connections), 1)
}

fn connection(site: &Site, setup: Setup, state: &str) -> String {
    format!(
        "      - name: {}
        connection_state: {state}
        bandwidth_in_mbps: 10000
        bgp_session:
          session_prefix_v4: {}
          session_prefix_v6: \"{}\"
          hold_time: {}
",
        site.connection(),
        site.subnet_v4(),
        site.subnet_v6(),
        setup.hold_time
    )
}

/// Verified while both announce it as asked; each documented error within a second of its cause, and no longer than that
/// after it. The key stays.
fn shows_each_error<R: Partner>() {
    let mut service = Service::<R>::start("active");
    let key = service.wait_verified(V4, IN_SYNC);
    let other = service.wait_verified(V6, IN_SYNC);
    assert_ne!(key, other);
    let missing = format!("Prefix not received from IP: {}", service.lab.sites[1].peer_v4());
    for (how, message) in [
        (Announces::WithoutCommunity, "Advertisement missing MAPS community"),
        (Announces::PathOfFour, "AS path isn't correct"),
        (Announces::PrivateAsn, "AS path isn't correct"),
        (Announces::Nothing, missing.as_str()),
    ] {
        service.announce(1, how);
        service.wait_failed(message, &key, A_SECOND);
        service.announce(1, Announces::AsAsked);
        assert_eq!(service.wait_verified(V4, A_SECOND), key, "{how:?}");
    }
    a_router_that_is_down_is_named(&mut service, &key);
    assert_eq!(service.wait_verified(V6, NOTICED), other);
}

fn a_router_that_is_down_is_named<R: Partner>(service: &mut Service<R>, key: &str) {
    let missing = format!("Prefix not received from IP: {}", service.lab.sites[1].peer_v4());
    service.lab.sites[1].netns.kill_all();
    service.wait_failed(&missing, key, NOTICED);
    service.routers[1] = R::configured(&service.lab, &service.lab.sites[1], &service.configs[1]);
    assert_eq!(service.wait_verified(V4, IN_SYNC), key);
}

/// Validating: Established, and no route in or out; Active: the whole set in a second.
fn nothing_flows_before_active<R: Partner>() {
    let service = Service::<R>::start("validating");
    let sessions = || -> Result<Vec<Value>, String> {
        Ok(service.daemon.show(&["sessions"])?.as_array().cloned().unwrap_or_default())
    };
    let none = json!({ "ipv4": 0, "ipv6": 0 });
    until("the partner's routes", IN_SYNC, || {
        let heard: Vec<_> = sessions()?.iter().map(|s| s["received"].clone()).collect();
        let (v4, v6) = (json!({ "ipv4": 1, "ipv6": 0 }), json!({ "ipv4": 0, "ipv6": 1 }));
        equal(&heard, &vec![v4.clone(), v6.clone(), v4, v6])
    });
    stays("Established without routes", A_SECOND, || {
        for session in sessions()? {
            equal(&session["state"], &json!("Established"))?;
            equal(&session["connectionState"], &json!("Validating"))?;
            equal(&session["advertised"], &none)?;
            equal(&session["accepted"], &none)?;
        }
        let taken: Result<Vec<_>, _> =
            service.routers.iter().zip(&service.lab.sites).map(|(router, site)| router.taken(site)).collect();
        equal(&taken?, &vec![[0, 0], [0, 0]])
    });
    let flaps = sessions().unwrap().iter().map(|s| s["flaps"].clone()).collect::<Vec<_>>();
    service.daemon.reload_changed(|config| activated(&config));
    until("the whole set", A_SECOND, || {
        let taken: Result<Vec<_>, _> =
            service.routers.iter().zip(&service.lab.sites).map(|(router, site)| router.taken(site)).collect();
        equal(&taken?, &vec![SET, SET])
    });
    service.wait_verified(V4, A_SECOND);
    service.wait_verified(V6, A_SECOND);
    let after = sessions().unwrap();
    assert_eq!(after.iter().map(|s| s["flaps"].clone()).collect::<Vec<_>>(), flaps, "no session was reset");
    for session in after {
        assert_ne!(session["accepted"], none, "{session:#}");
    }
}

mod tests {
    use super::*;

    #[test]
    fn bird_is_shown_each_documented_error() {
        shows_each_error::<Bird>();
    }

    #[test]
    fn frr_is_shown_each_documented_error() {
        shows_each_error::<Frr>();
    }

    #[test]
    fn bird_has_no_routes_before_the_connection_is_active() {
        nothing_flows_before_active::<Bird>();
    }

    #[test]
    fn frr_has_no_routes_before_the_connection_is_active() {
        nothing_flows_before_active::<Frr>();
    }
}
