//! Which resources a file has.

use std::path::PathBuf;
use std::sync::Arc;

use super::File;
use super::object::Object;
use crate::config::document::{Node, Value};
use crate::config::faults::Faults;
use crate::rib::load::collect::shown;
use crate::rib::load::events::Mark;

/// What a resource is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Type {
    Peering,
    PeerAsn,
    RegisteredPrefix,
    RegisteredAsn,
}

/// Types that are known, and not read.
const PASSED_OVER: [&str; 5] =
    ["peeringservices", "prefixes", "peeringserviceprefixes", "connectionmonitortests", "peeringlocations"];

/// The file of a resource.
#[derive(Clone, Debug)]
pub(super) struct Of {
    pub(super) number: usize,
    pub(super) path: Arc<PathBuf>,
    pub(super) is_legacy: bool,
}

/// A resource and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Resource<'d> {
    pub(super) of: Type,
    pub(super) file: Of,
    pub(super) mark: Mark,
    pub(super) object: Object<'d>,
    /// Where the command line has flattened the resource, itself.
    pub(super) properties: Object<'d>,
    pub(super) name: Option<String>,
    /// The peering that it belongs to, by its id.
    pub(super) parent: Option<String>,
}

impl Resource<'_> {
    /// Whether a peering is of the legacy list: of a file that is said to be one, or without a name, which every
    /// resource has.
    pub(super) fn is_legacy(&self) -> bool {
        self.of == Type::Peering && (self.file.is_legacy || self.name.is_none())
    }

    /// Whether the command line has flattened it.
    pub(super) fn is_flat(&self) -> bool {
        self.object.get("properties").is_none()
    }
}

/// All resources below a node: itself, or the items of an array or of a list's `value`.
pub(super) fn collect<'d>(node: &'d Node, file: &File, faults: &mut Faults, into: &mut Vec<Resource<'d>>) {
    if let Value::List(items) = &node.value {
        items.iter().for_each(|item| collect(item, file, faults, into));
        return;
    }
    let Some(object) = Object::open(node, "a resource", faults) else { return };
    let list = object.raw("value").filter(|value| matches!(value.value, Value::List(_)));
    if let Some(list) = list.filter(|_| object.get("properties").is_none()) {
        if let Some(next) = object.get("nextLink") {
            let fix = "fetch what stands there too, and give it as a further file";
            faults.warning(next.mark, "the list goes on at nextLink", fix);
        }
        collect(list, file, faults, into);
        return;
    }
    into.extend(resource(object, file, faults));
}

fn resource<'d>(object: Object<'d>, file: &File, faults: &mut Faults) -> Option<Resource<'d>> {
    let properties = match object.get("properties") {
        Some(node) => Object::open(node, "properties", faults)?,
        None => object,
    };
    let id = object.text("id", faults).unwrap_or_default();
    let of = type_of(&object, &properties, id, faults)?;
    // ARM names a resource below another one PARENT/NAME.
    let name = object.text("name", faults).and_then(|name| name.rsplit('/').next()).map(str::to_owned);
    // What peeringd shows of them has no id, and says the peering.
    let own = object.text("peering", faults);
    Some(Resource {
        of,
        file: Of { number: file.number, path: Arc::clone(&file.path), is_legacy: file.is_legacy },
        mark: object.mark,
        object,
        properties,
        name: name.or_else(|| segment(id, last_type(of)).map(str::to_owned)),
        parent: segment(id, "peerings").or(own).map(str::to_owned),
    })
}

fn last_type(of: Type) -> &'static str {
    match of {
        Type::Peering => "peerings",
        Type::PeerAsn => "peerAsns",
        Type::RegisteredPrefix => "registeredPrefixes",
        Type::RegisteredAsn => "registeredAsns",
    }
}

/// What stands behind a type in an id.
pub(super) fn segment<'a>(id: &'a str, of: &str) -> Option<&'a str> {
    let mut segments = id.split('/');
    segments.find(|segment| segment.eq_ignore_ascii_case(of))?;
    segments.next().filter(|name| !name.is_empty())
}

/// By its type, or by its id, or else by what only such a resource has.
fn type_of(object: &Object<'_>, properties: &Object<'_>, id: &str, faults: &mut Faults) -> Option<Type> {
    const ALL: [Type; 4] = [Type::RegisteredPrefix, Type::RegisteredAsn, Type::PeerAsn, Type::Peering];
    if let Some(said) = object.text("type", faults) {
        let last = said.rsplit('/').next().unwrap_or_default();
        if let Some(of) = ALL.into_iter().find(|of| last_type(*of).eq_ignore_ascii_case(last)) {
            return Some(of);
        }
        if PASSED_OVER.contains(&last.to_lowercase().as_str()) {
            let fix = "it is passed over: what customers bring in is written under peering_service_prefixes";
            faults.warning(object.mark, format!("a resource of type {}", shown(said)), fix);
        } else {
            unknown(object.mark, format!("the type {} is unknown", shown(said)), faults);
        }
        return None;
    }
    if let Some(of) = ALL.into_iter().find(|of| segment(id, last_type(*of)).is_some()) {
        return Some(of);
    }
    let has = |name: &str| properties.get(name).is_some();
    if has("direct") || has("exchange") {
        return Some(Type::Peering);
    }
    if has("peerAsn") {
        return Some(Type::PeerAsn);
    }
    unknown(object.mark, "this is no resource that is known".to_owned(), faults);
    None
}

fn unknown(mark: Mark, what: String, faults: &mut Faults) {
    let fix = "give peerings, peerAsns, registeredPrefixes and registeredAsns of Microsoft.Peering";
    faults.error(mark, what, fix);
}
