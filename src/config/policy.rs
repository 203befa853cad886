//! `policy:`: what Microsoft's policy is not, and where its documents say two things, which of them counts.

use super::document::Node;
use super::faults::{At, Fault, Faults};
use super::section::{Section, Shape};
use super::values;
use crate::peering::{BANDWIDTH_STEP_MBPS, Tier};
use crate::wire::PerFamily;

pub(super) const SHAPE: Shape = Shape {
    name: "policy",
    keys: &[
        "allow_md5",
        "direct_bandwidth_step_in_mbps",
        "announcement_budget_v4",
        "announcement_budget_v6",
        "announcement_note",
        "accept_longer_than_24",
        "pending_remove",
        "ix_rs_sku",
        "received_med",
    ],
    more: &[],
};
/// The link speed that the peering policy asks for.
const POLICY_BANDWIDTH_MBPS: u64 = 100_000;
const PENDING_REMOVE: &[&str] = &["session", "connection"];
const IX_RS_SKUS: &[&str] = &["premium_direct_free", "basic_direct_free"];

/// Which of two documents counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyPlan {
    /// A direct connection's bandwidth is a multiple of this, in Mbps: 10000 (internet-peering FAQ), or the 100000 of the
    /// peering policy.
    pub direct_bandwidth_step_in_mbps: u64,
    /// The most prefixes that a session is to be told: what the peering policy has peers allow.
    pub announcement_budget: PerFamily<u64>,
    /// From how many of both families together that is to be said: what the Peering Service FAQ has peers allow.
    pub announcement_note: u64,
    /// A prefix longer than /24 is accepted where it is registered and announced; never on voice.
    pub accept_longer_than_24: bool,
    /// PendingRemove may be a connection's state too.
    pub connection_pending_remove: bool,
    /// The tier of an exchange with route servers.
    pub ix_rs_tier: Tier,
    /// What overwrites MULTI_EXIT_DISC of routes that peers announce.
    pub received_med: u32,
}

impl Default for PolicyPlan {
    fn default() -> Self {
        Self {
            direct_bandwidth_step_in_mbps: BANDWIDTH_STEP_MBPS,
            announcement_budget: PerFamily { ipv4: 2000, ipv6: 500 },
            announcement_note: 400,
            accept_longer_than_24: true,
            connection_pending_remove: false,
            ix_rs_tier: Tier::Premium,
            received_med: 0,
        }
    }
}

/// As read.
#[derive(Debug, Default)]
pub(super) struct Policy {
    pub(super) allow_md5: bool,
    pub(super) plan: PolicyPlan,
}

pub(super) fn read(section: &Section<'_>, faults: &mut Faults) -> Policy {
    let mut policy = Policy::default();
    let plan = &mut policy.plan;
    let set = |to: &mut u64, read: Option<At<u64>>| *to = read.map_or(*to, |at| at.value);
    let count = || values::number(1..=u64::from(u32::MAX));
    set(
        &mut plan.direct_bandwidth_step_in_mbps,
        section.read("direct_bandwidth_step_in_mbps", faults, bandwidth_step),
    );
    set(&mut plan.announcement_budget.ipv4, section.read("announcement_budget_v4", faults, count()));
    set(&mut plan.announcement_budget.ipv6, section.read("announcement_budget_v6", faults, count()));
    set(&mut plan.announcement_note, section.read("announcement_note", faults, count()));
    let set = |to: &mut bool, read: Option<At<bool>>| *to = read.map_or(*to, |at| at.value);
    set(&mut policy.allow_md5, section.read("allow_md5", faults, values::boolean));
    set(&mut plan.accept_longer_than_24, section.read("accept_longer_than_24", faults, values::boolean));
    let pending_remove = values::word(PENDING_REMOVE, |word| match word {
        "session" => Some(false),
        "connection" => Some(true),
        _ => None,
    });
    set(&mut plan.connection_pending_remove, section.read("pending_remove", faults, pending_remove));
    let sku = values::word(IX_RS_SKUS, |word| match word {
        "premium_direct_free" => Some(Tier::Premium),
        "basic_direct_free" => Some(Tier::Basic),
        _ => None,
    });
    plan.ix_rs_tier = section.read("ix_rs_sku", faults, sku).map_or(plan.ix_rs_tier, |at| at.value);
    let med = section.read("received_med", faults, values::number(0..=u32::MAX));
    plan.received_med = med.map_or(plan.received_med, |at| at.value);
    policy
}

fn bandwidth_step(node: &Node) -> values::Read<u64> {
    let step = values::number(1..=u64::MAX)(node);
    let fix = "write 10000, or 100000 for the 100 Gbps of the peering policy";
    match step {
        Ok(step @ (BANDWIDTH_STEP_MBPS | POLICY_BANDWIDTH_MBPS)) => Ok(step),
        Ok(step) => Err(Fault::new(format!("{step} is in no document"), fix)),
        Err(fault) => Err(Fault::new(fault.what, fix)),
    }
}
