//! Strings that a peer chose, made fit for logs, JSON, metrics and terminals.

/// A peer's octets as text that shows on one line and moves no cursor.
///
/// What is not UTF-8 becomes `\xNN`; control characters, line ends, and what prints nothing or turns the direction of
/// writing become `\u{…}` or `\n`, `\r`, `\t`, `\0`; a backslash becomes two, so that nothing can pose as an escape.
/// Letters, digits and marks of any script stay. At most ten octets come out for each that goes in.
#[must_use]
pub fn escape(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '"' || c == '\'' || c.is_alphanumeric() {
                text.push(c);
            } else {
                text.extend(c.escape_debug());
            }
        }
        for octet in chunk.invalid() {
            text.extend(std::ascii::escape_default(*octet).map(char::from));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn plain_text_stays() {
        for s in ["maintenance, ticket #42", "Wartung für \"edge-1\"", "停机维护", "it's 10% done"] {
            assert_eq!(escape(s.as_bytes()), s);
        }
    }

    #[test]
    fn what_could_do_harm_is_spelled_out() {
        for (octets, text) in [
            (&b"a\nb\r\tc\0"[..], r"a\nb\r\tc\0"),
            (b"\x1b[31mred\x07", r"\u{1b}[31mred\u{7}"),
            (b"\xff\xfeok\x80", r"\xff\xfeok\x80"),
            (
                "a\u{202e}b\u{2028}c\u{200b}\u{feff}\u{85}".as_bytes(),
                r"a\u{202e}b\u{2028}c\u{200b}\u{feff}\u{85}",
            ),
            (br"\u{1b}", r"\\u{1b}"),
            (b"\xe2\x82", r"\xe2\x82"),
        ] {
            assert_eq!(escape(octets), text);
        }
    }

    #[test]
    fn every_octet_comes_out_printable_and_the_growth_is_bounded() {
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                let text = escape(&[first, second]);
                assert!(text.len() <= 20, "{text}");
                assert!(!text.chars().any(char::is_control), "{text}");
            }
        }
    }
}
