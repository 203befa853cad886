//! A generation as some sessions may have it, and the board where the sessions that may have the same find the same.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};

use ipnet::IpNet;

use super::profile::SessionProfile;
use super::sheet::{Sheet, Shown, lock};
use crate::rib::{Generation, InGeneration};
use crate::wire::{AttrSet, Family};

/// What decides which routes a session may have: groups may name peerings and locations.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Selector {
    /// The session's peering.
    pub peering: Arc<str>,
    /// The peering's location, if it has one.
    pub location: Option<Arc<str>>,
}

/// A generation and the routes of it that some sessions may have. Everything that is made for it (cuts, deltas) is shared
/// by them.
#[derive(Debug)]
pub struct View {
    v4: Arc<Sheet<u32>>,
    v6: Arc<Sheet<u128>>,
}

/// Routes that a session is not told because their attributes leave no room for a prefix in its messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeftOut {
    /// The family.
    pub family: Family,
    /// How many prefixes.
    pub prefixes: u32,
    /// The first of them.
    pub first: IpNet,
    /// Where that stands: the file and its line.
    pub place: (Arc<PathBuf>, u32),
    /// What they carry.
    pub attrs: Arc<AttrSet>,
}

impl View {
    /// The generation it is of.
    #[must_use]
    pub fn generation(&self) -> &Arc<Generation> {
        self.v4.generation()
    }

    /// How many prefixes of a family sessions of this view may have.
    #[must_use]
    pub fn count(&self, family: Family) -> u64 {
        match family {
            Family::Ipv4 => u64::from(self.v4.count()),
            Family::Ipv6 => u64::from(self.v6.count()),
        }
    }

    /// What is left out of this view for sessions of a profile: the prefixes of attribute sets that leave no room for
    /// one in a message. Usually nothing. O(1) once a session of the profile has been up, else O(n).
    #[must_use]
    pub fn left_out(&self, profile: &SessionProfile) -> Vec<LeftOut> {
        let mut all = left_out(&self.v4, profile);
        all.extend(left_out(&self.v6, profile));
        all
    }
}

fn left_out<A: InView>(sheet: &Sheet<A>, profile: &SessionProfile) -> Vec<LeftOut> {
    let (profile, next_hop) = profile.of(A::FAMILY);
    if next_hop.is_none() {
        return Vec::new();
    }
    let strip = sheet.strip();
    let runs = sheet.prepare(&profile).left_out;
    let named = runs.iter().filter_map(|run| {
        let first = strip.prefix_at(strip.span_of(*run).0)?;
        let route = sheet.generation().route::<A>(sheet.table().find(first)?)?;
        Some(LeftOut {
            family: A::FAMILY,
            prefixes: strip.count_of(*run),
            first: route.prefix,
            place: (route.file, route.line),
            attrs: route.attrs,
        })
    });
    named.collect()
}

/// A family's part of a view, for code that is written once for both.
pub(super) trait InView: InGeneration {
    /// The family's sheet.
    fn sheet(view: &View) -> &Arc<Sheet<Self>>;
}

impl InView for u32 {
    fn sheet(view: &View) -> &Arc<Sheet<Self>> {
        &view.v4
    }
}

impl InView for u128 {
    fn sheet(view: &View) -> &Arc<Sheet<Self>> {
        &view.v6
    }
}

/// The views of one generation: equal ones are one.
#[derive(Debug)]
pub struct Board {
    generation: Arc<Generation>,
    views: Mutex<Vec<(Selector, Arc<View>)>>,
    /// Those of the board before, while some session still has them.
    previous: Vec<(Selector, Weak<View>)>,
}

impl Board {
    /// The board of a first generation.
    #[must_use]
    pub fn new(generation: Arc<Generation>) -> Self {
        Self { generation, views: Mutex::default(), previous: Vec::new() }
    }

    /// The board of another generation. It keeps nothing of this one alive.
    #[must_use]
    pub fn next(&self, generation: Arc<Generation>) -> Self {
        let views = lock(&self.views);
        let previous =
            views.iter().map(|(selector, view)| (selector.clone(), Arc::downgrade(view))).collect();
        Self { generation, views: Mutex::default(), previous }
    }

    /// The generation it is of.
    #[must_use]
    pub fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// The view that a session may have. O(1) for a selector that was asked for before, else O(attribute sets).
    #[must_use]
    pub fn view(&self, selector: &Selector) -> Arc<View> {
        let mut views = lock(&self.views);
        if let Some((_, view)) = views.iter().find(|(known, _)| known == selector) {
            return view.clone();
        }
        let (v4, v6) = (self.shown::<u32>(selector), self.shown::<u128>(selector));
        let equal = views.iter().find(|(_, view)| *view.v4.shown() == v4 && *view.v6.shown() == v6);
        let view = equal.map_or_else(
            || {
                Arc::new(View {
                    v4: Sheet::new(self.generation.clone(), v4),
                    v6: Sheet::new(self.generation.clone(), v6),
                })
            },
            |(_, view)| view.clone(),
        );
        views.push((selector.clone(), view.clone()));
        view
    }

    /// Makes what sessions of these profiles will need of the views that the board before had: cuts, and deltas from
    /// those views. Takes O(n) for each profile and view, and is meant for a thread that may block; what is not made
    /// here is made by the first session that needs it.
    pub fn prepare(&self, profiles: &[SessionProfile]) {
        for (selector, old) in &self.previous {
            let view = self.view(selector);
            let old = old.upgrade();
            for profile in profiles {
                prepare::<u32>(&view, old.as_deref(), profile);
                prepare::<u128>(&view, old.as_deref(), profile);
            }
        }
    }

    fn shown<A: InGeneration>(&self, selector: &Selector) -> Shown {
        let runs = A::table(&self.generation).strip().runs();
        Shown::collect(runs.len(), |run| {
            let class = runs.get(run).map(|run| &run.ranked.class);
            class.is_some_and(|class| class.admits(&selector.peering, selector.location.as_deref()))
        })
    }
}

fn prepare<A: InView>(view: &View, old: Option<&View>, profile: &SessionProfile) {
    let (family_profile, next_hop) = profile.of(A::FAMILY);
    if !*profile.families.get(A::FAMILY) || next_hop.is_none() {
        return;
    }
    let (sheet, _) = A::sheet(view).target(&family_profile);
    if let Some(old) = old {
        let (from, _) = A::sheet(old).target(&family_profile);
        sheet.delta_from(&from).cuts(&family_profile, &sheet);
    }
}
