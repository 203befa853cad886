//! The command line: one file a command family. Exit codes: 0 done, 1 the input or the state is wrong, 2 wrong usage.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub mod act;
mod changes;
pub mod check;
mod client;
mod daemon;
pub mod demo;
pub mod import;
pub mod import_peering;
mod interfaces;
mod load;
mod log;
pub mod out;
pub mod partner_config;
pub mod run;
pub mod selftest;
pub mod show;
mod systemd;
mod table;
mod too_large;
pub mod type_change;
pub mod validate;
pub mod why;

/// A BGP route-advertisement daemon for the Microsoft side of Azure Peering Service interconnects.
#[derive(Debug, Parser)]
#[command(name = "peeringd", version, max_term_width = 100, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Those without a word here have several, at their arguments: what is said here would hide them from `--help`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon, in the foreground.
    Run(run::RunArgs),
    /// The main job with nothing to set up: the shipped RIB, a speaker, and a partner that receives it all.
    Demo(demo::DemoArgs),
    /// Check a config and its RIB: every error, each with its place and what to do.
    Check(check::CheckArgs),
    Import(import::ImportArgs),
    ImportPeering(import_peering::ImportPeeringArgs),
    PartnerConfig(partner_config::PartnerConfigArgs),
    /// Test this binary against itself on loopback, RFC by RFC.
    Selftest(selftest::SelftestArgs),
    /// Look at a running daemon.
    Show(show::ShowArgs),
    /// Of a prefix: every check of what peers announce and what to change, and what becomes of a route of ours.
    Why(why::WhyArgs),
    /// End a session and begin it anew.
    Reset(act::ResetArgs),
    /// Have all routes of a session said again: the peer's, or with --out ours.
    Refresh(act::RefreshArgs),
    /// Have a registered prefix validated again, and say what comes of it.
    Validate(validate::ValidateArgs),
    /// Change the type of a connection: it is drained, and its sessions restart; one connection of a peering at a time.
    TypeChange(type_change::TypeChangeArgs),
}

/// Runs the command of the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Import(args) => import::run(&args),
        Command::ImportPeering(args) => import_peering::run(&args),
        Command::PartnerConfig(args) => partner_config::run(&args),
        Command::Selftest(args) => selftest::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Why(args) => why::run(&args),
        Command::Reset(args) => act::reset(&args),
        Command::Refresh(args) => act::refresh(&args),
        Command::Validate(args) => validate::run(&args),
        Command::TypeChange(args) => type_change::run(&args),
    }
}
