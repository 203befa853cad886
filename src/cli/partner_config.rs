//! `partner-config`: the config of the router at the far end of a connection, in that router's own language.
//!
//! [`model`] turns a connection round, and each router's file writes that down; nothing else is shared but the [`page`] that
//! they write on. Every text that comes from the config is a name of a few characters, or goes into a comment without
//! what could end one.

use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use self::model::{Choice, FarEnd};
use super::out::{self, WriteError};
use crate::config;

mod bird;
mod exabgp;
mod frr;
mod gobgp;
mod header;
mod ios_xr;
mod junos;
mod model;
mod openbgpd;
mod page;
#[cfg(test)]
mod tests;

/// Write the config of the partner's router at the far end of a connection.
///
/// It has the connection's sessions, the announcement budget as the limit of prefixes, no AS12076 and no default route in,
/// and out the registered prefixes alone, with 8075:8007. It is that of a whole router, or of a part of one: its header says
/// how those of several connections are joined. The same config gives the same text.
#[derive(Args, Debug)]
pub struct PartnerConfigArgs {
    /// The connection
    pub connection: String,

    /// The router that it is for
    #[arg(long = "for", value_enum, value_name = "ROUTER")]
    pub router: Router,

    /// The config that has the connection; its RIB is not read
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,

    /// The file to write, replaced in one step and only on success; without it, stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// The router's BGP Identifier; without it, the first IPv4 address that the peering gives the partner
    #[arg(long, value_name = "ADDRESS")]
    pub router_id: Option<Ipv4Addr>,

    /// The router's own interface to Microsoft, which sessions over fe80:: need
    #[arg(long, value_name = "NAME", value_parser = interface)]
    pub interface: Option<String>,

    /// The router's own IPv4 or IPv6 address, for the next hop of routes that ride on a session of the other (may be
    /// repeated); without it, that of the connection's other session
    #[arg(long, value_name = "ADDRESS")]
    pub next_hop: Vec<IpAddr>,

    /// Where a connection has peers on several routers, or a range of them: this router's address (may be repeated)
    #[arg(long, value_name = "ADDRESS")]
    pub peer_address: Vec<IpAddr>,
}

/// Whose language is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Router {
    /// BIRD 2
    Bird,
    /// FRR 8 or later, for vtysh
    Frr,
    /// GoBGP 3, in TOML
    Gobgp,
    /// OpenBGPD 7
    Openbgpd,
    /// ExaBGP 4, which announces and keeps no table
    Exabgp,
    /// Cisco IOS XR
    IosXr,
    /// Junos, for load merge
    Junos,
}

/// The name of an interface on any of the routers.
fn interface(text: &str) -> Result<String, &'static str> {
    let is_name = (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'/' | b':' | b'@'));
    if is_name { Ok(text.to_owned()) } else { Err("write 1 to 63 of A-Z a-z 0-9 _ . - / : @") }
}

/// Runs the command: 0 when the config is written, 1 when the input is wrong.
#[must_use]
pub fn run(args: &PartnerConfigArgs) -> ExitCode {
    let failure = match text(args) {
        Ok(text) => match out::write(args.out.as_deref(), &text) {
            Ok(()) => return ExitCode::SUCCESS,
            // Whoever read stdout has had enough, and there is nothing to say.
            Err(WriteError::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                return ExitCode::FAILURE;
            }
            Err(error @ (WriteError::Stdout(_) | WriteError::File(_))) => format!("error: {error}"),
        },
        Err(failure) => failure,
    };
    // Where stderr is closed no one can be told.
    writeln!(io::stderr(), "{failure}").unwrap_or_default();
    ExitCode::FAILURE
}

fn text(args: &PartnerConfigArgs) -> Result<String, String> {
    let (plan, _warnings) = config::load(&args.config).map_err(|findings| findings.to_string())?;
    let choice = Choice {
        router_id: args.router_id,
        interface: args.interface.as_deref(),
        next_hops: &args.next_hop,
        peer_addresses: &args.peer_address,
    };
    let far = FarEnd::of(&plan, &args.connection, &choice).map_err(|refusal| format!("error: {refusal}"))?;
    Ok(write(args.router, &far))
}

fn write(router: Router, far: &FarEnd<'_>) -> String {
    match router {
        Router::Bird => bird::config(far),
        Router::Frr => frr::config(far),
        Router::Gobgp => gobgp::config(far),
        Router::Openbgpd => openbgpd::config(far),
        Router::Exabgp => exabgp::config(far),
        Router::IosXr => ios_xr::config(far),
        Router::Junos => junos::config(far),
    }
}
