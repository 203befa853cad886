//! `peeringd selftest`: this binary against itself on loopback, RFC by RFC, on the very machine that it is to run on.
//!
//! A speaker like that of `run` listens on a port of 127.0.0.1 that the kernel chooses; each case has a session of its
//! own with it, whose peer is made of octets and dials from an address of its own. What takes minutes by the clock runs
//! on state machines alone, under virtual time. `cases` has the cases, a file a family; `lab` is the speaker, `peer`
//! the other side, `octets` what it says, `network` the virtual time, `report` the table.

mod case;
mod cases;
mod lab;
mod network;
mod octets;
mod peer;
mod report;
mod rfcs;

use std::io::{self, ErrorKind};
use std::process::ExitCode;

use clap::Args;

use self::case::Case;
use self::report::Report;

/// Arguments of `selftest`.
#[derive(Args, Debug)]
pub struct SelftestArgs {
    /// Only the cases of these RFCs, written 7606 or RFC7606
    #[arg(value_name = "RFC", value_parser = rfcs::number)]
    rfcs: Vec<u16>,
    /// The report as JSON
    #[arg(long)]
    json: bool,
    /// Every case, not only those that fail
    #[arg(long, short)]
    verbose: bool,
}

/// Runs the cases: 0 when all pass, 1 when any fails or there is no loopback to run them on.
#[must_use]
pub fn run(args: &SelftestArgs) -> ExitCode {
    let wanted = |rfc: u16| args.rfcs.is_empty() || args.rfcs.contains(&rfc);
    let report = match results(&wanted) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("peeringd selftest: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut out = io::stdout().lock();
    let written =
        if args.json { report.write_json(&mut out) } else { report.write_table(args.verbose, &mut out) };
    match written {
        // Whoever read the output has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("peeringd selftest: {error}");
            ExitCode::FAILURE
        }
        Ok(()) | Err(_) if report.passed() => ExitCode::SUCCESS,
        Ok(()) | Err(_) => ExitCode::FAILURE,
    }
}

fn results(wanted: &impl Fn(u16) -> bool) -> Result<Report, lab::Failure> {
    let cases: Vec<Case> = cases::all().into_iter().filter(|case| wanted(case.rfc)).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let results = runtime.block_on(lab::run(cases))?;
    Ok(Report::new(results, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_passes_on_this_machine() {
        let report = results(&|_| true).unwrap();
        let mut text = Vec::new();
        report.write_table(false, &mut text).unwrap();
        assert!(report.passed(), "{}", String::from_utf8(text).unwrap());
    }

    #[test]
    fn every_case_is_of_an_rfc_of_the_table_and_says_something_else() {
        let cases = cases::all();
        assert!(cases.iter().all(|case| rfcs::title(case.rfc).is_some()));
        let mut names: Vec<_> = cases.iter().map(|case| (case.rfc, case.what.clone())).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
