//! What the scenarios ask of a router, whatever its kind.

use std::net::IpAddr;

use crate::support::daemon::Setup;
use crate::support::lab::{Lab, Site};
use crate::support::rib::{Route, Table};

/// One session as the router tells of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SessionView {
    pub(crate) is_established: bool,
    /// Whatever of the router's words changes when the session ends and comes again.
    pub(crate) incarnation: String,
    /// Counts up with each announcement and each withdrawal, by prefix or by message.
    pub(crate) updates: u64,
}

/// A router of one kind, in the place of a peer.
pub(crate) trait Router: Sized {
    /// Starts it. Its files are of this start alone.
    fn start(lab: &Lab, site: &Site, setup: Setup) -> Self;

    /// All routes from peeringd that it uses, of both families.
    ///
    /// # Errors
    /// Whatever keeps it from answering, for instance that it has just started.
    fn table(&self) -> Result<Table, String>;

    /// Its session with this address of peeringd's.
    ///
    /// # Errors
    /// As for [`Self::table`].
    fn session(&self, ours: IpAddr) -> Result<SessionView, String>;

    /// Whether it says that peeringd ended the session at this address by a Cease.
    ///
    /// # Errors
    /// What it says instead.
    fn saw_cease(&self, ours: IpAddr) -> Result<(), String>;

    /// How long it keeps away, by its own rules, from a peer whose session has ended.
    fn patience_secs() -> u64;
}

/// A router that can ask for the whole table again by ROUTE-REFRESH (RFC 2918).
pub(crate) trait Refresh: Router {
    /// Asks.
    fn refresh(&self, ours: IpAddr);
}

/// A config template with what stands between `@` replaced, first by the router's own values.
pub(crate) fn fill(template: &str, site: &Site, setup: Setup, own: &[(&str, &str)]) -> String {
    let mut text = template.to_owned();
    let common = [
        ("ASN", site.asn().to_string()),
        ("HOLD", setup.hold_time.to_string()),
        ("OUR_V4", site.our_v4().to_string()),
        ("OUR_V6", site.our_v6().to_string()),
        ("PEER_V4", site.peer_v4().to_string()),
        ("PEER_V6", site.peer_v6().to_string()),
    ];
    for (key, value) in own {
        text = text.replace(&format!("@{key}@"), value);
    }
    for (key, value) in common {
        text = text.replace(&format!("@{key}@"), &value);
    }
    assert!(!text.contains('@'), "every place of the template is filled: {text}");
    text
}

/// Puts a route in a table; a prefix held twice is an error.
pub(crate) fn hold(table: &mut Table, prefix: &str, route: Route) -> Result<(), String> {
    let key = prefix.parse().map_err(|e| format!("{prefix}: {e}"))?;
    match table.insert(key, route) {
        None => Ok(()),
        Some(other) => Err(format!("{prefix} is held twice, once as {other:?}")),
    }
}

/// Reads what a router printed as a number, an address and the like.
pub(crate) fn read<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.trim().parse().map_err(|_| format!("{text:?} cannot be read"))
}
