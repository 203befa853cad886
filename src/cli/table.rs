//! Text for people: columns that need not hold the whole of a list, and nothing that a terminal would obey.

use std::io::{self, Write};

use crate::rib::sources;

/// Between two columns.
const GAP: &str = "  ";
/// The least that a column gives way to.
const LEAST_WIDTH: usize = 8;
/// The most lines of one cell on a terminal.
const MOST_LINES: usize = 6;

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

/// A number with commas: `15,200`.
pub(super) fn grouped(number: u64) -> String {
    usize::try_from(number).map_or_else(|_| number.to_string(), sources::grouped)
}

/// Rows under one head, printed window by window. Without a terminal nothing is ever cut or broken. On one, where a row
/// is too wide, the widest columns give way: their cells go on below, and what is longer still ends in an ellipsis.
#[derive(Debug)]
pub(super) struct Columns<const N: usize> {
    head: [&'static str; N],
    /// Of the widest cells so far: a column only ever grows.
    widths: [usize; N],
    /// Of the longest words so far.
    words: [usize; N],
    terminal: Option<usize>,
    begun: bool,
}

impl<const N: usize> Columns<N> {
    /// For a terminal so wide, or for a pipe.
    pub(super) fn new(head: [&'static str; N], terminal: Option<usize>) -> Self {
        Self { head, widths: head.map(str::len), words: head.map(str::len), terminal, begun: false }
    }

    /// Prints rows, aligned among themselves and with those before.
    pub(super) fn print(&mut self, rows: &[[String; N]], out: &mut impl Write) -> io::Result<()> {
        self.print_noted(rows, &[], out)
    }

    /// The same, each row with a text of its own below it, if there is one.
    pub(super) fn print_noted(
        &mut self,
        rows: &[[String; N]],
        notes: &[String],
        out: &mut impl Write,
    ) -> io::Result<()> {
        let rows: Vec<[String; N]> =
            rows.iter().map(|row| row.each_ref().map(|cell| printable(cell))).collect();
        for row in &rows {
            for ((width, word), cell) in self.widths.iter_mut().zip(&mut self.words).zip(row) {
                *width = (*width).max(cell.chars().count());
                let longest = cell.split(' ').map(|word| word.chars().count()).max().unwrap_or(0);
                *word = (*word).max(longest);
            }
        }
        let widths = self.fitting();
        if !self.begun {
            self.begun = true;
            self.row(&self.head.map(str::to_owned), &widths, out)?;
        }
        for (at, row) in rows.iter().enumerate() {
            self.row(row, &widths, out)?;
            let note = notes.get(at).filter(|note| !note.is_empty());
            let width = self.terminal.unwrap_or(usize::MAX).saturating_sub(GAP.len());
            for line in note.map(|note| folded(note, width)).unwrap_or_default() {
                writeln!(out, "{GAP}{line}")?;
            }
        }
        Ok(())
    }

    /// The widths that a terminal has room for. The widest column gives way first: at spaces as far as that goes, and
    /// only then by breaking words. The first one, which says what a row is about, never does.
    fn fitting(&self) -> [usize; N] {
        let mut widths = self.widths;
        let Some(terminal) = self.terminal else { return widths };
        let room = terminal.saturating_sub(GAP.len() * N.saturating_sub(1));
        for least in [self.words, [LEAST_WIDTH; N]] {
            while widths.iter().sum::<usize>() > room {
                let wide = widths.iter_mut().zip(least).skip(1).filter(|(width, least)| **width > *least);
                let Some((widest, _)) = wide.max_by_key(|(width, _)| **width) else { break };
                *widest -= 1;
            }
        }
        widths
    }

    fn row(&self, cells: &[String; N], widths: &[usize; N], out: &mut impl Write) -> io::Result<()> {
        let parts: Vec<Vec<String>> = cells
            .iter()
            .zip(widths)
            .map(
                |(cell, width)| {
                    if self.terminal.is_some() { in_lines(cell, *width) } else { vec![cell.clone()] }
                },
            )
            .collect();
        for at in 0..parts.iter().map(Vec::len).max().unwrap_or(0) {
            let mut line = String::new();
            for (column, (parts, width)) in parts.iter().zip(widths).enumerate() {
                if column > 0 {
                    line.push_str(GAP);
                }
                let part = parts.get(at).map_or("", String::as_str);
                line.push_str(&format!("{part:<width$}"));
            }
            let mut line = line.trim_end().to_owned();
            // A terminal that is narrower than the least that all columns need.
            shorten(&mut line, self.terminal.unwrap_or(usize::MAX));
            writeln!(out, "{line}")?;
        }
        Ok(())
    }
}

/// A cell in lines of a column's width; what does not fit into [`MOST_LINES`] ends in an ellipsis.
fn in_lines(cell: &str, width: usize) -> Vec<String> {
    let mut lines = folded(cell, width);
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        if let Some(last) = lines.last_mut() {
            last.push_str("……");
            shorten(last, width.min(last.chars().count() - 1));
        }
    }
    lines
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
    fn on_a_terminal_the_widest_columns_give_way() {
        let printed = |terminal: Option<usize>| {
            let mut out = Vec::new();
            let mut columns = Columns::new(["A", "PATH", "SOURCE"], terminal);
            let row = ["192.0.2.0/24".to_owned(), "1 2 3".to_owned(), "one two three four five ".repeat(9)];
            columns.print(&[row], &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        expect_test::expect![[r#"
            A             PATH   SOURCE
            192.0.2.0/24  1 2 3  one two three
                                 four five one
                                 two three four
                                 five one two
                                 three four five
                                 one two three…
        "#]]
        .assert_eq(&printed(Some(36)));
        assert!(printed(Some(12)).lines().all(|line| line.chars().count() <= 12), "{}", printed(Some(12)));
        assert!(printed(None).contains(&"one two three four five ".repeat(9).trim_end().to_owned()));
    }

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis() {
        for (limit, expected) in [(0, "…"), (1, "…"), (2, "a…"), (3, "abc"), (4, "abc")] {
            let mut cut = "abc".to_owned();
            shorten(&mut cut, limit);
            assert_eq!(cut, expected, "{limit}");
        }
        assert_eq!(in_lines("a b c d e f g h", 1), ["a", "b", "c", "d", "e", "…"]);
        assert_eq!(in_lines("aa bb cc dd ee ff gg", 3), ["aa", "bb", "cc", "dd", "ee", "ff…"]);
        assert_eq!(in_lines("aa bb cc dd ee ff", 2), ["aa", "bb", "cc", "dd", "ee", "ff"]);
    }
}
