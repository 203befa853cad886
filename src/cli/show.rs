//! `peeringd show`: what the running daemon knows, as tables or as its own JSON.

mod view;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use serde::de::DeserializeOwned;

use super::client::{Client, ClientError, encoded};
use super::table::{Columns, printable, terminal_width};
use view::{Clock, Generation, Route, Session};

/// Rows fetched and printed at once.
const WINDOW: usize = 1000;

/// Arguments of `peeringd show`.
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    #[command(subcommand)]
    what: What,
    /// The daemon's control socket.
    #[arg(
        long,
        global = true,
        env = "PEERINGD_SOCKET",
        default_value = "/run/peeringd/control.sock",
        value_name = "PATH"
    )]
    socket: PathBuf,
    /// The daemon's JSON instead of a table.
    #[arg(long, global = true)]
    json: bool,
}

/// What to show. SESSION and PEER are a session's name, its peer's address, or its connection's name where that has one
/// session.
#[derive(Clone, Debug, clap::Subcommand)]
enum What {
    /// Every session, a line each.
    Sessions,
    /// One session, with all there is to know.
    Session {
        /// A session's name, its peer's address, or its connection's name where that has one session.
        session: String,
    },
    /// The routes of the generation in force.
    Routes {
        /// A prefix, for that route only; or an address, for the most specific route that covers it.
        prefix: Option<String>,
    },
    /// What a peer has been told.
    Advertised {
        /// A session's name, its peer's address, or its connection's name where that has one session.
        peer: String,
    },
    /// What is held of what a peer announced, accepted or not.
    Received {
        /// A session's name, its peer's address, or its connection's name where that has one session.
        peer: String,
    },
    /// The generation in force: number, hash, size.
    Generation,
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
    match shown.and_then(|()| Ok(out.flush()?)) {
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
    let show = Show { client: Client::new(&args.socket), json: args.json, eye };
    match &args.what {
        What::Sessions => show.sessions(out).await,
        What::Session { session } => show.value::<Session>(&session_path(session, ""), out).await,
        What::Generation => show.value::<Generation>("/api/v1/generation", out).await,
        What::Routes { prefix: None } => show.list("/api/v1/routes", view::ROUTES, out).await,
        What::Routes { prefix: Some(prefix) } => {
            let path = format!("/api/v1/routes?prefix={}", encoded(prefix));
            show.list(&path, view::ROUTES, out).await
        }
        What::Advertised { peer } => {
            show.list(&session_path(peer, "/advertised"), view::ADVERTISED, out).await
        }
        What::Received { peer } => show.list(&session_path(peer, "/received"), view::RECEIVED, out).await,
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
        for (name, said) in value.lines(&self.eye.clock) {
            let line = format!("{name:<19}  {}", printable(&said));
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    async fn sessions(&self, out: &mut impl Write) -> Result<(), ClientError> {
        let path = "/api/v1/sessions";
        if self.json {
            return self.json(path, out).await;
        }
        let mut rows = self.client.rows(path).await?;
        let mut sessions = Vec::new();
        loop {
            let window = rows.next(WINDOW).await?;
            if window.is_empty() {
                break;
            }
            for row in window {
                sessions.push(serde_json::from_slice::<Session>(&row)?);
            }
        }
        Ok(out.write_all(view::sessions(&sessions, &self.eye.clock, self.eye.terminal).as_bytes())?)
    }

    async fn list<const N: usize>(
        &self,
        path: &str,
        view: view::RouteColumns<N>,
        out: &mut impl Write,
    ) -> Result<(), ClientError> {
        if self.json {
            return self.json(path, out).await;
        }
        let mut rows = self.client.rows(path).await?;
        let mut columns = Columns::new(view.head, self.eye.terminal);
        loop {
            let window = rows.next(WINDOW).await?;
            if window.is_empty() {
                return Ok(columns.print(&[], out)?);
            }
            let mut cells = Vec::with_capacity(window.len());
            for row in window {
                cells.push((view.cells)(&serde_json::from_slice::<Route>(&row)?, &self.eye.clock));
            }
            columns.print(&cells, out)?;
        }
    }

    /// A list as the daemon wrote it, a row a line.
    async fn json(&self, path: &str, out: &mut impl Write) -> Result<(), ClientError> {
        let mut rows = self.client.rows(path).await?;
        let mut begun = false;
        loop {
            let window = rows.next(WINDOW).await?;
            if window.is_empty() {
                break;
            }
            for row in window {
                out.write_all(if begun { b",\n" } else { b"[\n" })?;
                out.write_all(&row)?;
                begun = true;
            }
        }
        Ok(out.write_all(if begun { b"\n]\n" } else { b"[]\n" })?)
    }
}

#[cfg(test)]
mod tests;
