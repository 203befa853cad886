//! `as_path` of a group: what may be sent, and what stands behind the local ASN.

use super::collect::shown;
use super::events::Mark;
use crate::wire::{Asn, AsnKind};

/// ExpressRoute's ASN: its routes are never exchanged with peers.
const EXPRESS_ROUTE: Asn = Asn(12076);
/// An AS_SEQUENCE holds 255 (RFC 4271 §4.3), of which the local ASN is one.
const MAX_HOPS: usize = 254;

/// The ASNs behind the first local one, and what is wrong with them. A path that does not begin with the local ASN is
/// meant to have it put first.
pub(super) fn as_path(
    hops: &[(String, Mark)],
    local: Asn,
    start: Mark,
) -> (Vec<Asn>, Vec<(Mark, String, String)>) {
    let mut path = Vec::with_capacity(hops.len());
    let mut errors = Vec::new();
    for (text, mark) in hops {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        match digits.then(|| text.parse::<Asn>().ok()).flatten() {
            Some(asn) => {
                if let Some((what, fix)) = refusal(asn, local, &path) {
                    errors.push((*mark, what, fix));
                }
                path.push(asn);
            }
            None => errors.push((
                *mark,
                format!("\"{}\" in as_path is no ASN", shown(text)),
                "write numbers from 1 to 4294967295, like [8075, 64496]".to_owned(),
            )),
        }
    }
    if path.first() == Some(&local) {
        path.remove(0);
    }
    if path.len() > MAX_HOPS {
        let what = format!("as_path has {} ASNs behind the local one", path.len());
        errors.push((start, what, format!("shorten it to {MAX_HOPS}")));
    }
    (path, errors)
}

fn refusal(asn: Asn, local: Asn, before: &[Asn]) -> Option<(String, String)> {
    if asn == local {
        // Repeated in front it is prepending; further back every receiver would see a loop.
        let looped = before.iter().any(|hop| *hop != local);
        return looped.then(|| {
            (format!("as_path comes back to AS{asn}, our own"), "keep our own ASN at the front".to_owned())
        });
    }
    if asn == EXPRESS_ROUTE {
        let what = "AS12076 (ExpressRoute) in as_path".to_owned();
        return Some((what, "remove these routes: they are never exchanged with peers".to_owned()));
    }
    let kind = match asn.kind() {
        AsnKind::Public | AsnKind::Documentation => return None,
        AsnKind::Private => "a private ASN (RFC 6996)",
        AsnKind::Trans => "AS_TRANS (RFC 6793), which stands for another",
        AsnKind::Zero => "no ASN at all (RFC 7607)",
        AsnKind::Reserved => "a reserved ASN",
    };
    Some((format!("AS{asn} in as_path is {kind}"), "remove it from the path".to_owned()))
}
