//! The `peeringd` binary: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;
use peeringd::cli::{Cli, Command, check, import};

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Check(args) => check::run(&args),
        Command::Import(args) => import::run(&args),
    }
}
