//! What every router's config says of itself first.

use super::model::{FarEnd, FarSession};
use super::page::{Page, shown};
use crate::peering::ConnectionState;
use crate::wire::Family;

/// Said where a router gets the registered prefixes by this config.
pub(super) const ORIGINATED: &str =
    "What is registered is announced in any case; a route from elsewhere, of a customer, goes before.";

/// How the configs of several connections become one router's.
#[derive(Clone, Copy)]
pub(super) enum Joining {
    /// One behind the other.
    Whole,
    /// The same, but for what is once a router.
    ButForFirst,
    /// The same, and with the lists in what is once a router made one.
    WithLists,
}

/// The comments at the head of a config.
pub(super) fn header(page: &mut Page, far: &FarEnd<'_>, router: &str, joining: Joining) {
    let (peering, connection) = (far.peering, far.connection);
    page.comment(format!(
        "The partner's end of {}, for {router}; written by peeringd partner-config.",
        connection.name
    ));
    page.comment("");
    let place = peering.peering_location.as_deref().map_or_else(String::new, |place| format!(" at {place}"));
    page.comment(format!(
        "The peering {}{place}: AS{} here, AS{} there.",
        peering.name, peering.peer_asn, far.microsoft
    ));
    for session in &far.sessions {
        let families: Vec<_> = session.carried().map(Family::name).collect();
        let (own, microsoft) = (session.own.ip(), session.microsoft.ip());
        page.comment(format!(
            "  {}: {own} here, {microsoft} there, {}",
            session.name,
            families.join(" and ")
        ));
    }
    for session in &far.sessions {
        for family in session.carried().filter(|family| session.lacks_next_hop(*family)) {
            let name = &session.name;
            page.comment(format!(
                "  {name}: its {family} routes need an {family} address of this router as their next hop,"
            ));
            page.comment("  and none is known; --next-hop gives one.");
        }
    }
    others(page, far, joining);
    rules(page, far);
}

fn others(page: &mut Page, far: &FarEnd<'_>, joining: Joining) {
    if far.others.is_empty() {
        return;
    }
    page.comment("");
    page.comment("The peering's other connections, on which every registered prefix is to be announced too:");
    for other in &far.others {
        page.comment(format!("  {}, {}", other.name, other.state.name()));
    }
    match joining {
        Joining::Whole => {
            page.comment(
                "The same command writes their configs; one behind the other they are that of one router.",
            );
        }
        Joining::ButForFirst => {
            page.comment("The same command writes their configs. In one router put them one behind the other, all but the");
            page.comment("first without the part that is headed: Once a router.");
        }
        Joining::WithLists => {
            page.comment("The same command writes their configs. In one router put them one behind the other, all but the");
            page.comment("first without the part that is headed: Once a router; the first's lists of policies then name all.");
        }
    }
}

fn rules(page: &mut Page, far: &FarEnd<'_>) {
    page.comment("");
    page.comment(
        "Microsoft takes a registered prefix just as it is registered, neither longer nor shorter, with the",
    );
    page.comment("community 8075:8007 and an AS path of three ASNs at most, without private ASNs and without prepending.");
    let state = far.connection.state;
    if state != ConnectionState::Active {
        page.comment(format!(
            "The connection is {}: sessions come up and carry no routes until it is Active.",
            state.name()
        ));
    }
    if !far.peering.peering_service {
        page.comment("The peering is not used for Peering Service: Microsoft takes no routes from it.");
    } else if Family::ALL.into_iter().all(|family| !far.announces(family)) {
        page.comment("Nothing is registered under the peering yet, so nothing is announced.");
    }
}

/// What a session needs that must be done by hand.
pub(super) fn by_hand(page: &mut Page, session: &FarSession, statement: &str) {
    if let Some(file) = &session.md5_key_file {
        page.comment(format!(
            "{statement}  <- the TCP-MD5 key, which Microsoft's side reads from {}",
            shown(file)
        ));
    }
}

/// What the router cannot be told of its role, where Microsoft says one.
pub(super) fn no_roles(page: &mut Page, session: &FarSession) {
    let Some(role) = &session.role else { return };
    page.comment(format!("This router is {} to Microsoft (RFC 9234), and has no way to say so.", role.role));
    if role.is_required {
        page.comment("Microsoft's strict_role refuses the session for it.");
    }
}
