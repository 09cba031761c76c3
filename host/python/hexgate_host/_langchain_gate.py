"""The gate of an agent: who calls, in which run, and what is decided."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import Command

from . import _scope
from ._enforcer import Enforcer
from ._errors import ApprovalError, ApprovalRequired, CallDenied, HexgateError
from ._events import logger
from ._langchain_asking import Questions
from ._langchain_calls import Prepared, agent_of
from ._langchain_seal import is_about_to_run, is_within_a_tool, seal_of, sealed, why_not
from ._native import Run
from ._permit import Permit
from ._scope import Caller, current_caller, scope_fault

Result = ToolMessage | Command[Any]
_RUNS = 4096
# The state of an agent keeps the name of its run, so that it is found again in the next node, and after an interrupt.
RUN = "hexgate_run"


class Active:
    """A run that was entered by an agent that is wrapped. It holds until the entry is left."""

    __slots__ = ("gate", "caller", "run", "scope", "ended")

    def __init__(self, gate: ToolGate, caller: Caller | None, run: Run | None) -> None:
        self.gate = gate
        self.caller = caller
        self.run = run
        # A scope that is opened later is closer to the call than this one.
        self.scope = _scope._CURRENT.get()
        self.ended = False


ACTIVE: ContextVar[Active | None] = ContextVar("hexgate_langchain_run", default=None)


def _active() -> Active | None:
    active = ACTIVE.get()
    return None if active is None or active.ended else active


def who() -> Caller | None:
    """The caller that was named where the agent was entered. None: the one in scope, if there is one."""
    active = _active()
    if active is not None and active.caller is not None and active.scope is _scope._CURRENT.get():
        return active.caller
    return None


class Runs:
    """The runs that go on, by their name and their caller: whoever goes on with a run of somebody else has one of their own."""

    def __init__(self) -> None:
        self._runs: OrderedDict[tuple[object, ...], Run] = OrderedDict()
        self._lock = threading.Lock()

    @staticmethod
    def key(name: str) -> tuple[object, ...] | None:
        caller = who()
        if caller is None:
            if scope_fault() is not None:
                return None
            caller = current_caller()
        return (name, caller.user_id, tuple(caller.roles), caller.session_id)

    def find(self, key: tuple[object, ...]) -> Run | None:
        with self._lock:
            run = self._runs.get(key)
            if run is not None:
                self._runs.move_to_end(key)
            return run

    def keep(self, key: tuple[object, ...], run: Run, *, anew: bool = False) -> Run:
        with self._lock:
            if anew:
                self._runs.pop(key, None)
            # Calls side by side count in one run.
            run = self._runs.setdefault(key, run)
            while len(self._runs) > _RUNS:
                self._runs.popitem(last=False)
            return run


class ToolGate:
    """Decides the calls of tools. For ``ToolNode(tools, wrap_tool_call=gate.wrap_tool_call, awrap_tool_call=gate.awrap_tool_call)``."""

    def __init__(
        self,
        enforcer: Enforcer,
        *,
        interrupts: bool = False,
        agents: Mapping[str, str] | None = None,
        handoffs: Mapping[str, str] | None = None,
        accept_ungated: Sequence[str] = (),
    ) -> None:
        if isinstance(accept_ungated, str):
            raise TypeError("`accept_ungated` is a list of names")
        if interrupts and enforcer.asks:
            raise ApprovalError(
                "the enforcer asks people by itself, and the graph shall ask them by interrupts",
                "contradiction",
                "leave out `approvals` of the enforcer, or `interrupts`",
            )
        self.enforcer = enforcer
        self.questions = Questions() if interrupts else None
        self.runs = Runs()
        self.net = Net(self)
        self._agents = dict(agents or {})
        self._handoffs = dict(handoffs or {})
        self._accepted = frozenset(accept_ungated)
        self._ungated: dict[str, str] = {}

    @property
    def ungated(self) -> dict[str, str]:
        """What runs undecided because it was accepted, and why it cannot be decided, as far as it was seen."""
        return dict(self._ungated)

    def policy_name(self, tool: BaseTool | str) -> str:
        """What policies call a tool: ``agent.tool:NAME`` if it is an agent."""
        name = tool if isinstance(tool, str) else tool.name
        if name in self._agents:
            return f"agent.tool:{self._agents[name]}"
        if name in self._handoffs:
            return f"agent.handoff:{self._handoffs[name]}"
        agent = None if isinstance(tool, str) else agent_of(tool)
        return name if agent is None else f"agent.tool:{agent}"

    def shows(self, tool: BaseTool | str) -> bool:
        """Whether a model is shown the tool."""
        return self.enforcer.shows(self.policy_name(tool), caller=who())

    def accepts(self, name: str, why: str) -> bool:
        """Whether something may run undecided. It is reported then."""
        if name not in self._accepted:
            return False
        if name not in self._ungated:
            self._ungated[name] = why
            logger.warning("%r runs undecided in agent %r, as is accepted: %s", name, self.enforcer.agent_name, why)
        return True

    def must_be_gated(self, found: Mapping[str, str]) -> None:
        """An error for what cannot be gated and is not accepted: names, and why."""
        left = {name: why for name, why in found.items() if not self.accepts(name, why)}
        if left:
            told = "; ".join(f"{name!r}: {why}" for name, why in sorted(left.items()))
            raise HexgateError(
                f"the policy of agent {self.enforcer.agent_name!r} cannot decide the calls of {told}",
                "ungated_tools",
                f"leave them out, or accept it: accept_ungated={sorted(left)}",
            )

    # One call.

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Result]) -> Result:
        """Decides a call of a ``ToolNode``."""
        tool = request.tool
        if tool is None:
            return self._unknown(request)
        try:
            run = self.run_of_sync(request.state)
            held = self._held(tool, request, run)
        except CallDenied as denied:
            return _denied(request, denied)
        result = handler(request.override(tool=held))
        return self._answered(request, held, result)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Result]]
    ) -> Result:
        """As :meth:`wrap_tool_call`, for runs in an event loop."""
        tool = request.tool
        if tool is None:
            return self._unknown(request)
        try:
            run = await self.run_of(request.state)
            held = self._held(tool, request, run)
        except CallDenied as denied:
            return _denied(request, denied)
        result = await handler(request.override(tool=held))
        return self._answered(request, held, result)

    def _held(self, tool: BaseTool, request: ToolCallRequest, run: Run | None) -> BaseTool:
        reason = why_not(tool)
        if reason is None:
            return sealed(tool, Bound(self, run))
        if self.accepts(tool.name, reason):
            return tool
        raise self.enforcer.refuse(self.policy_name(tool), request.tool_call["args"], reason, caller=who())

    def _answered(self, request: ToolCallRequest, held: BaseTool, result: Result) -> Result:
        seal = seal_of(held)
        if seal is None or seal.reached:
            return result
        # Something that is listed behind the gate put another tool in its place, or answered by itself.
        reason = "something behind the gate answered in the tool's place, so the answer is withheld"
        return _denied(
            request,
            self.enforcer.refuse(self.policy_name(held), request.tool_call["args"], reason, caller=who()),
        )

    def _unknown(self, request: ToolCallRequest) -> ToolMessage:
        call = request.tool_call
        message = self.enforcer.in_vain(self.policy_name(call["name"]), call["args"], "unknown_tool", caller=who())
        return ToolMessage(message, name=call["name"], tool_call_id=call["id"], status="error")

    # Runs.

    def run_of_sync(self, state: object) -> Run | None:
        """The run that a state belongs to. Whoever goes on with a run begins it for themselves, so that the policy decides whether they may."""
        name = _run_name(state)
        if name is None:
            return self._active_run()
        key = self.runs.key(name)
        if key is None:
            return None
        return self.runs.find(key) or self.runs.keep(key, self.enforcer.begin_run_sync(name, caller=who()))

    async def run_of(self, state: object) -> Run | None:
        name = _run_name(state)
        if name is None:
            return self._active_run()
        key = self.runs.key(name)
        if key is None:
            return None
        return self.runs.find(key) or self.runs.keep(key, await self.enforcer.begin_run(name, caller=who()))

    def begin_sync(self, name: str, *, anew: bool = True) -> Run:
        """A run begins, or goes on if it is known."""
        key = self.runs.key(name)
        run = None if anew or key is None else self.runs.find(key)
        if run is None:
            run = self.enforcer.begin_run_sync(name, caller=who())
            if key is not None:
                run = self.runs.keep(key, run, anew=anew)
        return run

    async def begin(self, name: str, *, anew: bool = True) -> Run:
        key = self.runs.key(name)
        run = None if anew or key is None else self.runs.find(key)
        if run is None:
            run = await self.enforcer.begin_run(name, caller=who())
            if key is not None:
                run = self.runs.keep(key, run, anew=anew)
        return run

    def _active_run(self) -> Run | None:
        active = _active()
        return active.run if active is not None and active.gate.enforcer is self.enforcer else None

    def is_entered(self) -> bool:
        """Whether an agent that is wrapped for the same enforcer has begun the run."""
        return self._active_run() is not None


def new_name() -> str:
    return uuid.uuid4().hex


def _run_name(state: object) -> str | None:
    name = state.get(RUN) if isinstance(state, dict) else getattr(state, RUN, None)
    return name if isinstance(name, str) else None


def _denied(request: ToolCallRequest, denied: CallDenied) -> ToolMessage:
    call = request.tool_call
    return ToolMessage(denied.as_error_message(), name=call["name"], tool_call_id=call["id"], status="error")


class Bound:
    """A gate, for the calls of one run."""

    __slots__ = ("gate", "run")

    def __init__(self, gate: ToolGate, run: Run | None = None) -> None:
        self.gate = gate
        self.run = run

    @property
    def net(self) -> BaseCallbackHandler:
        return self.gate.net

    def is_same(self, other: Bound) -> bool:
        return self.gate.enforcer is other.gate.enforcer

    def refuse(self, tool: BaseTool, arguments: object, reason: str) -> CallDenied:
        return self.gate.enforcer.refuse(self.gate.policy_name(tool), arguments, reason, caller=who())

    def in_vain(self, tool: BaseTool, arguments: object) -> None:
        """Records arguments that the tool cannot read. A call that is denied anyhow is told as denied."""
        message = self.gate.enforcer.in_vain(
            self.gate.policy_name(tool), arguments, "invalid_arguments", caller=who()
        )
        if not message.startswith("[invalid_arguments]"):
            raise CallDenied(message)

    def permit_sync(self, tool: BaseTool, call: Prepared, config: RunnableConfig | None) -> Permit:
        question = None if self.gate.questions is None else self.gate.questions.here(config, call.tool_call_id)
        approval = None if question is None else question.answer()
        try:
            return self.gate.enforcer.authorize_sync(
                self.gate.policy_name(tool), call.text, caller=who(), run=self._run(), approval=approval
            )
        except ApprovalRequired as required:
            if question is not None and approval is None:
                question.ask(required)
            raise

    async def permit(self, tool: BaseTool, call: Prepared, config: RunnableConfig | None) -> Permit:
        question = None if self.gate.questions is None else self.gate.questions.here(config, call.tool_call_id)
        approval = None if question is None else question.answer()
        try:
            return await self.gate.enforcer.authorize(
                self.gate.policy_name(tool), call.text, caller=who(), run=self._run(), approval=approval
            )
        except ApprovalRequired as required:
            if question is not None and approval is None:
                question.ask(required)
            raise

    def starts(self, config: RunnableConfig | None, call_id: str | None) -> None:
        question = None if self.gate.questions is None else self.gate.questions.here(config, call_id)
        if question is not None and not question.starts():
            raise CallDenied("[approval_required] Another call waits for an approval. The tool was not executed yet.")

    def _run(self) -> Run | None:
        return self.run or self.gate._active_run()


class Net(BaseCallbackHandler):
    """Looks at what a run begins beside its gate, and stops it: tools that nobody sealed, and tools that the model's provider would run."""

    raise_error = True
    # In the thread and the context of what begins.
    run_inline = True

    def __init__(self, gate: ToolGate) -> None:
        self._gate = gate

    def __deepcopy__(self, memo: dict[int, Any]) -> Net:
        return self

    def on_tool_start(self, serialized: dict[str, Any] | None, input_str: str, **kwargs: Any) -> None:
        name = (serialized or {}).get("name") or kwargs.get("name") or "tool"
        if is_about_to_run(name):
            return
        # A tool that was permitted may call others as any code does. A call that a model proposes has an id.
        if is_within_a_tool() and kwargs.get("tool_call_id") is None:
            return
        why = "it is run past the gate"
        if self._gate.accepts(name, why):
            return
        raise self._gate.enforcer.refuse(
            self._gate.policy_name(name), kwargs.get("inputs") or {}, why, caller=who()
        )

    def on_chat_model_start(self, serialized: Any, messages: Any, **kwargs: Any) -> None:
        parameters = kwargs.get("invocation_params")
        self._gate.must_be_gated(provider_tools(parameters if isinstance(parameters, dict) else {}))


def provider_tools(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The tools among the parameters of a model that its provider runs."""
    tools = parameters.get("tools")
    found: dict[str, str] = {}
    for tool in tools if isinstance(tools, (list, tuple)) else ():
        for name in provider_tool(tool):
            found[name] = "it runs at the model's provider"
    return found


_FUNCTIONS = frozenset({"function_declarations", "functionDeclarations", "toolSpec"})


def provider_tool(tool: object) -> list[str]:
    """What a provider would run of a tool that is described to it. Nothing: it is a function, whose calls come back."""
    if not isinstance(tool, dict):
        return []
    kind = tool.get("type")
    if kind in ("function", "custom"):
        return []
    name = tool.get("name")
    if kind is None and name is None:
        return [key for key, value in tool.items() if key not in _FUNCTIONS and value is not None]
    if kind is None and ("input_schema" in tool or "parameters" in tool):
        return []
    return [name if isinstance(name, str) else str(kind)]
