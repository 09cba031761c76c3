"""Agents of the OpenAI Agents SDK whose every tool is decided where it is invoked.

An agent is not changed: it is copied into a subclass of its own class, in which the tools, the handoffs and what servers list come out gated, each time they
are looked at. So what is added later is gated too. What cannot be gated is refused.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import functools
import inspect
import json
import types
import weakref
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextvars import ContextVar
from typing import Any, TypeVar, cast

from agents import (
    Agent,
    AgentHooks,
    ApplyPatchTool,
    CustomTool,
    FunctionTool,
    Handoff,
    HostedMCPTool,
    LocalShellTool,
    ModelResponse,
    RunConfig,
    RunContextWrapper,
    ShellTool,
    Tool,
)
from agents.editor import ApplyPatchEditor, ApplyPatchOperation, ApplyPatchResult
from agents.handoffs import HandoffInputData
from agents.run_config import ToolErrorFormatterArgs
from agents.tool import _FailureHandlingFunctionToolInvoker as Invoker

from ._approvals import Approval
from ._enforcer import Enforcer
from ._errors import ApprovalRequired, ArgumentsError, CallDenied, HexgateError
from ._events import logger
from ._native import Authorization, Decision, Run
from ._permit import Permit
from ._scope import Caller

Invoke = Callable[[Any, str], Awaitable[Any]]
T = TypeVar("T")

# So many questions are kept by a runner. What is forgotten is asked again.
_QUESTIONS = 4096


@dataclasses.dataclass(frozen=True)
class Pending:
    """A call that waits for an answer. ``key`` is what an :class:`~hexgate_host.Approval` of it names; keep it with the state of the run."""

    key: str
    tool: str
    arguments: str
    call_id: str
    decision: Decision


class Going:
    """A run that goes on."""

    def __init__(
        self, gate: Gate, run_id: str, caller: Caller | None, approvals: Iterable[Approval]
    ) -> None:
        self.gate = gate
        self.id = run_id
        self.caller = caller
        self.approvals = {approval.key: approval for approval in approvals}
        # The calls that models proposed, and who did. Not their text: a hook may still change it.
        self.proposed: dict[str, tuple[Any, str]] = {}
        # What was decided when the SDK asked whether a call needs approval, until the call is invoked.
        self.decided: dict[tuple[str, str], list[Permit | CallDenied]] = {}
        self._runs: dict[int, tuple[Enforcer, Run]] = {}
        self._begins = asyncio.Lock()

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
        return Going(self.gate, self.id, self.caller, self.approvals.values())


GOING: ContextVar[Going | None] = ContextVar("hexgate_openai_agents_run", default=None)


class _Answered(Approval):
    """The answers of a run that is resumed. Which one counts is known when the question is: it names the call, the caller and the policy."""

    def __init__(self, gate: Gate, going: Going) -> None:
        super().__init__("", by="RunState.approve")
        self._gate = gate
        self._going = going

    def settle(self, authorization: Authorization, decision: Decision) -> None:
        key = decision.approval_key or ""
        given = self._going.approvals.pop(key, None)
        asked_here = self._gate.questions.pop(key, None)
        if given is not None:
            given.settle(authorization, decision)
        elif asked_here is not None:
            authorization.approve(self.by, None)
        else:
            authorization.deny("the approval is for another call, caller or policy, or is used up")


class Gate:
    """What decides for the agents of one runner."""

    def __init__(
        self,
        enforcer: Enforcer,
        others: Mapping[str, Enforcer],
        accept_ungated: frozenset[str],
        pauses: bool,
        questions: OrderedDict[str, Pending],
    ) -> None:
        self.enforcer = enforcer
        self.others = others
        self.accept_ungated = accept_ungated
        self.pauses = pauses
        self.questions = questions
        self.ungated: dict[str, str] = {}
        # By the identity of what was given, which is kept so that no other object gets it.
        self._agents: dict[int, tuple[Agent[Any], Agent[Any]]] = {}
        self._tools: dict[tuple[int, str], tuple[Tool, Tool]] = {}

    def of(self, agent_name: str) -> Enforcer:
        return self.others.get(agent_name, self.enforcer)

    def going(self) -> Going | None:
        going = GOING.get()
        return going if going is not None and going.gate is self else None

    # Agents

    def agent(self, agent: Agent[Any]) -> Agent[Any]:
        """A copy whose tools are gated."""
        if isinstance(agent, Gated) and self in agent._hexgate_gates:
            return agent
        known = self._agents.get(id(agent))
        if known is None:
            if not isinstance(agent, Agent):
                raise HexgateError(
                    f"a {type(agent).__name__} is no agent that can be gated",
                    "ungated",
                    "use `agents.Agent`; realtime agents are not supported",
                )
            gated = copy.copy(agent)
            gated.__class__ = _class_of(type(agent), self)
            # What was copied has the plain lists; from now on they come out gated.
            plain = vars(gated)
            for name in ("tools", "handoffs"):
                source = plain[f"_hexgate_{name}"][0] if isinstance(agent, Gated) else plain.pop(name)
                plain[f"_hexgate_{name}"] = (source, [], [])
            plain["hooks"] = _Hooks(self, agent.hooks)
            plain.pop("_hexgate_kept", None)
            # Who approved what is bound to the identity of an agent, and the copy is another one.
            plain.pop("_function_approval_identity", None)
            known = self._agents[id(agent)] = (agent, gated)
        return known[1]

    def check(self, agent: Agent[Any]) -> None:
        """Refuses what cannot be gated, in this agent and in all that can be reached from it."""
        waits, seen = [agent], set()
        while waits:
            gated = self.agent(waits.pop())
            if id(gated) in seen:
                continue
            seen.add(id(gated))
            if gated.prompt is not None:
                self._refuse("prompt", f"the stored prompt of the agent `{gated.name}` can bring tools of the provider")
            for tool in gated.tools:
                below = getattr(tool, "_agent_instance", None)
                if isinstance(below, Agent):
                    waits.append(below)
            for it in gated.handoffs:
                target = it._agent_ref() if isinstance(it, Handoff) and it._agent_ref is not None else None
                if isinstance(target, Agent):
                    waits.append(target)

    # Tools

    def tool(self, tool: Tool, agent: Agent[Any]) -> Tool:
        """The tool, decided where it is invoked."""
        before = _gates_of(tool)
        if self in before:
            return tool
        known = self._tools.get((id(tool), agent.name))
        if known is None:
            gated = self._gated(tool, agent)
            if not isinstance(tool, FunctionTool) and gated is not tool:
                vars(gated)["_hexgate_gates"] = (*before, self)
            known = self._tools[id(tool), agent.name] = (tool, gated)
        return known[1]

    def _gated(self, tool: Tool, agent: Agent[Any]) -> Tool:
        if isinstance(tool, FunctionTool):
            return self._function(tool, agent)
        if isinstance(tool, CustomTool):
            return self._custom(tool, agent)
        if isinstance(tool, LocalShellTool):
            return self._local_shell(tool, agent)
        if isinstance(tool, ShellTool) and tool.executor is not None:
            return self._shell(tool, agent)
        if isinstance(tool, ApplyPatchTool):
            gated = copy.copy(tool)
            gated.editor = _Editor(self, agent, tool.name, tool.editor)
            return gated
        name = str(getattr(tool, "name", type(tool).__name__))
        if isinstance(tool, HostedMCPTool):
            name = f"{name}:{tool.tool_config.get('server_label', '')}"
        self._refuse(name, f"the tool `{name}` of the agent `{agent.name}` does not run where it can be decided")
        return tool

    def _refuse(self, name: str, why: str) -> None:
        if name not in self.accept_ungated:
            raise HexgateError(
                why, "ungated", f"leave it out, or accept that it runs undecided: accept_ungated=[{name!r}]"
            )
        if name not in self.ungated:
            self.ungated[name] = why
            logger.warning("not gated: %s", why)

    def _function(self, tool: FunctionTool, agent: Agent[Any]) -> FunctionTool:
        gated = copy.copy(tool)
        # The copy is bound to itself where the original was bound to itself.
        inner = gated.on_invoke_tool
        invoke = _invoked(gated)
        name = _policy_name(tool)
        below = tool._agent_instance if tool._is_agent_tool else None
        if below is None:
            decided = self._decided(name, invoke, agent)
        else:
            gated._agent_instance = self.agent(below)
            # Made anew of what `Agent.as_tool` made, also where other gates stand around it: they decide for the agent below, too.
            made = getattr(invoke, "_hexgate_agent", (invoke, below))
            decided = _rebound(*made, gated._agent_instance)
            for gate in (*_gates_of(tool), self):
                decided = gate._decided(name, gate._as_run(decided, gated._agent_instance), agent)
            cast(Any, decided)._hexgate_agent = made
        if isinstance(inner, Invoker):
            # Inside of what turns exceptions into text for the model, so that they are seen here as what they are.
            bound = Invoker(decided, inner._on_handled_error)
            vars(bound).update({key: it for key, it in vars(inner).items() if key not in vars(bound)})
            gated.on_invoke_tool = bound.__agents_bind_function_tool__(gated)
        else:
            gated.on_invoke_tool = decided
        if self.pauses:
            gated.needs_approval = self._asks(name, tool, agent)
        return gated

    def _decided(self, name: str, invoke: Invoke, agent: Agent[Any]) -> Invoke:
        @functools.wraps(invoke)
        async def decided(context: Any, arguments: str) -> Any:
            # Some models write nothing where there is nothing to say.
            text = arguments or "{}"
            try:
                permit = await self.permit(name, text, agent)
            except CallDenied as denied:
                return denied.as_error_message()
            inexact = _inexact(permit)
            if inexact is not None:
                return inexact
            with permit:
                if hasattr(context, "tool_arguments"):
                    context.tool_arguments = permit.arguments_json
                result = await invoke(context, permit.arguments_json)
                permit.complete(result)
            return result

        cast(Any, decided)._hexgate_gates = (*getattr(invoke, "_hexgate_gates", ()), self)
        return decided

    def _as_run(self, invoke: Invoke, below: Agent[Any]) -> Invoke:
        """An agent that is a tool: a run of its own, for the same caller."""

        @functools.wraps(invoke)
        async def run(context: Any, arguments: str) -> Any:
            going = self.going()
            if going is None:
                return await invoke(context, arguments)
            inner = going.below()
            try:
                await inner.begin(self.of(below.name))
            except CallDenied as denied:
                return denied.as_error_message()
            token = GOING.set(inner)
            try:
                return await invoke(context, arguments)
            finally:
                GOING.reset(token)

        return run

    def _asks(self, name: str, tool: FunctionTool, agent: Agent[Any]) -> Callable[..., Awaitable[bool]]:
        """Whether a call pauses the run. It is decided here, once; what came out is kept until it is invoked."""

        async def asks(context: RunContextWrapper[Any], params: dict[str, Any], call_id: str) -> bool:
            text = self._text(call_id, params)
            if text is None:
                # Nobody knows what would be decided, so nothing runs without an answer, and then it is decided.
                return True
            going = self.going()
            try:
                outcome: Permit | CallDenied = await self._authorize(name, text, agent, None)
            except ApprovalRequired as required:
                decision = required.decision
                if decision is not None and decision.approval_key and going is not None:
                    key = decision.approval_key
                    self.questions[key] = Pending(key, name, text, call_id, decision)
                    while len(self.questions) > _QUESTIONS:
                        self.questions.popitem(last=False)
                return True
            except CallDenied as denied:
                outcome = denied
            if going is not None:
                going.decided.setdefault((name, text), []).append(outcome)
            own = tool.needs_approval
            if callable(own):
                own = await own(context, params, call_id)
            return bool(own)

        return asks

    def _text(self, call_id: str, params: Mapping[str, Any]) -> str | None:
        """The text of a proposed call, if it is what the SDK read."""
        going = self.going()
        found = None if going is None else going.proposed.get(call_id)
        text = getattr(found[0], "arguments", None) if found is not None else None
        if not isinstance(text, str):
            return None
        text = text or "{}"
        try:
            return text if json.loads(text) == params else None
        except ValueError:
            return None

    async def permit(self, name: str, text: str, agent: Agent[Any]) -> Permit:
        """The permission for a call that is invoked now."""
        going = self.going()
        kept = None if going is None else going.decided.get((name, text))
        if kept:
            outcome = kept.pop(0)
            if isinstance(outcome, CallDenied):
                raise outcome
            return outcome
        answers = _Answered(self, going) if going is not None and self.pauses else None
        if answers is not None and going is not None and not going.approvals and not self.questions:
            answers = None
        return await self._authorize(name, text, agent, answers)

    async def _authorize(self, name: str, text: str, agent: Agent[Any], approval: Approval | None) -> Permit:
        enforcer, going = self.of(agent.name), self.going()
        if going is None:
            # Outside of a run of ours there is nothing to count, and the caller is the one in scope.
            return await enforcer.authorize(name, text)
        run = await going.begin(enforcer)
        return await enforcer.authorize(name, text, caller=going.caller, run=run, approval=approval)

    async def native(
        self, name: str, arguments: object, agent: Agent[Any], run: Callable[[], Any], denied: Callable[[str], Any]
    ) -> Any:
        """A tool of the SDK's own kinds, whose arguments are an object."""
        try:
            permit = await self.permit(name, json.dumps(arguments, ensure_ascii=False), agent)
        except CallDenied as error:
            return denied(error.as_error_message())
        with permit:
            result = run()
            if inspect.isawaitable(result):
                result = await result
            permit.complete(result if isinstance(result, str) else repr(result))
        return result

    def _custom(self, tool: CustomTool, agent: Agent[Any]) -> CustomTool:
        gated = copy.copy(tool)
        inner = tool.on_invoke_tool

        async def invoke(context: Any, text: str) -> Any:
            return await self.native(tool.name, {"input": text}, agent, lambda: inner(context, text), str)

        gated.on_invoke_tool = invoke
        return gated

    def _local_shell(self, tool: LocalShellTool, agent: Agent[Any]) -> LocalShellTool:
        inner = tool.executor

        async def execute(request: Any) -> str:
            # A copy: nobody changes what was decided.
            own = dataclasses.replace(request, data=request.data.model_copy(deep=True))
            arguments = own.data.action.model_dump(mode="json", exclude_none=True, exclude={"type"})
            return cast(str, await self.native(tool.name, arguments, agent, lambda: inner(own), str))

        gated = copy.copy(tool)
        gated.executor = execute
        return gated

    def _shell(self, tool: ShellTool, agent: Agent[Any]) -> ShellTool:
        inner = tool.executor
        assert inner is not None

        async def execute(request: Any) -> Any:
            action = copy.deepcopy(request.data.action)
            own = dataclasses.replace(request, data=dataclasses.replace(request.data, action=action))
            arguments = {key: it for key, it in dataclasses.asdict(action).items() if it is not None}
            return await self.native(tool.name, arguments, agent, lambda: inner(own), str)

        gated = copy.copy(tool)
        gated.executor = execute
        return gated

    # Handoffs

    def handoff(self, it: Agent[Any] | Handoff[Any, Any], owner: Agent[Any]) -> Handoff[Any, Any]:
        if isinstance(it, GatedHandoff) and it._hexgate[0] is self:
            return it
        kept: dict[int, tuple[Any, GatedHandoff]] = vars(owner).setdefault("_hexgate_kept", {})
        if id(it) not in kept:
            kept[id(it)] = (it, GatedHandoff(self, it, owner))
        return kept[id(it)][1]

    # What the SDK tells of calls that come to nothing

    def run_config(self, given: RunConfig | dict[str, Any] | None) -> RunConfig | dict[str, Any]:
        before: Any = dict(given or {}) if not isinstance(given, RunConfig) else vars(given)
        formatter, input_filter = before.get("tool_error_formatter"), before.get("handoff_input_filter")

        async def told(args: ToolErrorFormatterArgs[Any]) -> str | None:
            message = self._came_to_nothing(args)
            if formatter is not None:
                theirs = formatter(args)
                theirs = await theirs if inspect.isawaitable(theirs) else theirs
                message = theirs if theirs is not None else message
            return message

        def failed(args: ToolErrorFormatterArgs[Any]) -> Any:
            # Of an exception only the program's own formatter has something to say.
            if args.kind == "tool_exception":
                return None if formatter is None else formatter(args)
            return told(args)

        changes: dict[str, Any] = {
            "tool_not_found_behavior": "return_error_to_model",
            "tool_error_formatter": failed,
        }
        if input_filter is not None:
            changes["handoff_input_filter"] = _unless_denied(input_filter)
        if isinstance(given, RunConfig):
            return dataclasses.replace(given, **changes)
        return {**before, **changes}

    def _came_to_nothing(self, args: ToolErrorFormatterArgs[Any]) -> str | None:
        going = self.going()
        call, agent_name = (None, "") if going is None else going.proposed.get(args.call_id, (None, ""))
        enforcer, caller = self.of(agent_name), None if going is None else going.caller
        text = getattr(call, "arguments", None) or "{}"
        if args.kind == "tool_not_found":
            return enforcer.in_vain(args.tool_name, text, "unknown_tool", caller=caller)
        if args.kind == "approval_rejected" and args.tool_type == "function":
            found = next((it for it in self.questions.values() if it.call_id == args.call_id), None)
            if found is not None:
                del self.questions[found.key]
                reason = "the approval was refused by RunState.reject"
                return enforcer.refuse(found.tool, found.arguments, reason, caller=caller).as_error_message()
        return None


