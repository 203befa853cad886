//! How far a table has been painted for a peer, and in what ink.

use super::profile::Announcing;

/// How a route was, or is to be, announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stroke {
    /// With the community GRACEFUL_SHUTDOWN.
    pub(super) gshut: bool,
    /// Which refresh it belongs to. It wraps, and may: a refresh begins only when all is of one epoch.
    pub(super) epoch: u16,
}

/// What a stretch of a table was told as.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ink {
    /// Not at all.
    Absent,
    /// Announced.
    As(Stroke),
}

impl Ink {
    /// The ink that announcing so takes.
    pub(super) fn of(announcing: Announcing, epoch: u16) -> Self {
        match announcing {
            Announcing::Yes => Self::As(Stroke { gshut: false, epoch }),
            Announcing::GracefulShutdown => Self::As(Stroke { gshut: true, epoch }),
            Announcing::No => Self::Absent,
        }
    }
}

/// What a peer was told of one prefix.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    /// Nothing, or that it is withdrawn.
    Nothing,
    /// An announcement.
    Route {
        /// The number that the interner gave to the attributes.
        attrs: u32,
        /// How.
        stroke: Stroke,
    },
}

impl Said {
    /// What is said of attributes in an ink.
    pub(super) fn of(attrs: u32, ink: Ink) -> Self {
        match ink {
            Ink::Absent => Self::Nothing,
            Ink::As(stroke) => Self::Route { attrs, stroke },
        }
    }
}

/// How many zones there may be.
const MOST: usize = 4;

/// A strip in stretches: zone `i` reaches from its cursor to the next one's, the last to the end of the strip. The first
/// begins at 0, and its ink is the brush: all is to become as it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Zones {
    zone: [(u32, Ink); MOST],
    len: u8,
}

impl Zones {
    /// A strip of one ink.
    pub(super) fn one(ink: Ink) -> Self {
        Self { zone: [(0, ink); MOST], len: 1 }
    }

    /// Every zone: where it begins, and its ink.
    pub(super) fn all(&self) -> &[(u32, Ink)] {
        self.zone.get(..usize::from(self.len)).unwrap_or(&self.zone)
    }

    /// The ink that all is to become.
    pub(super) fn brush(&self) -> Ink {
        let [(_, ink), ..] = self.zone;
        ink
    }

    /// Whether all is of one ink.
    pub(super) fn is_one(&self) -> bool {
        self.len <= 1
    }

    /// What is to be painted next: from where, up to where, and what ink is there now. `end` is that of the strip.
    pub(super) fn next(&self, end: u32) -> Option<(u32, u32, Ink)> {
        let mut behind = self.all().iter().skip(1);
        let (from, ink) = behind.next()?;
        Some((*from, behind.next().map_or(end, |(to, _)| *to), *ink))
    }

    /// All up to `cursor` is painted.
    pub(super) fn advance(&mut self, cursor: u32, end: u32) {
        let [_, (from, _), ..] = &mut self.zone;
        *from = cursor;
        self.normalize(end);
    }

    /// Takes another brush. Where nothing is painted yet, it takes the place of the one there was; else all that is
    /// painted becomes a zone. `false` if there is no room for one more zone; nothing is changed then.
    pub(super) fn take_brush(&mut self, brush: Ink, end: u32) -> bool {
        if brush == self.brush() {
            return true;
        }
        let untouched = matches!(self.all(), [_, (0, _), ..]);
        if untouched {
            let [(_, ink), ..] = &mut self.zone;
            *ink = brush;
        } else {
            if usize::from(self.len) >= MOST {
                return false;
            }
            self.zone.rotate_right(1);
            let [first, second, ..] = &mut self.zone;
            (*first, second.0) = ((0, brush), 0);
            self.len += 1;
        }
        self.normalize(end);
        true
    }

    /// Moves every cursor to what `place` says of it; the order must stay.
    pub(super) fn translate(&mut self, end: u32, mut place: impl FnMut(u32) -> u32) {
        self.zone
            .iter_mut()
            .skip(1)
            .take(usize::from(self.len).saturating_sub(1))
            .for_each(|z| z.0 = place(z.0));
        self.normalize(end);
    }

    /// Empty zones vanish, and one of the ink of the zone before it becomes a part of that.
    fn normalize(&mut self, end: u32) {
        let old = *self;
        let all = old.all();
        let ends = all.iter().skip(1).map(|(cursor, _)| *cursor).chain([end]);
        self.len = 0;
        let mut before = None;
        for (i, ((cursor, ink), to)) in all.iter().zip(ends).enumerate() {
            let vanishes = i > 0 && (*cursor >= to || before == Some(*ink));
            if !vanishes && let Some(slot) = self.zone.get_mut(usize::from(self.len)) {
                *slot = (*cursor, *ink);
                self.len += 1;
                before = Some(*ink);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ink = Ink::As(Stroke { gshut: false, epoch: 0 });
    const B: Ink = Ink::As(Stroke { gshut: true, epoch: 0 });
    const N: Ink = Ink::Absent;

    #[test]
    fn painting_moves_the_boundary_until_one_ink_is_left() {
        let mut z = Zones::one(N);
        assert!(z.take_brush(A, 10));
        assert_eq!(z.all(), [(0, A), (0, N)]);
        z.advance(4, 10);
        assert_eq!(z.next(10), Some((4, 10, N)));
        z.advance(10, 10);
        assert_eq!((z.all(), z.next(10)), (&[(0, A)][..], None));
    }

    #[test]
    fn a_brush_that_has_painted_nothing_is_just_changed() {
        let mut z = Zones::one(N);
        assert!(z.take_brush(A, 10) && z.take_brush(B, 10));
        assert_eq!(z.all(), [(0, B), (0, N)]);
        assert!(z.take_brush(N, 10));
        assert_eq!(z.all(), [(0, N)]);
    }

    #[test]
    fn going_back_passes_over_what_was_not_reached() {
        let mut z = Zones::one(A);
        z.take_brush(B, 10);
        z.advance(6, 10);
        z.take_brush(A, 10);
        assert_eq!(z.all(), [(0, A), (0, B), (6, A)]);
        z.advance(6, 10);
        assert_eq!(z.all(), [(0, A)]);
    }

    #[test]
    fn there_is_room_for_four() {
        let mut z = Zones::one(N);
        for (brush, to) in [(A, 8), (B, 6), (A, 4)] {
            assert!(z.take_brush(brush, 10));
            z.advance(to, 10);
        }
        assert_eq!(z.all().len(), 4);
        let before = z;
        assert!(!z.take_brush(N, 10));
        assert_eq!(z, before);
        z.translate(3, |cursor| cursor.min(3));
        assert_eq!(z.all(), [(0, A)]);
        let mut on_nothing = Zones::one(N);
        assert!(on_nothing.take_brush(A, 0));
        assert_eq!(on_nothing.all(), [(0, A)]);
    }
}
