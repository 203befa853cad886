//! Everything of an UPDATE but its NLRI, written straight for one peer.
//!
//! ```text
//! classic   19 header · 0 0 · attr len · attributes …                                  · NLRI
//! MP        19 header · 0 0 · attr len · 90 0e len · AFI SAFI · nh len, nh · 0 · NLRI  · other attributes …
//! withdraw  19 header · len · NLRI · 0 0          or  19 header · 0 0 · attr len · 90 0f len · AFI SAFI · NLRI
//! ```
//! RFC 4271 §4.3; RFC 4760 §3, §4; RFC 7606 §5.1 wants MP_REACH_NLRI and MP_UNREACH_NLRI first, and never reach and
//! unreach in one UPDATE. One function lists the attributes, into a counter or into bytes, so that the two cannot part.

use super::profile::{NextHop, Profile, Reach};
use crate::wire::codes::{attribute, flag, message, segment};
use crate::wire::{Asn, AttrSet, Community, Family, HEADER_LEN};

/// What graceful shutdown adds.
const GRACEFUL_SHUTDOWN: u32 = Community::GRACEFUL_SHUTDOWN.0;
/// Withdrawn Routes Length and Total Path Attribute Length.
const LENGTH_FIELDS: usize = 4;
/// Flags, type and extended length of an MP attribute, AFI and SAFI.
const MP_UNREACH_LEN: usize = 4 + 3;
/// ASNs in the longest AS_PATH segment.
const SEGMENT_ASNS: usize = 255;

/// Where the octets of an attribute go.
trait Sink {
    fn put(&mut self, octets: &[u8]);
}

impl Sink for Vec<u8> {
    fn put(&mut self, octets: &[u8]) {
        self.extend_from_slice(octets);
    }
}

/// Counts what is put.
struct Counter(usize);

impl Sink for Counter {
    fn put(&mut self, octets: &[u8]) {
        self.0 = self.0.saturating_add(octets.len());
    }
}

/// Octets of NLRI that fit behind an announcement's head, if there is room for at least one prefix of any length.
/// GRACEFUL_SHUTDOWN counts only where it leaves that room.
pub(super) fn announce_room(profile: &Profile, attrs: &AttrSet) -> Option<usize> {
    room(profile, attrs).or_else(|| room(&Profile { gshut: false, ..*profile }, attrs))
}

/// Whether announcements of a profile with GRACEFUL_SHUTDOWN have room for it with these attributes.
pub(super) fn carries_gshut(profile: &Profile, attrs: &AttrSet) -> bool {
    room(&Profile { gshut: true, ..*profile }, attrs).is_some()
}

fn room(profile: &Profile, attrs: &AttrSet) -> Option<usize> {
    let mut count = Counter(HEADER_LEN + LENGTH_FIELDS);
    if let Some(len) = mp_reach_len(profile) {
        count.0 += len;
    }
    put_attributes(profile, attrs, NextHop::V4(std::net::Ipv4Addr::UNSPECIFIED), &mut count);
    let room = profile.max_len.checked_sub(count.0)?;
    let longest = match profile.family {
        Family::Ipv4 => 5,
        Family::Ipv6 => 17,
    };
    (room >= longest).then_some(room)
}

/// Octets of NLRI that fit into a withdrawal.
pub(super) fn withdraw_room(profile: &Profile) -> usize {
    let head = match profile.reach {
        Reach::Classic => HEADER_LEN + LENGTH_FIELDS,
        Reach::Mp16 | Reach::Mp32 => HEADER_LEN + LENGTH_FIELDS + MP_UNREACH_LEN,
    };
    profile.max_len.saturating_sub(head)
}

/// Appends what stands before `nlri_len` octets of NLRI and then what stands behind them; the offset between the two.
pub(super) fn put_announce(
    profile: &Profile,
    attrs: &AttrSet,
    next_hop: NextHop,
    nlri_len: usize,
    out: &mut Vec<u8>,
) -> usize {
    let profile = Profile { gshut: profile.gshut && carries_gshut(profile, attrs), ..*profile };
    let start = out.len();
    put_header(message::UPDATE, out);
    out.extend_from_slice(&[0, 0, 0, 0]);
    let body = out.len();
    let between = match mp_reach_len(&profile) {
        Some(len) => {
            out.extend_from_slice(&[flag::OPTIONAL | flag::EXTENDED_LENGTH, attribute::MP_REACH_NLRI]);
            put_u16(len.saturating_sub(4).saturating_add(nlri_len), out);
            put_afi_safi(profile.family, out);
            match next_hop {
                NextHop::V4(ip) => put_next_hop(&ip.octets(), out),
                NextHop::V6(ip) => put_next_hop(&ip.octets(), out),
                NextHop::V6WithLinkLocal(global, local) => {
                    let (mut both, local) = (global.octets().to_vec(), local.octets());
                    both.extend_from_slice(&local);
                    put_next_hop(&both, out);
                }
            }
            out.push(0);
            let between = out.len();
            put_attributes(&profile, attrs, next_hop, out);
            set_len(out, body - 2, body, nlri_len);
            between
        }
        None => {
            put_attributes(&profile, attrs, next_hop, out);
            set_len(out, body - 2, body, 0);
            out.len()
        }
    };
    set_len(out, start + 16, start, nlri_len);
    between
}

