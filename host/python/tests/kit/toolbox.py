"""The tools of a play: they keep what they get, and do what the scenario says."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, Callable

from .scenario import Scenario
from .seen import Ran

# How long calls wait for each other.
PATIENCE = 10.0


class ToolFails(Exception):
    """A tool fails, as the scenario says. The model may read why."""


class Bug(RuntimeError):
    """What no host expects of a tool, or of the road to people."""


class Toolbox:
    def __init__(self, scenario: Scenario, began: Callable[[], None]) -> None:
        self._acts = {tool.name: tool.does for tool in scenario.all_tools()}
        self._cancel = scenario.around.cancel
        self._began = began
        self._lock = threading.Lock()
        self._ran: list[Ran] = []
        self._inside = 0
        self._changed: asyncio.Event = asyncio.Event()
        self._cancelled: asyncio.Event = asyncio.Event()

    async def run(self, tool: str, arguments: str) -> str:
        """Runs a tool, by its name in the scenario, with the bytes that the host gives it. What it answers."""
        what, how = self._begin(tool, arguments)
        try:
            return await self._act(what, how)
        finally:
            self._inside -= 1
            self._step()

    def run_now(self, tool: str, arguments: str) -> str:
        """As :meth:`run`, for tools that are no coroutines: these cannot wait."""
        what, how = self._begin(tool, arguments)
        self._inside -= 1
        if what == "text":
            return str(how)
        raise _failure(what, how)

    def _begin(self, tool: str, arguments: str) -> tuple[str, Any]:
        with self._lock:
            before = sum(1 for ran in self._ran if ran.tool == tool)
            self._ran.append(Ran(tool, arguments))
            acts = self._acts.get(tool)
        self._began()
        self._inside += 1
        self._step()
        if self._cancel == "in_tool":
            self.cancel()
        if acts is None:
            return ("fail", f"the scenario has no tool `{tool}`")
        return acts[min(before, len(acts) - 1)]

    async def _act(self, what: str, how: Any) -> str:
        if what == "text":
            return str(how)
        if what == "hang":
            await asyncio.Event().wait()
        if what != "meet":
            raise _failure(what, how)
        try:
            async with asyncio.timeout(PATIENCE):
                while self._inside < how:
                    await self._changed.wait()
        except TimeoutError:
            raise ToolFails(f"fewer than {how} ran side by side") from None
        # Those who met leave once all of them saw it.
        await asyncio.sleep(0.02)
        return f"{how} ran side by side"

    def _step(self) -> None:
        old, self._changed = self._changed, asyncio.Event()
        old.set()

    @property
    def ran(self) -> list[Ran]:
        with self._lock:
            return list(self._ran)

    @property
    def is_cancelled_while_asked(self) -> bool:
        return self._cancel == "while_asked"

    def cancel(self) -> None:
        self._cancelled.set()

    async def cancelled(self) -> None:
        """Ends when the run is to be cancelled; never, if it is not to be."""
        await self._cancelled.wait()


def _failure(what: str, how: Any) -> Exception:
    return Bug(how) if what == "panic" else ToolFails(how)
