//! One run of the program: an event on the standard input, an answer, an exit code.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use crate::answer::Answer;
use crate::failure::Failure;
use crate::hook::{Hook, MOST_EVENT_BYTES};

/// Reads an event, answers it, and gives the exit code. Nothing keeps it from answering: no event, one that never ends, a decision that takes
/// too long and a panic are denials.
pub fn run(
    hook: &Hook,
    input: impl Read + Send + 'static,
    output: &mut impl Write,
    errors: &mut impl Write,
) -> u8 {
    answer(hook, input).write(output, errors)
}

fn answer(hook: &Hook, input: impl Read + Send + 'static) -> Answer {
    let (send, receive) = mpsc::channel();
    let worker = hook.clone();
    // A thread of its own, because reading may never end. When the program ends, so does the thread.
    let started = thread::Builder::new()
        .name("hexgate-hook".to_owned())
        .spawn(move || {
            let answer = match read(input) {
                Ok(event) => worker.answer(&event),
                Err(failure) => worker.deny(&failure),
            };
            let _ = send.send(answer);
        });
    if let Err(error) = started {
        return hook.deny(&Failure::Broken(format!(
            "no thread could be started: {error}"
        )));
    }
    match receive.recv_timeout(hook.options().limit) {
        Ok(answer) => answer,
        Err(RecvTimeoutError::Timeout) => hook.deny(&Failure::Time(hook.options().limit)),
        Err(RecvTimeoutError::Disconnected) => {
            hook.deny(&Failure::Broken("it panicked".to_owned()))
        }
    }
}

/// Reads an event whole, or refuses it.
pub(crate) fn read(input: impl Read) -> Result<Vec<u8>, Failure> {
    let mut event = Vec::new();
    let most = u64::try_from(MOST_EVENT_BYTES).unwrap_or(u64::MAX);
    input
        .take(most.saturating_add(1))
        .read_to_end(&mut event)
        .map_err(Failure::Input)?;
    if event.len() > MOST_EVENT_BYTES {
        return Err(Failure::TooLarge {
            most: MOST_EVENT_BYTES,
        });
    }
    Ok(event)
}

/// The standard input, for a thread.
pub(crate) fn stdin() -> impl Read + Send + 'static {
    io::stdin()
}
