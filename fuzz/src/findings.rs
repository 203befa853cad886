//! What every finding owes to its reader, whatever file it is about.

use peeringd::rib::{Finding, Findings};

/// Findings that a load lists before it only counts them.
const LISTED: usize = 101;

/// Each finding is one line, in the file, and says what to do; `is_error`: the load failed, so one is an error.
pub fn check_findings(findings: &Findings, text: &[u8], is_error: bool) {
    assert_eq!(findings.has_errors(), is_error, "{findings}");
    assert!(findings.0.len() <= 2 * LISTED, "{} findings", findings.0.len());
    let lines = text.iter().filter(|octet| matches!(octet, b'\n' | b'\r')).count() + 1;
    findings.0.iter().for_each(|finding| check_finding(finding, lines));
}

fn check_finding(finding: &Finding, lines: usize) {
    assert!(!finding.what.is_empty() && !finding.fix.is_empty(), "{finding:?}");
    let line = usize::try_from(finding.place.line).expect("a line is a small number");
    // The end of the text counts as the beginning of one more.
    assert!(line <= lines + 1, "{finding:?} of {lines} lines");
    assert!(!finding.to_string().chars().any(char::is_control), "{finding:?}");
}
