//! The canonical ABI for the signatures of the contract: how a request lies in the guest's memory, and how an answer does.
//!
//! Offsets are those of the component model's layout rules for the records in `wit/policy/policy.wit`. A test runs the same calls through
//! the runtime's own implementation and compares.

use hexgate_contract::{
    ApprovalTerms, Coverage, Denial, Exceeded, Exclusion, Field, FileScope, Forbid, Grant, Limits,
    Malformed, Mode, NeededApproval, PathScope, PathStyle, Request, Role, Rule, Summary, Tools,
    Verdict,
};

use super::Flat;
use crate::error::DecideError;

/// An address and a length in the guest's memory.
const PAIR: usize = 8;
/// The size of a `role`.
const ROLE: usize = 20;
/// The size of a `rule`.
const RULE: usize = 64;
/// The size of a `forbid`.
const FORBID: usize = 48;
/// The size of an `exclusion`.
const EXCLUSION: usize = 28;
/// The size of the largest result, `result<verdict, error>`.
const ANSWER: u32 = 72;

/// A request as one block: the role list first, which is aligned, then all texts.
pub(super) struct Block {
    length: usize,
}

impl Block {
    pub(super) fn measure(request: &Request<'_>) -> Self {
        Self {
            length: crate::runtime::request_bytes(request),
        }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Copies the request to where the guest put the block, and returns the flat parameters of `decide`.
    pub(super) fn write(
        &self,
        memory: &mut [u8],
        base: u32,
        request: &Request<'_>,
    ) -> Result<Flat, DecideError> {
        let mut writer = Writer::new(memory, base, self.length)?;
        let roles = writer.list(request.roles)?;
        let tool = writer.text(request.tool)?;
        let arguments = writer.text(request.arguments)?;
        let (present, facts) = match request.facts {
            Some(facts) => (1, writer.text(facts)?),
            None => (0, (0, 0)),
        };
        Ok((
            roles.0,
            roles.1,
            tool.0,
            tool.1,
            arguments.0,
            arguments.1,
            present,
            facts.0,
            facts.1,
        ))
    }
}

/// Copies one text to where the guest made room for it.
pub(super) fn write_text(memory: &mut [u8], base: u32, text: &str) -> Result<(), DecideError> {
    Writer::new(memory, base, text.len())?
        .text(text)
        .map(|_| ())
}

/// Wipes the texts of the answer at an address. The engine says behind it where they begin and end, and would wipe them when the next
/// call begins.
pub(super) fn wipe_texts(memory: &mut [u8], answer: u32) {
    let word = |at: u32| {
        let start = usize::try_from(answer.checked_add(at)?).ok()?;
        let bytes = memory.get(start..)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    };
    if let (Some(start), Some(end)) = (word(ANSWER), word(ANSWER + 4))
        && let Some(texts) = memory.get_mut(start..end)
    {
        texts.fill(0);
    }
}

/// Fills a block from its front.
struct Writer<'a> {
    rest: &'a mut [u8],
    address: u32,
}

impl<'a> Writer<'a> {
    fn new(memory: &'a mut [u8], base: u32, length: usize) -> Result<Self, DecideError> {
        let start = usize::try_from(base).map_err(|_| outside())?;
        let rest = memory
            .get_mut(start..)
            .and_then(|rest| rest.get_mut(..length))
            .ok_or_else(outside)?;
        Ok(Self {
            rest,
            address: base,
        })
    }

    fn take(&mut self, length: usize) -> Result<(u32, &'a mut [u8]), DecideError> {
        let (taken, rest) = std::mem::take(&mut self.rest)
            .split_at_mut_checked(length)
            .ok_or_else(outside)?;
        self.rest = rest;
        let address = self.address;
        self.address = u32::try_from(length)
            .ok()
            .and_then(|length| address.checked_add(length))
            .ok_or_else(outside)?;
        Ok((address, taken))
    }

