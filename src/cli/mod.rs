//! The command line: one file a command family.

pub mod check;
pub mod import;
pub mod out;

/// A BGP route-advertisement daemon for the Microsoft side of Azure Peering Service interconnects.
#[derive(clap::Parser, Debug)]
#[command(name = "peeringd", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Check a config and its RIB: every error, each with its place and what to do.
    Check(check::CheckArgs),
    /// Make a RIB file from published prefix data.
    Import(import::ImportArgs),
}
