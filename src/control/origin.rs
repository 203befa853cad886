//! What registries say of origins: where it comes from, and what it is.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use super::json::Time;
use crate::peering::Enforcement;
use crate::speaker::{CacheState, CacheStatus, OriginStatus};
use crate::wire::PerFamily;

/// The tables in force and their sources.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OriginJson {
    in_force_since: Time,
    rpki: RpkiJson,
    irr: IrrJson,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RpkiJson {
    vrps: PerFamily<u64>,
    invalid: &'static str,
    unknown: &'static str,
    caches: Vec<CacheJson>,
    files: Vec<FileJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IrrJson {
    routes: PerFamily<u64>,
    invalid: &'static str,
    unknown: &'static str,
    files: Vec<FileJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileJson {
    file: String,
    entries: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CacheJson {
    address: SocketAddr,
    state: &'static str,
    in_use: bool,
    session_id: Option<u16>,
    serial: Option<u32>,
    vrps: PerFamily<u64>,
    updated_at: Option<Time>,
    expires_at: Option<Time>,
    last_error: Option<ErrorJson>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ErrorJson {
    text: Arc<str>,
    at: Time,
}

impl From<&OriginStatus> for OriginJson {
    fn from(status: &OriginStatus) -> Self {
        let word = |is_refused: bool| if is_refused { "refuse" } else { "show" };
        let Enforcement { rpki_invalid, rpki_unknown, irr_invalid, irr_unknown } = status.enforce;
        Self {
            in_force_since: Time(status.in_force_since),
            rpki: RpkiJson {
                vrps: status.vrps,
                invalid: word(rpki_invalid),
                unknown: word(rpki_unknown),
                caches: status.caches.iter().map(CacheJson::from).collect(),
                files: status.vrp_files.iter().map(FileJson::from).collect(),
            },
            irr: IrrJson {
                routes: status.irr_routes,
                invalid: word(irr_invalid),
                unknown: word(irr_unknown),
                files: status.irr_files.iter().map(FileJson::from).collect(),
            },
        }
    }
}

impl From<&(Arc<PathBuf>, u64)> for FileJson {
    fn from((path, entries): &(Arc<PathBuf>, u64)) -> Self {
        Self { file: path.to_string_lossy().into_owned(), entries: *entries }
    }
}

impl From<&CacheStatus> for CacheJson {
    fn from(cache: &CacheStatus) -> Self {
        let state = match cache.state {
            CacheState::Connecting => "connecting",
            CacheState::Synced => "synced",
            CacheState::Lost => "lost",
            CacheState::Expired => "expired",
        };
        Self {
            address: cache.address,
            state,
            in_use: cache.is_in_use,
            session_id: cache.session.map(|(session, _)| session),
            serial: cache.session.map(|(_, serial)| serial),
            vrps: cache.vrps,
            updated_at: cache.updated_at.map(Time),
            expires_at: cache.expires_at.map(Time),
            last_error: cache
                .last_error
                .as_ref()
                .map(|(text, at)| ErrorJson { text: text.clone(), at: Time(*at) }),
        }
    }
}
