//! `graceful_restart`: false, or a mapping of what is not by default.

use super::RestartPlan;
use super::document::{Node, Value};
use super::faults::{At, Faults};
use super::section::{Section, Shape};
use super::values;

pub(super) const SHAPE: Shape = Shape {
    name: "graceful_restart",
    keys: &["restart_time", "notification", "long_lived_stale_time"],
    more: &[],
};

/// The mapping's keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    restart_time: Option<At<u16>>,
    notification: Option<At<bool>>,
    long_lived_stale_time: Option<At<u32>>,
}

/// The key, if it stands in a section.
pub(super) fn read(section: &Section<'_>, faults: &mut Faults) -> Option<At<Option<Written>>> {
    let node = section.node(SHAPE.name)?;
    let value = match &node.value {
        Value::Bool(false) => None,
        Value::Map(_) => Some(keys(node, faults)?),
        Value::Null | Value::Bool(true) | Value::Integer(_) | Value::Text(_) | Value::List(_) => {
            let what = format!("graceful_restart {} is neither a mapping nor false", node.shown());
            let fix = format!("write false, or a mapping whose keys are {}", SHAPE.keys.join(", "));
            faults.error(node.mark, what, fix);
            return None;
        }
    };
    Some(At { value, mark: node.mark })
}

fn keys(node: &Node, faults: &mut Faults) -> Option<Written> {
    let section = Section::open(node, SHAPE, faults)?;
    Some(Written {
        restart_time: section.read("restart_time", faults, values::number(0..=4095)),
        notification: section.read("notification", faults, values::boolean),
        long_lived_stale_time: section.read("long_lived_stale_time", faults, values::number(0..=0x00FF_FFFF)),
    })
}

/// With every default filled in; without the key, all of them.
pub(super) fn meant(written: Option<At<Option<Written>>>, faults: &mut Faults) -> Option<RestartPlan> {
    let usual = RestartPlan::default();
    let Some(At { value, mark }) = written else { return Some(usual) };
    let written = value?;
    let plan = RestartPlan {
        restart_time: written.restart_time.map_or(usual.restart_time, |at| at.value),
        notification: written.notification.map_or(usual.notification, |at| at.value),
        long_lived_stale_time: written
            .long_lived_stale_time
            .map_or(usual.long_lived_stale_time, |at| at.value),
    };
    if plan.restart_time == 0 && plan.long_lived_stale_time == 0 {
        let mark = written.restart_time.map_or(mark, |at| at.mark);
        let fix = "write the seconds that a restart takes, or graceful_restart: false";
        faults.warning(mark, "with restart_time 0 no peer keeps our routes over a restart", fix);
    }
    Some(plan)
}
