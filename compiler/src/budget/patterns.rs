//! The patterns of one policy: each is compiled once, however often it is written, and paid for then.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use hexgate_contract::PathStyle;

use super::{Account, Budget, Exceeded};
use crate::automata::{
    Dfa, PatternError,
    glob::{self, Glob},
    regex::{self, Regex},
};

/// What the patterns that were met so far came to.
#[derive(Debug, Default)]
pub(crate) struct Patterns {
    regexes: Known<Regex>,
    allowed: [Known<Glob>; STYLES],
    denied: [Known<Glob>; STYLES],
    /// Where searches may start; none for patterns that have no such place.
    starts: [Known<Option<Glob>>; STYLES],
    /// The tables, which different patterns can share.
    tables: RefCell<HashSet<Arc<Dfa>>>,
}

/// How many styles of paths there are: the same pattern means another thing in each.
const STYLES: usize = PathStyle::ALL.len();

type Known<T> = RefCell<HashMap<String, Result<T, PatternError>>>;

/// Why there is no table.
pub(crate) enum NoTable {
    /// The pattern is refused.
    Pattern(PatternError),
    /// The policy has too many patterns.
    Budget(Exceeded),
}

impl Budget {
    /// [`regex::compile`].
    pub(crate) fn regex(&self, pattern: &str) -> Result<Regex, NoTable> {
        self.once(&self.patterns.regexes, pattern, regex::compile)
    }

    /// [`glob::allowed`].
    pub(crate) fn allowed(&self, pattern: &str, style: PathStyle) -> Result<Glob, NoTable> {
        let [posix, windows] = &self.patterns.allowed;
        match style {
            PathStyle::Posix => self.once(posix, pattern, |text| glob::allowed(text, style)),
            PathStyle::Windows => self.once(windows, pattern, |text| glob::allowed(text, style)),
        }
    }

    /// [`glob::denied`].
    pub(crate) fn denied(&self, pattern: &str, style: PathStyle) -> Result<Glob, NoTable> {
        let [posix, windows] = &self.patterns.denied;
        match style {
            PathStyle::Posix => self.once(posix, pattern, |text| glob::denied(text, style)),
            PathStyle::Windows => self.once(windows, pattern, |text| glob::denied(text, style)),
        }
    }

    /// [`glob::start`].
    pub(crate) fn start(&self, pattern: &str, style: PathStyle) -> Result<Option<Glob>, NoTable> {
        let [posix, windows] = &self.patterns.starts;
        match style {
            PathStyle::Posix => self.once(posix, pattern, |text| glob::start(text, style)),
            PathStyle::Windows => self.once(windows, pattern, |text| glob::start(text, style)),
        }
    }

    fn once<T: Clone + Table>(
        &self,
        known: &Known<T>,
        pattern: &str,
        compile: impl FnOnce(&str) -> Result<T, PatternError>,
    ) -> Result<T, NoTable> {
        if let Some(known) = known.borrow().get(pattern) {
            return known.clone().map_err(NoTable::Pattern);
        }
        // What one pattern takes is bounded, so it is enough to ask whether there is anything left.
        self.spend(Account::Patterns, 1).map_err(NoTable::Budget)?;
        let mut compiled = compile(pattern);
        let work = match &compiled {
            Ok(compiled) => compiled.work(),
            Err(error) => error.work,
        };
        // The next one is refused if this was too much: this one may have a message of its own.
        self.overdraw(Account::Patterns, work as u64);
        if let Ok(compiled) = &mut compiled
            && let Some(table) = compiled.table()
        {
            self.share(table).map_err(NoTable::Budget)?;
        }
        let outcome = compiled.clone().map_err(NoTable::Pattern);
        known.borrow_mut().insert(pattern.to_owned(), compiled);
        outcome
    }

    /// Puts the table that is known already in place of an equal one, or pays for it.
    fn share(&self, table: &mut Arc<Dfa>) -> Result<(), Exceeded> {
        let mut tables = self.patterns.tables.borrow_mut();
        if let Some(known) = tables.get(table) {
            *table = Arc::clone(known);
            return Ok(());
        }
        self.spend(Account::Tables, table.table_bytes() as u64)?;
        tables.insert(Arc::clone(table));
        Ok(())
    }
}

/// What has a table that took work.
trait Table {
    fn work(&self) -> usize;
    fn table(&mut self) -> Option<&mut Arc<Dfa>>;
}

impl Table for Regex {
    fn work(&self) -> usize {
        self.work
    }

    fn table(&mut self) -> Option<&mut Arc<Dfa>> {
        Some(&mut self.dfa)
    }
}

impl Table for Glob {
    fn work(&self) -> usize {
        self.work
    }

    fn table(&mut self) -> Option<&mut Arc<Dfa>> {
        Some(&mut self.dfa)
    }
}

impl Table for Option<Glob> {
    fn work(&self) -> usize {
        self.as_ref().map_or(0, |glob| glob.work)
    }

    fn table(&mut self) -> Option<&mut Arc<Dfa>> {
        self.as_mut().map(|glob| &mut glob.dfa)
    }
}
