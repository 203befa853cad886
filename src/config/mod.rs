//! The configuration: as written (YAML with places), as meant ([`Plan`]), as changed ([`Changes`]).
//!
//! A text becomes a tree with places, the tree what was written, and that the plan. Each step goes on past what is
//! wrong, so that one run names every error. Nothing of a config with an error is used.

mod advice;
mod announcements;
pub mod azure;
mod changes;
mod connection;
mod conversion;
mod document;
mod families;
mod faults;
mod gate;
mod kept;
mod layers;
mod locations;
mod names;
mod origin;
mod own_space;
mod peer_asn;
mod place;
mod plan;
mod policy;
mod protocol;
mod range;
mod read_only;
mod readers;
mod registered;
mod renamed;
mod resolve;
mod restart;
mod scope;
mod secret;
mod section;
mod session;
mod setting;
#[cfg(test)]
mod tests;
mod transport;
mod unique;
mod values;
mod written;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use changes::{Changes, changes, is_other_peer, needs_reset};
pub use gate::{Registration, registration_refusals};
pub use kept::{Change, Kept, KeptConnection, Phase, TypeChange};
pub use origin::OriginPlan;
pub use plan::{ConnectionPlan, DenyAll, Limits, PeeringPlan, Plan, RestartPlan, RouterPlan, SessionPlan};
pub use policy::PolicyPlan;
pub use protocol::{MaxPrefixAction, ProtocolPlan};
pub use range::RangePlan;
pub(crate) use secret::MAX_MD5_KEY_LEN;
pub use secret::Md5Key;
pub use transport::TransportPlan;

use crate::rib::load::folder;
use crate::rib::{self, Finding, Findings, LoadOptions, Place, Rows};
use crate::wire::Asn;

/// What can be told of a config, right or wrong.
struct Reading {
    /// Only to be used where no finding is an error.
    plan: Option<Plan>,
    /// Where the RIB is, and where that is said, if that much could be read.
    rib: Option<(PathBuf, Place)>,
    local_asn: Asn,
    /// What is registered, in a config that may be wrong elsewhere.
    registered: Vec<own_space::Listed>,
    findings: Findings,
}

fn read(path: &Path, text: Result<String, Finding>) -> Reading {
    let file = Arc::new(path.to_owned());
    let mut faults = faults::Faults::new(Arc::clone(&file));
    let mut reading = Reading {
        plan: None,
        rib: None,
        local_asn: resolve::DEFAULT_ASN,
        registered: Vec::new(),
        findings: Findings::default(),
    };
    match text {
        Ok(text) => {
            let root = document::parse(&text, &file, &mut faults);
            if let Some(written) = root.and_then(|root| written::read(&root, &mut faults)) {
                let plan = resolve::resolve(&written, path, &mut faults);
                reading.rib = written.rib.as_ref().map(|at| (plan.rib.clone(), at.mark.place(&file)));
                reading.local_asn = plan.router.asn;
                reading.registered = own_space::listed(&written, &file);
                reading.plan = Some(plan);
            }
        }
        Err(finding) => faults.push(finding),
    }
    reading.findings = faults.finish();
    reading
}

/// Reads a config: the plan, and what is only worth a warning. Paths in it are relative to the file.
///
/// # Errors
/// Every error with its place, up to a hundred and a count of the rest, and the warnings.
pub fn load(path: &Path) -> Result<(Plan, Findings), Findings> {
    usable(read(path, folder::read(path)))
}

/// Reads a config from a text, as if it stood in a file of that name.
///
/// # Errors
/// As [`load`].
pub fn load_text(name: &Path, text: String) -> Result<(Plan, Findings), Findings> {
    usable(read(name, Ok(text)))
}

fn usable(reading: Reading) -> Result<(Plan, Findings), Findings> {
    match reading.plan {
        Some(plan) if !reading.findings.has_errors() => Ok((plan, reading.findings)),
        Some(_) | None => Err(reading.findings),
    }
}

/// Reads a config and the RIB that it names.
///
/// # Errors
/// Every error of both, and the warnings: a config that is wrong elsewhere does not keep the RIB from being read.
pub fn load_with_rib(path: &Path) -> Result<(Plan, Rows, Findings), Findings> {
    let Reading { plan, rib, local_asn, registered, mut findings } = read(path, folder::read(path));
    let load = |(rib, place): (PathBuf, Place)| {
        if let Err(error) = rib.metadata()
            && error.kind() == std::io::ErrorKind::NotFound
        {
            let what = format!("rib: no such file or folder {}", rib.display());
            return Err(Findings(vec![Finding::error(place, what, "check the path")]));
        }
        rib::load(&rib, &LoadOptions { local_asn })
    };
    let rows = match rib.map(load) {
        Some(Ok((rows, mut warnings))) => {
            findings.0.append(&mut warnings.0);
            own_space::errors(&registered, &rows).into_iter().for_each(|error| insert(&mut findings, error));
            Some(rows)
        }
        Some(Err(errors)) => {
            errors.0.into_iter().for_each(|error| insert(&mut findings, error));
            None
        }
        None => None,
    };
    match (plan, rows) {
        (Some(plan), Some(rows)) if !findings.has_errors() => {
            findings.0.append(&mut scope::warnings(&plan, &rows).0);
            findings.0.append(&mut announcements::warnings(&plan, &rows).0);
            Ok((plan, rows, findings))
        }
        (_, _) => Err(findings),
    }
}

/// One that is about the config's own line stands where that does, and others at the end.
fn insert(findings: &mut Findings, finding: Finding) {
    let is_of_file = |other: &Finding| other.place.file == finding.place.file;
    let after = findings.0.iter().rposition(|other| is_of_file(other) && other.place <= finding.place);
    let at = match after {
        Some(after) => after + 1,
        None => findings.0.iter().position(is_of_file).unwrap_or(findings.0.len()),
    };
    findings.0.insert(at, finding);
}

/// Where a key of this name has this value in a config file, first; or the file. Of a file that has since become
/// another, the best there is.
#[must_use]
pub fn place_of_value(file: &Path, key: &str, value: &str) -> Place {
    let place = Place::file(file);
    let text = folder::read(file).unwrap_or_default();
    let file = Arc::clone(&place.file);
    let root = document::parse(&text, &file, &mut faults::Faults::new(Arc::clone(&file)));
    let found = root.and_then(|root| root.find(key, value));
    found.map_or(place, |mark| mark.place(&file))
}
