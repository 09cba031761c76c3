//! A segment of a denied pattern: the names that it covers, with all that file systems may take for one of them.
//!
//! What is meant is simple: the name, folded ([`super::fold`]), matches the segment, folded. In it a run of `?` and classes takes
//! what it takes of ASCII, character by character, or any text with a character beyond ASCII in it: exact tables for all that folds
//! to each member of a set would be large. Tables read names as they are written, so this is turned round: where one character of a
//! name folds to several that the segment takes one after the other, it leads past all of them at once.

use std::collections::BTreeMap;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::{
    expression::{Expression, no_slash},
    fold::{ascii_of, composites, fold, is_ignored, is_mark, singles},
    parse::Atom,
};

/// The most parts that the expression for a segment may have. Only long runs of letters that fold together come near: `ssssss…`.
const MAX_PARTS: usize = 20_000;

/// The names that a segment covers. None: they would take too large an expression.
pub(super) fn name(atoms: &[Atom]) -> Option<Expression> {
    if atoms.iter().all(|atom| matches!(atom, Atom::Star)) {
        // Segments of paths have at least one byte, so that a lone `*` does not take the root for a name.
        return Some(Expression::Name(1));
    }
    Steps::of(atoms).expression()
}

/// A step through a folded name.
enum Step<'a> {
    /// One of these folded characters.
    One(Vec<char>),
    /// `?`, classes, and `*` among them.
    Wild(&'a [Atom]),
}

/// The steps, one behind the other, and before which of them (and behind the last) any text may stand.
struct Steps<'a> {
    steps: Vec<Step<'a>>,
    stars: Vec<bool>,
}

/// What leads from one place between steps to another.
type Edges = BTreeMap<(usize, usize), Vec<Expression>>;
/// From where to where characters lead at once, and whether text may stand before and behind them: a run of `?` takes more.
type Leaps = BTreeMap<(usize, usize, bool, bool), ClassUnicode>;

impl<'a> Steps<'a> {
    fn of(atoms: &'a [Atom]) -> Self {
        let mut steps = Vec::new();
        let mut stars = vec![false];
        let is_literal = |atom: &Atom| matches!(atom, Atom::Literal(_));
        for run in atoms.chunk_by(|one, other| is_literal(one) == is_literal(other)) {
            if run.iter().all(|atom| matches!(atom, Atom::Star)) {
                if let Some(star) = stars.last_mut() {
                    *star = true;
                }
            } else if run.iter().all(is_literal) {
                steps.extend(literals(run).into_iter().map(Step::One));
            } else {
                steps.push(Step::Wild(run));
            }
            stars.resize(steps.len() + 1, false);
        }
        Self { steps, stars }
    }

    fn is_star(&self, at: usize) -> bool {
        self.stars.get(at).copied().unwrap_or(false)
    }

    fn expression(&self) -> Option<Expression> {
        let mut edges = Edges::new();
        for (at, step) in self.steps.iter().enumerate() {
            let taken = match step {
                Step::One(folded) => {
                    let mut set = ClassUnicode::empty();
                    folded.iter().for_each(|c| set.union(&singles(*c)));
                    Expression::Set(set)
                }
                Step::Wild(atoms) => wild(atoms),
            };
            edges.entry((at, at + 1)).or_default().push(taken);
        }
        for ((from, to, before, behind), set) in self.leaps() {
            let mut parts = vec![Expression::Set(set)];
            if before {
                parts.insert(0, Expression::Name(0));
            }
            if behind {
                parts.push(Expression::Name(0));
            }
            edges
                .entry((from, to))
                .or_default()
                .push(Expression::Sequence(parts));
        }
        self.join(&edges)
    }

    /// Every way from the first place to the last. Between two places that no character leaps over, ways are listed once.
    fn join(&self, edges: &Edges) -> Option<Expression> {
        let mut whole = Vec::new();
        let mut ways: BTreeMap<usize, Vec<Expression>> =
            BTreeMap::from([(0, vec![Expression::Sequence(Vec::new())])]);
        let mut size = 0;
        for at in 0..=self.steps.len() {
            let mut here = either(ways.remove(&at).unwrap_or_default());
            if ways.is_empty() {
                // All ways lead through here.
                whole.push(here);
                here = Expression::Sequence(Vec::new());
            }
            for (&(_, to), labels) in edges.range((at, 0)..(at + 1, 0)) {
                let mut way = vec![here.clone()];
                if self.is_star(at) {
                    way.push(Expression::Name(0));
                }
                way.push(either(labels.clone()));
                let way = Expression::Sequence(way);
                size += way.size();
                if size > MAX_PARTS {
                    return None;
                }
                ways.entry(to).or_default().push(way);
            }
        }
        if self.is_star(self.steps.len()) {
            whole.push(Expression::Name(0));
        }
        Some(Expression::Sequence(whole))
    }

