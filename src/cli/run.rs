//! `peeringd run`: the daemon. Puts the rooms together and listens to signals.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::net::{TcpListener, UnixListener};
use tokio::runtime::{Builder, Handle as Runtime};
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;
use tracing::{error, info, warn};

use super::daemon::{Daemon, End, Signals, say_lab};
use super::load::Loaded;
use super::{load, log, systemd};
use crate::config::Plan;
use crate::control;
use crate::metrics::Metrics;
use crate::rib::Findings;
use crate::speaker::{Generations, Listeners, Resumed, Speaker, Store, settle_memory};
use crate::wire::{ErrorCode, Notification};

/// How long the daemon takes to stop at most; the sessions have 3 s of it, the readers 1 s.
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
    settle_memory();
    let guard = match log::init(&args.log) {
        Ok(guard) => guard,
        Err(error) => {
            eprintln!("peeringd: {error}");
            return ExitCode::from(2);
        }
    };
    let code = logged(args);
    // Everything that was logged is written before the process ends.
    drop(guard);
    code
}

fn logged(args: &RunArgs) -> ExitCode {
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(StartError::Findings(findings)) => {
            findings.log();
            error!("peeringd cannot start: the config, the RIB or the state has errors");
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
    #[error("http.listen: cannot listen on {at}: {error}")]
    Http { at: std::net::SocketAddr, error: std::io::Error },
    #[error("the control socket (control.socket): {0}")]
    Socket(std::io::Error),
    #[error("the speaker has ended by itself")]
    Died,
    #[error("the state folder {} (state_dir): {error}", path.display())]
    State { path: PathBuf, error: std::io::Error },
    #[error("the metrics: {0}")]
    Metrics(#[from] crate::metrics::MetricsError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

fn start(args: &RunArgs) -> Result<(), StartError> {
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
    let result = speaking.block_on(daemon(args.config.clone(), &lookers));
    drop(over);
    speaking.shutdown_background();
    if thread.join().is_err() {
        warn!("the readers' thread had died");
    }
    result
}

async fn daemon(config: PathBuf, lookers: &Runtime) -> Result<(), StartError> {
    let mut signals = Signals::new()?;
    let load = spawn_blocking(move || {
        let mut generations = Generations::new();
        Loaded::of(&config, &mut generations).map(|loaded| (loaded, generations))
    });
    let ((loaded, kept), generations) = tokio::select! {
        loaded = load => loaded.map_err(std::io::Error::other)??,
        _ = signals.end() => return Ok(()),
    };
    let plan = loaded.plan.clone();
    std::fs::create_dir_all(&plan.state_dir)
        .map_err(|error| StartError::State { path: plan.state_dir.clone(), error })?;
    let registrations = load::registrations(&plan)?;
    let listeners = Listeners::bind(&plan.router.listen)?;
    let http = match plan.http {
        Some(at) => Some(TcpListener::bind(at).await.map_err(|error| StartError::Http { at, error })?),
        None => None,
    };
    let metrics = Metrics::new()?;
    // Last, since its file is only taken away by whoever serves it.
    let socket = control::bind_socket(&plan.control_socket).map_err(StartError::Socket)?;
    say_started(&plan, &listeners, http.as_ref());
    let resumed = Resumed { kept, store: Some(Store::new(&plan.state_dir)), registrations };
    let generation = loaded.generation.clone();
    let speaker = Speaker::resume(plan.clone(), generation, listeners, metrics.clone(), resumed);
    loaded.say(&metrics, None);
    // It would keep the first generation for as long as the daemon runs.
    drop(loaded);
    let serving = serve(lookers, &speaker, &metrics, socket, http);
    systemd::ready("advertising");
    let end = Daemon::new(plan, generations, speaker.clone(), metrics).run(&mut signals).await;
    systemd::stopping();
    let stopped = timeout(STOP_WITHIN, stop(&speaker, end, serving));
    tokio::select! {
        stopped = stopped => if stopped.is_err() {
            warn!("not everything could be closed in time");
        },
        _ = signals.end() => warn!("stopping at once"),
    }
    match end {
        End::Stop | End::Restart => {
            info!("stopped");
            Ok(())
        }
        End::Died => Err(StartError::Died),
    }
}

/// Ends sessions, then readers.
async fn stop(speaker: &Speaker, end: End, serving: Serving) {
    let notification = match end {
        End::Stop => Some(Notification::new(ErrorCode::ADMIN_SHUTDOWN)),
        End::Restart | End::Died => None,
    };
    info!(notification = notification.as_ref().map(tracing::field::display), "stopping");
    if end != End::Died && speaker.stop(notification).await.is_err() {
        warn!("the speaker had ended before");
    }
    serving.end().await;
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
            if task.await.is_err() {
                warn!("a reader's server had died");
            }
        }
    }
}

fn say_started(plan: &Plan, listeners: &Listeners, http: Option<&TcpListener>) {
    if plan.lab {
        say_lab();
    }
    for at in listeners.addresses() {
        info!(%at, "listening");
    }
    if let Some(at) = http.and_then(|l| l.local_addr().ok()) {
        info!(%at, "serving /metrics, /healthz, /readyz and /api/v1/");
    }
    for range in &plan.ranges {
        let (net, limit) = (range.range, range.peer_limit);
        info!(range = %net, connection = %range.template.connection, to = %range.template.local_address, limit, "peers may dial");
    }
    info!(socket = %plan.control_socket.display(), sessions = plan.sessions.len(), "peeringd {}", env!("CARGO_PKG_VERSION"));
}
