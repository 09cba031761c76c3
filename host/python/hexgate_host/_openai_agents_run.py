"""Runs of agents of the OpenAI Agents SDK, and the questions for which they pause."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ._approvals import Approval
from ._enforcer import Enforcer
from ._errors import CallDenied
from ._native import Authorization, Decision, Run
from ._permit import Permit
from ._scope import Caller

if TYPE_CHECKING:
    from ._openai_agents_gate import Gate

# So many questions are kept by a runner. What is forgotten is asked again.
_MOST = 4096


@dataclasses.dataclass(frozen=True)
class Pending:
    """A call that waits for an answer. ``key`` is what an :class:`~hexgate_host.Approval` of it names; keep it with the state of the run."""

    key: str
    tool: str
    arguments: str
    call_id: str
    decision: Decision


class Questions:
    """What a runner asked, until it is answered. Two calls can be the same for the policy, and each of them is a question."""

    def __init__(self) -> None:
        self._all: OrderedDict[tuple[str, str], Pending] = OrderedDict()

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, pending: Pending) -> None:
        self._all[pending.key, pending.call_id] = pending
        while len(self._all) > _MOST:
            self._all.popitem(last=False)

    def take(self, key: str, call_id: str) -> bool:
        """Whether this was asked. It is answered then."""
        return self._all.pop((key, call_id), None) is not None

    def take_call(self, call_id: str) -> Pending | None:
        """The question about a call, by the name that the model gave it. It is answered then."""
        found = next((it for it in reversed(self._all.values()) if it.call_id == call_id), None)
        if found is not None:
            del self._all[found.key, found.call_id]
        return found

    def among(self, calls: set[tuple[Any, Any]]) -> list[Pending]:
        return [it for it in self._all.values() if (it.call_id, it.arguments) in calls]


class Going:
    """A run that goes on."""

    def __init__(
        self, gate: Gate, run_id: str, caller: Caller | None, approvals: Iterable[Approval]
    ) -> None:
        self.gate = gate
        self.id = run_id
        self.caller = caller
        self.approvals = list(approvals)
        # The calls that models proposed, and who did. Not their text: a hook may still change it.
        self.proposed: dict[str, tuple[Any, str]] = {}
        self._decided: dict[tuple[str, str, str], Permit | CallDenied] = {}
        self._runs: dict[int, tuple[Enforcer, Run]] = {}
        self._begins = asyncio.Lock()

    def propose(self, items: Iterable[Any], agent_name: str) -> None:
        for item in items:
            call_id = getattr(item, "call_id", None)
            if isinstance(call_id, str):
                self.proposed[call_id] = (item, agent_name)

    async def begin(self, enforcer: Enforcer) -> Run:
        """Begins the run of an enforcer's agents, unless it goes on already. :class:`CallDenied` if it may not."""
        async with self._begins:
            if id(enforcer) not in self._runs:
                run = await enforcer.begin_run(self.id, caller=self.caller)
                self._runs[id(enforcer)] = (enforcer, run)
            return self._runs[id(enforcer)][1]

    def begin_sync(self, enforcer: Enforcer) -> None:
        self._runs[id(enforcer)] = (enforcer, enforcer.begin_run_sync(self.id, caller=self.caller))

    def below(self) -> Going:
        """The run of an agent that is a tool: its counts begin anew."""
        return Going(self.gate, self.id, self.caller, self.approvals)

    def keep(self, tool: str, text: str, call_id: str, outcome: Permit | CallDenied) -> None:
        """Keeps what was decided when the SDK asked whether a call needs approval, until the call is invoked."""
        self._drop(self._decided.pop((tool, text, call_id), None))
        self._decided[tool, text, call_id] = outcome

    def kept(self, tool: str, text: str, call_id: str | None) -> Permit | CallDenied | None:
        return None if call_id is None else self._decided.pop((tool, text, call_id), None)

    def close(self) -> None:
        """What was permitted and not invoked will not be."""
        while self._decided:
            self._drop(self._decided.popitem()[1])

    @staticmethod
    def _drop(outcome: Permit | CallDenied | None) -> None:
        if isinstance(outcome, Permit):
            outcome.cancel()


# The runs that go on here, one for each gate.
GOING: ContextVar[tuple[Going, ...]] = ContextVar("hexgate_openai_agents_run", default=())


@contextmanager
def going_on(*runs: Going) -> Iterator[None]:
    """Runs that go on in this block, and in the tasks that begin there."""
    gates = {run.gate for run in runs}
    token = GOING.set((*(run for run in GOING.get() if run.gate not in gates), *runs))
    try:
        yield
    finally:
        GOING.reset(token)


class Answered(Approval):
    """The answer to a call that the SDK was told to run: one that came with the run, or the question of this runner about this very call."""

    def __init__(self, going: Going, call_id: str) -> None:
        super().__init__("", by="RunState.approve")
        self._going = going
        self._call_id = call_id

    def settle(self, authorization: Authorization, decision: Decision) -> None:
        key = decision.approval_key or ""
        was_asked = self._going.gate.questions.take(key, self._call_id)
        given = next((it for it in self._going.approvals if it.key == key), None)
        if given is not None:
            self._going.approvals.remove(given)
            given.settle(authorization, decision)
        elif was_asked:
            authorization.approve(self.by, None)
        else:
            authorization.deny("the approval is for another call, caller or policy, or is used up")
