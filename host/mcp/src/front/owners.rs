//! Whose sessions are.

use std::collections::HashMap;

use hexgate_base::Digest;
use hexgate_enforce::Caller;

/// Sessions whose owner is remembered. When there are more, those have to be opened again that were not used for the longest time.
const MAX_SESSIONS: usize = 10_000;

/// Who opened which session over HTTP. A session belongs to the very caller who opened it: who knows its id alone may not use it.
#[derive(Debug)]
pub struct Owners {
    by_session: HashMap<String, Owner>,
    uses: u64,
    /// Sessions of one user. When there are more, the one of that user ends that was not used for the longest time: nobody ends those of
    /// others.
    of_user: usize,
}

#[derive(Debug)]
struct Owner {
    used: u64,
    user: String,
    caller: Digest,
}

impl Owners {
    /// Nobody's sessions yet, and at most so many of one user.
    #[must_use]
    pub fn new(of_user: usize) -> Self {
        Self {
            by_session: HashMap::new(),
            uses: 0,
            of_user,
        }
    }

    /// Whether a session is that of another caller, or of nobody.
    #[must_use]
    pub fn is_foreign(&self, session: &str, caller: &Caller) -> bool {
        let owner = self.by_session.get(session);
        owner.is_none_or(|owner| owner.caller != caller.fingerprint())
    }

    /// Whether a session is this caller's own. It is in use then.
    pub fn is_used_by(&mut self, session: &str, caller: &Caller) -> bool {
        self.uses += 1;
        match self.by_session.get_mut(session) {
            Some(owner) if owner.caller == caller.fingerprint() => {
                owner.used = self.uses;
                true
            }
            _ => false,
        }
    }

    /// Remembers whose a new session is. The session that has to end for it, if there are too many.
    pub fn opened(&mut self, session: &str, caller: &Caller) -> Option<String> {
        self.uses += 1;
        let owner = Owner {
            used: self.uses,
            user: caller.user_id().to_owned(),
            caller: caller.fingerprint(),
        };
        self.by_session.insert(session.to_owned(), owner);
        let user = caller.user_id();
        let of_user = self.by_session.values().filter(|it| it.user == user);
        let ended = if of_user.count() > self.of_user {
            self.oldest(|owner| owner.user == user)
        } else if self.by_session.len() > MAX_SESSIONS {
            self.oldest(|_| true)
        } else {
            None
        };
        if let Some(ended) = &ended {
            self.by_session.remove(ended);
        }
        ended
    }

    /// Forgets a session that its owner ended.
    pub fn closed(&mut self, session: &str) {
        self.by_session.remove(session);
    }

    fn oldest(&self, of: impl Fn(&Owner) -> bool) -> Option<String> {
        let sessions = self.by_session.iter().filter(|(_, owner)| of(owner));
        let oldest = sessions.min_by_key(|(_, owner)| owner.used);
        oldest.map(|(session, _)| session.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_ends_the_sessions_of_others() {
        let caller = |name: &str| Caller::builder(name).build().unwrap();
        let (alice, bob) = (caller("alice"), caller("bob"));
        const MAX_OF_USER: usize = 100;
        let mut owners = Owners::new(MAX_OF_USER);
        assert_eq!(owners.opened("alice's", &alice), None);
        for number in 0..MAX_OF_USER {
            assert_eq!(owners.opened(&format!("bob-{number}"), &bob), None);
        }
        assert!(owners.is_used_by("bob-0", &bob) && !owners.is_used_by("bob-0", &alice));
        for number in 0..MAX_SESSIONS {
            if number == 50 {
                assert!(!owners.is_foreign("bob-0", &bob) && owners.is_foreign("bob-1", &bob));
            }
            let ended = owners.opened(&format!("bob-more-{number}"), &bob);
            assert!(ended.is_some_and(|ended| ended.starts_with("bob-")));
        }
        assert!(!owners.is_foreign("alice's", &alice));
        assert!(owners.is_foreign("bob-0", &bob));
        assert_eq!(owners.by_session.len(), MAX_OF_USER + 1);
    }
}
