//! Random numbers: SplitMix64, so that a seed means the same everywhere and for ever.

/// A source of numbers.
#[derive(Debug, Clone)]
pub struct Random {
    /// Used up first: what a fuzzer wants the choices to be.
    wanted: Vec<u8>,
    state: u64,
}

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            wanted: Vec::new(),
            state: seed,
        }
    }

    /// Makes each choice by the next of these bytes, and goes on from a fixed seed when they are used up.
    pub fn steered(bytes: &[u8]) -> Self {
        Self {
            wanted: bytes.iter().rev().copied().collect(),
            state: 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`; zero if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        let number = match self.wanted.pop() {
            Some(byte) => u64::from(byte),
            None => self.next() >> 33,
        };
        usize::try_from(number)
            .unwrap_or(0)
            .checked_rem(end)
            .unwrap_or(0)
    }

    /// True so many times in a hundred.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several. The first choice is never missing where this is called.
    #[allow(
        clippy::panic,
        reason = "INVARIANT: choices are literal tables or were just checked not to be empty"
    )]
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let index = self.below(choices.len());
        choices
            .get(index)
            .unwrap_or_else(|| panic!("nothing to pick from"))
    }

    /// One of several texts.
    pub fn text(&mut self, choices: &[&str]) -> String {
        (*self.pick(choices)).to_owned()
    }
}
