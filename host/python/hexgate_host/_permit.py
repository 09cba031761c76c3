"""The permission to run one call."""

from __future__ import annotations

import asyncio
import json
import sys
from decimal import Decimal, InvalidOperation
from types import TracebackType
from typing import Any

from . import _native
from ._errors import ArgumentsError, HexgateError
from ._events import flush
from ._native import Decision
from ._scope import Caller


def exact(text: str) -> Any:
    """The value of a JSON text. A number that would be read as another one than was written is refused: it is not what was decided."""

    def number(written: str) -> float:
        value = float(written)
        try:
            is_same = Decimal(written) == Decimal(repr(value))
        except InvalidOperation:
            is_same = False
        if not is_same:
            raise ArgumentsError(
                f"the number {written[:50]} would run as {value!r}, which is not what was decided",
                "arguments_inexact",
                "read `arguments_json` with a parser that keeps decimals",
            )
        return value

    def constant(written: str) -> float:
        raise ArgumentsError(f"{written} is no JSON", "arguments", "pass finite numbers")

    try:
        return json.loads(text, parse_float=number, parse_constant=constant)
    except HexgateError:
        raise
    except (ValueError, RecursionError) as error:
        # Python bounds the digits of integers, for one.
        raise ArgumentsError(
            f"the arguments cannot be read: {error}", "arguments_inexact", "read `arguments_json` otherwise"
        ) from error


class Permit:
    """The permission to run one call, once, with the arguments that were decided.

    ``with permit:`` runs the tool on behalf of the caller and records how it ended: an exception is a failure. A permit that is never used is recorded as
    cancelled.
    """

    __slots__ = ("_native", "_caller", "__weakref__")

    def __init__(self, native: _native.Permit) -> None:
        self._native = native
        self._caller: Caller | None = None

    @property
    def tool_name(self) -> str:
        return self._native.tool_name

    @property
    def arguments_json(self) -> str:
        """The text that was decided, byte for byte."""
        return self._native.arguments_json

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments that were decided: a fresh object each time, so that nobody changes what runs."""
        value = exact(self._native.arguments_json)
        if not isinstance(value, dict):
            # INVARIANT: a policy denies what is no object.
            raise ArgumentsError("the arguments are no object", "arguments", "pass an object")
        return value

    @property
    def decision(self) -> Decision:
        return self._native.decision

    def covers(self, path: str) -> bool:
        """Whether the permission covers a path that the call did not name, such as one that a search has found."""
        return self._native.covers(path)

    def start(self) -> None:
        """The tool starts now, for those who do not use ``with``. A second start is an error."""
        self._native.start()

    def complete(self, result: object = None) -> None:
        """The tool answered this. Of the result the record keeps its length and a keyed digest."""
        self._native.complete(_text(result))
        flush()

    def fail(self, error: str, result: object = None) -> None:
        """The tool failed, or was not started: a short stable name for why, and what the model reads."""
        self._native.fail(error, None if result is None else _text(result))
        flush()

    def cancel(self) -> None:
        """The run ended before the call did."""
        self._native.cancel()
        flush()

    def __enter__(self) -> Permit:
        self._native.start()
        identity = self._native.identity
        # INVARIANT: no call without a caller is allowed.
        if identity is None:
            raise ArgumentsError("nobody is the caller", "no_scope", "report this as a defect")
        self._caller = Caller(identity)
        self._caller._enter(sys._getframe(1))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if self._native.ended:
                return
            if error is None:
                self._native.complete(None)
            elif isinstance(error, (asyncio.CancelledError, GeneratorExit)):
                self._native.cancel()
            else:
                self._native.fail(type(error).__name__, None)
        finally:
            if self._caller is not None:
                self._caller._exit()
            flush()

    def __repr__(self) -> str:
        return repr(self._native)


def _text(result: object) -> str | None:
    if result is None or isinstance(result, str):
        return result
    try:
        return _native.encode(result)
    except HexgateError:
        # A result may be anything; what counts is that the call ended.
        return f"<{type(result).__name__}>"
