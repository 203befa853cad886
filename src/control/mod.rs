//! The control socket and HTTP: JSON from snapshots only.
