//! `peeringd validate`: has a prefix that somebody registered validated again, and says what comes of it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, ClientError, SocketArgs, encoded, say};
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
    /// A registered prefix, or a Peering Service prefix; the exit code is 0 where it is Verified, or a Warning.
    prefix: String,
    #[command(flatten)]
    socket: SocketArgs,
}

/// Runs `peeringd validate`. Exit code 0 where the prefix is Verified, or a Warning, and 1 where not.
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

/// Azure's list.
#[derive(Deserialize)]
struct Collection {
    value: Vec<Resource>,
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
        say(out, &said)?;
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
        let Collection { value } = serde_json::from_slice(&answer)?;
        found.extend(value.into_iter().map(|resource| (what, resource)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::{get, post};

    use super::*;
    use crate::control::{bind_socket, serve_socket};

    /// What the command says to a daemon that answers the first look with Pending and then so.
    async fn said(status: StatusCode, verdict: &'static str) -> Result<(bool, String), ClientError> {
        let looks = Arc::new(AtomicUsize::new(0));
        let registered = move || async move {
            let rest = if looks.fetch_add(1, Ordering::Relaxed) == 0 {
                "\"prefixValidationState\":\"Pending\",\"errorMessage\":null"
            } else {
                verdict
            };
            format!(
                "{{\"value\":[{{\"peering\":\"contoso\",\"properties\":{{\"prefix\":\"8.23.254.0/24\",{rest}}}}}],\"nextLink\":null}}"
            )
        };
        let router = Router::new()
            .route("/api/v1/registered/{prefix}/validate", post(move || async move { (status, "{}") }))
            .route("/api/v1/registeredPrefixes", get(registered))
            .route("/api/v1/peeringServicePrefixes", get(|| async { r#"{"value":[],"nextLink":null}"# }));
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("s");
        tokio::spawn(serve_socket(bind_socket(&socket).unwrap(), router, std::future::pending()));
        let mut out = Vec::new();
        let is_good = validate(&Client::new(&socket), "8.23.254.0/24", &mut out).await?;
        Ok((is_good, String::from_utf8(out).unwrap()))
    }

    #[tokio::test]
    async fn f43_the_verdict_is_waited_for_and_said() {
        let verified = "\"prefixValidationState\":\"Verified\",\"errorMessage\":null";
        let (is_good, text) = said(StatusCode::OK, verified).await.unwrap();
        assert_eq!(
            (is_good, text.as_str()),
            (true, "registered prefix 8.23.254.0/24 of contoso: Verified\n")
        );
        let failed = "\"prefixValidationState\":\"Failed\",\"errorMessage\":\"AS path isn't correct\"";
        let (is_good, text) = said(StatusCode::OK, failed).await.unwrap();
        let expected = "registered prefix 8.23.254.0/24 of contoso: Failed: AS path isn't correct\n";
        assert_eq!((is_good, text.as_str()), (false, expected));
        let error = said(StatusCode::NOT_FOUND, verified).await.unwrap_err().to_string();
        assert_eq!(error, "the daemon answered 404 Not Found");
    }
}
