"""Approval by LangGraph's ``interrupt()``: the run stops, its state is kept by the checkpointer, and another process may go on with it.

After the answer the framework runs the node again from its beginning. So nothing that needs an answer is asked once something else of the same node has
run, and nothing of a node runs once something of it was asked: what ran would run twice.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.types import Command, interrupt

from ._approvals import Approval
from ._errors import ApprovalError, ApprovalRequired

_MARK = "hexgate_approval"
# The names are the framework's own. Where they are missing nothing is asked, and what needs approval is denied.
_SCRATCHPAD = "__pregel_scratchpad"
_CHECKPOINTER = "__pregel_checkpointer"
_TASK = "checkpoint_ns"
_PASSES = 4096


def as_answer(approval: Approval) -> dict[str, Any]:
    """An approval as a checkpointer can keep it: the value for ``Command(resume=...)``, for all interrupts or by their ids."""
    return {
        _MARK: approval.key,
        "approved": approval.approved is True,
        "by": approval.by,
        "reason": approval.reason,
    }


def resume(answers: Approval | Mapping[str, Approval]) -> Command[Any]:
    """What a run goes on with: one approval (or refusal), or one for each interrupt by its id."""
    if isinstance(answers, Approval):
        return Command(resume=as_answer(answers))
    return Command(resume={name: as_answer(approval) for name, approval in answers.items()})


def _read(value: object) -> Approval | None:
    if not isinstance(value, dict) or not isinstance(value.get(_MARK), str):
        return None
    by, reason = value.get("by"), value.get("reason")
    return Approval(
        value[_MARK],
        by=by if isinstance(by, str) else "somebody",
        # Nothing but `True` is an approval.
        approved=value.get("approved") is True,
        reason=reason if isinstance(reason, str) else None,
    )


def _mark_of(task: object, call_id: str | None) -> str:
    """The name of a call: where in the graph it is made, which stays the same when the node is run again, and its id, which the model chooses."""
    return hashlib.sha256(f"{task}\0{call_id}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


class _Pass:
    """One time that a node is run."""

    __slots__ = ("scratchpad", "asked", "started", "taken", "lock")

    def __init__(self, scratchpad: object) -> None:
        # It is kept so that no other one gets its identity.
        self.scratchpad = scratchpad
        self.asked = False
        self.started = False
        self.taken: set[str] = set()
        self.lock = threading.Lock()


class Questions:
    """Which nodes have asked, and in which something has run."""

    def __init__(self) -> None:
        self._passes: OrderedDict[int, _Pass] = OrderedDict()
        self._lock = threading.Lock()

    def here(self, config: RunnableConfig | None, call_id: str | None) -> Question | None:
        """What can be asked in this run of a node. None: nothing, for there is none, or it could not go on."""
        within = (config or {}).get("configurable") or {}
        scratchpad = within.get(_SCRATCHPAD)
        if scratchpad is None or not within.get(_CHECKPOINTER):
            return None
        with self._lock:
            this = self._passes.get(id(scratchpad))
            if this is None:
                this = self._passes[id(scratchpad)] = _Pass(scratchpad)
            self._passes.move_to_end(id(scratchpad))
            while len(self._passes) > _PASSES:
                self._passes.popitem(last=False)
        return Question(this, call_id, _mark_of(within.get(_TASK), call_id))


class Question:
    """A call that may need an answer."""

    def __init__(self, this: _Pass, call_id: str | None, mark: str) -> None:
        self._pass = this
        self._call_id = call_id
        self._mark = mark

    def _answers(self) -> list[object]:
        scratchpad: Any = self._pass.scratchpad
        new = scratchpad.get_null_resume(False)
        return [*scratchpad.resume, *([] if new is None else [new])]

    def answer(self) -> Approval | None:
        """What was answered to the question about this very call, in an earlier run of the node."""
        for value in self._answers():
            approval = _read(value)
            if approval is None:
                continue
            key, _, mark = approval.key.rpartition(".")
            if mark != self._mark:
                continue
            with self._pass.lock:
                # An answer is for one attempt.
                if mark in self._pass.taken:
                    return None
                self._pass.taken.add(mark)
            # The framework gives answers in the order of the questions, so this one has to be taken.
            taken = interrupt({})
            if taken != value:
                # It is somebody else's.
                return Approval("", by=approval.by, approved=False, reason="answers came in another order")
            return Approval(key, by=approval.by, approved=approval.approved, reason=approval.reason)
        return None

    def ask(self, required: ApprovalRequired) -> None:
        """Stops the run, if it may ask. Else it returns, and the call is denied."""
        decision = required.decision
        if decision is None or decision.approval_key is None or self._answers():
            return
        with self._pass.lock:
            if self._pass.started or self._pass.asked:
                return
            self._pass.asked = True
        value = interrupt(
            {
                "type": _MARK,
                "key": f"{decision.approval_key}.{self._mark}",
                "agent": decision.agent_name,
                "tool": decision.tool_name,
                "tool_call_id": self._call_id,
                # As text: it is what was decided, digit by digit.
                "arguments": decision.arguments_json,
                "user": decision.user_id,
                "roles": decision.user_roles,
                "message": decision.message,
                "terms": decision.approval_terms,
            }
        )
        raise ApprovalError(
            f"the framework went on with {type(value).__name__} where it had to stop", "interrupt", "report this as a defect"
        )

    def starts(self) -> bool:
        """Whether a call may run now. Not if another one of the same node waits for an answer: it runs when the node is run again."""
        with self._pass.lock:
            if self._pass.asked:
                return False
            self._pass.started = True
            return True