/// The same for a withdrawal.
pub(super) fn put_withdraw(profile: &Profile, nlri_len: usize, out: &mut Vec<u8>) -> usize {
    let start = out.len();
    put_header(message::UPDATE, out);
    let between = match profile.reach {
        Reach::Classic => {
            put_u16(nlri_len, out);
            let between = out.len();
            out.extend_from_slice(&[0, 0]);
            between
        }
        Reach::Mp16 | Reach::Mp32 => {
            out.extend_from_slice(&[0, 0]);
            put_u16(MP_UNREACH_LEN + nlri_len, out);
            out.extend_from_slice(&[flag::OPTIONAL | flag::EXTENDED_LENGTH, attribute::MP_UNREACH_NLRI]);
            put_u16(3 + nlri_len, out);
            put_afi_safi(profile.family, out);
            out.len()
        }
    };
    set_len(out, start + 16, start, nlri_len);
    between
}

/// Appends the End-of-RIB of a family (RFC 4724 §2).
pub(super) fn put_end_of_rib(family: Family, out: &mut Vec<u8>) {
    let start = out.len();
    put_header(message::UPDATE, out);
    match family {
        Family::Ipv4 => out.extend_from_slice(&[0, 0, 0, 0]),
        Family::Ipv6 => {
            out.extend_from_slice(&[0, 0, 0, 6, flag::OPTIONAL, attribute::MP_UNREACH_NLRI, 3]);
            put_afi_safi(family, out);
        }
    }
    set_len(out, start + 16, start, 0);
}

/// Which end of a refresh a ROUTE-REFRESH marks (RFC 7313 §3.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum RefreshMark {
    Begin,
    End,
}

/// Appends the BoRR or EoRR of a family.
pub(super) fn put_refresh_mark(family: Family, mark: RefreshMark, out: &mut Vec<u8>) {
    let start = out.len();
    put_header(message::ROUTE_REFRESH, out);
    out.extend_from_slice(&family.afi().to_be_bytes());
    out.push(match mark {
        RefreshMark::Begin => 1,
        RefreshMark::End => 2,
    });
    out.push(Family::SAFI_UNICAST);
    set_len(out, start + 16, start, 0);
}

/// Octets of MP_REACH_NLRI without its NLRI; of a classic profile, none.
fn mp_reach_len(profile: &Profile) -> Option<usize> {
    match profile.reach {
        Reach::Classic => None,
        Reach::Mp16 => Some(4 + 5 + 16),
        Reach::Mp32 => Some(4 + 5 + 32),
    }
}

