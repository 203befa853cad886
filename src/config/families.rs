//! `families`: what routes a session carries.

use super::document::Value;
use super::faults::{At, Faults};
use super::section::Section;
use super::values;
use crate::wire::PerFamily;

pub(super) fn read(section: &Section<'_>, faults: &mut Faults) -> Option<At<PerFamily<bool>>> {
    let node = section.node("families")?;
    let mut families = PerFamily::<bool>::default();
    let listed = section.each("families", faults, values::family);
    for family in &listed {
        let offered = families.get_mut(family.value);
        if std::mem::replace(offered, true) {
            let what = format!("families has {} twice", family.value);
            faults.error(family.mark, what, "keep one of the two");
        }
    }
    if matches!(&node.value, Value::List(items) if items.is_empty()) {
        faults.error(node.mark, "families is empty", "name ipv4, ipv6 or both, or remove the key");
    }
    (!listed.is_empty()).then_some(At { value: families, mark: node.mark })
}
