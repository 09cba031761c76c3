"""Agents of LangChain behind a policy, beside the scenarios of the kit."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import enum
import json
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import pytest

pytest.importorskip("langchain")

from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ToolRetryMiddleware
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, InjectedToolArg, InjectedToolCallId, StructuredTool, Tool, ToolException, tool
from langgraph.cache.memory import InMemoryCache
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode, ToolRuntime, tools_condition
from langgraph.pregel.remote import RemoteGraph
from langgraph.prebuilt.tool_node import ToolCallRequest
from langgraph.types import CachePolicy, Command, interrupt
from langchain_model import Said, Scripted, Streaming
from pydantic import BaseModel, Field, SecretStr, field_validator

import hexgate_host as hexgate
from hexgate_host.langchain import HexgateMiddleware, ToolGate, as_answer, resume, wrap_langchain_agent

POLICY = """\
roles:
  default: {}
  support:
    tools:
      view: {mode: allow}
      add: {mode: allow, constraints: [args.amount <= 50]}
      pay: {mode: approval_required}
      counted: {mode: allow, constraints: [run.calls_of_this_tool < 2]}
      "agent.tool:researcher": {mode: allow}
  lead:
    inherits: [support]
    tools:
      wipe: {mode: allow}
"""


class Kept:
    """An enforcer, and what it decided."""

    def __init__(self, policy: str = POLICY, agent: str = "desk", **options: Any) -> None:
        self.decisions: list[hexgate.Decision] = []
        self.enforcer = hexgate.Enforcer.from_yaml(agent, policy, observers=[self.decisions.append], **options)

    @property
    def told(self) -> list[tuple[str, str]]:
        return [(it.tool_name, it.outcome) for it in self.decisions]


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def alice() -> hexgate.User:
    return hexgate.User("alice", "support", "s-1")


@pytest.fixture
def ran() -> list[Any]:
    return []


@pytest.fixture
def view(ran: list[Any]) -> BaseTool:
    @tool
    def view(id: int = 1) -> str:
        """Looks."""
        ran.append(("view", id, hexgate.current_caller().user_id))
        return f"order {id} of {hexgate.current_caller().user_id}"

    return view


@pytest.fixture
def add(ran: list[Any]) -> BaseTool:
    @tool
    def add(amount: int) -> str:
        """Adds."""
        ran.append(amount)
        return f"added {amount}"

    return add


@pytest.fixture
def pay(ran: list[Any]) -> BaseTool:
    @tool
    def pay(amount: int) -> str:
        """Pays."""
        ran.append(amount)
        return f"paid {amount}"

    return pay


def read(result: dict[str, Any]) -> list[str]:
    return [message.text for message in result["messages"] if isinstance(message, ToolMessage)]


def hi() -> dict[str, Any]:
    return {"messages": [HumanMessage("hi")]}


def graph_of(tools: list[Any], model: Any, **options: Any) -> Any:
    """An agent by hand: a node that thinks, and a `ToolNode`."""
    saver = options.pop("checkpointer", None)
    node = options.pop("node", None) or ToolNode(tools, **options)
    bound = model.bind_tools(tools)
    builder = StateGraph(MessagesState)
    builder.add_node("think", lambda state: {"messages": [bound.invoke(state["messages"])]})
    builder.add_node("tools", node)
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", tools_condition)
    builder.add_edge("tools", "think")
    return builder.compile(checkpointer=saver)


def test_without_the_framework_the_import_names_the_extra() -> None:
    program = "import sys; sys.modules['langchain'] = None\ntry:\n import hexgate_host.langchain\nexcept ImportError as e: print(e)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "pip install 'hexgate-host[langchain]'" in done.stdout


# Callers.


class Meeting:
    """Two runs are in a tool at the same time."""

    def __init__(self) -> None:
        self.barrier = threading.Barrier(2, timeout=20)
        self.here = 0

    async def meet(self) -> None:
        self.here += 1
        end = time.monotonic() + 20
        while self.here < 2:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)


def test_two_users_at_the_same_time_in_the_threads_of_a_batch(kept: Kept) -> None:
    meeting = Meeting()

    @tool
    def view() -> str:
        """Looks."""
        meeting.barrier.wait()
        return hexgate.current_caller().user_id

    @tool
    def wipe() -> str:
        """Wipes."""
        return "wiped by " + hexgate.current_caller().user_id

    model = Scripted.saying([("view", {}), ("wipe", {})])
    agent = wrap_langchain_agent(create_agent(model, [view, wipe]), kept.enforcer)
    users = [hexgate.User("alice", "support"), hexgate.User("bob", "lead")]
    one, other = agent.batch([hi(), hi()], user=users)
    assert read(one)[0] == "alice" and read(one)[1].startswith("[policy_denied]")
    assert read(other) == ["bob", "wiped by bob"]
    assert [it.user_id for it in kept.decisions if it.outcome == "deny"] == ["alice"]
    with pytest.raises(ValueError, match="2 inputs and 1 users"):
        agent.batch([hi(), hi()], user=users[:1])
    with pytest.raises(TypeError, match="not str"):
        agent.invoke(hi(), user="alice")  # type: ignore[arg-type]


def test_two_users_at_the_same_time_in_the_tasks_of_an_event_loop(kept: Kept) -> None:
    async def main() -> None:
        meeting = Meeting()

        @tool
        async def view() -> str:
            """Looks."""
            await meeting.meet()
            return hexgate.current_caller().user_id

        model = Scripted.saying([("view", {})])
        agent = wrap_langchain_agent(create_agent(model, [view]), kept.enforcer)
        users = [hexgate.User("alice", "support"), hexgate.User("bob", "lead")]
        results = await agent.abatch([hi(), hi()], user=users)
        assert [read(result) for result in results] == [["alice"], ["bob"]]

        gated = create_agent(model, [view], middleware=[HexgateMiddleware(kept.enforcer)])
        meeting.here = 0

        async def run(user: hexgate.User) -> list[str]:
            async with user:
                return read(await gated.ainvoke(hi()))

        assert await asyncio.gather(*(run(user) for user in users)) == [["alice"], ["bob"]]

    asyncio.run(main())


@pytest.mark.parametrize("entry", ["batch", "threads"])
def test_the_scope_reaches_the_threads_of_the_framework(kept: Kept, alice: hexgate.User, view: BaseTool, entry: str) -> None:
    agent = create_agent(Scripted.saying([("view", {}), ("view", {"id": 2})]), [view], middleware=[HexgateMiddleware(kept.enforcer)])
    with alice:
        results = agent.batch([hi(), hi()]) if entry == "batch" else [agent.invoke(hi())]
    assert all(read(result) == ["order 1 of alice", "order 2 of alice"] for result in results)


def test_a_lost_scope_is_a_denial(kept: Kept, alice: hexgate.User, view: BaseTool, ran: list[Any]) -> None:
    model = Scripted.saying([("view", {})])
    gated = create_agent(model, [view], middleware=[HexgateMiddleware(kept.enforcer)])
    wrapped = wrap_langchain_agent(create_agent(model, [view]), kept.enforcer)
    found: list[Any] = []
    for agent in (gated, wrapped):
        assert read(agent.invoke(hi()))[0].startswith("[policy_denied]")
        with alice:
            thread = threading.Thread(target=lambda it=agent: found.append(contextvars.Context().run(it.invoke, hi())))
            thread.start()
            thread.join()
    assert all(read(result)[0].startswith("[policy_denied]") for result in found) and len(found) == 2
    assert ran == []
    with alice:
        left = wrapped.stream(hi())
        next(left)
    assert "[policy_denied]" in str(list(left)) and ran == []


def test_a_scope_that_is_opened_within_a_run_is_closer_than_the_user_of_the_run(kept: Kept, view: BaseTool) -> None:
    inner = create_agent(Scripted.saying([("view", {})]), [view], middleware=[HexgateMiddleware(kept.enforcer)])

    @tool
    def add(amount: int) -> str:
        """Asks for somebody else."""
        with hexgate.User("bob", "lead"):
            return read(inner.invoke(hi()))[0]

    outer = wrap_langchain_agent(create_agent(Scripted.saying([("add", {"amount": 1})]), [add]), kept.enforcer)
    assert read(outer.invoke(hi(), user=hexgate.User("alice", "support"))) == ["order 1 of bob"]


def test_what_goes_on_after_its_run_has_no_caller(kept: Kept, view: BaseTool, ran: list[Any]) -> None:
    async def main() -> None:
        inner = create_agent(Scripted.saying([("view", {})]), [view], middleware=[HexgateMiddleware(kept.enforcer)])
        left: list[asyncio.Task[Any]] = []

        @tool
        async def add(amount: int) -> str:
            """Leaves something behind."""

            async def later() -> Any:
                await asyncio.sleep(0.1)
                return await inner.ainvoke(hi())

            left.append(asyncio.create_task(later()))
            return "left"

        outer = wrap_langchain_agent(create_agent(Scripted.saying([("add", {"amount": 1})]), [add]), kept.enforcer)
        assert read(await outer.ainvoke(hi(), user=hexgate.User("alice", "support"))) == ["left"]
        assert read(await left[0])[0].startswith("[policy_denied]")

    asyncio.run(main())
    assert ran == []


# Arguments.


class Changes(AgentMiddleware[Any, Any, Any]):
    def __init__(self, **arguments: Any) -> None:
        super().__init__()
        self.arguments = arguments

    def wrap_tool_call(self, request: Any, handler: Any) -> Any:
        return handler(request.override(tool_call={**request.tool_call, "args": self.arguments}))


@pytest.mark.parametrize("order", ["before", "after"])
def test_what_other_middleware_makes_of_arguments_is_decided(
    kept: Kept, alice: hexgate.User, add: BaseTool, ran: list[Any], order: str, caplog: pytest.LogCaptureFixture
) -> None:
    for amount, expected in ((5, "added 5"), (5000, "[policy_denied]")):
        gate, other = HexgateMiddleware(kept.enforcer), Changes(amount=amount)
        middleware: list[Any] = [other, gate] if order == "before" else [gate, other]
        agent = create_agent(Scripted.saying([("add", {"amount": 1})]), [add], middleware=middleware)
        with alice:
            assert read(agent.invoke(hi()))[0].startswith(expected)
        assert kept.decisions[-1].arguments_json == json.dumps({"amount": amount}, separators=(",", ":"))
    assert ran == [5]
    assert ("is not listed last" in caplog.text) is (order == "after")


def test_arguments_that_are_changed_in_place_while_a_person_is_asked_do_not_run(alice: hexgate.User, pay: BaseTool, ran: list[Any]) -> None:
    args = {"amount": 1}

    class Shares(AgentMiddleware[Any, Any, Any]):
        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(tool_call={**request.tool_call, "args": args}))

    def people(decision: hexgate.Decision) -> bool:
        args["amount"] = 5000
        return True

    kept = Kept(approvals=people)
    agent = create_agent(Scripted.saying([("pay", {})]), [pay], middleware=[Shares(), HexgateMiddleware(kept.enforcer)])
    with alice:
        assert read(agent.invoke(hi())) == ["paid 1"]
    assert ran == [1]


def test_what_answers_in_the_place_of_a_tool_behind_the_gate_is_withheld(kept: Kept, alice: hexgate.User, add: BaseTool, ran: list[Any]) -> None:
    @tool
    def other(amount: int) -> str:
        """Another tool."""
        return "the secret is 7715"

    class Swaps(AgentMiddleware[Any, Any, Any]):
        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(tool=other))

    agent = create_agent(Scripted.saying([("add", {"amount": 1})]), [add], middleware=[HexgateMiddleware(kept.enforcer), Swaps()])
    with alice:
        assert read(agent.invoke(hi()))[0].startswith("[policy_denied]")
    assert ran == []


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Line(BaseModel):
    name: str
    count: int = 1


def decided(policy_tool: BaseTool, arguments: dict[str, Any]) -> tuple[list[str], list[hexgate.Decision]]:
    """What the model reads of a call, under a policy that allows it, and the decisions."""
    kept = Kept(f"roles: {{support: {{tools: {{{policy_tool.name}: {{mode: allow}}}}}}}}")
    agent = create_agent(
        Scripted.saying([(policy_tool.name, arguments)]), [policy_tool], middleware=[HexgateMiddleware(kept.enforcer)]
    )
    with hexgate.User("alice", "support"):
        return read(agent.invoke(hi())), kept.decisions


def test_the_function_gets_what_was_decided_after_coercion_and_defaults() -> None:
    got: list[Any] = []

    @tool
    def order(amount: int, size: Size, day: date, lines: list[Line], note: str = "none", ratio: float = 0.5) -> str:
        """Orders."""
        got.append((amount, size, day, lines, note, ratio))
        return "ordered"

    texts, decisions = decided(order, {"amount": "7", "size": "large", "day": "2026-12-01", "lines": [{"name": "a"}], "extra": 1})
    assert texts == ["ordered"]
    assert got == [(7, Size.LARGE, date(2026, 12, 1), [Line(name="a")], "none", 0.5)]
    assert json.loads(decisions[-1].arguments_json) == {
        "amount": 7,
        "size": "large",
        "day": "2026-12-01",
        "lines": [{"name": "a", "count": 1}],
        "note": "none",
        "ratio": 0.5,
    }


def test_a_validator_runs_once() -> None:
    got: list[int] = []

    class Arguments(BaseModel):
        amount: int

        @field_validator("amount")
        @classmethod
        def in_cents(cls, value: int) -> int:
            return value * 100

    @tool(args_schema=Arguments)
    def order(amount: int) -> str:
        """Orders."""
        got.append(amount)
        return "ordered"

    texts, decisions = decided(order, {"amount": 5})
    assert texts == ["ordered"] and got == [500] and decisions[-1].arguments_json == '{"amount":500}'


def test_aliases() -> None:
    got: list[Any] = []

    class Arguments(BaseModel):
        day: date = Field(alias="theDay")

    @tool(args_schema=Arguments)
    def order(day: date) -> str:
        """Orders."""
        got.append(day)
        return "ordered"

    texts, decisions = decided(order, {"theDay": "2026-12-01"})
    assert texts == ["ordered"] and got == [date(2026, 12, 1)] and decisions[-1].arguments_json == '{"day":"2026-12-01"}'


def test_what_cannot_be_written_as_it_is_does_not_run() -> None:
    got: list[Any] = []

    @tool
    def secret(key: SecretStr) -> str:
        """Takes a secret."""
        got.append(key)
        return "taken"

    @tool
    def number(value: float) -> str:
        """Takes a number."""
        got.append(value)
        return "taken"

    class Doubling(BaseModel):
        size: Size
        amount: int

        @field_validator("amount")
        @classmethod
        def double(cls, value: int) -> int:
            return value * 2

    @tool(args_schema=Doubling)
    def order(size: Size, amount: int) -> str:
        """Is not read the same again."""
        got.append(amount)
        return "ordered"

    for policy_tool, arguments in ((secret, {"key": "k"}), (number, {"value": "NaN"}), (order, {"size": "small", "amount": 1})):
        texts, decisions = decided(policy_tool, arguments)
        assert texts[0].startswith("[policy_denied]"), policy_tool.name
        assert [it.outcome for it in decisions] == ["deny"]
    assert got == []


def test_arguments_that_are_nested_too_deeply_are_denied(kept: Kept, alice: hexgate.User) -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    loose = StructuredTool(
        name="view", description="Takes anything.", args_schema={"type": "object", "properties": {}}, func=lambda **arguments: "ran"
    )
    gate = ToolGate(kept.enforcer)
    request = ToolCallRequest(
        tool_call={"name": "view", "args": {"a": deep}, "id": "c", "type": "tool_call"}, tool=loose, state={}, runtime=None  # type: ignore[arg-type]
    )
    with alice:
        answer = gate.wrap_tool_call(request, lambda it: it.tool.invoke(dict(it.tool_call)))  # type: ignore[union-attr]
    assert isinstance(answer, ToolMessage) and answer.text.startswith("[policy_denied]")


def test_what_the_host_injects_is_not_decided_and_cannot_be_forged() -> None:
    got: list[Any] = []

    @tool
    def look(
        id: int,
        state: Annotated[dict[str, Any], InjectedState],
        call: Annotated[str, InjectedToolCallId],
        runtime: ToolRuntime,
    ) -> str:
        """Looks."""
        got.append((id, len(state["messages"]), call, type(runtime).__name__, runtime.tool_call_id))
        return "seen"

    texts, decisions = decided(look, {"id": 3, "state": {"messages": []}, "call": "forged", "runtime": {"context": "root"}})
    assert texts == ["seen"]
    assert got == [(3, 2, "c0-0", "ToolRuntime", "c0-0")]
    assert decisions[-1].arguments_json == '{"id":3}'


def test_schemas_as_json_and_tools_with_one_input() -> None:
    got: list[Any] = []
    loose = StructuredTool(
        name="loose",
        description="Takes anything.",
        args_schema={"type": "object", "properties": {"a": {"type": "integer"}}},
        func=lambda **arguments: str(got.append(arguments)),
    )
    texts, decisions = decided(loose, {"a": "1", "admin": True})
    assert texts == ["None"] and got == [{"a": "1", "admin": True}]
    assert json.loads(decisions[-1].arguments_json) == {"a": "1", "admin": True}

    single = Tool(name="single", description="Takes a text.", func=lambda text: f"got {text}")
    texts, decisions = decided(single, {"__arg1": "x"})
    assert texts == ["got x"] and decisions[-1].arguments_json == '{"__arg1":"x"}'

    @tool
    def nothing() -> str:
        """Takes nothing."""
        return "done"

    texts, decisions = decided(nothing, {"a": 1})
    assert texts == ["done"] and decisions[-1].arguments_json == "{}"
    for reserved in ("config", "run_manager", "callbacks"):
        texts, decisions = decided(loose, {reserved: {}})
        assert texts[0].startswith("[policy_denied]")


def test_arguments_that_the_tool_cannot_read_are_on_record(kept: Kept, alice: hexgate.User, view: BaseTool, ran: list[Any]) -> None:
    @tool
    def wipe(amount: int) -> str:
        """Wipes."""
        return "wiped"

    model = Scripted.saying([("view", {"id": "much"}), ("wipe", {"amount": "much"})])
    agent = create_agent(model, [view, wipe], middleware=[HexgateMiddleware(kept.enforcer)])
    with alice:
        texts = read(agent.invoke(hi(), {"max_concurrency": 1}))
    assert "valid integer" in texts[0] and texts[1].startswith("[policy_denied]")
    assert [it.arguments_json for it in kept.decisions] == ['{"id":"much"}', '{"amount":"much"}'] and ran == []

    malformed = Scripted.saying(Said([("view", '{"id": ')]))
    agent = create_agent(malformed, [view], middleware=[HexgateMiddleware(kept.enforcer)])
    with alice:
        agent.invoke(hi())
    assert len(kept.decisions) == 3 and ran == []


def test_a_tool_that_handles_what_it_cannot_read(alice: hexgate.User, kept: Kept, view: BaseTool) -> None:
    view.handle_validation_error = "say a number"
    agent = create_agent(Scripted.saying([("view", {"id": "much"})]), [view], middleware=[HexgateMiddleware(kept.enforcer)])
    with alice:
        assert read(agent.invoke(hi())) == ["say a number"]


# Around a call.


def test_two_gates_of_one_agent_decide_once_and_two_agents_both(alice: hexgate.User, add: BaseTool, ran: list[Any]) -> None:
    kept = Kept()
    other = Kept("roles: {support: {tools: {add: {mode: allow, constraints: [args.amount <= 10]}}}}", agent="other")
    model = Scripted.saying([("add", {"amount": 20})])
    twice = [HexgateMiddleware(kept.enforcer), HexgateMiddleware(kept.enforcer, name="again")]
    agent = wrap_langchain_agent(create_agent(model, [add], middleware=twice), kept.enforcer, tools=[add])
    again = wrap_langchain_agent(agent.graph, kept.enforcer, tools=[add])
    with alice:
        assert read(again.invoke(hi())) == ["added 20"]
    assert kept.told == [("add", "allow")] and ran == [20]
    both = wrap_langchain_agent(again.graph, other.enforcer)
    with alice:
        assert read(both.invoke(hi()))[0].startswith("[policy_denied]")
    assert {it for kept in (kept, other) for it in kept.told} == {("add", "allow"), ("add", "deny")} and ran == [20]


def test_the_agent_that_is_wrapped_stays_as_it_was(kept: Kept, add: BaseTool, ran: list[Any]) -> None:
    graph = graph_of([add], Scripted.saying([("add", {"amount": 5000})]))
    wrap_langchain_agent(graph, kept.enforcer)
    assert read(graph.invoke(hi())) == ["added 5000"]
    assert add.invoke({"amount": 5000}) == "added 5000"


def test_calls_side_by_side_cannot_pass_a_limit_together(kept: Kept, alice: hexgate.User) -> None:
    @tool
    async def counted() -> str:
        """Counts."""
        await asyncio.sleep(0.01)
        return "done"

    calls = [("counted", {})] * 4
    for agent in (
        create_agent(Scripted.saying(calls), [counted], middleware=[HexgateMiddleware(kept.enforcer)]),
        wrap_langchain_agent(create_agent(Scripted.saying(calls), [counted]), kept.enforcer),
    ):

        async def main(agent: Any = agent) -> list[str]:
            async with alice:
                return read(await agent.ainvoke(hi()))

        texts = asyncio.run(main())
        assert sorted(text.split()[0] for text in texts) == ["[policy_denied]", "[policy_denied]", "done", "done"]


def test_a_retry_is_decided_again(alice: hexgate.User) -> None:
    tries: list[int] = []

    @tool
    def counted() -> str:
        """Fails."""
        tries.append(1)
        raise ValueError("busy")

    kept = Kept()
    retries = ToolRetryMiddleware(max_retries=3, initial_delay=0, jitter=False)
    agent = create_agent(Scripted.saying([("counted", {})]), [counted], middleware=[retries, HexgateMiddleware(kept.enforcer)])
    with alice:
        texts = read(agent.invoke(hi()))
    assert texts[0].startswith("[policy_denied]") and len(tries) == 2
    assert [outcome for _, outcome in kept.told] == ["allow", "allow", "deny"]


def test_a_denial_is_an_error_that_is_not_tried_again(kept: Kept, alice: hexgate.User) -> None:
    @tool
    def wipe() -> str:
        """Wipes."""
        return "wiped"

    retries = ToolRetryMiddleware(max_retries=3, initial_delay=0, jitter=False)
    model = Scripted.saying([("wipe", {})])
    agent = create_agent(model, [wipe], middleware=[retries, HexgateMiddleware(kept.enforcer)])
    with alice:
        agent.invoke(hi())
    assert model.heard.statuses == {"c0-0": "error"} and kept.told == [("wipe", "deny")]


def test_results_that_a_node_keeps_are_not_given_past_the_gate(view: BaseTool, ran: list[Any], caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    model = Scripted.saying([("view", {})])
    builder = StateGraph(MessagesState)
    builder.add_node("think", lambda state: {"messages": [model.invoke(state["messages"])]})
    builder.add_node("tools", ToolNode([view]), cache_policy=CachePolicy(key_func=lambda *args: "one"))
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", tools_condition)
    builder.add_edge("tools", "think")
    agent = wrap_langchain_agent(builder.compile(cache=InMemoryCache()), kept.enforcer)
    assert "keeps results" in caplog.text
    assert read(agent.invoke(hi(), user=hexgate.User("alice", "support"))) == ["order 1 of alice"]
    assert read(agent.invoke(hi(), user=hexgate.User("eve", "nobody")))[0].startswith("[policy_denied]")


def ends(folder: Path) -> list[tuple[str, bool]]:
    entries = [json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text().splitlines()]
    return [(it["state"], it["ran"]) for it in entries if it["kind"] == "outcome"]


def test_how_calls_end_is_on_record(alice: hexgate.User, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    kept = Kept(
        "roles: {support: {tools: {good: {mode: allow}, bad: {mode: allow}, handled: {mode: allow}, moved: {mode: allow}}}}",
        audit_log=tmp_path / "audit",
    )

    @tool
    def good() -> str:
        """Is good."""
        return "good"

    @tool
    def bad() -> str:
        """Fails."""
        raise ValueError("broken")

    @tool
    def handled() -> str:
        """Fails, and says so."""
        raise ToolException("no such order")

    handled.handle_tool_error = True

    @tool
    def moved(call: Annotated[str, InjectedToolCallId]) -> Command[Any]:
        """Changes the state."""
        return Command(update={"messages": [ToolMessage("moved", tool_call_id=call)]})

    tools = [good, bad, handled, moved]
    turns = [[("good", {})], [("handled", {})], [("moved", {})], [("bad", {})]]
    agent = create_agent(Scripted.saying(*turns), tools, middleware=[HexgateMiddleware(kept.enforcer)])
    with alice, pytest.raises(ValueError, match="broken"):
        agent.invoke(hi())
    completed, failed = ("completed", True), ("failed", True)
    assert ends(tmp_path / "audit") == [completed, failed, completed, failed]


def test_a_run_that_is_cancelled_ends_its_calls(alice: hexgate.User, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    kept = Kept(audit_log=tmp_path / "audit")

    async def main() -> None:
        began = asyncio.Event()

        @tool
        async def view() -> str:
            """Hangs."""
            began.set()
            await asyncio.sleep(3600)
            return "never"

        agent = create_agent(Scripted.saying([("view", {})]), [view], middleware=[HexgateMiddleware(kept.enforcer)])
        wrapped = wrap_langchain_agent(create_agent(Scripted.saying([("view", {})]), [view]), kept.enforcer)

        async def streams() -> None:
            async for _ in wrapped.astream(hi()):
                pass

        async with alice:
            for run in (agent.ainvoke(hi()), wrapped.ainvoke(hi()), streams()):
                began.clear()
                task = asyncio.ensure_future(run)
                await began.wait()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

    asyncio.run(main())
    assert ends(tmp_path / "audit") == [("cancelled", True)] * 3


# Streams.


async def all_of(stream: Any) -> list[Any]:
    return [item async for item in stream]


def test_every_entry_decides(kept: Kept, alice: hexgate.User, view: BaseTool, ran: list[Any]) -> None:
    async def main(user: hexgate.User | None) -> None:
        agent = wrap_langchain_agent(create_agent(Streaming.saying([("view", {}), ("wipe", {})]), [view, wipe]), kept.enforcer)
        one: dict[str, Any] = {"user": user}
        texts = [
            agent.invoke(hi(), **one),
            await agent.ainvoke(hi(), **one),
            *(list(agent.stream(hi(), stream_mode=mode, **one)) for mode in ("values", "updates", "messages", ["values", "custom"])),
            *([await all_of(agent.astream(hi(), stream_mode=mode, **one)) for mode in ("values", "updates", "messages", "tasks")]),
            agent.batch([hi()], **one),
            await agent.abatch([hi()], **one),
            await all_of(agent.astream_events(hi(), **one)),
            await all_of(agent.astream_events(hi(), version="v1", **one)),
            await all_of(agent.astream_log(hi(), **one)),
            [item for _, item in agent.batch_as_completed([hi()], **one)],
            agent.with_config({"tags": ["t"]}).invoke(hi(), **one),
        ]
        for text in texts:
            assert "order 1 of alice" in str(text) and "[policy_denied]" in str(text)
        assert [it.outcome for it in kept.decisions].count("allow") == len(texts) == len(ran)
        assert {it.user_id for it in kept.decisions} == {"alice"}

    @tool
    def wipe() -> str:
        """Wipes."""
        ran.append("wiped")
        return "wiped"

    with warnings.catch_warnings():
        # The framework marks its older ways to follow a run as deprecated.
        warnings.simplefilter("ignore")
        asyncio.run(main(alice))
        kept.decisions.clear()
        ran.clear()

        async def in_scope() -> None:
            async with alice:
                await main(None)

        asyncio.run(in_scope())


def test_a_stream_whose_reader_is_slow_keeps_its_user(kept: Kept, alice: hexgate.User) -> None:
    """A tool begins while the reader works on what came before it."""

    async def main() -> list[str]:
        @tool
        async def counted() -> str:
            """Is quick."""
            return "quick"

        @tool
        async def view() -> str:
            """Is slow, and asks again who calls."""
            await asyncio.sleep(0.1)
            return read(await inner.ainvoke(hi()))[0]

        inner = create_agent(Scripted.saying([("counted", {})]), [counted], middleware=[HexgateMiddleware(kept.enforcer)])
        agent = wrap_langchain_agent(create_agent(Scripted.saying([("view", {}), ("counted", {})]), [view, counted]), kept.enforcer)
        found = []
        async for chunk in agent.astream(hi(), stream_mode="updates", user=alice):
            await asyncio.sleep(0.2)
            found += [it.text for update in chunk.values() for it in (update or {}).get("messages", []) if isinstance(it, ToolMessage)]
        return sorted(found)

    assert asyncio.run(main()) == ["quick", "quick"]


def test_a_stream_that_is_left_runs_no_more_tools(kept: Kept, alice: hexgate.User, view: BaseTool, ran: list[Any]) -> None:
    agent = wrap_langchain_agent(create_agent(Scripted.saying([("view", {})]), [view]), kept.enforcer)

    async def main() -> None:
        stream = agent.astream(hi(), user=alice)
        async for _ in stream:
            break
        await stream.aclose()  # type: ignore[attr-defined]

    asyncio.run(main())
    left = agent.stream(hi(), user=alice)
    next(left)
    left.close()  # type: ignore[attr-defined]
    assert ran == []


# Runs, and what a model is shown.


RUNS = """roles:
  support:
    tools:
      agent.run: {mode: allow}
      counted: {mode: allow, constraints: [run.calls_of_this_tool < 2]}
      pay: {mode: approval_required}
  guest:
    tools:
      agent.run: {mode: deny}
      counted: {mode: allow}
