//! What a policy may cost to compile: one budget, counted and not timed, so that the same source ends in the same way on every machine.
//!
//! The compiler runs inside agents that reload policies, and a source can make each of its steps cost far more than the source is long:
//! inheritance copies rules, constants are written out into constraints, a pattern of a few letters needs a table of megabytes. So every
//! step whose cost is not bounded by the length of the source pays from an [`Account`] here, before it works or keeps memory. What is
//! not listed takes time and memory in proportion to the source.

mod patterns;

use std::cell::Cell;

pub(crate) use patterns::NoTable;
use patterns::Patterns;

use crate::{
    diagnostic::{self, Diagnostic, Sink},
    place::Span,
};

/// What is counted. The numbers are [`Account::limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Account {
    /// Keys and values of all documents of a policy. Each takes up to some 300 bytes until the policy is compiled, and a source can
    /// write one with two bytes.
    Values,
    /// Values that aliases repeat, long texts counted as several: a document of a few lines can stand for billions.
    Repeated,
    /// Rules, inherited constraints and constants as inheritance copies them, role by role.
    Flattened,
    /// Constraints of all rules: those of the policy stand before those of each tool.
    Applied,
    /// Values of constants as they are written out into the constraints that use them.
    Constants,
    /// Conditions, paths and values that named conditions stand for where they are used.
    Expanded,
    /// Bytes of automata that are made from patterns, before they are minimized. They tell how long it takes.
    Patterns,
    /// Bytes of the tables of all patterns, alike ones once.
    Tables,
    /// Comparisons and demands that lints look at, rule by rule.
    Lints,
    /// What it takes to find names that two patterns of tools match equally well, and the tools that forbids with a scope are about.
    Overlaps,
    /// Names that are compared with an unknown one to find the one that was meant. Beyond it nothing is refused: the help lists names
    /// instead.
    Hints,
}

impl Account {
    /// All accounts.
    pub const ALL: [Self; 11] = [
        Self::Values,
        Self::Repeated,
        Self::Flattened,
        Self::Applied,
        Self::Constants,
        Self::Expanded,
        Self::Patterns,
        Self::Tables,
        Self::Lints,
        Self::Overlaps,
        Self::Hints,
    ];

    /// How much a policy has of it, unless [`Allowance::with`] says otherwise.
    #[must_use]
    pub const fn limit(self) -> u64 {
        match self {
            // 16 MiB of `tool: { mode: allow }`, the densest source that says something in each line, has 3,000,000.
            Self::Values => 4_000_000,
            // Texts that are shared by aliases are constraints and lists; a thousand roles with a hundred each.
            Self::Repeated => 100_000,
            // 2,000 roles with 2,000 tools each; 1,000 with 1,000 use a quarter.
            Self::Flattened => 4_000_000,
            // A plan of 16 MiB refers to fewer.
            Self::Applied => 4_000_000,
            // A list of 1,000 in each of 1,000 constraints.
            Self::Constants => 1_000_000,
            // Conditions of ten parts in each of 20,000 constraints.
            Self::Expanded => 500_000,
            // Half a hundred of the largest patterns that there are, or twenty thousand ordinary ones.
            Self::Patterns => 256 << 20,
            // What a plan can hold.
            Self::Tables => 16 << 20,
            // A million rules with four conditions each.
            Self::Lints => 4_000_000,
            // A thousand patterns, each compared with each other, in seven roles.
            Self::Overlaps => 4_000_000,
            // The first hundred unknown names among a thousand, within a tenth of a second.
            Self::Hints => 100_000,
        }
    }

