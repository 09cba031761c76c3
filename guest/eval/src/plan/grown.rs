//! What plans of [`VERSION_GROWN`](super::layout::VERSION_GROWN) have, and no others: who asks for the trailer, or for what else a role has,
//! has looked at the flag.

use core::ops::Range;

use hexgate_contract::PathStyle;

use super::{
    Damaged, Plan, Ref, View,
    layout::{mode, scope, size, trailer, with},
};

impl Plan<'_> {
    /// The place of a word of the trailer.
    pub(crate) fn trailer(&self, word: usize) -> Ref {
        trailer_of(self.bytes.len(), word)
    }
}

fn trailer_of(len: usize, word: usize) -> Ref {
    len.wrapping_sub(trailer::SIZE).wrapping_add(word)
}

impl<'a> View<'a> {
    /// The place of a word of the trailer.
    pub(crate) fn trailer(self, word: usize) -> Ref {
        trailer_of(self.len(), word)
    }

    /// References that stand one behind the other: where, and how many, say the word `index` of the record at `at` and the next one.
    pub(crate) fn references(self, at: Ref, index: usize) -> References<'a> {
        let [table, count] = self.record(at.wrapping_add(index.wrapping_mul(4)));
        References::of(self, table as usize, self.bounded(count))
    }

    /// The references that stand behind their number, which is the word `index` of the record at `at`.
    pub(crate) fn references_behind(self, at: Ref, index: usize) -> References<'a> {
        let table = at.wrapping_add(index.wrapping_mul(4)).wrapping_add(4);
        References::of(self, table, self.count(at, index))
    }

    /// The forbids that no role can lift, in order.
    pub(crate) fn ceiling(self) -> References<'a> {
        self.references(self.trailer(trailer::CEILING), 0)
    }

    /// What else a role has. None: nothing.
    pub(crate) fn more(self, role: Ref) -> Option<Ref> {
        match self.reference(role, 5) {
            0 => None,
            more => Some(more),
        }
    }

    /// The forbids of a role, in order.
    pub(crate) fn forbids(self, role: Ref) -> References<'a> {
        match self.more(role) {
            Some(more) => self.references(more, 4),
            None => References::of(self, 0, 0),
        }
    }

    /// The entries of a role for patterns of names, in the order in which they are tried.
    pub(crate) fn named_entries(self, role: Ref) -> impl Iterator<Item = Ref> + use<'a> {
        let [table, count] = match self.more(role) {
            Some(more) => self.record(more.wrapping_add(8)),
            None => [0; 2],
        };
        (0..self.bounded(count))
            .map(move |index| (table as usize).wrapping_add(index * size::NAMED_ENTRY))
    }

    /// The rules of an entry, in order: itself, unless it is for several.
    #[inline(never)]
    pub(crate) fn rules(self, entry: Ref) -> References<'a> {
        if self.word(entry, 0) == mode::SEVERAL {
            return self.references_behind(entry, 1);
        }
        References {
            alone: Some(entry),
            ..References::of(self, 0, 0)
        }
    }

    /// Where in a rule or forbid stands what a bit of [`with`] tells of: the index of a word. None: it has no such thing.
    pub(crate) fn optional(self, rule: Ref, bit: u32) -> Option<usize> {
        let [first, _, count] = self.record(rule);
        (first & bit != 0).then(|| behind(self.bounded(count), first & (bit - 1)))
    }

    /// What the model is told if a rule or forbid denies or asks.
    pub(crate) fn message(self, rule: Ref) -> Option<&'a str> {
        let index = self.optional(rule, with::MESSAGE)?;
        Some(self.str(rule, index))
    }

    /// The id of the terms of the approval that a rule asks for.
    pub(crate) fn terms(self, rule: Ref) -> Option<u32> {
        let index = self.optional(rule, with::APPROVAL)?;
        Some(self.word(rule, index))
    }

    /// The id of the scope that stands in a rule or forbid itself.
    pub(crate) fn own_scope(self, rule: Ref) -> Option<u32> {
        match self.reference(rule, 1) {
            0 => None,
            scope => Some(self.word(scope, 0) & scope::ID),
        }
    }

    /// Which tools a forbid is about.
    pub(crate) fn forbidden_tools(self, forbid: Ref) -> ForbiddenTools {
        let [first, _, count] = self.record(forbid);
        let at = behind(self.bounded(count), first);
        let ids = at + 2;
        let patterns = ids + self.count(forbid, at);
        ForbiddenTools {
            ids: ids..patterns,
            patterns: patterns..patterns + 2 * self.count(forbid, at + 1),
        }
    }

    /// The scope in bounds. None: they have exclusions alone.
    pub(crate) fn bounded_scope(self, bounds: Ref) -> Option<Ref> {
        let at = self.reference(bounds, 1);
        if at != 0 && self.word(at, 0) & scope::BOUNDS != 0 {
            // Bounds in bounds could go on for ever.
            return self.fail(Damaged::Reference);
        }
        (at != 0).then_some(at)
    }
}

