//! Text for people: columns that need not hold the whole of a list, and nothing that a terminal would obey.

use std::io::{self, Write};

/// The widest that a column before the last gets on a terminal.
const MAX_ON_TERMINAL: usize = 44;

/// A text with everything escaped that moves a cursor, changes a terminal's state or reorders what is shown.
pub(super) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_dangerous(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    safe
}

/// Controls (C0, DEL, C1), and the invisible format characters that reorder or hide text.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A text made [`printable`], in lines of at most `width` characters, broken at spaces where there are any.
pub(super) fn folded(text: &str, width: usize) -> Vec<String> {
    let text = printable(text);
    let mut rest = text.as_str();
    let mut lines = Vec::new();
    while let Some((cut, _)) = rest.char_indices().nth(width.max(1)) {
        let (fits, beyond) = rest.split_at(cut);
        let space = if beyond.starts_with(' ') { Some(cut) } else { fits.rfind(' ').filter(|at| *at > 0) };
        let (line, next) = rest.split_at(space.unwrap_or(cut));
        lines.push(line.trim_end().to_owned());
        rest = next.trim_start();
    }
    lines.push(rest.to_owned());
    lines
}

/// The width of the terminal on stdout, if it is one.
pub(super) fn terminal_width() -> Option<usize> {
    comfy_table::Table::new().width().map(usize::from)
}

/// Rows under one head, printed window by window; a column only ever grows.
#[derive(Debug)]
pub(super) struct Columns<const N: usize> {
    head: [&'static str; N],
    widths: [usize; N],
    terminal: Option<usize>,
    begun: bool,
}

impl<const N: usize> Columns<N> {
    /// For a terminal so wide, on which nothing is wrapped but cut; or, without one, nothing is cut.
    pub(super) fn new(head: [&'static str; N], terminal: Option<usize>) -> Self {
        Self { head, widths: head.map(str::len), terminal, begun: false }
    }

    /// Prints rows, aligned among themselves and with those before.
    pub(super) fn print(&mut self, rows: &[[String; N]], out: &mut impl Write) -> io::Result<()> {
        let rows: Vec<[String; N]> = rows.iter().map(|row| self.cut(row)).collect();
        for row in &rows {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        if !self.begun {
            self.begun = true;
            let head = self.head.map(str::to_owned);
            self.line(&head, out)?;
        }
        rows.iter().try_for_each(|row| self.line(row, out))
    }

    fn cut(&self, row: &[String; N]) -> [String; N] {
        let limit = if self.terminal.is_some() { MAX_ON_TERMINAL } else { usize::MAX };
        let mut cells = row.each_ref().map(|cell| printable(cell));
        for cell in cells.iter_mut().take(N.saturating_sub(1)) {
            shorten(cell, limit);
        }
        cells
    }

    fn line(&self, cells: &[String; N], out: &mut impl Write) -> io::Result<()> {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&self.widths) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            line.push_str(&format!("{cell:<width$}"));
        }
        let mut line = line.trim_end().to_owned();
        shorten(&mut line, self.terminal.unwrap_or(usize::MAX));
        writeln!(out, "{line}")
    }
}

/// Cuts a text to so many characters, the last of them then an ellipsis.
pub(super) fn shorten(text: &mut String, limit: usize) {
    if let Some((_, _)) = text.char_indices().nth(limit) {
        let keep = text.char_indices().nth(limit.saturating_sub(1)).map_or(0, |(at, _)| at);
        text.truncate(keep);
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_gets_through() {
        assert_eq!(printable("Köln 東京 ok"), "Köln 東京 ok");
        assert_eq!(printable("\u{1b}]0;x\u{7}"), "\\u{1b}]0;x\\u{7}");
        assert_eq!(printable("a\u{9b}31m\r\n\t\u{7f}"), "a\\u{9b}31m\\u{d}\\u{a}\\u{9}\\u{7f}");
        assert_eq!(
            printable("\u{202e}evil\u{2066}\u{200b}\u{feff}"),
            "\\u{202e}evil\\u{2066}\\u{200b}\\u{feff}"
        );
    }

    #[test]
    fn long_text_is_folded_at_spaces_and_words_too_long_are_broken() {
        assert_eq!(folded("", 10), [""]);
        assert_eq!(folded("just fits!", 10), ["just fits!"]);
        assert_eq!(folded("one two three", 10), ["one two", "three"]);
        assert_eq!(folded("one twothr four", 10), ["one twothr", "four"]);
        assert_eq!(folded("éééééééééééé x", 10), ["éééééééééé", "éé x"]);
        assert_eq!(folded("a\u{1b}b", 4), ["a\\u{", "1b}b"]);
        assert_eq!(folded("ab", 0), ["a", "b"]);
    }

    #[test]
    fn columns_grow_from_window_to_window_and_hold_no_trailing_space() {
        let mut out = Vec::new();
        let mut columns = Columns::new(["PREFIX", "PATH"], None);
        columns.print(&[["1.0.0.0/8".to_owned(), String::new()]], &mut out).unwrap();
        let long = "2603:1000:1000::/48".to_owned();
        columns
            .print(&[[long, "1 2".to_owned()], ["2.0.0.0/8".to_owned(), "\u{1b}c".to_owned()]], &mut out)
            .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(
            text,
            "PREFIX     PATH\n1.0.0.0/8\n2603:1000:1000::/48  1 2\n2.0.0.0/8            \\u{1b}c\n"
        );
    }

    #[test]
    fn on_a_terminal_a_row_is_a_line() {
        let mut out = Vec::new();
        let mut columns = Columns::new(["A", "B", "C"], Some(60));
        columns.print(&[["é".repeat(100), "b".to_owned(), "c".repeat(100)]], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let row = text.lines().nth(1).unwrap();
        assert_eq!(row.chars().count(), 60);
        assert!(row.starts_with(&format!("{}…  b  ccc", "é".repeat(43))), "{row}");
        assert!(row.ends_with("c…"));
        for (limit, expected) in [(0, "…"), (1, "…"), (2, "a…"), (3, "abc"), (4, "abc")] {
            let mut cut = "abc".to_owned();
            shorten(&mut cut, limit);
            assert_eq!(cut, expected, "{limit}");
        }
    }
}
