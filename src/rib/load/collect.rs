//! Findings in bounded number: a file of a million bad lines costs a hundred findings and a count.

use crate::rib::{Finding, Findings, Place, Severity};

/// The most errors that one load lists.
pub(crate) const LISTED: usize = 100;

/// Errors as they are found, the first [`LISTED`] of them in words.
#[derive(Default, Debug)]
pub(crate) struct Collected {
    pub(crate) findings: Vec<Finding>,
    pub(crate) more: usize,
}

impl Collected {
    /// Adds an error, which is put in words only where it will be listed.
    pub(crate) fn error(&mut self, words: impl FnOnce() -> Finding) {
        if self.findings.len() < LISTED {
            self.findings.push(words());
        } else {
            self.more += 1;
        }
    }

    /// Adds those of another.
    pub(crate) fn append(&mut self, other: Self) {
        self.findings.extend(other.findings);
        self.more += other.more;
    }

    /// The list as it is shown: by place, errors and warnings mixed, the errors cut to [`LISTED`], with a last word on
    /// how many there are besides.
    pub(crate) fn finish(mut self, whole: Place) -> Findings {
        self.findings.sort_by(|a, b| a.place.cmp(&b.place));
        let mut listed = 0_usize;
        let mut more = self.more;
        self.findings.retain(|finding| match finding.severity {
            Severity::Warning => true,
            Severity::Error => {
                listed += 1;
                more += usize::from(listed > LISTED);
                listed <= LISTED
            }
        });
        if more > 0 {
            let fix = "mend those above and check again";
            self.findings.push(Finding::error(whole, format!("{more} more errors"), fix));
        }
        Findings(self.findings)
    }
}

/// A text from a file, made fit to stand in a message: escaped, and cut where it is long.
pub(crate) fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

/// The known word that an unknown one is probably meant to be.
pub(crate) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: String = word.chars().take(100).collect::<String>().to_lowercase().replace(['-', ' '], "_");
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(&word, k), k))
        .filter(|(distance, k)| *distance <= (k.chars().count().max(3)) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, k)| k)
}
