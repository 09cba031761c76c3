"""The gate as a middleware of ``create_agent``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, NotRequired

from langchain.agents.middleware.types import (
    AgentMiddleware,
    AgentState,
    ExtendedModelResponse,
    ModelRequest,
    ModelResponse,
    PrivateStateAttr,
)
from langchain_core.messages import AIMessage
from langchain_core.tools import BaseTool
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.runtime import Runtime

from ._enforcer import Enforcer
from ._events import logger
from ._langchain_gate import RUN, Result, ToolGate, new_name, provider_tool, provider_tools, who

Answered = ModelResponse[Any] | AIMessage | ExtendedModelResponse[Any]


class GatedState(AgentState[Any]):
    """The state of a gated agent."""

    hexgate_run: NotRequired[Annotated[str, PrivateStateAttr]]


class HexgateMiddleware(AgentMiddleware[GatedState, Any, Any]):
    """Decides every call of a tool: ``create_agent(model, tools, middleware=[..., HexgateMiddleware(enforcer)])``. List it last.

    Calls are decided where the tool runs, whatever other middleware makes of their arguments. A denial is a ``ToolMessage`` that the model reads, and the run
    goes on. ``interrupts=True`` asks people by ``interrupt()``; ``agents`` and ``handoffs`` say which tools are agents (``{"ask": "researcher"}``);
    ``accept_ungated`` names what may run without being asked about.
    """

    state_schema = GatedState

    def __init__(
        self,
        enforcer: Enforcer,
        *,
        interrupts: bool = False,
        agents: Mapping[str, str] | None = None,
        handoffs: Mapping[str, str] | None = None,
        accept_ungated: Sequence[str] = (),
        name: str = "HexgateMiddleware",
    ) -> None:
        super().__init__()
        self.tools = []
        self.gate = ToolGate(
            enforcer, interrupts=interrupts, agents=agents, handoffs=handoffs, accept_ungated=accept_ungated
        )
        self._name = name
        self._told = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def ungated(self) -> dict[str, str]:
        """What runs undecided because it was accepted, and why it cannot be decided, as far as it was seen."""
        return self.gate.ungated

    # The run.

    def before_agent(self, state: GatedState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Begins a run: looks for another policy, and asks whether the caller may run the agent."""
        if self.gate.is_entered():
            return None
        name = new_name()
        self.gate.begin_sync(name)
        return {RUN: name}

    async def abefore_agent(self, state: GatedState, runtime: Runtime[Any]) -> dict[str, Any] | None:
        if self.gate.is_entered():
            return None
        name = new_name()
        await self.gate.begin(name)
        return {RUN: name}

    # The model.

    def wrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], ModelResponse[Any]]
    ) -> Answered:
        """Shows the model what the caller could call, and holds back requests with tools that nobody could decide."""
        self.gate.run_of_sync(request.state)
        self._say_if_not_last(handler)
        response = handler(self._shown(request))
        self._look(response)
        return response

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> Answered:
        await self.gate.run_of(request.state)
        self._say_if_not_last(handler)
        response = await handler(self._shown(request))
        self._look(response)
        return response

    def _shown(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        found: dict[str, str] = {}
        shown: list[BaseTool | dict[str, Any]] = []
        for tool in request.tools:
            if isinstance(tool, BaseTool):
                if self.gate.shows(tool):
                    shown.append(tool)
                continue
            names = provider_tool(tool)
            found.update(dict.fromkeys(names, "it runs at the model's provider"))
            name = _function_name(tool)
            if names or name is None or self.gate.shows(name):
                shown.append(tool)
        # Models can have tools bound to them beside those of the agent.
        found.update(provider_tools(request.model_settings))
        bound: Any = request.model
        while bound is not None:
            found.update(provider_tools(getattr(bound, "kwargs", None) or {}))
            found.update(provider_tools(getattr(bound, "model_kwargs", None) or {}))
            bound = getattr(bound, "bound", None)
        self.gate.must_be_gated(found)
        return request.override(tools=shown)

    def _look(self, response: ModelResponse[Any]) -> None:
        """Calls whose arguments are no JSON never come to a tool. They are on record all the same."""
        for message in response.result:
            for call in message.invalid_tool_calls if isinstance(message, AIMessage) else ():
                name = self.gate.policy_name(call.get("name") or "")
                self.gate.enforcer.in_vain(name, call.get("args"), "invalid_arguments", caller=who())

    # The tools.

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Result]) -> Result:
        """Decides a call."""
        self._say_if_not_last(handler)
        return self.gate.wrap_tool_call(request, handler)

    async def awrap_tool_call(
        self, request: ToolCallRequest, handler: Callable[[ToolCallRequest], Awaitable[Result]]
    ) -> Result:
        self._say_if_not_last(handler)
        return await self.gate.awrap_tool_call(request, handler)

    def _say_if_not_last(self, handler: object) -> None:
        if self._told or getattr(handler, "__qualname__", "") in _INNERMOST or self.gate.is_entered():
            return
        self._told = True
        logger.warning(
            "%s is not listed last: middleware behind it can answer in a tool's place, which is withheld, and can show the model other tools",
            self._name,
        )


# What the framework calls when no other middleware is left.
_INNERMOST = frozenset(
    {
        "ToolNode._run_one.<locals>.execute",
        "ToolNode._arun_one.<locals>.execute",
        "create_agent.<locals>._execute_model_sync",
        "create_agent.<locals>._execute_model_async",
    }
)


def _function_name(tool: object) -> str | None:
    """The name of a function that is described to a model without a tool behind it."""
    if not isinstance(tool, dict):
        return None
    function = tool.get("function")
    name = function.get("name") if isinstance(function, dict) else tool.get("name")
    return name if isinstance(name, str) else None
