//! Where a command's result goes: a file that is replaced whole or not at all, or stdout.

use std::io::{self, Write as _};
use std::path::Path;

use crate::speaker::{ReplaceError, replace};

/// Why a result could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The file is as it was.
    #[error(transparent)]
    File(#[from] ReplaceError),
    /// Stdout said no.
    #[error("stdout: cannot be written: {0}")]
    Stdout(io::Error),
}

/// Writes `text` to `out`, or to stdout without it.
///
/// # Errors
/// [`WriteError`]; with `out`, nothing has changed then.
pub fn write(out: Option<&Path>, text: &str) -> Result<(), WriteError> {
    match out {
        Some(path) => Ok(replace(path, text.as_bytes())?),
        None => {
            let mut stdout = io::stdout().lock();
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(WriteError::Stdout)
        }
    }
}