    fn text(&mut self, text: &str) -> Result<(u32, u32), DecideError> {
        let (address, space) = self.take(text.len())?;
        space.copy_from_slice(text.as_bytes());
        Ok((address, u32::try_from(text.len()).map_err(|_| outside())?))
    }

    fn list(&mut self, texts: &[&str]) -> Result<(u32, u32), DecideError> {
        let (address, pairs) = self.take(texts.len().saturating_mul(PAIR))?;
        for (pair, text) in pairs.as_chunks_mut::<PAIR>().0.iter_mut().zip(texts) {
            let (at, length) = self.text(text)?;
            *pair = (u64::from(at) | u64::from(length) << 32).to_le_bytes();
        }
        Ok((address, u32::try_from(texts.len()).map_err(|_| outside())?))
    }
}

/// Reads an answer, and no more of it than the host wants to hold.
pub(super) struct Reader<'a> {
    memory: &'a [u8],
    budget: usize,
    most: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(memory: &'a [u8], most: u32) -> Self {
        Self {
            memory,
            budget: usize::try_from(most).unwrap_or(usize::MAX),
            most,
        }
    }

    /// `result<verdict, error>`
    pub(super) fn verdict(
        mut self,
        address: u32,
    ) -> Result<Result<Verdict, DecideError>, DecideError> {
        let area: &[u8; 40] = self.area(address)?;
        match (byte(area, 0), byte(area, 8)) {
            (0, 0) => self.denial(address).map(|denial| Ok(Verdict::Deny(denial))),
            (0, 1) => self
                .needed(address)
                .map(|needed| Ok(Verdict::NeedsApproval(needed))),
            (0, 2) => Ok(Ok(Verdict::Allow(grant(area)?))),
            (1, 0) => {
                let field = case(Field::ALL, area, 16)?;
                let reason = self.text(word(area, 24), word(area, 28))?;
                Ok(Err(DecideError::Malformed(Malformed {
                    field,
                    offset: word(area, 20),
                    reason,
                })))
            }
            (1, 1) => {
                let limit = self.text(word(area, 16), word(area, 20))?;
                let allowed = u64::from(word(area, 24)) | u64::from(word(area, 28)) << 32;
                Ok(Err(DecideError::Exceeded(Exceeded { limit, allowed })))
            }
            (1, 2) => {
                let reason = self.text(word(area, 16), word(area, 20))?;
                Ok(Err(DecideError::Internal { reason }))
            }
            _ => Err(discriminant()),
        }
    }

    fn denial(&mut self, address: u32) -> Result<Denial, DecideError> {
        let area: &[u8; 68] = self.area(address)?;
        Ok(Denial {
            reason: self.text(word(area, 12), word(area, 16))?,
            violations: self.texts(word(area, 20), word(area, 24))?,
            hint: match byte(area, 28) {
                0 => None,
                1 => Some(self.paths(area, 32)?),
                _ => return Err(discriminant()),
            },
            message: self.optional(area, 56)?,
        })
    }

    fn needed(&mut self, address: u32) -> Result<NeededApproval, DecideError> {
        let area: &[u8; 48] = self.area(address)?;
        Ok(NeededApproval {
            grant: grant(area)?,
            terms: index(area, 28)?,
            message: self.optional(area, 36)?,
        })
    }

    /// `about`
    pub(super) fn about(mut self, address: u32) -> Result<Summary, DecideError> {
        let area: &[u8; 60] = self.area(address)?;
        Ok(Summary {
            coverage: case(Coverage::ALL, area, 0)?,
            source_digest: self.text(word(area, 4), word(area, 8))?,
            compiler: self.text(word(area, 12), word(area, 16))?,
            roles: word(area, 20),
            scopes: word(area, 24),
            terms: word(area, 28),
            limits: Limits {
                arguments_bytes: word(area, 32),
                facts_bytes: word(area, 36),
            },
            facts: self.texts(word(area, 40), word(area, 44))?,
            description: self.optional(area, 48)?,
        })
    }

    /// `list<role>`
    pub(super) fn roles(mut self, address: u32) -> Result<Vec<Role>, DecideError> {
        let area: &[u8; 8] = self.area(address)?;
        self.list(area, 0, |reader, role: &[u8; ROLE]| {
            Ok(Role {
                name: reader.text(word(role, 0), word(role, 4))?,
                description: reader.optional(role, 8)?,
            })
        })
    }

    /// `option<list<rule>>`
    pub(super) fn rules(mut self, address: u32) -> Result<Option<Vec<Rule>>, DecideError> {
        let area: &[u8; 12] = self.area(address)?;
        present(area)?
            .then(|| self.list(area, 4, Self::rule))
            .transpose()
    }

    fn rule(&mut self, area: &[u8; RULE]) -> Result<Rule, DecideError> {
        let (name, length) = (word(area, 4), word(area, 8));
        Ok(Rule {
            tools: match byte(area, 0) {
                0 => Tools::Unlisted,
                1 => Tools::Exact(self.text(name, length)?),
                2 => Tools::Pattern(self.text(name, length)?),
                _ => return Err(discriminant()),
            },
            mode: case(Mode::ALL, area, 12)?,
            constraints: self.texts(word(area, 16), word(area, 20))?,
            scope: index(area, 24)?,
            terms: index(area, 32)?,
            message: self.optional(area, 40)?,
            description: self.optional(area, 52)?,
        })
    }

    /// `option<list<forbid>>`
    pub(super) fn forbids(mut self, address: u32) -> Result<Option<Vec<Forbid>>, DecideError> {
        let area: &[u8; 12] = self.area(address)?;
        present(area)?
            .then(|| self.list(area, 4, Self::forbid))
            .transpose()
    }

    fn forbid(&mut self, area: &[u8; FORBID]) -> Result<Forbid, DecideError> {
        Ok(Forbid {
            tools: self.texts(word(area, 0), word(area, 4))?,
            constraints: self.texts(word(area, 8), word(area, 12))?,
            scope: index(area, 16)?,
            message: self.optional(area, 24)?,
            description: self.optional(area, 36)?,
        })
    }

    /// `option<file-scope>`
    pub(super) fn scope(mut self, address: u32) -> Result<Option<FileScope>, DecideError> {
        let area: &[u8; 52] = self.area(address)?;
        if !present(area)? {
            return Ok(None);
        }
        Ok(Some(FileScope {
            arguments: self.texts(word(area, 4), word(area, 8))?,
            search: flag(area, 12)?,
            paths: self.paths(area, 16)?,
            style: case(PathStyle::ALL, area, 40)?,
            exclusions: self.list(area, 44, |reader, area: &[u8; EXCLUSION]| {
                Ok(Exclusion {
                    paths: reader.paths(area, 0)?,
                    style: case(PathStyle::ALL, area, 24)?,
                })
            })?,
        }))
    }

    /// `option<approval-terms>`
    pub(super) fn terms(mut self, address: u32) -> Result<Option<ApprovalTerms>, DecideError> {
        let area: &[u8; 32] = self.area(address)?;
        if !present(area)? {
            return Ok(None);
        }
        Ok(Some(ApprovalTerms {
            roles: self.texts(word(area, 4), word(area, 8))?,
            expires: index(area, 12)?,
            approvers: index(area, 20)?,
            reason_required: match byte(area, 28) {
                0 => None,
                1 => Some(flag(area, 29)?),
                _ => return Err(discriminant()),
            },
        }))
    }

    /// Three lists of patterns.
    fn paths(&mut self, area: &[u8], at: usize) -> Result<PathScope, DecideError> {
        Ok(PathScope {
            allowed: self.texts(word(area, at), word(area, at.saturating_add(4)))?,
            denied: self.texts(
                word(area, at.saturating_add(8)),
                word(area, at.saturating_add(12)),
            )?,
            except: self.texts(
                word(area, at.saturating_add(16)),
                word(area, at.saturating_add(20)),
            )?,
        })
    }

    /// A list of records of `N` bytes.
    fn list<T, const N: usize>(
        &mut self,
        area: &[u8],
        at: usize,
        record: impl Fn(&mut Self, &[u8; N]) -> Result<T, DecideError>,
    ) -> Result<Vec<T>, DecideError> {
        let list = self.bytes(word(area, at), word(area, at.saturating_add(4)), N)?;
        list.as_chunks::<N>()
            .0
            .iter()
            .map(|area| record(self, area))
            .collect()
    }

    fn optional(&mut self, area: &[u8], at: usize) -> Result<Option<String>, DecideError> {
        match byte(area, at) {
            0 => Ok(None),
            1 => self
                .text(
                    word(area, at.saturating_add(4)),
                    word(area, at.saturating_add(8)),
                )
                .map(Some),
            _ => Err(discriminant()),
        }
    }

    fn texts(&mut self, address: u32, count: u32) -> Result<Vec<String>, DecideError> {
        let list = self.bytes(address, count, PAIR)?;
        list.as_chunks::<PAIR>()
            .0
            .iter()
            .map(|pair| self.text(word(pair, 0), word(pair, 4)))
            .collect()
    }

    fn text(&mut self, address: u32, length: u32) -> Result<String, DecideError> {
        let bytes = self.bytes(address, length, 1)?;
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| bad("a text that is not UTF-8"))
    }

    fn bytes(&mut self, address: u32, count: u32, size: usize) -> Result<&'a [u8], DecideError> {
        let start = usize::try_from(address).map_err(|_| outside())?;
        let length = usize::try_from(count)
            .ok()
            .and_then(|count| count.checked_mul(size))
            .ok_or_else(outside)?;
        self.budget = self.budget.checked_sub(length).ok_or_else(|| {
            bad(&format!(
                "more than the limit of {} bytes allows",
                self.most
            ))
        })?;
        self.memory
            .get(start..)
            .and_then(|rest| rest.get(..length))
            .ok_or_else(outside)
    }

    fn area<const N: usize>(&self, address: u32) -> Result<&'a [u8; N], DecideError> {
        let start = usize::try_from(address).map_err(|_| outside())?;
        self.memory
            .get(start..)
            .and_then(|rest| rest.first_chunk())
            .ok_or_else(outside)
    }
}

