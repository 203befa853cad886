//! What is registered, in the shape of Azure's resources, and the events of it.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use ipnet::IpNet;
use serde::Serialize;

use super::azure::PROVIDER;
use super::error::ApiError;
use super::json::Time;
use super::list::{self, Page, Rows, Source};
use super::query::echo;
use super::router::App;
use crate::peering::{Event, EventLevel, EventType, LearnedType, PrefixValidationState, ProvisioningState};
use crate::speaker::{
    CannotValidate, PeeringRegistry, RegisteredAsnStatus, RegisteredPrefixStatus, ServicePrefixStatus,
};
use crate::wire::Asn;

/// The lists.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/registeredPrefixes", get(prefixes))
        .route("/api/v1/registeredAsns", get(asns))
        .route("/api/v1/peeringServicePrefixes", get(service_prefixes))
        .route("/api/v1/peerings/{peering}/registeredPrefixes", get(prefixes_of))
        .route("/api/v1/peerings/{peering}/registeredAsns", get(asns_of))
        .route("/api/v1/events", get(events))
}

/// Azure's shape of a resource, with the peering that it is of.
#[derive(Serialize)]
struct Resource<'a, P> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
    peering: &'a str,
    properties: P,
}

impl<'a, P> Resource<'a, P> {
    /// A resource below one called as the peering: `of` that kind, and in this collection of it.
    fn new(
        (of, collection, kind): (&str, &str, &'static str),
        peering: &'a str,
        name: &'a str,
        properties: P,
    ) -> Self {
        Self { name, kind, id: format!("{PROVIDER}/{of}/{peering}/{collection}/{name}"), peering, properties }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegisteredPrefixJson<'a> {
    prefix: IpNet,
    prefix_validation_state: PrefixValidationState,
    peering_service_prefix_key: Option<&'a str>,
    error_message: Option<&'a str>,
    provisioning_state: ProvisioningState,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RegisteredAsnJson<'a> {
    asn: Asn,
    peering_service_prefix_key: Option<&'a str>,
    provisioning_state: ProvisioningState,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServicePrefixJson<'a> {
    prefix: IpNet,
    prefix_validation_state: PrefixValidationState,
    learned_type: LearnedType,
    error_message: Option<&'a str>,
    /// Only where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Vec<PrefixEventJson<'a>>>,
    peering_service_prefix_key: Option<&'a str>,
    provisioning_state: ProvisioningState,
}

/// An event of one prefix.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrefixEventJson<'a> {
    event_timestamp: Time,
    event_type: EventType,
    event_summary: &'a str,
    event_level: EventLevel,
    event_description: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventJson<'a> {
    #[serde(flatten)]
    event: PrefixEventJson<'a>,
    peering: &'a str,
    connection: Option<&'a str>,
    prefix: Option<IpNet>,
}

impl<'a> PrefixEventJson<'a> {
    fn new(event: &'a Event) -> Self {
        Self {
            event_timestamp: Time(event.event_timestamp),
            event_type: event.event_type,
            event_summary: &event.event_summary,
            event_level: event.event_level,
            event_description: &event.event_description,
        }
    }
}

fn push_prefix(peering: &str, status: &RegisteredPrefixStatus, rows: &mut Rows) -> Result<(), ApiError> {
    let RegisteredPrefixStatus { name, prefix, verdict, key, provisioning_state } = status;
    let properties = RegisteredPrefixJson {
        prefix: *prefix,
        prefix_validation_state: verdict.state,
        peering_service_prefix_key: key.as_deref(),
        error_message: verdict.message.as_deref(),
        provisioning_state: *provisioning_state,
    };
    let kind = ("peerings", "registeredPrefixes", "Microsoft.Peering/peerings/registeredPrefixes");
    rows.push(&Resource::new(kind, peering, name, properties))
}

fn push_asn(peering: &str, status: &RegisteredAsnStatus, rows: &mut Rows) -> Result<(), ApiError> {
    let RegisteredAsnStatus { name, asn, key, provisioning_state } = status;
    let properties = RegisteredAsnJson {
        asn: *asn,
        peering_service_prefix_key: key.as_deref(),
        provisioning_state: *provisioning_state,
    };
    let kind = ("peerings", "registeredAsns", "Microsoft.Peering/peerings/registeredAsns");
    rows.push(&Resource::new(kind, peering, name, properties))
}

fn push_service_prefix(
    peering: &str,
    status: &ServicePrefixStatus,
    events: Option<&[Arc<Event>]>,
    rows: &mut Rows,
) -> Result<(), ApiError> {
    let ServicePrefixStatus { name, prefix, verdict, key } = status;
    let properties = ServicePrefixJson {
        prefix: *prefix,
        prefix_validation_state: verdict.verdict.state,
        learned_type: verdict.learned_type,
        error_message: verdict.verdict.message.as_deref(),
        events: events.map(|events| events.iter().map(|event| PrefixEventJson::new(event)).collect()),
        peering_service_prefix_key: key.as_deref(),
        provisioning_state: ProvisioningState::Succeeded,
    };
    let kind = ("peeringServices", "prefixes", "Microsoft.Peering/peeringServices/prefixes");
    rows.push(&Resource::new(kind, peering, name, properties))
}

/// Rows that are all at hand.
struct Listed<I, F> {
    items: I,
    push: F,
}

impl<I, F> Source for Listed<I, F>
where
    I: Iterator + Send + 'static,
    F: FnMut(I::Item, &mut Rows) -> Result<(), ApiError> + Send + 'static,
{
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        while !out.is_full() {
            let Some(item) = self.items.next() else { return Ok(Page::Last) };
            (self.push)(item, out)?;
        }
        Ok(Page::More)
    }
}

