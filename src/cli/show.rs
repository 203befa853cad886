//! `peeringd show`: what the running daemon knows, as tables or as its own JSON.

mod clock;
mod connections;
mod limit;
mod listing;
mod origin;
mod peer_asns;
mod peerings;
mod protocol;
mod ranges;
mod received_routes;
mod registered;
mod restart;
mod routes;
mod view;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use serde::de::DeserializeOwned;

use super::client::{Client, ClientError, SocketArgs, encoded};
use super::table::{folded, printable, terminal_width};
use clock::Clock;
use listing::Asked;
use ranges::Range;
use received_routes::ReceivedRoutes;
use registered::{OfPeering, Only};
use view::{Generation, Session};

/// Rows fetched and printed at once.
const WINDOW: usize = 1000;
/// Between a name and what it is.
const GAP: &str = "  ";

/// Arguments of `peeringd show`.
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    socket: SocketArgs,
    /// The daemon's JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
}

/// What to show. SESSION and PEER are a session's name, its peer's address, or its connection's name where that has one
/// session.
#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// Every session, a line each, and every range that peers may dial from.
    Sessions,
    /// One session, with all there is to know.
    Session {
        /// A session's name, its peer's address, or its connection's name where that has one session.
        session: String,
    },
    /// Every connection, a line each: its state, which is not that of its sessions, its type, and what it lacks.
    Connections,
    /// Every peering, with the states of its connections beside those of their sessions; --json is Azure's array.
    Peerings,
    /// Partners' ASNs, each with its state and whom to turn to; --json is Azure's array.
    PeerAsns,
    /// The routes of the generation in force.
    Routes {
        /// A prefix, for that route only; or an address, for the most specific route that covers it.
        prefix: Option<String>,
    },
    /// What a peer has been told.
    Advertised {
        /// A session's name, its peer's address, or its connection's name where that has one session.
        peer: String,
        /// A prefix, for that route only; or an address, for the most specific route that covers it.
        prefix: Option<String>,
    },
    /// What is held of what a peer announced, as it was received.
    Received {
        /// A session's name, its peer's address, or its connection's name where that has one session.
        peer: String,
        /// A prefix, for that route only; or an address, for the most specific route that covers it.
        prefix: Option<String>,
    },
    /// What all peers of a peering announce, as Azure's list of received routes has it, with its filters and its pages.
    ReceivedRoutes(ReceivedRoutes),
    /// The generation in force: number, hash, size.
    Generation,
    /// What routes' origins are validated by: VRPs, RTR caches, routing registries.
    Origin,
    /// What partners registered, each prefix with its state, key and error.
    Registered(Only),
    /// The ASNs that partners registered, each with its key.
    RegisteredAsns(OfPeering),
    /// What customers brought into their own Peering Service.
    ServicePrefixes(Only),
    /// What happened to prefixes and connections, the oldest first.
    Events(Only),
}

