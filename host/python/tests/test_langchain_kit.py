"""Agents of LangChain and graphs of LangGraph, held to the scenarios of the kit."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("langchain")

from kit import Absent, Bug, Driver, NoGate, OpenIn, Play, Scenario, Seen, Tool, ToolFails, Uncovered, Ungated, check
from kit.play import Script
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, ToolRuntime, tools_condition
from langgraph.types import Command
from langchain_model import Broken, Heard, Said, Scripted, Streaming

import hexgate_host as hexgate
from hexgate_host.langchain import HexgateMiddleware, wrap_langchain_agent


class Errors(AgentMiddleware[Any, Any, Any]):
    """What a program does so that its run goes on when a tool fails."""

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        return await told(request, handler)


async def told(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
    call = request.tool_call
    try:
        return await handler(request)
    except ToolFails as failure:
        return ToolMessage(str(failure), name=call["name"], tool_call_id=call["id"], status="error")
    except Bug:
        return ToolMessage("the tool failed", name=call["name"], tool_call_id=call["id"], status="error")


class Rewrites(AgentMiddleware[Any, Any, Any]):
    """Another middleware changes arguments."""

    def __init__(self, tool: str, arguments: str) -> None:
        super().__init__()
        self.tool, self.arguments = tool, arguments

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        if request.tool_call["name"] == self.tool:
            request = request.override(tool_call={**request.tool_call, "args": json.loads(self.arguments)})
        return await handler(request)


class Later(AgentMiddleware[Any, Any, Any]):
    """Tools that come into being while the agent runs."""

    def __init__(self, play: Play) -> None:
        super().__init__()
        self.play = play
        self.added: dict[str, BaseTool] = {}

    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        for name in self.play.script.adds():
            self.added[name] = function(self.play, next(tool for tool in self.play.tools if tool.name == name))
        return await handler(request.override(tools=[*request.tools, *self.added.values()]))

    async def awrap_tool_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        if request.tool is None and request.tool_call["name"] in self.added:
            request = request.override(tool=self.added[request.tool_call["name"]])
        return await handler(request)


def function(play: Play, tool: Tool) -> BaseTool:
    async def run(**arguments: Any) -> str:
        return await play.toolbox.run(tool.name, json.dumps(arguments, ensure_ascii=False))

    return StructuredTool(name=tool.name, description=tool.description(), args_schema=tool.schema, coroutine=run)


def model(play: Play, script: Script, name: str, heard: Heard) -> Scripted:
    def say(nth: int) -> Said | None:
        turn = script.next()
        if turn is None:
            return None
        return Said([(call.tool, call.arguments) for call in turn.calls], turn.text, turn.broken)

    kind = Streaming if play.around.entry == "streamed" else Scripted
    return kind(next=say, heard=heard, name_of_calls=name)


def messages() -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "Do it."}]}


class Agents(Driver):
    """`create_agent` with the middleware."""

    host = "langchain"
    title = "LangChain"
    keeps_bytes = False

    def policy_name(self, tool: Tool) -> str:
        # The framework calls tools of servers by their own names.
        return tool.name if tool.kind == "mcp" else super().policy_name(tool)

    def uncovered(self, scenario: Scenario) -> Uncovered | None:
        if scenario.gate == "recorder_panics":
            return Absent("what records is the audit log; a program in Python brings none of its own")
        if scenario.around.rewrite_after is not None:
            return OpenIn(
                ["records"],
                "calls are decided at the tool, after every middleware: what one behind the gate makes of the arguments is what is decided, and here it is denied",
            )
        return None

    def ungated(self) -> list[Ungated]:
        return [
            Ungated(
                "tools of the provider",
                "they run at the provider of the model: an error before the model is asked, unless `accept_ungated` names them; then they are in a warning and in `ungated`",
            ),
            Ungated(
                "what another middleware does by itself",
                "one that is listed before the gate and answers in a tool's place never comes to the tool",
            ),
        ]

    async def play(self, play: Play) -> Seen:
        heard = Heard()
        gates: list[Any] = []
        with contextlib.ExitStack() as scopes:
            try:
                agent = self.agent(play, heard, gates)
            except NoGate as reason:
                return play.without_gate(str(reason))
            if play.caller is not None:
                scopes.enter_context(play.caller)
            try:
                await play.until_cancelled(self.run(play, agent))
            except Broken:
                pass
            except hexgate.CallDenied as denied:
                if "agent.run" not in str(denied):
                    raise
                return play.without_gate(str(denied))
            except ValueError as error:
                # The framework's own messages refuse arguments that are no object.
                if "tool_calls" not in str(error):
                    raise
        seen = await play.seen(heard.results())
        seen.named_uncovered = [name for gate in gates for name in gate.ungated]
        return seen

    async def run(self, play: Play, agent: Any) -> None:
        # The framework runs the calls of an answer side by side, and begins them in any order, if it may.
        config = {} if any(tool.parallel for tool in play.tools) else {"max_concurrency": 1}
        if play.around.entry == "streamed":
            async for _ in agent.astream(messages(), config, stream_mode=["messages", "updates"]):
                pass
        else:
            await agent.ainvoke(messages(), config)

    def agent(self, play: Play, heard: Heard, gates: list[Any]) -> Any:
        tools: list[Any] = []
        agents, handoffs, helpers = {}, {}, {}
        for tool in play.tools:
            if tool.kind in ("function", "mcp"):
                tools.append(function(play, tool))
            elif tool.kind == "provider":
                tools.append({"type": tool.name})
            elif tool.kind == "agent":
                agents[tool.name] = tool.name
                tools.append(self.delegation(self.helper(play, tool), tool.name))
            elif tool.kind == "handoff":
                handoffs[tool.name] = tool.name
                helpers[tool.name] = self.helper(play, tool)
                tools.append(transfer(tool.name))
        enforcer = play.enforcer()
        names = [tool.name for tool in play.tools if tool.kind == "provider"]
        gate = HexgateMiddleware(enforcer, agents=agents, handoffs=handoffs, accept_ungated=names)
        gates.append(gate)
        middleware: list[AgentMiddleware[Any, Any, Any]] = [Errors(), Later(play)]
        before, after = play.around.rewrite_before, play.around.rewrite_after
        if before is not None:
            middleware.append(Rewrites(before.tool, before.arguments))
        middleware.append(gate)
        if play.around.wrapped_twice:
            middleware.append(HexgateMiddleware(enforcer, name="again"))
        if after is not None:
            middleware.append(Rewrites(after.tool, after.arguments))
        agent: Any = create_agent(model(play, play.script, "c", heard), tools, middleware=middleware)
        if helpers:
            builder = StateGraph(MessagesState)
            builder.add_node("main", agent, destinations=tuple(helpers))
            builder.add_edge(START, "main")
            for name, helper in helpers.items():
                builder.add_node(name, helper)
            agent = builder.compile()
        return wrap_langchain_agent(agent, enforcer) if play.around.wrapped_twice else agent

    def helper(self, play: Play, tool: Tool) -> Any:
        assert tool.agent is not None
        tools = [function(play, it) for it in tool.agent.tools]
        gate = HexgateMiddleware(play.enforcer(tool.name))
        asked = model(play, play.script_of(tool.name, tool.agent), "h", Heard())
        return create_agent(asked, tools, middleware=[Errors(), gate])

    def delegation(self, helper: Any, name: str) -> BaseTool:
        async def ask(task: str) -> str:
            answer = await helper.ainvoke({"messages": [{"role": "user", "content": task}]})
            return str(answer["messages"][-1].text)

        return StructuredTool.from_function(coroutine=ask, name=name, description="Asks another agent.")


def transfer(name: str, graph: str | None = Command.PARENT) -> BaseTool:
    async def go(task: str, runtime: ToolRuntime) -> Command[Any]:
        done = ToolMessage("transferred", name=name, tool_call_id=runtime.tool_call_id)
        # Another graph's node is given the conversation with the answer to this call in it.
        update = {"messages": [*runtime.state["messages"], done]}
        return Command(goto=name, graph=graph, update=update if graph else {"messages": [done]})

    return StructuredTool.from_function(coroutine=go, name=name, description="Hands over to another agent.")


class Graphs(Agents):
    """A graph of LangGraph with a `ToolNode`, wrapped after it was compiled, and the user named at each run."""

    host = "langgraph"
    title = "LangGraph"

    def uncovered(self, scenario: Scenario) -> Uncovered | None:
        if scenario.around.rewrite_after is not None:
            return Absent("the gate comes last in each node, so nothing changes arguments behind it")
        return super().uncovered(scenario)

    def ungated(self) -> list[Ungated]:
        return [
            super().ungated()[0],
            Ungated(
                "what a node does by itself",
                "a node is a function of the program; a tool that it calls is refused, unless it was handed over to be sealed (`tools=`)",
            ),
        ]

    async def run(self, play: Play, agent: Any) -> None:
        config = {} if any(tool.parallel for tool in play.tools) else {"max_concurrency": 1}
        if play.around.entry == "streamed":
            async for _ in agent.astream_events(messages(), config, user=play.caller):
                pass
        else:
            await agent.ainvoke(messages(), config, user=play.caller)

    def agent(self, play: Play, heard: Heard, gates: list[Any]) -> Any:
        agents, handoffs, helpers = {}, {}, {}
        tools: list[BaseTool] = []
        for tool in play.tools:
            if tool.kind in ("function", "mcp"):
                tools.append(function(play, tool))
            elif tool.kind == "agent":
                agents[tool.name] = tool.name
                tools.append(self.delegation(self.helper(play, tool), tool.name))
            elif tool.kind == "handoff":
                handoffs[tool.name] = tool.name
                helpers[tool.name] = self.helper(play, tool)
                tools.append(transfer(tool.name, graph=None))
        provider = [tool.name for tool in play.tools if tool.kind == "provider"]
        graph = self.graph(play, model(play, play.script, "c", heard), tools, provider, helpers)
        enforcer = play.enforcer()
        options: Any = {"agents": agents, "handoffs": handoffs, "accept_ungated": provider}
        agent = wrap_langchain_agent(graph, enforcer, **options)
        if play.around.wrapped_twice:
            agent = wrap_langchain_agent(agent.graph, enforcer, tools=tools, **options)
        gates.append(agent)
        return agent

    def helper(self, play: Play, tool: Tool) -> Any:
        assert tool.agent is not None
        asked = model(play, play.script_of(tool.name, tool.agent), "h", Heard())
        graph = self.graph(play, asked, [function(play, it) for it in tool.agent.tools], [], {})
        return wrap_langchain_agent(graph, play.enforcer(tool.name))

    def graph(self, play: Play, asked: Scripted, tools: list[BaseTool], provider: list[str], helpers: dict[str, Any]) -> Any:
        later = Later(play)
        rewrite = play.around.rewrite_before or play.around.rewrite_after

        async def think(state: MessagesState) -> dict[str, Any]:
            for name in play.script.adds():
                later.added[name] = function(play, next(tool for tool in play.tools if tool.name == name))
            bound = asked.bind_tools([*tools, *later.added.values(), *({"type": name} for name in provider)])
            return {"messages": [await bound.ainvoke(state["messages"])]}

        async def around(request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
            async def added(request: Any) -> Any:
                return await later.awrap_tool_call(request, handler)

            async def rewritten(request: Any) -> Any:
                if rewrite is None:
                    return await added(request)
                return await Rewrites(rewrite.tool, rewrite.arguments).awrap_tool_call(request, added)

            return await told(request, rewritten)

        builder = StateGraph(MessagesState)
        builder.add_node("think", think)
        builder.add_node("tools", ToolNode(tools, awrap_tool_call=around), destinations=tuple(helpers) or None)
        builder.add_edge(START, "think")
        builder.add_conditional_edges("think", tools_condition)
        if not helpers:
            builder.add_edge("tools", "think")
        else:
            builder.add_conditional_edges("tools", lambda state: "think" if state["messages"][-1].type == "tool" and state["messages"][-1].text != "transferred" else "__end__")
        for name, helper in helpers.items():
            builder.add_node(name, helper)
        return builder.compile()


@pytest.mark.parametrize("driver", [Agents(), Graphs()], ids=["langchain", "langgraph"])
def test_every_scenario_holds(driver: Driver) -> None:
    asyncio.run(check(driver))