class Gated(Agent[Any]):
    """What an agent of a gate is beside what it was. The class is made for each gate, so that its copies are gated by the same one."""

    # From the innermost on, where several runners have gated it.
    _hexgate_gates: tuple[Gate, ...]
    _hexgate_kind: type[Any]

    @property
    def tools(self) -> list[Tool]:
        return self._hexgate_live("tools", self._hexgate_tool)

    @tools.setter
    def tools(self, tools: list[Tool]) -> None:
        vars(self)["_hexgate_tools"] = (tools, [], [])

    @property
    def handoffs(self) -> list[Agent[Any] | Handoff[Any, Any]]:
        return self._hexgate_live("handoffs", self._hexgate_handoff)

    @handoffs.setter
    def handoffs(self, handoffs: list[Any]) -> None:
        vars(self)["_hexgate_handoffs"] = (handoffs, [], [])

    def _hexgate_tool(self, tool: Tool) -> Tool:
        for gate in self._hexgate_gates:
            tool = gate.tool(tool, self)
        return tool

    def _hexgate_handoff(self, it: Any) -> Any:
        for gate in self._hexgate_gates:
            it = gate.handoff(it, self)
        return it

    def _hexgate_live(self, name: str, gated: Callable[[Any], Any]) -> list[Any]:
        """The list that hooks may change, with everything in it gated."""
        source, shown, last = vars(self)[f"_hexgate_{name}"]
        if len(shown) != len(last) or any(one is not other for one, other in zip(shown, last)):
            # Somebody changed what was shown. The list of the agent that this is a copy of is not touched.
            source = list(shown)
        now = [gated(it) for it in source]
        shown[:] = now
        vars(self)[f"_hexgate_{name}"] = (source, shown, now)
        return cast("list[Any]", shown)

    async def get_mcp_tools(self, run_context: RunContextWrapper[Any]) -> list[Tool]:
        return [self._hexgate_tool(tool) for tool in await super().get_mcp_tools(run_context)]

    async def get_all_tools(self, run_context: RunContextWrapper[Any]) -> list[Tool]:
        for gate in self._hexgate_gates:
            going = gate.going()
            if going is not None:
                await going.begin(gate.of(self.name))
        # Whatever a class of the program's own adds.
        return [self._hexgate_tool(tool) for tool in await super().get_all_tools(run_context)]