/// The discriminant of an option.
fn present(area: &[u8]) -> Result<bool, DecideError> {
    flag(area, 0)
}

fn flag(area: &[u8], at: usize) -> Result<bool, DecideError> {
    match byte(area, at) {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(discriminant()),
    }
}

fn grant(area: &[u8]) -> Result<Grant, DecideError> {
    Ok(Grant {
        role: index(area, 12)?,
        scope: index(area, 20)?,
    })
}

/// A case of an enumeration.
fn case<T: Copy, const N: usize>(all: [T; N], area: &[u8], at: usize) -> Result<T, DecideError> {
    let index = usize::from(byte(area, at));
    all.get(index).copied().ok_or_else(discriminant)
}

/// `option<u32>`
fn index(area: &[u8], at: usize) -> Result<Option<u32>, DecideError> {
    match byte(area, at) {
        0 => Ok(None),
        1 => Ok(Some(word(area, at.saturating_add(4)))),
        _ => Err(discriminant()),
    }
}

// INVARIANT: `at` is a constant that lies within the area. A value outside of all enumerations stands for the impossible case.
fn byte(area: &[u8], at: usize) -> u8 {
    area.get(at).copied().unwrap_or(u8::MAX)
}

// INVARIANT: as for `byte`; an address at the end of memory is refused by whoever follows it.
fn word(area: &[u8], at: usize) -> u32 {
    area.get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(u32::MAX, |bytes| u32::from_le_bytes(*bytes))
}

