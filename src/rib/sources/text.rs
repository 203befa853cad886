//! Bytes of a file → text with places.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::rib::{Finding, Findings, Place};

/// The largest file that is read, in bytes: thirty times the largest that is published.
pub const MAX_FILE_LEN: u64 = 128 << 20;

const UTF8_BOM: &[u8] = b"\xef\xbb\xbf";
const UTF16_BOMS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// A whole file in memory.
pub(super) fn load(path: &Path) -> Result<Vec<u8>, Findings> {
    let wrong = |what: String, fix: &str| Findings(vec![Finding::error(Place::file(path), what, fix)]);
    let unreadable = |err: io::Error| {
        if err.kind() == io::ErrorKind::IsADirectory {
            wrong("this is a directory".to_owned(), "name a file in it")
        } else if err.kind() == io::ErrorKind::NotFound {
            let is_dash = path == Path::new("-");
            let fix = if is_dash { "write /dev/stdin to read from there" } else { "mend the path" };
            wrong("there is no such file".to_owned(), fix)
        } else {
            wrong(format!("cannot be read: {err}"), "make it readable")
        }
    };
    let file = File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    let len = file.take(MAX_FILE_LEN + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(len).is_ok_and(|len| len <= MAX_FILE_LEN) {
        return Ok(bytes);
    }
    let what = format!("larger than {} MiB", MAX_FILE_LEN >> 20);
    Err(wrong(what, "name a file of published prefix data"))
}

/// A document, without its byte order mark.
pub(crate) struct Text<'a> {
    pub(crate) file: Arc<PathBuf>,
    pub(crate) text: &'a str,
}

impl<'a> Text<'a> {
    pub(crate) fn new(file: Arc<PathBuf>, bytes: &'a [u8]) -> Result<Self, Findings> {
        let bytes = bytes.strip_prefix(UTF8_BOM).unwrap_or(bytes);
        let err = match str::from_utf8(bytes) {
            Ok(text) => return Ok(Self { file, text }),
            Err(err) => err,
        };
        let valid = bytes.get(..err.valid_up_to()).and_then(|b| str::from_utf8(b).ok()).unwrap_or("");
        let place = Text { file, text: valid }.place(valid.len());
        let what =
            if UTF16_BOMS.iter().any(|bom| bytes.starts_with(bom)) { "this is UTF-16" } else { "not UTF-8" };
        Err(Findings(vec![Finding::error(place, what, "save the file as UTF-8 or fetch it again")]))
    }

    /// The place of a byte offset; one inside a character means that character. O(n).
    pub(crate) fn place(&self, offset: usize) -> Place {
        let before = self.text.as_bytes().get(..offset.min(self.text.len())).unwrap_or_default();
        let line = before.iter().filter(|&&b| b == b'\n').count();
        let line_start = before.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        // Characters, not bytes: continuation bytes are 0b10xx_xxxx.
        let is_char = |b: &&u8| (**b & 0xc0) != 0x80;
        let column = before.get(line_start..).unwrap_or_default().iter().filter(is_char).count();
        let one_based = |n: usize| u32::try_from(n).map_or(u32::MAX, |n| n.saturating_add(1));
        Place { file: Arc::clone(&self.file), line: one_based(line), column: one_based(column) }
    }

    /// Where a part of the text begins; `None` for a string that is not a part of it.
    pub(super) fn offset_of(&self, part: &str) -> Option<usize> {
        let offset = part.as_ptr().addr().checked_sub(self.text.as_ptr().addr())?;
        (offset.checked_add(part.len())? <= self.text.len()).then_some(offset)
    }

    /// The offset of a line and a column in bytes, both from 1, as JSON errors give them.
    pub(crate) fn offset_at(&self, line: usize, column: usize) -> usize {
        let start: usize = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
        start.saturating_add(column.saturating_sub(1)).min(self.text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Result<Text<'_>, Findings> {
        Text::new(Arc::new(PathBuf::from("f")), bytes)
    }

    #[test]
    fn places_count_characters_from_one_and_skip_the_mark() {
        let text = text("\u{feff}a\r\néé x\n".as_bytes()).unwrap();
        assert_eq!(text.text.len(), 10);
        let x = text.text.find('x').unwrap();
        assert_eq!(text.place(x).to_string(), "f:2:4");
        assert_eq!(text.place(0).to_string(), "f:1:1");
        assert_eq!(text.place(usize::MAX).to_string(), "f:3:1");
        assert_eq!(text.offset_at(2, 6), x);
        assert_eq!(text.offset_of(&text.text[x..]), Some(x));
        assert_eq!(text.offset_of("elsewhere"), None);
    }

    #[test]
    fn bytes_that_are_not_text_are_placed() {
        let findings = text(b"13.64.0.0/11\n20.\xff").err().unwrap();
        assert_eq!(findings.to_string(), "f:2:4: not UTF-8: save the file as UTF-8 or fetch it again");
        assert!(text(b"\xff\xfeP\0r\0").err().unwrap().to_string().contains("UTF-16"));
    }

    #[test]
    fn a_directory_and_a_missing_file_are_findings() {
        let said = load(Path::new("-")).unwrap_err().to_string();
        assert_eq!(said, "-:1:1: there is no such file: write /dev/stdin to read from there");
        let dir = std::env::temp_dir();
        assert!(load(&dir).unwrap_err().to_string().contains("directory"));
        assert!(
            load(&dir.join("no-such-file-of-peeringd")).unwrap_err().to_string().contains("no such file")
        );
    }
}
