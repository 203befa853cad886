use std::fs;
use std::path::Path;

use expect_test::expect;

use super::{load, written};

#[test]
fn the_reference_loads_and_has_every_key() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/reference.yaml");
    let (_, warnings) = load(&path).unwrap_or_else(|e| panic!("{e}"));
    expect![[""]].assert_eq(&warnings.to_string());
    let text = fs::read_to_string(path).unwrap();
    for key in written::SHAPES.iter().flat_map(|shape| shape.keys) {
        let has = |line: &str| {
            line.trim_start().trim_start_matches(['-', '#', ' ']).starts_with(&format!("{key}:"))
        };
        assert!(text.lines().any(has), "{key} is missing in the reference");
    }
}
