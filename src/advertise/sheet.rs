//! One family of a generation as some sessions may have it, with everything that they share: cuts by profile, and the
//! deltas from the sheets that they come from.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::cuts::Cuts;
use super::delta::Delta;
use super::profile::Profile;
use crate::rib::{Generation, InGeneration, Prefix, Strip, Table};

/// Which runs of a strip a session may have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Shown {
    /// Every one.
    All,
    /// Those whose bit is set, 64 to a word.
    Some(Box<[u64]>),
}

impl Shown {
    /// The runs, of so many, that `admit` says yes to.
    pub(super) fn collect(runs: usize, mut admit: impl FnMut(usize) -> bool) -> Self {
        let mut bits = vec![0_u64; runs.div_ceil(64)];
        let mut all = true;
        for run in 0..runs {
            if !admit(run) {
                all = false;
            } else if let Some(word) = bits.get_mut(run / 64) {
                *word |= 1 << (run % 64);
            }
        }
        if all { Self::All } else { Self::Some(bits.into_boxed_slice()) }
    }

    /// Whether a run is among them. O(1).
    pub(super) fn has(&self, run: usize) -> bool {
        match self {
            Self::All => true,
            Self::Some(bits) => bits.get(run / 64).is_some_and(|word| word >> (run % 64) & 1 == 1),
        }
    }
}

/// One family of a generation, less the runs that are not shown. Made once and shared by all sessions that may have the
/// same.
pub(super) struct Sheet<A> {
    generation: Arc<Generation>,
    shown: Shown,
    /// By run, how many shown prefixes stand before it; one more at the end.
    shown_before: Box<[u32]>,
    cut: Memo<Profile, Once<Prepared<A>>>,
    /// By the runs that are not in them.
    narrowed: Memo<Vec<usize>, Arc<Sheet<A>>>,
    deltas: Memo<Weak<Sheet<A>>, Once<Arc<Delta<A>>>>,
}

/// What was made before, by what it was made for; never many.
type Memo<K, T> = Mutex<Vec<(K, T)>>;
/// Made by the first that asks, while the others wait.
type Once<T> = Arc<OnceLock<T>>;

/// What a profile makes of a sheet.
#[derive(Clone, Debug)]
pub(super) struct Prepared<A> {
    /// Where messages end.
    pub(super) cuts: Arc<Cuts>,
    /// The runs whose attributes leave no room in a message.
    pub(super) left_out: Arc<[usize]>,
    /// The sheet without those, where there are any.
    narrowed: Option<Arc<Sheet<A>>>,
}

impl<A: InGeneration> Sheet<A> {
    /// A family of a generation with the runs that are shown.
    pub(super) fn new(generation: Arc<Generation>, shown: Shown) -> Arc<Self> {
        let strip = A::table(&generation).strip();
        let mut count = 0_u32;
        let before = (0..strip.runs().len()).map(|run| {
            let before = count;
            if shown.has(run) {
                count = count.saturating_add(strip.count_of(run));
            }
            before
        });
        let mut shown_before: Vec<u32> = before.collect();
        shown_before.push(count);
        Arc::new(Self {
            generation,
            shown,
            shown_before: shown_before.into(),
            cut: Mutex::default(),
            narrowed: Mutex::default(),
            deltas: Mutex::default(),
        })
    }

    /// The generation it is of.
    pub(super) fn generation(&self) -> &Arc<Generation> {
        &self.generation
    }

    /// The whole family, whatever is shown.
    pub(super) fn table(&self) -> &Table<A> {
        A::table(&self.generation)
    }

    /// The same in wire order.
    pub(super) fn strip(&self) -> &Strip<A> {
        self.table().strip()
    }

    /// Which runs are shown.
    pub(super) fn shown(&self) -> &Shown {
        &self.shown
    }

    /// How many prefixes are shown.
    pub(super) fn count(&self) -> u32 {
        self.shown_before.last().copied().unwrap_or(0)
    }

    /// The run of a prefix, if it is shown. O(log n).
    pub(super) fn run_of(&self, prefix: Prefix<A>) -> Option<usize> {
        let run = self.table().run(self.table().find(prefix)?);
        self.shown.has(run).then_some(run)
    }

    /// The run of a row, if it is shown. O(1).
    pub(super) fn run_of_row(&self, row: usize) -> Option<usize> {
        let run = self.table().run(row);
        self.shown.has(run).then_some(run)
    }

    /// Rank and attributes of a run, as numbers.
    pub(super) fn rank_and_attrs(&self, run: usize) -> (u32, u32) {
        self.strip()
            .runs()
            .get(run)
            .map_or((u32::MAX, u32::MAX), |run| (run.ranked.rank, run.ranked.attrs_id))
    }

