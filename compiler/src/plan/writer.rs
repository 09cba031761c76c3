//! The bytes of a plan as they grow.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

use hexgate_eval::plan::layout::{self, header};

use super::PlanError;
use crate::{automata::Dfa, model::Approval};

/// A plan that is being written. All records begin at multiples of 4; every text and table is written once.
pub(super) struct Writer {
    bytes: Vec<u8>,
    texts: HashMap<Vec<u8>, u32>,
    tables: HashMap<Vec<u8>, u32>,
    /// The tables that were met, by where they lie: many patterns share one.
    places: HashMap<*const Dfa, u32>,
    records: HashMap<Vec<u32>, u32>,
    /// The largest number of memo slots of a constraint so far.
    pub(super) memo_slots: u32,
    /// Whether there is something that plans of versions 1 and 2 do not have.
    pub(super) grown: bool,
    /// Whether some condition compares two values of the request, which may be objects.
    pub(super) sorts_members: bool,
    /// The flags of what conditions need room for.
    pub(super) flags: u32,
}

impl Writer {
    pub(super) fn new() -> Self {
        let mut bytes = vec![0; header::SIZE];
        if let Some(magic) = bytes.first_chunk_mut::<4>() {
            *magic = layout::MAGIC;
        }
        Self {
            bytes,
            texts: HashMap::new(),
            tables: HashMap::new(),
            places: HashMap::new(),
            records: HashMap::new(),
            memo_slots: 0,
            grown: false,
            sorts_members: false,
            flags: 0,
        }
    }

    /// Writes a text: where it stands, and its length.
    pub(super) fn text(&mut self, text: &str) -> (u32, u32) {
        self.blob(text.as_bytes())
    }

    /// Writes bytes that stand for themselves: where they stand, and how many there are.
    pub(super) fn blob(&mut self, blob: &[u8]) -> (u32, u32) {
        let len = blob.len() as u32;
        if let Some(at) = self.texts.get(blob) {
            return (*at, len);
        }
        let at = self.here();
        self.bytes.extend_from_slice(blob);
        self.texts.insert(blob.to_vec(), at);
        (at, len)
    }

    /// Writes a record.
    pub(super) fn words(&mut self, words: &[u32]) -> u32 {
        self.align();
        let at = self.here();
        self.bytes
            .extend(words.iter().flat_map(|word| word.to_le_bytes()));
        at
    }

    /// Writes a record that may be shared with an equal one.
    pub(super) fn shared(&mut self, words: Vec<u32>) -> u32 {
        if let Some(at) = self.records.get(&words) {
            return *at;
        }
        let at = self.words(&words);
        self.records.insert(words, at);
        at
    }

    /// Writes records that stand one behind the other.
    pub(super) fn table<const N: usize>(&mut self, records: &[[u32; N]]) -> u32 {
        self.words(records.as_flattened())
    }

    /// Writes the table of a pattern.
    pub(super) fn dfa(&mut self, dfa: &Arc<Dfa>) -> u32 {
        let place = Arc::as_ptr(dfa);
        if let Some(at) = self.places.get(&place) {
            return *at;
        }
        let at = self.table_of(dfa);
        self.places.insert(place, at);
        at
    }

    fn table_of(&mut self, dfa: &Dfa) -> u32 {
        let states = dfa.accepting.len() as u32;
        let mut record = (u32::from(dfa.class_count) | states << 16)
            .to_le_bytes()
            .to_vec();
        record.extend(u32::from(dfa.start).to_le_bytes());
        record.extend(dfa.classes.iter());
        record.extend(dfa.accepting.iter().map(|accepts| u8::from(*accepts)));
        record.extend(dfa.transitions.iter().flat_map(|next| next.to_le_bytes()));
        if let Some(at) = self.tables.get(&record) {
            return *at;
        }
        self.align();
        let at = self.here();
        self.bytes.extend_from_slice(&record);
        self.tables.insert(record, at);
        at
    }

