//! The hash of what a generation would advertise: equal for equal routes, attributes and selectors, whatever the files,
//! lines and ranks.

use sha2::{Digest, Sha256};

use super::prefix::Address;
use super::ranks::Ranked;
use super::table::Table;

/// Names the layout of what is hashed; another layout needs another name.
const LAYOUT: &[u8] = b"peeringd generation 1\n";
/// Octets gathered before they are hashed.
const BLOCK: usize = 8 * 1024;

/// SHA-256 over both families: each prefix in prefix order with the number of its (attributes, class), which are
/// numbered as they first appear, and then their digests in that order. O(n).
pub(super) fn fingerprint(v4: &Table<u32>, v6: &Table<u128>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(LAYOUT);
    add(&mut hash, v4);
    add(&mut hash, v6);
    hash.finalize().into()
}

fn add<A: Address>(hash: &mut Sha256, table: &Table<A>) {
    hash.update(A::FAMILY.afi().to_be_bytes());
    hash.update(size(table.count()));
    let runs = table.strip().runs();
    let mut numbers: Vec<Option<u32>> = vec![None; runs.len()];
    let mut order = Vec::new();
    let mut block = Vec::with_capacity(BLOCK + 32);
    let octets = usize::from(A::BITS / 8);
    for (i, prefix) in table.prefixes(0..table.count()).enumerate() {
        let run = table.run(i);
        let Some(slot) = numbers.get_mut(run) else { continue };
        let number = *slot.get_or_insert_with(|| {
            order.push(run);
            u32::try_from(order.len() - 1).unwrap_or(u32::MAX)
        });
        block.push(prefix.len);
        block.extend_from_slice(prefix.addr.octets().get(..octets).unwrap_or(&[]));
        block.extend_from_slice(&number.to_be_bytes());
        if block.len() >= BLOCK {
            hash.update(&block);
            block.clear();
        }
    }
    hash.update(&block);
    for run in order.iter().filter_map(|run| runs.get(*run)) {
        hash.update(digest(&run.ranked));
    }
}

/// Every list goes in behind its length, so that no two contents run into the same bytes.
fn digest(ranked: &Ranked) -> [u8; 32] {
    let attrs = &ranked.attrs;
    let mut hash = Sha256::new();
    hash.update([attrs.origin.code(), u8::from(attrs.med.is_some())]);
    hash.update(attrs.med.unwrap_or(0).to_be_bytes());
    hash.update(size(attrs.as_path.len()));
    attrs.as_path.iter().for_each(|asn| hash.update(asn.0.to_be_bytes()));
    hash.update(size(attrs.communities.len()));
    attrs.communities.iter().for_each(|c| hash.update(c.0.to_be_bytes()));
    hash.update(size(attrs.extended_communities.len()));
    attrs.extended_communities.iter().for_each(|c| hash.update(c.0));
    hash.update(size(attrs.large_communities.len()));
    attrs.large_communities.iter().flat_map(|c| c.0).for_each(|n| hash.update(n.to_be_bytes()));
    for list in [&ranked.class.peering_locations, &ranked.class.peerings] {
        hash.update(size(list.len()));
        for name in list {
            hash.update(size(name.len()));
            hash.update(name.as_bytes());
        }
    }
    hash.finalize().into()
}

fn size(n: usize) -> [u8; 8] {
    u64::try_from(n).unwrap_or(u64::MAX).to_be_bytes()
}
