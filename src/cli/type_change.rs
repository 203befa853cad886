//! `peeringd type-change`: another type for a connection, drained first and restarted then.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, ClientError, SocketArgs, encoded};
use super::table::printable;

/// Arguments of `peeringd type-change`.
#[derive(Args, Clone, Debug)]
pub struct TypeChangeArgs {
    /// A connection's name.
    connection: String,
    /// A type as in the config, like `voice`, or `peering_service` for the use for Peering Service.
    r#type: String,
    #[command(flatten)]
    socket: SocketArgs,
}

#[derive(Deserialize)]
struct Begun {
    connection: String,
    ahead: usize,
}

/// Runs `peeringd type-change`: comes back once the change was taken on. Exit code 0, or 1 after a line on stderr.
#[must_use]
pub fn run(args: &TypeChangeArgs) -> ExitCode {
    let said = order(args).and_then(|Begun { connection, ahead }| {
        let how = match ahead {
            0 => "changes its type: it is drained, and its sessions restart".to_owned(),
            1 => "changes its type after one other connection".to_owned(),
            n => format!("changes its type after {n} other connections"),
        };
        writeln!(io::stdout(), "{} {how}", printable(&connection)).map_err(ClientError::from)
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

fn order(args: &TypeChangeArgs) -> Result<Begun, ClientError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let path = format!("/api/v1/connections/{}/typeChange", encoded(&args.connection));
    let order = json!({ "to": args.r#type });
    let answer = runtime.block_on(Client::new(&args.socket.socket).order(&path, &order))?;
    Ok(serde_json::from_slice(&answer)?)
}
