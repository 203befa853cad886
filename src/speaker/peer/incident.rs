//! What is handed to the flight recorder: NOTIFICATIONs of both sides, and UPDATEs with errors (RFC 7606).

use super::Peer;
use crate::fsm::ConnId;
use crate::metrics::Way;
use crate::speaker::clock::Clock;
use crate::speaker::flight::{self, Capture, Incident};
use crate::wire::{Frame, Notification, Treatment, Update};

impl Peer {
    /// A NOTIFICATION is about to go out on a connection. It is not among what was sent yet.
    pub(super) fn record_sent(&mut self, conn: ConnId, notification: &Notification) {
        let incident = Incident::Notification {
            way: Way::Sent,
            notification: notification.clone(),
            why: self.because.take(),
        };
        self.record(conn, incident, None);
    }

    /// A NOTIFICATION came.
    pub(super) fn record_received(&mut self, conn: ConnId, notification: &Notification) {
        let notification = notification.clone();
        self.record(conn, Incident::Notification { way: Way::Received, notification, why: None }, None);
    }

    /// An UPDATE was decoded. One that ends the session is written down with the NOTIFICATION that answers it.
    pub(super) fn record_faults(&mut self, conn: ConnId, frame: &Frame<'_>, update: &Update<'_>) {
        let treatment = update.treatment();
        let faults = || update.faults().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        match treatment {
            Treatment::Accept => {}
            Treatment::SessionReset => self.because = Some(faults()),
            Treatment::AttributeDiscard | Treatment::TreatAsWithdraw => {
                let incident = Incident::Treatment { treatment, faults: faults() };
                self.record(conn, incident, Some(frame.whole));
            }
        }
    }

    fn record(&mut self, conn: ConnId, incident: Incident, at_fault: Option<&[u8]>) {
        let shelf = flight::shelf(&self.intent.plan);
        if !self.links.recorder.allows(&shelf, self.now(), &incident) {
            return;
        }
        let Some(connection) = self.connections.iter().find(|c| c.id == conn) else { return };
        let at = Clock::since_epoch();
        self.links.recorder.keep(Capture {
            session: self.intent.plan.name.clone(),
            shelf,
            peer_asn: self.intent.plan.peer_asn,
            ends: connection.ends(),
            at,
            messages: connection.ring.messages(at, &incident, at_fault),
            incident,
        });
    }
}