/// References, one after the other.
#[derive(Debug, Clone)]
pub(crate) struct References<'a> {
    plan: View<'a>,
    /// One that comes before those in the plan.
    alone: Option<Ref>,
    next: Ref,
    left: usize,
}

impl<'a> References<'a> {
    fn of(plan: View<'a>, table: Ref, left: usize) -> Self {
        Self {
            plan,
            alone: None,
            next: table,
            left,
        }
    }
}

impl Iterator for References<'_> {
    type Item = Ref;

    #[inline(never)]
    fn next(&mut self) -> Option<Ref> {
        if let Some(alone) = self.alone.take() {
            return Some(alone);
        }
        self.left = self.left.checked_sub(1)?;
        let at = self.next;
        self.next = at.wrapping_add(4);
        Some(self.plan.reference(at, 0))
    }
}

/// The index of the word behind so many constraints and what these bits of [`with`] tell of.
fn behind(constraints: usize, first: u32) -> usize {
    let present = first & with::ALL;
    let texts = present & (with::MESSAGE | with::DESCRIPTION);
    3 + constraints + (present.count_ones() + texts.count_ones()) as usize
}

/// Which tools a forbid is about: the indices of words. Neither: all whose names are not closed.
pub(crate) struct ForbiddenTools {
    /// The ids of those that are named, in order.
    pub(crate) ids: Range<usize>,
    /// The patterns, two words each.
    pub(crate) patterns: Range<usize>,
}

/// Where the parts of a scope stand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    scope: Ref,
    allowed: usize,
    denied: usize,
    except: usize,
    further: usize,
    /// Where what a scope has in a grown plan alone begins.
    more: Ref,
    /// Whether paths are written as on Windows.
    pub(crate) windows: bool,
    /// Whether the tool searches below the path.
    pub(crate) search: bool,
}

/// The words of a scope before its patterns.
const HEAD: usize = 20;

impl Shape {
    /// The parts of the scope at `at`.
    #[inline]
    pub(crate) fn of(plan: View<'_>, at: Ref) -> Self {
        let [first, _, _, allowed, denied] = plan.record(at);
        let (allowed, denied) = (plan.bounded(allowed), plan.bounded(denied));
        let mut shape = Self {
            scope: at,
            allowed,
            denied,
            except: 0,
            further: 0,
            more: at.wrapping_add(HEAD + (allowed + denied) * size::PATTERN),
            windows: false,
            search: false,
        };
        if first & scope::MORE != 0 {
            let [flags, further, except] = plan.record(shape.more);
            shape.windows = flags & scope::WINDOWS != 0;
            shape.search = flags & scope::SEARCH != 0;
            shape.further = plan.bounded(further);
            shape.except = plan.bounded(except);
        }
        shape
    }

    pub(crate) fn style(&self) -> PathStyle {
        if self.windows {
            PathStyle::Windows
        } else {
            PathStyle::Posix
        }
    }

    /// How many arguments hold paths.
    #[inline]
    pub(crate) fn argument_count(&self) -> usize {
        1 + self.further
    }

    /// Where the name of such an argument stands: a text.
    #[inline]
    pub(crate) fn argument(&self, index: usize) -> Ref {
        match index.checked_sub(1) {
            None => self.scope.wrapping_add(4),
            Some(further) => self.more.wrapping_add(12 + further * size::TEXT),
        }
    }

    /// Where the allowed patterns stand: one each [`size::PATTERN`] bytes, as all patterns.
    #[inline]
    pub(crate) fn allowed(&self) -> Range<Ref> {
        patterns(self.scope.wrapping_add(HEAD), self.allowed)
    }

    /// Where the denied patterns stand.
    #[inline]
    pub(crate) fn denied(&self) -> Range<Ref> {
        patterns(self.allowed().end, self.denied)
    }

    /// Where the patterns stand that lift denied ones.
    #[inline]
    pub(crate) fn except(&self) -> Range<Ref> {
        let behind = 12 + self.further * size::TEXT;
        patterns(self.more.wrapping_add(behind), self.except)
    }

    /// Where what only grown plans have begins.
    pub(crate) fn more(&self) -> Ref {
        self.more
    }

    /// Of a search, where the references stand to the tables of where each allowed pattern may start as well: words.
    pub(crate) fn start_table(&self) -> (Ref, usize) {
        (
            self.except().end,
            if self.search { self.allowed } else { 0 },
        )
    }
}

fn patterns(at: Ref, count: usize) -> Range<Ref> {
    at..at.wrapping_add(count * size::PATTERN)
}
