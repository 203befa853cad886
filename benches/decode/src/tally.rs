//! What decoding must find.

use std::net::Ipv4Addr;

use bench_receiver::table::{Row, SPEAKER_AS};
use bench_receiver::wire::{Frame, UPDATE, frame};

/// The next hop of every message.
pub const NEXT_HOP: Ipv4Addr = Ipv4Addr::new(10, 75, 0, 1);

/// Sums over all that was visited, so that nothing can be left out or optimised away.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Tally {
    pub prefixes: u64,
    pub prefix_sum: u64,
    pub attributes: u64,
    pub attribute_sum: u64,
}

impl Tally {
    #[inline]
    pub fn prefix(&mut self, address: Ipv4Addr, length: u8) {
        self.prefixes += 1;
        let prefix = u64::from(address.to_bits()) << 8 | u64::from(length);
        self.prefix_sum = self.prefix_sum.wrapping_add(prefix);
    }

    /// A value of an attribute: the code of ORIGIN, an AS number, a next hop, a community.
    #[inline]
    pub fn attribute(&mut self, value: u32) {
        self.attributes += 1;
        self.attribute_sum = self.attribute_sum.wrapping_add(u64::from(value));
    }

    /// What is to be found in the packed messages of these rows.
    pub fn of(rows: &[Row], mut stream: &[u8]) -> Self {
        let mut tally = Self::default();
        for row in rows {
            tally.prefix(row.address.into(), row.length);
        }
        while let Frame::Whole(UPDATE, body, length) = frame(stream) {
            // ORIGIN, one AS, the next hop, and at the end of 27 octets of attributes the set's community.
            tally.attribute(0);
            tally.attribute(u32::from(SPEAKER_AS));
            tally.attribute(NEXT_HOP.to_bits());
            tally.attribute(u32::from_be_bytes([body[27], body[28], body[29], body[30]]));
            stream = &stream[length..];
        }
        tally
    }
}
