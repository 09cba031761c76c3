//! Keeps a server running.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hexgate_base::shortened;
use tokio::time::{sleep, timeout};

use super::connect::{Connected, Opening, connect};
use super::upstream::Towards;
use super::watched::listen;
use super::{Connection, Failure, Server, Snapshot, State, list};
use crate::config::Reach;

/// The first and the longest wait before a server is started again.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// A server that ran for so long is started again at once.
const STEADY: Duration = Duration::from_secs(30);
/// How often a server's lists are read again at most, whatever it says.
const RELIST: Duration = Duration::from_millis(200);
/// How long a client waits for lists that are read again. Then it gets the last ones.
const PATIENCE: Duration = Duration::from_secs(2);
/// How much of a reason is kept.
const SHOWN: usize = 500;

/// Starts a server again and again, until the task is ended.
pub(super) async fn supervise(server: Arc<Server>) {
    let (mut wait, mut opening) = (BACKOFF.0, Opening::Ask);
    // The server outlives its gateway otherwise.
    let weak = Arc::downgrade(&server);
    drop(server);
    loop {
        let Some(server) = weak.upgrade() else { return };
        let began = Instant::now();
        let why = match either(&server, &mut opening).await {
            Ok(connected) => {
                tracing::info!(server = %server.name, "the server answers");
                drop(server);
                let Some(why) = serve(&weak, connected).await else {
                    return;
                };
                why
            }
            Err(why) => {
                drop(server);
                why
            }
        };
        let Some(server) = weak.upgrade() else { return };
        let why = shortened(&why, SHOWN);
        tracing::warn!(server = %server.name, %why, "the server does not answer");
        server.state.send_replace(State::Down(why));
        let authorizer = server.parts.authorizer.clone().ok().flatten();
        drop(server);
        if began.elapsed() >= STEADY {
            wait = BACKOFF.0;
        }
        match authorizer.filter(|it| it.refusal().is_some()) {
            // A login need not be waited for longer.
            Some(authorizer) => {
                let _ = timeout(wait, authorizer.changed()).await;
            }
            None => sleep(wait).await,
        }
        wait = wait.saturating_mul(2).min(BACKOFF.1);
    }
}

/// A connection, by the opening that worked before or else by the other one.
async fn either(server: &Server, opening: &mut Opening) -> Result<Connected, String> {
    let first = match opened(server, *opening).await {
        Ok(connected) => return Ok(connected),
        Err(why) => why,
    };
    // Another opening has no other token.
    let is_refused = || {
        let authorizer = server.parts.authorizer.as_ref().ok()?.as_ref()?;
        authorizer.refusal()
    };
    if server.parts.config.protocol.is_some() || is_refused().is_some() {
        return Err(first);
    }
    *opening = match *opening {
        Opening::Ask => Opening::Initialize,
        Opening::Initialize => Opening::Ask,
    };
    opened(server, *opening).await.map_err(|second| {
        if second == first {
            first
        } else {
            format!("{second}; and before: {first}")
        }
    })
}

/// A connection of which everything that is offered was read.
async fn opened(server: &Server, opening: Opening) -> Result<Connected, String> {
    let parts = &server.parts;
    let limit = parts.limits.start_time;
    let late = |_| {
        format!(
            "it did not begin to answer within {} seconds",
            limit.as_secs()
        )
    };
    let towards = Towards {
        offer: parts.offer,
        watched: Arc::clone(&server.watched),
        ..Towards::default()
    };
    let authorizer = parts.authorizer.clone()?;
    if matches!(parts.config.reach, Reach::Process { .. }) {
        server.runs.fetch_add(1, Ordering::AcqRel);
    }
    let connecting = connect(
        &server.name,
        &parts.config,
        &parts.limits,
        &towards,
        opening,
        authorizer,
    );
    let connected = timeout(limit, connecting).await.map_err(late)??;
    let asked = connected.stale.asked();
    let reading = list::read(&server.name, parts, connected.running.peer());
    let snapshot = timeout(limit, reading).await.map_err(late)??;
    server.set_snapshot(snapshot, || true);
    connected.stale.read(asked);
    server.state.send_replace(State::Ready(Connection {
        peer: connected.running.peer().clone(),
        ended: connected.ended.clone(),
        relays: towards.relays,
        level: Arc::default(),
        stale: Arc::clone(&connected.stale),
    }));
    Ok(connected)
}

/// Reads lists again when they change, or may have, until the connection ends. None: the gateway is gone.
async fn serve(server: &std::sync::Weak<Server>, connected: Connected) -> Option<String> {
    let Connected {
        running,
        ended,
        stale,
    } = connected;
    let peer = running.peer().clone();
    let listening = tokio::spawn({
        let this = server.upgrade()?;
        let (watched, offer) = (Arc::clone(&this.watched), this.parts.offer);
        let (peer, stale) = (peer.clone(), Arc::clone(&stale));
        async move { listen(&peer, &stale, &watched, &offer).await }
    });
    let mut waiting = std::pin::pin!(running.waiting());
    let why = loop {
        let left = server.upgrade()?.relist_in();
        tokio::select! {
            quit = &mut waiting => break match (ended.why(), quit) {
                (Some(why), _) => why,
                (None, Ok(reason)) => format!("{reason:?}"),
                (None, Err(error)) => error.to_string(),
            },
            () = stale.told() => {}
            // Does nothing if the server says what changes, or somebody else had them read.
            () = sleep(left) => {}
        }
        let this = server.upgrade()?;
        this.refresh().await;
        drop(this);
        sleep(RELIST).await;
    };
    listening.abort();
    Some(why)
}

