"""Agents of the OpenAI Agents SDK whose every tool is decided where it is invoked.

An agent is not changed: it is copied into a subclass of its own class, in which the tools, the handoffs and what servers list come out gated, each time they
are looked at. So what is added later is gated too. What cannot be gated is refused.
"""

from __future__ import annotations

import copy
import functools
import inspect
import json
import types
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from agents import Agent, AgentHooks, FunctionTool, Handoff, HostedMCPTool, ModelResponse, RunContextWrapper, Tool
from agents.tool import _FailureHandlingFunctionToolInvoker as Invoker
from agents.version import __version__ as version

from . import _openai_agents_native
from ._approvals import Approval
from ._enforcer import Enforcer
from ._errors import ApprovalRequired, ArgumentsError, CallDenied, HexgateError
from ._events import logger
from ._openai_agents_handoff import DENIED, GatedHandoff
from ._openai_agents_run import GOING, Answered, Going, Pending, Questions, going_on
from ._permit import Permit

Invoke = Callable[[Any, str], Awaitable[Any]]

if not version.startswith("0.24."):
    logger.warning("openai-agents %s is not what this was tested with: install 'hexgate-host[openai-agents]'", version)

# Where the SDK keeps how it reads arguments before it asks a function whether a call needs approval. It asks none about what changes when it is read, such
# as a whole number for a fraction; ours is asked about everything, since what it decides is the text.
_PREPARE = "__agents_prepare_arguments__"
class Gate:
    """What decides for the agents of one runner."""

    def __init__(
        self,
        enforcer: Enforcer,
        others: Mapping[str, Enforcer],
        accept_ungated: frozenset[str],
        pauses: bool,
        questions: Questions,
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
        return next((run for run in GOING.get() if run.gate is self), None)

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
        if isinstance(tool, FunctionTool) and tool._mcp_tool_binding is not None:
            # Made anew each time that a server is asked for its tools.
            return self._function(tool, agent)
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
        native = _openai_agents_native.gated(self, tool, agent)
        if native is not None:
            return native
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
            made: tuple[Invoke, Agent[Any]] = getattr(invoke, "_hexgate_agent", (invoke, below))
            decided = _rebound(made[0], made[1], gated._agent_instance)
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
            gated.needs_approval = self._asks(name, tool, agent, vars(decided).pop(_PREPARE, None))
        return gated

    def _decided(self, name: str, invoke: Invoke, agent: Agent[Any]) -> Invoke:
        @functools.wraps(invoke)
        async def decided(context: Any, arguments: str) -> Any:
            # Some models write nothing where there is nothing to say.
            text = arguments or "{}"
            try:
                permit = await self.permit(name, text, agent, getattr(context, "tool_call_id", None))
                inexact = _inexact(permit)
                if inexact is not None:
                    return inexact
                with permit:
                    if hasattr(context, "tool_arguments"):
                        context.tool_arguments = permit.arguments_json
                    result = await invoke(context, permit.arguments_json)
                    permit.complete(result)
            except CallDenied as denied:
                # Also of what a tool asked by itself, and of an agent below that may not run.
                return denied.as_error_message()
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
            await inner.begin(self.of(below.name))
            try:
                with going_on(inner):
                    return await invoke(context, arguments)
            finally:
                inner.close()

        return run

    def _asks(
        self, name: str, tool: FunctionTool, agent: Agent[Any], prepare: Callable[..., Any] | None
    ) -> Callable[..., Awaitable[bool]]:
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
                if decision is not None and decision.approval_key:
                    self.questions.add(Pending(decision.approval_key, name, text, call_id, decision))
                return True
            except CallDenied as denied:
                outcome = denied
            if going is not None:
                going.keep(name, text, call_id, outcome)
            own = tool.needs_approval
            if callable(own):
                # As the SDK has it: what such a function is shown is what runs, or a person looks at it.
                prepared = None if prepare is None else prepare(text, tool.name)
                if prepared is not None and not prepared.unchanged:
                    return True
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

    async def permit(self, name: str, text: str, agent: Agent[Any], call_id: str | None) -> Permit:
        """The permission for a call that is invoked now."""
        going = self.going()
        outcome = None if going is None else going.kept(name, text, call_id)
        if isinstance(outcome, CallDenied):
            raise outcome
        if outcome is not None:
            return outcome
        answer = None
        if self.pauses and going is not None and call_id is not None and (self.questions or going.approvals):
            answer = Answered(going, call_id)
        return await self._authorize(name, text, agent, answer)

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
            permit = await self.permit(name, json.dumps(arguments, ensure_ascii=False), agent, None)
        except CallDenied as error:
            return denied(error.as_error_message())
        with permit:
            result = run()
            if inspect.isawaitable(result):
                result = await result
            permit.complete(result if isinstance(result, str) else repr(result))
        return result

    # Handoffs

    def handoff(self, it: Agent[Any] | Handoff[Any, Any], owner: Agent[Any]) -> Handoff[Any, Any]:
        if isinstance(it, GatedHandoff) and it._hexgate[0] is self:
            return it
        kept: dict[int, tuple[Any, GatedHandoff]] = vars(owner).setdefault("_hexgate_kept", {})
        if id(it) not in kept:
            kept[id(it)] = (it, GatedHandoff(self, it, owner))
        return kept[id(it)][1]


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
        # Another step.
        DENIED.set(None)
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
            going.propose(response.output, agent.name)
        if self._inner is not None:
            await self._inner.on_llm_end(context, agent, response)


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
