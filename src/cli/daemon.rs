//! The daemon's own loop: signals, reloads and the watchdog. Nothing in it waits for anything but the next event.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{error, info, warn};

use super::load::Loaded;
use super::{changes, systemd};
use crate::config::Plan;
use crate::metrics::Metrics;
use crate::rib::{Finding, Findings, Generation, Place, Severity};
use crate::speaker::{Generations, NotReloaded, Speaker};

/// How the daemon is to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// SIGTERM or SIGINT: Cease, and the routes go.
    Stop,
    /// SIGUSR1: the connections close without NOTIFICATION, as they do when a router restarts.
    Restart,
    /// The speaker has ended by itself, which it never should.
    Died,
}

/// The signals that mean something.
pub(super) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    restart: Signal,
}

impl Signals {
    /// Takes the signals over from their default actions.
    pub(super) fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            restart: signal(SignalKind::user_defined1())?,
        })
    }

    /// Until the process is told to end.
    pub(super) async fn end(&mut self) -> End {
        tokio::select! {
            _ = self.terminate.recv() => End::Stop,
            _ = self.interrupt.recv() => End::Stop,
            _ = self.restart.recv() => End::Restart,
        }
    }
}

/// A reload under way: what it put in force, or why it put nothing in force.
type Reload = JoinHandle<Result<Arc<Plan>, Findings>>;

/// The running daemon.
pub(super) struct Daemon {
    /// As the config has it.
    plan: Arc<Plan>,
    generations: Arc<Mutex<Generations>>,
    speaker: Speaker,
    metrics: Metrics,
    reload: Option<Reload>,
    /// Another reload was asked for while one was under way.
    again: bool,
}

impl Daemon {
    /// A daemon whose speaker runs by this plan.
    pub(super) fn new(plan: Arc<Plan>, generations: Generations, speaker: Speaker, metrics: Metrics) -> Self {
        let generations = Arc::new(Mutex::new(generations));
        Self { plan, generations, speaker, metrics, reload: None, again: false }
    }

    /// Serves signals and the watchdog until the process is told to end.
    pub(super) async fn run(&mut self, signals: &mut Signals) -> End {
        let interval = systemd::watchdog_interval();
        // Without a watchdog the timer is never waited for, but must have a period.
        let mut alive = tokio::time::interval(interval.unwrap_or(Duration::from_secs(3600)));
        loop {
            tokio::select! {
                _ = signals.terminate.recv() => return End::Stop,
                _ = signals.interrupt.recv() => return End::Stop,
                _ = signals.restart.recv() => return End::Restart,
                () = self.speaker.ended() => return End::Died,
                _ = signals.hangup.recv() => self.begin_reload(),
                done = finished(self.reload.as_mut()) => self.end_reload(done).await,
                _ = alive.tick(), if interval.is_some() => self.feed_watchdog(),
            }
        }
    }

    /// The watchdog is fed by the supervisor's answer: a loop that hangs gives none.
    fn feed_watchdog(&self) {
        let speaker = self.speaker.clone();
        tokio::spawn(async move {
            if speaker.ping().await.is_ok() {
                systemd::alive();
            }
        });
    }

    /// Reads config and RIB anew on a blocking thread, and puts them in force; all else goes on meanwhile.
    fn begin_reload(&mut self) {
        if self.reload.is_some() {
            self.again = true;
            return;
        }
        info!("reloading");
        systemd::reloading();
        let (old, generations) = (self.plan.clone(), self.generations.clone());
        let (speaker, metrics) = (self.speaker.clone(), self.metrics.clone());
        self.reload = Some(tokio::spawn(async move {
            let before = speaker.handle().generation();
            let (running, kept) = (old.clone(), speaker.handle().kept());
            let load = spawn_blocking(move || {
                let mut generations = generations.lock().unwrap_or_else(PoisonError::into_inner);
                Loaded::next(&running, &kept, &mut generations)
            });
            let loaded = load.await.unwrap_or_else(|died| Err(bug(format!("loading died: {died}"))))?;
            put_in_force(&speaker, &metrics, &old, &loaded, before.as_deref()).await?;
            Ok(loaded.plan)
        }));
    }

    async fn end_reload(&mut self, done: Result<Arc<Plan>, Findings>) {
        self.reload = None;
        match done {
            Ok(plan) => self.plan = plan,
            Err(findings) => self.refuse(&findings).await,
        }
        systemd::ready("advertising");
        if std::mem::take(&mut self.again) {
            self.begin_reload();
        }
    }

    /// Nothing of a load with an error is used.
    async fn refuse(&mut self, findings: &Findings) {
        findings.log();
        error!("the reload is refused: nothing has changed");
        self.metrics.rib().load_failed();
        let errors = findings.0.iter().filter(|f| f.severity == Severity::Error).cloned().collect();
        if self.speaker.refused(Findings(errors).to_string()).await.is_err() {
            error!("the speaker has ended");
        }
    }
}

async fn put_in_force(
    speaker: &Speaker,
    metrics: &Metrics,
    old: &Plan,
    loaded: &Loaded,
    before: Option<&Generation>,
) -> Result<(), Findings> {
    let reloaded = speaker.reload(loaded.plan.clone(), loaded.generation.clone()).await;
    reloaded.map_err(|why| match why {
        NotReloaded::Refused(findings) => findings,
        NotReloaded::Ended(ended) => bug(ended.to_string()),
    })?;
    if loaded.plan.lab && !old.lab {
        say_lab();
    }
    changes::say(old, &loaded.plan);
    loaded.say(metrics, before);
    Ok(())
}

async fn finished(reload: Option<&mut Reload>) -> Result<Arc<Plan>, Findings> {
    match reload {
        Some(reload) => reload.await.unwrap_or_else(|died| Err(bug(format!("the reload died: {died}")))),
        None => std::future::pending().await,
    }
}

fn bug(what: String) -> Findings {
    let fix = "report this as a bug; what was in force is untouched";
    Findings(vec![Finding::error(Place::file("reload"), what, fix)])
}

impl Findings {
    /// Says each in the log, by its severity.
    pub(super) fn log(&self) {
        for Finding { severity, place, what, fix } in &self.0 {
            match severity {
                Severity::Error => error!("{place}: {what}: {fix}"),
                Severity::Warning => warn!("{place}: {what}: {fix}"),
            }
        }
    }
}

/// Said at start, and when a reload turns it on.
pub(super) fn say_lab() {
    warn!(
        "LAB MODE: private and documentation ASNs, loopback and off-subnet addresses are allowed; \
         not for production"
    );
}
