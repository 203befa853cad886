//! Source files as the house rules see them: which room they are of, and their code without comments and literals.

use std::fs;
use std::path::Path;

/// One file under `src/`.
pub(crate) struct Source {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    /// The folder or file right under `src/`: `wire`, `main`, `lib`.
    pub(crate) room: String,
    /// The module path inside the crate: `["rib", "rows"]`.
    pub(crate) module: Vec<String>,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: String, text: String) -> Self {
        let inside = path.trim_start_matches("src/").trim_end_matches(".rs");
        let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
        let room = module[0].clone();
        if module.last().is_some_and(|m| m == "mod") {
            module.pop();
        }
        Self { path, room, module, text }
    }

    /// The text without tests; of a file that is tests as a whole, nothing.
    pub(crate) fn shipped(&self) -> &str {
        if self.module.iter().any(|m| m == "tests") { "" } else { before_tests(&self.text) }
    }
}

/// Every `.rs` file under `src/`.
pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                found.push(Source::new(name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The part of a file that stands before its test module.
fn before_tests(text: &str) -> &str {
    let mut offset = 0;
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let opens_tests = line.trim_end() == "#[cfg(test)]"
            && lines
                .peek()
                .is_some_and(|next| next.starts_with("mod ") || next.starts_with("pub(crate) mod "));
        if opens_tests && lines.peek().is_some_and(|next| next.trim_end().ends_with('{')) {
            return &text[..offset];
        }
        offset += line.len();
    }
    text
}

/// The rooms that code of a module names, as `crate::ROOM`, in a group behind `crate::`, or by way of `super::`.
pub(crate) fn rooms_used(module: &[String], code: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        rooms.extend(heads(&code[at + "crate::".len()..]));
    }
    let to_the_root = "super::".repeat(module.len());
    for (at, _) in code.match_indices(&to_the_root) {
        if !code[..at].ends_with("super::") {
            rooms.extend(heads(&code[at + to_the_root.len()..]));
        }
    }
    rooms.sort();
    rooms.dedup();
    rooms
}

/// The first names of a path or of a braced group of paths.
fn heads(rest: &str) -> Vec<String> {
    let name = |s: &str| -> String {
        s.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let Some(group) = rest.strip_prefix('{') else { return vec![name(rest)] };
    let mut found = vec![name(group)];
    let mut depth = 0_u32;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => found.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    found
}

/// The code alone: comments, strings and character literals become spaces.
pub(crate) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let at = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let mut code = String::with_capacity(text.len());
    let mut i = 0;
    while i < chars.len() {
        let end = match (at(i), at(i + 1)) {
            ('/', '/') => end_of_line(&chars, i),
            ('/', '*') => end_of_block_comment(&chars, i),
            ('"', _) => end_of_string(&chars, i),
            ('r', '"' | '#') if !is_name(at(i.wrapping_sub(1))) || at(i.wrapping_sub(1)) == 'b' => {
                end_of_raw_string(&chars, i).unwrap_or(i)
            }
            ('\'', '\\') => end_of_char(&chars, i),
            ('\'', _) if at(i + 2) == '\'' => i + 3,
            _ => i,
        };
        if end == i {
            code.push(at(i));
            i += 1;
        } else {
            code.push(' ');
            i = end;
        }
    }
    code
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn end_of_line(chars: &[char], from: usize) -> usize {
    (from..chars.len()).find(|&i| chars[i] == '\n').unwrap_or(chars.len())
}

fn end_of_block_comment(chars: &[char], from: usize) -> usize {
    let mut depth = 0_u32;
    let mut i = from;
    while i + 1 < chars.len() {
        match (chars[i], chars[i + 1]) {
            ('/', '*') => {
                depth += 1;
                i += 2;
            }
            ('*', '/') if depth == 1 => return i + 2,
            ('*', '/') => {
                depth -= 1;
                i += 2;
            }
            _ => i += 1,
        }
    }
    chars.len()
}

fn end_of_string(chars: &[char], from: usize) -> usize {
    let mut i = from + 1;
    while i < chars.len() {
        match chars[i] {
            '\\' => i += 2,
            '"' => return i + 1,
            _ => i += 1,
        }
    }
    chars.len()
}

fn end_of_raw_string(chars: &[char], from: usize) -> Option<usize> {
    let hashes = chars[from + 1..].iter().take_while(|c| **c == '#').count();
    let open = from + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |i: &usize| {
        chars[*i] == '"' && chars[*i + 1..].iter().take_while(|c| **c == '#').take(hashes).count() == hashes
    };
    Some((open + 1..chars.len()).find(closes).map_or(chars.len(), |i| i + 1 + hashes))
}

fn end_of_char(chars: &[char], from: usize) -> usize {
    (from + 3..chars.len()).find(|&i| chars[i] == '\'').map_or(chars.len(), |i| i + 1)
}
