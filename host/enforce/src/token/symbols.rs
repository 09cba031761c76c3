//! The texts of a token.

use std::collections::HashMap;

use biscuit_auth::datalog::SymbolTable;
use biscuit_auth::format::schema;

use super::TokenError;

/// The number of the first symbol that a token brings itself. Those below are the library's.
const OWN: u64 = 1024;
/// How many the library has itself, with those that it makes while it evaluates.
const LIBRARY: u64 = 40;

/// The texts of a token by number: the library's own, and those of its blocks one after the other.
pub(super) struct Symbols<'t> {
    default: SymbolTable,
    own: Vec<&'t str>,
    /// For each block, how many symbols there are when it ends.
    ends: Vec<usize>,
    /// The first place of each text: one text can have several numbers.
    first: HashMap<&'t str, u64>,
    bytes: u64,
}

/// The symbols that a block can name: its own and those of the blocks before it. Later blocks may be another holder's.
#[derive(Clone, Copy)]
pub(super) struct Visible<'s> {
    symbols: &'s Symbols<'s>,
    end: usize,
}

impl<'t> Symbols<'t> {
    pub(super) fn new(blocks: &'t [schema::Block]) -> Self {
        let mut symbols = Self {
            default: SymbolTable::new(),
            own: Vec::new(),
            ends: Vec::new(),
            first: HashMap::new(),
            bytes: 0,
        };
        for text in blocks.iter().flat_map(|block| &block.symbols) {
            let number = OWN.saturating_add(symbols.own.len() as u64);
            symbols.first.entry(text).or_insert(number);
            symbols.own.push(text);
            symbols.bytes = symbols.bytes.saturating_add(text.len() as u64);
        }
        symbols.ends = blocks
            .iter()
            .scan(0_usize, |end, block| {
                *end = end.saturating_add(block.symbols.len());
                Some(*end)
            })
            .collect();
        symbols
    }

    /// What a block sees.
    pub(super) fn seen_by(&self, block: usize) -> Visible<'_> {
        let end = self.ends.get(block).copied().unwrap_or_default();
        Visible { symbols: self, end }
    }

    /// Whether the token brings this text.
    pub(super) fn has(&self, text: &str) -> bool {
        self.first.contains_key(text)
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        LIBRARY.saturating_add(self.own.len() as u64)
    }

    /// How many bytes those of the token have together.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl<'s> Visible<'s> {
    pub(super) fn get(self, number: u64) -> Result<&'s str, TokenError> {
        let symbol = match number.checked_sub(OWN) {
            None => self.symbols.default.get_symbol(number),
            Some(index) => usize::try_from(index)
                .ok()
                .filter(|index| *index < self.end)
                .and_then(|index| self.symbols.own.get(index).copied()),
        };
        symbol.ok_or_else(|| TokenError::Damaged {
            reason: format!("it has no symbol {number}"),
        })
    }

    /// One number for each text.
    pub(super) fn unified(self, number: u64) -> Result<u64, TokenError> {
        let text = self.get(number)?;
        Ok(self.symbols.first.get(text).copied().unwrap_or(number))
    }
}
