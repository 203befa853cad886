//! Inputs as values, to record what a machine was told and to run it once more.

use super::{Action, ConnId, Event, FsmConfig, Moment, PeerFsm, Refused};

impl PeerFsm {
    /// One input as a value; the answer is that of [`handle_accepted`](Self::handle_accepted), for it alone.
    pub fn handle(&mut self, now: Moment, event: Event) -> Option<Result<ConnId, Refused>> {
        match event {
            Event::Start => self.handle_start(now),
            Event::Stop(reason) => self.handle_stop(now, reason),
            Event::Reset(reason) => self.handle_reset(now, reason),
            Event::Config(config, reason) => self.handle_config(now, *config, reason),
            Event::Timing(timing) => self.set_timing(timing),
            Event::RestartOver => self.handle_restart_over(),
            Event::Accepted => return Some(self.handle_accepted(now)),
            Event::Connected(conn) => self.handle_connected(now, conn),
            Event::ConnectFailed(conn) => self.handle_connect_failed(now, conn),
            Event::Closed(conn) => self.handle_closed(now, conn),
            Event::Message(conn, message) => self.handle_message(now, conn, message),
            Event::SendHold(conn) => self.handle_send_hold(now, conn),
            Event::Timeout => self.handle_timeout(now),
        }
        None
    }
}

/// Runs recorded events through a new machine. The same configuration, seed and events give the same actions.
#[must_use]
pub fn replay(
    config: FsmConfig,
    seed: u64,
    events: impl IntoIterator<Item = (Moment, Event)>,
) -> Vec<(Moment, Action)> {
    let mut machine = PeerFsm::new(config, seed);
    let mut actions = Vec::new();
    for (now, event) in events {
        // The answer to an accepted connection shows in the OPEN that is sent on it, or is not.
        drop(machine.handle(now, event));
        actions.extend(std::iter::from_fn(|| machine.poll_action()).map(|action| (now, action)));
    }
    actions
}
