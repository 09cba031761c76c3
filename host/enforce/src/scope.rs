//! The caller of the current task or thread, without passing it through every function.
//!
//! A scope belongs only to the task in which it was opened, or to the thread if there is no task. Tasks and threads that are started within
//! it have no scope unless [`carry`] or [`carry_sync`] gave them this one. Without a scope the answer is [`NoScope`], which is a denial: a
//! lost scope never becomes a default role.

use std::future::{Future, poll_fn};
use std::pin::pin;

use tokio::task::Id;

use crate::caller::Caller;

tokio::task_local! {
    static CURRENT: Frame;
}

/// A scope, and where it was opened.
#[derive(Clone)]
struct Frame {
    caller: Caller,
    /// A runtime that is driven from within a scope polls other tasks on the same thread. Their id differs, so they do not get this scope.
    task: Option<Id>,
}

impl Frame {
    fn here(caller: &Caller) -> Self {
        Self {
            caller: caller.clone(),
            task: tokio::task::try_id(),
        }
    }
}

/// There is no caller here: no scope was opened, or it did not follow into this task or thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "no caller is in scope; open one with `scope`, and `carry` it into tasks and threads that are started within it"
)]
pub struct NoScope;

/// Runs a future on behalf of a caller: [`current`] in it is this caller, also when it moves between threads.
///
/// Scopes nest; inside the inner one, the inner one counts.
pub async fn scope<F: Future>(caller: Caller, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| CURRENT.sync_scope(Frame::here(&caller), || future.as_mut().poll(context)))
        .await
}

/// Runs a function on behalf of a caller: the synchronous twin of [`scope`].
pub fn sync_scope<R>(caller: &Caller, run: impl FnOnce() -> R) -> R {
    CURRENT.sync_scope(Frame::here(caller), run)
}

/// The caller on whose behalf this code runs.
///
/// # Errors
///
/// No scope is open here.
pub fn current() -> Result<Caller, NoScope> {
    CURRENT
        .try_with(|frame| (frame.task == tokio::task::try_id()).then(|| frame.caller.clone()))
        .ok()
        .flatten()
        .ok_or(NoScope)
}

/// Gives a future the scope that is open here, for `tokio::spawn`.
///
/// Without a scope here the future has none either.
pub fn carry<F: Future>(future: F) -> impl Future<Output = F::Output> {
    let caller = current();
    async move {
        match caller {
            Ok(caller) => scope(caller, future).await,
            Err(NoScope) => future.await,
        }
    }
}

/// Gives a function the scope that is open here, for `spawn_blocking` and threads.
///
/// Without a scope here the function has none either.
pub fn carry_sync<R>(run: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let caller = current();
    move || match caller {
        Ok(caller) => sync_scope(&caller, run),
        Err(NoScope) => run(),
    }
}
