//! Events that do not pass although others do: a firewall before the platform that does not like a text, say, which a model can choose.

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use hexgate_audit::{
    Delivery, DeliveryOptions, Until, WhenFull, WhenUnwritable, deliver, set_aside,
};
use serde_json::Value;

use crate::{
    child::{Child, Task},
    delivery::to,
    fixture::{Fixture, record},
    platform::{Platform, Reply},
};

const PATIENCE: Duration = Duration::from_secs(60);

fn amount(event: &Value) -> u64 {
    event["arguments"]["amount"].as_u64().unwrap()
}

fn amounts(platform: &Platform) -> BTreeSet<u64> {
    platform.taken().values().map(amount).collect()
}

fn until(what: impl Fn() -> bool) {
    let begin = Instant::now();
    while !what() {
        assert!(begin.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(5));
    }
}

/// A platform behind something that answers so to the events that it does not like, as long as it is there.
fn behind(
    reply: Reply,
    is_poison: impl Fn(u64) -> bool + Send + Sync + 'static,
) -> (Platform, Arc<AtomicBool>) {
    let is_there = Arc::new(AtomicBool::new(true));
    let there = Arc::clone(&is_there);
    let platform = Platform::answering(move |_, event| {
        if there.load(Ordering::Relaxed) && is_poison(amount(event)) {
            reply
        } else {
            Reply::Status(202)
        }
    });
    (platform, is_there)
}

#[test]
fn one_event_that_never_passes_does_not_stop_the_others_and_is_delivered_once_it_passes() {
    for reply in [
        Reply::Status(403),
        Reply::Status(500),
        Reply::Status(503),
        Reply::Status(302),
        Reply::Status(429),
        Reply::Page,
        Reply::Drop,
        Reply::Hang,
    ] {
        let fixture = Fixture::new();
        let log = fixture.open();
        let (platform, is_there) = behind(reply, |amount| amount == 3);
        let delivery = Delivery::start(&log, to(&platform.url)).unwrap();
        for index in 0..300 {
            record(&log, index);
        }
        until(|| delivery.status().delivered == 299 && delivery.status().aside == 1);
        let status = delivery.status();
        assert_eq!(
            (status.delivered, status.refused, status.skipped),
            (299, 0, 0),
            "{reply:?}"
        );
        assert_eq!(delivery.problem(), None, "{reply:?}");
        is_there.store(false, Ordering::Relaxed);
        until(|| delivery.status().delivered == 300);
        assert_eq!(delivery.status().aside, 0, "{reply:?}");
        assert_eq!(amounts(&platform), (0..300).collect(), "{reply:?}");
    }
}

#[test]
fn what_is_set_aside_can_be_read_survives_a_restart_and_is_tried_again() {
    let fixture = Fixture::new();
    fixture.with(40);
    let (platform, is_there) = behind(Reply::Status(403), |amount| amount == 3 || amount == 39);
    let done = deliver(fixture.log(), to(&platform.url)).unwrap();
    assert_eq!((done.delivered, done.aside, done.skipped), (38, 2, 0));
    let aside = set_aside(fixture.log()).unwrap();
    let records: BTreeSet<u64> = aside.iter().map(|it| it.record).collect();
    // The first two records say that a file and a process begin.
    assert_eq!(records, [5, 41].into());
    for it in &aside {
        assert_eq!(it.segment, 0);
        assert_eq!(it.reason, "it answers 403 Forbidden");
        let line = &fixture.bytes()[it.offset as usize..];
        assert!(line.starts_with(b"{\"kind\":\"decision\""));
    }
    // Once more by the next process, and no more than once.
    let done = deliver(fixture.log(), to(&platform.url)).unwrap();
    assert_eq!((done.delivered, done.aside), (38, 2));
    for (before, now) in aside.iter().zip(set_aside(fixture.log()).unwrap()) {
        assert!(before.record == now.record && before.tries < now.tries);
    }
    // Those that were asked for to find out whether the platform takes anything.
    assert!(platform.taken_twice() <= 4);
    is_there.store(false, Ordering::Relaxed);
    let done = deliver(fixture.log(), to(&platform.url)).unwrap();
    assert_eq!((done.delivered, done.aside), (40, 0));
    assert_eq!(amounts(&platform), (0..40).collect());
    assert!(set_aside(fixture.log()).unwrap().is_empty());
    let text = fs::read_to_string(fixture.log().join("delivery.json")).unwrap();
    assert!(!text.contains("aside"), "{text}");
}

