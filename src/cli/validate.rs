//! `peeringd validate`: has a prefix that somebody registered validated again, and says what comes of it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, ClientError, SocketArgs, encoded};
use super::table::printable;

/// How often the verdict is looked for, and how many times.
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LOOKS: usize = 50;
/// The lists that have verdicts, and what their prefixes are.
const LISTS: [(&str, &str); 2] = [
    ("/api/v1/registeredPrefixes", "registered prefix"),
    ("/api/v1/peeringServicePrefixes", "Peering Service prefix"),
];

/// Arguments of `peeringd validate`.
#[derive(Args, Clone, Debug)]
pub struct ValidateArgs {
    /// A registered prefix, or a Peering Service prefix.
    prefix: String,
    #[command(flatten)]
    socket: SocketArgs,
}

/// Runs `peeringd validate`. Exit code 0 where the prefix is Verified, and 1 where not.
#[must_use]
pub fn run(args: &ValidateArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    match runtime.block_on(validate(&Client::new(&args.socket.socket), &args.prefix, &mut io::stdout())) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(message: &str) -> ExitCode {
    // Where stderr is gone too, the exit code says it alone.
    drop(writeln!(io::stderr(), "peeringd: {}", printable(message)));
    ExitCode::FAILURE
}

#[derive(Deserialize)]
struct Resource {
    peering: String,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    prefix: String,
    prefix_validation_state: String,
    error_message: Option<String>,
}

/// Orders it, waits for the verdicts and says them; whether all are good.
pub(super) async fn validate(
    client: &Client,
    prefix: &str,
    out: &mut impl Write,
) -> Result<bool, ClientError> {
    client.order(&format!("/api/v1/registered/{}/validate", encoded(prefix)), &json!({})).await?;
    let mut verdicts = verdicts(client, prefix).await?;
    for _ in 0..LOOKS {
        if verdicts.iter().all(|(_, resource)| resource.properties.prefix_validation_state != "Pending") {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
        verdicts = self::verdicts(client, prefix).await?;
    }
    for (what, Resource { peering, properties }) in &verdicts {
        let Properties { prefix, prefix_validation_state, error_message } = properties;
        let message = error_message.as_ref().map(|message| format!(": {message}")).unwrap_or_default();
        let said = format!("{what} {prefix} of {peering}: {prefix_validation_state}{message}");
        writeln!(out, "{}", printable(&said))?;
    }
    Ok(verdicts.iter().all(|(_, resource)| {
        matches!(resource.properties.prefix_validation_state.as_str(), "Verified" | "Warning")
    }))
}

/// What became of the prefix, wherever it is listed.
async fn verdicts(client: &Client, prefix: &str) -> Result<Vec<(&'static str, Resource)>, ClientError> {
    let mut found = Vec::new();
    for (path, what) in LISTS {
        let answer = client.value(&format!("{path}?prefix={}", encoded(prefix))).await?;
        let resources: Vec<Resource> = serde_json::from_slice(&answer)?;
        found.extend(resources.into_iter().map(|resource| (what, resource)));
    }
    Ok(found)
}
