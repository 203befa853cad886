//! The log: text on a terminal, JSON on request, always on stderr.

use std::io::{IsTerminal, stderr};

use clap::{Args, ValueEnum};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
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

/// The levels that a filter may name.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// How many lines may wait for whoever reads the log. Past that, lines are dropped: a terminal that is stopped, or a
/// full pipe, must not stop a session.
const WAITING_LINES: usize = 16_384;

/// A log that could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error("--log {0:?}: a level is one of off, error, warn, info, debug, trace")]
    Level(String),
    #[error("--log {filter:?} is no filter: {error}")]
    Filter { filter: String, error: tracing_subscriber::filter::ParseError },
    #[error(transparent)]
    Init(#[from] TryInitError),
}

/// Sets the process's log up. What is logged is written by a thread of its own, which ends, with everything written,
/// when the guard is dropped.
pub(crate) fn init(args: &LogArgs) -> Result<WorkerGuard, LogError> {
    let filter = filter(&args.log)?;
    let (writer, guard) =
        NonBlockingBuilder::default().lossy(true).buffered_lines_limit(WAITING_LINES).finish(stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_target(false);
    match args.log_format {
        LogFormat::Text => log.with_ansi(stderr().is_terminal()).finish().try_init()?,
        LogFormat::Json => log.json().flatten_event(true).finish().try_init()?,
    }
    Ok(guard)
}

/// A filter takes any word for the name of a module, so that a level misspelt would silence everything.
fn filter(text: &str) -> Result<EnvFilter, LogError> {
    let text = if text.trim().is_empty() { "info" } else { text };
    for word in text.split(',').map(str::trim) {
        let is_level = LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
        if !is_level && !word.contains(['=', ':', '[']) {
            return Err(LogError::Level(word.to_owned()));
        }
    }
    EnvFilter::builder().parse(text).map_err(|error| LogError::Filter { filter: text.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_misspelt_is_refused() {
        for text in ["warning", "verbose", "info,nonsense", "peeringd=loud"] {
            assert!(filter(text).is_err(), "{text}");
        }
        for text in ["", "info", "WARN", "info,peeringd::speaker=debug"] {
            assert!(filter(text).is_ok(), "{text}");
        }
    }
}
