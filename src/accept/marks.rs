//! Routes that are counted apart. A route holds a token of each count that it belongs to; the count is of its tokens,
//! so that no way of forgetting a route can miss it.

use std::sync::Arc;

/// How many routes hold a token.
#[derive(Debug, Default)]
pub(super) struct Tally(Arc<()>);

/// A place in a count, given up when it is dropped.
#[derive(Clone, Debug)]
pub(super) struct Token {
    _of: Arc<()>,
}

impl Tally {
    /// A token for a route that belongs.
    pub(super) fn token_if(&self, belongs: bool) -> Option<Token> {
        belongs.then(|| Token { _of: Arc::clone(&self.0) })
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        u64::try_from(Arc::strong_count(&self.0).saturating_sub(1)).unwrap_or(u64::MAX)
    }
}