#[test]
fn nothing_is_set_aside_or_refused_while_nothing_passes() {
    for reply in [
        Reply::Status(403),
        Reply::Status(500),
        Reply::Status(400),
        Reply::Status(422),
        Reply::Status(413),
        Reply::Page,
        Reply::Drop,
    ] {
        let fixture = Fixture::new();
        // Some that the platform had, more than are read ahead, and others.
        fixture.with(10);
        deliver(fixture.log(), to(&Platform::taking_all().url)).unwrap();
        fixture.with(400);
        let (platform, is_there) = behind(reply, |_| true);
        let delivery = Delivery::attach(fixture.log(), to(&platform.url), Until::Settled).unwrap();
        until(|| delivery.problem().is_some());
        thread::sleep(Duration::from_millis(500));
        let status = delivery.status();
        assert_eq!((status.delivered, status.refused), (10, 0), "{reply:?}");
        assert_eq!((status.aside, status.skipped), (0, 0), "{reply:?}");
        is_there.store(false, Ordering::Relaxed);
        until(|| !delivery.is_running());
        let done = delivery.finish().unwrap();
        assert_eq!(
            (done.delivered, done.refused, done.aside),
            (410, 0, 0),
            "{reply:?}"
        );
    }
}

#[test]
fn as_many_as_are_read_ahead_and_more_of_them_do_not_stop_it_either() {
    for reply in [Reply::Status(403), Reply::Status(400)] {
        let fixture = Fixture::new();
        fixture.with(300);
        let (platform, _) = behind(reply, |amount| amount < 200);
        let done = deliver(fixture.log(), to(&platform.url)).unwrap();
        assert_eq!(amounts(&platform), (200..300).collect(), "{reply:?}");
        assert_eq!((done.delivered, done.skipped), (100, 0), "{reply:?}");
        let is_final = matches!(reply, Reply::Status(400));
        let expected = if is_final { (200, 0) } else { (0, 200) };
        assert_eq!((done.refused, done.aside), expected, "{reply:?}");
    }
}

#[test]
fn the_only_one_that_is_left_is_told_from_a_platform_that_is_away() {
    let fixture = Fixture::new();
    fixture.with(5);
    let (platform, _) = behind(Reply::Status(403), |amount| amount == 0);
    fs::remove_dir_all(fixture.log()).unwrap();
    let log = fixture.open();
    for index in 1..6 {
        record(&log, index);
    }
    deliver(fixture.log(), to(&platform.url)).unwrap();
    record(&log, 0);
    // Another one is asked for, which the platform has already, by its id.
    let done = deliver(fixture.log(), to(&platform.url)).unwrap();
    assert_eq!((done.delivered, done.aside), (5, 1));
    assert!((1..4).contains(&platform.taken_twice()));
}

#[test]
fn a_process_that_is_killed_meanwhile_loses_nothing_and_sends_nothing_more_than_twice_a_kill() {
    let fixture = Fixture::new();
    fixture.with(2000);
    let count = Arc::new(AtomicU64::new(0));
    let is_there = Arc::new(AtomicBool::new(true));
    let (counted, there) = (Arc::clone(&count), Arc::clone(&is_there));
    let platform = Platform::answering(move |_, event| {
        if there.load(Ordering::Relaxed) && amount(event).is_multiple_of(50) {
            return Reply::Status(403);
        }
        counted.fetch_add(1, Ordering::Relaxed);
        Reply::Status(202)
    });
    for round in 1..=4 {
        let mut child = Child::start(
            Task::Deliver(platform.url.clone()),
            &fixture.log(),
            WhenUnwritable::Deny,
        );
        let begin = Instant::now();
        while count.load(Ordering::Relaxed) < round * 400 && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
        child.kill();
        // Whatever stands there is whole.
        let aside = set_aside(fixture.log()).unwrap();
        let records: BTreeSet<u64> = aside.iter().map(|it| it.record).collect();
        assert_eq!(records.len(), aside.len());
    }
    let done = deliver(fixture.log(), to(&platform.url)).unwrap();
    assert_eq!((done.aside, done.refused, done.skipped), (40, 0, 0));
    assert_eq!(platform.taken().len(), 1960);
    is_there.store(false, Ordering::Relaxed);
    let done = deliver(fixture.log(), to(&platform.url)).unwrap();
    assert_eq!((done.delivered, done.aside), (2000, 0));
    assert_eq!(amounts(&platform), (0..2000).collect());
}

fn with_room_for(most: usize, when_full: WhenFull, url: &str) -> DeliveryOptions {
    let mut options = to(url);
    options.set_aside = most;
    options.when_full = when_full;
    options
}

#[test]
fn where_no_more_can_be_set_aside_the_one_tried_most_is_passed_over_and_counted() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let (platform, _) = behind(Reply::Status(403), |amount| amount.is_multiple_of(10));
    let options = with_room_for(3, WhenFull::Skip, &platform.url);
    let delivery = Delivery::start(&log, options).unwrap();
    for index in 0..80 {
        record(&log, index);
    }
    until(|| platform.taken().len() == 72 && delivery.status().skipped == 5);
    let status = delivery.status();
    assert_eq!((status.delivered, status.aside, status.refused), (72, 3, 0));
}

