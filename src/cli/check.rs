//! `peeringd check`: every error of a config and its RIB in one run.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::{self, Plan};
use crate::rib::{Findings, Rows, Severity};

/// Arguments of `check`.
#[derive(clap::Args, Clone, Debug)]
pub struct CheckArgs {
    /// The config to check, and with it the RIB that it names.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
}

/// Says on stderr what is wrong, `file:line:column: what: what to do`, and on stdout what a right config amounts to.
/// Exit code 0, or 1 where there is an error; warnings do not fail it.
#[must_use]
pub fn run(args: &CheckArgs) -> ExitCode {
    let (code, said) = check(args, &mut io::stdout().lock(), &mut io::stderr().lock());
    // A reader that has gone away has what it wanted; the exit code is still the answer.
    drop(said);
    code
}

fn check(args: &CheckArgs, stdout: &mut dyn Write, stderr: &mut dyn Write) -> (ExitCode, io::Result<()>) {
    match config::load_with_rib(&args.config) {
        Ok((plan, rows, warnings)) => {
            let said = say(stderr, &warnings).and_then(|()| summary(stdout, &plan, &rows));
            (ExitCode::SUCCESS, said)
        }
        Err(findings) => {
            let errors = findings.0.iter().filter(|f| f.severity == Severity::Error).count();
            let said = say(stderr, &findings).and_then(|()| {
                writeln!(stderr, "{} is not usable: {}", args.config.display(), counted(errors, "error"))
            });
            (ExitCode::FAILURE, said)
        }
    }
}

fn say(out: &mut dyn Write, findings: &Findings) -> io::Result<()> {
    if findings.0.is_empty() { Ok(()) } else { writeln!(out, "{findings}") }
}

fn summary(out: &mut dyn Write, plan: &Plan, rows: &Rows) -> io::Result<()> {
    let connections = plan.peerings.iter().map(|p| p.connections.len()).sum();
    let file = plan.file.display();
    writeln!(
        out,
        "{file}: {}, {}, {}{}",
        counted(plan.peerings.len(), "peering"),
        counted(connections, "connection"),
        counted(plan.sessions.len(), "session"),
        if plan.lab { ", lab mode" } else { "" },
    )?;
    writeln!(
        out,
        "{}: {} and {} in {} and {}",
        plan.rib.display(),
        counted(rows.v4.len(), "IPv4 prefix"),
        counted(rows.v6.len(), "IPv6 prefix"),
        counted(rows.groups.len(), "group"),
        counted(rows.files.len(), "file"),
    )
}

fn counted(count: usize, noun: &str) -> String {
    let plural = match (count, noun.strip_suffix('x')) {
        (1, _) => "",
        (_, Some(_)) => "es",
        (_, None) => "s",
    };
    format!("{count} {noun}{plural}")
}