"""


def test_the_policy_decides_whether_a_run_begins(view: BaseTool, ran: list[Any]) -> None:
    kept = Kept(RUNS)
    model = Scripted.saying([("view", {})])
    gated = create_agent(model, [view], middleware=[HexgateMiddleware(kept.enforcer)])
    wrapped = wrap_langchain_agent(create_agent(model, [view]), kept.enforcer)
    guest = hexgate.User("gus", "guest")

    async def main() -> None:
        async with guest:
            for entry in (gated.ainvoke(hi()), wrapped.ainvoke(hi()), all_of(wrapped.astream(hi())), all_of(wrapped.astream_events(hi()))):
                with pytest.raises(hexgate.CallDenied, match="agent.run"):
                    await entry

    asyncio.run(main())
    with guest:
        for entry in (gated.invoke, wrapped.invoke, lambda it: list(wrapped.stream(it)), lambda it: wrapped.batch([it])):
            with pytest.raises(hexgate.CallDenied, match="agent.run"):
                entry(hi())
    assert model.heard.tools == [] and kept.told == [("agent.run", "deny")] * 8


def test_a_tool_that_the_caller_could_never_call_is_not_shown(kept: Kept, alice: hexgate.User, view: BaseTool, add: BaseTool) -> None:
    @tool
    def wipe() -> str:
        """Wipes."""
        return "wiped"

    model = Scripted.saying()
    agent = create_agent(model, [view, wipe, add], middleware=[HexgateMiddleware(kept.enforcer)])
    for user in (alice, hexgate.User("bob", "lead")):
        with user:
            agent.invoke(hi())
    assert model.heard.tools == [["view", "add"], ["view", "wipe", "add"]]


# What cannot be gated.


SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def test_tools_of_the_provider_are_an_error_unless_they_are_accepted(
    kept: Kept, alice: hexgate.User, view: BaseTool, ran: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    model = Scripted.saying([("view", {})])
    agent = create_agent(model, [view, SEARCH], middleware=[HexgateMiddleware(kept.enforcer)])
    with alice, pytest.raises(hexgate.HexgateError, match="web_search") as failure:
        agent.invoke(hi())
    assert failure.value.code == "ungated_tools" and "accept_ungated=['web_search']" in failure.value.remedy
    with pytest.raises(hexgate.HexgateError, match="web_search"):
        wrap_langchain_agent(create_agent(model, [view, SEARCH]), kept.enforcer)
    assert model.heard.tools == [] and ran == []

    gate = HexgateMiddleware(kept.enforcer, accept_ungated=["web_search"])
    with alice:
        assert read(create_agent(model, [view, SEARCH], middleware=[gate]).invoke(hi())) == ["order 1 of alice"]
    wrapped = wrap_langchain_agent(create_agent(model, [view, SEARCH]), kept.enforcer, accept_ungated=["web_search", "other"])
    assert gate.ungated == wrapped.ungated == {"web_search": "it runs at the model's provider"}
    assert "'web_search' runs undecided" in caplog.text


def test_tools_of_the_provider_that_come_later_are_held_back(kept: Kept, alice: hexgate.User, view: BaseTool) -> None:
    class Adds(AgentMiddleware[Any, Any, Any]):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(tools=[*request.tools, {"google_search": {}}]))

    class Settings(AgentMiddleware[Any, Any, Any]):
        def wrap_model_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(model_settings={"tools": [{"type": "code_interpreter"}]}))

    model = Scripted.saying()
    for adds, name in ((Adds(), "google_search"), (Settings(), "code_interpreter")):
        agent = create_agent(model, [view], middleware=[adds, HexgateMiddleware(kept.enforcer)])
        with alice, pytest.raises(hexgate.HexgateError, match=name):
            agent.invoke(hi())
    tools: list[Any] = []
    builder = StateGraph(MessagesState)
    builder.add_node("think", lambda state: {"messages": [model.bind_tools(tools).invoke(state["messages"])]})
    builder.add_edge(START, "think")
    agent = wrap_langchain_agent(builder.compile(), kept.enforcer)
    agent.invoke(hi(), user=alice)
    tools.append({"type": "web_search"})
    heard = len(model.heard.tools)
    with pytest.raises(hexgate.HexgateError, match="web_search"):
        agent.invoke(hi(), user=alice)
    assert len(model.heard.tools) == heard


def test_functions_that_are_described_to_a_model_are_no_tools_of_the_provider(kept: Kept, alice: hexgate.User) -> None:
    described: list[Any] = [
        {"type": "function", "function": {"name": "view", "parameters": {}}},
        {"type": "custom", "name": "view"},
        {"name": "view", "input_schema": {}},
        {"function_declarations": [{"name": "view"}]},
        {"toolSpec": {"name": "view"}},
    ]
    for one in described:
        agent = create_agent(Scripted.saying([("view", {})]), [one], middleware=[HexgateMiddleware(kept.enforcer)])
        with alice:
            assert read(agent.invoke(hi()))[0].startswith("[unknown_tool]")


def test_a_tool_with_a_way_of_its_own_to_run_is_refused(kept: Kept, alice: hexgate.User, ran: list[Any]) -> None:
    class Odd(BaseTool):
        name: str = "view"
        description: str = "Runs in its own way."

        def _run(self) -> str:
            return "ran"

        def run(self, *args: Any, **kwargs: Any) -> Any:
            ran.append("odd")
            return ToolMessage("ran", tool_call_id=kwargs["tool_call_id"])

    model = Scripted.saying([("view", {})])
    agent = create_agent(model, [Odd()], middleware=[HexgateMiddleware(kept.enforcer)])
    with alice:
        assert read(agent.invoke(hi()))[0].startswith("[policy_denied]")
    for tools, graph in (((), graph_of([Odd()], model)), ([Odd()], graph_of([], model))):
        with pytest.raises(hexgate.HexgateError, match="`run` of its own"):
            wrap_langchain_agent(graph, kept.enforcer, tools=tools)
    assert ran == []
    accepted = wrap_langchain_agent(graph_of([Odd()], model), kept.enforcer, accept_ungated=["view"])
    assert read(accepted.invoke(hi(), user=alice)) == ["ran"] and list(accepted.ungated) == ["view"]


class ViewArguments(BaseModel):
    id: int


def test_a_framework_that_reads_arguments_in_another_way_is_found_out(
    kept: Kept, alice: hexgate.User, view: BaseTool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BaseTool, "run", lambda self, given, **kwargs: ToolMessage("past", tool_call_id="c0-0"))
    agent = create_agent(Scripted.saying([("view", {})]), [view], middleware=[HexgateMiddleware(kept.enforcer)])
    with alice, pytest.raises(hexgate.HexgateError, match="ran past"):
        agent.invoke(hi())


def test_a_graph_that_runs_elsewhere_is_an_error_unless_it_is_accepted(kept: Kept) -> None:
    builder = StateGraph(MessagesState)
    builder.add_node("far", RemoteGraph("far", url="http://localhost:1"))
    builder.add_edge(START, "far")
    graph = builder.compile()
    with pytest.raises(hexgate.HexgateError, match="'far': the graph of this node runs elsewhere"):
        wrap_langchain_agent(graph, kept.enforcer)
    assert list(wrap_langchain_agent(graph, kept.enforcer, accept_ungated=["far"]).ungated) == ["far"]


def test_classes_of_tools(alice: hexgate.User, kept: Kept, ran: list[Any]) -> None:
    class View(BaseTool):
        name: str = "view"
        description: str = "Looks."

        args_schema: Any = ViewArguments

        def _run(self, id: int) -> str:
            ran.append(("sync", id))
            return hexgate.current_caller().user_id

        async def _arun(self, id: int) -> str:
            ran.append(("async", id))
            return hexgate.current_caller().user_id

    agent = create_agent(Scripted.saying([("view", {"id": "7"})]), [View()], middleware=[HexgateMiddleware(kept.enforcer)])
    with alice:
        assert read(agent.invoke(hi())) == ["alice"]

    async def main() -> list[str]:
        async with alice:
            return read(await agent.ainvoke(hi()))

    assert asyncio.run(main()) == ["alice"] and ran == [("sync", 7), ("async", 7)]


def test_an_agent_is_a_compiled_graph(kept: Kept) -> None:
    with pytest.raises(TypeError, match="compiled graph"):
        wrap_langchain_agent(StateGraph(MessagesState), kept.enforcer)
    with pytest.raises(TypeError, match="list of names"):
        HexgateMiddleware(kept.enforcer, accept_ungated="view")
    agent = wrap_langchain_agent(graph_of([], Scripted.saying()), kept.enforcer)
    assert agent.get_graph().nodes and agent.nodes and agent.get_name() == "LangGraph"
    with pytest.raises(AttributeError, match="at `.graph`"):
        agent.clear_cache
    for entry in (agent.stream_events, agent.astream_events):
        with pytest.raises(NotImplementedError, match="astream_events"):
            entry(hi(), version="v3")


# Nodes and agents of others.


def test_tools_of_an_mcp_server(kept: Kept, alice: hexgate.User, ran: list[Any]) -> None:
    pytest.importorskip("langchain_mcp_adapters")
    from langchain_mcp_adapters.tools import load_mcp_tools
    from mcp.server.fastmcp import FastMCP
    from mcp.shared.memory import create_connected_server_and_client_session

    server = FastMCP("files")

    @server.tool()
    def view(path: str, lines: int = 3) -> str:
        """Reads."""
        ran.append((path, lines))
        return f"read {path}"

    @server.tool()
    def wipe(path: str) -> str:
        """Wipes."""
        ran.append("wiped")
        return "wiped"

    async def main() -> list[str]:
        async with create_connected_server_and_client_session(server._mcp_server) as session, alice:
            tools = await load_mcp_tools(session)
            # The adapter has a parameter `runtime` that is the host's.
            model = Scripted.saying([("view", {"path": "a", "runtime": "forged"}), ("wipe", {"path": "a"})])
            agent = create_agent(model, tools, middleware=[HexgateMiddleware(kept.enforcer)])
            return read(await agent.ainvoke(hi(), {"max_concurrency": 1}))

    texts = asyncio.run(main())
    assert texts[0] == "read a" and texts[1].startswith("[policy_denied]") and ran == [("a", 3)]
    assert kept.told == [("view", "allow"), ("wipe", "deny")] and kept.decisions[0].arguments_json == '{"path":"a"}'


def test_without_an_enforcer_the_environment_names_the_policy_of_the_graph(
    monkeypatch: pytest.MonkeyPatch, policy_folder: Path, alice: hexgate.User, add: BaseTool
) -> None:
    path = policy_folder / "policy.yaml"
    path.write_text(POLICY)
    path.chmod(0o600)
    graph = create_agent(Scripted.saying([("add", {"amount": 5}), ("add", {"amount": 500})]), [add], name="desk")
    monkeypatch.setenv("HEXGATE_LOCAL_POLICY", str(path))
    agent = wrap_langchain_agent(agent=graph, tools=[add])
    assert agent.agent_name == "desk"
    assert [text.split()[0] for text in read(agent.invoke(hi(), user=alice))] == ["added", "[policy_denied]"]
    with pytest.raises(hexgate.HexgateError, match="has its options already"):
        wrap_langchain_agent(graph, Kept().enforcer, approvals=True)


def test_the_wrapper_of_a_tool_node(kept: Kept, alice: hexgate.User, add: BaseTool, ran: list[Any]) -> None:
    gate = ToolGate(kept.enforcer)
    agent = graph_of(
        [add], Scripted.saying([("add", {"amount": 5}), ("add", {"amount": 500}), ("none", {})]),
        wrap_tool_call=gate.wrap_tool_call, awrap_tool_call=gate.awrap_tool_call,
    )
    with alice:
        texts = read(agent.invoke(hi()))
    assert [text.split()[0] for text in texts] == ["added", "[policy_denied]", "[policy_denied]"] and ran == [5]


def test_nodes_that_call_tools_by_themselves(kept: Kept, alice: hexgate.User, add: BaseTool, ran: list[Any]) -> None:
    def act(state: MessagesState) -> dict[str, Any]:
        last = state["messages"][-1]
        assert isinstance(last, AIMessage)
        return {"messages": [ToolMessage(add.invoke(call["args"]), tool_call_id=call["id"]) for call in last.tool_calls]}

    model = Scripted.saying([("add", {"amount": 5}), ("add", {"amount": 500})])
    graph = graph_of([add], model, node=act)
    refused = wrap_langchain_agent(graph, kept.enforcer)
    with pytest.raises(hexgate.CallDenied):
        refused.invoke(hi(), user=alice)
    assert ran == [] and kept.told == [("add", "deny")]
    sealed = wrap_langchain_agent(graph, kept.enforcer, tools=[add])
    texts = read(sealed.invoke(hi(), user=alice))
    assert [text.split()[0] for text in texts] == ["added", "[policy_denied]"] and ran == [5]
    # It stays sealed, and past its gate it does not run.
    assert add.invoke({"amount": 5}).startswith("[policy_denied]")
    with pytest.raises(hexgate.CallDenied):
        add.run({"amount": 5})
    assert ran == [5]


def test_what_is_declared_as_injected_is_decided_where_nobody_takes_it_away(kept: Kept, alice: hexgate.User, ran: list[Any]) -> None:
    @tool
    def view(id: int, owner: Annotated[str, InjectedToolArg]) -> str:
        """Looks."""
        ran.append((id, owner))
        return "seen"

    def act(state: MessagesState) -> dict[str, Any]:
        last = state["messages"][-1]
        assert isinstance(last, AIMessage)
        return {"messages": [view.invoke({**call, "type": "tool_call"}) for call in last.tool_calls]}

    graph = graph_of([view], Scripted.saying([("view", {"id": 1, "owner": "root"})]), node=act)
    assert read(wrap_langchain_agent(graph, kept.enforcer, tools=[view]).invoke(hi(), user=alice)) == ["seen"]
    assert json.loads(kept.decisions[-1].arguments_json) == {"id": 1, "owner": "root"}


def test_a_tool_that_changes_itself(kept: Kept, alice: hexgate.User) -> None:
    class View(BaseTool):
        name: str = "view"
        description: str = "Counts."
        count: int = 0
        _seen: int = 0

        def _run(self) -> str:
            self.count += 1
            self._seen += 1
            return f"{self.count} {self._seen}"

    view = View()
    agent = create_agent(Scripted.saying([("view", {})], [("view", {})]), [view], middleware=[HexgateMiddleware(kept.enforcer)])
    with alice:
        assert read(agent.invoke(hi())) == ["1 1", "2 2"]
    assert view.count == 2 and type(view) is View


def test_a_copy_of_a_sealed_tool_is_sealed(kept: Kept, alice: hexgate.User, add: BaseTool, ran: list[Any]) -> None:
    wrap_langchain_agent(graph_of([], Scripted.saying()), kept.enforcer, tools=[add])
    for other in (copy.copy(add), copy.deepcopy(add), add.model_copy(), add.model_copy(update={"name": "sum"})):
        with alice:
            assert other.invoke({"amount": 500}).startswith("[policy_denied]")
    assert ran == []


def test_graphs_in_graphs_are_gated(kept: Kept, alice: hexgate.User, add: BaseTool, ran: list[Any]) -> None:
    inner = graph_of([add], Scripted.saying([("add", {"amount": 5}), ("add", {"amount": 500})]))
    builder = StateGraph(MessagesState)
    builder.add_node("inner", inner)
    builder.add_edge(START, "inner")
    agent = wrap_langchain_agent(builder.compile(), kept.enforcer)
    texts = read(agent.invoke(hi(), user=alice))
    assert [text.split()[0] for text in texts] == ["added", "[policy_denied]"] and ran == [5]
    assert list(agent.stream(hi(), subgraphs=True, user=alice))


def test_an_agent_as_a_tool_is_decided_by_the_name_of_the_agent(alice: hexgate.User, view: BaseTool, ran: list[Any]) -> None:
    kept = Kept()
    researcher = Kept("roles: {support: {tools: {view: {mode: allow}}}}", agent="researcher")
    inner = create_agent(Scripted.saying([("view", {})]), [view], name="researcher")
    gated = wrap_langchain_agent(inner, researcher.enforcer)
    schema = {"messages": list[dict[str, str]]}
    arguments = {"messages": [{"role": "user", "content": "Look."}]}

    @tool
    def ask(task: str) -> str:
        """Asks."""
        return read(gated.invoke(hi()))[0]

    with warnings.catch_warnings():
        # The framework calls it beta.
        warnings.simplefilter("ignore")
        made = gated.as_tool(name="ask", description="Asks.", arg_types=schema)
    for policy_tool, args, options in ((made, arguments, {}), (ask, {"task": "look"}, {"agents": {"ask": "researcher"}})):
        agent = create_agent(Scripted.saying([("ask", args)]), [policy_tool], middleware=[HexgateMiddleware(kept.enforcer, **options)])
        with alice:
            texts = read(agent.invoke(hi()))
        assert "order 1 of alice" in texts[0]
        assert kept.told == [("agent.tool:researcher", "allow")] and researcher.told == [("view", "allow")]
        kept.decisions.clear()
        researcher.decisions.clear()


def test_the_tools_of_an_agent_below_that_has_no_gate_are_refused(kept: Kept, alice: hexgate.User, view: BaseTool, ran: list[Any]) -> None:
    inner = create_agent(Scripted.saying([("view", {})]), [view])

    @tool
    def add(amount: int) -> str:
        """Uses a tool as any code does, and asks an agent."""
        assert view.invoke({"id": 9}) == "order 9 of alice"
        return read(inner.invoke(hi()))[0]

    agent = create_agent(Scripted.saying([("add", {"amount": 1})]), [add], middleware=[HexgateMiddleware(kept.enforcer)])
    with alice, pytest.raises(hexgate.CallDenied):
        agent.invoke(hi())
    assert ran == [("view", 9, "alice")] and kept.told == [("add", "allow"), ("view", "deny")]


def test_a_tool_that_comes_into_being_later_is_decided(kept: Kept, alice: hexgate.User, add: BaseTool, view: BaseTool, ran: list[Any]) -> None:
    class Adds(AgentMiddleware[Any, Any, Any]):
        def wrap_tool_call(self, request: Any, handler: Any) -> Any:
            return handler(request.override(tool=add))

    agent = create_agent(
        Scripted.saying([("add", {"amount": 5}), ("add", {"amount": 500})]), [view], middleware=[Adds(), HexgateMiddleware(kept.enforcer)]
    )
    with alice:
        texts = read(agent.invoke(hi()))
    assert [text.split()[0] for text in texts] == ["added", "[policy_denied]"] and ran == [5]


# Approval by interrupts.


def paused(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [it.value for it in result.get("__interrupt__", ())]


def asking(kept: Kept, model: Scripted, tools: list[Any], road: str, *others: Any) -> Any:
    """An agent that asks by interrupts, in two ways to build it."""
    saver = InMemorySaver()
    if road == "middleware":
        middleware = [*others, HexgateMiddleware(kept.enforcer, interrupts=True)]
        return create_agent(model, tools, middleware=middleware, checkpointer=saver)
    return wrap_langchain_agent(graph_of(tools, model, checkpointer=saver), kept.enforcer, interrupts=True)


THREAD: Any = {"configurable": {"thread_id": "t"}}
ROADS = pytest.mark.parametrize("road", ["middleware", "wrapped"])


@ROADS
def test_a_person_approves_by_an_interrupt(kept: Kept, alice: hexgate.User, pay: BaseTool, ran: list[Any], road: str) -> None:
    agent = asking(kept, Scripted.saying([("pay", {"amount": "60"})]), [pay], road)
    with alice:
        [question] = paused(agent.invoke(hi(), THREAD))
        assert ran == [] and question["tool"] == "pay" and question["arguments"] == '{"amount":60}' and question["user"] == "alice"
        json.dumps(question)
        assert read(agent.invoke(resume(hexgate.Approval(question["key"], by="carol")), THREAD)) == ["paid 60"]
    assert ran == [60] and kept.decisions[-1].approved_by == "carol"
    assert [it.outcome for it in kept.decisions] == ["needs_approval", "needs_approval", "allow"]


@ROADS
def test_in_an_event_loop_too(kept: Kept, alice: hexgate.User, ran: list[Any], road: str) -> None:
    @tool
    async def pay(amount: int) -> str:
        """Pays."""
        ran.append(amount)
        return f"paid {amount}"

    model = Scripted.saying([("pay", {"amount": 60})])
    middleware = [HexgateMiddleware(kept.enforcer, interrupts=True)] if road == "middleware" else []
    agent: Any = create_agent(model, [pay], middleware=middleware, checkpointer=InMemorySaver())
    if road == "wrapped":
        agent = wrap_langchain_agent(agent, kept.enforcer, interrupts=True)

    async def main() -> None:
        async with alice:
            chunks = await all_of(agent.astream(hi(), THREAD, stream_mode="updates"))
            [question] = [it.value for chunk in chunks for it in chunk.get("__interrupt__", ())]
            result = await agent.ainvoke(resume(hexgate.Approval(question["key"], by="carol")), THREAD)
            assert read(result) == ["paid 60"]

    asyncio.run(main())
    assert ran == [60]


@ROADS
def test_what_is_no_approval_runs_nothing(kept: Kept, alice: hexgate.User, pay: BaseTool, ran: list[Any], road: str) -> None:
    def answers(question: dict[str, Any]) -> list[Any]:
        key = question["key"]
        good = as_answer(hexgate.Approval(key, by="carol"))
        return [
            True,
            "yes",
            key,
            {"approved": True, "by": "carol"},
            {**good, "approved": "true"},
            {**good, "approved": 1},
            {**good, "hexgate_approval": ""},
            {**good, "hexgate_approval": key.partition(".")[0]},
            {**good, "hexgate_approval": "0" * 64 + "." + key.partition(".")[2]},
            as_answer(hexgate.Approval(key, by="carol", approved=False)),
        ]

    for nth in range(10):
        agent = asking(kept, Scripted.saying([("pay", {"amount": 60})]), [pay], road)
        with alice:
            [question] = paused(agent.invoke(hi(), THREAD))
            [text] = read(agent.invoke(Command(resume=answers(question)[nth]), THREAD))
        assert text.startswith(("[policy_denied]", "[approval_required]")), nth
    assert ran == []


LOOSE = "roles: {support: {tools: {pay: {mode: allow}}}}"
STRICT = "roles: {support: {tools: {pay: {mode: deny}}}}"
ASKS = "roles: {support: {tools: {pay: {mode: approval_required}, view: {mode: allow}}}}"
OTHER = "roles: {support: {tools: {pay: {mode: approval_required, message: Another one.}}}}"


@ROADS
@pytest.mark.parametrize(
    ("then", "approved", "runs"),
    [(LOOSE, True, True), (LOOSE, False, False), (STRICT, True, False), (OTHER, True, False), (ASKS, True, True)],
)
def test_the_policy_of_the_answer_decides_and_a_refusal_holds(
    policy_folder: Path, alice: hexgate.User, pay: BaseTool, ran: list[Any], road: str, then: str, approved: bool, runs: bool
) -> None:
    path = policy_folder / "policy.yaml"
    path.write_text(ASKS)
    path.chmod(0o600)
    kept = Kept()
    kept.enforcer = hexgate.Enforcer.from_file("desk", path, observers=[kept.decisions.append])
    agent = asking(kept, Scripted.saying([("pay", {"amount": 60})]), [pay], road)
    with alice:
        [question] = paused(agent.invoke(hi(), THREAD))
        path.write_text(then)
        kept.enforcer.refresh()
        answer = hexgate.Approval(question["key"], by="carol", approved=approved)
        [text] = read(agent.invoke(resume(answer), THREAD))
    assert (text == "paid 60") is runs and (ran == [60]) is runs


@pytest.fixture
def policy_folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path


@ROADS
def test_an_approval_is_for_the_caller_of_the_question(kept: Kept, alice: hexgate.User, pay: BaseTool, ran: list[Any], road: str) -> None:
    agent = asking(kept, Scripted.saying([("pay", {"amount": 60})]), [pay], road)
    with alice:
        [question] = paused(agent.invoke(hi(), THREAD))
    with hexgate.User("bob", "support"):
        [text] = read(agent.invoke(resume(hexgate.Approval(question["key"], by="carol")), THREAD))
    assert text.startswith("[policy_denied]") and ran == []


def test_calls_side_by_side_run_once_each(kept: Kept, alice: hexgate.User, pay: BaseTool, view: BaseTool, ran: list[Any]) -> None:
    """`create_agent` runs each call as a task of its own, so what ran is not run again."""
    calls = [("view", {"id": 1}), ("pay", {"amount": 60}), ("pay", {"amount": 60}), ("view", {"id": 2})]
    agent = asking(kept, Scripted.saying(calls), [pay, view], "middleware")
    with alice:
        result = agent.invoke(hi(), THREAD)
        first, second = sorted(result["__interrupt__"], key=lambda it: it.value["tool_call_id"])
        assert first.value["key"] != second.value["key"] and 60 not in ran
        answers = {
            first.id: hexgate.Approval(first.value["key"], by="carol"),
            second.id: hexgate.Approval(second.value["key"], by="carol", approved=False),
        }
        texts = read(agent.invoke(resume(answers), THREAD))
    assert texts[1] == "paid 60" and texts[2].startswith("[policy_denied]")
    assert sorted(map(str, ran)) == ["('view', 1, 'alice')", "('view', 2, 'alice')", "60"]


@pytest.mark.parametrize("order", [["view", "pay"], ["pay", "view"], ["pay", "pay"], ["view", "pay", "view", "pay"]])
@pytest.mark.parametrize("entry", ["sync", "async", "one by one"])
def test_in_one_node_nothing_runs_twice(alice: hexgate.User, order: list[str], entry: str) -> None:
    """A `ToolNode` by itself runs all calls in one task, which is run again from its beginning after an answer."""
    for _ in range(5):
        ran: list[Any] = []

        def view(nth: int) -> str:
            """Looks."""
            ran.append(nth)
            time.sleep(0.01)
            return f"saw {nth}"

        def pay(nth: int) -> str:
            """Pays."""
            ran.append(nth)
            return f"paid {nth}"

        kept = Kept()
        model = Scripted.saying([(name, {"nth": nth}) for nth, name in enumerate(order)])
        agent = asking(kept, model, [tool(view), tool(pay)], "wrapped")
        config: Any = {**THREAD, "max_concurrency": 1} if entry == "one by one" else THREAD

        def go(given: Any) -> Any:
            if entry != "async":
                with alice:
                    return agent.invoke(given, config)

            async def main() -> Any:
                async with alice:
                    return await agent.ainvoke(given, config)

            return asyncio.run(main())

        result = go(hi())
        rounds = 0
        while "__interrupt__" in result:
            rounds += 1
            assert rounds < 5
            [question] = paused(result)
            result = go(resume(hexgate.Approval(question["key"], by="carol")))
        time.sleep(0.05)
        assert len(set(ran)) == len(ran), f"{ran} with {order}"
        for nth, text in enumerate(read(result)):
            assert text == f"{'saw' if order[nth] == 'view' else 'paid'} {nth}" or (text.startswith("[approval_required]") and nth not in ran)
        assert len(read(result)) == len(order)


def test_a_call_that_is_tried_again_is_not_run_again_by_an_answer(kept: Kept, alice: hexgate.User, ran: list[Any]) -> None:
    @tool
    def pay(amount: int) -> str:
        """Fails."""
        ran.append(amount)
        raise ValueError("busy")

    retries = ToolRetryMiddleware(max_retries=3, initial_delay=0, jitter=False)
    agent = asking(kept, Scripted.saying([("pay", {"amount": 60})]), [pay], "middleware", retries)
    with alice:
        [question] = paused(agent.invoke(hi(), THREAD))
        result = agent.invoke(resume(hexgate.Approval(question["key"], by="carol")), THREAD)
    # The approval was for the first attempt. For another one nobody is asked, since that would run the first again.
    assert ran == [60] and read(result)[0].startswith("[approval_required]") and not paused(result)


@ROADS
def test_a_tool_that_asks_somebody_itself(kept: Kept, alice: hexgate.User, ran: list[Any], road: str) -> None:
    @tool
    def pay(amount: int) -> str:
        """Pays, after a word of the user."""
        word = interrupt("The word?")
        ran.append((amount, word))
        return f"paid {amount} with {word}"

    agent = asking(kept, Scripted.saying([("pay", {"amount": 60})]), [pay], road)
    with alice:
        [question] = paused(agent.invoke(hi(), THREAD))
        assert paused(agent.invoke(resume(hexgate.Approval(question["key"], by="carol")), THREAD)) == ["The word?"]
        assert read(agent.invoke(Command(resume="abracadabra"), THREAD)) == ["paid 60 with abracadabra"]
    assert ran == [(60, "abracadabra")]


def test_an_agent_below_asks_by_an_interrupt(alice: hexgate.User, pay: BaseTool, ran: list[Any]) -> None:
    kept, below = Kept(), Kept(agent="researcher")
    inner = create_agent(
        Scripted.saying([("pay", {"amount": 60})]), [pay], middleware=[HexgateMiddleware(below.enforcer, interrupts=True)]
    )

    @tool
    def ask(task: str) -> str:
        """Asks."""
        return read(inner.invoke(hi()))[0]

    gate = HexgateMiddleware(kept.enforcer, interrupts=True, agents={"ask": "researcher"})
    agent = create_agent(Scripted.saying([("ask", {"task": "pay"})]), [ask], middleware=[gate], checkpointer=InMemorySaver())
    with alice:
        [question] = paused(agent.invoke(hi(), THREAD))
        assert question["agent"] == "researcher"
        assert read(agent.invoke(resume(hexgate.Approval(question["key"], by="carol")), THREAD)) == ["paid 60"]
    assert ran == [60]


def test_where_a_run_could_not_go_on_nobody_is_asked(kept: Kept, alice: hexgate.User, pay: BaseTool, ran: list[Any]) -> None:
    agent = create_agent(Scripted.saying([("pay", {"amount": 60})]), [pay], middleware=[HexgateMiddleware(kept.enforcer, interrupts=True)])
    with alice:
        assert read(agent.invoke(hi()))[0].startswith("[approval_required]")
    for people in (True, lambda decision: True):
        with pytest.raises(hexgate.ApprovalError, match="by itself"):
            HexgateMiddleware(Kept(approvals=people).enforcer, interrupts=True)
    assert ran == []


def test_the_approval_itself_is_taken_by_an_agent_that_is_wrapped(kept: Kept, alice: hexgate.User, pay: BaseTool) -> None:
    for by_id in (False, True):
        agent = asking(kept, Scripted.saying([("pay", {"amount": 60})]), [pay], "wrapped")
        [it] = agent.invoke(hi(), THREAD, user=alice)["__interrupt__"]
        approval = hexgate.Approval(it.value["key"], by="carol")
        answer: Any = {it.id: approval} if by_id else approval
        assert read(agent.invoke(Command(resume=answer), THREAD, user=alice)) == ["paid 60"]


@ROADS
def test_a_run_goes_on_counting_after_an_answer(alice: hexgate.User, pay: BaseTool, ran: list[Any], road: str) -> None:
    kept = Kept(RUNS)

    @tool
    def counted() -> str:
        """Counts."""
        return "done"

    turns = [[("counted", {})], [("pay", {"amount": 1})], [("counted", {})], [("counted", {})]]
    agent = asking(kept, Scripted.saying(*turns), [counted, pay], road)
    with alice:
        [question] = paused(agent.invoke(hi(), THREAD))
        texts = read(agent.invoke(resume(hexgate.Approval(question["key"], by="carol")), THREAD))
        assert [text.split()[0] for text in texts] == ["done", "paid", "done", "[policy_denied]"]
    # Whoever goes on with the run of somebody else begins it for themselves.
    agent = asking(kept, Scripted.saying([("pay", {"amount": 1})]), [pay], road)
    with alice:
        [question] = paused(agent.invoke(hi(), THREAD))
    with hexgate.User("gus", "guest"):
        answer = resume(hexgate.Approval(question["key"], by="carol"))
        try:
            assert read(agent.invoke(answer, THREAD))[0].startswith("[policy_denied]")
        except hexgate.CallDenied as denied:
            assert "agent.run" in str(denied)
    assert ran == [1]


def test_a_thread_begins_a_run_with_each_thing_that_is_said(alice: hexgate.User, pay: BaseTool) -> None:
    kept = Kept(RUNS)

    @tool
    def counted() -> str:
        """Counts."""
        return "done"

    twice = [[("counted", {})], [("counted", {})]]
    turns: list[Any] = [*twice, Said(text="Well."), [("counted", {})], [("pay", {"amount": 1})], *twice]
    agent = asking(kept, Scripted.saying(*turns), [counted, pay], "wrapped")
    assert read(agent.invoke(hi(), THREAD, user=alice)) == ["done", "done"]
    [question] = paused(agent.invoke(hi(), THREAD, user=alice))
    texts = read(agent.invoke(resume(hexgate.Approval(question["key"], by="carol")), THREAD, user=alice))
    assert [text.split()[0] for text in texts] == ["done", "done", "done", "paid", "done", "[policy_denied]"]


PROCESS = """
import json, sqlite3, sys
from langchain.agents import create_agent
from langchain_core.tools import tool
from langgraph.checkpoint.sqlite import SqliteSaver
sys.path.insert(0, {tests!r})
from langchain_model import Scripted
import hexgate_host as hexgate
from hexgate_host.langchain import HexgateMiddleware, resume

