"""Graphs that are compiled already: a copy in which every ``ToolNode`` asks the gate."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from langchain_core.runnables import Runnable, RunnableBinding, RunnableSequence
from langgraph.prebuilt import ToolNode
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.pregel import Pregel
from langgraph.pregel.protocol import PregelProtocol

from ._errors import HexgateError
from ._events import logger
from ._langchain_gate import Result, ToolGate, provider_tool, provider_tools
from ._langchain_seal import why_not

_Graph = Pregel[Any, Any, Any, Any]


def gated_graph(graph: _Graph, gate: ToolGate) -> _Graph:
    """A copy of a graph, and of the graphs in it. An error for what cannot be gated and is not accepted."""
    found: dict[str, str] = {}
    copied = _graph(graph, gate, found)
    gate.must_be_gated(found)
    return copied


def _graph(graph: _Graph, gate: ToolGate, found: dict[str, str]) -> _Graph:
    nodes = {}
    for name, node in graph.nodes.items():
        bound = _runnable(node.bound, gate, found, name)
        if bound is node.bound:
            nodes[name] = node
            continue
        changes: dict[str, Any] = {"bound": bound, "subgraphs": None}
        if node.cache_policy is not None:
            logger.warning("the node %r keeps results, which no policy decides: it keeps none in the gated copy", name)
            changes["cache_policy"] = None
        nodes[name] = node.copy(changes)
    return graph.copy({"nodes": nodes})


def _runnable(bound: Any, gate: ToolGate, found: dict[str, str], name: str) -> Any:
    if isinstance(bound, ToolNode):
        return _tool_node(bound, gate, found)
    if isinstance(bound, Pregel):
        return _graph(bound, gate, found)
    if isinstance(bound, RunnableBinding):
        found.update(provider_tools(cast("dict[str, Any]", bound.kwargs)))
        inner = _runnable(bound.bound, gate, found, name)
        return bound if inner is bound.bound else bound.model_copy(update={"bound": inner})
    if isinstance(bound, RunnableSequence):
        steps = [_runnable(step, gate, found, name) for step in bound.steps]
        if all(one is other for one, other in zip(steps, bound.steps, strict=True)):
            return bound
        return RunnableSequence(*steps, name=bound.name)
    if _is_elsewhere(bound):
        found[name] = "the graph of this node runs elsewhere"
        return bound
    for function in (getattr(bound, "func", None), getattr(bound, "afunc", None)):
        _look_at(function, found)
    return bound


def _is_elsewhere(bound: object) -> bool:
    # A wrapped agent is a graph to others; it has a gate of its own.
    return isinstance(bound, PregelProtocol) and not isinstance(bound, Pregel)


def _look_at(function: Any, found: dict[str, str]) -> None:
    """Models with tools of their provider, as far as a node's function names them. What is not found here is held back when the model is asked."""
    while isinstance(function, partial):
        function = function.func
    function = getattr(function, "__func__", function)
    try:
        variables = inspect.getclosurevars(function)
    except (TypeError, ValueError):
        return
    # Where `create_agent` keeps what it shows its model.
    for tool in variables.nonlocals.get("default_tools") or ():
        found.update(dict.fromkeys(provider_tool(tool), "it runs at the model's provider"))
    for value in [*variables.nonlocals.values(), *variables.globals.values()]:
        for part in value.steps if isinstance(value, RunnableSequence) else [value]:
            if isinstance(part, RunnableBinding):
                found.update(provider_tools(cast("dict[str, Any]", part.kwargs)))


def _tool_node(node: ToolNode, gate: ToolGate, found: dict[str, str]) -> ToolNode:
    for name, tool in node.tools_by_name.items():
        reason = why_not(tool)
        if reason is not None:
            found[name] = reason
    before, abefore = node._wrap_tool_call, node._awrap_tool_call
    copied = copy.copy(node)
    func, afunc = node.func, node.afunc
    if not inspect.ismethod(func) or not inspect.ismethod(afunc) or not func.__self__ is afunc.__self__ is node:
        raise HexgateError(
            f"the tool node {node.name!r} runs in a way that is not known",
            "ungated_tools",
            "use a version of langgraph that hexgate-host[langchain] names",
        )
    # A node calls its own methods, so the copy has to call the copy's.
    copied.func = getattr(copied, func.__name__)
    copied.afunc = getattr(copied, afunc.__name__)
    copied._wrap_tool_call = gate.wrap_tool_call if before is None else partial(_behind, before, gate)
    if abefore is not None:
        copied._awrap_tool_call = partial(_abehind, abefore, gate)
    elif before is None:
        copied._awrap_tool_call = gate.awrap_tool_call
    return copied


def _behind(
    before: Callable[[ToolCallRequest, Callable[[ToolCallRequest], Result]], Result],
    gate: ToolGate,
    request: ToolCallRequest,
    execute: Callable[[ToolCallRequest], Result],
) -> Result:
    """The gate comes last, whatever the node had already."""
    return before(request, lambda changed: gate.wrap_tool_call(changed, execute))


async def _abehind(
    before: Callable[[ToolCallRequest, Callable[[ToolCallRequest], Awaitable[Result]]], Awaitable[Result]],
    gate: ToolGate,
    request: ToolCallRequest,
    execute: Callable[[ToolCallRequest], Awaitable[Result]],
) -> Result:
    async def gated(changed: ToolCallRequest) -> Result:
        return await gate.awrap_tool_call(changed, execute)

    return await before(request, gated)
