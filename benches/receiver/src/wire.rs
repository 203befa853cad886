//! As much of BGP-4 as counting needs.

use crate::table::digest_of;

/// Marker, length and type.
pub const HEADER_LEN: usize = 19;
/// The longest message without RFC 8654.
pub const MAX_MESSAGE_LEN: usize = 4096;

pub const OPEN: u8 = 1;
pub const UPDATE: u8 = 2;
pub const NOTIFICATION: u8 = 3;
pub const KEEPALIVE: u8 = 4;

/// A whole message of this type.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![0xff; 16];
    message.extend(((HEADER_LEN + body.len()) as u16).to_be_bytes());
    message.push(kind);
    message.extend(body);
    message
}

/// What an OPEN of ours says.
#[derive(Clone, Debug)]
pub struct Open {
    pub asn: u32,
    pub hold_time: u16,
    pub identifier: [u8; 4],
    /// Address families by AFI: 1 is IPv4, 2 is IPv6; unicast.
    pub families: Vec<u16>,
    /// RFC 8654.
    pub extended_messages: bool,
}

impl Open {
    /// The message. Graceful restart is listed as by a helper that restarts nothing: many speakers send End-of-RIB to
    /// those who list it and to no one else.
    pub fn encode(&self) -> Vec<u8> {
        let mut capabilities = vec![];
        for afi in &self.families {
            capabilities.extend([1, 4, 0, *afi as u8, 0, 1]);
        }
        capabilities.extend([2, 0, 64, 2, 0, 120, 65, 4]);
        capabilities.extend(self.asn.to_be_bytes());
        if self.extended_messages {
            capabilities.extend([6, 0]);
        }
        let mut body = vec![4];
        body.extend(u16::try_from(self.asn).unwrap_or(23456).to_be_bytes());
        body.extend(self.hold_time.to_be_bytes());
        body.extend(self.identifier);
        body.extend([capabilities.len() as u8 + 2, 2, capabilities.len() as u8]);
        body.extend(capabilities);
        message(OPEN, &body)
    }
}

/// What was counted of a session's UPDATEs. Index 0 is IPv4, 1 is IPv6.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Counts {
    pub updates: u64,
    /// Octets of UPDATEs, headers included.
    pub bytes: u64,
    pub announced: [u64; 2],
    pub withdrawn: [u64; 2],
    /// End-of-RIB seen.
    pub end_of_rib: [bool; 2],
    /// The sum of [`digest_of`] over announced IPv4 prefixes, when asked for.
    pub digest: u64,
}

impl Counts {
    pub fn changes(&self) -> u64 {
        self.announced.iter().chain(&self.withdrawn).sum()
    }

    /// Counts one UPDATE, given without its header.
    ///
    /// # Errors
    ///
    /// What is wrong with it, so that a broken speaker is noticed and not timed.
    pub fn update(&mut self, body: &[u8], digest: Digest) -> Result<(), &'static str> {
        self.updates += 1;
        self.bytes += (HEADER_LEN + body.len()) as u64;
        let (withdrawn, rest) = counted(body).ok_or("withdrawn routes overrun the message")?;
        let (attributes, nlri) = counted(rest).ok_or("attributes overrun the message")?;
        if withdrawn.is_empty() && attributes.is_empty() && nlri.is_empty() {
            self.end_of_rib[0] = true;
            return Ok(());
        }
        self.withdrawn[0] += count(withdrawn, 0)?;
        self.announced[0] += count(nlri, 0)?;
        let mut community = 0;
        let mut rest = attributes;
        while let [flags, kind, tail @ ..] = rest {
            let (length, value) = match (flags & 0x10 != 0, tail) {
                (true, [high, low, value @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), value),
                (false, [length, value @ ..]) => (usize::from(*length), value),
                _ => return Err("an attribute without a length"),
            };
            let (value, tail) = value.split_at_checked(length).ok_or("an attribute overruns")?;
            match (kind, value) {
                (8, [a, b, c, d, ..]) => community = u32::from_be_bytes([*a, *b, *c, *d]),
                (14, [_, afi, _, hop, tail @ ..]) => {
                    let nlri = tail.get(usize::from(*hop) + 1..).ok_or("a next hop overruns")?;
                    self.announced[family(*afi)] += count(nlri, family(*afi))?;
                }
                (15, [_, afi, _]) => self.end_of_rib[family(*afi)] = true,
                (15, [_, afi, _, nlri @ ..]) => self.withdrawn[family(*afi)] += count(nlri, family(*afi))?,
                _ => {}
            }
            rest = tail;
        }
        if digest == Digest::Sum {
            self.add_digest(nlri, community);
        }
        Ok(())
    }

    fn add_digest(&mut self, mut nlri: &[u8], community: u32) {
        while let [length, rest @ ..] = nlri {
            let octets = usize::from(length.div_ceil(8));
            let mut address = [0; 4];
            address[..octets].copy_from_slice(&rest[..octets]);
            self.digest =
                self.digest.wrapping_add(digest_of(u32::from_be_bytes(address), *length, community));
            nlri = &rest[octets..];
        }
    }
}

