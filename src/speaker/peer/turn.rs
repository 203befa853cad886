//! A session's task, turn by turn: what wakes it, and what it then does.

use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::{Instrument, Span, info_span};

use super::wait::{dialled, due, ready};
use super::{Links, Order, Peer, Refreshes};
use crate::config::SessionPlan;
use crate::fsm::{ConnId, SendHold};
use crate::speaker::handle::Ask;
use crate::speaker::listen::Admitted;
use crate::wire::{ErrorCode, Notification};

/// What woke the task.
enum Wake {
    Intent(Result<(), watch::error::RecvError>),
    Ready,
    Dialled(ConnId, std::io::Result<TcpStream>),
    Accepted(Option<Admitted>),
    Asked(Option<Ask>),
    Due,
    Closed,
    Overdrawn,
}

/// What every line of a session's log says of it.
fn span(plan: &SessionPlan) -> Span {
    info_span!("session", name = %plan.name, peer = %plan.peer_address)
}

impl Peer {
    /// Runs the session until it is told to leave. The log has it by the name that the plan gives it now.
    pub(in crate::speaker) async fn run(mut self) {
        if matches!(self.intent.order, Order::Leave(_)) {
            return;
        }
        let mut plan = self.intent.plan.clone();
        let mut log = span(&plan);
        log.in_scope(|| self.begin());
        while self.turn().instrument(log.clone()).await {
            if self.intent.plan.name != plan.name {
                plan = self.intent.plan.clone();
                log = span(&plan);
            }
        }
        self.report_all();
        log.in_scope(|| self.publish());
        // Nobody would take what still came.
        self.links.accepted.close();
        while self.closing.join_next().await.is_some() {}
    }

    fn begin(&mut self) {
        let now = self.now();
        self.fsm.handle_start(now);
        self.act();
        self.judge();
    }

    /// Waits for something to do, and does it; says whether the session goes on.
    async fn turn(&mut self) -> bool {
        self.publish();
        let wake = self.wake().await;
        self.on_wake(wake);
        self.on_due();
        self.make_room();
        self.write_all();
        self.refresh_done();
        self.judge();
        if matches!(self.intent.order, Order::Leave(_)) || self.is_over() {
            return false;
        }
        if std::mem::take(&mut self.busy) {
            tokio::task::yield_now().await;
        }
        true
    }

    async fn wake(&mut self) -> Wake {
        let Refreshes { ipv4, ipv6 } = &self.refreshes;
        let send_hold = self.send_hold.as_ref().map(SendHold::when);
        let (stale, hold_down) = (self.retention.poll_deadline(), self.hold_down.when());
        let (fsm, restart) = (self.fsm.poll_deadline(), self.restarting_until());
        let (unended, judging) = (self.adj_rib_in.refresh_until(), self.judging_deadline());
        let deadlines =
            [fsm, hold_down, send_hold, ipv4.when(), ipv6.when(), stale, restart, unended, judging];
        let deadline = deadlines.into_iter().flatten().min();
        let deadline = deadline.map(|moment| self.links.clock.instant(moment));
        let Links { intent, accepted, asks, .. } = &mut self.links;
        tokio::select! {
            changed = intent.changed() => Wake::Intent(changed),
            () = ready(&self.connections) => Wake::Ready,
            (conn, stream) = dialled(self.dialing.as_mut()) => Wake::Dialled(conn, stream),
            stream = accepted.recv() => Wake::Accepted(stream),
            ask = asks.recv() => Wake::Asked(ask),
            () = due(deadline) => Wake::Due,
            Ok(()) = self.overdrawn.changed() => Wake::Overdrawn,
            Some(_) = self.closing.join_next() => Wake::Closed,
        }
    }

    fn on_wake(&mut self, wake: Wake) {
        match wake {
            Wake::Intent(Ok(())) => {
                let intent = self.links.intent.borrow_and_update().clone();
                self.on_intent(intent);
            }
            Wake::Intent(Err(_)) | Wake::Accepted(None) | Wake::Asked(None) => self.on_orphaned(),
            Wake::Ready => self.read_all(),
            Wake::Dialled(conn, stream) => self.on_dialled(conn, stream),
            Wake::Accepted(Some(admitted)) => self.on_accepted(admitted),
            Wake::Asked(Some(ask)) => self.on_ask(ask),
            Wake::Due | Wake::Closed | Wake::Overdrawn => {}
        }
    }

    /// The supervisor has let go of the session: its last word counts, or, where that was to run, the process ends.
    fn on_orphaned(&mut self) {
        let mut intent = self.links.intent.borrow().clone();
        if matches!(intent.order, Order::Run) {
            intent.order = Order::Leave(Some(Notification::new(ErrorCode::ADMIN_SHUTDOWN)));
        }
        self.on_intent(intent);
    }
}
