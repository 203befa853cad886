//! Strings that a peer chose, made fit for logs, JSON, metrics and terminals.

/// A peer's octets as text that shows on one line, moves no cursor and can stand between quotation marks.
///
/// What is not UTF-8 becomes `\xNN`; control characters, line ends, and what prints nothing or turns the direction of
/// writing become `\u{…}` or `\n`, `\r`, `\t`, `\0`; `\` and `"` get a backslash before them, so that nothing can
/// pose as an escape or as the end of a quotation. Letters and digits of any script stay. At most ten octets come out
/// for each that goes in.
#[must_use]
pub fn escape(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_blank(c) {
                text.extend(c.escape_unicode());
            } else if c == '\'' || c.is_alphanumeric() {
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

/// Letters, marks and symbols that print nothing, though their categories say that they print.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        // Fillers of Hangul and Khitan, vowels of Khmer that are not written, blanks of hieroglyphs.
        '\u{115F}' | '\u{1160}' | '\u{3164}' | '\u{FFA0}' | '\u{16FE4}' | '\u{17B4}' | '\u{17B5}'
        | '\u{13441}' | '\u{13442}'
        // The braille pattern without dots, the note without a head.
        | '\u{2800}' | '\u{1D159}'
        // What Unicode has applications ignore where they do not know it; directions of writing are among them.
        | '\u{34F}' | '\u{61C}' | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn plain_text_stays() {
        for s in ["maintenance, ticket #42", "Wartung für 'edge-1'", "停机维护", "it's 10% done"] {
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
            (br#"a" up="1"#, r#"a\" up=\"1"#),
            (br#"\""#, r#"\\\""#),
        ] {
            assert_eq!(escape(octets), text);
        }
    }

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        let unseen = [
            0xAD..=0xAD,
            0x34F..=0x34F,
            0x61C..=0x61C,
            0x115F..=0x1160,
            0x17B4..=0x17B5,
            0x180B..=0x180F,
            0x2000..=0x200F,
            0x2028..=0x202F,
            0x205F..=0x206F,
            0x2800..=0x2800,
            0x3000..=0x3000,
            0x3164..=0x3164,
            0xFE00..=0xFE0F,
            0xFEFF..=0xFEFF,
            0xFFA0..=0xFFA0,
            0xFFF0..=0xFFFB,
            0x1_BCA0..=0x1_BCA3,
            0x1_D173..=0x1_D17A,
            0xE_0000..=0xE_0FFF,
        ];
        for number in unseen.into_iter().flatten() {
            let c = char::from_u32(number).unwrap();
            assert_eq!(escape(c.to_string().as_bytes()), format!("\\u{{{number:x}}}"));
        }
    }

    #[test]
    fn every_character_grows_by_a_bounded_factor() {
        for c in '\0'..=char::MAX {
            let text = escape(c.to_string().as_bytes());
            assert!(text.len() <= 10 * c.len_utf8() && !text.chars().any(char::is_control), "{c:?}: {text}");
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
