//! A batch of messages on its way to the socket: heads in one buffer that is used again, NLRI where it stands.

use std::io::IoSlice;
use std::ops::Range;

use bytes::Bytes;

use super::picture::Progress;
use crate::wire::{Family, codes};

/// Messages in a batch.
const MOST_MESSAGES: usize = 64;
/// Octets in a batch beyond which no message is begun: more than the kernel takes at once.
const MOST_OCTETS: usize = 256 * 1024;
/// Slices of one write: the tail, and three for each message at most.
pub(super) const MOST_SLICES: usize = 192;
/// The largest buffer that is kept from one batch to the next.
const KEPT_OCTETS: usize = 256 * 1024;

/// Where the NLRI of a message stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Body {
    /// Nowhere.
    None,
    /// In the strip of the lane's sheet.
    Strip(u32, u32),
    /// In the lane's shared delta.
    Delta(u32, u32),
    /// In the draft's own buffer.
    Own(Range<usize>),
}

/// A message that is ready to go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Message {
    /// Type octet.
    pub(super) kind: u8,
    /// In the draft's buffer.
    pub(super) head: Range<usize>,
    pub(super) body: Body,
    /// In the draft's buffer.
    pub(super) tail: Range<usize>,
    /// In all.
    pub(super) octets: usize,
    pub(super) source: Source,
}

/// Where a message comes from, and what is so once it is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// The control message at this place in the queue.
    Control(usize),
    /// A lane.
    Lane {
        family: Family,
        /// Prefixes in it.
        announced: u32,
        withdrawn: u32,
        /// How far the lane is then.
        after: Progress,
    },
}

/// Messages in the order in which they go, and the octets that are theirs alone.
#[derive(Debug, Default)]
pub(super) struct Draft {
    messages: Vec<Message>,
    pub(super) scratch: Vec<u8>,
    octets: usize,
}

impl Draft {
    /// Ready for another batch.
    pub(super) fn clear(&mut self) {
        self.messages.clear();
        self.scratch.clear();
        self.scratch.shrink_to(KEPT_OCTETS);
        self.octets = 0;
    }

    /// Whether no further message should be added, `budget` octets being all that may go.
    pub(super) fn is_full(&self, budget: usize) -> bool {
        self.messages.len() >= MOST_MESSAGES - 1
            || self.octets >= budget.min(MOST_OCTETS)
            || self.scratch.len() >= MOST_OCTETS
    }

    /// Adds a message.
    pub(super) fn push(&mut self, message: Message) {
        self.octets = self.octets.saturating_add(message.octets);
        self.messages.push(message);
    }

    /// Adds a control message, which is written from where it waits.
    pub(super) fn push_control(&mut self, place: usize, message: &Bytes) {
        self.push(Message {
            kind: message.get(18).copied().unwrap_or(codes::message::KEEPALIVE),
            head: 0..0,
            body: Body::None,
            tail: 0..0,
            octets: message.len(),
            source: Source::Control(place),
        });
    }

    /// In the order in which they go.
    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Octets of the buffer.
    pub(super) fn bytes(&self, range: &Range<usize>) -> &[u8] {
        self.scratch.get(range.clone()).unwrap_or(&[])
    }
}

/// The slices of one write, gathered without allocating.
#[derive(Debug)]
pub(super) struct Slices<'a> {
    slices: [IoSlice<'a>; MOST_SLICES],
    len: usize,
}

impl<'a> Slices<'a> {
    /// None yet.
    pub(super) fn new() -> Self {
        Self { slices: [IoSlice::new(&[]); MOST_SLICES], len: 0 }
    }

    /// Adds octets, if there are any.
    pub(super) fn push(&mut self, octets: &'a [u8]) {
        if !octets.is_empty()
            && let Some(slot) = self.slices.get_mut(self.len)
        {
            *slot = IoSlice::new(octets);
            self.len += 1;
        }
    }

    /// Those that were added.
    pub(super) fn as_slices(&self) -> &[IoSlice<'a>] {
        self.slices.get(..self.len).unwrap_or(&[])
    }
}
