//! Validated ROA Payloads and what they say of a route (RFC 6811).

use std::cmp::Reverse;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use super::Validity;
use super::covering::Covering;
use crate::wire::Asn;

/// The most VRPs that one file or cache may have: several times those of the whole Internet.
pub const MAX_VRPS: usize = 4_000_000;

/// A Validated ROA Payload: the origin may announce the prefix, and its parts down to a length. ASN 0 says that nobody
/// may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Vrp {
    /// Without host bits.
    pub prefix: IpNet,
    /// From the prefix's length to that of an address.
    pub max_len: u8,
    /// Whose.
    pub asn: Asn,
}

/// Names of trust anchors, each once, for VRPs to point at.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrustAnchors(Vec<Arc<str>>);

/// The most trust anchors that are told apart; VRPs of others have none.
const MAX_TRUST_ANCHORS: usize = 100;

impl TrustAnchors {
    /// The index of a name, as validators write it; names all in lower case get the capital that Azure's have.
    pub(super) fn index(&mut self, name: &str) -> Option<u16> {
        let is_same = |known: &Arc<str>| known.eq_ignore_ascii_case(name);
        let at = match self.0.iter().position(is_same) {
            Some(at) => at,
            None if self.0.len() < MAX_TRUST_ANCHORS => {
                self.0.push(spelled(name));
                self.0.len() - 1
            }
            None => return None,
        };
        u16::try_from(at).ok()
    }

    /// The name at an index.
    fn name(&self, index: u16) -> Option<&Arc<str>> {
        self.0.get(usize::from(index))
    }
}

fn spelled(name: &str) -> Arc<str> {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) if !name.contains(char::is_uppercase) => {
            first.to_uppercase().chain(letters).collect::<String>().into()
        }
        Some(_) | None => name.into(),
    }
}

/// One file of VRPs.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct VrpFile {
    /// As the operator named it.
    pub path: Arc<PathBuf>,
    /// In the order of the file, each with its trust anchor where the file names one.
    pub vrps: Vec<(Vrp, Option<u16>)>,
    /// What the VRPs point at.
    pub trust_anchors: TrustAnchors,
    /// VRPs left out because their time was over.
    pub expired: usize,
}

/// What stands behind a prefix of the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Authorised {
    max_len: u8,
    asn: Asn,
    trust_anchor: Option<u16>,
}

/// Every VRP of all sources, each once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RpkiTable {
    vrps: Covering<Authorised>,
    trust_anchors: TrustAnchors,
}

impl RpkiTable {
    /// What a cache has and what the files have, together. O(n log n).
    #[must_use]
    pub fn new(cache: &[Vrp], files: &[Arc<VrpFile>]) -> Self {
        let mut trust_anchors = TrustAnchors::default();
        let mut all: Vec<(Vrp, Option<u16>)> = cache.iter().map(|vrp| (*vrp, None)).collect();
        for file in files {
            let own: Vec<Option<u16>> =
                file.trust_anchors.0.iter().map(|name| trust_anchors.index(name)).collect();
            let ours = |anchor: u16| own.get(usize::from(anchor)).copied().flatten();
            all.extend(file.vrps.iter().map(|(vrp, anchor)| (*vrp, anchor.and_then(ours))));
        }
        // An ASN's VRPs of one prefix stand together, the one with the longest parts first, so that none has to be
        // looked for among all that a cache may have of one prefix. Of one VRP, one that says its trust anchor goes first.
        all.sort_unstable_by_key(|(vrp, anchor)| {
            (vrp.prefix, vrp.asn, Reverse(vrp.max_len), anchor.is_none(), *anchor)
        });
        all.dedup_by_key(|(vrp, _)| *vrp);
        let authorised = all.into_iter().map(|(vrp, trust_anchor)| {
            (vrp.prefix, Authorised { max_len: vrp.max_len, asn: vrp.asn, trust_anchor })
        });
        Self { vrps: Covering::of_sorted(authorised), trust_anchors }
    }

    /// RFC 6811 §2, and the trust anchor of the VRP that says so: of one that matches, else of the longest that covers.
    /// O(length of the prefix × log n).
    #[must_use]
    pub fn validate(&self, prefix: IpNet, origin: Option<Asn>) -> (Validity, Option<&Arc<str>>) {
        let mut covered = None;
        let origin = origin.filter(|asn| *asn != Asn(0));
        for vrps in self.vrps.covering(prefix) {
            let own = origin.and_then(|asn| {
                let at = vrps.partition_point(|vrp| vrp.asn < asn);
                vrps.get(at).filter(|vrp| vrp.asn == asn)
            });
            if let Some(vrp) = own.filter(|vrp| prefix.prefix_len() <= vrp.max_len) {
                return (Validity::Valid, self.anchor_of(vrp));
            }
            covered = covered.or(vrps.first());
        }
        match covered {
            Some(vrp) => (Validity::Invalid, self.anchor_of(vrp)),
            None => (Validity::Unknown, None),
        }
    }

    fn anchor_of(&self, vrp: &Authorised) -> Option<&Arc<str>> {
        self.trust_anchors.name(vrp.trust_anchor?)
    }

    /// How many VRPs of IPv4 and of IPv6 there are.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        self.vrps.count()
    }
}
