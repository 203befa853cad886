//! What a check found of a route.

use std::fmt;

use super::{Reason, Validity};

/// What one check of a route came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Finding {
    /// What has to hold does.
    Holds,
    /// It does not, and the config lets the route in all the same.
    Noted(Note),
    /// It keeps the route from being accepted.
    Fails(Reason),
}

impl Finding {
    /// Why the route is not accepted, if it is by this check.
    #[must_use]
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Fails(reason) => Some(reason),
            Self::Holds | Self::Noted(_) => None,
        }
    }

    /// What is to be said of a route that passes without what has to hold.
    #[must_use]
    pub fn note(self) -> Option<Note> {
        match self {
            Self::Noted(note) => Some(note),
            Self::Holds | Self::Fails(_) => None,
        }
    }
}

/// What a registry says of a route where that keeps nothing out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Note {
    /// RPKI has other origins for it.
    RpkiInvalid,
    /// RPKI has nothing on it, or there are no VRPs.
    RpkiUnknown,
    /// The routing registry has other origins for it.
    IrrInvalid,
    /// The routing registry does not have it, or there is none.
    IrrUnknown,
}

impl Note {
    /// Of what RPKI says.
    pub(super) fn of_rpki(validity: Validity) -> Option<Self> {
        match validity {
            Validity::Valid => None,
            Validity::Invalid => Some(Self::RpkiInvalid),
            Validity::Unknown => Some(Self::RpkiUnknown),
        }
    }

    /// Of what the routing registry says.
    pub(super) fn of_irr(validity: Validity) -> Option<Self> {
        match validity {
            Validity::Valid => None,
            Validity::Invalid => Some(Self::IrrInvalid),
            Validity::Unknown => Some(Self::IrrUnknown),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RpkiInvalid => "RPKI: Invalid, which the config lets in (rpki.invalid: show)",
            Self::RpkiUnknown => "RPKI: Unknown, which the config lets in (rpki.unknown: show)",
            Self::IrrInvalid => "routing registry: Invalid, which the config lets in (irr.invalid: show)",
            Self::IrrUnknown => "routing registry: Unknown, which the config lets in (irr.unknown: show)",
        })
    }
}
