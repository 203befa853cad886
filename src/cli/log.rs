//! The log: text on a terminal, JSON on request, always on stderr.

use std::io::{IsTerminal, stderr};

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

/// How the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// A line an event.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// How the log looks and how much of it there is.
#[derive(Args, Debug)]
pub(crate) struct LogArgs {
    /// How the log looks.
    #[arg(long, value_enum, default_value_t, env = "PEERINGD_LOG_FORMAT")]
    log_format: LogFormat,
    /// How much is logged: error, warn, info, debug or trace, or a filter such as
    /// `info,peeringd::speaker=debug`.
    #[arg(long, value_name = "FILTER", default_value = "info", env = "PEERINGD_LOG")]
    log: String,
}

/// A log that could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error("--log {filter:?} is no filter: {error}")]
    Filter { filter: String, error: tracing_subscriber::filter::ParseError },
    #[error(transparent)]
    Init(#[from] TryInitError),
}

/// Sets the process's log up.
pub(crate) fn init(args: &LogArgs) -> Result<(), LogError> {
    let filter = EnvFilter::builder()
        .parse(&args.log)
        .map_err(|error| LogError::Filter { filter: args.log.clone(), error })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr).with_target(false);
    match args.log_format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).finish().try_init()?,
        LogFormat::Json => log.json().flatten_event(true).finish().try_init()?,
    }
    Ok(())
}
