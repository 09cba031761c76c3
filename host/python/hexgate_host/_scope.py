"""On whose behalf this code acts.

A scope holds from its opening to its closing, in the task or thread that opened it and in those that were started with a copy of its context. Everything
else is a lost scope, and that is a denial: a thread without the context; a task that goes on after the scope was closed; a scope that a cancelled task or a
thread left open; a scope in a generator that is suspended at its ``yield``, where the code that runs is not the code that opened it; a forked process.
"""

from __future__ import annotations

import asyncio
import inspect
import opcode
import os
import sys
import threading
import weakref
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from types import FrameType, TracebackType
from typing import Any

from ._errors import CallerError, ScopeError
from ._native import Identity, TokenVerifier

_YIELD = opcode.opmap.get("YIELD_VALUE")
_RESUME = opcode.opmap.get("RESUME")
_GENERATOR = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR


def _is_suspended_at_yield(frame: FrameType) -> bool:
    """Whether a generator waits for its consumer, not for something that it awaits. What cannot be told is."""
    if _YIELD is None or _RESUME is None:
        return True
    code, at = frame.f_code.co_code, frame.f_lasti
    if at < 0 or at + 1 >= len(code):
        return True
    # Depending on the version the last instruction is the `yield` or the one where it goes on.
    if code[at] == _YIELD:
        at += 2
        if at + 1 >= len(code) or code[at] != _RESUME:
            return True
    elif code[at] != _RESUME:
        return False
    # 0 is the beginning of the function; 1 follows a `yield`, 2 a `yield from`, 3 an `await`.
    return code[at + 1] & 3 in (1, 2)


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


class _Open:
    """A scope that was opened."""

    __slots__ = ("owner", "outer", "closed", "task", "thread", "process", "generator")

    def __init__(self, owner: Caller, outer: _Open | None, opener: FrameType | None) -> None:
        task = _current_task()
        self.owner = owner
        self.outer = outer
        self.closed = False
        self.task = None if task is None else weakref.ref(task)
        self.thread = threading.current_thread()
        self.process = os.getpid()
        # `ExitStack` and the like open scopes for those who call them.
        while opener is not None and opener.f_globals.get("__name__") == "contextlib":
            opener = opener.f_back
        is_generator = opener is not None and opener.f_code.co_flags & _GENERATOR
        self.generator = opener if is_generator else None

    def is_here(self) -> bool:
        task = _current_task()
        return (None if self.task is None else self.task()) is task and (
            task is not None or self.thread is threading.current_thread()
        )

    def close(self) -> None:
        self.closed = True
        self.generator = None

    def fault(self) -> str | None:
        """Why it does not hold."""
        if self.closed:
            return "the scope was closed while this task or thread went on"
        if self.process != os.getpid():
            return "the scope was opened before this process was forked"
        if self.task is None:
            if not self.thread.is_alive():
                return "the thread that opened the scope ended and left it open"
        else:
            task = self.task()
            if task is None or task.done():
                return "the task that opened the scope ended and left it open"
        if self.generator is not None and _is_suspended_at_yield(self.generator):
            return "the scope was opened in a generator that is suspended at its `yield`"
        return None


_CURRENT: ContextVar[_Open | None] = ContextVar("hexgate_caller", default=None)

_REMEDY = "open a scope around the code that acts: `async with User(...)`, and hand the caller to threads and generators, which open their own"


class Caller:
    """On whose behalf an agent acts. A context manager, for ``with`` and ``async with``: inside, it is the current caller."""

    __slots__ = ("identity", "_open")

    identity: Identity

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self._open: list[_Open] = []

    @classmethod
    def from_token(
        cls,
        verifier: TokenVerifier,
        token: str,
        *,
        session_id: str | None = None,
        attributes: Mapping[str, str | int | bool | list[str]] | None = None,
    ) -> Caller:
        """Whom a signed token names. It is checked again at each call."""
        verified = verifier.verify(token)
        return Caller(verified.identity(session_id, None if attributes is None else dict(attributes)))

    @property
    def user_id(self) -> str:
        return self.identity.user_id

    @property
    def roles(self) -> list[str]:
        return self.identity.roles

    @property
    def session_id(self) -> str | None:
        return self.identity.session_id

    @property
    def attributes(self) -> dict[str, Any]:
        return self.identity.attributes

    def sync_scope(self) -> Caller:
        """This caller, for ``with``."""
        return self

    def _enter(self, opener: FrameType | None) -> None:
        scope = _Open(self, _CURRENT.get(), opener)
        self._open.append(scope)
        _CURRENT.set(scope)

    def _exit(self) -> None:
        scope = _CURRENT.get()
        if scope is not None and scope.owner is self and not scope.closed and scope.is_here():
            scope.close()
            self._open.remove(scope)
            _CURRENT.set(scope.outer)
            return
        # It is closed elsewhere than it was opened, as generators are that nobody finished. Which one it is cannot be told, so each one ends.
        opened, self._open = self._open, []
        for scope in opened:
            scope.close()
        if not opened:
            raise ScopeError("this scope is not open", "scope_not_open", "leave each scope once")

    def __enter__(self) -> Caller:
        self._enter(sys._getframe(1))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exit()

    async def __aenter__(self) -> Caller:
        self._enter(sys._getframe(1))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exit()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.user_id!r}, roles={self.roles!r})"


class User(Caller):
    """A caller for whom the host vouches."""

    __slots__ = ()

    def __init__(
        self,
        user_id: str,
        role: str | None = None,
        session_id: str | None = None,
        ttl_seconds: float | None = None,
        *,
        roles: Sequence[str] | None = None,
        attributes: Mapping[str, str | int | bool | list[str]] | None = None,
    ) -> None:
        if isinstance(roles, str):
            raise CallerError("`roles` is one text", "caller", "pass a list, or `role`")
        if isinstance(ttl_seconds, bool):
            raise CallerError("`ttl_seconds` is a truth value", "ttl", "give a number of seconds")
        all_roles = ([] if role is None else [role]) + list(roles or ())
        super().__init__(
            Identity(
                user_id,
                all_roles,
                session_id,
                ttl_seconds,
                None if attributes is None else dict(attributes),
            )
        )


def scope_fault() -> str | None:
    """Why there is no caller here. None: there is one."""
    scope = _CURRENT.get()
    return "no scope is open here" if scope is None else scope.fault()


def current_caller() -> Caller:
    """On whose behalf this code acts. Without one a :class:`ScopeError`: a lost scope is never a default role."""
    scope = _CURRENT.get()
    fault = scope_fault()
    if scope is None or fault is not None:
        raise ScopeError(f"no caller is in scope: {fault}", "no_scope", _REMEDY)
    return scope.owner