def _class_of(kind: type[Any], gate: Gate) -> type[Any]:
    gates: tuple[Gate, ...] = (gate,)
    if issubclass(kind, Gated):
        kind, gates = kind._hexgate_kind, (*kind._hexgate_gates, gate)
    names = {
        "_hexgate_gates": gates,
        "_hexgate_kind": kind,
        # Named as the class of the program: the identity of agents in a saved run has the name.
        "__module__": kind.__module__,
        "__qualname__": kind.__qualname__,
        "__doc__": kind.__doc__,
    }
    return type(kind.__name__, (Gated,) if kind is Agent else (Gated, kind), names)


class _Hooks(AgentHooks[Any]):
    """The hooks of an agent, and one of ours, which notes what its model proposes."""

    def __init__(self, gate: Gate, inner: Any) -> None:
        self._gate = gate
        self._inner = inner

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_") or name == "on_llm_end":
            return super().__getattribute__(name)
        inner = super().__getattribute__("_inner")
        return super().__getattribute__(name) if inner is None else getattr(inner, name)

    async def on_llm_end(
        self, context: RunContextWrapper[Any], agent: Agent[Any], response: ModelResponse
    ) -> None:
        going = self._gate.going()
        if going is not None:
            for item in response.output:
                call_id = getattr(item, "call_id", None)
                if isinstance(call_id, str):
                    going.proposed[call_id] = (item, agent.name)
        if self._inner is not None:
            await self._inner.on_llm_end(context, agent, response)