/// Marks the lists as read when it is dropped.
struct Read<'a>(&'a Server);

impl Drop for Read<'_> {
    fn drop(&mut self) {
        self.0.read.send_replace(true);
    }
}

impl Server {
    /// Reads the lists again if the catalogue would look at them in another way.
    pub(crate) async fn review_again(self: &Arc<Self>) {
        let version = self.parts.catalogue.version();
        if self
            .snapshot()
            .is_some_and(|snapshot| snapshot.version != version)
        {
            self.refresh().await;
        }
    }

    /// Reads the lists again if they may be kept no longer. All who want them wait for one reading, and for a short while: then they have the
    /// last ones, and the reading goes on.
    pub(crate) async fn refresh(self: &Arc<Self>) {
        let reading = async {
            // What the server says has changed while somebody reads is read once more.
            for _ in 0..2 {
                let State::Ready(connection) = self.state.borrow().clone() else {
                    return;
                };
                let mut done = self.read.subscribe();
                let is_read = *done.borrow();
                if is_read && !self.is_old(&connection) {
                    return;
                }
                // INVARIANT: it is marked as read again by the task, whatever comes of it.
                if self.read.send_replace(false) {
                    tokio::spawn(Arc::clone(self).read_again(connection));
                }
                let _ = done.wait_for(|is_done| *is_done).await;
            }
        };
        let _ = timeout(PATIENCE, reading).await;
    }

    /// Reads the lists again if nobody knows whether they are what the server offers now. The error is that they cannot be read: what was
    /// accepted of the server may be something else by now.
    pub(super) async fn look_again(
        self: &Arc<Self>,
        connection: &Connection,
    ) -> Result<(), Failure> {
        let is_unsure = || connection.stale.is() || self.is_overdue(connection, 2);
        if !is_unsure() {
            return Ok(());
        }
        let asked = Instant::now();
        self.refresh().await;
        // A server that says at every moment that it changed is looked at once for each request.
        let is_new = || {
            self.snapshot()
                .is_some_and(|snapshot| snapshot.age() <= asked.elapsed())
        };
        if !is_unsure() || is_new() {
            Ok(())
        } else {
            Err(Failure::Unread)
        }
    }

    /// The same, before there is anything to send.
    pub(crate) async fn look_before(self: &Arc<Self>) {
        let state = self.state.borrow().clone();
        if let State::Ready(connection) = state {
            // What cannot be read then is not sent.
            let _ = self.look_again(&connection).await;
        }
    }

    fn is_old(&self, connection: &Connection) -> bool {
        let version = self.parts.catalogue.version();
        let snapshot = self.snapshot();
        connection.stale.is()
            || self.is_overdue(connection, 1)
            || snapshot.is_none_or(|snapshot| snapshot.is_old(version))
    }

    /// Whether the lists were read so many times as long ago as they are kept.
    fn is_overdue(&self, connection: &Connection, times: u32) -> bool {
        let Some(snapshot) = self.snapshot() else {
            return true;
        };
        self.kept_for(connection, &snapshot)
            .is_some_and(|time| snapshot.age() >= time.saturating_mul(times))
    }

    /// For how long lists are kept of which nobody asks. None: until the server says that they changed.
    fn kept_for(&self, connection: &Connection, snapshot: &Snapshot) -> Option<Duration> {
        let limit = self.parts.limits.relist_time;
        if !connection.tells_of_lists(&self.parts.offer) {
            return Some(limit);
        }
        let ttl = Duration::from_millis(snapshot.ttl_ms);
        (!ttl.is_zero()).then(|| ttl.max(limit))
    }

    /// When to read the lists again. What could not be read is tried again as long after it.
    fn relist_in(&self) -> Duration {
        let limit = self.parts.limits.relist_time;
        let state = self.state.borrow().clone();
        let (State::Ready(connection), Some(snapshot)) = (state, self.snapshot()) else {
            return limit;
        };
        let kept = self.kept_for(&connection, &snapshot);
        let left = kept.map(|kept| kept.saturating_sub(snapshot.age()));
        left.filter(|left| !left.is_zero()).unwrap_or(limit)
    }

    async fn read_again(self: Arc<Self>, connection: Connection) {
        let _mark = Read(&self);
        let asked = connection.stale.asked();
        let reading = list::read(&self.name, &self.parts, &connection.peer);
        let why = match timeout(self.parts.limits.start_time, reading).await {
            Ok(Ok(snapshot)) => {
                // What an earlier connection said is not what is there now.
                let is_current =
                    || matches!(&*self.state.borrow(), State::Ready(now) if now.is(&connection));
                self.set_snapshot(snapshot, is_current);
                return connection.stale.read(asked);
            }
            Ok(Err(why)) => why,
            Err(_) => "they are late".to_owned(),
        };
        // Who wants them next asks for them again.
        tracing::warn!(server = %self.name, %why, "the lists cannot be read again");
    }
}
