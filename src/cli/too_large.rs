//! Routes whose attributes fill a message by themselves: no peer can be told them, and `check` says so before `run` does.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::advertise::{Board, LeftOut, Selector, SessionProfile};
use crate::config::Plan;
use crate::rib::{BuildError, Finding, Findings, Generation, Place, Ranks, Rows};
use crate::wire::{MAX_MESSAGE_LEN, PerFamily};

/// A warning for each attribute set that leaves no room for a prefix in a message of 4,096 octets, which is what every
/// peer takes. O(n log n) in prefixes.
///
/// # Errors
/// The rows make no generation.
pub(super) fn warnings(plan: &Plan, rows: Rows) -> Result<Findings, BuildError> {
    let generation = Generation::build(rows, None, &mut Ranks::default(), 1, 0)?;
    let board = Board::new(Arc::new(generation));
    let mut selectors: Vec<Selector> = Vec::new();
    for session in plan.sessions.iter().chain(plan.ranges.iter().map(|range| &range.template)) {
        let selector =
            Selector { peering: session.peering.clone(), location: session.peering_location.clone() };
        if !selectors.contains(&selector) {
            selectors.push(selector);
        }
    }
    let profile = SessionProfile {
        local_asn: plan.router.asn,
        four_octet_as: true,
        max_message_len: MAX_MESSAGE_LEN,
        families: PerFamily { ipv4: true, ipv6: true },
        // Any will do: only its length counts.
        next_hop: PerFamily {
            ipv4: Some(Ipv4Addr::UNSPECIFIED.into()),
            ipv6: Some(Ipv6Addr::UNSPECIFIED.into()),
        },
        extended_next_hop: false,
        enhanced_route_refresh: false,
        link_local: None,
        otc: None,
    };
    let mut found: Vec<LeftOut> = Vec::new();
    for left_out in selectors.iter().flat_map(|selector| board.view(selector).left_out(&profile)) {
        if !found.contains(&left_out) {
            found.push(left_out);
        }
    }
    Ok(Findings(found.iter().map(warning).collect()))
}

fn warning(left: &LeftOut) -> Finding {
    let (file, line) = &left.place;
    let place = Place { file: file.clone(), line: *line, column: 1 };
    let (what, of) = match left.prefixes {
        1 => (format!("{} is", left.first), "its"),
        n => (format!("{n} prefixes from {} on are", left.first), "their"),
    };
    Finding::warning(
        place,
        format!(
            "{what} not advertised: {of} attributes leave no room for a prefix in a message of {MAX_MESSAGE_LEN} octets"
        ),
        "give them fewer communities or a shorter as_path",
    )
}
