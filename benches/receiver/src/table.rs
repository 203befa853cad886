//! A table of IPv4 prefixes with the Internet's mix of lengths, each in one of a number of attribute sets. The same
//! arguments give the same table on every machine.

use std::collections::HashSet;
use std::io::{self, BufRead, Write};
use std::net::Ipv4Addr;

/// The speaker's AS, and the upper half of every set's community.
pub const SPEAKER_AS: u16 = 8075;

/// One prefix and the number of its attribute set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Row {
    /// The network address; host bits are zero.
    pub address: u32,
    /// 10 to 24.
    pub length: u8,
    /// The attribute set: the lower half of the community `8075:SET`.
    pub set: u16,
}

/// Lengths with their shares of the IPv4 default-free zone, in tenths of a per cent, about.
const LENGTHS: [(u8, u32); 15] = [
    (24, 598),
    (23, 100),
    (22, 111),
    (21, 52),
    (20, 46),
    (19, 29),
    (18, 15),
    (17, 10),
    (16, 14),
    (15, 9),
    (14, 6),
    (13, 4),
    (12, 3),
    (11, 2),
    (10, 1),
];

/// Space that no one may announce (IANA's special-purpose registry): first address and length.
const SPECIAL: [([u8; 4], u8); 18] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 31, 196, 0], 24),
    ([192, 52, 193, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([192, 175, 48, 0], 24),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// SplitMix64: enough for a table, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, bound: u32) -> u32 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u32
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn is_special(address: u32, length: u8) -> bool {
    SPECIAL.iter().any(|(first, special)| {
        let bits = u32::from(length.min(*special));
        (address ^ u32::from_be_bytes(*first)).leading_zeros() >= bits
    })
}

/// `count` distinct prefixes in `sets` attribute sets, in prefix order.
///
/// # Panics
///
/// When `count` is more than 4,000,000 (there would be too few prefixes of each length) or `sets` is 0.
pub fn generate(count: usize, sets: u16) -> Vec<Row> {
    assert!(count <= 4_000_000 && sets > 0, "at most 4,000,000 prefixes in at least one set");
    let total: u32 = LENGTHS.iter().map(|(_, share)| share).sum();
    let mut random = Random(u64::from(SPEAKER_AS));
    let mut seen = HashSet::with_capacity(count);
    let mut rows = Vec::with_capacity(count);
    while rows.len() < count {
        let mut ticket = random.below(total);
        let length = LENGTHS.iter().find_map(|(length, share)| match ticket.checked_sub(*share) {
            Some(rest) => {
                ticket = rest;
                None
            }
            None => Some(*length),
        });
        let length = length.expect("a ticket is below the sum of the shares");
        let address = (random.next() >> 32) as u32 & (u32::MAX << (32 - length));
        if !is_special(address, length) && seen.insert((address, length)) {
            rows.push(Row { address, length, set: random.below(u32::from(sets)) as u16 });
        }
    }
    rows.sort_unstable();
    rows
}

/// The same prefixes with one in a hundred moved to the next set, and those rows alone as they are after that.
pub fn change_one_percent(rows: &[Row], sets: u16) -> (Vec<Row>, Vec<Row>) {
    let mut random = Random(u64::from(SPEAKER_AS) << 16);
    let mut after = rows.to_vec();
    // One of each hundred neighbours: spread over all the space, and exactly 1 %.
    let changed = after
        .chunks_exact_mut(100)
        .map(|hundred| {
            let row = &mut hundred[random.below(100) as usize];
            row.set = (row.set + 1) % sets;
            *row
        })
        .collect();
    (after, changed)
}

/// A sum over what a peer should hear, whatever the order: prefix and community of every row.
pub fn digest(rows: &[Row]) -> u64 {
    let community = |row: &Row| u32::from(SPEAKER_AS) << 16 | u32::from(row.set);
    rows.iter().fold(0, |sum: u64, row| sum.wrapping_add(digest_of(row.address, row.length, community(row))))
}

/// What one prefix with its community adds to [`digest`].
#[inline]
pub fn digest_of(address: u32, length: u8, community: u32) -> u64 {
    mix((u64::from(address) << 8 | u64::from(length))
        ^ (u64::from(community) << 32).wrapping_mul(0x9e37_79b9))
}

/// A line a prefix, `1.0.34.0/24 283`.
///
/// # Errors
///
/// Those of `out`.
pub fn write(rows: &[Row], out: &mut impl Write) -> io::Result<()> {
    for row in rows {
        writeln!(out, "{}/{} {}", Ipv4Addr::from(row.address), row.length, row.set)?;
    }
    out.flush()
}

/// Reads what [`write`] wrote.
///
/// # Errors
///
/// Those of `input`, and `InvalidData` for a line of another form.
pub fn read(input: impl BufRead) -> io::Result<Vec<Row>> {
    input
        .lines()
        .map(|line| {
            let line = line?;
            let row = || {
                let (prefix, set) = line.split_once(' ')?;
                let (address, length) = prefix.split_once('/')?;
                let address: Ipv4Addr = address.parse().ok()?;
                Some(Row { address: address.into(), length: length.parse().ok()?, set: set.parse().ok()? })
            };
            row().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("not a row: {line}")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_the_same_every_time_distinct_and_in_order() {
        let rows = generate(20_000, 500);
        assert_eq!(rows, generate(20_000, 500));
        assert!(rows.is_sorted_by(|a, b| (a.address, a.length) < (b.address, b.length)));
        assert!(rows.iter().all(|row| row.set < 500 && !is_special(row.address, row.length)));
        assert!(rows.iter().all(|row| row.address & !(u32::MAX << (32 - row.length)) == 0));
        let long = rows.iter().filter(|row| row.length == 24).count();
        assert!((11_000..13_000).contains(&long), "{long} of 20,000 are /24");
    }

    #[test]
    fn one_in_a_hundred_changes_and_shows_in_the_digest() {
        let rows = generate(5_000, 7);
        let (after, changed) = change_one_percent(&rows, 7);
        assert_eq!(changed.len(), 50);
        assert_eq!(rows.iter().zip(&after).filter(|(a, b)| a != b).count(), 50);
        assert_ne!(digest(&rows), digest(&after));
    }

    #[test]
    fn text_comes_back_as_it_was() {
        let rows = generate(1_000, 50);
        let mut text = vec![];
        write(&rows, &mut text).unwrap();
        assert_eq!(read(&text[..]).unwrap(), rows);
        assert!(read(&b"1.2.3.0 7\n"[..]).is_err());
    }
}
