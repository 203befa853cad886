//! Interfaces that sessions keep to and this machine has not: the config alone cannot tell, `check` and `run` can.

use std::io;

use rustix::io::Errno;
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use crate::config::{self, Plan};
use crate::rib::{Finding, Findings};

/// A warning for each that is missing. It may come later, so it is no error.
pub(super) fn warnings(plan: &Plan) -> Findings {
    let ranges = plan.ranges.iter().map(|range| &range.template);
    let mut names: Vec<&str> = plan
        .sessions
        .iter()
        .chain(ranges)
        .filter_map(|session| session.transport.interface.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    Findings(names.into_iter().filter_map(|name| warning(plan, name)).collect())
}

fn warning(plan: &Plan, name: &str) -> Option<Finding> {
    let (what, fix) = match is_there(name) {
        Ok(true) => return None,
        Ok(false) => (
            format!("this machine has no interface {name}"),
            "mend the name, or bring it up: no connection is made until it is there",
        ),
        Err(error) => {
            (format!("whether there is an interface {name} cannot be told: {error}"), "look with ip link")
        }
    };
    Some(Finding::warning(config::place_of_value(&plan.file, "interface", name), what, fix))
}

/// Whether the machine has an interface of that name, or of that alternative name.
fn is_there(name: &str) -> io::Result<bool> {
    let any = socket_with(AddressFamily::UNIX, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    match name_to_index(any, name) {
        Ok(_) => Ok(true),
        Err(Errno::NODEV) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_there_or_not() {
        assert!(is_there("lo").unwrap());
        assert!(!is_there("none-such").unwrap());
    }
}
