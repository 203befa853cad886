//! The families: name, help, labels, and where each value is read at a scrape.
//!
//! Names are `peeringd_<thing>_<unit>` in base units, counters end in `_total`.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

use super::labels::{CaptureResult, LoadResult, MessageType, NotificationCode, TREATMENTS, TurnedAway, Way};
use super::origin::{CACHE, CACHE_LABELS, ORIGIN};
use super::process::Process;
use super::{Inner, PrefixGauge, RegistryFigures, RibMetrics, SessionMetrics, process};
use crate::wire::Family as AddressFamily;

/// Takes a value, with the value of the family's own label where it has one.
pub(super) type Put<'a> = dyn FnMut(Option<&str>, f64) + 'a;

/// Gives every value of a family that an `S` has.
pub(super) type Read<S> = fn(&S, &mut Put<'_>);

/// Whether a value only grows.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

/// A metric family whose values are read from an `S`.
pub(super) struct Family<S: 'static> {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    /// Labels behind those that say which `S` it is.
    label: Option<&'static str>,
    read: Read<S>,
}

impl<S> Family<S> {
    pub(super) const fn counter(
        name: &'static str,
        help: &'static str,
        label: Option<&'static str>,
        read: Read<S>,
    ) -> Self {
        Self { name, help, kind: Kind::Counter, label, read }
    }

    pub(super) const fn gauge(
        name: &'static str,
        help: &'static str,
        label: Option<&'static str>,
        read: Read<S>,
    ) -> Self {
        Self { name, help, kind: Kind::Gauge, label, read }
    }

    fn desc(&self, own: &[&str]) -> Result<Desc, prometheus::Error> {
        let labels = own.iter().copied().chain(self.label).map(str::to_owned).collect();
        Desc::new(self.name.to_owned(), self.help.to_owned(), labels, HashMap::new())
    }

    /// The family with the values of every `S` given, each with the labels that say which it is.
    fn collect<'a>(&self, all: impl Iterator<Item = (Vec<LabelPair>, &'a S)>) -> MetricFamily
    where
        S: 'a,
    {
        let mut metrics = Vec::new();
        for (own, from) in all {
            (self.read)(from, &mut |value, n| {
                let mut labels = own.clone();
                labels.extend(self.label.zip(value).map(|(name, value)| pair(name, value)));
                let mut metric = Metric::from_label(labels);
                match self.kind {
                    Kind::Counter => {
                        let mut counter = Counter::default();
                        counter.set_value(n);
                        metric.set_counter(counter);
                    }
                    Kind::Gauge => {
                        let mut gauge = Gauge::default();
                        gauge.set_value(n);
                        metric.set_gauge(gauge);
                    }
                }
                metrics.push(metric);
            });
        }
        let mut family = MetricFamily::default();
        family.set_name(self.name.to_owned());
        family.set_help(self.help.to_owned());
        family.set_field_type(match self.kind {
            Kind::Counter => MetricType::COUNTER,
            Kind::Gauge => MetricType::GAUGE,
        });
        family.set_metric(metrics);
        family
    }
}

