//! peeringd against real routers, each asked through its own command line what it holds.
//!
//! Needs root, for network namespaces, and Debian's `bird2 frr gobgpd openbgpd exabgp stayrtr`; `tests/run` installs them.

#[cfg(test)]
mod add_path;
#[cfg(test)]
mod bird;
#[cfg(test)]
mod bird_alone;
#[cfg(test)]
mod exabgp;
#[cfg(test)]
mod flood;
#[cfg(test)]
mod frr;
#[cfg(test)]
mod gobgp;
#[cfg(test)]
mod openbgpd;
#[cfg(test)]
mod partner_config;
#[cfg(test)]
mod peering_service;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod router;
#[cfg(test)]
mod scenario;
#[cfg(test)]
mod session;
#[cfg(test)]
mod stayrtr;
#[cfg(test)]
#[path = "../support/mod.rs"]
mod support;
#[cfg(test)]
mod transport;
