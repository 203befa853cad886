//! What is registered, in the shape of Azure's resources, and the events of it.

mod json;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use ipnet::IpNet;
use serde::Serialize;

use self::json::{EventJson, PrefixEventJson, Registration, Resource};
use super::error::ApiError;
use super::find::{self, InPath};
use super::list::{self, Listed, Rows};
use super::query::{NoQuery, Pairs, echo};
use super::router::App;
use crate::peering::{Event, PrefixValidationState};
use crate::speaker::{
    CannotValidate, PeeringRegistry, RegisteredAsnStatus, RegisteredPrefixStatus, ServicePrefixStatus,
};

/// The lists.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/registeredPrefixes", get(all::<RegisteredPrefixStatus>))
        .route("/api/v1/registeredAsns", get(all::<RegisteredAsnStatus>))
        .route("/api/v1/peeringServicePrefixes", get(service_prefixes))
        .route("/api/v1/peerings/{peering}/registeredPrefixes", get(of_peering::<RegisteredPrefixStatus>))
        .route("/api/v1/peerings/{peering}/registeredPrefixes/{name}", get(one::<RegisteredPrefixStatus>))
        .route("/api/v1/peerings/{peering}/registeredAsns", get(of_peering::<RegisteredAsnStatus>))
        .route("/api/v1/peerings/{peering}/registeredAsns/{name}", get(one::<RegisteredAsnStatus>))
        .route("/api/v1/events", get(events))
}

/// The keys of [`Filter`].
const PREFIX: &str = "prefix";
const PEERING: &str = "peering";
const EXPAND: &str = "$expand";

/// What of a list is wanted.
#[derive(Debug, Default)]
struct Filter {
    prefix: Option<IpNet>,
    peering: Option<String>,
    /// With the events of each.
    with_events: bool,
}

impl Filter {
    /// Of a path that takes these of its keys.
    fn read(pairs: Pairs, keys: &[&str]) -> Result<Self, ApiError> {
        let mut filter = Self::default();
        for (key, value) in pairs.only(keys)? {
            match (key.as_str(), value.as_str()) {
                (PREFIX, text) => filter.prefix = Some(prefix(text)?),
                (EXPAND, "events") => filter.with_events = true,
                (EXPAND, other) => {
                    let what = format!("{EXPAND} takes events, not \"{}\"", echo(other));
                    return Err(ApiError::bad_request(what));
                }
                (_, _) => filter.peering = Some(value),
            }
        }
        Ok(filter)
    }
}

fn prefix(text: &str) -> Result<IpNet, ApiError> {
    let net: IpNet = text.parse().map_err(|_| {
        ApiError::bad_request(format!("\"{}\" is no prefix: write one like 8.23.254.0/24", echo(text)))
    })?;
    if net.trunc() == net {
        return Ok(net);
    }
    Err(ApiError::bad_request(format!("{net} has host bits: the prefix is {}", net.trunc())))
}

/// The peerings that a filter, or the path, lets through.
fn peerings(app: &App, only: Option<&str>) -> Result<Vec<Arc<PeeringRegistry>>, ApiError> {
    let registry = app.handle().registry();
    let Some(only) = only else { return Ok(registry.peerings.clone()) };
    let plan = app.handle().plan();
    // One that has just come is not in the registry yet.
    Ok(registry.peering(&find::peering(&plan.peerings, only)?.name).into_iter().collect())
}

/// What is registered, and the peering's name.
type Registered<T> = (Arc<str>, Arc<T>);

/// Those of one kind that a filter lets through, in the order of the config.
fn registered<T: Registration>(
    app: &App,
    filter: &Filter,
) -> Result<impl Iterator<Item = Registered<T>> + use<T>, ApiError> {
    let prefix = filter.prefix;
    let items = peerings(app, filter.peering.as_deref())?.into_iter().flat_map(|peering| {
        let statuses = T::of(&peering).to_vec();
        statuses.into_iter().map(move |status| (peering.peering.clone(), status))
    });
    Ok(items.filter(move |(_, status)| prefix.is_none() || status.prefix() == prefix))
}

async fn all<T: Registration>(State(app): State<App>, pairs: Pairs) -> Result<Response, ApiError> {
    let keys: &[&str] = if T::HAS_PREFIX { &[PREFIX, PEERING] } else { &[PEERING] };
    answer::<T>(&app, &Filter::read(pairs, keys)?).await
}

