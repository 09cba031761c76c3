//! What the platform gets, whatever it does.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hexgate_audit::{
    AuditLog, Delivered, Delivery, DeliveryError, DeliveryOptions, FolderError, RecordError, Until,
    WhenFull, WhenUnwritable, deliver,
};
use hexgate_platform::{Address, Envelope};

use crate::{
    child::{Child, Task},
    fixture::{ALLOW, Fixture, decision, now, options, record},
    platform::{Platform, Reply},
};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn to(url: &str) -> DeliveryOptions {
    let mut options =
        DeliveryOptions::new(url.parse().unwrap(), "fty_test_shop_x".parse().unwrap());
    options.redaction.patterns.clear();
    assert_eq!(options.redaction.text_names, Vec::<String>::new());
    options.timeout = Duration::from_millis(500);
    options.shortest_wait = Duration::from_millis(5);
    options.longest_wait = Duration::from_millis(50);
    options
}

/// What the child does.
pub(crate) fn deliver_to(url: &str, log: &Path) {
    deliver(log, to(url)).unwrap();
}

/// The amounts in the arguments of the events that were taken.
fn amounts(platform: &Platform) -> BTreeSet<u64> {
    platform
        .taken()
        .values()
        .map(|event| event["arguments"]["amount"].as_u64().unwrap())
        .collect()
}

fn all(number: u64) -> BTreeSet<u64> {
    (0..number).collect()
}

fn delivered(fixture: &Fixture, platform: &Platform) -> Delivered {
    deliver(fixture.log(), to(&platform.url)).unwrap()
}

#[test]
fn every_decision_is_delivered_once() {
    let fixture = Fixture::new();
    fixture.with(100);
    let platform = Platform::taking_all();
    let done = delivered(&fixture, &platform);
    assert_eq!((done.delivered, done.refused, done.skipped), (100, 0, 0));
    assert_eq!(amounts(&platform), all(100));
    // What comes later is delivered later, and nothing again.
    fixture.with(3);
    let done = delivered(&fixture, &platform);
    assert_eq!(done.delivered, 103);
    assert_eq!((platform.taken().len(), platform.taken_twice()), (103, 0));
    let event = platform.taken().into_values().next().unwrap();
    assert_eq!(event["agent_name"], "support-bot");
    assert_eq!(event["outcome"], "allow");
}

#[test]
fn a_platform_that_fails_hangs_or_redirects_is_asked_again() {
    for reply in [
        Reply::Status(500),
        Reply::Status(503),
        Reply::Status(429),
        Reply::Status(401),
        Reply::Status(404),
        Reply::Status(302),
        Reply::Hang,
    ] {
        let fixture = Fixture::new();
        fixture.with(20);
        let platform = Platform::answering(move |attempt, _| match attempt {
            1..=2 => reply,
            _ => Reply::Status(202),
        });
        let done = delivered(&fixture, &platform);
        assert_eq!((done.delivered, done.refused), (20, 0), "{reply:?}");
        assert_eq!(amounts(&platform), all(20), "{reply:?}");
    }
}

#[test]
fn an_event_that_the_platform_will_never_take_is_counted_and_does_not_stop_the_others() {
    let fixture = Fixture::new();
    fixture.with(20);
    let platform = Platform::answering(|_, event| {
        match event["arguments"]["amount"].as_u64() {
            Some(3) => Reply::Status(400),
            Some(4) => Reply::Status(422),
            // Too large, until its arguments are gone.
            Some(5) => Reply::Status(413),
            Some(6) => Reply::Status(409),
            _ => Reply::Status(202),
        }
    });
    let done = delivered(&fixture, &platform);
    assert_eq!((done.delivered, done.refused), (18, 2));
    let truncated: Vec<_> = platform
        .taken()
        .into_values()
        .filter(|event| event["arguments"]["_truncated"] == true)
        .collect();
    assert_eq!(truncated.len(), 1);
    assert_eq!(truncated[0]["arguments"]["original_bytes"], 13);

    // Too large even without them.
    let fixture = Fixture::new();
    fixture.with(5);
    let platform = Platform::answering(|_, event| {
        let is_small = event["arguments"]["_truncated"] == true;
        match event["arguments"]["amount"].as_u64() {
            Some(0) => Reply::Status(202),
            _ if is_small && event["event_id"].as_str().unwrap() < "8" => Reply::Status(413),
            _ if is_small => Reply::Status(202),
            _ => Reply::Status(413),
        }
    });
    let done = delivered(&fixture, &platform);
    assert_eq!((done.delivered + done.refused, done.aside), (5, 0));
    assert_eq!(done.delivered, platform.taken().len() as u64);
}