#[test]
fn where_no_more_can_be_set_aside_delivery_waits_if_the_operator_wants_nothing_lost() {
    let fixture = Fixture::new();
    let log = fixture.open();
    let (platform, is_there) = behind(Reply::Status(403), |amount| amount < 5);
    let options = with_room_for(3, WhenFull::Deny, &platform.url);
    let delivery = Delivery::start(&log, options).unwrap();
    for index in 0..80 {
        record(&log, index);
    }
    until(|| delivery.status().aside == 3 && platform.taken().len() == 75);
    thread::sleep(Duration::from_millis(500));
    let status = delivery.status();
    assert_eq!((status.aside, status.skipped), (3, 0));
    is_there.store(false, Ordering::Relaxed);
    until(|| delivery.status().delivered == 80);
    assert_eq!(delivery.status().skipped, 0);
}

#[test]
fn what_was_set_aside_and_is_not_in_the_log_any_more_is_counted() {
    let fixture = Fixture::new();
    fixture.with(20);
    let (platform, is_there) = behind(Reply::Status(403), |amount| amount == 3);
    deliver(fixture.log(), to(&platform.url)).unwrap();
    // Another record stands in its place.
    is_there.store(false, Ordering::Relaxed);
    let path = fixture.log().join("delivery.json");
    let cursor = fs::read_to_string(&path).unwrap();
    let hash = set_aside(fixture.log()).unwrap()[0].hash.to_string();
    let other = "0".repeat(64);
    fs::write(&path, cursor.replacen(&hash, &other, 1)).unwrap();
    let done = deliver(fixture.log(), to(&platform.url)).unwrap();
    assert_eq!((done.delivered, done.aside, done.skipped), (19, 0, 1));

    // Another log begins without a list.
    let fixture = Fixture::new();
    fixture.with(20);
    is_there.store(true, Ordering::Relaxed);
    deliver(fixture.log(), to(&platform.url)).unwrap();
    assert_eq!(set_aside(fixture.log()).unwrap().len(), 1);
    let other = Fixture::new();
    other.with(30);
    fixture.write(other.bytes());
    let done = deliver(fixture.log(), to(&platform.url)).unwrap();
    assert_eq!(done.aside, 1);
}

/// What a server does with the connection on which the event came that it does not like.
#[derive(Debug, Clone, Copy)]
enum Broken {
    Reset,
    Garbage,
    Half,
    EndlessHeader,
}

#[test]
fn an_answer_that_is_none_to_one_event_does_not_stop_the_others() {
    for broken in [
        Broken::Reset,
        Broken::Garbage,
        Broken::Half,
        Broken::EndlessHeader,
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let taken: Arc<Mutex<BTreeSet<u64>>> = Arc::default();
        let serving = Arc::clone(&taken);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let taken = Arc::clone(&serving);
                thread::spawn(move || serve(&stream, broken, &taken));
            }
        });
        let fixture = Fixture::new();
        fixture.with(100);
        let done = deliver(fixture.log(), to(&url)).unwrap();
        assert_eq!((done.delivered, done.aside), (99, 1), "{broken:?}");
        assert_eq!(taken.lock().unwrap().len(), 99, "{broken:?}");
    }
}

/// Whoever hangs up is no failure.
fn serve(stream: &TcpStream, broken: Broken, taken: &Mutex<BTreeSet<u64>>) -> std::io::Result<()> {
    let mut output = stream.try_clone()?;
    let mut input = BufReader::new(stream);
    loop {
        let (mut line, mut length) = (String::new(), 0);
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        while line.trim_end() != "" {
            line.clear();
            input.read_line(&mut line)?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        input.read_exact(&mut body)?;
        let amount = amount(&serde_json::from_slice(&body).unwrap());
        if amount != 3 {
            taken.lock().unwrap().insert(amount);
            output.write_all(b"HTTP/1.1 202 X\r\ncontent-length: 0\r\n\r\n")?;
            continue;
        }
        match broken {
            // Closed with something unread, or at once: the other side sees a reset or an end.
            Broken::Reset => return Ok(()),
            Broken::Garbage => return output.write_all(&[0xff, 0x00, b'\n', b'x', b'\n', b'\n']),
            Broken::Half => return output.write_all(b"HTTP/1.1 202 Acc"),
            Broken::EndlessHeader => {
                output.write_all(b"HTTP/1.1 202 X\r\nx: ")?;
                loop {
                    output.write_all(&[b'x'; 4096])?;
                }
            }
        }
    }
}
