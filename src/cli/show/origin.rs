//! `show origin`: what registries say of origins, and where it comes from.

use serde::Deserialize;

use super::clock::{Clock, Families};
use super::view::Lines;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Origin {
    in_force_since: String,
    rpki: Rpki,
    irr: Irr,
}

#[derive(Deserialize)]
struct Rpki {
    vrps: Families<u64>,
    invalid: String,
    unknown: String,
    caches: Vec<Cache>,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct Irr {
    routes: Families<u64>,
    invalid: String,
    unknown: String,
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    file: String,
    entries: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cache {
    address: String,
    state: String,
    in_use: bool,
    serial: Option<u32>,
    vrps: Families<u64>,
    updated_at: Option<String>,
    expires_at: Option<String>,
    last_error: Option<CacheError>,
}

#[derive(Deserialize)]
struct CacheError {
    text: String,
    at: String,
}

impl Lines for Origin {
    fn lines(&self, clock: &Clock) -> Vec<(&'static str, String)> {
        let Self { in_force_since, rpki, irr } = self;
        let mut lines = vec![
            ("in force since", format!("{in_force_since} ({} ago)", clock.age(in_force_since))),
            ("VRPs v4/v6", rpki.vrps.both()),
            ("RPKI invalid", rpki.invalid.clone()),
            ("RPKI unknown", rpki.unknown.clone()),
        ];
        for cache in &rpki.caches {
            lines.push(("RTR cache", cache.in_words(clock)));
            lines.extend(
                cache
                    .last_error
                    .as_ref()
                    .map(|error| ("", format!("{}, {} ago", error.text, clock.age(&error.at)))),
            );
        }
        let file = |file: &File| format!("{} ({})", file.file, file.entries);
        lines.extend(rpki.files.iter().map(|f| ("VRP file", file(f))));
        lines.push(("IRR routes v4/v6", irr.routes.both()));
        lines.push(("IRR invalid", irr.invalid.clone()));
        lines.push(("IRR unknown", irr.unknown.clone()));
        lines.extend(irr.files.iter().map(|f| ("IRR file", file(f))));
        lines
    }
}

impl Cache {
    fn in_words(&self, clock: &Clock) -> String {
        let mut words = vec![format!("{} {}", self.address, self.state)];
        words.extend(self.in_use.then(|| "in use".to_owned()));
        words.extend(self.serial.map(|serial| format!("serial {serial}, {} VRPs", self.vrps.both())));
        words.extend(self.updated_at.as_ref().map(|at| format!("updated {} ago", clock.age(at))));
        let ends = self.expires_at.as_ref().filter(|_| self.state == "lost");
        words.extend(ends.map(|at| format!("expires in {}", clock.left(at))));
        words.join(", ")
    }
}
