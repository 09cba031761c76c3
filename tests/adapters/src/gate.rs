//! The policies of a play, each in a bundle that is signed and bound to its agent, so that every host can read it in its own way.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hexgate_compiler::bundle::{self, Draft, Expectation, PrivateKey, Timestamp, TrustedKeys};
use hexgate_compiler::diagnostic::render::{Format, render};
use hexgate_compiler::{Compiler, Release};
use hexgate_enforce::host::{Clock, Engine, Limits};
use hexgate_enforce::source::BundleDir;
use hexgate_enforce::{KillSwitch, LivePolicy};

use crate::scenario::{Change, Fault};

/// A policy that allows everything, and what replaces its decision.
const FLOOR: &str = include_str!("../../../host/core/benches/floor.wat");
const DECIDES: &str = "(i32.const 16))\n\n    ;; part about";
const TRAPS: &str = "unreachable)\n\n    ;; part about";
const LOOPS: &str = "(loop $again (br $again)) unreachable)\n\n    ;; part about";

/// Enough for a debug build to use up within a second.
const FUEL: u64 = 50_000_000;

/// The policies, and the switch that stops users.
#[derive(Debug)]
pub(crate) struct Gates {
    folder: PathBuf,
    fault: Fault,
    /// What policies call the tools, by their names in the scenario.
    names: BTreeMap<String, String>,
    live: Mutex<BTreeMap<String, LivePolicy>>,
    sequence: AtomicU64,
    pub(crate) kill: KillSwitch,
}

impl Gates {
    pub(crate) fn new(folder: &Path, fault: Fault, names: BTreeMap<String, String>) -> Self {
        let gates = Self {
            folder: folder.to_owned(),
            fault,
            names,
            live: Mutex::default(),
            sequence: AtomicU64::new(1),
            kill: KillSwitch::new(),
        };
        let text = key().public_key().to_text();
        written(fs::write(gates.key_file(), text));
        gates
    }

    /// The file of the key that signs.
    pub(crate) fn key_file(&self) -> PathBuf {
        self.folder.join("release.public")
    }

    /// The folder of an agent's bundle.
    pub(crate) fn bundle(&self, agent: &str) -> PathBuf {
        self.folder.join(format!("{agent}.bundle"))
    }

    /// A text with the names of tools as policies have them in the place of `<NAME>`.
    pub(crate) fn filled(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        for (name, gate) in &self.names {
            filled = filled.replace(&format!("<{name}>"), gate);
        }
        filled
    }

    /// Writes the policy of an agent, and has it decide where it is asked already.
    pub(crate) fn write(&self, agent: &str, policy: &[String]) {
        if self.fault == Fault::Missing {
            return;
        }
        let text = self.filled(&policy.join("\n"));
        let outcome = Compiler::default().compile_str("policy.yaml", &text);
        let Some(compiled) = &outcome.policy else {
            let errors = render(&outcome.diagnostics, &outcome.sources, Format::Human, false);
            panic!("the policy of the scenario does not compile:\n{errors}\n{text}");
        };
        let now = seconds(SystemTime::now());
        let release = Release {
            agent: Some(agent.to_owned()),
            sequence: self.sequence.fetch_add(1, Ordering::SeqCst),
            expires_at: (self.fault == Fault::Expired)
                .then(|| written(Timestamp::from_unix_seconds(now - 3600).ok_or("no such time"))),
            ..Release::default()
        };
        let hostile = match self.fault {
            Fault::Traps => Some(written(wat::parse_str(FLOOR.replace(DECIDES, TRAPS)))),
            Fault::Loops => Some(written(wat::parse_str(FLOOR.replace(DECIDES, LOOPS)))),
            _ => None,
        };
        let sound = written(compiled.draft(&release));
        let draft = match &hostile {
            None => sound,
            Some(wasm) => {
                let mut claims = sound.claims.clone();
                claims.engine_digest = None;
                Draft {
                    wasm,
                    claims,
                    ..sound
                }
            }
        };
        written(bundle::write(self.bundle(agent), &draft, Some(&key())));
        if let Some(live) = self.live().get(agent) {
            let _ = live.refresh();
        }
    }

    /// The policy of an agent.
    pub(crate) fn open(&self, agent: &str) -> Result<LivePolicy, String> {
        if let Some(live) = self.live().get(agent) {
            return Ok(live.clone());
        }
        let clock = HandClock::default();
        let engine = self.engine(&clock);
        let keys = TrustedKeys::from(key().public_key());
        let source = BundleDir::new(self.bundle(agent), keys, Expectation::agent(agent));
        let source = match self.fault {
            Fault::Expired => {
                // It was opened when it was still valid.
                clock.set(SystemTime::now() - Duration::from_secs(2 * 3600));
                source.clock(clock.clone())
            }
            _ => source,
        };
        let live = LivePolicy::open(&engine, source).map_err(|error| error.to_string())?;
        clock.set(SystemTime::now());
        self.live().insert(agent.to_owned(), live.clone());
        Ok(live)
    }

    pub(crate) fn change(&self, agent: &str, change: &Change) {
        match change {
            Change::Policy(policy) => self.write(agent, policy),
            Change::StopUser(user) => self.kill.stop_user(user.as_str(), "as the scenario says"),
        }
    }

    fn live(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, LivePolicy>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Most plays share an engine: its code is compiled once.
    fn engine(&self, clock: &HandClock) -> Engine {
        static SOUND: OnceLock<Engine> = OnceLock::new();
        static BOUNDED: OnceLock<Engine> = OnceLock::new();
        let bounded = || {
            let limits = Limits {
                fuel: FUEL,
                ..Limits::default()
            };
            written(Engine::builder().limits(limits).build())
        };
        match self.fault {
            Fault::Expired => written(Engine::builder().clock(clock.clone()).build()),
            Fault::Traps | Fault::Loops => BOUNDED.get_or_init(bounded).clone(),
            _ => SOUND.get_or_init(|| written(Engine::new())).clone(),
        }
    }
}

/// A clock that is turned by hand.
#[derive(Debug, Clone, Default)]
struct HandClock(Arc<AtomicU64>);

impl HandClock {
    fn set(&self, now: SystemTime) {
        self.0.store(seconds(now), Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

fn key() -> PrivateKey {
    PrivateKey::from_bytes(&[7; 32])
}

/// What a kit of tests cannot do without.
fn written<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("the policies of a play cannot be made: {error}"))
}
