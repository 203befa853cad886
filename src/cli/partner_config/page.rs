//! The text of a config in the making: lines, blocks and comments.

use std::path::Path;

/// A text of lines, each as deep as the blocks that are open.
pub(super) struct Page {
    text: String,
    /// How a comment begins.
    leader: &'static str,
    /// One step of indentation.
    step: &'static str,
    depth: usize,
}

impl Page {
    pub(super) fn new(leader: &'static str, step: &'static str) -> Self {
        Self { text: String::new(), leader, step, depth: 0 }
    }

    pub(super) fn line(&mut self, line: impl AsRef<str>) {
        let line = line.as_ref();
        if !line.is_empty() {
            for _ in 0..self.depth {
                self.text.push_str(self.step);
            }
            self.text.push_str(line);
        }
        self.text.push('\n');
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A comment of one line, whatever the text.
    pub(super) fn comment(&mut self, text: impl AsRef<str>) {
        let line = format!("{} {}", self.leader, harmless(text.as_ref()));
        self.line(line.trim_end());
    }

    /// Several, after an empty line.
    pub(super) fn heading(&mut self, lines: &[&str]) {
        self.blank();
        for line in lines {
            self.comment(line);
        }
    }

    /// A line that begins a block.
    pub(super) fn open(&mut self, line: impl AsRef<str>) {
        self.line(line);
        self.depth += 1;
    }

    /// The line that ends it.
    pub(super) fn close(&mut self, line: impl AsRef<str>) {
        self.depth = self.depth.saturating_sub(1);
        self.line(line);
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// The text with nothing in it that could end a comment, go on in the next line or mean something to a terminal: in
/// OpenBGPD a backslash joins lines, in Junos `*/` ends a comment, in IOS XR a question mark asks for help.
fn harmless(text: &str) -> String {
    let keep = |c: char| {
        let is_plain = c.is_ascii_graphic() || c == ' ';
        if is_plain && !matches!(c, '\\' | '*' | '?') { c } else { '_' }
    };
    text.chars().map(keep).collect()
}

/// A path in a comment.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_one_line_whatever_is_in_it() {
        let mut page = Page::new("#", "  ");
        page.open("block {");
        page.comment("Zürich\nneighbor 192.0.2.1 { }\\\r\u{2028} */ \"x\" `y` $z");
        page.comment("");
        page.close("}");
        assert_eq!(page.finish(), "block {\n  # Z_rich_neighbor 192.0.2.1 { }___ _/ \"x\" `y` $z\n  #\n}\n");
    }
}
