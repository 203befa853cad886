//! `peeringd run`: the daemon. Puts the rooms together and listens to signals.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::Args;
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Builder, Handle as Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use super::load::Loaded;
use super::{log, systemd};
use crate::config::{self, Plan};
use crate::control;
use crate::metrics::Metrics;
use crate::rib::{Finding, Findings};
use crate::speaker::{Generations, Listeners, Speaker};
use crate::wire::{ErrorCode, Notification};

/// How long the daemon takes to stop at most; the sessions have 4 s of it.
const STOP_WITHIN: Duration = Duration::from_millis(4500);

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(flatten)]
    log: log::LogArgs,
}

/// Runs the daemon until it is told to stop.
pub(super) fn run(args: &RunArgs) -> ExitCode {
    if let Err(error) = log::init(&args.log) {
        eprintln!("peeringd: {error}");
        return ExitCode::from(2);
    }
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(StartError::Findings(findings)) => {
            eprintln!("{findings}");
            ExitCode::FAILURE
        }
        Err(error) => {
            error!(%error, "peeringd cannot start");
            ExitCode::FAILURE
        }
    }
}

/// Why the daemon did not start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error(transparent)]
    Findings(#[from] Findings),
    #[error(transparent)]
    Listen(#[from] crate::speaker::ListenError),
    #[error("http cannot listen on {at}: {error}")]
    Http { at: std::net::SocketAddr, error: std::io::Error },
    #[error("the control socket {}: {error}", path.display())]
    Socket { path: PathBuf, error: std::io::Error },
    #[error("the state folder {}: {error}", path.display())]
    State { path: PathBuf, error: std::io::Error },
    #[error("the metrics: {0}")]
    Metrics(#[from] crate::metrics::MetricsError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

fn start(args: &RunArgs) -> Result<(), StartError> {
    let mut generations = Generations::new();
    let loaded = Loaded::of(&args.config, &mut generations)?;
    // Whoever looks is served by a thread of its own, so that no reader can slow a session.
    let looking = Builder::new_current_thread().enable_all().build()?;
    let speaking = Builder::new_multi_thread().enable_all().thread_name("speaker").build()?;
    let lookers = looking.handle().clone();
    let (over, ended) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::Builder::new().name("lookers".into()).spawn(move || {
        // Ends when `over` is dropped.
        drop(looking.block_on(ended));
        looking.shutdown_background();
    })?;
    let result = speaking.block_on(daemon(generations, loaded, &lookers));
    drop(over);
    speaking.shutdown_background();
    if thread.join().is_err() {
        warn!("the readers' thread had died");
    }
    result
}

async fn daemon(generations: Generations, loaded: Loaded, lookers: &Runtime) -> Result<(), StartError> {
    let plan = &loaded.plan;
    let mut signals = Signals::new()?;
    std::fs::create_dir_all(&plan.state_dir)
        .map_err(|error| StartError::State { path: plan.state_dir.clone(), error })?;
    let listeners = Listeners::bind(&plan.router.listen)?;
    let socket = control::bind_socket(&plan.control_socket)
        .map_err(|error| StartError::Socket { path: plan.control_socket.clone(), error })?;
    let http = match plan.http {
        Some(at) => Some(TcpListener::bind(at).await.map_err(|error| StartError::Http { at, error })?),
        None => None,
    };
    let metrics = Metrics::new()?;
    say_started(plan, &listeners, http.as_ref());
    loaded.say(&metrics);
    let plan = plan.clone();
    let speaker = Speaker::start(plan.clone(), loaded.generation, listeners, metrics.clone());
    let serving = serve(lookers, &speaker, &metrics, socket, http);
    systemd::ready("advertising");
    let mut daemon =
        Daemon { plan, generations: Arc::new(Mutex::new(generations)), speaker, metrics, reload: None };
    let end = daemon.run(&mut signals).await;
    systemd::stopping();
    let notification = match end {
        End::Stop => Some(Notification::new(ErrorCode::ADMIN_SHUTDOWN)),
        End::Restart => None,
    };
    info!(notification = notification.as_ref().map(tracing::field::display), "stopping");
    let stopped = daemon.speaker.stop(notification);
    tokio::select! {
        stopped = tokio::time::timeout(STOP_WITHIN, stopped) => {
            if !matches!(stopped, Ok(Ok(()))) {
                warn!("not every session could be closed in time");
            }
        }
        _ = signals.end() => warn!("stopping at once"),
    }
    serving.end().await;
    info!("stopped");
    Ok(())
}

/// Serves whoever looks, on their own runtime.
fn serve(
    lookers: &Runtime,
    speaker: &Speaker,
    metrics: &Metrics,
    socket: UnixListener,
    http: Option<TcpListener>,
) -> Serving {
    let (end, _) = watch::channel(());
    let ended = || {
        let mut end = end.subscribe();
        async move {
            // An error means that the sender is gone, and with it whoever would say so.
            drop(end.changed().await);
        }
    };
    let router = control::socket_router(speaker.handle(), metrics.clone());
    let mut tasks = vec![lookers.spawn(control::serve_socket(socket, router, ended()))];
    if let Some(http) = http {
        let router = control::router(speaker.handle(), metrics.clone());
        tasks.push(lookers.spawn(control::serve_http(http, router, ended())));
    }
    Serving { end, tasks }
}

/// The servers of whoever looks.
struct Serving {
    end: watch::Sender<()>,
    tasks: Vec<JoinHandle<()>>,
}

impl Serving {
    /// Ends them; the control socket's file goes with its server.
    async fn end(self) {
        self.end.send_replace(());
        for task in self.tasks {
            if tokio::time::timeout(Duration::from_secs(1), task).await.is_err() {
                warn!("a reader kept its server from ending");
            }
        }
    }
}

/// How the daemon is to end.
#[derive(Clone, Copy, Debug)]
enum End {
    /// SIGTERM or SIGINT: Cease, and the routes go.
    Stop,
    /// SIGUSR1: the connections close without NOTIFICATION, as a peer with graceful restart expects of a restart.
    Restart,
}

/// The signals that mean something.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    restart: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            restart: signal(SignalKind::user_defined1())?,
        })
    }

    /// Until the process is told to end.
    async fn end(&mut self) -> End {
        tokio::select! {
            _ = self.terminate.recv() => End::Stop,
            _ = self.interrupt.recv() => End::Stop,
            _ = self.restart.recv() => End::Restart,
        }
    }
}

