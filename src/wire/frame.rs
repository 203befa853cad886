//! Splits a stream into messages (RFC 4271 §4.1, §6.1; RFC 8654).
//!
//! ```text
//! 16  marker, all ones
//!  2  length, header included: 19-4096, or 19-65535 once RFC 8654 is negotiated
//!  1  type
//! ```

use nom::number::complete::{be_u8, be_u16};

use super::{ErrorCode, HEADER_LEN, MessageKind, Notification};

/// One whole message at the start of a buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Frame<'a> {
    /// Its type.
    pub kind: MessageKind,
    /// What follows the header.
    pub body: &'a [u8],
    /// Header and body; the next message begins behind it.
    pub whole: &'a [u8],
}

/// The message at the start of `buffer`; `None` where more octets are needed.
///
/// What the octets at hand already show to be wrong is reported at once, so the answer to a stream does not depend on
/// how it was cut. `max_len` is 4096, or 65535 once both sides have RFC 8654.
///
/// # Errors
/// The NOTIFICATION to send: 1/1, 1/2 with the length as data, 1/3 with the type as data (RFC 4271 §6.1).
pub fn frame(buffer: &[u8], max_len: usize) -> Result<Option<Frame<'_>>, Notification> {
    let (marker, after) = buffer.split_at_checked(16).unwrap_or((buffer, &[]));
    if marker.iter().any(|octet| *octet != 0xFF) {
        return Err(Notification::new(ErrorCode::NOT_SYNCHRONIZED));
    }
    let Ok((after, field)) = be_u16::<_, ()>(after) else { return Ok(None) };
    let len = usize::from(field);
    let bad_length = || Notification::with_data(ErrorCode::BAD_MESSAGE_LENGTH, field.to_be_bytes());
    if !(HEADER_LEN..=max_len).contains(&len) {
        return Err(bad_length());
    }
    let Ok((_, code)) = be_u8::<_, ()>(after) else { return Ok(None) };
    let kind = MessageKind::from_code(code)
        .ok_or_else(|| Notification::with_data(ErrorCode::BAD_MESSAGE_TYPE, [code]))?;
    if !kind.len_range(max_len).contains(&len) {
        return Err(bad_length());
    }
    let whole = buffer.get(..len);
    Ok(whole.and_then(|whole| Some(Frame { kind, body: whole.get(HEADER_LEN..)?, whole })))
}
