//! One file a command family.

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
    /// Make a RIB file from published prefix data.
    Import(import::ImportArgs),
}