# The message of a handoff that was denied, for the rest of the step that tried it.
_DENIED: ContextVar[str | None] = ContextVar("hexgate_openai_agents_handoff", default=None)


class GatedHandoff(Handoff[Any, Any]):
    """A handoff that is decided. One that is denied hands the conversation to who has it, and the model reads why."""

    _hexgate: tuple[Gate, Any]

    def __init__(self, gate: Gate, it: Agent[Any] | Handoff[Any, Any], owner: Agent[Any]) -> None:
        from agents import handoff

        plain = it if isinstance(it, Handoff) else handoff(it)
        target = plain._agent_ref() if plain._agent_ref is not None else None
        vars(self).update(vars(plain))
        self._hexgate = (gate, plain)
        self.on_invoke_handoff = functools.partial(_hand_off, gate, plain, weakref.ref(owner))
        if isinstance(target, Agent):
            # Kept here: the SDK holds it by a weak reference alone.
            self._hexgate_target = gate.agent(target)
            self._agent_ref = weakref.ref(self._hexgate_target)

    def get_transfer_message(self, agent: Any) -> str:
        denied = _DENIED.get()
        return self._hexgate[1].get_transfer_message(agent) if denied is None else denied

    @property
    def input_filter(self) -> Any:
        given = vars(self).get("input_filter")
        return given if _DENIED.get() is None else _as_it_is

    @input_filter.setter
    def input_filter(self, given: Any) -> None:
        vars(self)["input_filter"] = given

    @property
    def nest_handoff_history(self) -> bool | None:
        given = vars(self).get("nest_handoff_history")
        return cast("bool | None", given) if _DENIED.get() is None else False

    @nest_handoff_history.setter
    def nest_handoff_history(self, given: bool | None) -> None:
        vars(self)["nest_handoff_history"] = given