async fn of_peering<T: Registration>(
    State(app): State<App>,
    peering: InPath,
    pairs: Pairs,
) -> Result<Response, ApiError> {
    let peering = Some(find::named(peering, "peering's name")?);
    let keys: &[&str] = if T::HAS_PREFIX { &[PREFIX] } else { &[] };
    answer::<T>(&app, &Filter { peering, ..Filter::read(pairs, keys)? }).await
}

async fn answer<T: Registration>(app: &App, filter: &Filter) -> Result<Response, ApiError> {
    let items = registered::<T>(app, filter)?;
    let push =
        |(peering, status): Registered<T>, rows: &mut Rows| rows.push(&Resource::new(&peering, &*status));
    list::collection(Listed { items, push }, app.readers()).await
}

/// One by its name, as Azure's GET.
async fn one<T: Registration>(
    State(app): State<App>,
    names: InPath<(String, String)>,
    _: NoQuery,
) -> Result<Response, ApiError> {
    let (peering, name) = find::named(names, "name")?;
    let filter = Filter { peering: Some(peering), ..Filter::default() };
    let all: Vec<Registered<T>> = registered(&app, &filter)?.collect();
    let Some((peering, status)) = all.iter().find(|(_, status)| status.name().eq_ignore_ascii_case(&name))
    else {
        let (one, all_of_them) = T::CALLED;
        let names = all.iter().map(|(_, status)| status.name().to_owned()).collect();
        return Err(find::not_there(&format!("no {one} is called"), all_of_them, names, &name));
    };
    list::value(&Resource::new(peering, &**status), app.readers())
}

async fn service_prefixes(State(app): State<App>, pairs: Pairs) -> Result<Response, ApiError> {
    let filter = Filter::read(pairs, &[PREFIX, PEERING, EXPAND])?;
    let items = registered::<ServicePrefixStatus>(&app, &filter)?;
    let with_events = filter.with_events;
    let mut events: HashMap<(Arc<str>, IpNet), Vec<Arc<Event>>> = HashMap::new();
    if with_events {
        // Azure has its eight there, and no verdicts, which may be those of a registered prefix too.
        for event in app.handle().events().list().into_iter().filter(|event| event.event_type.is_azures()) {
            if let Some(prefix) = event.prefix {
                events.entry((event.peering.clone(), prefix)).or_default().push(event);
            }
        }
    }
    let push = move |(peering, status): Registered<ServicePrefixStatus>, rows: &mut Rows| {
        let of = (peering.clone(), status.prefix);
        let of_it = events.get(&of).map_or(&[][..], Vec::as_slice);
        let mut resource = Resource::new(&peering, &*status);
        resource.properties.events =
            with_events.then(|| of_it.iter().map(|event| PrefixEventJson::new(event)).collect());
        rows.push(&resource)
    };
    list::collection(Listed { items, push }, app.readers()).await
}

async fn events(State(app): State<App>, pairs: Pairs) -> Result<Response, ApiError> {
    let Filter { prefix, peering, with_events: _ } = Filter::read(pairs, &[PREFIX, PEERING])?;
    let all = match &peering {
        Some(peering) => {
            app.handle().events().of_peering(&find::peering(&app.handle().plan().peerings, peering)?.name)
        }
        None => app.handle().events().list(),
    };
    let items = all.into_iter().filter(move |event| prefix.is_none() || event.prefix == prefix);
    let push = |event: Arc<Event>, rows: &mut Rows| rows.push(&EventJson::new(&event));
    list::answer(Listed { items, push }, app.readers()).await
}

/// What is validated again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Validating {
    prefix: IpNet,
    prefix_validation_state: PrefixValidationState,
}

/// `POST /api/v1/registered/{prefix}/validate`: Azure's `validate`.
pub(super) async fn validate(
    State(app): State<App>,
    wanted: InPath,
    _: NoQuery,
) -> Result<Json<Validating>, ApiError> {
    let prefix = prefix(&find::named(wanted, "prefix")?)?;
    match list::asked(async { Ok(app.handle().validate(prefix).await) }).await? {
        Ok(()) => Ok(Json(Validating { prefix, prefix_validation_state: PrefixValidationState::Pending })),
        Err(why @ CannotValidate::Unknown(_)) => Err(ApiError::not_found(why.to_string())),
        Err(why @ CannotValidate::NotRegistered(_)) => Err(ApiError::conflict(why.to_string())),
        Err(why @ CannotValidate::Gone) => Err(ApiError::unavailable(why.to_string())),
    }
}
