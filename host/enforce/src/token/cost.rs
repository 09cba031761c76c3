//! What evaluating the checks of a token can cost at most.
//!
//! The library looks at the clock between queries and not within one, and a query of a few bytes can go through all combinations of
//! the facts. Whoever holds a token that is not sealed can append such a check. So the work is bounded before any of it is done, by
//! what the blocks say.

use std::collections::HashMap;

use biscuit_auth::format::schema::{self, check, op, op_binary};

use super::TokenError;

/// The most steps that evaluating all checks may take. A step is a fact that is looked at, or an operation of an expression; on one
/// core it takes about a microsecond.
const MAX_STEPS: u64 = 20_000;
/// A regular expression is compiled each time that it is used, and may be as large as the library of regular expressions allows.
const REGEX_STEPS: u64 = 5_000;
/// The facts that come with a decision: the time, the agent, the tool, the environment and the project.
const OWN_FACTS: u64 = 5;

/// The facts and the queries of a token.
#[derive(Debug, Default)]
pub(super) struct Cost {
    /// How many facts have this name. A name can be written by several numbers; then there are fewer of each, and the sum counts.
    facts: HashMap<String, u64>,
    queries: Vec<Query>,
}

#[derive(Debug)]
struct Query {
    /// The names of what has to be there, in this order.
    body: Vec<String>,
    /// What each combination costs besides.
    operations: u64,
}

impl Cost {
    pub(super) fn fact(&mut self, name: &str) {
        *self.facts.entry(name.to_owned()).or_default() += 1;
    }

    /// Notes the queries of a check.
    pub(super) fn check<'s>(
        &mut self,
        block: usize,
        check: &schema::Check,
        name: impl Fn(u64) -> Result<&'s str, TokenError>,
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
        for query in &check.queries {
            let body = query
                .body
                .iter()
                .map(|predicate| name(predicate.name).map(str::to_owned));
            let mut sum = 0_u64;
            for expression in &query.expressions {
                sum = sum.saturating_add(operations(block, &expression.ops)?);
            }
            self.queries.push(Query {
                body: body.collect::<Result<_, TokenError>>()?,
                operations: sum,
            });
        }
        Ok(())
    }

    /// Refuses a token whose checks can cost more than is accepted.
    pub(super) fn bounded(&self) -> Result<(), TokenError> {
        let all = self
            .facts
            .values()
            .fold(OWN_FACTS, |sum, count| sum.saturating_add(*count));
        let steps = self.queries.iter().fold(0_u64, |sum, query| {
            // All facts are looked through for the first name, and once more for the next one with each that was found.
            let mut found = 1_u64;
            let mut steps = 1_u64;
            for name in &query.body {
                steps = steps.saturating_add(found.saturating_mul(all));
                // One more, for a fact of the decision's own that may have this name.
                let count = self.facts.get(name).copied().unwrap_or_default();
                found = found.saturating_mul(count.saturating_add(1));
            }
            let operations = found.saturating_mul(query.operations);
            sum.saturating_add(steps).saturating_add(operations)
        });
        if steps > MAX_STEPS {
            return Err(TokenError::Costly {
                steps,
                allowed: MAX_STEPS,
            });
        }
        Ok(())
    }
}

/// How many operations an expression has, with what is written in it to be evaluated later or not at all.
fn operations(block: usize, ops: &[schema::Op]) -> Result<u64, TokenError> {
    ops.iter().try_fold(0_u64, |sum, op| {
        let steps = match &op.content {
            Some(op::Content::Closure(closure)) if closure.params.is_empty() => {
                operations(block, &closure.ops)?.saturating_add(1)
            }
            // It is evaluated for each member of a collection, and can hold others.
            Some(op::Content::Closure(_)) => {
                return Err(TokenError::Unsupported {
                    block,
                    what: "an `all` or `any` over a collection",
                });
            }
            Some(op::Content::Binary(binary))
                if binary.kind == i32::from(op_binary::Kind::Regex as u8) =>
            {
                REGEX_STEPS
            }
            _ => 1,
        };
        Ok(sum.saturating_add(steps))
    })
}