    /// Its name, for messages and tests.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Repeated => "repeated",
            Self::Flattened => "flattened",
            Self::Applied => "applied",
            Self::Constants => "constants",
            Self::Expanded => "expanded",
            Self::Patterns => "patterns",
            Self::Tables => "tables",
            Self::Lints => "lints",
            Self::Overlaps => "overlaps",
            Self::Hints => "hints",
        }
    }

    /// What there are too many of, and what to do about it.
    const fn described(self) -> (&'static str, &'static str) {
        match self {
            Self::Values => (
                "keys and values",
                "share rules between roles with `inherits` and mixins, or split the policy",
            ),
            Self::Repeated => (
                "values that aliases repeat",
                "use `inherits` and mixins to share rules between roles",
            ),
            Self::Flattened => (
                "rules, constraints and constants that inheritance copies",
                "let fewer roles inherit fewer roles",
            ),
            Self::Applied => (
                "constraints, those of the policy counted for each tool",
                "give the constraints of the policy to fewer tools, or join them with `and`",
            ),
            Self::Constants => (
                "values of constants that are written out into constraints",
                "use long constants in fewer constraints, such as one below `constraints` of the policy",
            ),
            Self::Expanded => (
                "conditions, paths and values that named conditions stand for",
                "let named conditions use each other less often, or use long ones in fewer constraints, such as one below `constraints` of the policy",
            ),
            Self::Patterns => (
                "bytes of automata to compile its patterns",
                "begin patterns of `matches` with `^`, shorten counted repetitions such as `{20}`, and use fewer `?` and classes after a `*` in paths",
            ),
            Self::Tables => (
                "bytes of tables for its patterns",
                "use fewer or simpler patterns, or split the policy",
            ),
            Self::Lints => (
                "steps to check the rules against each other",
                "give the constraints of the policy to fewer tools, or split the policy",
            ),
            Self::Overlaps => (
                "steps to tell which of its patterns of tool names count where several match: they overlap too much",
                "use fewer patterns, with fewer `*`, or list tools by name",
            ),
            Self::Hints => ("comparisons of names", "correct the names"),
        }
    }
}

/// An account is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this policy needs more than {limit} {}", account.described().0)]
pub struct Exceeded {
    /// Which.
    pub account: Account,
    /// How much there was of it.
    pub limit: u64,
}

impl Exceeded {
    /// What is said about it; `span` is where the account ran out.
    pub fn at(self, span: Span) -> Diagnostic {
        Diagnostic::new(Self::CODE, self.to_string(), span, self.label()).with_help(self.help())
    }

    /// The code of what is said about it.
    pub(crate) const CODE: &'static str = "policy-too-large";

    /// What stands at the place.
    pub(crate) fn label(self) -> String {
        format!("the budget `{}` ends here", self.account.name())
    }

    /// The remedy.
    pub(crate) fn help(self) -> &'static str {
        self.account.described().1
    }
}

/// How much a policy has of each account: [`Account::limit`], unless something else is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance([u64; Account::ALL.len()]);

impl Default for Allowance {
    fn default() -> Self {
        Self(Account::ALL.map(Account::limit))
    }
}

impl Allowance {
    /// The same with another limit.
    #[must_use]
    pub fn with(mut self, account: Account, limit: u64) -> Self {
        if let Some(slot) = self.0.get_mut(account as usize) {
            *slot = limit;
        }
        self
    }

    fn of(&self, account: Account) -> u64 {
        self.0.get(account as usize).copied().unwrap_or(0)
    }
}

/// The budget of one policy, and what was paid from it.
#[derive(Debug, Default)]
pub struct Budget {
    allowance: Allowance,
    spent: [Cell<u64>; Account::ALL.len()],
    exhausted: Cell<Option<Exceeded>>,
    told: Cell<bool>,
    /// What was paid for already.
    patterns: Patterns,
}

impl Budget {
    /// A budget of which nothing was spent.
    pub fn new(allowance: &Allowance) -> Self {
        Self {
            allowance: allowance.clone(),
            ..Self::default()
        }
    }

    /// Pays.
    ///
    /// # Errors
    ///
    /// If that is more than is left. The policy is refused then, and nothing more is worth doing for it.
    pub fn spend(&self, account: Account, amount: u64) -> Result<(), Exceeded> {
        self.take(account, amount)
            .inspect_err(|exceeded| self.exhausted.set(Some(*exceeded)))
    }

