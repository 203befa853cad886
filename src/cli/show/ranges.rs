//! Ranges that peers may dial from, below the sessions.

use serde::Deserialize;

use super::view::laid_out;
use crate::cli::table::printable;

/// A range as the daemon has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Range {
    range: String,
    connection: String,
    local_address: String,
    peer_asn: u32,
    peers: u64,
    peer_limit: u64,
}

/// The table of ranges behind an empty line; nothing where there are none.
pub(super) fn table(ranges: &[Range], terminal: Option<usize>) -> String {
    if ranges.is_empty() {
        return String::new();
    }
    let rows = ranges.iter().map(|range| {
        let Range { range, connection, local_address, peer_asn, peers, peer_limit } = range;
        [
            range.clone(),
            connection.clone(),
            local_address.clone(),
            peer_asn.to_string(),
            format!("{peers} of {peer_limit}"),
        ]
        .map(|cell| printable(&cell))
    });
    let head = ["PEERS FROM", "CONNECTION", "TO", "ASN", "PEERS"];
    format!("\n{}", laid_out(&head, rows, terminal))
}