fn pair(name: &str, value: &str) -> LabelPair {
    let mut pair = LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

/// A count as prometheus has it: exact up to 2^53.
pub(super) fn float(n: u64) -> f64 {
    n as f64
}

fn messages(s: &SessionMetrics, way: Way, put: &mut Put<'_>) {
    for kind in MessageType::ALL {
        put(Some(kind.label()), float(s.messages(way, *kind)));
    }
}

fn notifications(s: &SessionMetrics, way: Way, put: &mut Put<'_>) {
    for code in NotificationCode::ALL {
        put(Some(code.label()), float(s.notifications(way, *code)));
    }
}

pub(super) fn families(put: &mut Put<'_>, value: impl Fn(AddressFamily) -> u64) {
    for family in AddressFamily::ALL {
        put(Some(family.name()), float(value(family)));
    }
}

const SESSION_LABELS: [&str; 2] = ["connection", "session_ip"];

static SESSION: [Family<SessionMetrics>; 30] = [
    Family::gauge("peeringd_session_up", "1 while the session is Established, else 0.", None, |s, put| {
        put(None, float(u64::from(s.is_up())));
    }),
    Family::gauge(
        "peeringd_session_state",
        "BGP state: 0 Idle, 1 Connect, 2 Active, 3 OpenSent, 4 OpenConfirm, 5 Established.",
        None,
        |s, put| put(None, float(s.state())),
    ),
    Family::gauge(
        "peeringd_session_last_state_change_timestamp_seconds",
        "When the state last changed, in seconds since the epoch; 0 if it never did.",
        None,
        |s, put| put(None, float(s.last_state_change())),
    ),
    Family::counter(
        "peeringd_session_established_total",
        "Times that the session came to Established.",
        None,
        |s, put| put(None, float(s.established())),
    ),
    Family::counter(
        "peeringd_session_flaps_total",
        "Times that the session went from Established to another state.",
        None,
        |s, put| put(None, float(s.flaps())),
    ),
    Family::counter(
        "peeringd_session_established_seconds_total",
        "Seconds that the session has been Established.",
        None,
        |s, put| put(None, float(s.established_for(process::now_secs()))),
    ),
    Family::gauge(
        "peeringd_session_availability_ratio",
        "The part of its time that the session has been Established, since the daemon has known it: Azure's SessionAvailability.",
        None,
        |s, put| put(None, s.availability(process::now_secs())),
    ),
    Family::counter(
        "peeringd_session_connect_attempts_total",
        "Times that we dialled the peer.",
        None,
        |s, put| put(None, float(s.connect_attempts())),
    ),
    Family::counter(
        "peeringd_session_connect_failures_total",
        "Attempts, dialled or accepted, that ended before Established.",
        None,
        |s, put| put(None, float(s.connect_failures())),
    ),
    Family::counter(
        "peeringd_session_inbound_refused_total",
        "Connections from the peer's address that were not taken.",
        None,
        |s, put| put(None, float(s.inbound_refused())),
    ),
    Family::counter(
        "peeringd_session_messages_sent_total",
        "BGP messages sent to the peer, by type.",
        Some("type"),
        |s, put| messages(s, Way::Sent, put),
    ),
    Family::counter(
        "peeringd_session_messages_received_total",
        "BGP messages received from the peer, by type.",
        Some("type"),
        |s, put| messages(s, Way::Received, put),
    ),
    Family::counter(
        "peeringd_session_notifications_sent_total",
        "NOTIFICATION messages sent to the peer, by error code.",
        Some("code"),
        |s, put| notifications(s, Way::Sent, put),
    ),
    Family::counter(
        "peeringd_session_notifications_received_total",
        "NOTIFICATION messages received from the peer, by error code.",
        Some("code"),
        |s, put| notifications(s, Way::Received, put),
    ),
    Family::counter(
        "peeringd_session_sent_bytes_total",
        "Bytes of BGP messages sent to the peer.",
        None,
        |s, put| put(None, float(s.bytes(Way::Sent))),
    ),
    Family::counter(
        "peeringd_session_received_bytes_total",
        "Bytes of BGP messages received from the peer.",
        None,
        |s, put| put(None, float(s.bytes(Way::Received))),
    ),
    Family::counter(
        "peeringd_session_update_errors_total",
        "UPDATE messages from the peer with errors, by what was done about them (RFC 7606).",
        Some("treatment"),
        |s, put| {
            for (treatment, label) in TREATMENTS {
                put(Some(label), float(s.treatments(treatment)));
            }
        },
    ),
    Family::gauge(
        "peeringd_session_advertised_prefixes",
        "Prefixes that the peer has been told.",
        Some("family"),
        |s, put| families(put, |f| s.prefixes(PrefixGauge::Advertised, f)),
    ),
    Family::gauge(
        "peeringd_session_pending_prefixes",
        "Prefixes that the peer is still to be told or have withdrawn.",
        Some("family"),
        |s, put| families(put, |f| s.prefixes(PrefixGauge::Pending, f)),
    ),
    Family::gauge(
        "peeringd_session_received_prefixes",
        "Prefixes held from the peer, used or not.",
        Some("family"),
        |s, put| families(put, |f| s.prefixes(PrefixGauge::Received, f)),
    ),
    Family::gauge(
        "peeringd_session_accepted_prefixes",
        "Prefixes received from the peer that are accepted.",
        Some("family"),
        |s, put| families(put, |f| s.prefixes(PrefixGauge::Accepted, f)),
    ),
    Family::gauge(
        "peeringd_session_held_prefixes",
        "Prefixes received from the peer that are held and not accepted.",
        Some("family"),
        |s, put| families(put, |f| s.prefixes(PrefixGauge::Held, f)),
    ),
    Family::gauge(
        "peeringd_session_stale_prefixes",
        "Prefixes held from a session before, which the peer has not announced again.",
        Some("family"),
        |s, put| families(put, |f| s.prefixes(PrefixGauge::Stale, f)),
    ),
    Family::gauge(
        "peeringd_session_limit_prefixes",
        "The most prefixes that the peer may announce; 0 where only the process as a whole has a limit.",
        Some("family"),
        |s, put| families(put, |f| s.prefixes(PrefixGauge::Limit, f)),
    ),
    Family::counter(
        "peeringd_session_limit_passed_total",
        "Times that the peer passed the session's own prefix limit, whether that ended the session or not.",
        Some("family"),
        |s, put| families(put, |f| s.limit_passed(f)),
    ),
    Family::counter(
        "peeringd_session_leaked_received_prefixes_total",
        "Prefixes that the peer announced and that are route leaks by RFC 9234.",
        None,
        |s, put| put(None, float(s.leaks())),
    ),
    Family::counter(
        "peeringd_session_announced_sent_prefixes_total",
        "Prefixes announced to the peer, repeats included.",
        Some("family"),
        |s, put| families(put, |f| s.announced(Way::Sent, f)),
    ),
    Family::counter(
        "peeringd_session_announced_received_prefixes_total",
        "Prefixes that the peer announced, repeats included.",
        Some("family"),
        |s, put| families(put, |f| s.announced(Way::Received, f)),
    ),
    Family::counter(
        "peeringd_session_withdrawn_sent_prefixes_total",
        "Prefixes withdrawn from the peer.",
        Some("family"),
        |s, put| families(put, |f| s.withdrawn(Way::Sent, f)),
    ),
    Family::counter(
        "peeringd_session_withdrawn_received_prefixes_total",
        "Prefixes that the peer withdrew, known or not.",
        Some("family"),
        |s, put| families(put, |f| s.withdrawn(Way::Received, f)),
    ),
];

static RIB: [Family<RibMetrics>; 6] = [
    Family::gauge(
        "peeringd_rib_generation_number",
        "The generation in force, counted from 1 in the life of the process; 0 before the first.",
        None,
        |r, put| put(None, float(r.number())),
    ),
    Family::gauge(
        "peeringd_rib_prefixes",
        "Prefixes of the generation in force.",
        Some("family"),
        |r, put| {
            families(put, |f| r.prefixes(f));
        },
    ),
    Family::gauge(
        "peeringd_rib_attribute_sets",
        "Distinct attribute sets of the generation in force.",
        None,
        |r, put| put(None, float(r.attribute_sets())),
    ),
    Family::gauge(
        "peeringd_rib_load_duration_seconds",
        "How long the last good load of the RIB files took.",
        None,
        |r, put| put(None, r.load_time().as_secs_f64()),
    ),
    Family::gauge(
        "peeringd_rib_last_load_timestamp_seconds",
        "When the last good load came into force, in seconds since the epoch; 0 before the first.",
        None,
        |r, put| put(None, float(r.last_load())),
    ),
    Family::counter(
        "peeringd_rib_loads_total",
        "Loads of the RIB files, by result.",
        Some("result"),
        |r, put| {
            for result in LoadResult::ALL {
                put(Some(result.label()), float(r.loads(*result)));
            }
        },
    ),
];

const REGISTRATION_LABELS: [&str; 1] = ["peering"];

static REGISTRATIONS: [Family<RegistryFigures>; 2] = [
    Family::gauge(
        "peeringd_registered_prefixes",
        "Registered prefixes of a peering, by the state of their validation.",
        Some("state"),
        |r, put| r.registered().for_each(|(state, n)| put(Some(state), float(n))),
    ),
    Family::gauge(
        "peeringd_peering_service_prefixes",
        "Peering Service prefixes of a peering's customers, by the state of their validation.",
        Some("state"),
        |r, put| r.service().for_each(|(state, n)| put(Some(state), float(n))),
    ),
];

static PROCESS: [Family<Process>; 5] = [
    Family::gauge(
        "peeringd_process_resident_memory_bytes",
        "Memory of the process in RAM.",
        None,
        |p, put| p.resident.into_iter().for_each(|n| put(None, n)),
    ),
    Family::counter(
        "peeringd_process_cpu_seconds_total",
        "CPU time of the process, user and system.",
        None,
        |p, put| p.cpu.into_iter().for_each(|n| put(None, n)),
    ),
    Family::gauge("peeringd_process_open_fds", "Open file descriptors.", None, |p, put| {
        p.open_fds.into_iter().for_each(|n| put(None, n));
    }),
    Family::gauge("peeringd_process_max_fds", "The limit of open file descriptors.", None, |p, put| {
        p.max_fds.into_iter().for_each(|n| put(None, n));
    }),
    Family::gauge("peeringd_process_threads", "Threads of the process.", None, |p, put| {
        p.threads.into_iter().for_each(|n| put(None, n));
    }),
];

static WHOLE: [Family<Inner>; 4] = [
    Family::gauge("peeringd_build_info", "Always 1; the version is a label.", Some("version"), |_, put| {
        put(Some(env!("CARGO_PKG_VERSION")), 1.0);
    }),
    Family::gauge(
        "peeringd_process_start_time_seconds",
        "When the process started, in seconds since the epoch.",
        None,
        |inner, put| put(None, inner.started),
    ),
    Family::counter(
        "peeringd_connections_turned_away_total",
        "Connections to the listeners that went to no session, by reason.",
        Some("reason"),
        |inner, put| {
            for why in TurnedAway::ALL {
                put(Some(why.label()), float(inner.turned_away.get(*why)));
            }
        },
    ),
    Family::counter(
        "peeringd_flight_captures_total",
        "Captures of the flight recorder, by what became of them.",
        Some("result"),
        |inner, put| {
            for result in CaptureResult::ALL {
                put(Some(result.label()), float(inner.captures.get(*result)));
            }
        },
    ),
];

/// Reads every value when prometheus asks.
pub(super) struct Scrape {
    inner: std::sync::Arc<Inner>,
    descs: Vec<Desc>,
}

impl Scrape {
    pub(super) fn new(inner: std::sync::Arc<Inner>) -> Result<Self, prometheus::Error> {
        let descs = SESSION
            .iter()
            .map(|f| f.desc(&SESSION_LABELS))
            .chain(RIB.iter().map(|f| f.desc(&[])))
            .chain(REGISTRATIONS.iter().map(|f| f.desc(&REGISTRATION_LABELS)))
            .chain(ORIGIN.iter().map(|f| f.desc(&[])))
            .chain(CACHE.iter().map(|f| f.desc(&CACHE_LABELS)))
            .chain(PROCESS.iter().map(|f| f.desc(&[])))
            .chain(WHOLE.iter().map(|f| f.desc(&[])))
            .collect::<Result<_, _>>()?;
        Ok(Self { inner, descs })
    }
}

impl Collector for Scrape {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let process = process::read();
        let sessions = self.inner.sessions();
        let labelled: Vec<(Vec<LabelPair>, &SessionMetrics)> = sessions
            .iter()
            .map(|(labels, metrics)| {
                let ip = labels.session_ip.to_string();
                (vec![pair("connection", &labels.connection), pair("session_ip", &ip)], &**metrics)
            })
            .collect();
        let mut all: Vec<MetricFamily> =
            SESSION.iter().map(|f| f.collect(labelled.iter().map(|(own, s)| (own.clone(), *s)))).collect();
        let registrations = self.inner.registrations();
        all.extend(
            REGISTRATIONS
                .iter()
                .map(|f| f.collect(registrations.iter().map(|r| (vec![pair("peering", r.peering())], &**r)))),
        );
        let none = Vec::new;
        all.extend(RIB.iter().map(|f| f.collect(std::iter::once((none(), &self.inner.rib)))));
        all.extend(ORIGIN.iter().map(|f| f.collect(std::iter::once((none(), &self.inner.origin)))));
        let caches = self.inner.origin.caches();
        let labelled = || caches.iter().map(|(at, c)| (vec![pair("cache", &at.to_string())], &**c));
        all.extend(CACHE.iter().map(|f| f.collect(labelled())));
        all.extend(PROCESS.iter().map(|f| f.collect(std::iter::once((none(), &process)))));
        all.extend(WHOLE.iter().map(|f| f.collect(std::iter::once((none(), &*self.inner)))));
        all
    }
}
