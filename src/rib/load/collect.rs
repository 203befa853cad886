//! Findings in bounded number: a file of a million bad lines costs a hundred findings and a count.

use crate::rib::{Finding, Findings, Place};

/// The most errors that one load lists.
pub(crate) const LISTED: usize = 100;

/// Findings as they are made: every warning, and the first [`LISTED`] errors in words.
#[derive(Default, Debug)]
pub(crate) struct Collected {
    pub(crate) errors: Vec<Finding>,
    pub(crate) warnings: Vec<Finding>,
    /// Errors besides those listed.
    pub(crate) more: usize,
}

impl Collected {
    /// Adds an error, which is put in words only where it will be listed.
    pub(crate) fn error(&mut self, words: impl FnOnce() -> Finding) {
        if self.errors.len() < LISTED {
            self.errors.push(words());
        } else {
            self.more += 1;
        }
    }

    /// Adds those of another.
    pub(crate) fn append(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.warnings.extend(other.warnings);
        self.more += other.more;
    }

    /// The list as it is shown: by place, the errors cut to [`LISTED`], with a last word on how many there are besides.
    pub(crate) fn finish(mut self, whole: Place) -> Findings {
        self.errors.sort_by(|a, b| a.place.cmp(&b.place));
        let more = self.more + self.errors.len().saturating_sub(LISTED);
        self.errors.truncate(LISTED);
        let mut findings = self.warnings;
        findings.append(&mut self.errors);
        findings.sort_by(|a, b| a.place.cmp(&b.place));
        if more > 0 {
            let fix = "mend those above and check again";
            findings.push(Finding::error(whole, format!("{more} more errors"), fix));
        }
        Findings(findings)
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