async def _hand_off(
    gate: Gate, plain: Handoff[Any, Any], owner: Callable[[], Agent[Any] | None], context: Any, arguments: str
) -> Agent[Any]:
    _DENIED.set(None)
    here = owner()
    if here is None:
        raise HexgateError("the agent of this handoff is gone", "internal", "report this as a defect")
    text = arguments or "{}"
    try:
        permit = await gate.permit(f"agent.handoff:{plain.agent_name}", text, here)
        going = gate.going()
        with permit:
            if going is not None:
                await going.begin(gate.of(plain.agent_name))
            target = await plain.on_invoke_handoff(context, permit.arguments_json if arguments else arguments)
            if target.name != plain.agent_name:
                permit.fail("another_agent")
                raise gate.of(here.name).refuse(
                    f"agent.handoff:{target.name}",
                    text,
                    f"the handoff to `{plain.agent_name}` went to another agent",
                    caller=None if going is None else going.caller,
                )
            gated = gate.agent(target)
            gate.check(gated)
            permit.complete(target.name)
        return gated
    except CallDenied as denied:
        _DENIED.set(denied.as_error_message())
        # A prepared copy stands for the agent that everybody sees.
        return cast("Agent[Any]", getattr(here, "_agents_public_agent", here))


def _as_it_is(data: HandoffInputData) -> HandoffInputData:
    return data


