//! Where captures end up: `flight/SESSION/TIME-WHAT.pcapng` below the state folder, each with a text beside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tracing::{debug, info, warn};

use super::Capture;
use super::capture::file_time;
use crate::metrics::{CaptureResult, Metrics};

/// The most captures of one session; the oldest goes.
const MOST_OF_SESSION: usize = 8;
/// The most captures in all; the oldest goes. One is below 128 KiB.
const MOST_IN_ALL: usize = 256;
/// Captures that may wait to be written. What comes while they do is not written.
const WAITING: usize = 16;

const PCAPNG: &str = "pcapng";
const TEXT: &str = "txt";

/// The way to the shelf, for the sessions.
#[derive(Clone, Debug)]
pub(in crate::speaker) struct Recorder(Option<(mpsc::Sender<Capture>, Metrics)>);

impl Recorder {
    /// A recorder below the state folder; without one (a demo, a test), one that keeps nothing. Must be called within a
    /// runtime.
    pub(in crate::speaker) fn start(state_dir: &Path, metrics: &Metrics) -> Self {
        if state_dir.as_os_str().is_empty() {
            return Self(None);
        }
        let (sender, mut captures) = mpsc::channel::<Capture>(WAITING);
        let folder = state_dir.join("flight");
        let counts = metrics.clone();
        tokio::spawn(async move {
            while let Some(capture) = captures.recv().await {
                counts.count_capture(shelve(&folder, capture).await);
            }
        });
        Self(Some((sender, metrics.clone())))
    }

    /// Hands over a capture; it never waits.
    pub(in crate::speaker) fn keep(&self, capture: Capture) {
        if let Some((sender, metrics)) = &self.0
            && let Err(error) = sender.try_send(capture)
        {
            metrics.count_capture(CaptureResult::Dropped);
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

/// Writes a capture, and takes the oldest away where there are too many.
pub(super) fn write(folder: &Path, capture: &Capture) -> io::Result<PathBuf> {
    let of_session = folder.join(&*capture.session);
    fs::create_dir_all(&of_session)?;
    let name = format!("{}-{}", file_time(capture.at), capture.incident.slug());
    let file = of_session.join(format!("{name}.{PCAPNG}"));
    let octets = capture.to_pcapng().map_err(io::Error::other)?;
    // The one that is counted comes first, so that no text is left without it.
    fs::write(&file, octets)?;
    fs::write(of_session.join(format!("{name}.{TEXT}")), capture.to_text())?;
    let mut captures = captures_in(&of_session)?;
    thin_out(&mut captures, MOST_OF_SESSION)?;
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let session = entry?.path();
        if session.is_dir() {
            all.append(&mut captures_in(&session)?);
        }
    }
    // By time, which the names begin with, whatever the session.
    all.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    thin_out(&mut all, MOST_IN_ALL)?;
    Ok(file)
}

/// The captures of a session, the oldest first.
fn captures_in(of_session: &Path) -> io::Result<Vec<PathBuf>> {
    let mut captures = Vec::new();
    for entry in fs::read_dir(of_session)? {
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
