//! The house rules that a compiler does not hold: which room may use which, what the rooms without a world may
//! not mention, where `unsafe` may stand, and how long a file may be. The order of the rooms is read from
//! `src/ARCHITECTURE.md`, so that the picture and the rule are one.

#[cfg(test)]
mod source;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::source::{Source, code_only, rooms_used, sources};

    /// The last room, in the order of the picture, that has no tokio, sockets, clock or logging.
    const LAST_PURE_ROOM: &str = "accept";
    const FORBIDDEN_IN_PURE_ROOMS: [&str; 9] = [
        "tokio",
        "tracing",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "UnixStream",
        "UnixListener",
        "Instant",
        "SystemTime",
    ];
    const MAX_LINES: usize = 500;

    /// Each room's place in the data flow; rooms in one pair of braces share a place.
    fn ranks() -> BTreeMap<String, usize> {
        let text = include_str!("../../src/ARCHITECTURE.md");
        let picture =
            text.lines().find(|l| l.starts_with("wire < ")).expect("the picture in ARCHITECTURE.md");
        let mut ranks = BTreeMap::new();
        for (rank, step) in picture.split(" < ").enumerate() {
            for room in step.trim_matches(['{', '}', ' ']).split(',') {
                ranks.insert(room.trim().to_owned(), rank);
            }
        }
        assert!(ranks.len() > 10, "the picture lists the rooms: {ranks:?}");
        ranks
    }

    fn forbidden_uses(source: &Source, ranks: &BTreeMap<String, usize>) -> Vec<String> {
        let Some(own) = ranks.get(&source.room) else { return Vec::new() };
        rooms_used(&source.module, &code_only(source.shipped()))
            .into_iter()
            .filter(|used| *used != source.room && ranks.get(used).is_some_and(|rank| rank >= own))
            .map(|used| format!("{}: `{}` may not use `{used}`", source.path, source.room))
            .collect()
    }

    fn mentions(code: &str, word: &str) -> bool {
        code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == word)
    }

    fn assert_none(rule: &str, broken: &[String]) {
        assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
    }

    #[test]
    fn every_folder_of_src_is_a_room() {
        let ranks = ranks();
        let strangers: Vec<_> = sources()
            .into_iter()
            .filter(|s| s.room != "lib" && !ranks.contains_key(&s.room))
            .map(|s| s.path)
            .collect();
        assert_none("src/ARCHITECTURE.md gives these no place", &strangers);
    }

    #[test]
    fn a_room_uses_only_what_stands_to_its_left() {
        let ranks = ranks();
        let broken: Vec<_> = sources().iter().flat_map(|s| forbidden_uses(s, &ranks)).collect();
        assert_none("imports against the data flow", &broken);
    }

    #[test]
    fn the_rooms_up_to_accept_have_no_world() {
        let ranks = ranks();
        let last = ranks[LAST_PURE_ROOM];
        let mut broken = Vec::new();
        for source in sources().iter().filter(|s| ranks.get(&s.room).is_some_and(|rank| *rank <= last)) {
            let code = code_only(source.shipped());
            for word in FORBIDDEN_IN_PURE_ROOMS.iter().filter(|word| mentions(&code, word)) {
                broken.push(format!("{}: {word}", source.path));
            }
        }
        assert_none("time, sockets, tasks and logging belong to the rooms right of accept", &broken);
    }

    #[test]
    fn unsafe_stands_in_one_file_of_the_speaker() {
        let found: Vec<_> = sources()
            .into_iter()
            .filter(|s| mentions(&code_only(&s.text), "unsafe"))
            .map(|s| s.path)
            .collect();
        assert!(
            found.is_empty() || (found.len() == 1 && found[0].starts_with("src/speaker/")),
            "unsafe stands in {found:?}"
        );
    }

    #[test]
    fn no_file_is_too_long() {
        let long: Vec<_> = sources()
            .iter()
            .map(|s| (s, s.shipped().lines().count()))
            .filter(|(_, lines)| *lines > MAX_LINES)
            .map(|(s, lines)| format!("{}: {lines} lines", s.path))
            .collect();
        assert_none("files of at most 500 lines, tests aside", &long);
    }

    #[test]
    fn the_check_itself_sees_what_it_should() {
        let ranks = ranks();
        let source = |path: &str, text: &str| Source::new(path.to_owned(), text.to_owned());
        let count = |path: &str, text: &str| forbidden_uses(&source(path, text), &ranks).len();
        assert_eq!(count("src/rib/rows.rs", "use crate::wire::Asn;"), 0, "to the left");
        assert_eq!(count("src/rib/rows.rs", "use crate::fsm::State;"), 1, "in the same braces");
        assert_eq!(count("src/rib/rows.rs", "use crate::{wire::Asn, speaker::Handle};"), 1, "grouped");
        assert_eq!(count("src/rib/rows.rs", "use super::super::config;"), 1, "by way of super");
        assert_eq!(count("src/rib/rows.rs", "use super::config;"), 0, "a module of the room's own");
        assert_eq!(count("src/rib/rows.rs", "// crate::speaker\nlet s = \"crate::speaker\";"), 0, "not code");
        assert_eq!(count("src/rib/rows.rs", "#[cfg(test)]\nmod tests {\nuse crate::cli;\n}"), 0, "tests");
        assert_eq!(count("src/main.rs", "use peeringd::cli;"), 0, "main is the rightmost");
        assert_eq!(count("src/cli/mod.rs", "use crate::speaker::Handle;"), 0, "cli may use all");
        assert!(mentions(&code_only("fn f() { unsafe { g() } }"), "unsafe"));
        assert!(!mentions(
            &code_only("#![deny(unsafe_code)] // unsafe\n/* unsafe */ r#\"unsafe\"#"),
            "unsafe"
        ));
        assert!(mentions(&code_only("let c = '\"'; tokio::spawn(f)"), "tokio"), "a quote in a char literal");
        assert!(mentions(&code_only("fn f<'a>(x: &'a str) { tokio::spawn(x) }"), "tokio"), "a lifetime");
    }
}