    /// How many shown prefixes stand before an offset of the strip. O(log n).
    pub(super) fn shown_at(&self, offset: u32) -> u32 {
        let strip = self.strip();
        if offset >= strip.end() {
            return self.count();
        }
        let run = strip.run_at(offset);
        let before = self.shown_before.get(run).copied().unwrap_or(0);
        let inside =
            strip.runs().get(run).map_or(0, |run| strip.number_at(offset).saturating_sub(run.before));
        if self.shown.has(run) { before.saturating_add(inside) } else { before }
    }

    /// The first shown prefix at or behind an offset, and its run.
    pub(super) fn next_shown(&self, offset: u32) -> Option<(u32, usize)> {
        let strip = self.strip();
        if offset >= strip.end() {
            return None;
        }
        let here = strip.run_at(offset);
        let run = (here..strip.runs().len()).find(|run| self.shown.has(*run))?;
        Some((offset.max(strip.span_of(run).0), run))
    }

    /// Where the stretch of shown runs that holds `run` ends, or `to` if that is before, or if no run that begins before
    /// `limit` is hidden. O(runs up to `limit`).
    pub(super) fn shown_until(&self, run: usize, to: u32, limit: u32) -> u32 {
        let strip = self.strip();
        let hidden = match &self.shown {
            Shown::All => None,
            Shown::Some(_) => (run..strip.runs().len())
                .take_while(|run| strip.span_of(*run).0 < to.min(limit))
                .find(|run| !self.shown.has(*run)),
        };
        hidden.map_or(to, |run| strip.span_of(run).0)
    }

    /// What a profile makes of this sheet; made at most once. O(n) the first time.
    pub(super) fn prepare(&self, profile: &Profile) -> Prepared<A> {
        let once = memo(&self.cut, |known| known == profile, || *profile);
        once.get_or_init(|| {
            let (cuts, left_out) = Cuts::new(self.strip(), &self.shown, profile);
            let narrowed = (!left_out.is_empty()).then(|| self.without(&left_out));
            Prepared { cuts: Arc::new(cuts), left_out: left_out.into(), narrowed }
        })
        .clone()
    }

    /// The sheet that a session of this profile is told: this one, less what its messages have no room for.
    pub(super) fn target(self: &Arc<Self>, profile: &Profile) -> (Arc<Self>, Arc<Cuts>) {
        let Prepared { cuts, left_out: _, narrowed } = self.prepare(profile);
        (narrowed.unwrap_or_else(|| self.clone()), cuts)
    }

    fn without(&self, runs: &[usize]) -> Arc<Self> {
        let mut narrowed = lock(&self.narrowed);
        if let Some((_, sheet)) = narrowed.iter().find(|(known, _)| known == runs) {
            return sheet.clone();
        }
        let shown = Shown::collect(self.strip().runs().len(), |run| {
            self.shown.has(run) && runs.binary_search(&run).is_err()
        });
        let sheet = Self::new(self.generation.clone(), shown);
        narrowed.push((runs.to_vec(), sheet.clone()));
        sheet
    }

    /// What changes for a session that goes from `old` to this; made at most once. O(n + m) the first time.
    pub(super) fn delta_from(&self, old: &Arc<Self>) -> Arc<Delta<A>> {
        self.forget_deltas();
        let key = Arc::downgrade(old);
        let once = memo(&self.deltas, |known| known.ptr_eq(&key), || key.clone());
        once.get_or_init(|| Arc::new(Delta::new(old, self))).clone()
    }

    /// Lets go of the deltas from sheets that no session has any more.
    pub(super) fn forget_deltas(&self) {
        lock(&self.deltas).retain(|(old, _)| old.strong_count() > 0);
    }
}

impl<A> fmt::Debug for Sheet<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet")
            .field("generation", &self.generation.number())
            .field("shown", &self.shown_before.last())
            .finish_non_exhaustive()
    }
}

/// The entry whose key `is` says yes to, or a new one.
fn memo<K, T>(of: &Memo<K, Once<T>>, is: impl Fn(&K) -> bool, key: impl Fn() -> K) -> Once<T> {
    let mut known = lock(of);
    match known.iter().find(|(key, _)| is(key)) {
        Some((_, once)) => once.clone(),
        None => {
            let once = Once::default();
            known.push((key(), once.clone()));
            once
        }
    }
}

/// A lock whose content is whole after every step, so that a panic elsewhere does not spoil it.
pub(super) fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
