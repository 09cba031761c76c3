//! What a program does when it is told to stop.

use std::{process, thread, time::Duration};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use anyhow::Context;
use hexgate_compiler::opa;

/// How long the program has to tidy up and end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// From now on this program ends within two seconds when it gets SIGINT, SIGTERM or SIGHUP, and every `opa` that it runs ends with it.
/// The exit code is 128 and the number of the signal, as a shell has it, or what the program makes of
/// [`OpaError::Interrupted`](opa::OpaError::Interrupted). To be called once, when the program starts.
pub(crate) fn on_signals() -> anyhow::Result<()> {
    listen().context("cannot listen for signals")
}

fn listen() -> std::io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().spawn(move || {
        let Some(signal) = signals.forever().next() else {
            return;
        };
        let running = opa::end_all();
        if running {
            // The thread that waits for it removes its folder and ends.
            thread::sleep(GRACE);
        }
        process::exit(128 + signal);
    })?;
    Ok(())
}
