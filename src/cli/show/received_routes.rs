//! `show received-routes`: Azure's list of what the peers of a peering announce, page by page.

use std::io::Write;

use serde::Deserialize;

use super::listing::View;
use super::{Show, WINDOW};
use crate::cli::client::{ClientError, encoded};

/// Which routes of a peering are wanted.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReceivedRoutes {
    /// A peering's name.
    peering: String,
    /// Those of exactly this prefix.
    #[arg(long)]
    prefix: Option<String>,
    /// Those with this AS path, all of it, like "3356 7018".
    #[arg(long, value_name = "PATH")]
    as_path: Option<String>,
    /// Those of this state by the routing registry: Valid, Invalid or Unknown.
    #[arg(long, value_name = "STATE")]
    origin_as_validation_state: Option<String>,
    /// Those of this state by RPKI: Valid, Invalid or Unknown.
    #[arg(long, value_name = "STATE")]
    rpki_validation_state: Option<String>,
    /// One page alone, of up to 100 routes; with --json as Azure's API has it, with the nextLink.
    #[arg(long)]
    page: bool,
    /// Begin with the page that this $skipToken of a nextLink is for.
    #[arg(long, value_name = "TOKEN")]
    skip_token: Option<String>,
}

/// The key of a page in a nextLink.
const SKIP_TOKEN: &str = "$skipToken";

impl ReceivedRoutes {
    /// The page that a token is for, or the first.
    fn url(&self, token: Option<&str>) -> String {
        let pairs = [
            ("prefix", self.prefix.as_deref()),
            ("asPath", self.as_path.as_deref()),
            ("originAsValidationState", self.origin_as_validation_state.as_deref()),
            ("rpkiValidationState", self.rpki_validation_state.as_deref()),
            (SKIP_TOKEN, token),
        ];
        let given = pairs.iter().filter_map(|(key, value)| Some(format!("{key}={}", encoded((*value)?))));
        let query = given.collect::<Vec<_>>().join("&");
        format!("/api/v1/peerings/{}/receivedRoutes?{query}", encoded(&self.peering))
    }
}

/// Azure's ReceivedRoute.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReceivedRoute {
    prefix: String,
    next_hop: String,
    as_path: String,
    origin_as_validation_state: String,
    rpki_validation_state: String,
    trust_anchor: String,
    received_timestamp: String,
}

const ROUTES: View<ReceivedRoute, 7> = View {
    head: ["PREFIX", "NEXT HOP", "AS PATH", "ORIGIN AS", "RPKI", "ANCHOR", "AGE"],
    words: 0,
    cells: |r, clock| {
        let age = clock.age(&r.received_timestamp);
        let (origin_as, rpki) = (r.origin_as_validation_state, r.rpki_validation_state);
        [r.prefix, r.next_hop, r.as_path, origin_as, rpki, r.trust_anchor, age]
    },
};

/// The token in a link to the next page.
fn token(next_link: &str) -> Option<&str> {
    next_link.rsplit_once(SKIP_TOKEN).and_then(|(_, rest)| rest.strip_prefix('='))
}

impl Show {
    /// All pages, or the one that is asked for.
    pub(super) async fn received_routes(
        &self,
        wanted: &ReceivedRoutes,
        out: &mut impl Write,
    ) -> Result<(), ClientError> {
        let mut url = wanted.url(wanted.skip_token.as_deref());
        if wanted.page && self.json {
            let page = self.client.value(&url).await?;
            return Ok(out.write_all(&page)?);
        }
        let mut sheet = self.sheet(ROUTES);
        loop {
            let mut rows = self.client.rows(&url).await?;
            loop {
                let window = rows.next(WINDOW).await?;
                if window.is_empty() {
                    break;
                }
                sheet.print(&window, out)?;
            }
            let next = rows.next_link().and_then(token);
            match next {
                Some(next) if wanted.page => {
                    sheet.end(out)?;
                    return Ok(writeln!(out, "\nThe next page: --skip-token {next}")?);
                }
                Some(next) => url = wanted.url(Some(next)),
                None => return sheet.end(out),
            }
        }
    }
}