def _unless_denied(input_filter: Callable[[HandoffInputData], Any]) -> Callable[[HandoffInputData], Any]:
    return lambda data: input_filter(data) if _DENIED.get() is None else data


class _Editor(ApplyPatchEditor):
    """Changes of files, each decided before it is made."""

    def __init__(self, gate: Gate, agent: Agent[Any], tool: str, inner: ApplyPatchEditor) -> None:
        self._gate, self._agent, self._tool, self._inner = gate, agent, tool, inner

    async def create_file(self, operation: ApplyPatchOperation) -> Any:
        return await self._decided(operation, self._inner.create_file)

    async def update_file(self, operation: ApplyPatchOperation) -> Any:
        return await self._decided(operation, self._inner.update_file)

    async def delete_file(self, operation: ApplyPatchOperation) -> Any:
        return await self._decided(operation, self._inner.delete_file)

    async def _decided(self, operation: ApplyPatchOperation, apply: Callable[[ApplyPatchOperation], Any]) -> Any:
        own = copy.copy(operation)
        named = {"operation": own.type, "path": own.path, "diff": own.diff, "move_to": own.move_to}
        return await self._gate.native(
            self._tool,
            {key: it for key, it in named.items() if it is not None},
            self._agent,
            lambda: apply(own),
            lambda message: ApplyPatchResult(status="failed", output=message),
        )


