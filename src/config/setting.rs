//! Where the config is for, and what numbers that allows.

use crate::wire::{Asn, AsnKind};

/// ExpressRoute's ASN, which peers filter.
const EXPRESS_ROUTE: Asn = Asn(12076);

/// Where this is to run, which decides what numbers and addresses are allowed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Setting {
    /// On the Internet.
    Live,
    /// Where nobody is harmed.
    Lab,
}

/// Why a number cannot be a speaker's ASN, and the way out.
pub(super) fn asn_refusal(asn: Asn, setting: Setting) -> Option<(&'static str, &'static str)> {
    const FIX: &str = "write the ASN that the network really has";
    const LAB: &str = "write a public ASN; lab: true allows these";
    if asn == EXPRESS_ROUTE {
        return Some(("ExpressRoute's, which is never a peer's", FIX));
    }
    match asn.kind() {
        AsnKind::Public => None,
        AsnKind::Private if setting == Setting::Lab => None,
        AsnKind::Documentation if setting == Setting::Lab => None,
        AsnKind::Private => Some(("a private ASN (RFC 6996)", LAB)),
        AsnKind::Documentation => Some(("an ASN for documentation (RFC 5398)", LAB)),
        AsnKind::Trans => Some(("AS_TRANS (RFC 6793), which stands for another", FIX)),
        AsnKind::Zero => Some(("no ASN (RFC 7607)", FIX)),
        AsnKind::Reserved => Some(("a reserved ASN (RFC 7300)", FIX)),
    }
}
