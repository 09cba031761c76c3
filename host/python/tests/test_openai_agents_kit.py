"""The scenarios of the kit, played by agents of the OpenAI Agents SDK whose model is a script."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("agents")

from agents import Agent, FunctionTool, RunHooks, WebSearchTool, handoff, set_tracing_disabled
from agents.mcp import MCPServer
from agents.testing import ModelStep, ScriptedModel, assistant_message, function_call
from agents.tool import set_function_tool_failure_error_function, with_function_tool_failure_error_handler
from agents.version import __version__ as version
from mcp.types import CallToolResult, TextContent, Tool as McpTool

import hexgate_host as hexgate
from hexgate_host.openai_agents import HexgateRunner
from kit import (
    Absent,
    Driver,
    NoGate,
    Play,
    Rewrite,
    Scenario,
    Script,
    Seen,
    Tool,
    ToolFails,
    Uncovered,
    Ungated,
    check,
    outcome,
    scenarios,
)

# More turns than any scenario has.
TURNS = 20


class OpenAiAgents(Driver):
    host = "openai-agents"
    title = f"OpenAI Agents SDK {version}"

    def __init__(self, streamed: bool = False) -> None:
        self.streamed = streamed

    def uncovered(self, scenario: Scenario) -> Uncovered | None:
        if scenario.gate == "recorder_panics":
            return Absent("what records is the audit log; a program in Python brings none of its own")
        if scenario.around.rewrite_after is not None:
            return Absent("the decision is the last step before the body of the tool")
        return None

    def ungated(self) -> list[Ungated]:
        return [
            Ungated(
                "tools of the provider, computers, stored prompts",
                "they do not run where they can be decided; each is an error, unless `accept_ungated` names it",
            ),
            Ungated("tools that `model_settings.extra_body` asks the provider for", "the SDK does not see them"),
        ]

    async def play(self, play: Play) -> Seen:
        try:
            enforcer = play.enforcer()
            others = {name: play.enforcer(name) for name, _ in play.scenario.agents()}
        except NoGate as reason:
            return play.without_gate(str(reason))
        player = Player(play)
        agent = player.agent(play.agent, play.tools, play.script)

        def made() -> HexgateRunner:
            return HexgateRunner(enforcer, enforcers=others, accept_ungated=["web_search"])

        runner = made()
        if play.around.wrapped_twice:
            agent = made().gate(agent)
        options: dict[str, Any] = {"user": play.caller, "hooks": player}
        try:
            if self.streamed or play.around.entry == "streamed":
                await play.until_cancelled(follow(runner, agent, options))
            else:
                await play.until_cancelled(runner.run(agent, "Go.", **options))
        except hexgate.CallDenied as denied:
            return play.without_gate(str(denied))
        except (BrokenStream, UnicodeEncodeError, RecursionError):
            # The run ends with the stream; and the SDK itself cannot take half of a surrogate pair, and deep nesting.
            pass
        seen = await play.seen([player.read[it] for it in player.proposed if it in player.read])
        seen.named_uncovered = list(runner.ungated)
        return seen


async def follow(runner: HexgateRunner, agent: Agent[Any], options: dict[str, Any]) -> None:
    result = runner.run_streamed(agent, "Go.", **options)
    try:
        async for _ in result.stream_events():
            pass
    except asyncio.CancelledError:
        result.cancel()
        raise


def told(context: Any, error: Exception) -> str:
    """What the model reads of a failure. By default the SDK tells nothing of it."""
    return str(error) if isinstance(error, ToolFails) else "the tool failed"


class BrokenStream(Exception):
    """The stream of a model breaks off."""


class Player(RunHooks[Any]):
    """The models of a play, and the hook of a program that rewrites what they propose."""

    def __init__(self, play: Play) -> None:
        self.play = play
        # What the root's model proposed, and what any model read.
        self.proposed: list[str] = []
        self.read: dict[str, str] = {}
        self._calls = 0

    def agent(self, name: str, tools: list[Tool], script: Script) -> Agent[Any]:
        names = {tool.name: f"transfer_to_{tool.name}" if tool.kind == "handoff" else tool.name for tool in tools}
        later = {tool.name: self.function(tool) for tool in tools if tool.kind == "later"}
        made: Agent[Any] = Agent(name=name)

        def answer(call: Any) -> Any:
            for item in call.input if isinstance(call.input, list) else []:
                if item.get("type") == "function_call_output":
                    self.read[item["call_id"]] = str(item["output"])
            turn = script.next()
            made.tools.extend(later.pop(it) for it in script.adds())
            if turn is None:
                return [assistant_message("Done.")]
            output: list[Any] = [assistant_message(turn.text)] if turn.text else []
            for proposed in turn.calls:
                self._calls += 1
                call_id = f"call_{self._calls}"
                if name == self.play.agent:
                    self.proposed.append(call_id)
                arguments = proposed.arguments
                if proposed.tool == "helper":
                    arguments = arguments.replace('"task"', '"input"')
                output.append(
                    function_call(names.get(proposed.tool, proposed.tool), arguments, call_id=call_id)
                )
            if turn.broken:
                return ModelStep.stream(self.breaks, output=output)
            return output

        made.model = ScriptedModel([ModelStep.respond(answer) for _ in range(TURNS)])
        made.tools.extend(later.pop(it) for it in script.adds())
        for tool in tools:
            if tool.kind == "function":
                made.tools.append(self.function(tool))
            elif tool.kind == "provider":
                made.tools.append(WebSearchTool())
            elif tool.agent is not None:
                below = self.agent(tool.name, tool.agent.tools, self.play.script_of(tool.name, tool.agent))
                if tool.kind == "agent":
                    made.tools.append(below.as_tool(tool.name, tool.description()))
                else:
                    made.handoffs.append(handoff(below))
        served = [tool for tool in tools if tool.kind == "mcp"]
        if served:
            made.mcp_servers = [Files(self.play, served)]
        return made

    def function(self, tool: Tool) -> FunctionTool:
        async def invoke(context: Any, arguments: str) -> str:
            return await self.play.toolbox.run(tool.name, arguments)

        made = FunctionTool(
            tool.name,
            tool.description(),
            tool.schema,
            with_function_tool_failure_error_handler(invoke, lambda *_: None),
            strict_json_schema=False,
        )
        return set_function_tool_failure_error_function(made, told)

    @staticmethod
    async def breaks(call: Any) -> Any:
        raise BrokenStream("the connection is lost")
        yield

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        # The last moment before the tool is invoked, and what the SDK lets a hook change.
        rewrite: Rewrite | None = self.play.around.rewrite_before
        if rewrite is not None and tool.name == rewrite.tool:
            context.tool_call.arguments = rewrite.arguments


class Files(MCPServer):
    """A server of the Model Context Protocol."""

    def __init__(self, play: Play, tools: list[Tool]) -> None:
        super().__init__()
        self._play = play
        self._tools = tools

    @property
    def name(self) -> str:
        return "files"

    async def connect(self) -> None: ...

    async def cleanup(self) -> None: ...

    async def list_tools(self, run_context: Any = None, agent: Any = None) -> list[McpTool]:
        return [
            McpTool.model_validate({"name": it.name, "description": it.description(), "inputSchema": it.schema})
            for it in self._tools
        ]

    async def call_tool(self, tool_name: str, arguments: Any, meta: Any = None) -> CallToolResult:
        text = await self._play.toolbox.run(tool_name, json.dumps(arguments))
        return CallToolResult(content=[TextContent(type="text", text=text)])

    async def list_prompts(self) -> Any:
        raise NotImplementedError

    async def get_prompt(self, name: str, arguments: Any = None) -> Any:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def no_traces() -> None:
    set_tracing_disabled(True)


def test_every_scenario_holds() -> None:
    asyncio.run(check(OpenAiAgents()))


def test_a_streamed_run_holds_alike() -> None:
    async def all_of_them() -> None:
        plain, streamed = OpenAiAgents(), OpenAiAgents(streamed=True)
        for scenario in scenarios():
            found = await outcome(streamed, scenario)
            assert (found == "passes") == (plain.uncovered(scenario) is None), scenario.name

    asyncio.run(all_of_them())
