//! Keys that may stand in two places, of which the nearer one holds.

use super::faults::At;

/// The keys that hold for a session: its own first, then those of `bgp_session`.
#[derive(Debug)]
pub(super) struct Layers<'a, T> {
    pub(super) own: Option<&'a T>,
    pub(super) common: &'a T,
}

impl<T> Clone for Layers<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Layers<'_, T> {}

impl<'a, T> Layers<'a, T> {
    /// What the nearer of them says.
    pub(super) fn get<V>(self, key: impl Fn(&'a T) -> Option<V>) -> Option<V> {
        self.own.and_then(&key).or_else(|| key(self.common))
    }

    /// The same without its place.
    pub(super) fn value<V>(self, key: impl Fn(&'a T) -> Option<At<V>>) -> Option<V> {
        self.get(key).map(|at| at.value)
    }
}
