//! `peeringd reset` and `peeringd refresh`: what an operator has a session do.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, ClientError, SocketArgs, encoded};
use super::table::printable;

/// Arguments of `peeringd reset`.
#[derive(Args, Clone, Debug)]
pub struct ResetArgs {
    /// A session's name, its peer's address, or its connection's name where that has one session.
    session: String,
    /// Have the peer let our routes go even where it would keep them for a restart: Cease/9 (RFC 8538).
    #[arg(long)]
    hard: bool,
    /// Words for the peer's operator (RFC 9003), up to 255 octets, in place of the config's shutdown_communication.
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    socket: SocketArgs,
}

/// Arguments of `peeringd refresh`.
#[derive(Args, Clone, Debug)]
pub struct RefreshArgs {
    /// A session's name, its peer's address, or its connection's name where that has one session.
    session: String,
    /// Tell the peer all our routes again, rather than ask it for all of its own.
    #[arg(long)]
    out: bool,
    #[command(flatten)]
    socket: SocketArgs,
}

/// Runs `peeringd reset`. Exit code 0, or 1 after a line on stderr.
#[must_use]
pub fn reset(args: &ResetArgs) -> ExitCode {
    let order = json!({ "hard": args.hard, "text": args.text });
    run(&args.socket, &args.session, "reset", &order, "is reset")
}

/// Runs `peeringd refresh`. Exit code 0, or 1 after a line on stderr.
#[must_use]
pub fn refresh(args: &RefreshArgs) -> ExitCode {
    let done = if args.out { "is being told all routes again" } else { "was asked for all routes again" };
    run(&args.socket, &args.session, "refresh", &json!({ "out": args.out }), done)
}

#[derive(Deserialize)]
struct Done {
    session: String,
}

fn run(socket: &SocketArgs, session: &str, what: &str, order: &serde_json::Value, done: &str) -> ExitCode {
    let said = ask(socket, session, what, order).and_then(|session| {
        writeln!(io::stdout(), "{} {done}", printable(&session)).map_err(ClientError::from)
    });
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where stderr is gone too, the exit code says it alone.
            drop(writeln!(io::stderr(), "peeringd: {}", printable(&error.to_string())));
            ExitCode::FAILURE
        }
    }
}

/// Orders it, and gives the name of the session that it was done to.
fn ask(
    socket: &SocketArgs,
    session: &str,
    what: &str,
    order: &serde_json::Value,
) -> Result<String, ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let path = format!("/api/v1/sessions/{}/{what}", encoded(session));
    let answer = runtime.block_on(Client::new(&socket.socket).order(&path, order))?;
    Ok(serde_json::from_slice::<Done>(&answer)?.session)
}