/// A reload under way, and whether another was asked for meanwhile.
struct Reload {
    task: JoinHandle<Result<Loaded, Findings>>,
    again: bool,
}

/// The running daemon.
struct Daemon {
    plan: Arc<Plan>,
    generations: Arc<Mutex<Generations>>,
    speaker: Speaker,
    metrics: Metrics,
    reload: Option<Reload>,
}

impl Daemon {
    /// Serves signals and the watchdog until the process is told to end.
    async fn run(&mut self, signals: &mut Signals) -> End {
        let interval = systemd::watchdog_interval();
        // Without a watchdog the timer is never waited for, but must have a period.
        let mut alive = tokio::time::interval(interval.unwrap_or(Duration::from_secs(3600)));
        loop {
            tokio::select! {
                _ = signals.terminate.recv() => return End::Stop,
                _ = signals.interrupt.recv() => return End::Stop,
                _ = signals.restart.recv() => return End::Restart,
                _ = signals.hangup.recv() => self.begin_reload(),
                loaded = loaded(self.reload.as_mut()) => self.end_reload(loaded).await,
                _ = alive.tick(), if interval.is_some() => {
                    if self.speaker.ping().await.is_ok() {
                        systemd::alive();
                    }
                }
            }
        }
    }

    /// Reads config and RIB anew on a blocking thread; sessions and the watchdog go on meanwhile.
    fn begin_reload(&mut self) {
        if let Some(reload) = &mut self.reload {
            reload.again = true;
            return;
        }
        info!("reloading");
        systemd::reloading();
        let (old, generations) = (self.plan.clone(), self.generations.clone());
        let task = tokio::task::spawn_blocking(move || {
            let mut generations = generations.lock().unwrap_or_else(PoisonError::into_inner);
            Loaded::next(&old, &mut generations)
        });
        self.reload = Some(Reload { task, again: false });
    }

    async fn end_reload(&mut self, loaded: Result<Loaded, Findings>) {
        let again = self.reload.take().is_some_and(|reload| reload.again);
        match loaded {
            Ok(loaded) => self.put_in_force(loaded).await,
            Err(findings) => self.refuse(&findings).await,
        }
        systemd::ready("advertising");
        if again {
            self.begin_reload();
        }
    }

    async fn put_in_force(&mut self, loaded: Loaded) {
        let changes = config::changes(&self.plan, &loaded.plan);
        loaded.say(&self.metrics);
        self.plan = loaded.plan;
        if self.speaker.reload(self.plan.clone(), changes, loaded.generation).await.is_err() {
            error!("the speaker has ended; the reload came too late");
        }
    }

    /// Nothing of a load with an error is used.
    async fn refuse(&mut self, findings: &Findings) {
        for finding in &findings.0 {
            error!("{finding}");
        }
        error!("the reload is refused: nothing has changed");
        self.metrics.rib().load_failed();
        if self.speaker.refused(findings.to_string()).await.is_err() {
            error!("the speaker has ended");
        }
    }
}

async fn loaded(reload: Option<&mut Reload>) -> Result<Loaded, Findings> {
    let Some(reload) = reload else { return std::future::pending().await };
    match (&mut reload.task).await {
        Ok(loaded) => loaded,
        Err(died) => Err(Findings(vec![Finding::error(
            crate::rib::Place::file("reload"),
            format!("loading died: {died}"),
            "report this as a bug; the tables in force are untouched",
        )])),
    }
}

fn say_started(plan: &Plan, listeners: &Listeners, http: Option<&TcpListener>) {
    if plan.lab {
        warn!(
            "LAB MODE: private and documentation ASNs, loopback and off-subnet addresses are allowed; not for production"
        );
    }
    for at in listeners.addresses() {
        info!(%at, "listening");
    }
    if let Some(at) = http.and_then(|l| l.local_addr().ok()) {
        info!(%at, "serving /metrics, /healthz, /readyz and /api/v1/");
    }
    info!(socket = %plan.control_socket.display(), sessions = plan.sessions.len(), "peeringd {}", env!("CARGO_PKG_VERSION"));
}
