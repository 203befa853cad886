//! Where captures end up: `flight/SHELF/TIME-WHAT.pcapng` below the state folder, each with a text beside it. A shelf is
//! one session's, or one range's, however many peers come out of it: whoever can have many sessions has one share.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tracing::{debug, info, warn};

use super::capture::file_time;
use super::{Capture, Incident, Pace};
use crate::config::SessionPlan;
use crate::fsm::Moment;
use crate::metrics::{CaptureResult, Metrics};

/// The most captures on one shelf; the oldest goes.
const MOST_ON_SHELF: usize = 8;
/// The most captures in all; one goes of the shelf that has the most. One is below 128 KiB.
const MOST_IN_ALL: usize = 256;
/// Captures that may wait to be written. What comes while they do is not written.
const WAITING: usize = 16;

const PCAPNG: &str = "pcapng";
const TEXT: &str = "txt";

/// The way to the shelves, for the sessions.
#[derive(Clone, Debug)]
pub(in crate::speaker) struct Recorder(Option<Desk>);

/// Where captures are handed in.
#[derive(Clone, Debug)]
struct Desk {
    captures: mpsc::Sender<Capture>,
    paces: Arc<Mutex<Paces>>,
    metrics: Metrics,
}

/// How fast each shelf was filled of late. It outlives the sessions: who comes back as a new one is not faster for it.
#[derive(Debug, Default)]
pub(super) struct Paces(HashMap<Arc<str>, Pace>);

impl Paces {
    /// Whether an incident is to be written down for this shelf.
    pub(super) fn allow(&mut self, shelf: &Arc<str>, now: Moment, incident: &Incident) -> bool {
        if !self.0.contains_key(shelf) {
            self.0.retain(|_, pace| !pace.is_rested(now));
        }
        self.0.entry(shelf.clone()).or_default().allows(now, incident)
    }

    /// How many shelves are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The shelf of a session: its name, or for all peers of a range that without the peer's address.
pub(in crate::speaker) fn shelf(plan: &SessionPlan) -> Arc<str> {
    let of_range =
        plan.transport.range.and_then(|_| plan.name.strip_suffix(&format!("-{}", plan.peer_address)));
    of_range.map_or_else(|| plan.name.clone(), Arc::from)
}

impl Recorder {
    /// A recorder below the state folder; without one (a demo, a test), one that keeps nothing. Must be called within a
    /// runtime.
    pub(in crate::speaker) fn start(state_dir: &Path, metrics: &Metrics) -> Self {
        if state_dir.as_os_str().is_empty() {
            return Self(None);
        }
        let (sender, mut inbox) = mpsc::channel::<Capture>(WAITING);
        let folder = state_dir.join("flight");
        let counts = metrics.clone();
        tokio::spawn(async move {
            while let Some(capture) = inbox.recv().await {
                counts.count_capture(shelve(&folder, capture).await);
            }
        });
        Self(Some(Desk { captures: sender, paces: Arc::default(), metrics: metrics.clone() }))
    }

    /// Whether an incident is to be written down for this shelf.
    pub(in crate::speaker) fn allows(&self, shelf: &Arc<str>, now: Moment, incident: &Incident) -> bool {
        self.0.as_ref().is_some_and(|desk| {
            // Nothing that holds the lock can leave the map half changed.
            let mut paces = desk.paces.lock().unwrap_or_else(PoisonError::into_inner);
            paces.allow(shelf, now, incident)
        })
    }

    /// Hands over a capture; it never waits.
    pub(in crate::speaker) fn keep(&self, capture: Capture) {
        if let Some(desk) = &self.0
            && let Err(error) = desk.captures.try_send(capture)
        {
            desk.metrics.count_capture(CaptureResult::Dropped);
            debug!(%error, "too many captures at once: this one is not written");
        }
    }
}

/// Writes a capture, and says in the log where.
async fn shelve(folder: &Path, capture: Capture) -> CaptureResult {
    let (folder, session) = (folder.to_path_buf(), capture.session.clone());
    match spawn_blocking(move || write(&folder, &capture)).await {
        Ok(Ok(file)) => {
            info!(session = %session, file = %file.display(), "the last messages are written down");
            return CaptureResult::Written;
        }
        Ok(Err(error)) => warn!(session = %session, %error, "the last messages cannot be written down"),
        Err(error) => warn!(session = %session, %error, "writing down the last messages failed"),
    }
    CaptureResult::Failed
}

/// Writes a capture, and takes one away where there are too many: the oldest of its shelf, and then of whichever shelf has
/// the most. So each shelf has its fair share of all, however much another is given.
pub(super) fn write(folder: &Path, capture: &Capture) -> io::Result<PathBuf> {
    let shelf = folder.join(&*capture.shelf);
    fs::create_dir_all(&shelf)?;
    let name = format!("{}-{}", file_time(capture.at), capture.incident.slug());
    let file = shelf.join(format!("{name}.{PCAPNG}"));
    let octets = capture.to_pcapng().map_err(io::Error::other)?;
    // The one that is counted comes first, so that no text is left without it.
    fs::write(&file, octets)?;
    fs::write(shelf.join(format!("{name}.{TEXT}")), capture.to_text())?;
    thin_out(&mut captures_on(&shelf)?, MOST_ON_SHELF)?;
    let mut shelves = Vec::new();
    for entry in fs::read_dir(folder)? {
        let shelf = entry?.path();
        if shelf.is_dir() {
            shelves.push(captures_on(&shelf)?);
        }
    }
    while shelves.iter().map(Vec::len).sum::<usize>() > MOST_IN_ALL {
        // Of two, the one with the older capture; names begin with the time.
        let oldest = |shelf: &[PathBuf]| shelf.first().and_then(|path| path.file_name().map(OsStr::to_owned));
        let fullest = shelves.iter_mut().max_by_key(|shelf| (shelf.len(), Reverse(oldest(shelf))));
        let Some(fullest) = fullest else { break };
        let one_less = fullest.len().saturating_sub(1);
        thin_out(fullest, one_less)?;
    }
    Ok(file)
}

/// The captures on a shelf, the oldest first.
fn captures_on(shelf: &Path) -> io::Result<Vec<PathBuf>> {
    let mut captures = Vec::new();
    for entry in fs::read_dir(shelf)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == PCAPNG) {
            captures.push(path);
        }
    }
    captures.sort();
    Ok(captures)
}

/// Takes away the first until no more than `most` are left, each with its text, and with its folder where that is empty.
fn thin_out(captures: &mut Vec<PathBuf>, most: usize) -> io::Result<()> {
    let too_many = captures.len().saturating_sub(most);
    for old in captures.drain(..too_many) {
        fs::remove_file(&old)?;
        // Somebody may have taken it away, or still have something else in the folder.
        for gone in [fs::remove_file(old.with_extension(TEXT)), old.parent().map_or(Ok(()), fs::remove_dir)] {
            if let Err(error) = gone {
                debug!(%error, "nothing to take away");
            }
        }
    }
    Ok(())
}
