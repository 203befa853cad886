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
    PeeringService,
    ServicePrefix,
}

/// Types that are known, and of no use here.
const PASSED_OVER: [&str; 8] = [
    "connectionmonitortests",
    "peeringlocations",
    "peeringserviceproviders",
    "peeringservicelocations",
    "peeringservicecountries",
    "cdnpeeringprefixes",
    "rpunbilledprefixes",
    "receivedroutes",
];

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
    /// The peering that it belongs to, by its id, or as peeringd shows it.
    pub(super) parent: Option<String>,
    id: &'d str,
}

impl Type {
    /// As it is spoken of.
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Peering => "peering",
            Self::PeerAsn => "peer ASN",
            Self::RegisteredPrefix => "registered prefix",
            Self::RegisteredAsn => "registered ASN",
            Self::PeeringService => "Peering Service",
            Self::ServicePrefix => "Peering Service prefix",
        }
    }
}

impl<'d> Resource<'d> {
    /// Where it is, unique among all files.
    pub(super) fn mark_in_file(&self) -> (usize, u32, u32) {
        (self.file.number, self.mark.line, self.mark.column)
    }

    /// The Peering Service that a prefix is of, by its id.
    pub(super) fn service(&self) -> Option<&'d str> {
        segment(self.id, last_type(Type::PeeringService))
    }

    /// The whole id of a Peering Service, its own or that of a prefix, in lower case: names are those of a resource group.
    pub(super) fn service_id(&self) -> Option<String> {
        let id = self.id.to_lowercase();
        let service = id.split_once("/prefixes/").map_or(id.as_str(), |(service, _)| service);
        Some(service.to_owned()).filter(|service| !service.is_empty())
    }

    /// What is particular to a peering's kind, without a word on what is wrong with it.
    fn inner(&self) -> Option<Object<'d>> {
        ["direct", "exchange"].into_iter().find_map(|kind| self.properties.peek_object(kind))
    }

    /// The name of the PeerAsn of a peering.
    pub(super) fn peer_asn_name(&self) -> Option<&'d str> {
        let id = self.inner()?.peek_object("peerAsn")?.peek("id")?;
        id.rsplit('/').next()
    }

    /// Whether a peering says of itself that it is used for Peering Service, or any of its connections does.
    pub(super) fn is_for_peering_service(&self) -> bool {
        let says = |object: &Object<'_>| {
            object.get("useForPeeringService").is_some_and(|node| node.value == Value::Bool(true))
        };
        let Some(inner) = self.inner() else { return false };
        says(&inner) || inner.peek_items("connections").iter().filter_map(Object::peek_open).any(|c| says(&c))
    }

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

/// What all files have.
#[derive(Default)]
pub(super) struct Found<'d> {
    pub(super) resources: Vec<Resource<'d>>,
    /// The types in lists that are whole, or the last page of one.
    last_pages: Vec<Type>,
    /// Lists that go on elsewhere.
    others: Vec<Page>,
}

/// A page of a list that is not its last.
struct Page {
    file: usize,
    /// Where it says so.
    mark: Mark,
    /// Of its first item; none where it has none.
    of: Option<Type>,
    count: usize,
}

impl<'d> Found<'d> {
    /// Takes all resources below a node: itself, or the items of an array or of a list's `value`.
    pub(super) fn collect(&mut self, node: &'d Node, file: &File, faults: &mut Faults) {
        if let Value::List(items) = &node.value {
            items.iter().for_each(|item| self.collect(item, file, faults));
            return;
        }
        let Some(object) = Object::open(node, "a resource", faults) else { return };
        if let Some(error) = object.peek_object("error").filter(|error| error.peek("code").is_some()) {
            let said: Vec<_> =
                ["code", "message"].into_iter().filter_map(|field| error.peek(field)).collect();
            let fix = "ask again, and give the answer that has resources";
            return faults.error(
                error.mark,
                format!("Azure answered with an error: {}", shown(&said.join(": "))),
                fix,
            );
        }
        let list = object.raw("value").filter(|value| matches!(value.value, Value::List(_)));
        let Some(list) = list.filter(|_| object.get("properties").is_none()) else {
            self.resources.extend(resource(object, file, faults));
            return;
        };
        let before = self.resources.len();
        self.collect(list, file, faults);
        let of = self.resources.get(before).map(|first| first.of);
        match object.get("nextLink") {
            Some(next) => {
                let count = self.resources.len() - before;
                self.others.push(Page { file: file.number, mark: next.mark, of, count });
            }
            None => self.last_pages.extend(of),
        }
    }

    /// Says which lists go on elsewhere: an error where no file has a last page of that type, since the config would lack
    /// what stands there.
    pub(super) fn check_pages(&self, faults: &mut [Faults]) {
        for Page { file, mark, of, count } in &self.others {
            let Some(faults) = faults.get_mut(*file) else { continue };
            if of.is_some_and(|of| self.last_pages.contains(&of)) {
                let what = "the list goes on at nextLink, and another file has its last page";
                faults.warning(*mark, what, "check that no page between the two is missing");
            } else {
                let what = format!("the list goes on at nextLink, and only {count} of it is here");
                let fix = "fetch what stands there too, and give it as a further file; or let `az … list` fetch all";
                faults.error(*mark, what, fix);
            }
        }
    }
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
        id,
    })
}

fn last_type(of: Type) -> &'static str {
    match of {
        Type::Peering => "peerings",
        Type::PeerAsn => "peerAsns",
        Type::RegisteredPrefix => "registeredPrefixes",
        Type::RegisteredAsn => "registeredAsns",
        Type::PeeringService => "peeringServices",
        Type::ServicePrefix => "prefixes",
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
    // What is below another one is found before that.
    const ALL: [Type; 6] = [
        Type::RegisteredPrefix,
        Type::RegisteredAsn,
        Type::ServicePrefix,
        Type::PeerAsn,
        Type::PeeringService,
        Type::Peering,
    ];
    if let Some(said) = object.text("type", faults) {
        let last = said.rsplit('/').next().unwrap_or_default();
        if let Some(of) = ALL.into_iter().find(|of| last_type(*of).eq_ignore_ascii_case(last)) {
            return Some(of);
        }
        if last.eq_ignore_ascii_case("peeringServicePrefixes") {
            return Some(Type::ServicePrefix);
        }
        if PASSED_OVER.contains(&last.to_lowercase().as_str()) {
            let what = format!("a resource of type {} is passed over", shown(said));
            faults.warning(object.mark, what, "leave it out: the config has nothing of it");
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
    if has("peeringServiceProvider") {
        return Some(Type::PeeringService);
    }
    if has("learnedType") {
        return Some(Type::ServicePrefix);
    }
    unknown(object.mark, "this is no resource that is known".to_owned(), faults);
    None
}

fn unknown(mark: Mark, what: String, faults: &mut Faults) {
    let fix = "give peerings, peerAsns, registeredPrefixes, registeredAsns, peeringServices and their prefixes of \
               Microsoft.Peering";
    faults.error(mark, what, fix);
}
