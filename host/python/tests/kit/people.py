"""The people of a play, who answer as the scenario says."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Callable

import hexgate_host as hexgate

from .scenario import Answers, Change
from .seen import Ask
from .toolbox import Bug, Toolbox


class Unreachable(Exception):
    """Nobody can be reached, as the scenario says."""


class People:
    def __init__(self, toolbox: Toolbox, answers: list[Answers], change: Callable[[Change], None]) -> None:
        self._toolbox = toolbox
        self._answers = deque(answers)
        self._change = change
        self.asked: list[Ask] = []

    async def __call__(self, decision: hexgate.Decision) -> hexgate.Answer:
        """The handler of an enforcer."""
        approved = await self.answer(decision.tool_name, decision.arguments_json)
        return hexgate.Answer(approved, by="bob", reason=None if approved else "bob does not want it")

    async def answer(self, tool: str, arguments: str) -> bool:
        """Asks about a call, for hosts that ask by a road of their own. The tool is named as policies name it."""
        said = self._next(tool, arguments)
        if said == "hang":
            await asyncio.Event().wait()
        if said == "fail":
            raise Unreachable("nobody can be reached, as the scenario says")
        if said == "panic":
            raise Bug("the road to people has a bug, as the scenario says")
        return said == "approve"

    def _next(self, tool: str, arguments: str) -> str:
        self.asked.append(Ask(tool, arguments, len(self._toolbox.ran)))
        if self._toolbox.is_cancelled_while_asked:
            self._toolbox.cancel()
        # A question that the scenario does not expect is a difference; it is not answered with a yes.
        if not self._answers:
            return "refuse"
        answers = self._answers.popleft()
        if answers.meanwhile is not None:
            self._change(answers.meanwhile)
        return answers.answer
