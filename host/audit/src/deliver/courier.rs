//! The courier: reads the log, has its events sent, and saves how far the platform has it.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use super::{
    DeliveryError, DeliveryOptions, Problem, Progress, Until, WhenFull,
    aside::{self, Asides, SetAside},
    control,
    cursor::{self, Cursor},
    event,
    send::{Answer, Failure, Sender},
    tail::Tail,
    window::{Event, Sent, State, Verdict, Waiting},
};
use crate::{backlog::Backlog, folder::Lock, redact::Redactor};

/// Delivers one log.
pub(super) struct Courier {
    log: PathBuf,
    options: DeliveryOptions,
    redactor: Arc<Redactor>,
    sender: Arc<Sender>,
    cursor: Cursor,
    asides: Asides,
    progress: Arc<Progress>,
    tail: Tail,
    /// The records from the cursor on.
    window: VecDeque<Waiting>,
    sending: JoinSet<(Who, Answer)>,
    /// How many events the platform took from this process.
    taken: u64,
    control: Control,
    /// The problem of the last event that failed.
    met: Option<Problem>,
    saved: Instant,
    unsaved: u64,
    _lock: Lock,
}

/// What is being sent.
#[derive(Debug, Clone, Copy)]
enum Who {
    /// A record of the window.
    Window(u64),
    /// An event that was set aside, with or without its arguments.
    Aside { record: u64, is_whole: bool },
    /// An event that shows whether the platform takes events.
    Control,
}

/// Whether the platform takes events, as far as known.
struct Control {
    is_flying: bool,
    due: Instant,
    wait: Duration,
    /// It took none the last time.
    nothing_passes: bool,
}

impl Courier {
    pub(super) fn new(
        log: &Path,
        options: DeliveryOptions,
        limit: Option<u64>,
    ) -> Result<Self, DeliveryError> {
        let redactor = Redactor::new(&options.redaction)?;
        let progress = Arc::new(Progress {
            backlog: Arc::new(Backlog::limited(limit)),
            ..Progress::default()
        });
        let sender = Arc::new(Sender::new(&options)?);
        let lock = Lock::take(log, "delivery.lock")?;
        let io = |path: PathBuf| move |source| DeliveryError::Io { path, source };
        let mut cursor = Cursor::load(log).map_err(io(cursor::path(log)))?;
        let is_where_it_was = Tail::new(log, cursor.place()).is_where_it_was();
        if !is_where_it_was.map_err(io(log.to_owned()))? {
            // Sending twice is harmless: the same record has the same id.
            tracing::warn!(folder = %log.display(), "the audit log is not the one that was delivered, or lost its end; all of it is delivered again");
            cursor = cursor.at_the_beginning();
        }
        // Records after this place are read again.
        let next = cursor.next;
        cursor.aside.retain(|it| it.record < next);
        progress.set(&cursor, cursor.aside.len());
        Ok(Self {
            log: log.to_owned(),
            redactor,
            sender,
            asides: Asides::new(
                &cursor.aside,
                options.set_aside,
                options.when_full,
                options.longest_wait,
            ),
            progress,
            tail: Tail::new(log, cursor.place()),
            window: VecDeque::new(),
            sending: JoinSet::new(),
            taken: 0,
            control: Control {
                is_flying: false,
                due: Instant::now(),
                wait: options.shortest_wait,
                nothing_passes: false,
            },
            met: None,
            saved: Instant::now(),
            unsaved: 0,
            cursor,
            options,
            _lock: lock,
        })
    }