#[test]
fn a_platform_that_is_not_there_is_waited_for() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let fixture = Fixture::new();
    let log = fixture.open();
    let delivery = Delivery::start(&log, to(&format!("http://{address}"))).unwrap();
    for index in 0..50 {
        record(&log, index);
    }
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(delivery.status().delivered, 0);
    let platform = Platform::at(&address.to_string(), |_, _| Reply::Status(202));
    let last = record(&log, 50);
    let done = delivery.stop(last.n, PATIENCE);
    assert_eq!((done.delivered, done.skipped), (51, 0));
    assert_eq!(amounts(&platform), all(51));
}

#[test]
fn a_process_that_is_killed_while_it_delivers_loses_nothing() {
    let fixture = Fixture::new();
    fixture.with(3000);
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    let platform = Platform::answering(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        Reply::Status(202)
    });
    for round in 1..=3 {
        let mut child = Child::start(
            Task::Deliver(platform.url.clone()),
            &fixture.log(),
            WhenUnwritable::Deny,
        );
        let begin = Instant::now();
        while count.load(Ordering::Relaxed) < round * 300 && begin.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill();
    }
    assert!(platform.taken().len() < 3000);
    delivered(&fixture, &platform);
    assert_eq!(amounts(&platform), all(3000));
}

#[test]
fn how_far_it_is_need_not_be_saved_for_nothing_to_be_lost() {
    let fixture = Fixture::new();
    fixture.with(20);
    let platform = Platform::taking_all();
    // As on a full disk.
    let in_the_way = fixture.log().join("delivery.json.new");
    fs::create_dir(&in_the_way).unwrap();
    assert_eq!(delivered(&fixture, &platform).delivered, 20);
    assert_eq!(delivered(&fixture, &platform).delivered, 20);
    assert_eq!((platform.taken().len(), platform.taken_twice()), (20, 20));
    fs::remove_dir(&in_the_way).unwrap();
    delivered(&fixture, &platform);
    delivered(&fixture, &platform);
    assert_eq!((platform.taken().len(), platform.taken_twice()), (20, 40));
}

#[test]
fn a_log_that_lost_its_end_or_is_another_one_is_delivered_from_its_beginning() {
    // A machine that stopped: the disk had the cursor and not the last records, and others took their numbers.
    let fixture = Fixture::new();
    fixture.with(20);
    let platform = Platform::taking_all();
    delivered(&fixture, &platform);
    let lines = fixture.lines();
    fixture.write(lines[..10].concat());
    let log = fixture.open();
    for index in 100..112 {
        record(&log, index);
    }
    log.close(now()).unwrap();
    delivered(&fixture, &platform);
    assert!(amounts(&platform).is_superset(&(100..112).collect()));
    // Cut, and nothing written since.
    fixture.write(lines[..5].concat());
    delivered(&fixture, &platform);
    fixture.with(1);
    let before = platform.taken().len();
    delivered(&fixture, &platform);
    assert_eq!(platform.taken().len(), before + 1);

    // Another log in the same folder.
    let other = Fixture::new();
    other.with(25);
    fixture.write(other.bytes());
    let before = platform.taken().len();
    delivered(&fixture, &platform);
    assert_eq!(platform.taken().len(), before + 25);
    let again = delivered(&fixture, &platform);
    assert_eq!(again, delivered(&fixture, &platform));
}