@tool
def pay(amount: int) -> str:
    "Pays."
    print("RAN", amount)
    return f"paid {{amount}}"

@tool
def view() -> str:
    "Looks."
    print("SAW")
    return "seen"

policy = "roles: {{support: {{tools: {{pay: {{mode: approval_required}}, view: {{mode: allow}}}}}}}}"
with SqliteSaver.from_conn_string({database!r}) as saver:
    enforcer = hexgate.Enforcer.from_yaml("desk", policy)
    model = Scripted.saying([("view", {{}}), ("pay", {{"amount": 60}})])
    agent = create_agent(model, [view, pay], middleware=[HexgateMiddleware(enforcer, interrupts=True)], checkpointer=saver)
    with hexgate.User("alice", "support"):
        config = {{"configurable": {{"thread_id": "t"}}}}
        given = sys.argv[1:] and resume(hexgate.Approval(sys.argv[1], by="carol", approved=sys.argv[2] == "yes"))
        result = agent.invoke(given or {{"messages": "hi"}}, config)
    for it in result.get("__interrupt__", ()):
        print("KEY", it.value["key"])
    for message in result["messages"]:
        if message.type == "tool":
            print("READ", message.text)
"""


@pytest.mark.parametrize(("said", "last"), [("yes", ["RAN 60", "READ seen", "READ paid 60"]), ("no", ["READ seen", "READ [policy_denied]"])])
def test_another_process_goes_on_after_the_answer(tmp_path: Path, said: str, last: list[str]) -> None:
    pytest.importorskip("langgraph.checkpoint.sqlite")
    program = PROCESS.format(tests=str(Path(__file__).parent), database=str(tmp_path / "state.db"))

    def run(*arguments: str) -> list[str]:
        done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    first = run()
    assert first[0] == "SAW" and "RAN" not in str(first)
    key = next(line for line in first if line.startswith("KEY")).split()[1]
    second = run(key, said)
    assert len(second) == len(last) and all(line.startswith(start) for line, start in zip(second, last, strict=True)), second
