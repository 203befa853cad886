//! `peeringd show`: what the running daemon knows, as tables or as its own JSON.

mod connections;
mod limit;
mod origin;
mod peerings;
mod protocol;
mod ranges;
mod registered;
mod restart;
mod routes;
mod view;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use serde::de::DeserializeOwned;

use super::client::{Client, ClientError, SocketArgs, encoded};
use super::table::{Columns, folded, printable, terminal_width};
use connections::Connection;
use ranges::Range;
use registered::{OfPeering, Only};
use routes::{Route, RouteColumns};
use view::{Clock, Generation, Session};

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
        What::Connections => show.connections(out).await,
        What::Peerings => show.peerings(out).await,
        What::Generation => show.value::<Generation>("/api/v1/generation", out).await,
        What::Origin => show.value::<origin::Origin>("/api/v1/origin", out).await,
        What::Registered(only) => show.registered(registered::PREFIXES, only, out).await,
        What::RegisteredAsns(of) => show.registered(registered::ASNS, &of.into(), out).await,
        What::ServicePrefixes(only) => show.registered(registered::SERVICE_PREFIXES, only, out).await,
        What::Events(only) => show.registered(registered::EVENTS, only, out).await,
        What::Routes { prefix } => {
            let list = List { path: "/api/v1/routes".to_owned(), prefix: prefix.as_deref(), of: "the table" };
            show.list(&list, routes::ROUTES, out).await
        }
        What::Advertised { peer, prefix } => {
            let path = session_path(peer, "/advertised");
            let list = List { path, prefix: prefix.as_deref(), of: &format!("what {peer} was told") };
            show.list(&list, routes::ADVERTISED, out).await
        }
        What::Received { peer, prefix } => {
            let path = session_path(peer, "/received");
            let list = List { path, prefix: prefix.as_deref(), of: &format!("what {peer} announced") };
            show.list(&list, routes::RECEIVED, out).await
        }
    }
}

/// A list of routes, or what is looked up in it.
struct List<'a> {
    path: String,
    /// A prefix or an address.
    prefix: Option<&'a str>,
    /// What it lists.
    of: &'a str,
}

impl List<'_> {
    fn url(&self) -> String {
        match self.prefix {
            Some(prefix) => format!("{}?prefix={}", self.path, encoded(prefix)),
            None => self.path.clone(),
        }
    }

    /// What to say of a list without a row: nothing, unless something was looked up.
    fn none_found(&self) -> Result<(), ClientError> {
        let Some(prefix) = self.prefix else { return Ok(()) };
        Err(ClientError::NotThere(if prefix.contains('/') {
            format!("{prefix} is not in {}", self.of)
        } else {
            format!("no route covers {prefix} in {}", self.of)
        }))
    }
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
            return self.json(path, out).await.map(drop);
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

    async fn connections(&self, out: &mut impl Write) -> Result<(), ClientError> {
        let path = "/api/v1/connections";
        if self.json {
            return self.json(path, out).await.map(drop);
        }
        let mut rows = self.client.rows(path).await?;
        let mut columns = Columns::new(connections::HEAD, self.eye.terminal);
        loop {
            let window = rows.next(WINDOW).await?;
            let read = |row: &bytes::Bytes| serde_json::from_slice::<Connection>(row).map(|c| c.row());
            let cells: Vec<[String; 8]> = window.iter().map(read).collect::<Result<_, _>>()?;
            columns.print(&cells, out)?;
            if window.is_empty() {
                return Ok(());
            }
        }
    }

    async fn peerings(&self, out: &mut impl Write) -> Result<(), ClientError> {
        let path = "/api/v1/peerings";
        if self.json {
            return self.json(path, out).await.map(drop);
        }
        let peerings = self.all(path).await?;
        let (peer_asns, connections) =
            (self.all("/api/v1/peerAsns").await?, self.all("/api/v1/connections").await?);
        let table = peerings::table(&peerings, &peer_asns, &connections, self.eye.terminal);
        Ok(out.write_all(table.as_bytes())?)
    }

    async fn list<const N: usize>(
        &self,
        list: &List<'_>,
        view: RouteColumns<N>,
        out: &mut impl Write,
    ) -> Result<(), ClientError> {
        if self.json {
            return if self.json(&list.url(), out).await? == 0 { list.none_found() } else { Ok(()) };
        }
        let mut rows = self.client.rows(&list.url()).await?;
        let mut columns = Columns::new(view.head, self.eye.terminal);
        let mut window = rows.next(WINDOW).await?;
        if window.is_empty() {
            list.none_found()?;
            return Ok(columns.print(&[], out)?);
        }
        while !window.is_empty() {
            let mut cells = Vec::with_capacity(window.len());
            for row in window {
                cells.push((view.cells)(&serde_json::from_slice::<Route>(&row)?, &self.eye.clock));
            }
            columns.print(&cells, out)?;
            window = rows.next(WINDOW).await?;
        }
        Ok(())
    }

    /// A list as the daemon wrote it, a row a line; returns how many there are.
    async fn json(&self, path: &str, out: &mut impl Write) -> Result<usize, ClientError> {
        let mut rows = self.client.rows(path).await?;
        let mut count = 0_usize;
        loop {
            let window = rows.next(WINDOW).await?;
            if window.is_empty() {
                break;
            }
            for row in window {
                out.write_all(if count > 0 { b",\n" } else { b"[\n" })?;
                out.write_all(&row)?;
                count += 1;
            }
        }
        out.write_all(if count > 0 { b"\n]\n" } else { b"[]\n" })?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
