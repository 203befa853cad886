//! A column of small integers, two octets each where they fit.

/// Immutable, exactly as long as it was made.
#[derive(Debug)]
pub(crate) enum Column {
    /// Every value is below 65,536.
    Narrow(Box<[u16]>),
    /// Some value may not be.
    Wide(Box<[u32]>),
}

impl Column {
    /// Collects `values`, none of which is above `max`.
    pub(crate) fn collect(values: impl ExactSizeIterator<Item = u32>, max: usize) -> Self {
        if max <= usize::from(u16::MAX) {
            Self::Narrow(values.map(|v| u16::try_from(v).unwrap_or(u16::MAX)).collect())
        } else {
            Self::Wide(values.collect())
        }
    }

    /// The value of row `i`, or 0 past the end. O(1).
    pub(crate) fn get(&self, i: usize) -> u32 {
        match self {
            Self::Narrow(values) => values.get(i).copied().map_or(0, u32::from),
            Self::Wide(values) => values.get(i).copied().unwrap_or(0),
        }
    }

    /// Octets on the heap.
    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Narrow(values) => values.len() * 2,
            Self::Wide(values) => values.len() * 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_follows_the_largest_value() {
        let narrow = Column::collect([1, 65_535].into_iter(), 65_535);
        assert!(matches!(narrow, Column::Narrow(_)));
        assert_eq!((narrow.get(0), narrow.get(1), narrow.get(2)), (1, 65_535, 0));
        let wide = Column::collect([1, 65_536].into_iter(), 65_536);
        assert_eq!((wide.get(1), wide.heap_bytes()), (65_536, 8));
    }
}