/// What of a list is wanted.
#[derive(Debug, Default)]
struct Filter {
    prefix: Option<IpNet>,
    peering: Option<String>,
    /// With the events of each.
    with_events: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Filter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let pairs: Result<Query<Vec<(String, String)>>, QueryRejection> =
            Query::from_request_parts(parts, state).await;
        let Query(pairs) = pairs.map_err(|_| {
            ApiError::bad_request("what stands behind the ? is no query: write KEY=VALUE, joined by &")
        })?;
        let mut filter = Self::default();
        for (key, value) in pairs {
            match (key.as_str(), value.as_str()) {
                ("prefix", text) => filter.prefix = Some(prefix(text)?),
                ("peering", _) => filter.peering = Some(value),
                ("$expand", "events") => filter.with_events = true,
                ("$expand", other) => {
                    return Err(ApiError::bad_request(format!(
                        "$expand takes events, not \"{}\"",
                        echo(other)
                    )));
                }
                (_, _) => {
                    let what = format!("this list takes prefix, peering and $expand, not \"{}\"", echo(&key));
                    return Err(ApiError::bad_request(what));
                }
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

type Name = Result<Path<String>, PathRejection>;

/// The peerings that a filter, or the path, lets through.
fn peerings(app: &App, only: Option<&str>) -> Result<Vec<Arc<PeeringRegistry>>, ApiError> {
    let registry = app.handle().registry();
    let Some(only) = only else { return Ok(registry.peerings.clone()) };
    let found = registry
        .peering(only)
        .ok_or_else(|| ApiError::not_found(format!("no peering is called \"{}\"", echo(only))))?;
    Ok(vec![found])
}

fn name(name: Name) -> Result<String, ApiError> {
    let Path(name) = name.map_err(|_| ApiError::bad_request("the name in the path is not UTF-8"))?;
    Ok(name)
}

async fn prefixes(State(app): State<App>, filter: Filter) -> Result<Response, ApiError> {
    let all = peerings(&app, filter.peering.as_deref())?;
    let items = all.into_iter().flat_map(|peering| {
        let statuses = peering.registered_prefixes.clone();
        statuses.into_iter().map(move |status| (peering.peering.clone(), status))
    });
    let items = items.filter(move |(_, status)| filter.prefix.is_none_or(|only| status.prefix == only));
    let push = |(peering, status): (Arc<str>, Arc<_>), rows: &mut Rows| push_prefix(&peering, &status, rows);
    list::answer(Listed { items, push }, app.readers()).await
}

async fn prefixes_of(state: State<App>, peering: Name, filter: Filter) -> Result<Response, ApiError> {
    let peering = Some(name(peering)?);
    prefixes(state, Filter { peering, ..filter }).await
}

async fn asns(State(app): State<App>, filter: Filter) -> Result<Response, ApiError> {
    let all = peerings(&app, filter.peering.as_deref())?;
    let items = all.into_iter().flat_map(|peering| {
        let statuses = peering.registered_asns.clone();
        statuses.into_iter().map(move |status| (peering.peering.clone(), status))
    });
    let push = |(peering, status): (Arc<str>, Arc<_>), rows: &mut Rows| push_asn(&peering, &status, rows);
    list::answer(Listed { items, push }, app.readers()).await
}

async fn asns_of(state: State<App>, peering: Name, filter: Filter) -> Result<Response, ApiError> {
    let peering = Some(name(peering)?);
    asns(state, Filter { peering, ..filter }).await
}

async fn service_prefixes(State(app): State<App>, filter: Filter) -> Result<Response, ApiError> {
    let all = peerings(&app, filter.peering.as_deref())?;
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
    let items = all.into_iter().flat_map(|peering| {
        let statuses = peering.service_prefixes.clone();
        statuses.into_iter().map(move |status| (peering.peering.clone(), status))
    });
    let items = items.filter(move |(_, status)| filter.prefix.is_none_or(|only| status.prefix == only));
    let push = move |(peering, status): (Arc<str>, Arc<ServicePrefixStatus>), rows: &mut Rows| {
        let of = (peering.clone(), status.prefix);
        let of_it = with_events.then(|| events.get(&of).map_or(&[][..], Vec::as_slice));
        push_service_prefix(&peering, &status, of_it, rows)
    };
    list::answer(Listed { items, push }, app.readers()).await
}

async fn events(State(app): State<App>, filter: Filter) -> Result<Response, ApiError> {
    let Filter { prefix, peering, with_events: _ } = filter;
    let all = match &peering {
        Some(peering) => app.handle().events().of_peering(peering),
        None => app.handle().events().list(),
    };
    let items = all.into_iter().filter(move |event| prefix.is_none() || event.prefix == prefix);
    let push = |event: Arc<Event>, rows: &mut Rows| {
        rows.push(&EventJson {
            event: PrefixEventJson::new(&event),
            peering: &event.peering,
            connection: event.connection.as_deref(),
            prefix: event.prefix,
        })
    };
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
pub(super) async fn validate(State(app): State<App>, wanted: Name) -> Result<Json<Validating>, ApiError> {
    let prefix = prefix(&name(wanted)?)?;
    match list::asked(async { Ok(app.handle().validate(prefix).await) }).await? {
        Ok(()) => Ok(Json(Validating { prefix, prefix_validation_state: PrefixValidationState::Pending })),
        Err(why @ CannotValidate::Unknown(_)) => Err(ApiError::not_found(why.to_string())),
        Err(why @ CannotValidate::NotRegistered(_)) => Err(ApiError::conflict(why.to_string())),
        Err(why @ CannotValidate::Gone) => Err(ApiError::unavailable(why.to_string())),
    }
}
