//! One thing that an RFC asks for, how it is tried, and what came of it.

use std::borrow::Cow;
use std::pin::Pin;

use serde::Serialize;

use super::lab::Bench;

/// What was wrong, if anything was.
pub(super) type Verdict = Result<(), String>;

type Running = Pin<Box<dyn Future<Output = Verdict> + Send>>;

/// One thing that an RFC asks for.
pub(super) struct Case {
    pub(super) rfc: u16,
    /// Where in it.
    pub(super) section: &'static str,
    /// What happens, as a sentence.
    pub(super) what: Cow<'static, str>,
    pub(super) setup: Setup,
    pub(super) trial: Trial,
}

/// How it is tried.
pub(super) enum Trial {
    /// Octets in, outcome out, without a session.
    Octets(Box<dyn FnOnce() -> Verdict + Send>),
    /// On the state machine alone.
    VirtualTime(Box<dyn FnOnce() -> Verdict + Send>),
    /// On a session with the speaker, over TCP.
    Loopback(Box<dyn FnOnce(Bench) -> Running + Send>),
}

/// The kinds of [`Trial`], for the report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum By {
    Octets,
    VirtualTime,
    Loopback,
}

impl By {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Octets => "octets",
            Self::VirtualTime => "virtual time",
            Self::Loopback => "loopback",
        }
    }
}

/// What the session's config has beside its addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setup {
    pub(super) peer_asn: u32,
    /// Keys of the peering, in flow style: `direct_peering_type: ix_rs`.
    pub(super) peering: &'static str,
    /// Keys of the connection, likewise.
    pub(super) connection: &'static str,
    /// Keys of `bgp_session`, likewise.
    pub(super) session: &'static str,
}

/// The peer's ASN, of those for documentation (RFC 5398), unless a case says otherwise.
pub(super) const PEER_ASN: u32 = 64500;

impl Case {
    fn new(rfc: u16, section: &'static str, what: impl Into<Cow<'static, str>>, trial: Trial) -> Self {
        let setup = Setup { peer_asn: PEER_ASN, peering: "", connection: "", session: "" };
        Self { rfc, section, what: what.into(), setup, trial }
    }

    /// A case of octets alone.
    pub(super) fn octets(
        rfc: u16,
        section: &'static str,
        what: impl Into<Cow<'static, str>>,
        run: impl FnOnce() -> Verdict + Send + 'static,
    ) -> Self {
        Self::new(rfc, section, what, Trial::Octets(Box::new(run)))
    }

    /// A case of the state machine alone.
    pub(super) fn virtual_time(
        rfc: u16,
        section: &'static str,
        what: impl Into<Cow<'static, str>>,
        run: impl FnOnce() -> Verdict + Send + 'static,
    ) -> Self {
        Self::new(rfc, section, what, Trial::VirtualTime(Box::new(run)))
    }

    /// A case on a session of its own.
    pub(super) fn loopback<F>(
        rfc: u16,
        section: &'static str,
        what: impl Into<Cow<'static, str>>,
        run: impl FnOnce(Bench) -> F + Send + 'static,
    ) -> Self
    where
        F: Future<Output = Verdict> + Send + 'static,
    {
        Self::new(rfc, section, what, Trial::Loopback(Box::new(|bench| Box::pin(run(bench)))))
    }

    /// With these keys in `bgp_session`.
    pub(super) fn session(self, session: &'static str) -> Self {
        Self { setup: Setup { session, ..self.setup }, ..self }
    }

    /// With these keys in the connection.
    pub(super) fn connection(self, connection: &'static str) -> Self {
        Self { setup: Setup { connection, ..self.setup }, ..self }
    }

    /// With these keys in the peering.
    pub(super) fn peering(self, peering: &'static str) -> Self {
        Self { setup: Setup { peering, ..self.setup }, ..self }
    }

    /// With another ASN for the peer.
    pub(super) fn peer_asn(self, peer_asn: u32) -> Self {
        Self { setup: Setup { peer_asn, ..self.setup }, ..self }
    }

    pub(super) fn by(&self) -> By {
        match self.trial {
            Trial::Octets(_) => By::Octets,
            Trial::VirtualTime(_) => By::VirtualTime,
            Trial::Loopback(_) => By::Loopback,
        }
    }
}

/// What came of a case.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Outcome {
    #[serde(skip)]
    pub(super) rfc: u16,
    pub(super) section: &'static str,
    pub(super) what: Cow<'static, str>,
    pub(super) by: By,
    pub(super) passed: bool,
    /// What was wrong.
    pub(super) error: Option<String>,
}

/// An error unless it is so.
pub(super) fn ensure(is_so: bool, otherwise: impl FnOnce() -> String) -> Verdict {
    if is_so { Ok(()) } else { Err(otherwise()) }
}

/// An error unless the two are the same.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(found: &T, wanted: &T, what: &str) -> Verdict {
    ensure(found == wanted, || format!("{what}: {found:?} instead of {wanted:?}"))
}