    /// What characters that fold to several do: each that one of the literal steps takes a part of.
    fn leaps(&self) -> Leaps {
        let mut leaps = Leaps::new();
        for (at, step) in self.steps.iter().enumerate() {
            let Step::One(folded) = step else { continue };
            for (c, parts) in folded.iter().flat_map(|c| composites(*c)) {
                // Each step before this one takes a part at least.
                for from in at.saturating_sub(parts.len() - 1)..=at {
                    self.leap(&mut leaps, &Leap::new(c, &parts, from), from, 0);
                }
            }
        }
        leaps
    }

    /// Goes on at a place with the parts from `next` on.
    fn leap(&self, leaps: &mut Leaps, leap: &Leap<'_>, at: usize, next: usize) {
        let Some(part) = leap.parts.get(next) else {
            leap.ends(leaps, at, false);
            return;
        };
        if self.is_star(at) {
            self.leap(leaps, leap, at, next + 1);
        }
        match self.steps.get(at) {
            Some(Step::One(folded)) if folded.contains(part) => {
                self.leap(leaps, leap, at + 1, next + 1);
            }
            Some(Step::Wild(_)) => {
                let leap = Leap {
                    before: leap.before || next == 0,
                    ..*leap
                };
                for end in next + 1..leap.parts.len() {
                    self.leap(leaps, &leap, at + 1, end);
                }
                leap.ends(leaps, at + 1, true);
            }
            _ => {}
        }
    }
}

/// A character that folds to several, on its way through the steps.
#[derive(Clone, Copy)]
struct Leap<'p> {
    c: char,
    parts: &'p [char],
    from: usize,
    /// It began in a run of `?`.
    before: bool,
}

impl<'p> Leap<'p> {
    fn new(c: char, parts: &'p [char], from: usize) -> Self {
        Self {
            c,
            parts,
            from,
            before: false,
        }
    }

    fn ends(&self, leaps: &mut Leaps, to: usize, behind: bool) {
        // Within one run of `?`, or within a star, there is nothing to leap over.
        if to == self.from || to == self.from + 1 && self.before && behind {
            return;
        }
        leaps
            .entry((self.from, to, self.before, behind))
            .or_insert_with(ClassUnicode::empty)
            .push(ClassUnicodeRange::new(self.c, self.c));
    }
}

/// The folded characters of a run of literals, without those that file systems ignore. Accents that stand side by side may stand in any
/// order.
fn literals(run: &[Atom]) -> Vec<Vec<char>> {
    let written: Vec<char> = run
        .iter()
        .filter_map(|atom| match atom {
            Atom::Literal(c) => Some(*c),
            _ => None,
        })
        .collect();
    let mut folded: Vec<char> = written
        .iter()
        .filter(|c| !is_ignored(**c))
        .flat_map(|c| fold(*c))
        .collect();
    if folded.is_empty() {
        folded = written;
    }
    folded
        .chunk_by(|one, other| is_mark(*one) && is_mark(*other))
        .flat_map(|run| {
            let mut any: Vec<char> = run.to_vec();
            any.sort_unstable();
            any.dedup();
            run.iter().map(move |_| any.clone())
        })
        .collect()
}

/// A run of `?`, classes and stars that is not of stars alone.
fn wild(atoms: &[Atom]) -> Expression {
    let beyond = ClassUnicode::new([ClassUnicodeRange::new('\u{80}', char::MAX)]);
    let mut choices = vec![Expression::Sequence(vec![
        Expression::Name(0),
        Expression::Set(beyond),
        Expression::Name(0),
    ])];
    let exact: Option<Vec<Expression>> = atoms.iter().map(ascii).collect();
    choices.extend(exact.map(Expression::Sequence));
    choices.reverse();
    either(choices)
}

/// What a part of a run takes of ASCII. None: nothing.
fn ascii(atom: &Atom) -> Option<Expression> {
    let any = no_slash();
    let set = match atom {
        Atom::Star => return Some(Expression::Name(0)),
        Atom::Literal(c) => return Some(Expression::Character(*c)),
        Atom::One => &any,
        Atom::Class(set) => set,
    };
    let (ones, several) = ascii_of(set);
    let mut choices: Vec<Expression> = several.into_iter().map(ascii_text).collect();
    if matches!(atom, Atom::One) {
        choices.insert(0, Expression::Set(any));
    } else if !ones.ranges().is_empty() {
        choices.insert(0, Expression::Set(ones));
    }
    (!choices.is_empty()).then(|| either(choices))
}

/// The texts of ASCII that fold to this one.
fn ascii_text(folded: &[char]) -> Expression {
    let letters = folded.iter().map(|letter| {
        Expression::Set(ClassUnicode::new(
            [letter.to_ascii_uppercase(), letter.to_ascii_lowercase()]
                .map(|c| ClassUnicodeRange::new(c, c)),
        ))
    });
    Expression::Sequence(letters.collect())
}

fn either(mut choices: Vec<Expression>) -> Expression {
    match (choices.pop(), choices.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            choices.extend(last);
            Expression::Either(choices)
        }
    }
}