/// Whether [`Counts::update`] sums up what it is told: a few nanoseconds a prefix, so not where time is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Digest {
    Sum,
    Skip,
}

fn family(afi: u8) -> usize {
    usize::from(afi == 2)
}

/// A field behind its length in two octets, and what follows.
fn counted(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = input.split_at_checked(2)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes([length[0], length[1]])))
}

fn count(mut nlri: &[u8], family: usize) -> Result<u64, &'static str> {
    let longest = [32, 128][family];
    let mut prefixes = 0;
    while let [length, rest @ ..] = nlri {
        if *length > longest {
            return Err("a prefix longer than an address");
        }
        nlri = rest.get(usize::from(length.div_ceil(8))..).ok_or("a prefix overruns")?;
        prefixes += 1;
    }
    Ok(prefixes)
}

/// The next whole message of a stream.
#[derive(PartialEq, Debug)]
pub enum Frame<'a> {
    /// Its type, its body, and how many octets it took.
    Whole(u8, &'a [u8], usize),
    /// More octets are needed.
    Partial,
    /// No BGP header is like this.
    Broken,
}

/// Looks for a message at the start of `input`.
pub fn frame(input: &[u8]) -> Frame<'_> {
    let Some(header) = input.first_chunk::<HEADER_LEN>() else { return Frame::Partial };
    let length = usize::from(u16::from_be_bytes([header[16], header[17]]));
    if length < HEADER_LEN {
        return Frame::Broken;
    }
    match input.get(HEADER_LEN..length) {
        Some(body) => Frame::Whole(header[18], body, length),
        None => Frame::Partial,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
        let length = |part: &[u8]| (part.len() as u16).to_be_bytes();
        [&length(withdrawn)[..], withdrawn, &length(attributes), attributes, nlri].concat()
    }

    #[test]
    fn both_families_are_counted() {
        let mut counts = Counts::default();
        counts.update(&body(&[24, 1, 0, 0], &[], &[]), Digest::Skip).unwrap();
        counts.update(&body(&[], &[0x40, 1, 1, 0], &[24, 1, 0, 0, 8, 4]), Digest::Skip).unwrap();
        let mut reach = vec![0x90, 14, 0, 27, 0, 2, 1, 16];
        reach.extend([0; 17]);
        reach.extend([32, 0x20, 1, 0xd, 0xb8, 0]);
        counts.update(&body(&[], &reach, &[]), Digest::Skip).unwrap();
        counts.update(&body(&[], &[0x80, 15, 5, 0, 2, 1, 8, 0x20], &[]), Digest::Skip).unwrap();
        assert_eq!((counts.announced, counts.withdrawn), ([2, 2], [1, 1]));
        assert_eq!(counts.end_of_rib, [false, false]);
        counts.update(&body(&[], &[], &[]), Digest::Skip).unwrap();
        counts.update(&body(&[], &[0x80, 15, 3, 0, 2, 1], &[]), Digest::Skip).unwrap();
        assert_eq!(counts.end_of_rib, [true, true]);
    }

    #[test]
    fn a_broken_update_is_an_error() {
        for broken in [&[0, 9, 1][..], &[0, 0, 0, 9], &[0, 0, 0, 0, 24, 1], &[0, 0, 0, 3, 0x40, 1, 9]] {
            assert!(Counts::default().update(broken, Digest::Skip).is_err(), "{broken:?}");
        }
    }

    #[test]
    fn messages_are_framed() {
        let alive = message(KEEPALIVE, &[]);
        assert_eq!(frame(&alive), Frame::Whole(KEEPALIVE, &[], 19));
        assert_eq!(frame(&alive[..18]), Frame::Partial);
        assert_eq!(frame(&[0; 19]), Frame::Broken);
    }
}