/// Every attribute but the MP ones, in ascending order of type.
fn put_attributes(profile: &Profile, attrs: &AttrSet, next_hop: NextHop, out: &mut impl Sink) {
    let Profile { family: _, reach, local_asn, four_octet_as, max_len: _, otc, gshut } = *profile;
    let AttrSet { origin, as_path, med, communities, extended_communities, large_communities } = attrs;
    out.put(&[flag::TRANSITIVE, attribute::ORIGIN, 1, origin.code()]);
    let path = || std::iter::once(local_asn).chain(as_path.iter().copied());
    let asns = as_path.len().saturating_add(1);
    let path_len = |width: usize| asns.div_ceil(SEGMENT_ASNS) * 2 + asns * width;
    put_flags(flag::TRANSITIVE, attribute::AS_PATH, path_len(if four_octet_as { 4 } else { 2 }), out);
    put_segments(path(), asns, out, |asn, out| {
        if four_octet_as { out.put(&asn.0.to_be_bytes()) } else { out.put(&asn.as_u16().to_be_bytes()) }
    });
    if let (Reach::Classic, NextHop::V4(ip)) = (reach, next_hop) {
        out.put(&[flag::TRANSITIVE, attribute::NEXT_HOP, 4]);
        out.put(&ip.octets());
    }
    if let Some(med) = med {
        out.put(&[flag::OPTIONAL, attribute::MULTI_EXIT_DISC, 4]);
        out.put(&med.to_be_bytes());
    }
    put_communities(communities.iter().map(|c| c.0), gshut, out);
    if !extended_communities.is_empty() {
        let len = extended_communities.len() * 8;
        put_flags(flag::OPTIONAL | flag::TRANSITIVE, attribute::EXTENDED_COMMUNITIES, len, out);
        extended_communities.iter().for_each(|c| out.put(&c.0));
    }
    if !four_octet_as && path().any(|asn| u16::try_from(asn.0).is_err()) {
        put_flags(flag::OPTIONAL | flag::TRANSITIVE, attribute::AS4_PATH, path_len(4), out);
        put_segments(path(), asns, out, |asn, out| out.put(&asn.0.to_be_bytes()));
    }
    if !large_communities.is_empty() {
        let len = large_communities.len() * 12;
        put_flags(flag::OPTIONAL | flag::TRANSITIVE, attribute::LARGE_COMMUNITY, len, out);
        large_communities.iter().flat_map(|c| c.0).for_each(|n| out.put(&n.to_be_bytes()));
    }
    if let Some(asn) = otc {
        out.put(&[flag::OPTIONAL | flag::TRANSITIVE, attribute::ONLY_TO_CUSTOMER, 4]);
        out.put(&asn.0.to_be_bytes());
    }
}

/// COMMUNITIES, with GRACEFUL_SHUTDOWN in its place among them if it is asked for.
fn put_communities(of: impl ExactSizeIterator<Item = u32> + Clone, gshut: bool, out: &mut impl Sink) {
    let added = gshut && of.clone().all(|c| c != GRACEFUL_SHUTDOWN);
    let count = of.len() + usize::from(added);
    if count == 0 {
        return;
    }
    put_flags(flag::OPTIONAL | flag::TRANSITIVE, attribute::COMMUNITIES, count * 4, out);
    let smaller = of.clone().take_while(|c| !added || *c < GRACEFUL_SHUTDOWN).count();
    of.clone().take(smaller).for_each(|c| out.put(&c.to_be_bytes()));
    if added {
        out.put(&GRACEFUL_SHUTDOWN.to_be_bytes());
    }
    of.skip(smaller).for_each(|c| out.put(&c.to_be_bytes()));
}

/// Flags, type and length of an attribute, extended where one octet of length will not do.
fn put_flags(flags: u8, kind: u8, len: usize, out: &mut impl Sink) {
    match u8::try_from(len) {
        Ok(len) => out.put(&[flags, kind, len]),
        Err(_) => {
            out.put(&[flags | flag::EXTENDED_LENGTH, kind]);
            out.put(&fit_u16(len).to_be_bytes());
        }
    }
}

/// AS_SEQUENCE segments of at most 255 ASNs.
fn put_segments<S: Sink>(
    path: impl Iterator<Item = Asn>,
    mut asns: usize,
    out: &mut S,
    put: impl Fn(Asn, &mut S),
) {
    for (i, asn) in path.enumerate() {
        if i.is_multiple_of(SEGMENT_ASNS) {
            let count = asns.min(SEGMENT_ASNS);
            asns = asns.saturating_sub(count);
            out.put(&[segment::AS_SEQUENCE, u8::try_from(count).unwrap_or(u8::MAX)]);
        }
        put(asn, out);
    }
}

fn put_header(kind: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xFF; 16]);
    out.extend_from_slice(&[0, 0, kind]);
}

fn put_afi_safi(family: Family, out: &mut Vec<u8>) {
    out.extend_from_slice(&family.afi().to_be_bytes());
    out.push(Family::SAFI_UNICAST);
}

fn put_next_hop(octets: &[u8], out: &mut Vec<u8>) {
    out.push(u8::try_from(octets.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(octets);
}

fn put_u16(n: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&fit_u16(n).to_be_bytes());
}

/// Writes at `at` how long everything from `from` is, with `more` octets that stand elsewhere.
fn set_len(out: &mut [u8], at: usize, from: usize, more: usize) {
    let len = out.len().saturating_sub(from).saturating_add(more);
    if let Some(field) = out.get_mut(at..at + 2) {
        field.copy_from_slice(&fit_u16(len).to_be_bytes());
    }
}

/// Lengths here are bounded by `max_len`, which is at most 65,535: what would not fit was left out by the room.
fn fit_u16(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}
