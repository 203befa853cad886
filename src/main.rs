//! The `peeringd` binary: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    peeringd::cli::main()
}
