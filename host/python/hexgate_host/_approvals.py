"""Asking people.

Whatever goes wrong on the way is a denial: a handler that raises, that does not answer in time, that gives something else than an answer, that needs an
event loop where there is none.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Union

from ._events import logger
from ._native import Authorization, Decision


class Answer:
    """What a handler can say beside ``True`` and ``False``: who agreed or not, and why, for the record."""

    __slots__ = ("approved", "by", "reason")

    def __init__(self, approved: bool, *, by: str, reason: str | None = None) -> None:
        self.approved = approved
        self.by = by
        self.reason = reason


class Approval:
    """An answer that came later, to a question that was kept: ``key`` is the ``approval_key`` of the decision that needed approval. It counts for the same
    call of the same caller under the same policy, once."""

    __slots__ = ("key", "approved", "by", "reason", "_lock")

    def __init__(self, key: str, *, by: str, approved: bool = True, reason: str | None = None) -> None:
        self.key = key
        self.by = by
        self.approved = approved
        self.reason = reason
        self._lock = threading.Lock()

    def settle(self, authorization: Authorization, decision: Decision) -> None:
        """Answers the question whether this decision is approved."""
        # It is never released: an approval counts once.
        if not self._lock.acquire(blocking=False):
            authorization.deny("the approval is used up")
        elif self.approved is not True:
            authorization.deny(f"{self.by} did not agree")
        elif not self.key or self.key != decision.approval_key:
            authorization.deny("the approval is for another call, caller or policy")
        else:
            authorization.approve(self.by, self.reason)


Said = Union[bool, Answer]
Handler = Union[bool, Callable[[Decision], Union[Said, Awaitable[Said]]]]


class Asks:
    """Asks a handler."""

    def __init__(self, handler: Handler, timeout: float | None) -> None:
        if not isinstance(handler, bool) and not callable(handler):
            raise TypeError(
                f"approvals are None, a bool, a callable or DurableApprovals, not {type(handler).__name__}"
            )
        self._handler = handler
        self._timeout = timeout

    def settle(self, authorization: Authorization, decision: Decision) -> None:
        """Asks, and waits on this thread."""
        try:
            said = self._known()
            if said is None:
                said = _Thread(self._handler, decision).wait(self._timeout)
            if inspect.isawaitable(said):
                if inspect.iscoroutine(said):
                    said.close()
                raise TypeError("the handler gives an awaitable, and this call is synchronous; use `await authorize(...)`")
        except Exception as error:
            _failed(authorization, decision, error)
        else:
            _answer(authorization, decision, said)

    async def settle_async(self, authorization: Authorization, decision: Decision) -> None:
        """Asks, and waits without holding the event loop."""
        try:
            said = self._known()
            end = None if self._timeout is None else time.monotonic() + self._timeout
            if said is None and inspect.iscoroutinefunction(self._handler):
                said = self._handler(decision)
            elif said is None:
                said = await _Thread(self._handler, decision).wait_async(self._timeout)
            if inspect.isawaitable(said):
                said = await _bounded(said, None if end is None else max(0.0, end - time.monotonic()))
        except Exception as error:
            _failed(authorization, decision, error)
        else:
            _answer(authorization, decision, said)

    def _known(self) -> object:
        if isinstance(self._handler, bool):
            return Answer(self._handler, by="configuration")
        return None


async def _bounded(awaitable: Awaitable[object], seconds: float | None) -> object:
    async def run() -> object:
        return await awaitable

    task = asyncio.ensure_future(run())
    try:
        done, _ = await asyncio.wait({task}, timeout=seconds)
        if not done:
            raise TimeoutError("the handler did not answer in time")
        return task.result()
    except asyncio.CancelledError:
        if task.done() and task.cancelled():
            # It was the handler that gave up, unless this call was cancelled too.
            current = asyncio.current_task()
            if current is None or not current.cancelling():
                raise RuntimeError("the handler was cancelled") from None
        raise
    finally:
        # A handler that does not end when it is cancelled is not waited for.
        if not task.done():
            task.cancel()


class _Thread:
    """Runs a handler on a thread of its own, which nobody has to wait for if it hangs, not even the end of the process."""

    def __init__(self, handler: object, decision: Decision) -> None:
        self._ended = threading.Event()
        self._result: object = None
        self._error: BaseException | None = None
        self._then: Callable[[], object] | None = None
        context = contextvars.copy_context()

        def run() -> None:
            try:
                self._result = context.run(handler, decision)  # type: ignore[arg-type]
            except BaseException as error:
                self._error = error
            self._ended.set()
            then = self._then
            if then is not None:
                try:
                    then()
                except RuntimeError:
                    # The event loop was closed meanwhile: nobody waits.
                    pass

        self._thread = threading.Thread(target=run, name="hexgate-approval", daemon=True)

    def wait(self, seconds: float | None) -> object:
        self._thread.start()
        if not self._ended.wait(seconds):
            raise TimeoutError("the handler did not answer in time")
        return self._outcome()

    async def wait_async(self, seconds: float | None) -> object:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        self._then = lambda: loop.call_soon_threadsafe(ended.set)
        self._thread.start()
        try:
            await asyncio.wait_for(ended.wait(), seconds)
        except asyncio.TimeoutError:
            raise TimeoutError("the handler did not answer in time") from None
        return self._outcome()

    def _outcome(self) -> object:
        if self._error is not None:
            raise RuntimeError(f"{type(self._error).__name__}: {self._error}") from self._error
        return self._result


def _answer(authorization: Authorization, decision: Decision, said: object) -> None:
    by, reason = "handler", None
    if isinstance(said, Answer):
        by, reason, said = said.by, said.reason, said.approved
    # Nothing is true enough: not 1, and not "no".
    if said is True:
        authorization.approve(by, reason)
    elif said is False:
        authorization.deny(f"the approval was refused by {by}" + (f": {reason}" if reason else ""))
    else:
        _failed(
            authorization,
            decision,
            TypeError(f"the handler gave a {type(said).__name__}, and an answer is True, False or an Answer"),
        )


def _failed(authorization: Authorization, decision: Decision, error: Exception) -> None:
    logger.error("nobody could be asked for approval of the decision %s", decision.id, exc_info=error)
    authorization.fail(f"{type(error).__name__}: {error}")
