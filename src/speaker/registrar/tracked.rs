//! One prefix that somebody registered: what sessions see of it, and what becomes of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tracing::error;

use super::keys::Owner;
use super::registry::{RegisteredPrefixStatus, ServicePrefixStatus};
use crate::peering::{
    Event, KeyHolder, LearnedType, Presence, Required, Seen, ServiceSessions, ServiceVerdict, Verdict,
    changes, judge_registered_prefix, judge_service_prefix, validated, wrong_registered_prefix,
    wrong_service_prefix,
};
use crate::wire::Asn;

/// What time it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    /// Since the registrar began.
    pub(super) moment: Duration,
    /// Seconds since the epoch.
    pub(super) unix: u64,
}

/// Who judges: the resource model, but in a test.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judges {
    pub(super) registered: fn(IpNet, &Required, &Seen) -> Verdict,
    pub(super) service: fn(IpNet, KeyHolder, &ServiceSessions, &Seen) -> ServiceVerdict,
}

impl Default for Judges {
    fn default() -> Self {
        Self { registered: judge_registered_prefix, service: judge_service_prefix }
    }
}

/// Everything about one prefix.
#[derive(Debug, Default)]
pub(super) struct Tracked {
    pub(super) seen: Seen,
    /// Until then a verdict waits for sessions that have not said all there is.
    pub(super) settles: Option<Duration>,
    pub(super) registered: Option<Registered>,
    pub(super) service: Option<Service>,
}

impl Tracked {
    /// Has verdicts wait until a moment, if they do not wait longer.
    pub(super) fn wait_until(&mut self, at: Duration) {
        self.settles = self.settles.max(Some(at));
    }

    /// Neither is it listed any more nor does a session see it.
    pub(super) fn is_nothing(&self) -> bool {
        self.registered.is_none() && self.service.is_none() && self.seen.is_empty()
    }
}

/// As a registered prefix.
#[derive(Debug)]
pub(super) struct Registered {
    pub(super) peering: Arc<str>,
    pub(super) partner: Asn,
    pub(super) required: Arc<Required>,
    pub(super) status: Arc<RegisteredPrefixStatus>,
    pub(super) presence: Presence,
}

/// As a Peering Service prefix.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) peering: Arc<str>,
    pub(super) partner: Asn,
    pub(super) sessions: ServiceSessions,
    pub(super) status: Arc<ServicePrefixStatus>,
    pub(super) presence: Presence,
}

/// What a judgement came to.
#[derive(Debug)]
pub(super) enum Judged {
    /// What was known before.
    Same,
    /// It waits for more.
    Unsettled,
    /// Something else, and what is to be told of it.
    Changed(Vec<Event>),
}

impl Registered {
    /// Judges it by what is seen; while it settles, what is missing does not count yet, and what is wrong does.
    pub(super) fn judge(&mut self, judges: &Judges, seen: &Seen, settles: bool, now: Now) -> Judged {
        if !self.status.is_registered() {
            return Judged::Same;
        }
        let prefix = self.status.prefix;
        let mut verdict = guarded(prefix, || (judges.registered)(prefix, &self.required, seen))
            .unwrap_or_else(Verdict::internal_error);
        if settles && !verdict.is_good() && !self.required.is_settled(prefix, seen) {
            let wrong = guarded(prefix, || wrong_registered_prefix(prefix, &self.required, seen));
            let Some(wrong) = wrong.flatten() else { return Judged::Unsettled };
            verdict = wrong;
        }
        let presence = Presence::of_registered(prefix, &self.required, seen);
        if verdict == self.status.verdict && presence == self.presence {
            return Judged::Same;
        }
        let before = std::mem::replace(&mut self.presence, presence);
        let mut events = changes((&self.peering, prefix), before, presence, false, now.unix);
        events.extend(self.put(verdict, now));
        Judged::Changed(events)
    }

    /// Takes on a verdict; an event, unless it is what it was.
    pub(super) fn put(&mut self, verdict: Verdict, now: Now) -> Option<Event> {
        if verdict == self.status.verdict {
            return None;
        }
        let event = validated((&self.peering, self.status.prefix), &verdict, false, now.unix);
        self.status = Arc::new(self.status.judged(verdict, self.status.key.clone()));
        Some(event)
    }

    /// Whether it is to have a key, and has none that is shown.
    pub(super) fn lacks_key(&self) -> bool {
        self.status.key.is_none() && self.status.verdict.is_good()
    }

    /// Whose its key is.
    pub(super) fn owner(&self) -> Owner {
        let (peering, partner, prefix) = (self.peering.clone(), self.partner, self.status.prefix);
        Owner::Prefix { peering, partner, prefix }
    }
}

impl Service {
    /// As [`Registered::judge`].
    pub(super) fn judge(
        &mut self,
        judges: &Judges,
        key: KeyHolder,
        seen: &Seen,
        settles: bool,
        now: Now,
    ) -> Judged {
        let prefix = self.status.prefix;
        let verdict = guarded(prefix, || (judges.service)(prefix, key, &self.sessions, seen));
        let mut verdict = verdict.unwrap_or_else(|| ServiceVerdict {
            verdict: Verdict::internal_error(),
            learned_type: LearnedType::None,
        });
        if settles && !verdict.verdict.is_good() && !self.sessions.is_settled(prefix, seen) {
            let wrong = guarded(prefix, || wrong_service_prefix(prefix, key, &self.sessions, seen));
            let Some(wrong) = wrong.flatten() else { return Judged::Unsettled };
            verdict = wrong;
        }
        let presence = Presence::of_service(prefix, &self.sessions, seen);
        if verdict == self.status.verdict && presence == self.presence {
            return Judged::Same;
        }
        let before = std::mem::replace(&mut self.presence, presence);
        let mut events = changes((&self.peering, prefix), before, presence, true, now.unix);
        events.extend(self.put(verdict, now));
        Judged::Changed(events)
    }

    /// Takes on a verdict; an event, unless it is what it was.
    pub(super) fn put(&mut self, verdict: ServiceVerdict, now: Now) -> Option<Event> {
        let is_news = verdict.verdict != self.status.verdict.verdict;
        let event = validated((&self.peering, self.status.prefix), &verdict.verdict, true, now.unix);
        self.status = Arc::new(ServicePrefixStatus { verdict, ..(*self.status).clone() });
        is_news.then_some(event)
    }
}

/// What a judgement gives; nothing where it panics, which is to harm no other prefix.
fn guarded<T>(prefix: IpNet, judge: impl FnOnce() -> T) -> Option<T> {
    let judged = catch_unwind(AssertUnwindSafe(judge));
    if judged.is_err() {
        error!(%prefix, "judging a prefix died: this is a bug");
    }
    judged.ok()
}