    pub(super) fn log(&self) -> &Path {
        &self.log
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Delivers until stopped, or until the given end.
    pub(super) fn run(&mut self, until: Until) -> Result<(), DeliveryError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|source| self.io(source))?;
        let outcome = runtime.block_on(self.go(until));
        self.save();
        outcome.map_err(|source| self.io(source))
    }

    async fn go(&mut self, until: Until) -> io::Result<()> {
        loop {
            if self.progress.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            let pause = self.start_again();
            let is_end = self.read_ahead()?;
            self.start_asides()?;
            self.settle();
            if self.pass_over()? {
                // Events that are being sent may still arrive; their answers are not awaited.
                self.sending.shutdown().await;
                self.window.clear();
                self.asides.land();
                self.control.is_flying = false;
                self.tail = Tail::new(&self.log, self.cursor.place());
                continue;
            }
            self.ask_whether_anything_passes()?;
            if self.sending.is_empty() {
                if until == Until::Settled
                    && is_end
                    && self.window.is_empty()
                    && !self.asides.is_owed()
                {
                    return Ok(());
                }
                self.save_if_due();
                tokio::time::sleep(pause).await;
                continue;
            }
            match tokio::time::timeout(pause, self.sending.join_next()).await {
                Ok(Some(Ok((who, answer)))) => self.arrived(who, answer)?,
                Ok(Some(Err(error))) => return Err(io::Error::other(error)),
                Ok(None) | Err(_) => {}
            }
        }
    }

    /// Retries events that have waited long enough. Returns the time until the next one.
    fn start_again(&mut self) -> Duration {
        let now = Instant::now();
        let mut pause = IDLE;
        let mut again = Vec::new();
        for waiting in &mut self.window {
            let State::Resting(_, due) = &waiting.state else {
                continue;
            };
            if *due > now {
                pause = pause.min(*due - now);
            } else if let Some(text) = waiting.start() {
                again.push((Who::Window(waiting.n), text));
            }
        }
        for (who, text) in again {
            self.send(who, text);
        }
        pause
    }

    /// Starts to send the next records. True if there are no more.
    fn read_ahead(&mut self) -> io::Result<bool> {
        let at_once = self.options.in_flight.max(1);
        let mut open = self.open().count();
        // A platform that takes no events does not get more and more of them.
        let most_open = if self.control.nothing_passes {
            at_once
        } else {
            at_once * WINDOW
        };
        while self.sending.len() < at_once
            && open < most_open
            && self.window.len() < at_once * WINDOW
        {
            let Some(item) = self.tail.next()? else {
                return Ok(true);
            };
            let state = match item.decision {
                Some(decision) => {
                    let text = event::event(&item.head, &decision, &self.redactor);
                    self.send(Who::Window(item.head.n), text.clone());
                    open += 1;
                    State::Flying(Event::new(text, self.options.shortest_wait, self.taken))
                }
                None if item.is_unreadable => State::Settled(Sent::Unreadable),
                None => State::Settled(Sent::Nothing),
            };
            self.window.push_back(Waiting {
                n: item.head.n,
                behind: item.behind,
                state,
            });
        }
        Ok(false)
    }

    fn start_asides(&mut self) -> io::Result<()> {
        let at_once = self.options.in_flight.max(1);
        // Retries leave most of the room to new events.
        let most = if self.window.is_empty() || self.asides.is_full() {
            at_once
        } else {
            (at_once / 8).max(1)
        };
        while let Some(place) = self.asides.start(most) {
            self.send_aside(&place, true)?;
        }
        Ok(())
    }

    fn send_aside(&mut self, place: &aside::Place, is_whole: bool) -> io::Result<()> {
        let record = place.record;
        let Some((head, decision)) = Tail::at(&self.log, place)? else {
            tracing::error!(
                record,
                "an audit event that was set aside is not in the log any more"
            );
            self.asides.remove(record);
            self.cursor.skipped += 1;
            self.changed();
            return Ok(());
        };
        let whole = event::event(&head, &decision, &self.redactor);
        let text = if is_whole {
            whole
        } else {
            event::without_arguments(&whole).unwrap_or(whole)
        };
        self.send(Who::Aside { record, is_whole }, text);
        Ok(())
    }

    fn send(&mut self, who: Who, text: String) {
        let sender = Arc::clone(&self.sender);
        self.sending
            .spawn(async move { (who, sender.post(text).await) });
    }

    /// Asks for a control event if no event being sent can tell whether the platform takes any.
    fn ask_whether_anything_passes(&mut self) -> io::Result<()> {
        let all_failed = self.open().all(|event| event.failures > 0);
        let taken = self.taken;
        let is_open_question = self.open().any(|event| event.taken_before == taken);
        if !all_failed || !is_open_question || self.control.is_flying {
            return Ok(());
        }
        let now = Instant::now();
        if self.control.due > now {
            return Ok(());
        }
        self.control.due = now + hexgate_platform::jittered(self.control.wait);
        self.control.wait = (self.control.wait * 2).min(self.longest());
        let (window, asides) = (&self.window, &self.asides);
        let is_suspect = |n| window.iter().any(|it| it.n == n) || asides.has(n);
        match control::pick(&self.log, is_suspect)? {
            Some((head, decision)) => {
                let text = event::event(&head, &decision, &self.redactor);
                self.control.is_flying = true;
                self.send(Who::Control, text);
            }
            None => self.nothing_passes(),
        }
        Ok(())
    }

    fn arrived(&mut self, who: Who, answer: Answer) -> io::Result<()> {
        if matches!(answer, Answer::Taken) {
            self.taken += 1;
            self.control.wait = self.options.shortest_wait;
            self.control.nothing_passes = false;
            self.progress.meets(None);
        }
        match (who, answer) {
            (Who::Window(n), answer) => self.arrived_of_window(n, answer),
            (Who::Aside { record, .. }, Answer::Taken) => {
                self.asides.remove(record);
                self.cursor.delivered += 1;
                self.changed();
            }
            (Who::Aside { record, is_whole }, Answer::Failed(failure)) => {
                let place = self.asides.place(record);
                match place.filter(|_| is_whole && failure.is_about_size()) {
                    Some(place) => self.send_aside(&place, false)?,
                    None => {
                        let others_pass = self.asides.failed(record, &failure, self.taken);
                        if others_pass && failure.is_final && self.asides.remove(record) {
                            self.refused(record, &failure);
                            self.cursor.refused += 1;
                        }
                        self.changed();
                    }
                }
            }
            (Who::Control, answer) => {
                self.control.is_flying = false;
                if let Answer::Failed(failure) = answer {
                    self.met = Some(failure.problem);
                    self.nothing_passes();
                }
            }
        }
        Ok(())
    }

    fn arrived_of_window(&mut self, n: u64, answer: Answer) {
        let longest = self.longest();
        let Some(index) = self.window.iter().position(|waiting| waiting.n == n) else {
            return;
        };
        let Some(waiting) = self.window.get_mut(index) else {
            return;
        };
        let State::Flying(mut event) =
            std::mem::replace(&mut waiting.state, State::Settled(Sent::Taken))
        else {
            return;
        };
        let behind = waiting.behind;
        let Answer::Failed(failure) = answer else {
            return;
        };
        if event.is_whole
            && failure.is_about_size()
            && let Some(smaller) = event::without_arguments(&event.text)
        {
            event.is_whole = false;
            event.text = smaller;
            let text = event.text.clone();
            waiting.state = State::Flying(event);
            self.send(Who::Window(n), text);
            return;
        }
        let state = match event.fails(&failure, self.taken, longest) {
            Verdict::Never => {
                self.refused(n, &failure);
                State::Settled(Sent::Refused)
            }
            Verdict::Again(pause) => {
                self.fails_again(&event, &failure);
                State::Resting(event, Instant::now() + pause)
            }
            Verdict::Aside => match self.asides.room() {
                Some(given_up) => {
                    self.set_aside(n, &behind, &failure, given_up);
                    State::Settled(Sent::Aside)
                }
                // This event and those behind it wait until there is room.
                None => State::Resting(event, Instant::now() + hexgate_platform::jittered(longest)),
            },
        };
        if let Some(waiting) = self.window.get_mut(index) {
            waiting.state = state;
        }
    }

    fn set_aside(
        &mut self,
        record: u64,
        behind: &cursor::Place,
        failure: &Failure,
        given_up: Option<SetAside>,
    ) {
        if let Some(given_up) = given_up {
            self.cursor.skipped += 1;
            tracing::error!(
                record = given_up.record,
                reason = %given_up.reason,
                "too many audit events are set aside; the one that was tried most often is passed over, and stays in the log"
            );
        }
        let Some(last) = behind.last else {
            return;
        };
        let reason = aside::reason(failure);
        tracing::warn!(record, %reason, "the platform takes other audit events and not this one; it is set aside, and tried again later");
        let entry = SetAside {
            record,
            segment: behind.segment,
            offset: last.offset,
            hash: last.hash,
            tries: 0,
            reason,
        };
        self.asides.push(entry, self.taken);
    }

    fn refused(&self, record: u64, failure: &Failure) {
        tracing::error!(record, reason = %failure.problem.reason, "the platform refuses an audit event; it stays in the log");
    }

    fn fails_again(&mut self, event: &Event, failure: &Failure) {
        if event.failures.is_power_of_two() {
            tracing::warn!(reason = %failure.problem.reason, attempt = event.failures, "the platform does not take an audit event; it is sent again");
        }
        self.met = Some(failure.problem.clone());
        if self.control.nothing_passes {
            self.progress.meets(self.met.clone());
        }
    }

    /// The platform takes no events, not even the control.
    fn nothing_passes(&mut self) {
        self.control.nothing_passes = true;
        self.progress.meets(self.met.clone());
    }

    /// The events that are not settled.
    fn open(&self) -> impl Iterator<Item = &Event> {
        self.window.iter().filter_map(Waiting::event)
    }

    fn longest(&self) -> Duration {
        self.options.longest_wait.max(self.options.shortest_wait)
    }

    /// Moves the cursor past the settled records at the front.
    fn settle(&mut self) {
        while let Some(Waiting {
            behind,
            state: State::Settled(sent),
            n,
        }) = self.window.front()
        {
            let missing = n.saturating_sub(self.cursor.next);
            self.cursor.skipped += missing;
            match sent {
                Sent::Taken => self.cursor.delivered += 1,
                Sent::Refused => self.cursor.refused += 1,
                Sent::Unreadable => self.cursor.skipped += 1,
                Sent::Aside | Sent::Nothing => {}
            }
            let behind = *behind;
            self.cursor.move_to(behind);
            self.unsaved += 1;
            self.window.pop_front();
        }
        self.progress.set(&self.cursor, self.asides.len());
        self.save_if_due();
    }

    /// Skips the oldest records if too many wait. True if it did.
    fn pass_over(&mut self) -> io::Result<bool> {
        let written = self.progress.backlog.written();
        let first = written.saturating_sub(self.options.backlog.max(1));
        if self.options.when_full == WhenFull::Deny || first <= self.cursor.next {
            return Ok(false);
        }
        let mut tail = Tail::new(&self.log, self.cursor.place());
        let before = self.cursor.next;
        while self.cursor.next < first {
            let Some(item) = tail.next()? else {
                break;
            };
            self.cursor.move_to(item.behind);
        }
        let records = self.cursor.next.saturating_sub(before);
        self.cursor.skipped += records;
        self.asides.forget_from(self.cursor.next);
        tracing::error!(
            records,
            "too many audit records wait to be delivered; the oldest are passed over, and stay in the log"
        );
        self.changed();
        self.save();
        Ok(records > 0)
    }

    fn changed(&mut self) {
        self.unsaved += 1;
        self.progress.set(&self.cursor, self.asides.len());
    }

    fn save_if_due(&mut self) {
        if self.unsaved >= SAVE_RECORDS || (self.unsaved > 0 && self.saved.elapsed() > SAVE_TIME) {
            self.save();
        }
    }

    /// Saves the cursor. If that fails, the next process sends the events since the last save again.
    fn save(&mut self) {
        self.saved = Instant::now();
        self.unsaved = 0;
        self.cursor.aside = self.asides.entries();
        if let Err(error) = self.cursor.save(&self.log) {
            tracing::warn!(file = %cursor::path(&self.log).display(), %error, "how far the audit log was delivered cannot be saved");
        }
    }

    fn io(&self, source: io::Error) -> DeliveryError {
        DeliveryError::Io {
            path: self.log.clone(),
            source,
        }
    }
}

/// How long to wait for records, and between checks for a stop.
pub(super) const IDLE: Duration = Duration::from_millis(50);
/// How many records may be read ahead of the oldest unsettled one, for each event that may be sent at once.
const WINDOW: usize = 4;
/// The cursor is saved after this many records, or after this time.
const SAVE_RECORDS: u64 = 4096;
const SAVE_TIME: Duration = Duration::from_secs(1);