/// Runs `peeringd show`. Exit code 0, or 1 after a line on stderr; a reader that goes away early is no error.
#[must_use]
pub fn run(args: &ShowArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let eye = Eye { terminal: terminal_width(), clock: Clock::now() };
    let mut out = BufWriter::new(io::stdout().lock());
    let shown = runtime.block_on(show(args, eye, &mut out));
    let flushed = out.flush().map_err(ClientError::from);
    match shown.and(flushed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(ClientError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(message: &str) -> ExitCode {
    // Where stderr is gone too, the exit code says it alone.
    drop(writeln!(io::stderr(), "peeringd: {}", printable(message)));
    ExitCode::FAILURE
}

/// Who looks, and when.
struct Eye {
    /// The terminal's width, if it is one.
    terminal: Option<usize>,
    clock: Clock,
}

async fn show(args: &ShowArgs, eye: Eye, out: &mut impl Write) -> Result<(), ClientError> {
    let show = Show { client: Client::new(&args.socket.socket), json: args.json, eye };
    match &args.what {
        What::Sessions => show.sessions(out).await,
        What::Session { session } => show.value::<Session>(&session_path(session, ""), out).await,
        What::Connections => show.list("/api/v1/connections".into(), connections::CONNECTIONS, out).await,
        What::PeerAsns => show.list("/api/v1/peerAsns".into(), peer_asns::PEER_ASNS, out).await,
        What::ReceivedRoutes(wanted) => show.received_routes(wanted, out).await,
        What::Peerings => show.peerings(out).await,
        What::Generation => show.value::<Generation>("/api/v1/generation", out).await,
        What::Origin => show.value::<origin::Origin>("/api/v1/origin", out).await,
        What::Registered(only) => {
            let asked = only.of("/api/v1/registeredPrefixes", "registered prefix");
            show.list(asked, registered::PREFIXES, out).await
        }
        What::RegisteredAsns(of) => {
            let asked = Only::from(of).of("/api/v1/registeredAsns", "registered ASN");
            show.list(asked, registered::ASNS, out).await
        }
        What::ServicePrefixes(only) => {
            let asked = only.of("/api/v1/peeringServicePrefixes", "Peering Service prefix");
            show.list(asked, registered::SERVICE_PREFIXES, out).await
        }
        What::Events(only) => {
            let asked = only.of("/api/v1/events", "prefix that events are of");
            show.list(asked, registered::EVENTS, out).await
        }
        What::Routes { prefix } => {
            show.list(routes_of("/api/v1/routes", prefix.as_deref(), "the table"), routes::ROUTES, out).await
        }
        What::Advertised { peer, prefix } => {
            let path = session_path(peer, "/advertised");
            let asked = routes_of(&path, prefix.as_deref(), &format!("what {peer} was told"));
            show.list(asked, routes::ADVERTISED, out).await
        }
        What::Received { peer, prefix } => {
            let path = session_path(peer, "/received");
            let asked = routes_of(&path, prefix.as_deref(), &format!("what {peer} announced"));
            show.list(asked, routes::RECEIVED, out).await
        }
    }
}

/// A list of routes, or what a prefix or an address is looked up in. Without a row it is an error then.
fn routes_of(path: &str, prefix: Option<&str>, of: &str) -> Asked {
    let Some(prefix) = prefix else { return path.into() };
    let none = if prefix.contains('/') {
        format!("{prefix} is not in {of}")
    } else {
        format!("no route covers {prefix} in {of}")
    };
    Asked { url: format!("{path}?prefix={}", encoded(prefix)), none: Some(none) }
}

fn session_path(session: &str, rest: &str) -> String {
    format!("/api/v1/sessions/{}{rest}", encoded(session))
}

/// One call of the command.
struct Show {
    client: Client,
    json: bool,
    eye: Eye,
}

impl Show {
    async fn value<T: DeserializeOwned + view::Lines>(
        &self,
        path: &str,
        out: &mut impl Write,
    ) -> Result<(), ClientError> {
        let text = self.client.value(path).await?;
        if self.json {
            out.write_all(text.trim_ascii_end())?;
            return Ok(out.write_all(b"\n")?);
        }
        let value: T = serde_json::from_slice(&text)?;
        let lines = value.lines(&self.eye.clock);
        let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let room = self.eye.terminal.map_or(usize::MAX, |all| all.saturating_sub(width + GAP.len()));
        for (name, said) in lines {
            for (name, part) in std::iter::once(name).chain(std::iter::repeat("")).zip(folded(&said, room)) {
                writeln!(out, "{}", format!("{name:<width$}{GAP}{part}").trim_end())?;
            }
        }
        Ok(())
    }

    async fn sessions(&self, out: &mut impl Write) -> Result<(), ClientError> {
        let path = "/api/v1/sessions";
        if self.json {
            return self.json(path, out).await;
        }
        let sessions = self.all::<Session>(path).await?;
        let ranges = self.all::<Range>("/api/v1/ranges").await?;
        out.write_all(view::sessions(&sessions, &self.eye.clock, self.eye.terminal).as_bytes())?;
        Ok(out.write_all(ranges::table(&ranges, self.eye.terminal).as_bytes())?)
    }

    /// Every row of a list that is short.
    async fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, ClientError> {
        let mut rows = self.client.rows(path).await?;
        let mut all = Vec::new();
        loop {
            let window = rows.next(WINDOW).await?;
            if window.is_empty() {
                return Ok(all);
            }
            for row in window {
                all.push(serde_json::from_slice(&row)?);
            }
        }
    }

    async fn peerings(&self, out: &mut impl Write) -> Result<(), ClientError> {
        let path = "/api/v1/peerings";
        if self.json {
            return self.json(path, out).await;
        }
        let peerings = self.all(path).await?;
        let (peer_asns, connections) =
            (self.all("/api/v1/peerAsns").await?, self.all("/api/v1/connections").await?);
        let table = peerings::table(&peerings, &peer_asns, &connections, self.eye.terminal);
        Ok(out.write_all(table.as_bytes())?)
    }
}

#[cfg(test)]
mod tests;
