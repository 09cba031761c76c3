//! Calls that a person may have been asked about, until they run.

use std::collections::VecDeque;
use std::sync::Mutex;

use adk_core::ReadonlyContext;
use hexgate_base::guarded::locked;
use hexgate_enforce::scope;
use hexgate_gate::{Asked, Gate};

/// Calls that are kept. When there are more, an approval that comes for the oldest one does not count.
const MOST: usize = 4096;

/// A run goes on in another invocation, and maybe with another agent that was built for it.
static PROPOSED: Mutex<VecDeque<(Key, Asked)>> = Mutex::new(VecDeque::new());

#[derive(PartialEq, Eq)]
struct Key {
    agent: String,
    app: String,
    user: String,
    session: String,
    call: String,
}

impl Key {
    fn new(gate: &Gate, ctx: &(impl ReadonlyContext + ?Sized), call: &str) -> Self {
        Self {
            agent: gate.enforcer().agent().to_owned(),
            app: ctx.app_name().to_owned(),
            user: ctx.user_id().to_owned(),
            session: ctx.session_id().to_owned(),
            call: call.to_owned(),
        }
    }
}

/// The model proposes a call. The framework may ask about it now, so it is the policy and the caller of now that an approval is for. Of a call that is
/// proposed again the first time counts.
pub(crate) fn proposed(gate: &Gate, ctx: &(impl ReadonlyContext + ?Sized), call: &str) {
    let Ok(caller) = scope::current() else {
        return;
    };
    let asked = Asked::under(&gate.enforcer().live().id(), &caller);
    let key = Key::new(gate, ctx, call);
    let mut kept = locked(&PROPOSED);
    if kept.iter().any(|(other, _)| *other == key) {
        return;
    }
    if kept.len() >= MOST {
        kept.pop_front();
    }
    kept.push_back((key, asked));
}

/// The call runs. For what an approval of it was asked, once.
pub(crate) fn take(
    gate: &Gate,
    ctx: &(impl ReadonlyContext + ?Sized),
    call: &str,
) -> Option<Asked> {
    let key = Key::new(gate, ctx, call);
    let mut kept = locked(&PROPOSED);
    let at = kept.iter().position(|(other, _)| *other == key)?;
    kept.remove(at).map(|(_, asked)| asked)
}
