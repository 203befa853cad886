//! A fast, dumb BGP receiver: opens sessions to one speaker, counts what it is told, and prints when, as JSON lines.
//!
//! | line | when | fields |
//! |---|---|---|
//! | `session` | a session has what was expected | `session`, `established`, `first`, `last`, and the counts |
//! | `all` | every session has | `last_established`, `last`, `established_to_last` (the slowest session's), and sums |
//! | `burst` | UPDATEs after that, and then silence | `session`, `begin`, `end`, and the counts |
//! | `lost` | a session ended after that | `session`, `error` |
//! | `failed` | a session ended early, or the time was up | `session`, `error` |
//!
//! Times are seconds on the machine's monotonic clock. Exit code 0 when every session got what was expected.

mod args;
mod dialer;
mod report;
mod session;

use std::sync::Arc;

use clap::Parser;

fn main() -> std::process::ExitCode {
    let args = Arc::new(args::Args::parse());
    let report = Arc::new(report::Report::new(&args));
    let threads: Vec<_> = (0..args.threads.clamp(1, args.sessions))
        .map(|thread| {
            let (args, report) = (args.clone(), report.clone());
            std::thread::spawn(move || dialer::run(thread, &args, &report))
        })
        .collect();
    let mut sound = true;
    for thread in threads {
        match thread.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                eprintln!("receive: {error}");
                sound = false;
            }
            Err(_) => sound = false,
        }
    }
    if sound && !report.failed() { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE }
}
