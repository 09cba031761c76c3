//! A source that is somebody else's: a table in a database, say, that is asked from far away.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use hexgate_enforce::source::{PolicySource, Poll, SourceError};
use hexgate_enforce::{LivePolicy, Refresh};
use hexgate_host::bundle::{Expectation, Parts, SealedBundle, TrustedKeys, UnverifiedBundle};

use crate::*;

/// The newest row of a table. None: the database is gone.
type Table = Arc<Mutex<Option<(u64, Parts)>>>;

#[derive(Debug)]
struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database is gone")
    }
}

impl Error for Gone {}

struct Database {
    table: Table,
    keys: TrustedKeys,
    interval: Option<Duration>,
    found: u64,
    accepted: u64,
}

impl Database {
    fn of(table: &Table) -> Self {
        Self {
            table: Arc::clone(table),
            keys: trusted(),
            interval: None,
            found: 0,
            accepted: 0,
        }
    }
}

impl PolicySource for Database {
    fn origin(&self) -> String {
        "the table `policies`".to_owned()
    }

    fn poll(&mut self) -> Result<Poll, SourceError> {
        let row = self.table.lock().unwrap().clone();
        let (version, parts) = row.ok_or_else(|| SourceError::other(Gone))?;
        if version == self.accepted {
            return Ok(Poll::Unchanged);
        }
        let now = std::time::SystemTime::now();
        let bundle = UnverifiedBundle::from_parts(parts)?;
        let verified = bundle.verify(&self.keys, &Expectation::agent(AGENT), now)?;
        self.found = version;
        Ok(Poll::Found(verified.into()))
    }

    fn accepted(&mut self) {
        self.accepted = self.found;
    }

    fn interval(&self) -> Option<Duration> {
        self.interval
    }
}

fn row(policy: &str, sequence: u64, key: Option<&PrivateKey>) -> Option<(u64, Parts)> {
    let (compiled, release) = release(policy, sequence);
    let sealed: SealedBundle = compiled.draft(&release).unwrap().seal(key).unwrap();
    Some((sequence, sealed.into_parts("the table `policies`")))
}

fn kept(refresh: Refresh) -> Arc<SourceError> {
    match refresh {
        Refresh::Kept(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_source_of_somebody_elses_is_as_good_as_ours() {
    let table = Table::default();
    let open = || LivePolicy::open(&engine(), Database::of(&table));
    let error = open().unwrap_err();
    assert!(
        matches!(&error, SourceError::Other(it) if it.is::<Gone>()),
        "{error}"
    );

    *table.lock().unwrap() = row(OPEN, 1, Some(&key()));
    let live = open().unwrap();
    assert!(may_view(&live));
    let first = live.id();
    assert_eq!(first.origin, "the table `policies`");
    assert!(matches!(live.refresh(), Refresh::Unchanged));

    *table.lock().unwrap() = row(CLOSED, 2, Some(&key()));
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    assert!(!may_view(&live));
    let good = live.id();

    // Refused by the bundle's own checks, and by the live policy's.
    for (bad, why) in [
        (row(OPEN, 3, None), "not signed"),
        (
            row(OPEN, 3, Some(&PrivateKey::from_bytes(&[2; 32]))),
            "trusted key",
        ),
        (row(OPEN, 1, Some(&key())), "sequence number 1"),
    ] {
        *table.lock().unwrap() = bad;
        let error = kept(live.refresh()).to_string();
        assert!(error.contains(why), "{why}: {error}");
        assert!(!may_view(&live) && *live.id() == *good, "{why}");
    }
    // Lost: the last accepted policy decides, and the source's own error is told.
    *table.lock().unwrap() = None;
    let error = kept(live.refresh());
    assert!(
        matches!(&*error, SourceError::Other(it) if it.is::<Gone>()),
        "{error}"
    );
    assert!(!may_view(&live) && live.failure().is_some());
    *table.lock().unwrap() = row(OPEN, 4, Some(&key()));
    assert!(matches!(live.refresh(), Refresh::Replaced(_)));
    assert!(may_view(&live) && live.failure().is_none());
}

#[test]
fn a_source_that_takes_its_time_is_polled_beside_the_turns() {
    let wait = |until: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !until() {
            assert!(
                begin.elapsed() < Duration::from_secs(60),
                "it never happened"
            );
            thread::sleep(Duration::from_millis(2));
        }
    };
    let table: Table = Arc::new(Mutex::new(row(OPEN, 1, Some(&key()))));
    let source = Database {
        interval: Some(Duration::from_millis(5)),
        ..Database::of(&table)
    };
    let live = LivePolicy::open(&engine(), source).unwrap();
    assert!(may_view(&live));
    *table.lock().unwrap() = row(CLOSED, 2, Some(&key()));
    wait(&|| !may_view(&live));
    // A turn does not wait for the source: here it hangs.
    let hangs = table.lock().unwrap();
    assert!(matches!(live.refresh(), Refresh::Unchanged));
    drop(hangs);
    *table.lock().unwrap() = None;
    wait(&|| live.failure().is_some());
    assert!(kept(live.refresh()).to_string().contains("gone") && !may_view(&live));
    // The work ends with the policy, and the source with it.
    drop(live);
    wait(&|| Arc::strong_count(&table) == 1);
}