    /// Writes a text that may be missing: it is empty then.
    pub(super) fn optional_text(&mut self, text: Option<&str>) -> (u32, u32) {
        text.map_or((0, 0), |text| self.text(text))
    }

    /// Adds to a record what plans of versions 1 and 2 do not have, and says so in its first word.
    pub(super) fn add(&mut self, record: &mut Vec<u32>, bit: u32, words: &[u32]) {
        if let Some(first) = record.first_mut() {
            *first |= bit;
        }
        record.extend(words);
        self.grown = true;
    }

    /// Writes the terms of an approval.
    pub(super) fn approval(&mut self, approval: &Approval) -> u32 {
        let said = [
            (layout::approval::EXPIRES, approval.expires.is_some()),
            (layout::approval::APPROVERS, approval.approvers.is_some()),
            (layout::approval::REASON, approval.reason_required.is_some()),
            (
                layout::approval::REASON_REQUIRED,
                approval.reason_required == Some(true),
            ),
        ];
        let said = said.into_iter().filter(|(_, said)| *said);
        let mut record = vec![
            said.fold(0, |flags, (bit, _)| flags | bit),
            approval.expires.unwrap_or_default(),
            approval.approvers.unwrap_or_default(),
            approval.roles.len() as u32,
        ];
        for role in &approval.roles {
            record.extend(<[u32; 2]>::from(self.text(role)));
        }
        self.words(&record)
    }

    /// Sets the number of a scope.
    pub(super) fn number(&mut self, scope: u32, id: u32) {
        let at = scope as usize;
        let first = self.bytes.get(at..).and_then(|rest| rest.first_chunk());
        let flags = first.map_or(0, |first| u32::from_le_bytes(*first) & !layout::scope::ID);
        self.set(at, flags | id);
    }

    /// Overwrites a word.
    pub(super) fn set(&mut self, at: usize, value: u32) {
        self.set_bytes(at, &value.to_le_bytes());
    }

    /// Overwrites bytes.
    pub(super) fn set_bytes(&mut self, at: usize, bytes: &[u8]) {
        if let Some(target) = self.bytes.get_mut(at..at + bytes.len()) {
            target.copy_from_slice(bytes);
        }
    }

    /// Whether the plan may still grow. Offsets cannot overflow between two calls: what one role or constraint adds is bounded
    /// by the size of the source.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        if self.bytes.len() > layout::MAX_LEN {
            Err(PlanError::TooLarge)
        } else {
            Ok(())
        }
    }

    pub(super) fn finish(&mut self) -> Result<Vec<u8>, PlanError> {
        self.align();
        self.check()?;
        self.set(header::LEN, self.here());
        Ok(std::mem::take(&mut self.bytes))
    }

    fn here(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

/// What has been written already, and where.
pub(crate) struct Interned<T>(BTreeMap<Key, Vec<(T, u32)>>);

/// A cheap fingerprint: only things with the same one are compared.
type Key = u64;

impl<T: PartialEq + Fingerprint> Interned<T> {
    pub(crate) fn new() -> Self {
        Self(BTreeMap::new())
    }

    pub(crate) fn find(&self, thing: &T) -> Option<u32> {
        let candidates = self.0.get(&thing.fingerprint())?;
        candidates
            .iter()
            .find(|(known, _)| known == thing)
            .map(|(_, at)| *at)
    }

    pub(crate) fn remember(&mut self, thing: T, at: u32) -> u32 {
        self.0
            .entry(thing.fingerprint())
            .or_default()
            .push((thing, at));
        at
    }
}

/// See [`Key`].
pub(crate) trait Fingerprint {
    fn fingerprint(&self) -> Key;
}

impl Fingerprint for Vec<(u32, u32)> {
    fn fingerprint(&self) -> Key {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

impl Fingerprint for &crate::model::Constraint {
    fn fingerprint(&self) -> Key {
        // Not of the text: alike ones differ by the values of constants.
        self.expr.fingerprint()
    }
}
