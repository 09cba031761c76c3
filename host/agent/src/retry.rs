//! Trying again what failed for a reason that passes.

use std::time::Duration;

/// How often something is tried that failed for a reason that passes: a server that is overloaded, say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retries {
    /// How often it is tried altogether. 1: never again. Default: 4.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles each time. A random part of up to a half is left off. Default: 1 second.
    pub first_wait: Duration,
    /// The longest wait. If the server asks for a longer one, it is not tried again. Default: 30 seconds.
    pub longest_wait: Duration,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: 4,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(30),
        }
    }
}

impl Retries {
    /// What failed is not tried again.
    #[must_use]
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// Sets [`attempts`](Self::attempts).
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets [`first_wait`](Self::first_wait).
    #[must_use]
    pub fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// Sets [`longest_wait`](Self::longest_wait).
    #[must_use]
    pub fn longest_wait(mut self, wait: Duration) -> Self {
        self.longest_wait = wait;
        self
    }

    /// The wait before the next attempt, after so many have failed. `asked`: how long the server wants to be left alone. None: it was tried
    /// often enough, or the server wants to be left alone for longer than the longest wait.
    #[must_use]
    pub fn wait(&self, failed: u32, asked: Option<Duration>) -> Option<Duration> {
        if failed >= self.attempts {
            return None;
        }
        match asked {
            Some(asked) => (asked <= self.longest_wait).then_some(asked),
            None => {
                let doubled = 1_u32
                    .checked_shl(failed.saturating_sub(1))
                    .unwrap_or(u32::MAX);
                let wait = self.first_wait.saturating_mul(doubled);
                Some(jittered(wait.min(self.longest_wait)))
            }
        }
    }
}

/// The time less a random part, up to a half: what failed together is not tried again together.
fn jittered(wait: Duration) -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX);
    wait - wait.mul_f64(f64::from(random) / f64::from(u32::MAX) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_servers_are_obeyed() {
        let retries = Retries::default().attempts(70);
        let second = Duration::from_secs(1);
        for (failed, most) in [(1, 1), (2, 2), (3, 4), (5, 16), (6, 30), (40, 30), (69, 30)] {
            let wait = retries.wait(failed, None).unwrap();
            let most = second * most;
            assert!(wait <= most && wait >= most / 2, "{failed}: {wait:?}");
        }
        assert_eq!(retries.wait(70, None), None);
        assert_eq!(retries.wait(1, Some(30 * second)), Some(30 * second));
        assert_eq!(retries.wait(1, Some(31 * second)), None);
        assert_eq!(Retries::never().wait(1, None), None);
    }
}
