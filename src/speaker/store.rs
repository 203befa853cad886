//! What outlives the process: small JSON files in `state_dir`, each replaced whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::disk::{ReplaceError, replace};

/// The shape of the files; another one is not guessed at.
const VERSION: u32 = 1;

/// The files of `state_dir`.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// Why state could not be read or written. What could not be read is not taken for empty.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The system said no.
    #[error("{}: cannot be read: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
    /// It is not what was written there.
    #[error("{}:{}:{}: {}: put back a copy of it, or move it away to begin without what it holds",
        path.display(), error.line(), error.column(), without_place(error))]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        error: serde_json::Error,
    },
    /// Of a version that this one does not know.
    #[error("{}: version {version} of the state, and this peeringd reads version {VERSION}: run the newer one, or move it away",
        path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// What it says of itself.
        version: u32,
    },
    /// It could not be replaced; the old one is as it was.
    #[error(transparent)]
    Write(#[from] ReplaceError),
    /// It cannot be put into words.
    #[error("{}: cannot be encoded: {error}", path.display())]
    Encode {
        /// The file.
        path: PathBuf,
        /// Why.
        error: serde_json::Error,
    },
}

/// What is wrong with a JSON text, for where its place stands before it.
#[must_use]
pub fn without_place(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    said.strip_suffix(&place).unwrap_or(&said).to_owned()
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    version: u32,
    content: T,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl Store {
    /// The files of a folder, which is to exist when one is written.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// What was written under a name, like `registered.json`; `None` where there is no such file.
    ///
    /// # Errors
    /// Where there is one that cannot be read.
    pub fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StateError> {
        let path = self.folder.join(name);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StateError::Read { path, error }),
        };
        let broken = |error| StateError::Broken { path: path.clone(), error };
        let VersionOnly { version } = serde_json::from_slice(&text).map_err(broken)?;
        if version != VERSION {
            return Err(StateError::Version { path, version });
        }
        let whole: Versioned<T> = serde_json::from_slice(&text).map_err(broken)?;
        Ok(Some(whole.content))
    }

    /// Writes it, whole or not at all. Waits for the disk: not for a session's task.
    ///
    /// # Errors
    /// Where it could not be written; what was there stays.
    pub fn write<T: Serialize>(&self, name: &str, content: &T) -> Result<(), StateError> {
        let path = self.folder.join(name);
        let text = serde_json::to_vec_pretty(&Versioned { version: VERSION, content });
        let text = text.map_err(|error| StateError::Encode { path: path.clone(), error })?;
        Ok(replace(&path, &text)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_broken_is_not_empty() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        assert_eq!(store.read::<Vec<u32>>("a.json").unwrap(), None);
        store.write("a.json", &vec![1, 2]).unwrap();
        assert_eq!(store.read("a.json").unwrap(), Some(vec![1, 2]));
        store.write("a.json", &Vec::<u32>::new()).unwrap();
        assert_eq!(store.read("a.json").unwrap(), Some(Vec::<u32>::new()));
        for (text, word) in [
            ("", "a.json:1:0: EOF while parsing a value: put back"),
            ("{\n \"version\" 1}", "a.json:2:12: expected `:`: put back"),
            ("{\"version\": 2, \"content\": []}", "version 2"),
            ("{\"version\": 1}", "content"),
        ] {
            fs::write(dir.path().join("a.json"), text).unwrap();
            let error = store.read::<Vec<u32>>("a.json").unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        assert!(Store::new(&dir.path().join("none")).write("a.json", &1).is_err());
    }
}
