//! Azure's resources, as its API and its command line write them, → the text of a config.
//!
//! Peerings, peer ASNs, registered prefixes, registered ASNs, and Peering Services with their prefixes are read, one by
//! one, in arrays, or in ARM's lists (`{"value": […]}`), and so is the legacy list. What a client writes becomes config;
//! what Azure sets itself is read as a fact: the connection's state is ours to set here, error messages and verdicts
//! become comments, session states are not of use. The config that comes out is loaded before it is given away, and what
//! is wrong with it is said of the resource's own line.

mod json;
mod object;
mod output;
mod peering;
mod read;
mod registered;
mod resource;
mod service;
mod session;
#[cfg(test)]
mod tests;

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::output::Output;
use self::registered::Registered;
use self::resource::{Found, Resource, Type};
use super::document::Node;
use super::faults::Faults;
use super::load_text;
use crate::rib::load::collect::LISTED;
use crate::rib::{Finding, Findings, Place, Severity};
use crate::wire::Asn;

/// What the config is called while it is in no file.
const CONFIG: &str = "(config)";

/// A file of resources.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Where it is: a file, a pipe, or `-` for stdin.
    pub path: PathBuf,
    /// It is the legacy list, also where its peerings have names and ids.
    pub is_legacy: bool,
}

/// What the resources do not say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Options {
    /// The ASNs of PeerAsn resources, by name, in any case.
    pub peer_asns: Vec<(String, Asn)>,
    /// The ASN of peerings that name none, as the legacy list has them.
    pub asn: Option<Asn>,
    /// The BGP Identifier; none: the first of Microsoft's IPv4 session addresses.
    pub router_id: Option<Ipv4Addr>,
    /// The RIB that the config names.
    pub rib: String,
    /// Whether the config is a lab's.
    pub is_lab: bool,
}

/// What was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Peerings, legacy ones too.
    pub peerings: usize,
    /// Of these, from the legacy list.
    pub legacy: usize,
    /// Their connections.
    pub connections: usize,
    /// PeerAsn resources.
    pub peer_asns: usize,
    /// Registered prefixes.
    pub registered_prefixes: usize,
    /// Registered ASNs.
    pub registered_asns: usize,
    /// Peering Service prefixes, those left out too.
    pub service_prefixes: usize,
}

/// A config that loads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Imported {
    /// Its text.
    pub text: String,
    /// What is only worth a warning, at the resources' own places.
    pub warnings: Findings,
    /// What it was made of.
    pub counts: Counts,
}

/// Reads files of resources.
///
/// # Errors
/// Every error of every file, and what is wrong with the config that they would make, each with its place.
pub fn import(sources: &[Source], options: &Options) -> Result<Imported, Findings> {
    let mut texts = Vec::with_capacity(sources.len());
    let mut unreadable = Findings::default();
    for source in sources {
        match read::read(&source.path) {
            Ok(text) if read::is_stdin(&source.path) => {
                texts.push((Source { path: PathBuf::from(read::STDIN), ..source.clone() }, text));
            }
            Ok(text) => texts.push((source.clone(), text)),
            Err(finding) => unreadable.push(finding),
        }
    }
    if unreadable.has_errors() { Err(unreadable) } else { import_texts(texts, options) }
}

/// As [`import`], of texts that stand in files of those names.
///
/// # Errors
/// As [`import`].
pub fn import_texts(texts: Vec<(Source, String)>, options: &Options) -> Result<Imported, Findings> {
    let mut files: Vec<File> = texts.into_iter().map(|(source, text)| File::parse(source, text)).collect();
    let (mut found, mut all_faults) = (Found::default(), Vec::with_capacity(files.len()));
    for (number, file) in files.iter_mut().enumerate() {
        all_faults.push(std::mem::replace(&mut file.faults, Faults::new(Arc::clone(&file.path))));
        file.number = number;
    }
    for file in &files {
        let Some((root, faults)) = file.root.as_ref().zip(all_faults.get_mut(file.number)) else { continue };
        found.collect(root, file, faults);
    }
    found.check_pages(&mut all_faults);
    let Found { resources, .. } = found;
    check_empty(&files, &resources, &mut all_faults);
    let mut output = Output::default();
    let counts = write(&resources, options, &mut all_faults, &mut output);
    let mut findings = Findings::default();
    for faults in all_faults {
        findings.0.extend(faults.finish().0);
    }
    if !findings.has_errors() {
        findings.0.extend(loaded(&output).0);
    }
    let findings = bounded(findings);
    if findings.has_errors() {
        return Err(findings);
    }
    Ok(Imported { text: output.text, warnings: findings, counts })
}

