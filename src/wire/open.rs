//! The OPEN message (RFC 4271 §4.2, RFC 9072).
//!
//! ```text
//! 1  version, 4
//! 2  My Autonomous System
//! 2  hold time, seconds
//! 4  BGP Identifier
//! 1  length of the optional parameters     255, or any but 0 }
//!                                        1  255              } in the extended form of RFC 9072
//!                                        2  the length       }
//! n  optional parameters: type 1, length 1 (extended: 2), value; type 2 holds capabilities
//! ```

use std::net::Ipv4Addr;

use nom::Parser;
use nom::multi::length_data;
use nom::number::complete::{be_u8, be_u16, be_u32};

use super::message::whole;
use super::{Asn, Capability, EncodeError, MessageKind, OpenError};

/// An OPEN message. The version is 4; any other is a decode error.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Open {
    /// My Autonomous System, the two-octet field.
    pub my_as: u16,
    /// Seconds: 0, or 3–65535.
    pub hold_time: u16,
    /// The BGP Identifier.
    pub bgp_id: Ipv4Addr,
    /// In the order of the message; one that was read has no repeats, and at most [`Capability::MOST`].
    pub capabilities: Vec<Capability>,
}

impl Open {
    /// The speaker's ASN: of the four-octet capability where there is one, else of the two-octet field.
    #[must_use]
    pub fn asn(&self) -> Asn {
        self.capabilities
            .iter()
            .find_map(|c| if let Capability::FourOctetAs(asn) = c { Some(*asn) } else { None })
            .unwrap_or(Asn(u32::from(self.my_as)))
    }
}

/// The parameter type that holds capabilities (RFC 5492 §4).
const CAPABILITIES: u8 = 2;
/// In place of the first parameter's type: the extended form (RFC 9072 §2).
const EXTENDED: u8 = 255;

/// How the optional parameters of an OPEN are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterForm {
    /// Lengths of one octet.
    Classic,
    /// Lengths of two octets (RFC 9072).
    Extended,
}

impl Open {
    /// Reads a body, in either form of the optional parameters.
    ///
    /// # Errors
    /// What is wrong with it; `Notification::from` has the answer.
    pub fn decode(body: &[u8]) -> Result<Self, OpenError> {
        let truncated = || OpenError::Truncated { what: "an OPEN", needed: 10, have: body.len() };
        let (fields, version) = be_u8::<_, ()>(body).map_err(|_| truncated())?;
        // Before all else: behind another version, the rest need not be what it is in this one.
        if version != 4 {
            return Err(OpenError::Version(version));
        }
        let (parameters, (my_as, hold_time, bgp_id)) =
            (be_u16::<_, ()>, be_u16, be_u32).parse(fields).map_err(|_| truncated())?;
        let capabilities = decode_parameters(parameters)?;
        Self { my_as, hold_time, bgp_id: Ipv4Addr::from_bits(bgp_id), capabilities }.checked()
    }

    /// Refuses values that no speaker may use.
    fn checked(self) -> Result<Self, OpenError> {
        let four_octet_zero = self.capabilities.contains(&Capability::FourOctetAs(Asn(0)));
        if self.my_as == 0 || four_octet_zero {
            return Err(OpenError::AsZero);
        }
        if matches!(self.hold_time, 1 | 2) {
            return Err(OpenError::HoldTime(self.hold_time));
        }
        if self.bgp_id.is_unspecified() {
            return Err(OpenError::BgpIdZero);
        }
        Ok(self)
    }

    /// The whole message. All capabilities go into one parameter, in the extended form only where the classic one has
    /// no room.
    ///
    /// # Errors
    /// A capability over 255 octets or with a number that its field does not hold, or a message over 4,096 octets.
    pub fn encode(&self) -> Result<Vec<u8>, EncodeError> {
        self.encode_in(ParameterForm::Classic)
    }

