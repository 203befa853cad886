//! The configuration: as written (YAML with places), as meant ([`Plan`]), as changed.

mod plan;

pub use plan::{Limits, PeeringPlan, Plan, RouterPlan, SessionPlan};