/// Says which files have nothing to import: that is an error where no other has anything either.
fn check_empty(files: &[File], resources: &[Resource<'_>], all_faults: &mut [Faults]) {
    for (file, faults) in files.iter().zip(all_faults).filter(|(file, _)| file.root.is_some()) {
        let what = "this file has no resource to import";
        let place = Place::file(file.path.as_path());
        if resources.is_empty() {
            faults.push(Finding::error(place, what, "give one with peerings, as Azure wrote it"));
        } else if faults.is_empty() && resources.iter().all(|resource| resource.file.number != file.number) {
            let fix = "check that the command that wrote it asked for what was meant";
            faults.push(Finding::warning(place, what, fix));
        }
    }
}

/// The findings, and of warnings the first hundred: resources may have many fields that nobody knows.
fn bounded(mut findings: Findings) -> Findings {
    let (mut count, mut last) = (0_usize, None);
    findings.0.retain(|finding| {
        if finding.severity == Severity::Error {
            return true;
        }
        count += 1;
        last = Some(finding.place.clone());
        count <= LISTED
    });
    if let Some((more, place)) = count.checked_sub(LISTED).filter(|more| *more > 0).zip(last) {
        let what = format!("{more} more such warnings up to here");
        findings.push(Finding::warning(place, what, "mend those above and import again"));
    }
    findings
}

/// A file as it was read.
struct File {
    number: usize,
    path: Arc<PathBuf>,
    is_legacy: bool,
    root: Option<Node>,
    faults: Faults,
}

impl File {
    fn parse(source: Source, text: String) -> Self {
        let path = Arc::new(source.path);
        let mut faults = Faults::new(Arc::clone(&path));
        let root = json::parse(text, &path, &mut faults);
        Self { number: 0, path, is_legacy: source.is_legacy, root, faults }
    }
}

/// Writes the whole config.
fn write(
    resources: &[Resource<'_>],
    options: &Options,
    faults: &mut [Faults],
    output: &mut Output,
) -> Counts {
    let of = |wanted: Type| resources.iter().filter(move |resource| resource.of == wanted);
    let known: Vec<peering::KnownAsn<'_>> = of(Type::PeerAsn)
        .filter_map(|r| faults.get_mut(r.file.number).and_then(|f| peering::known_asn(r, f)))
        .collect();
    let mut body = Output::default();
    if !known.is_empty() {
        body.line(0, "peer_asns:", None);
    }
    for (known, resource) in known.iter().zip(of(Type::PeerAsn)) {
        if let Some(faults) = faults.get_mut(resource.file.number) {
            peering::peer_asn(known, resource, faults, &mut body);
        }
    }
    let registered = Registered::of(resources, faults);
    let mut writer = peering::Writer::new(options, &known, resources, registered);
    if of(Type::Peering).next().is_some() {
        body.line(0, "peerings:", None);
    }
    for resource in of(Type::Peering) {
        if let Some(faults) = faults.get_mut(resource.file.number) {
            writer.peering(resource, faults, &mut body);
        }
    }
    let counts = Counts {
        peerings: of(Type::Peering).count(),
        legacy: of(Type::Peering).filter(|r| r.is_legacy()).count(),
        connections: writer.connections,
        peer_asns: known.len(),
        registered_prefixes: of(Type::RegisteredPrefix).count(),
        registered_asns: of(Type::RegisteredAsn).count(),
        service_prefixes: of(Type::ServicePrefix).count(),
    };
    // Where a peering could not be written, its address may be the one.
    if let Some(resource) = resources.first()
        && options.router_id.or(writer.router_id).is_none()
        && faults.iter().all(|faults| faults.count() == 0)
        && let Some(faults) = faults.get_mut(resource.file.number)
    {
        let fix = "give the router's own by --router-id";
        faults.error(resource.mark, "no session has an IPv4 address of Microsoft's to be the router_id", fix);
    }
    head(resources, &counts, output);
    let router_id = options.router_id.or(writer.router_id).unwrap_or(Ipv4Addr::UNSPECIFIED);
    output.line(0, "router:", None);
    if options.router_id.is_none() {
        output.comment(1, "The first of Microsoft's session addresses; another router must not have it.");
    }
    output.line(1, &format!("router_id: {router_id}"), None);
    output.line(0, &format!("rib: {}", output::scalar(&options.rib)), None);
    if options.is_lab {
        output.line(0, "lab: true", None);
    }
    output.append(body);
    counts
}

/// What was read, for whoever opens the file.
fn head(resources: &[Resource<'_>], counts: &Counts, output: &mut Output) {
    output.comment(0, "Made by `peeringd import-peering` of Azure's resources:");
    let mut files: Vec<&Path> = resources.iter().map(|resource| resource.file.path.as_path()).collect();
    files.dedup();
    for file in files {
        // The shell's <(…) has a number for a name.
        let is_numbered = file.parent() == Some(Path::new("/dev/fd"));
        let name = file.file_name().filter(|_| !is_numbered);
        let name = name.map_or("(pipe)".into(), |name| name.to_string_lossy());
        output.comment(0, &format!("  {name}"));
    }
    output.comment(0, &format!("Read: {}.", counts.in_words()));
    output.comment(
        0,
        "Addresses and limits are as they were there. Not taken over: MD5 keys, session states, the prefix keys of what is \
         registered, which peeringd gives anew, events, and connectivity probes, which it does not send.",
    );
}

impl Counts {
    /// In words, like `2 peerings (1 legacy), 3 connections`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let plural =
            |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let mut words = plural(self.peerings, "peering", "peerings");
        if self.legacy > 0 {
            words.push_str(&format!(" ({} legacy)", self.legacy));
        }
        for (count, one, many) in [
            (self.connections, "connection", "connections"),
            (self.peer_asns, "peer ASN", "peer ASNs"),
            (self.registered_prefixes, "registered prefix", "registered prefixes"),
            (self.registered_asns, "registered ASN", "registered ASNs"),
            (self.service_prefixes, "Peering Service prefix", "Peering Service prefixes"),
        ] {
            if count > 0 {
                words.push_str(&format!(", {}", plural(count, one, many)));
            }
        }
        words
    }
}

/// What loading the config says, at the places that its lines were made of.
fn loaded(output: &Output) -> Findings {
    let (Ok((_, mut findings)) | Err(mut findings)) = load_text(Path::new(CONFIG), output.text.clone());
    for finding in &mut findings.0 {
        if let Some(place) = output.place(finding.place.line) {
            finding.place = place;
        }
        finding.fix = finding.fix.replace("lab: true", "lab: true (--lab)");
        finding.what = at_home(&finding.what, output);
    }
    findings.0.dedup();
    findings
}

/// What points to a line of the config, `… at config:12`, points to what that was made of.
fn at_home(what: &str, output: &Output) -> String {
    let Some((before, after)) = what.split_once(&format!("{CONFIG}:")) else { return what.to_owned() };
    let rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    let line = after.strip_suffix(rest).and_then(|line| line.parse().ok());
    match line.and_then(|line| output.place(line)) {
        Some(place) => format!("{before}{}:{}{rest}", place.file.display(), place.line),
        None => what.to_owned(),
    }
}
