//! What a cache sends (RFC 8210 §8): changes of the VRPs that it sent before, or all of them anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{MAX_VRPS, Vrp};

/// What a cache may not send (RFC 8210 §12).
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ChangeError {
    /// Error 6.
    #[error("the cache withdrew a VRP that it had not announced (RFC 8210 error 6)")]
    UnknownWithdrawal,
    /// Error 7.
    #[error("the cache announced a VRP twice (RFC 8210 error 7)")]
    DuplicateAnnouncement,
    /// More than [`MAX_VRPS`].
    #[error("the cache has more than {MAX_VRPS} VRPs")]
    TooMany,
}

/// Changes as they come, in order.
#[derive(Clone, Debug, Default)]
pub struct VrpChanges {
    /// They replace all that was there.
    pub is_reset: bool,
    changes: Vec<(Vrp, bool)>,
}

impl VrpChanges {
    /// Changes of what is there, or all VRPs anew.
    #[must_use]
    pub fn new(is_reset: bool) -> Self {
        Self { is_reset, changes: Vec::new() }
    }

    /// One more.
    ///
    /// # Errors
    /// Beyond [`MAX_VRPS`].
    pub fn push(&mut self, vrp: Vrp, is_announced: bool) -> Result<(), ChangeError> {
        if self.changes.len() >= MAX_VRPS {
            return Err(ChangeError::TooMany);
        }
        self.changes.push((vrp, is_announced));
        Ok(())
    }

    /// What is there afterwards, sorted; `before` is sorted too. O(n log n) in changes, O(n) in what was there.
    ///
    /// # Errors
    /// [`ChangeError`]; what was there is to be kept then, and the cache asked for all of it anew.
    pub fn apply(&self, before: &[Vrp]) -> Result<Arc<[Vrp]>, ChangeError> {
        let before = if self.is_reset { &[] } else { before };
        let mut changed: BTreeMap<Vrp, bool> = BTreeMap::new();
        for (vrp, is_announced) in &self.changes {
            let was = changed.get(vrp).copied().unwrap_or_else(|| before.binary_search(vrp).is_ok());
            match (was, *is_announced) {
                (true, true) => return Err(ChangeError::DuplicateAnnouncement),
                (false, false) => return Err(ChangeError::UnknownWithdrawal),
                (true, false) | (false, true) => changed.insert(*vrp, *is_announced),
            };
        }
        let stays = before.iter().filter(|vrp| !changed.contains_key(vrp)).copied();
        let comes = changed.iter().filter(|(_, is_announced)| **is_announced).map(|(vrp, _)| *vrp);
        let mut after: Vec<Vrp> = stays.chain(comes).collect();
        if after.len() > MAX_VRPS {
            return Err(ChangeError::TooMany);
        }
        after.sort_unstable();
        Ok(after.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Asn;

    fn vrp(n: u8) -> Vrp {
        Vrp { prefix: format!("20.{n}.0.0/16").parse().unwrap(), max_len: 24, asn: Asn(3356) }
    }

    fn applied(is_reset: bool, before: &[u8], changes: &[(u8, bool)]) -> Result<Vec<Vrp>, ChangeError> {
        let before: Vec<Vrp> = before.iter().map(|n| vrp(*n)).collect();
        let mut all = VrpChanges::new(is_reset);
        for (n, is_announced) in changes {
            all.push(vrp(*n), *is_announced)?;
        }
        all.apply(&before).map(|after| after.to_vec())
    }

    fn vrps(numbers: &[u8]) -> Result<Vec<Vrp>, ChangeError> {
        Ok(numbers.iter().map(|n| vrp(*n)).collect())
    }

    #[test]
    fn changes_are_taken_in_order() {
        assert_eq!(applied(false, &[1, 3], &[(2, true), (3, false)]), vrps(&[1, 2]));
        assert_eq!(applied(false, &[1], &[(1, false), (1, true)]), vrps(&[1]));
        assert_eq!(applied(false, &[], &[(1, true), (1, false)]), vrps(&[]));
        assert_eq!(applied(true, &[1, 2], &[(3, true), (2, true)]), vrps(&[2, 3]));
        assert_eq!(applied(true, &[1, 2], &[]), vrps(&[]));
    }

    #[test]
    fn what_no_cache_may_send_is_refused() {
        assert_eq!(applied(false, &[1], &[(1, true)]), Err(ChangeError::DuplicateAnnouncement));
        assert_eq!(applied(true, &[1], &[(2, true), (2, true)]), Err(ChangeError::DuplicateAnnouncement));
        assert_eq!(applied(false, &[1], &[(2, false)]), Err(ChangeError::UnknownWithdrawal));
        assert_eq!(applied(true, &[1], &[(1, false)]), Err(ChangeError::UnknownWithdrawal));
    }
}
