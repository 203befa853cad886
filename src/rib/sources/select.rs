//! Which records of a source are wanted.

use std::fmt;
use std::str::FromStr;

use super::{Format, Source};

/// What a record can be selected by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// The name of a service tag, such as `Storage.westus2`.
    Tag,
    /// The region of a service tag, such as `westus2`; empty for tags without one.
    Region,
    /// The `systemService` of a service tag, such as `AzureStorage`.
    Service,
    /// The `serviceArea` of an Office 365 record, such as `Exchange`.
    Area,
    /// The `category` of an Office 365 record: Optimize, Allow or Default.
    Category,
    /// Whether an Office 365 record is reachable over ExpressRoute: true or false.
    ExpressRoute,
}

impl Key {
    /// Every key.
    pub const ALL: [Self; 6] =
        [Self::Tag, Self::Region, Self::Service, Self::Area, Self::Category, Self::ExpressRoute];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::Region => "region",
            Self::Service => "service",
            Self::Area => "area",
            Self::Category => "category",
            Self::ExpressRoute => "express_route",
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// `KEY=VALUE`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Condition {
    /// What is looked at.
    pub key: Key,
    /// What it must be, in any case of ASCII letters.
    pub value: String,
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Key::ALL.map(Key::name).join(", ");
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("write KEY=VALUE, KEY one of {}", names()))?;
        let key =
            Key::ALL.into_iter().find(|key| key.name().eq_ignore_ascii_case(name)).ok_or_else(|| {
                match nearest(name, Key::ALL.into_iter().map(Key::name)).first() {
                    Some(near) => format!("there is no key `{name}`; did you mean `{near}`?"),
                    None => format!("there is no key `{name}`; the keys are {}", names()),
                }
            })?;
        if key == Key::ExpressRoute && !["true", "false"].contains(&value) {
            return Err("express_route is true or false".to_owned());
        }
        Ok(Self { key, value: value.to_owned() })
    }
}

/// Conditions: the values of one key are alternatives, and every key must be met.
///
/// A source is asked only for the keys of its own format. One whose format has none of the selected keys gives nothing,
/// since nothing says that its prefixes are wanted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Select(Vec<Condition>);

impl Select {
    /// No condition selects everything.
    #[must_use]
    pub fn new(conditions: Vec<Condition>) -> Self {
        Self(conditions)
    }

    /// In the order given.
    #[must_use]
    pub fn conditions(&self) -> &[Condition] {
        &self.0
    }

    /// Whether any condition is about this key.
    #[must_use]
    pub fn names(&self, key: Key) -> bool {
        self.0.iter().any(|condition| condition.key == key)
    }

    /// Whether a source of this format may give anything: without conditions, or with one that it can be asked.
    #[must_use]
    pub fn applies_to(&self, format: Format) -> bool {
        self.0.is_empty() || format.keys().iter().any(|key| self.names(*key))
    }

    /// Whether a record of this format with these facts is wanted; a fact that a record lacks meets no condition.
    pub(super) fn admits(&self, format: Format, facts: &[(Key, Option<&str>)]) -> bool {
        let is_met = |condition: &Condition| {
            let meets = |value: &str| value.eq_ignore_ascii_case(&condition.value);
            facts.iter().any(|(key, value)| *key == condition.key && value.is_some_and(meets))
        };
        let key_is_met = |key: &Key| self.0.iter().filter(|c| c.key == *key).any(is_met);
        self.applies_to(format) && format.keys().iter().filter(|key| self.names(**key)).all(key_is_met)
    }

    /// One sentence for each condition that nothing in the sources meets, with the values that come near.
    #[must_use]
    pub fn unmet(&self, sources: &[Source]) -> Vec<String> {
        let mut sentences = Vec::new();
        for condition in &self.0 {
            let offered = || {
                sources
                    .iter()
                    .flat_map(|s| &s.offered)
                    .filter(|(key, _)| *key == condition.key)
                    .map(|(_, v)| v)
            };
            if offered().any(|value| value.eq_ignore_ascii_case(&condition.value)) {
                continue;
            }
            let near = nearest(&condition.value, offered().map(String::as_str));
            sentences.push(match (near.is_empty(), offered().next()) {
                (false, _) => {
                    format!("--select {condition} matches nothing: near it there is {}", near.join(", "))
                }
                (true, Some(_)) => {
                    format!("--select {condition} matches nothing, and no {} comes near", condition.key)
                }
                (true, None) => {
                    format!("--select {condition} matches nothing: no source has any {}", condition.key)
                }
            });
        }
        sentences
    }
}

/// Up to three different names that are nearly, or begin or contain, the wanted one; the nearest first.
fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_ascii_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .filter(|name| !name.is_empty())
        .map(|name| {
            let lower = name.to_ascii_lowercase();
            let contains = !wanted.is_empty() && lower.contains(&wanted);
            let score = strsim::jaro_winkler(&wanted, &lower);
            (if contains { score.max(0.86) } else { score }, name)
        })
        .filter(|(score, _)| *score >= 0.85)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by_key(|(_, name)| *name);
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn select(conditions: &[&str]) -> Select {
        Select::new(conditions.iter().map(|c| c.parse().unwrap()).collect())
    }

    #[test]
    fn values_of_a_key_are_ored_and_keys_anded() {
        let select = select(&["tag=Storage", "tag=Sql", "region=westus2"]);
        let admits = |tag, region| {
            select.admits(Format::ServiceTags, &[(Key::Tag, Some(tag)), (Key::Region, Some(region))])
        };
        assert!(admits("storage", "WestUS2"));
        assert!(admits("Sql", "westus2"));
        assert!(!admits("Sql", "eastus"));
        assert!(!admits("Sql.westus2", "westus2"));
    }

    #[test]
    fn a_format_without_the_key_gives_nothing_and_one_with_it_is_asked_for_its_own() {
        let tags = select(&["tag=Sql"]);
        assert!(!tags.admits(Format::List, &[]));
        assert!(!tags.admits(Format::Office365, &[(Key::Area, Some("Exchange"))]));
        let both = select(&["tag=Sql", "area=Exchange"]);
        assert!(both.admits(Format::Office365, &[(Key::Area, Some("Exchange"))]));
        assert!(both.admits(Format::ServiceTags, &[(Key::Tag, Some("Sql"))]));
        assert!(!both.admits(Format::PublicIps, &[]));
        assert!(select(&[]).admits(Format::List, &[]));
        assert!(!select(&["category=Allow"]).admits(Format::Office365, &[(Key::Category, None)]));
    }

    #[test]
    fn conditions_that_cannot_be_are_refused_with_the_way_out() {
        for (text, word) in [
            ("tag", "KEY=VALUE"),
            ("tags=Sql", "did you mean `tag`"),
            ("colour=red", "the keys are tag, region"),
            ("express_route=yes", "true or false"),
        ] {
            let said = text.parse::<Condition>().unwrap_err();
            assert!(said.contains(word), "{text}: {said}");
        }
        assert_eq!("REGION=x".parse::<Condition>().unwrap().key, Key::Region);
        assert_eq!("region=".parse::<Condition>().unwrap().value, "");
        assert_eq!("tag=a=b".parse::<Condition>().unwrap().value, "a=b");
    }

    #[test]
    fn near_names_are_few_and_different() {
        let names = ["Storage", "Storage.westus2", "Storage", "Sql", "StorageSyncService", "StorageMover"];
        let near = nearest("Storag", names.into_iter());
        assert_eq!(near.first(), Some(&"Storage"));
        assert_eq!(near.len(), 3);
        assert!(nearest("", names.into_iter()).is_empty());
    }
}
