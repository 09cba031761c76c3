//! One pass over a JSON text: RFC 8259, an object outside, nothing lenient.

use super::{KIND_SHIFT, MAX_DEPTH, MAX_DIGITS, MAX_EXPONENT, NAME_ESCAPED, Node, kind, members, text::hex4};

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not such a text: where, and what is wrong.
    Malformed(u32, &'static str),
    /// It is larger than accepted: the limit's name and value.
    Exceeded(&'static str, u64),
    /// The caller provided too few nodes.
    Space,
}

/// Reads `text` into `nodes`; the root becomes the first node.
///
/// `nodes` and `slots` have at least the lengths of [`super::nodes_for`] and [`super::slots_for`]. With `sort`, the members of
/// each object stand in the order of their names.
pub(crate) fn read(text: &[u8], nodes: &mut [Node], slots: &mut [u32], sort: bool) -> Result<(), Fault> {
    let end = nodes.len();
    let mut reader = Reader { text, at: 0, nodes, slots, sort, top: 0, low: end, open: [0; MAX_DEPTH], depth: 0 };
    reader.document()
}

/// Values that are not yet the children of a closed list or object stand at the front of `nodes`, in the order of the text; the
/// children of closed ones stand together at the back.
struct Reader<'t, 'n> {
    text: &'t [u8],
    at: usize,
    nodes: &'n mut [Node],
    slots: &'n mut [u32],
    sort: bool,
    /// The first free node.
    top: usize,
    /// The end of the free nodes.
    low: usize,
    /// The lists and objects that are open: their nodes' indices, outermost first.
    open: [u32; MAX_DEPTH],
    depth: usize,
}

/// What was read of a value.
enum Read {
    /// All of it.
    Whole,
    /// The bracket that opens it, with something to come.
    Opened,
}

impl Reader<'_, '_> {
    fn document(&mut self) -> Result<(), Fault> {
        if self.next_token() != Some(b'{') {
            let bom = self.text.starts_with(b"\xef\xbb\xbf");
            return self.malformed(if bom { "a byte-order mark" } else { "not an object" });
        }
        let mut read = self.value([0, 0])?;
        loop {
            // Invariant: a value has just been opened or finished.
            if let Read::Whole = read {
                match self.after_value()? {
                    true => {}
                    false => break,
                }
            }
            let name = if self.in_object()? { self.name()? } else { [0, 0] };
            read = self.value(name)?;
        }
        if self.next_token().is_some() {
            return self.malformed("text after the end of the object");
        }
        Ok(())
    }

    /// Reads what follows a value: a comma, or brackets that close. Says whether another value is to come.
    #[inline]
    fn after_value(&mut self) -> Result<bool, Fault> {
        while self.depth > 0 {
            let object = self.in_object()?;
            match self.next_token() {
                Some(b',') => {
                    self.at += 1;
                    return Ok(true);
                }
                Some(b'}') if object => self.close(kind::OBJECT)?,
                Some(b']') if !object => self.close(kind::LIST)?,
                _ => return self.malformed(if object { "expected `,` or `}`" } else { "expected `,` or `]`" }),
            }
        }
        Ok(false)
    }

    /// Reads a member's name and the colon after it: the first two words of its node.
    #[inline]
    fn name(&mut self) -> Result<[u32; 2], Fault> {
        if self.next_token() != Some(b'"') {
            return self.malformed("expected a member name in double quotes");
        }
        self.at += 1;
        let start = self.at;
        let escaped = self.string()?;
        let len = (self.at - 1 - start) as u32;
        if self.next_token() != Some(b':') {
            return self.malformed("expected `:`");
        }
        self.at += 1;
        Ok([start as u32, if escaped { len | NAME_ESCAPED } else { len }])
    }

    /// Reads a scalar, an empty list or object, or an opening bracket.
    #[inline]
    fn value(&mut self, name: [u32; 2]) -> Result<Read, Fault> {
        let first = self.next_token();
        let start = self.at;
        let kind = match first {
            Some(b'"') => {
                self.at += 1;
                let escaped = self.string()?;
                let len = (self.at - 2 - start) as u32;
                self.push(name, start + 1, len, if escaped { kind::ESCAPED } else { kind::STRING })?;
                return Ok(Read::Whole);
            }
            Some(b'-' | b'0'..=b'9') => {
                self.number()?;
                kind::NUMBER
            }
            Some(b'{') => return self.open(name, kind::OBJECT, b'}'),
            Some(b'[') => return self.open(name, kind::LIST, b']'),
            Some(b't') => self.word(b"true", kind::TRUE)?,
            Some(b'f') => self.word(b"false", kind::FALSE)?,
            Some(b'n') => self.word(b"null", kind::NULL)?,
            Some(_) => return self.malformed("expected a value"),
            None => return self.malformed("unexpected end"),
        };
        self.push(name, start, (self.at - start) as u32, kind)?;
        Ok(Read::Whole)
    }

    fn open(&mut self, name: [u32; 2], kind: u32, closing: u8) -> Result<Read, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::Exceeded("depth", MAX_DEPTH as u64));
        }
        self.at += 1;
        if self.next_token() == Some(closing) {
            self.at += 1;
            self.push(name, 0, 0, kind)?;
            return Ok(Read::Whole);
        }
        if let Some(slot) = self.open.get_mut(self.depth) {
            *slot = self.top as u32;
        }
        self.depth += 1;
        self.push(name, 0, 0, kind)?;
        Ok(Read::Opened)
    }

    /// Closes the innermost list or object: its children move to the back.
    fn close(&mut self, kind: u32) -> Result<(), Fault> {
        self.at += 1;
        self.depth -= 1;
        let parent = self.open.get(self.depth).copied().unwrap_or_default() as usize;
        let first = parent + 1;
        let count = self.top - first;
        let children = self.nodes.get_mut(first..self.top).ok_or(Fault::Space)?;
        if kind == kind::OBJECT
            && let Some(at) = members::repeated(self.text, children, self.slots, self.sort)
        {
            return Err(Fault::Malformed(at.saturating_sub(1), "a member name that stands twice"));
        }
        let target = self.low.checked_sub(count).filter(|target| *target >= first).ok_or(Fault::Space)?;
        if target < self.top {
            self.nodes.copy_within(first..self.top, target);
        } else if let Some((front, back)) = self.nodes.split_at_mut_checked(target)
            && let (Some(from), Some(to)) = (front.get(first..self.top), back.get_mut(..count))
        {
            for (to, from) in to.iter_mut().zip(from) {
                *to = *from;
            }
        }
        self.low = target;
        self.top = first;
        if let Some(node) = self.nodes.get_mut(parent) {
            node[2] = target as u32;
            node[3] = count as u32 | kind << KIND_SHIFT;
        }
        Ok(())
    }

    /// Whether the innermost open value is an object.
    #[inline]
    fn in_object(&self) -> Result<bool, Fault> {
        let parent = self.open.get(self.depth.wrapping_sub(1)).ok_or(Fault::Space)?;
        let node = self.nodes.get(*parent as usize).ok_or(Fault::Space)?;
        Ok(super::kind_of(node) == kind::OBJECT)
    }

    #[inline]
    fn push(&mut self, name: [u32; 2], start: usize, len: u32, kind: u32) -> Result<(), Fault> {
        if self.top >= self.low {
            return Err(Fault::Space);
        }
        let node = self.nodes.get_mut(self.top).ok_or(Fault::Space)?;
        *node = [name[0], name[1], start as u32, len | kind << KIND_SHIFT];
        self.top += 1;
        Ok(())
    }

    fn word(&mut self, word: &'static [u8], kind: u32) -> Result<u32, Fault> {
        match self.text.get(self.at..) {
            Some(rest) if rest.starts_with(word) => {
                self.at += word.len();
                Ok(kind)
            }
            _ => self.malformed("expected a value"),
        }
    }

    /// Reads a string from behind its opening quote to behind its closing one. Says whether it contains escapes.
    #[inline]
    fn string(&mut self) -> Result<bool, Fault> {
        let mut escaped = false;
        loop {
            self.at = plain_until(self.text, self.at);
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.malformed("a control character in a string"),
                None => return self.malformed("a string that does not end"),
            }
        }
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Fault> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let low_follows = match self.unit(self.at + 2)? {
                    0xd800..0xdc00 => true,
                    0xdc00..0xe000 => return self.malformed("an unpaired surrogate"),
                    _ => false,
                };
                if low_follows {
                    let next = self.text.get(self.at + 6..).unwrap_or_default();
                    if !next.starts_with(b"\\u") || !(0xdc00..0xe000).contains(&self.unit(self.at + 8)?) {
                        return self.malformed("an unpaired surrogate");
                    }
                    self.at += 6;
                }
                self.at += 6;
            }
            _ => return self.malformed("an unknown escape"),
        }
        Ok(())
    }

    fn unit(&self, at: usize) -> Result<u32, Fault> {
        self.text
            .get(at..)
            .and_then(|rest| rest.first_chunk::<4>())
            .and_then(hex4)
            .ok_or(Fault::Malformed(self.at as u32, "an unknown escape"))
    }

    #[inline]
    fn number(&mut self) -> Result<(), Fault> {
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        let first = self.text.get(self.at).copied();
        let mut digits = self.digits()?;
        if digits > 1 && first == Some(b'0') {
            return self.malformed("a number with a leading zero");
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            digits += self.digits()?;
        }
        if digits > MAX_DIGITS {
            return Err(Fault::Exceeded("number-digits", MAX_DIGITS as u64));
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.exponent()?;
        }
        Ok(())
    }

    fn exponent(&mut self) -> Result<(), Fault> {
        self.at += 1;
        if let Some(b'+' | b'-') = self.text.get(self.at) {
            self.at += 1;
        }
        let start = self.at;
        self.digits()?;
        let mut value = 0u32;
        for digit in self.text.get(start..self.at).unwrap_or_default() {
            value = value.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0')));
        }
        if value > MAX_EXPONENT {
            return Err(Fault::Exceeded("number-exponent", u64::from(MAX_EXPONENT)));
        }
        Ok(())
    }

    /// Reads one digit or more. Says how many.
    #[inline]
    fn digits(&mut self) -> Result<usize, Fault> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.text.get(self.at) {
            self.at += 1;
        }
        if self.at == start { self.malformed("expected a digit") } else { Ok(self.at - start) }
    }

    /// The next byte that is not white space; `at` stands on it.
    #[inline]
    fn next_token(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    #[cold]
    fn malformed<T>(&self, reason: &'static str) -> Result<T, Fault> {
        Err(Fault::Malformed(self.at as u32, reason))
    }
}

/// Where, from `at` on, the first byte stands that is a quote, a backslash or a control character.
#[inline]
fn plain_until(text: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    // The highest bit of each byte that stops, exact up to the first one.
    let stops = |word: u64| {
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        let zero = |x: u64| x.wrapping_sub(ONES) & !x;
        (zero(quote) | zero(backslash) | word.wrapping_sub(ONES * 0x20) & !word) & HIGHS
    };
    let rest = text.get(at..).unwrap_or_default();
    let (blocks, _) = rest.as_chunks::<32>();
    for block in blocks {
        let (words, _) = block.as_chunks::<8>();
        let mut any = 0;
        for word in words {
            any |= stops(u64::from_le_bytes(*word));
        }
        if any != 0 {
            break;
        }
        at += 32;
    }
    let rest = text.get(at..).unwrap_or_default();
    let (words, tail) = rest.as_chunks::<8>();
    for word in words {
        let found = stops(u64::from_le_bytes(*word));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    for byte in tail {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        at += 1;
    }
    at
}
