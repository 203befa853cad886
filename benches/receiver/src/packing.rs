//! The densest form of a table on the wire: as few messages as its attribute sets allow, each as full as it can be.

use std::net::Ipv4Addr;

use crate::table::{Row, SPEAKER_AS};
use crate::wire::{HEADER_LEN, MAX_MESSAGE_LEN, UPDATE, message};

/// UPDATEs that tell the whole table, and End-of-RIB.
pub struct Packed {
    pub bytes: Vec<u8>,
    /// End-of-RIB included.
    pub messages: usize,
}

/// Packs `rows` for a peer of another AS with four-octet AS numbers, 4,096-octet messages, and this next hop.
pub fn pack(rows: &[Row], next_hop: Ipv4Addr) -> Packed {
    let mut by_set = rows.to_vec();
    by_set.sort_by_key(|row| row.set);
    let mut packed = Packed { bytes: Vec::with_capacity(rows.len() * 4 + (1 << 20)), messages: 0 };
    for rows in by_set.chunk_by(|a, b| a.set == b.set) {
        let attributes = attributes(rows[0].set, next_hop);
        let room = MAX_MESSAGE_LEN - HEADER_LEN - 4 - attributes.len();
        let mut nlri = Vec::with_capacity(room);
        for row in rows {
            let octets = usize::from(row.length.div_ceil(8));
            if nlri.len() + 1 + octets > room {
                packed.push(&attributes, &nlri);
                nlri.clear();
            }
            nlri.push(row.length);
            nlri.extend(&row.address.to_be_bytes()[..octets]);
        }
        packed.push(&attributes, &nlri);
    }
    packed.push(&[], &[]);
    packed
}

impl Packed {
    fn push(&mut self, attributes: &[u8], nlri: &[u8]) {
        let mut body = vec![0, 0];
        body.extend((attributes.len() as u16).to_be_bytes());
        body.extend(attributes);
        body.extend(nlri);
        self.bytes.extend(message(UPDATE, &body));
        self.messages += 1;
    }
}

/// ORIGIN IGP, AS_PATH of the speaker alone, NEXT_HOP and the set's one community.
fn attributes(set: u16, next_hop: Ipv4Addr) -> Vec<u8> {
    let mut out = vec![0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0];
    out.extend(SPEAKER_AS.to_be_bytes());
    out.extend([0x40, 3, 4]);
    out.extend(next_hop.octets());
    out.extend([0xc0, 8, 4]);
    out.extend(SPEAKER_AS.to_be_bytes());
    out.extend(set.to_be_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{digest, generate};
    use crate::wire::{Counts, Digest, Frame, frame};

    #[test]
    fn every_row_is_told_once_and_no_message_has_room_for_the_next() {
        let rows = generate(20_000, 3);
        let packed = pack(&rows, Ipv4Addr::new(10, 75, 0, 1));
        let mut counts = Counts::default();
        let (mut rest, mut short) = (&packed.bytes[..], 0);
        while let Frame::Whole(UPDATE, body, length) = frame(rest) {
            assert!(length <= MAX_MESSAGE_LEN);
            short += usize::from(length + 4 < MAX_MESSAGE_LEN);
            counts.update(body, Digest::Sum).unwrap();
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
        assert_eq!(counts.announced, [20_000, 0]);
        assert_eq!(counts.digest, digest(&rows));
        assert_eq!(counts.updates, packed.messages as u64);
        assert_eq!(short, 4, "the last of each set, and End-of-RIB");
        assert!(counts.end_of_rib[0]);
    }
}
