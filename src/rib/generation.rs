//! An immutable table of what may be advertised.

/// An immutable, hashed table made from the RIB files.
#[derive(Debug)]
pub struct Generation {
    number: u32,
}

impl Generation {
    /// Its number, counted from 1 in the life of the process.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }
}