    /// Pays, or says at `span` that it cannot: None then, and an error stands in `sink`. What ends for want of one account is told once.
    #[must_use]
    pub fn pay(&self, account: Account, amount: u64, span: Span, sink: &mut Sink) -> Option<()> {
        self.spend(account, amount)
            .map_err(|exceeded| {
                if self.is_news() {
                    sink.push(exceeded.at(span));
                }
            })
            .ok()
    }

    /// Whether an account was overdrawn.
    #[must_use]
    pub fn is_exhausted(&self) -> bool {
        self.exhausted.get().is_some()
    }

    /// Reports at `span` what was overdrawn, unless that was reported: a policy of which a part was skipped for want of a budget is always
    /// refused.
    pub(crate) fn close(&self, span: Span, sink: &mut Sink) {
        if let Some(exceeded) = self.exhausted.get()
            && self.is_news()
        {
            sink.push(exceeded.at(span));
        }
    }

    /// Pays for what was done already. If it was too much the next payment is refused.
    pub(crate) fn overdraw(&self, account: Account, amount: u64) {
        let _ = self.take(account, amount);
    }

    /// True the first time: an overdrawn budget is reported once.
    pub(crate) fn is_news(&self) -> bool {
        !self.told.replace(true)
    }

    /// [`nearest`](diagnostic::nearest) for the first unknown names of a policy; none for those beyond [`Account::Hints`].
    pub(crate) fn nearest<'a, V>(&self, name: &str, valid: V) -> Option<&'a str>
    where
        V: IntoIterator<Item = &'a str, IntoIter: ExactSizeIterator>,
    {
        let valid = valid.into_iter();
        self.take(Account::Hints, valid.len() as u64).ok()?;
        diagnostic::nearest(name, valid)
    }

    fn take(&self, account: Account, amount: u64) -> Result<(), Exceeded> {
        let limit = self.allowance.of(account);
        let spent = self.spent(account).saturating_add(amount);
        if let Some(slot) = self.spent.get(account as usize) {
            slot.set(spent);
        }
        if spent > limit {
            return Err(Exceeded { account, limit });
        }
        Ok(())
    }

    /// How much was paid.
    #[must_use]
    pub fn spent(&self, account: Account) -> u64 {
        self.spent.get(account as usize).map_or(0, Cell::get)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Sources;

    #[test]
    fn pays_to_the_last_unit_and_not_beyond() {
        let budget = Budget::new(&Allowance::default().with(Account::Tables, 10));
        assert_eq!(budget.spend(Account::Tables, 4), Ok(()));
        assert_eq!(budget.spend(Account::Tables, 6), Ok(()));
        let exceeded = budget.spend(Account::Tables, 1).unwrap_err();
        assert_eq!(
            exceeded.to_string(),
            "this policy needs more than 10 bytes of tables for its patterns"
        );
        assert_eq!(budget.spend(Account::Tables, u64::MAX), Err(exceeded));
        assert_eq!(budget.spend(Account::Values, 1), Ok(()));
    }

    #[test]
    fn is_told_once() {
        let (mut sources, mut sink) = (Sources::default(), Sink::default());
        let span = Span::whole(sources.add("x", ""));
        let budget = Budget::new(&Allowance::default().with(Account::Tables, 0));
        assert_eq!(budget.pay(Account::Tables, 0, span, &mut sink), Some(()));
        assert_eq!(budget.pay(Account::Tables, 1, span, &mut sink), None);
        assert_eq!(budget.pay(Account::Tables, 1, span, &mut sink), None);
        assert_eq!(sink.finish().len(), 1);
    }

    #[test]
    fn accounts_are_numbered_in_their_order() {
        for (index, account) in Account::ALL.into_iter().enumerate() {
            assert_eq!(account as usize, index);
            assert!(account.limit() > 0);
        }
    }
}