fn bad(what: &str) -> DecideError {
    DecideError::BadOutput { what: what.into() }
}

fn outside() -> DecideError {
    bad("an address out of bounds")
}

pub(super) fn discriminant() -> DecideError {
    bad("a value outside of its enumeration")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_lies_in_one_block() {
        let request = Request::new("tool", "{}")
            .roles(&["a", "bc"])
            .facts("{\"ctx\":{}}");
        let block = Block::measure(&request);
        let mut memory = vec![0xAA; 100];
        let flat = block.write(&mut memory, 20, &request).unwrap();
        assert_eq!(flat, (20, 2, 39, 4, 43, 2, 1, 45, 10));
        assert_eq!(
            memory[20..36],
            [36, 0, 0, 0, 1, 0, 0, 0, 37, 0, 0, 0, 2, 0, 0, 0]
        );
        assert_eq!(&memory[36..55], b"abctool{}{\"ctx\":{}}");
        assert_eq!((memory[19], memory[55]), (0xAA, 0xAA));
        assert!(block.write(&mut memory[..54], 20, &request).is_err());
        assert!(block.write(&mut memory, u32::MAX, &request).is_err());
    }

    #[test]
    fn zeroed_memory_denies() {
        let verdict = Reader::new(&[0; 100], 100).verdict(0).unwrap().unwrap();
        assert_eq!(verdict, Verdict::Deny(Denial::because(String::new())));
    }

    #[test]
    fn refuses_what_is_out_of_bounds_or_out_of_range() {
        assert!(Reader::new(&[0; 100], 100).verdict(70).is_err());
        assert!(Reader::new(&[0; 100], 100).verdict(u32::MAX).is_err());
        for (at, value) in [(0, 2), (8, 3), (28, 2), (56, 2)] {
            let mut memory = [0; 100];
            memory[at] = value;
            assert!(Reader::new(&memory, 100).verdict(0).is_err(), "{at}");
        }
        let mut memory = [0; 100];
        memory[16..20].copy_from_slice(&101u32.to_le_bytes());
        let error = Reader::new(&memory, 100).verdict(0).unwrap_err();
        assert!(error.to_string().contains("limit of 100 bytes"), "{error}");
        memory[24..28].copy_from_slice(&(1u32 << 30).to_le_bytes());
        assert!(Reader::new(&memory, u32::MAX).verdict(0).is_err());
    }

    #[test]
    fn grants_carry_their_indices() {
        let mut memory = [0; 100];
        memory[8] = 2;
        memory[12] = 1;
        memory[16] = 7;
        let verdict = Reader::new(&memory, 0).verdict(0).unwrap().unwrap();
        assert_eq!(
            verdict,
            Verdict::Allow(Grant {
                role: Some(7),
                scope: None
            })
        );
        memory[20] = 2;
        assert!(Reader::new(&memory, 0).verdict(0).is_err());
    }
    #[test]
    fn what_a_human_has_to_agree_to_carries_terms_and_message() {
        let mut memory = [0; 100];
        memory[8] = 1;
        memory[28] = 1;
        memory[32] = 5;
        memory[36] = 1;
        memory[40] = 90;
        memory[44] = 2;
        memory[90..92].copy_from_slice(b"ok");
        let needed = NeededApproval {
            grant: Grant {
                role: None,
                scope: None,
            },
            terms: Some(5),
            message: Some("ok".into()),
        };
        let read = |memory: &[u8]| Reader::new(memory, 2).verdict(0);
        assert_eq!(
            read(&memory).unwrap().unwrap(),
            Verdict::NeedsApproval(needed)
        );
        assert!(Reader::new(&memory, 1).verdict(0).is_err());
        for at in [12, 20, 28, 36] {
            let mut memory = memory;
            memory[at] = 2;
            assert!(read(&memory).is_err(), "{at}");
        }
    }
}