    /// The whole message, with its parameters in this form; in the extended one also where the classic one has no room.
    ///
    /// # Errors
    /// As for [`Self::encode`].
    pub fn encode_in(&self, form: ParameterForm) -> Result<Vec<u8>, EncodeError> {
        let mut capabilities = Vec::new();
        for capability in &self.capabilities {
            capability.encode(&mut capabilities)?;
        }
        let mut body = vec![4];
        body.extend_from_slice(&self.my_as.to_be_bytes());
        body.extend_from_slice(&self.hold_time.to_be_bytes());
        body.extend_from_slice(&self.bgp_id.octets());
        put_parameters(&mut body, &capabilities, form)?;
        whole(MessageKind::Open, "an OPEN", &body)
    }
}

/// Reads from the octet of the parameters' length to the end of the message.
fn decode_parameters(field: &[u8]) -> Result<Vec<Capability>, OpenError> {
    let missing =
        |needed| OpenError::Truncated { what: "the optional parameters", needed, have: field.len() };
    let (mut octets, len) = be_u8::<_, ()>(field).map_err(|_| missing(1))?;
    let (mut form, mut len) = (ParameterForm::Classic, usize::from(len));
    if len > 0 && octets.first() == Some(&EXTENDED) {
        let (rest, (_, extended)) = (be_u8::<_, ()>, be_u16).parse(octets).map_err(|_| missing(4))?;
        (octets, form, len) = (rest, ParameterForm::Extended, usize::from(extended));
    }
    if octets.len() > len {
        return Err(OpenError::Trailing { extra: octets.len().saturating_sub(len) });
    }
    if octets.len() < len {
        return Err(OpenError::Truncated {
            what: "the optional parameters",
            needed: len,
            have: octets.len(),
        });
    }
    let mut capabilities = Vec::new();
    while !octets.is_empty() {
        let parameter = match form {
            ParameterForm::Classic => (be_u8::<_, ()>, length_data(be_u8)).parse(octets),
            ParameterForm::Extended => (be_u8::<_, ()>, length_data(be_u16)).parse(octets),
        };
        let (rest, (kind, value)) = parameter.map_err(|_| form.cut_short(octets))?;
        if kind != CAPABILITIES {
            return Err(OpenError::UnsupportedParameter(kind));
        }
        Capability::decode_all(value, &mut capabilities)?;
        octets = rest;
    }
    Ok(capabilities)
}

impl ParameterForm {
    /// The error of a parameter that its field cuts short.
    fn cut_short(self, octets: &[u8]) -> OpenError {
        let said = match (self, octets) {
            (Self::Classic, [_, len, ..]) => usize::from(*len).saturating_add(2),
            (Self::Extended, [_, high, low, ..]) => {
                usize::from(u16::from_be_bytes([*high, *low])).saturating_add(3)
            }
            (Self::Classic, _) => 2,
            (Self::Extended, _) => 3,
        };
        OpenError::Truncated { what: "an optional parameter", needed: said, have: octets.len() }
    }
}

/// Writes from the octet of the parameters' length on.
fn put_parameters(body: &mut Vec<u8>, capabilities: &[u8], form: ParameterForm) -> Result<(), EncodeError> {
    let len = capabilities.len();
    let classic = (u8::try_from(len), u8::try_from(len.saturating_add(2)));
    if len == 0 {
        body.push(0);
    } else if let (ParameterForm::Classic, (Ok(value), Ok(all))) = (form, classic) {
        body.extend_from_slice(&[all, CAPABILITIES, value]);
    } else {
        let too_long = |_| EncodeError::TooLong { what: "the capabilities", len, max: usize::from(u16::MAX) };
        let all = u16::try_from(len.saturating_add(3)).map_err(too_long)?;
        let value = u16::try_from(len).map_err(too_long)?;
        body.extend_from_slice(&[EXTENDED, EXTENDED]);
        body.extend_from_slice(&all.to_be_bytes());
        body.push(CAPABILITIES);
        body.extend_from_slice(&value.to_be_bytes());
    }
    body.extend_from_slice(capabilities);
    Ok(())
}
