//! `import-peering`: Azure's resources → a config.

use std::fs;
use std::io::{self, Write as _};
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::out::{self, WriteError};
use crate::config::azure::{self, Counts, Options, Source};
use crate::wire::Asn;

/// Make a config of Azure Peering resources or of the legacy list.
///
/// Files are JSON: a resource, an array of them, or a list ({"value": […]}) of peerings, peerAsns, registeredPrefixes,
/// registeredAsns, peeringServices and their prefixes. Addresses, limits and connection states are kept; MD5 keys never
/// are. A peering of the legacy list is marked legacy: true, and its IPv4 and IPv6 sessions stay the separate connections
/// as which Azure lists them. The config is checked as `peeringd check` does, but for the RIB and the daemon's state, and
/// nothing is written where it has an error. Findings go to stderr, each with the file, line and column of the resource.
#[derive(Args, Debug)]
pub struct ImportPeeringArgs {
    /// Resources, JSON: files, pipes, or - for stdin; the legacy list is known by its peerings having no names
    #[arg(value_name = "FILE", required_unless_present = "legacy")]
    pub files: Vec<PathBuf>,

    /// The legacy list, where its peerings have names (may be repeated)
    #[arg(long, value_name = "FILE")]
    pub legacy: Vec<PathBuf>,

    /// The ASN of the PeerAsn resource called NAME (may be repeated); or ASN alone, for all peerings that name none
    ///
    /// Not needed where the PeerAsn is in one of the files, or is called like AS3356.
    #[arg(long, value_name = "[NAME=]ASN")]
    pub peer_asn: Vec<PeerAsnArg>,

    /// The config's router_id; without it, the first of Microsoft's IPv4 session addresses
    #[arg(long, value_name = "ADDRESS")]
    pub router_id: Option<Ipv4Addr>,

    /// The RIB that the config names
    #[arg(long, value_name = "PATH", default_value = "rib/")]
    pub rib: String,

    /// Make a lab's config, with lab: true, which allows private addresses and ASNs
    #[arg(long)]
    pub lab: bool,

    /// The config, replaced in one step and only on success; without it, stdout
    #[arg(long, value_name = "CONFIG")]
    pub out: Option<PathBuf>,
}

/// `NAME=ASN`, or `ASN`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeerAsnArg {
    name: Option<String>,
    asn: Asn,
}

impl std::str::FromStr for PeerAsnArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, number) = match text.split_once('=') {
            Some((name, number)) => (Some(name.to_owned()), number),
            None => (None, text),
        };
        let digits = number.strip_prefix("AS").unwrap_or(number);
        match digits.parse() {
            Ok(asn) if asn > 0 && name.as_deref() != Some("") => Ok(Self { name, asn: Asn(asn) }),
            Ok(_) | Err(_) => {
                Err("write an ASN, like 3356, or the name of a PeerAsn and its ASN, like contoso=3356"
                    .to_owned())
            }
        }
    }
}

/// Runs the command: 0 when the config is written, 1 when the input is wrong, 2 when the arguments are.
#[must_use]
pub fn run(args: &ImportPeeringArgs) -> ExitCode {
    let (code, text) = match import(args) {
        Ok(Some(report)) => (ExitCode::SUCCESS, report),
        // Whoever read stdout has had enough.
        Ok(None) => return ExitCode::from(1),
        Err(Failure::Input(text)) => (ExitCode::from(1), text),
        Err(Failure::Usage(text)) => (ExitCode::from(2), text),
    };
    // Where stderr is closed no one can be told.
    writeln!(io::stderr(), "{text}").unwrap_or_default();
    code
}

/// Why there is no config.
enum Failure {
    Input(String),
    Usage(String),
}

fn import(args: &ImportPeeringArgs) -> Result<Option<String>, Failure> {
    check_usage(args)?;
    let source = |path: &PathBuf, is_legacy| Source { path: path.clone(), is_legacy };
    let mut sources: Vec<Source> = args.files.iter().map(|path| source(path, false)).collect();
    sources.extend(args.legacy.iter().map(|path| source(path, true)));
    let named = args.peer_asn.iter().filter_map(|arg| Some((arg.name.clone()?, arg.asn)));
    let options = Options {
        peer_asns: named.collect(),
        asn: args.peer_asn.iter().find(|arg| arg.name.is_none()).map(|arg| arg.asn),
        router_id: args.router_id,
        rib: args.rib.clone(),
        is_lab: args.lab,
    };
    let imported =
        azure::import(&sources, &options).map_err(|findings| Failure::Input(findings.to_string()))?;
    match out::write(args.out.as_deref(), &imported.text) {
        Ok(()) => {}
        Err(WriteError::Stdout(error)) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
        Err(error @ (WriteError::Stdout(_) | WriteError::File(_))) => {
            return Err(Failure::Input(format!("error: {error}")));
        }
    }
    let mut report = imported.warnings.to_string();
    if !report.is_empty() {
        report.push('\n');
    }
    Ok(Some(report + &read(args, &imported.counts)))
}

/// What clap cannot see.
fn check_usage(args: &ImportPeeringArgs) -> Result<(), Failure> {
    if args.peer_asn.iter().filter(|arg| arg.name.is_none()).count() > 1 {
        let what =
            "error: --peer-asn has two ASNs without a name: give the peerings of each in a call of their own";
        return Err(Failure::Usage(what.to_owned()));
    }
    let stdin = args.files.iter().chain(&args.legacy).filter(|file| file.as_os_str() == "-");
    if stdin.count() > 1 {
        return Err(Failure::Usage("error: - is stdin, which can be read only once".to_owned()));
    }
    let real = |path: &PathBuf| fs::canonicalize(path).ok();
    if let Some(out) = args.out.as_ref().and_then(real)
        && let Some(file) =
            args.files.iter().chain(&args.legacy).find(|file| real(file).as_ref() == Some(&out))
    {
        let what = "is both a file of resources and --out: write the config to another file";
        return Err(Failure::Usage(format!("error: {} {what}", file.display())));
    }
    Ok(())
}

fn read(args: &ImportPeeringArgs, counts: &Counts) -> String {
    let read = format!("read {}", counts.in_words());
    match &args.out {
        Some(path) => format!("{read}\nwrote {}", path.display()),
        None => read,
    }
}
