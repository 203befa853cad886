//! The `peeringd` binary: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;
use peeringd::cli::{Cli, Command, import};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Import(args) => import::run(&args),
    }
}
