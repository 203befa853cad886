//! `peeringd reset` and `peeringd refresh`: what an operator has a session do.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::client::{Client, ClientError, SocketArgs, encoded, say};
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
    let has_text = args.text.is_some();
    run(&args.socket, &args.session, "reset", &order, |done: &WasReset| done.in_words(has_text))
}

/// Runs `peeringd refresh`. Exit code 0, or 1 after a line on stderr.
#[must_use]
pub fn refresh(args: &RefreshArgs) -> ExitCode {
    let done = if args.out { "is being told all routes again" } else { "was asked for all routes again" };
    let order = json!({ "out": args.out });
    run(&args.socket, &args.session, "refresh", &order, |Done { session }| format!("{session} {done}"))
}

#[derive(Deserialize)]
struct Done {
    session: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WasReset {
    session: String,
    has_ended: bool,
    is_told: bool,
}

impl WasReset {
    /// What was done, and that the text reached nobody where it did not.
    fn in_words(&self, has_text: bool) -> String {
        let Self { session, has_ended, is_told } = self;
        match (has_ended, is_told, has_text) {
            (true, _, _) => format!("{session} is reset"),
            (false, true, _) => {
                format!(
                    "{session} had no session to end: the attempt under way is ended, and it is started anew"
                )
            }
            (false, false, false) => format!("{session} had no session to end: it is started anew"),
            (false, false, true) => {
                format!("{session} had no session to end: it is started anew, and nobody was told the text")
            }
        }
    }
}

fn run<T: DeserializeOwned>(
    socket: &SocketArgs,
    session: &str,
    what: &str,
    order: &serde_json::Value,
    in_words: impl Fn(&T) -> String,
) -> ExitCode {
    let said = ask(socket, session, what, order).and_then(|done| say(&mut io::stdout(), &in_words(&done)));
    match said {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where stderr is gone too, the exit code says it alone.
            drop(writeln!(io::stderr(), "peeringd: {}", printable(&error.to_string())));
            ExitCode::FAILURE
        }
    }
}

/// Orders it, and gives the daemon's answer.
fn ask<T: DeserializeOwned>(
    socket: &SocketArgs,
    session: &str,
    what: &str,
    order: &serde_json::Value,
) -> Result<T, ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let path = format!("/api/v1/sessions/{}/{what}", encoded(session));
    let answer = runtime.block_on(Client::new(&socket.socket).order(&path, order))?;
    Ok(serde_json::from_slice(&answer)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_of_what_is_down_is_not_said_to_have_ended_anything() {
        let said = |has_ended: bool, is_told: bool, has_text: bool| {
            WasReset { session: "a-v4".to_owned(), has_ended, is_told }.in_words(has_text)
        };
        assert_eq!(said(true, true, true), "a-v4 is reset");
        assert_eq!(said(false, false, false), "a-v4 had no session to end: it is started anew");
        assert_eq!(
            said(false, false, true),
            "a-v4 had no session to end: it is started anew, and nobody was told the text"
        );
        assert!(said(false, true, true).contains("the attempt under way is ended"));
    }
}
