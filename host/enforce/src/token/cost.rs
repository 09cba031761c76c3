//! An upper bound of the cost of evaluating a token's checks.
//!
//! The library checks its time limit between queries and not within one, and a query of a few bytes can go through all combinations of the
//! facts, or make a text of megabytes. The holder of a token that is not sealed can append such a check. So the work is bounded from the
//! blocks before any of it is done: how often each step runs, times how large its operands can be.
//!
//! The counts follow the library's version in the lock file. It prepares all of a token's blocks anew for each evaluation, and looks up
//! their texts one by one.

mod expression;
mod size;

use std::collections::{HashMap, HashSet};

use biscuit_auth::format::schema::{self, check};

use self::expression::Expressions;
use self::size::{Printed, Size};
use super::TokenError;
use super::symbols::{Symbols, Visible};
use crate::caller::MAX_NAME_BYTES;

/// The most steps that evaluating all checks may take. A step is what takes about 0.1 microseconds on one core.
pub(super) const MAX_STEPS: u64 = 50_000;
/// The facts that come with a decision: the time, the agent, the tool, the environment and the project.
const OWN_FACTS: u64 = 5;
/// What is made ready of each message of a block: it is converted three times, and each time in memory of its own.
const READY: u64 = 3;
/// What looking at a predicate costs besides: iterators and maps are made for it.
const LOOK: u64 = 8;

/// Counts the steps of a token. First come all facts, then all checks.
pub(super) struct Cost {
    /// What it takes to find a text among all others.
    search: u64,
    blocks: u64,
    /// How many facts there are, and how many have this name.
    all: u64,
    facts: HashMap<u64, u64>,
    /// How large the largest term of a fact is.
    largest: Size,
    /// The steps so far.
    steps: u64,
}

impl Cost {
    pub(super) fn new(symbols: &Symbols<'_>, blocks: usize) -> Self {
        let blocks = blocks as u64;
        // All texts are copied for each block, and put into sets to be compared.
        let copies = blocks.saturating_mul(1 + symbols.count() * 2 + symbols.bytes() / 64);
        Self {
            // Compared are their lengths, and their bytes where these are equal.
            search: 1 + symbols.count() / 16 + symbols.bytes() / 256,
            blocks,
            all: OWN_FACTS,
            facts: HashMap::new(),
            // A decision's own are texts.
            largest: Size::text(MAX_NAME_BYTES as u64),
            steps: copies,
        }
    }

    pub(super) fn fact(
        &mut self,
        symbols: Visible<'_>,
        fact: &schema::Predicate,
    ) -> Result<(), TokenError> {
        let predicate = self.predicate(symbols, fact, &mut HashSet::new())?;
        self.largest = self.largest.either(predicate.largest);
        // It is put into a set.
        self.add(predicate.parts);
        self.all = self.all.saturating_add(1);
        *self.facts.entry(predicate.name).or_default() += 1;
        Ok(())
    }

    /// Notes in whom a block trusts.
    pub(super) fn scopes(&mut self, number: usize, block: &schema::Block) {
        // They are gone through when the block is made ready and when it is evaluated; those of the first for each of its checks.
        let times = if number == 0 {
            block.checks.len() as u64
        } else {
            0
        };
        let once = self.trust(&block.scope);
        self.add(once.saturating_mul(times.saturating_add(2)));
    }

    /// Each scope can name all blocks before.
    fn trust(&self, scopes: &[schema::Scope]) -> u64 {
        (scopes.len() as u64)
            .saturating_add(1)
            .saturating_mul(self.blocks.saturating_add(2))
    }

    /// Counts a check of a block.
    pub(super) fn check(
        &mut self,
        block: usize,
        symbols: Visible<'_>,
        check: &schema::Check,
    ) -> Result<(), TokenError> {
        // A kind that is not known would be evaluated as another.
        if check
            .kind
            .is_some_and(|kind| check::Kind::from_i32(kind).is_none())
        {
            return Err(TokenError::Unsupported {
                block,
                what: "a check of an unknown kind",
            });
        }
        let mut printed = Printed::default();
        for query in &check.queries {
            printed = printed.and(self.query(block, symbols, query)?);
        }
        self.add(READY);
        self.add(printed.joined(16).steps);
        Ok(())
    }

    fn query(
        &mut self,
        block: usize,
        symbols: Visible<'_>,
        query: &schema::Rule,
    ) -> Result<Printed, TokenError> {
        let mut variables = HashSet::new();
        self.predicate(symbols, &query.head, &mut HashSet::new())?;
        let body = query
            .body
            .iter()
            .map(|predicate| self.predicate(symbols, predicate, &mut variables));
        let body = body.collect::<Result<Vec<_>, TokenError>>()?;
        // What copying the variables takes.
        let variables = (variables.len() as u64)
            .saturating_mul(self.largest.parts.saturating_add(1))
            .saturating_add(1);
        let mut expressions = Expressions {
            block,
            symbols,
            search: self.search,
            largest: self.largest,
            variables,
            made: 0,
        };
        let mut printed = Printed::default();
        let mut operations = variables;
        for expression in &query.expressions {
            let work = expressions.work(&expression.ops)?;
            operations = operations.saturating_add(work.steps);
            self.steps = self.steps.saturating_add(work.ready);
            printed = printed.and(work.printed.joined(2));
        }

        // All facts are looked through for the first name, and once more for the next one with each that was found.
        let mut found = 1_u64;
        let mut steps = READY.saturating_add(self.trust(&query.scope));
        for predicate in &body {
            printed = printed.and(predicate.printed.joined(2));
            // One more, for a fact of the decision's own that may have this name.
            let count = self.facts.get(&predicate.name).copied().unwrap_or_default();
            let count = count.saturating_add(1);
            let look = count
                .saturating_mul(predicate.parts.saturating_add(variables))
                .saturating_add(LOOK)
                .saturating_add(predicate.parts)
                .saturating_add(self.all)
                .saturating_add(self.blocks);
            steps = steps.saturating_add(found.saturating_mul(look));
            found = found.saturating_mul(count);
        }
        self.add(steps.saturating_add(found.saturating_mul(operations)));
        Ok(printed)
    }

    /// Counts what it takes to make a predicate ready.
    fn predicate(
        &mut self,
        symbols: Visible<'_>,
        predicate: &schema::Predicate,
        variables: &mut HashSet<u32>,
    ) -> Result<Predicate, TokenError> {
        let (bytes, steps) = size::symbol(predicate.name, symbols, self.search)?;
        self.add(READY.saturating_add(steps));
        let mut sum = Predicate {
            name: symbols.unified(predicate.name)?,
            parts: 1,
            largest: Size::default(),
            printed: Printed::of(bytes),
        };
        for term in &predicate.terms {
            let term = size::term(term, symbols, self.search)?;
            self.add(term.ready);
            variables.extend(term.variable);
            sum.parts = sum.parts.saturating_add(term.size.parts);
            sum.largest = sum.largest.either(term.size);
            sum.printed = sum.printed.and(term.printed);
        }
        Ok(sum)
    }

    fn add(&mut self, steps: u64) {
        self.steps = self.steps.saturating_add(steps);
    }

    /// The steps, if they are not too many.
    pub(super) fn bounded(&self) -> Result<u64, TokenError> {
        if self.steps > MAX_STEPS {
            return Err(TokenError::Costly {
                steps: self.steps,
                allowed: MAX_STEPS,
            });
        }
        Ok(self.steps)
    }
}

/// What is known of a predicate.
struct Predicate {
    name: u64,
    parts: u64,
    largest: Size,
    printed: Printed,
}