def _invoked(tool: FunctionTool) -> Invoke:
    """What runs when a tool is invoked, without what turns its exceptions into text."""
    invoker = tool.on_invoke_tool
    return cast(Invoke, invoker._invoke_tool_impl if isinstance(invoker, Invoker) else invoker)


def _gates_of(tool: Tool) -> tuple[Gate, ...]:
    """The gates that decide a tool already. Of a function the very function says so that decides: a copy with another one is not gated."""
    marked = _invoked(tool) if isinstance(tool, FunctionTool) else tool
    return cast("tuple[Gate, ...]", getattr(marked, "_hexgate_gates", ()))


def _policy_name(tool: FunctionTool) -> str:
    """What policies call a tool: `agent.tool:NAME` for an agent, `mcp-SERVER-TOOL` for a tool of a server."""
    if tool._is_agent_tool and tool._agent_instance is not None:
        return f"agent.tool:{tool._agent_instance.name}"
    if tool._mcp_tool_binding is not None:
        server, name, _ = tool._mcp_tool_binding
        return f"mcp-{server}-{name}"
    return tool.qualified_name


def _rebound(invoke: Invoke, agent: Agent[Any], gated: Agent[Any]) -> Invoke:
    """What `Agent.as_tool` made, for the gated agent in the place of the one that it closed over."""
    if not isinstance(invoke, types.FunctionType):
        raise HexgateError(
            f"the agent `{agent.name}` is a tool of an unknown kind", "ungated", "make it with `Agent.as_tool`"
        )
    cells = invoke.__closure__ or ()
    if not any(cell.cell_contents is agent for cell in cells):
        raise HexgateError(
            f"the agent `{agent.name}` is a tool of an unknown kind", "ungated", "make it with `Agent.as_tool`"
        )
    closure = tuple(types.CellType(gated) if cell.cell_contents is agent else cell for cell in cells)
    made = types.FunctionType(invoke.__code__, invoke.__globals__, invoke.__name__, invoke.__defaults__, closure)
    made.__kwdefaults__ = invoke.__kwdefaults__
    vars(made).update(vars(invoke))
    made.__annotations__ = invoke.__annotations__
    return cast(Invoke, made)


def _inexact(permit: Permit) -> str | None:
    """What the model reads if Python would run other numbers than were decided."""
    try:
        permit.arguments
    except ArgumentsError as error:
        message = f"[invalid_arguments] {error.message}"
        permit.fail(error.code, message)
        return message
    return None