#[test]
fn what_keeps_a_platform_from_taking_events_is_said_until_it_takes_them() {
    let fixture = Fixture::new();
    fixture.with(3);
    let open = Arc::new(AtomicU64::new(0));
    let is_open = Arc::clone(&open);
    let platform = Platform::answering(move |_, _| match is_open.load(Ordering::Relaxed) {
        0 => Reply::Status(401),
        1 => Reply::Hang,
        _ => Reply::Status(202),
    });
    let delivery = Delivery::attach(fixture.log(), to(&platform.url), Until::Settled).unwrap();
    let wait = |what: &str| {
        let begin = Instant::now();
        while !delivery
            .problem()
            .is_some_and(|it| it.reason.contains(what))
        {
            assert!(begin.elapsed() < PATIENCE, "{:?}", delivery.problem());
            std::thread::sleep(Duration::from_millis(2));
        }
    };
    wait("401 Unauthorized");
    assert_eq!(delivery.problem().unwrap().status, Some(401));
    open.store(1, Ordering::Relaxed);
    wait("does not answer in time");
    assert!(delivery.is_running());
    open.store(2, Ordering::Relaxed);
    let begin = Instant::now();
    while delivery.is_running() {
        assert!(begin.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(delivery.problem(), None);
    assert_eq!(delivery.finish().unwrap().delivered, 3);
}

#[test]
fn too_many_that_wait_deny_decisions_if_the_operator_wants_that() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let fixture = Fixture::new();
    let log = fixture.open();
    let mut options = to(&format!("http://{address}"));
    options.backlog = 30;
    options.when_full = WhenFull::Deny;
    let delivery = Delivery::start(&log, options).unwrap();
    let mut recorded = 0;
    let error = loop {
        match log.record(&decision(&ALLOW)) {
            Ok(_) => recorded += 1,
            Err(error) => break error,
        }
        assert!(recorded < 100);
    };
    assert_eq!(error, RecordError::Backlog);
    assert!((25..=30).contains(&recorded), "{recorded}");
    let platform = Platform::at(&address.to_string(), |_, _| Reply::Status(202));
    let begin = Instant::now();
    while log.record(&decision(&ALLOW)).is_err() {
        assert!(begin.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(5));
    }
    let done = delivery.stop(log.status().head.unwrap().n, PATIENCE);
    assert_eq!((done.delivered, done.skipped), (recorded + 1, 0));
    assert_eq!(platform.taken().len() as u64, recorded + 1);
}

#[test]
fn too_many_that_wait_are_passed_over_and_counted_otherwise() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let fixture = Fixture::new();
    let log = fixture.open();
    let mut options = to(&format!("http://{address}"));
    options.backlog = 30;
    let delivery = Delivery::start(&log, options).unwrap();
    for index in 0..200 {
        record(&log, index);
    }
    // All that is to be passed over is: later, an event on its way could arrive and count as passed over.
    let begin = Instant::now();
    while delivery.status().skipped < 170 && begin.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(5));
    }
    let platform = Platform::at(&address.to_string(), |_, _| Reply::Status(202));
    let done = delivery.stop(log.status().head.unwrap().n, PATIENCE);
    assert!(done.skipped >= 100 && done.delivered >= 28, "{done:?}");
    // The event that shows whether the platform takes any can be one that was passed over. All others were delivered.
    let first = 200 - done.delivered;
    let (delivered, passed_over): (Vec<u64>, Vec<u64>) = amounts(&platform)
        .iter()
        .partition(|amount| **amount >= first);
    assert_eq!(done.delivered, delivered.len() as u64);
    assert!(passed_over.len() <= 1, "{passed_over:?}");
    assert!(amounts(&platform).is_superset(&(175..200).collect()));
}

#[test]
fn a_log_in_several_files_is_followed_while_it_is_written() {
    let fixture = Fixture::new();
    let mut options = options();
    options.segment_bytes = 4000;
    let log = AuditLog::open(fixture.log(), options, now()).unwrap();
    let platform = Platform::taking_all();
    let delivery = Delivery::start(&log, to(&platform.url)).unwrap();
    let mut last = record(&log, 0);
    for index in 1..200 {
        last = record(&log, index);
    }
    assert!(fixture.segment(5).exists());
    let done = delivery.stop(last.n, PATIENCE);
    assert_eq!((done.delivered, done.skipped), (200, 0));
    assert_eq!(amounts(&platform), all(200));
    // Files that were put away before they were delivered are missed, and counted.
    for index in 200..300 {
        record(&log, index);
    }
    log.close(now()).unwrap();
    let last = (0..).find(|it| !fixture.segment(*it).exists()).unwrap() - 1;
    fs::remove_file(fixture.segment(last - 2)).unwrap();
    let done = delivered(&fixture, &platform);
    assert!((1..20).contains(&done.skipped), "{done:?}");
    assert!(done.delivered > 270, "{done:?}");
    assert_eq!(done.delivered, amounts(&platform).len() as u64);
}

#[test]
fn what_cannot_be_delivered_is_refused_at_once() {
    let fixture = Fixture::new();
    fixture.with(1);
    for (url, reason) in [
        ("http://app.example.com", "without TLS"),
        ("ftp://app.example.com", "neither"),
        ("nowhere", "relative URL"),
        ("http://me:hunter2@127.0.0.1", "a user or a password"),
        ("https://me:hunter2@app.example.com", "a user or a password"),
        ("me:hunter2@app.example.com", "names no host"),
        ("https://app.example.com/?to=", "more than a host"),
    ] {
        let error = Address::parse(url).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        // Neither in the message nor in what is shown for finding errors.
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let mut options = to("https://app.example.com");
    options.token = Envelope::parse("fty_test_shop_a\nb").unwrap();
    let error = deliver(fixture.log(), options).unwrap_err();
    assert!(matches!(error, DeliveryError::Platform(_)), "{error}");
    assert!(!format!("{:?}", to("https://x")).contains("fty_"));

    let log = fixture.open();
    let _delivery = Delivery::start(&log, to("http://127.0.0.1:9")).unwrap();
    assert!(matches!(
        deliver(fixture.log(), to("http://127.0.0.1:9")),
        Err(DeliveryError::Folder(FolderError::Busy { .. }))
    ));
}
