//! What systemd is told: ready, reloading, stopping, alive. Outside a service all of it does nothing.

use std::time::Duration;

use sd_notify::NotifyState;
use tracing::warn;

/// The service is up: listeners bound, a generation in force.
pub(super) fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A reload begins; [`ready`] ends it.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now]),
        Err(error) => warn!(%error, "the monotonic clock cannot be read"),
    }
}

/// The service is going down.
pub(super) fn stopping() {
    notify(&[NotifyState::Stopping]);
}

/// The loop that would hang does not.
pub(super) fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// How often [`alive`] must be said; half of what the unit allows.
pub(super) fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        warn!(%error, "systemd cannot be notified");
    }
}
