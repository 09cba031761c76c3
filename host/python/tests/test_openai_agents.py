"""Agents of the OpenAI Agents SDK: what the scenarios of the kit do not reach."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("agents")

from agents import (
    Agent,
    AgentHooks,
    ApplyPatchTool,
    CodeInterpreterTool,
    ComputerTool,
    Computer,
    CustomTool,
    FunctionTool,
    Handoff,
    HostedMCPTool,
    LocalShellTool,
    MaxTurnsExceeded,
    ModelBehaviorError,
    RunConfig,
    RunHooks,
    Runner,
    RunState,
    ShellTool,
    SQLiteSession,
    ToolGuardrailFunctionOutput,
    UserError,
    WebSearchTool,
    function_tool,
    handoff,
    set_tracing_disabled,
    tool_input_guardrail,
)
from agents.tool_context import ToolContext
from agents.testing import ScriptedModel, assistant_message, function_call
from openai.types.responses import (
    ResponseApplyPatchToolCall,
    ResponseCustomToolCall,
    ResponseFunctionShellToolCall,
)
from openai.types.responses.response_output_item import LocalShellCall

import hexgate_host as hexgate
from hexgate_host.openai_agents import HexgateRunner

POLICY = """\
roles:
  default: {}
  support:
    tools:
      view_order: {mode: allow}
      refund_order:
        - {mode: allow, constraints: [args.amount <= 50]}
        - {mode: approval_required, constraints: [args.amount > 50, args.amount <= 1000]}
      limited: {mode: allow, constraints: [run.calls_of_this_tool < 2]}
      late: {mode: allow}
      agent.tool:researcher: {mode: allow, constraints: [run.calls_of_this_tool < 2]}
      agent.handoff:billing: {mode: allow}
      agent.handoff:triage: {mode: allow}
      local_shell: {mode: allow, constraints: ['args.command[0] == "ls"']}
      shell: {mode: allow, constraints: ['args.commands == ["ls"]']}
      apply_patch: {mode: allow, constraints: ['args.path == "a.txt"']}
      raw: {mode: allow, constraints: ['args.input == "yes"']}
"""
NO_RUNS = POLICY + "      agent.run: {mode: deny, message: Not today.}\n"

ALICE = hexgate.User("alice", "support")
MALLORY = hexgate.User("mallory", "guest")


@pytest.fixture(autouse=True)
def no_traces() -> None:
    set_tracing_disabled(True)


class Watched:
    """An enforcer whose decisions and ends are kept."""

    def __init__(self, folder: Path, policy: str = POLICY, name: str = "triage", **options: Any) -> None:
        folder.chmod(0o700)
        self.decisions: list[hexgate.Decision] = []
        self.log = folder / f"audit-{name}"
        self.enforcer = hexgate.Enforcer.from_yaml(
            name, policy, audit_log=self.log, observers=[self.decisions.append], **options
        )

    def told(self) -> list[tuple[str, str]]:
        return [(it.tool_name, it.outcome) for it in self.decisions]

    def ends(self) -> list[tuple[str, str, bool]]:
        lines = [json.loads(line) for path in sorted(self.log.glob("*.jsonl")) for line in path.read_text().splitlines()]
        return [(it["tool"], it["state"], it["ran"]) for it in lines if it["kind"] == "outcome"]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    return Watched(tmp_path)


@pytest.fixture
def runner(watched: Watched) -> HexgateRunner:
    return HexgateRunner(watched.enforcer)


class Shop:
    """The tools of an agent, and what ran."""

    def __init__(self) -> None:
        self.ran: list[tuple[Any, ...]] = []
        ran = self.ran

        @function_tool
        def view_order(id: int) -> str:
            """Shows an order."""
            ran.append(("view_order", id, hexgate.current_caller().user_id))
            return f"order {id}"

        @function_tool
        async def refund_order(amount: float) -> str:
            """Refunds an order."""
            ran.append(("refund_order", amount, hexgate.current_caller().user_id))
            return f"refunded {amount}"

        @function_tool
        async def limited() -> str:
            """Works twice."""
            ran.append(("limited",))
            await asyncio.sleep(0.01)
            return "fine"

        @function_tool
        def delete_order(id: int) -> str:
            """Deletes an order."""
            ran.append(("delete_order", id))
            return "deleted"

        self.view_order, self.refund_order = view_order, refund_order
        self.limited, self.delete_order = limited, delete_order
        self.tools: list[Any] = [view_order, refund_order, limited, delete_order]


@pytest.fixture
def shop() -> Shop:
    return Shop()


def model(*turns: list[Any]) -> ScriptedModel:
    return ScriptedModel([*turns, [assistant_message("Done.")]])


def call(name: str, _id: str | None = None, **arguments: Any) -> Any:
    return function_call(name, json.dumps(arguments), call_id=_id or f"{name}-{json.dumps(arguments)}")


def outputs(result: Any) -> list[str]:
    return [it["output"] for it in result.to_input_list() if it.get("type") == "function_call_output"]


def agent_of(shop: Shop, *turns: list[Any], **more: Any) -> Agent[Any]:
    return Agent(name="triage", tools=list(shop.tools), model=model(*turns), **more)


def test_a_denial_is_a_result_and_the_agent_is_left_alone(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    agent = agent_of(shop, [call("view_order", id=7), call("delete_order", id=7)])
    before = {name: (it, list(it) if isinstance(it, list) else None) for name, it in vars(agent).items()}
    invoked = [tool.on_invoke_tool for tool in shop.tools]
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert result.final_output == "Done."
    assert outputs(result)[0] == "order 7"
    assert outputs(result)[1].startswith("[policy_denied]")
    assert shop.ran == [("view_order", 7, "alice")]
    assert watched.told() == [("view_order", "allow"), ("delete_order", "deny")]
    assert watched.ends() == [("view_order", "completed", True)]
    after = {name: (it, list(it) if isinstance(it, list) else None) for name, it in vars(agent).items()}
    assert before == after and type(agent) is Agent
    assert [tool.on_invoke_tool for tool in shop.tools] == invoked
    # The result does not bring an agent that is not gated.
    assert isinstance(result.last_agent, Agent) and result.last_agent is not agent


def test_two_users_in_one_process(runner: HexgateRunner, shop: Shop) -> None:
    async def one(user: hexgate.User, nth: int) -> list[str]:
        own = agent.clone(model=model([call("view_order", id=nth)]))
        return outputs(await runner.run(own, "Go.", user=user))

    async def all_of_them() -> list[list[str]]:
        return await asyncio.gather(*(one(ALICE if nth % 2 else MALLORY, nth) for nth in range(20)))

    agent = agent_of(shop)
    found = asyncio.run(all_of_them())
    for nth, texts in enumerate(found):
        assert (texts == [f"order {nth}"]) is bool(nth % 2), texts
    assert {user for _, _, user in shop.ran} == {"alice"} and len(shop.ran) == 10


def test_the_caller_is_the_one_in_scope_without_a_user(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    async def run() -> list[str]:
        async with ALICE:
            inside = await runner.run(agent_of(shop, [call("view_order", id=1)]), "Go.")
        outside = await runner.run(agent_of(shop, [call("view_order", id=2)]), "Go.")
        return outputs(inside) + outputs(outside)

    inside, outside = asyncio.run(run())
    assert inside == "order 1" and outside.startswith("[policy_denied]")
    assert [it.cause for it in watched.decisions if not it.allowed] == ["no_scope"]


def test_a_gated_agent_of_the_plain_runner_is_decided_for_who_is_in_scope(runner: HexgateRunner, shop: Shop) -> None:
    async def run() -> list[list[str]]:
        texts = []
        result = await runner.run(agent_of(shop), "Go.", user=ALICE)
        for user in (ALICE, MALLORY, None):
            result.last_agent.model = model([call("view_order", id=1)])
            plain = Runner.run(result.last_agent, "Go.")
            if user is None:
                texts.append(outputs(await plain))
            else:
                async with user:
                    texts.append(outputs(await plain))
        return texts

    (alice,), (mallory,), (nobody,) = asyncio.run(run())
    assert alice == "order 1"
    assert mallory.startswith("[policy_denied]") and nobody.startswith("[policy_denied]")


def test_calls_side_by_side_do_not_pass_a_limit_together(runner: HexgateRunner, shop: Shop) -> None:
    agent = agent_of(shop, [call("limited", f"c{nth}") for nth in range(6)])
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert sorted(it == "fine" for it in outputs(result)) == [False] * 4 + [True] * 2
    assert len(shop.ran) == 2
    # The next run counts anew.
    agent.model = model([call("limited", "again")])
    assert outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE))) == ["fine"]


def test_streaming(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    async def run() -> list[str]:
        result = runner.run_streamed(
            agent_of(shop, [call("view_order", id=7), call("delete_order", id=7)]), "Go.", user=ALICE
        )
        kinds = [event.type async for event in result.stream_events()]
        assert "run_item_stream_event" in kinds
        return outputs(result)

    first, second = asyncio.run(run())
    assert first == "order 7" and second.startswith("[policy_denied]")
    assert watched.told() == [("view_order", "allow"), ("delete_order", "deny")]


def test_a_stream_that_nobody_follows_to_the_end(runner: HexgateRunner, watched: Watched) -> None:
    began = asyncio.Event()

    @function_tool
    async def view_order(id: int) -> str:
        """Hangs."""
        began.set()
        await asyncio.Event().wait()
        return "never"

    async def run() -> None:
        agent: Agent[Any] = Agent(name="triage", tools=[view_order], model=model([call("view_order", id=7)]))
        result = runner.run_streamed(agent, "Go.", user=ALICE)
        async for event in result.stream_events():
            if began.is_set() or event.type == "run_item_stream_event":
                break
        await asyncio.wait_for(began.wait(), 5)
        result.cancel()
        await asyncio.sleep(0.05)

    asyncio.run(run())
    assert watched.ends() == [("view_order", "cancelled", True)]


def test_a_run_that_is_cancelled(runner: HexgateRunner, watched: Watched) -> None:
    async def run() -> None:
        began = asyncio.Event()

        @function_tool
        async def view_order(id: int) -> str:
            """Hangs."""
            began.set()
            await asyncio.Event().wait()
            return "never"

        agent: Agent[Any] = Agent(name="triage", tools=[view_order], model=model([call("view_order", id=7)]))
        task = asyncio.ensure_future(runner.run(agent, "Go.", user=ALICE))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.05)

    asyncio.run(run())
    assert watched.ends() == [("view_order", "cancelled", True)]


def test_too_many_turns(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    turns = [[call("view_order", id=nth)] for nth in range(5)]
    with pytest.raises(MaxTurnsExceeded):
        asyncio.run(runner.run(agent_of(shop, *turns), "Go.", user=ALICE, max_turns=2))
    assert len(shop.ran) == 2 and len(watched.ends()) == 2


def test_a_session_goes_on_with_another_user(runner: HexgateRunner, shop: Shop) -> None:
    async def run() -> list[list[str]]:
        session = SQLiteSession("s-1")
        try:
            agent = agent_of(shop, [call("view_order", "c1", id=1)])
            first = await runner.run(agent, "Go.", user=ALICE, session=session)
            first.last_agent.model = model([call("view_order", "c2", id=2)])
            await runner.run(first.last_agent, "Go on.", user=MALLORY, session=session)
            items = await session.get_items()
            kept = [it["output"] for it in items if it.get("type") == "function_call_output"]  # type: ignore[typeddict-item]
            return [outputs(first), kept]
        finally:
            session.close()

    first, kept = asyncio.run(run())
    assert first == ["order 1"]
    assert kept[0] == "order 1" and kept[1].startswith("[policy_denied]")


def test_handoffs_back_and_forth(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    transfer = lambda to, nth: function_call(f"transfer_to_{to}", "{}", call_id=f"h{nth}")  # noqa: E731
    triage: Agent[Any] = Agent(
        name="triage",
        tools=[shop.view_order],
        model=ScriptedModel([[transfer("billing", 1)], [call("view_order", id=1)], [assistant_message("Done.")]]),
    )
    billing: Agent[Any] = Agent(
        name="billing",
        tools=[shop.delete_order],
        handoffs=[triage],
        model=ScriptedModel([[call("delete_order", id=1)], [transfer("triage", 2)]]),
    )
    triage.handoffs.append(handoff(billing))
    result = asyncio.run(runner.run(triage, "Go.", user=ALICE))
    assert result.final_output == "Done." and result.last_agent.name == "triage"
    assert shop.ran == [("view_order", 1, "alice")]
    assert watched.told() == [
        ("agent.handoff:billing", "allow"),
        ("delete_order", "deny"),
        ("agent.handoff:triage", "allow"),
        ("view_order", "allow"),
    ]


@pytest.mark.parametrize("way", ["handoff", "run", "nested", "kept by the provider"])
def test_a_denied_handoff_changes_nothing(runner: HexgateRunner, watched: Watched, shop: Shop, way: str) -> None:
    filtered: list[str] = []

    def input_filter(data: Any) -> Any:
        filtered.append("filtered")
        return data

    secret: Agent[Any] = Agent(name="secret", tools=[shop.view_order], model=model())
    it = handoff(
        secret,
        input_filter=input_filter if way == "handoff" else None,
        nest_handoff_history=True if way == "nested" else None,
    )
    agent = agent_of(shop, [function_call("transfer_to_secret", "{}", call_id="h1")], [call("view_order", id=1)], handoffs=[it])
    config = RunConfig(handoff_input_filter=input_filter if way == "run" else None)
    kept: dict[str, Any] = {"conversation_id": "conv_1"} if way == "kept by the provider" else {}
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE, run_config=config, **kept))
    assert outputs(result)[0].startswith("[policy_denied]") and outputs(result)[1] == "order 1"
    assert filtered == [] and result.last_agent.name == "triage"
    assert watched.told() == [("agent.handoff:secret", "deny"), ("view_order", "allow")]
    assert isinstance(agent.model, ScriptedModel)
    kinds = [item.get("type", "message") for item in agent.model.calls[1].input]
    assert kinds == ["message", "function_call", "function_call_output"][-len(kinds) :] and kinds
    assert len(kinds) == (1 if kept else 3)


def test_a_handoff_that_goes_elsewhere(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    secret: Agent[Any] = Agent(name="secret", tools=[shop.view_order], model=model())

    async def elsewhere(context: Any, arguments: str) -> Agent[Any]:
        return secret

    it: Any = Handoff("transfer_to_billing", "Goes.", {"type": "object"}, elsewhere, "billing", strict_json_schema=False)
    agent = agent_of(shop, [function_call("transfer_to_billing", "{}", call_id="h1")], handoffs=[it])
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert result.last_agent.name == "triage" and outputs(result)[0].startswith("[policy_denied]")
    assert watched.told() == [("agent.handoff:billing", "allow"), ("agent.handoff:secret", "deny")]


def test_the_agent_below_has_its_own_enforcer_and_may_refuse(tmp_path: Path, shop: Shop) -> None:
    own = Watched(tmp_path)
    refuses = Watched(tmp_path, NO_RUNS, name="billing")
    runner = HexgateRunner(own.enforcer, enforcers={"billing": refuses.enforcer})
    billing: Agent[Any] = Agent(name="billing", tools=[shop.view_order], model=model([call("view_order", id=1)]))
    agent = agent_of(shop, [function_call("transfer_to_billing", "{}", call_id="h1")], handoffs=[billing])
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert "Not today." in outputs(result)[0] and result.last_agent.name == "triage"
    assert own.told() == [("agent.handoff:billing", "allow")] and refuses.told() == [("agent.run", "deny")]
    assert own.ends() == [("agent.handoff:billing", "failed", True)]
    assert shop.ran == []


def test_agents_as_tools_are_decided_and_count_by_themselves(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    researcher: Agent[Any] = Agent(
        name="researcher",
        tools=[shop.limited, shop.delete_order],
        model=ScriptedModel(
            [
                [call("limited", "l1"), call("limited", "l2"), call("limited", "l3"), call("delete_order", id=1)],
                [assistant_message("found")],
                [call("limited", "l4")],
                [assistant_message("found again")],
            ]
        ),
    )
    ask = [function_call("ask", '{"input": "look"}', call_id=f"a{nth}") for nth in range(3)]
    agent = agent_of(shop, [ask[0]], [ask[1]], [ask[2]])
    agent.tools.append(researcher.as_tool("ask", "Asks the researcher."))
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    texts = outputs(result)
    assert texts[:2] == ["found", "found again"] and texts[2].startswith("[policy_denied]")
    assert shop.ran == [("limited",)] * 3
    assert [it for it in watched.told() if it[0] == "limited"].count(("limited", "deny")) == 1
    assert watched.told()[-1] == ("agent.tool:researcher", "deny")
    assert ("delete_order", "deny") in watched.told()


def test_two_runners_decide_both_for_agents_below(tmp_path: Path, shop: Shop) -> None:
    inner, outer = Watched(tmp_path, name="inner"), Watched(tmp_path, name="outer")
    researcher: Agent[Any] = Agent(name="researcher", tools=[shop.view_order], model=model([call("view_order", id=1)]))
    agent = agent_of(shop, [function_call("ask", '{"input": "look"}', call_id="a")])
    agent.tools.append(researcher.as_tool("ask", "Asks the researcher."))

    async def run() -> Any:
        gated = HexgateRunner(inner.enforcer).gate(agent)
        async with ALICE:
            return await HexgateRunner(outer.enforcer).run(gated, "Go.")

    assert outputs(asyncio.run(run())) == ["Done."]
    assert shop.ran == [("view_order", 1, "alice")]
    assert inner.told() == outer.told() == [("agent.tool:researcher", "allow"), ("view_order", "allow")]


def test_exceptions_of_tools(runner: HexgateRunner, watched: Watched) -> None:
    @function_tool
    def view_order(id: int) -> str:
        """Fails."""
        raise ValueError("the secret 8417")

    async def raises(context: Any, arguments: str) -> str:
        raise ValueError("no")

    agent: Agent[Any] = Agent(name="triage", tools=[view_order], model=model([call("view_order", id=7)]))
    (text,) = outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE)))
    assert "8417" not in text
    own = FunctionTool("late", "Raises.", {"type": "object"}, raises, strict_json_schema=False)
    agent = Agent(name="triage", tools=[own], model=model([call("late")]))
    with pytest.raises(UserError):
        asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert watched.ends() == [("view_order", "failed", True), ("late", "failed", True)]


def test_what_arguments_run(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    texts = [
        '{"amount": 0.1000000000000000055511151231257827021181583404541015625000001}',
        '{"amount": 1e400}',
        '{"amount": 5, "amount": 500}',
        "",
        '{"amount": 12.50}',
    ]
    agent = agent_of(shop, [function_call("refund_order", text, call_id=f"c{nth}") for nth, text in enumerate(texts)])
    found = outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE)))
    assert shop.ran == [("refund_order", 12.5, "alice")]
    assert found[0].startswith("[invalid_arguments]") and found[4] == "refunded 12.5"
    assert [it.arguments_json for it in watched.decisions][3] == "{}"
    assert ("refund_order", "failed", False) in watched.ends()


def test_no_arguments_at_all_are_an_empty_object(runner: HexgateRunner, watched: Watched) -> None:
    got: list[str] = []

    async def late(context: Any, arguments: str) -> str:
        got.append(arguments)
        return "fine"

    tool = FunctionTool("late", "Late.", {"type": "object"}, late, strict_json_schema=False)
    turn = [function_call("late", "", call_id="c1"), function_call("late", '{"b": 1,  "a": 2}', call_id="c2")]
    agent: Agent[Any] = Agent(name="triage", tools=[tool], model=model(turn))
    assert outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE))) == ["fine", "fine"]
    assert got == ["{}", '{"b": 1,  "a": 2}'] == [it.arguments_json for it in watched.decisions]


def test_a_tool_that_reads_its_context_sees_what_was_decided(runner: HexgateRunner) -> None:
    got: list[str] = []

    @function_tool
    def refund_order(context: ToolContext[Any], amount: float) -> str:
        """Refunds."""
        got.append(context.tool_arguments)
        return "fine"

    agent: Agent[Any] = Agent(name="triage", tools=[refund_order], model=model([call("refund_order", amount=10)]))
    asyncio.run(runner.run(agent, "Go.", user=ALICE, hooks=Rewrites('{"amount": 20}')))
    assert got == ['{"amount": 20}']


class Rewrites(RunHooks[Any]):
    """Changes arguments at the last moment that the SDK lets a hook."""

    def __init__(self, arguments: str) -> None:
        self.arguments = arguments

    async def on_tool_start(self, context: Any, agent: Any, tool: Any) -> None:
        context.tool_call.arguments = self.arguments
        context.tool_arguments = '{"amount": 1}'


@pytest.mark.parametrize("pauses", [False, True])
def test_a_hook_changes_arguments(watched: Watched, shop: Shop, pauses: bool) -> None:
    runner = HexgateRunner(watched.enforcer, pauses=pauses)
    agent = agent_of(shop, [call("refund_order", amount=10)])
    run = runner.run(agent, "Go.", user=ALICE, hooks=Rewrites('{"amount": 5000}'))
    (text,) = outputs(asyncio.run(run))
    assert text.startswith("[policy_denied]") and shop.ran == []
    # Where the run may pause it was decided before the hook, and what was decided then was not used.
    decided = [it.arguments_json for it in watched.decisions]
    assert decided[-1] == '{"amount": 5000}' and len(decided) == (2 if pauses else 1)
    assert watched.ends() == ([("refund_order", "cancelled", False)] if pauses else [])


def test_a_guardrail_changes_arguments_and_may_be_taken_away(runner: HexgateRunner, shop: Shop) -> None:
    @tool_input_guardrail
    def changes(data: Any) -> ToolGuardrailFunctionOutput:
        data.context.tool_call.arguments = '{"id": 9}'
        return ToolGuardrailFunctionOutput.allow()

    shop.delete_order.tool_input_guardrails = [changes]
    gated = runner.gate(agent_of(shop, [call("delete_order", "c1", id=1)], [call("view_order", id=1)]))
    tools: Any = {tool.name: tool for tool in gated.tools}
    tools["view_order"].tool_input_guardrails = [changes]
    tools["delete_order"].tool_input_guardrails = []
    found = outputs(asyncio.run(runner.run(gated, "Go.", user=ALICE)))
    assert found[0].startswith("[policy_denied]") and found[1] == "order 9"


def test_wrapped_twice(tmp_path: Path, shop: Shop) -> None:
    once, other = Watched(tmp_path), Watched(tmp_path, name="other")
    runner = HexgateRunner(once.enforcer)
    agent = agent_of(shop, [call("view_order", id=1)])
    gated = runner.gate(agent)
    assert runner.gate(gated) is gated
    assert outputs(asyncio.run(runner.run(gated, "Go.", user=ALICE))) == ["order 1"]
    assert once.told() == [("view_order", "allow")]

    async def both() -> Any:
        gated.model = model([call("view_order", id=2)])
        async with ALICE:
            return await HexgateRunner(other.enforcer).run(gated, "Go.")

    assert outputs(asyncio.run(both())) == ["order 2"]
    assert other.told() == [("view_order", "allow")] and len(once.told()) == 2


def test_sync(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    found: list[Any] = []

    def run() -> None:
        # Not the thread of the test: the SDK leaves the event loop of the thread open.
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            found.append(outputs(runner.run_sync(agent_of(shop, [call("view_order", id=1)]), "Go.", user=ALICE)))
        finally:
            loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [["order 1"]] and watched.told() == [("view_order", "allow")]


def test_sync_within_a_loop(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    async def run() -> None:
        with pytest.raises(RuntimeError, match="already running"):
            runner.run_sync(agent_of(shop, [call("view_order", id=1)]), "Go.", user=ALICE)

    asyncio.run(run())
    assert watched.told() == [] and shop.ran == []


@pytest.mark.parametrize("entry", ["run", "run_sync", "run_streamed"])
def test_a_run_that_may_not_begin(tmp_path: Path, shop: Shop, entry: str) -> None:
    watched = Watched(tmp_path, NO_RUNS)
    runner = HexgateRunner(watched.enforcer)
    agent = agent_of(shop, [call("view_order", id=1)])

    async def streamed() -> None:
        async for _ in runner.run_streamed(agent, "Go.", user=ALICE).stream_events():
            pass

    with pytest.raises(hexgate.CallDenied, match="Not today."):
        if entry == "run":
            asyncio.run(runner.run(agent, "Go.", user=ALICE))
        elif entry == "run_sync":
            runner.run_sync(agent, "Go.", user=ALICE)
        else:
            asyncio.run(streamed())
    assert watched.told() == [("agent.run", "deny")] and shop.ran == []
    assert isinstance(agent.model, ScriptedModel) and len(agent.model.calls) == 0


class NoComputer(Computer):
    """A computer that nobody uses."""

    environment = "mac"
    dimensions = (1, 1)

    def screenshot(self) -> str:
        raise NotImplementedError

    def click(self, *_: Any) -> None: ...
    def double_click(self, *_: Any) -> None: ...
    def scroll(self, *_: Any) -> None: ...
    def type(self, *_: Any) -> None: ...
    def wait(self) -> None: ...
    def move(self, *_: Any) -> None: ...
    def keypress(self, *_: Any) -> None: ...
    def drag(self, *_: Any) -> None: ...


def test_realtime_agents_are_refused(runner: HexgateRunner) -> None:
    from agents.realtime import RealtimeAgent

    agent: Any = RealtimeAgent(name="voice")
    with pytest.raises(hexgate.HexgateError) as refused:
        asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert refused.value.code == "ungated"


@pytest.mark.parametrize(
    ("tool", "name"),
    [
        (lambda: WebSearchTool(), "web_search"),
        (
            lambda: HostedMCPTool(tool_config={"type": "mcp", "server_label": "git", "server_url": "https://e.test"}),
            "hosted_mcp:git",
        ),
        (
            lambda: CodeInterpreterTool(tool_config={"type": "code_interpreter", "container": {"type": "auto"}}),
            "code_interpreter",
        ),
        (lambda: ShellTool(environment={"type": "container_auto"}), "shell"),
        (lambda: ComputerTool(computer=NoComputer()), "computer_use_preview"),
    ],
)
def test_tools_of_the_provider(
    watched: Watched, shop: Shop, caplog: pytest.LogCaptureFixture, tool: Callable[[], Any], name: str
) -> None:
    agent = agent_of(shop)
    agent.tools.append(tool())
    below: Agent[Any] = Agent(name="root", handoffs=[agent], model=model())
    as_tool: Agent[Any] = Agent(name="root", tools=[agent.as_tool("ask", "Asks.")], model=model())
    runner = HexgateRunner(watched.enforcer)
    for it in (agent, below, as_tool):
        with pytest.raises(hexgate.HexgateError) as refused:
            asyncio.run(runner.run(it, "Go.", user=ALICE))
        assert refused.value.code == "ungated" and name in refused.value.remedy
        accepting = HexgateRunner(watched.enforcer, accept_ungated=[name])
        assert accepting.ungated == {}
        accepting.gate(it)
        assert list(accepting.ungated) == [name]
    assert f"`{name}`" in caplog.text
    accepting = HexgateRunner(watched.enforcer, accept_ungated=[name])
    assert asyncio.run(accepting.run(agent, "Go.", user=ALICE)).final_output == "Done."


def test_stored_prompts_can_bring_tools(watched: Watched, shop: Shop) -> None:
    agent = agent_of(shop, prompt={"id": "p-1"})
    with pytest.raises(hexgate.HexgateError, match="prompt"):
        HexgateRunner(watched.enforcer).gate(agent)
    HexgateRunner(watched.enforcer, accept_ungated=["prompt"]).gate(agent)


class Adds(AgentHooks[Any]):
    """Gives an agent a tool when it begins."""

    def __init__(self, tool: Any) -> None:
        self.tool = tool

    async def on_start(self, context: Any, agent: Any) -> None:
        agent.tools.append(self.tool)


def test_a_tool_that_a_hook_adds(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    agent = agent_of(shop, [call("delete_order", id=1), call("view_order", id=1)])
    agent.tools = [shop.view_order]
    agent.hooks = Adds(shop.delete_order)
    found = outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE)))
    assert found[0].startswith("[policy_denied]") and found[1] == "order 1"
    assert agent.tools == [shop.view_order]
    agent.model, agent.hooks = model(), Adds(WebSearchTool())
    with pytest.raises(hexgate.HexgateError) as refused:
        asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert refused.value.code == "ungated"


def test_local_tools_of_the_sdk(runner: HexgateRunner, watched: Watched, tmp_path: Path) -> None:
    ran: list[Any] = []

    class Editor:
        def create_file(self, operation: Any) -> str:
            ran.append((operation.type, operation.path, operation.diff))
            return "created"

        update_file = delete_file = create_file

    def local(request: Any) -> str:
        ran.append(request.data.action.command)
        return "files"

    async def shell(request: Any) -> str:
        ran.append(request.data.action.commands)
        return "files"

    def raw(context: Any, text: str) -> str:
        ran.append(text)
        return "fine"

    tools: list[Any] = [
        ShellTool(executor=shell),
        ApplyPatchTool(editor=Editor()),
        CustomTool(name="raw", description="Raw.", on_invoke_tool=raw),
    ]

    def local_call(nth: int, *command: str) -> Any:
        action = {"type": "exec", "command": list(command), "env": {}}
        return LocalShellCall.model_validate(
            {"id": f"l{nth}", "call_id": f"l{nth}", "type": "local_shell_call", "status": "completed", "action": action}
        )

    def shell_call(nth: int, *commands: str) -> Any:
        return ResponseFunctionShellToolCall.model_validate(
            {
                "id": f"s{nth}",
                "call_id": f"s{nth}",
                "type": "shell_call",
                "status": "completed",
                "action": {"commands": list(commands)},
            }
        )

    def patch(nth: int, path: str) -> Any:
        return ResponseApplyPatchToolCall.model_validate(
            {
                "id": f"p{nth}",
                "call_id": f"p{nth}",
                "type": "apply_patch_call",
                "status": "completed",
                "operation": {"type": "create_file", "path": path, "diff": "+x"},
            }
        )

    def custom(nth: int, text: str) -> Any:
        return ResponseCustomToolCall(call_id=f"r{nth}", input=text, name="raw", type="custom_tool_call")

    proposed = [shell_call(1, "ls"), shell_call(2, "rm"), patch(1, "a.txt"), patch(2, "b.txt"), custom(1, "yes")]
    agent: Agent[Any] = Agent(name="triage", tools=tools, model=model([*proposed, custom(2, "no")]))
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    told = json.dumps(result.to_input_list())
    agent = Agent(
        name="triage",
        tools=[LocalShellTool(executor=local)],
        model=model([local_call(1, "ls", "-l"), local_call(2, "rm", "-r")]),
    )
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    told += json.dumps(result.to_input_list())
    assert sorted(ran, key=str) == sorted([["ls"], ("create_file", "a.txt", "+x"), "yes", ["ls", "-l"]], key=str)
    assert told.count("[policy_denied]") == 4
    assert sorted(watched.told()) == sorted(
        (name, outcome) for name in ("shell", "apply_patch", "raw", "local_shell") for outcome in ("allow", "deny")
    )
    assert len(watched.ends()) == 4 and {it[1] for it in watched.ends()} == {"completed"}


def test_what_a_shell_runs_does_not_change_while_people_look_at_it(tmp_path: Path) -> None:
    ran: list[Any] = []
    item = LocalShellCall.model_validate(
        {
            "id": "l1",
            "call_id": "l1",
            "type": "local_shell_call",
            "status": "completed",
            "action": {"type": "exec", "command": ["ls"], "env": {}},
        }
    )

    def approve(decision: hexgate.Decision) -> bool:
        proposed = [it for response in responses for it in response.output]
        for it in [item, *proposed]:
            it.action.command[:] = ["rm"]
        return True

    class Notes(RunHooks[Any]):
        async def on_llm_end(self, context: Any, agent: Any, response: Any) -> None:
            if not responses:
                responses.append(response)

    def execute(request: Any) -> str:
        ran.append(request.data.action.command)
        return "fine"

    responses: list[Any] = []
    policy = "roles: {support: {tools: {local_shell: {mode: approval_required}}}}"
    watched = Watched(tmp_path, policy, approvals=approve)
    agent: Agent[Any] = Agent(name="triage", tools=[LocalShellTool(executor=execute)], model=model([item]))
    # The SDK notices it too, but afterwards.
    with pytest.raises(ModelBehaviorError):
        asyncio.run(HexgateRunner(watched.enforcer).run(agent, "Go.", user=ALICE, hooks=Notes()))
    assert ran == [["ls"]] and json.loads(watched.decisions[-1].arguments_json)["command"] == ["ls"]


# Approvals as the SDK has them


def paused(watched: Watched, shop: Shop, *turns: list[Any]) -> tuple[HexgateRunner, Agent[Any], Any]:
    runner = HexgateRunner(watched.enforcer, pauses=True)
    agent = agent_of(shop, *(turns or ([call("refund_order", amount=100)],)))
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert shop.ran == [] and len(result.interruptions) == 1
    return runner, agent, result


def test_a_run_pauses_and_goes_on(watched: Watched, shop: Shop) -> None:
    runner, agent, result = paused(watched, shop)
    (pending,) = runner.pending(result)
    assert (pending.tool, json.loads(pending.arguments)) == ("refund_order", {"amount": 100})
    state = result.to_state()
    state.approve(result.interruptions[0])
    result = asyncio.run(runner.run(agent, state, user=ALICE))
    assert result.final_output == "Done." and outputs(result) == ["refunded 100.0"]
    assert shop.ran == [("refund_order", 100.0, "alice")]
    last = watched.decisions[-1]
    assert (last.outcome, last.cause, last.approved_by) == ("allow", "approval", "RunState.approve")
    assert runner.pending(result) == []


def test_what_needs_no_approval_is_decided_once(watched: Watched, shop: Shop) -> None:
    runner = HexgateRunner(watched.enforcer, pauses=True)
    agent = agent_of(shop, [call("refund_order", amount=10), call("view_order", id=1), call("delete_order", id=1)])
    found = outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE)))
    assert found[:2] == ["refunded 10.0", "order 1"] and found[2].startswith("[policy_denied]")
    assert sorted(watched.told()) == [("delete_order", "deny"), ("refund_order", "allow"), ("view_order", "allow")]
    assert sorted(watched.ends()) == [("refund_order", "completed", True), ("view_order", "completed", True)]


def restored(watched: Watched, agent: Agent[Any], result: Any) -> tuple[HexgateRunner, Any]:
    """What another process makes of a saved state: a runner that knows nothing."""
    runner = HexgateRunner(watched.enforcer, pauses=True)
    saved = json.loads(json.dumps(result.to_state().to_json()))
    return runner, asyncio.run(RunState.from_json(runner.gate(agent), saved))


def test_a_run_goes_on_in_another_process(watched: Watched, shop: Shop) -> None:
    first, agent, result = paused(watched, shop)
    (pending,) = first.pending(result)
    agent.model = model()
    runner, state = restored(watched, agent, result)
    state.approve(state.get_interruptions()[0])
    answers = [hexgate.Approval("0" * 64, by="bob"), hexgate.Approval(pending.key, by="carol")]
    result = asyncio.run(runner.run(agent, state, user=ALICE, approvals=answers))
    assert outputs(result) == ["refunded 100.0"] and shop.ran == [("refund_order", 100.0, "alice")]
    assert watched.decisions[-1].approved_by == "carol"


@pytest.mark.parametrize("answer", ["none", "other", "no", "used"])
def test_an_answer_that_does_not_count(watched: Watched, shop: Shop, answer: str) -> None:
    first, agent, result = paused(watched, shop)
    (pending,) = first.pending(result)
    agent.model = model()
    runner, state = restored(watched, agent, result)
    state.approve(state.get_interruptions()[0])
    approval = hexgate.Approval("0" * 64 if answer == "other" else pending.key, by="carol", approved=answer != "no")
    if answer == "used":
        asyncio.run(watched.enforcer.authorize("refund_order", pending.arguments, caller=ALICE, approval=approval)).cancel()
    approvals = [] if answer == "none" else [approval]
    (text,) = outputs(asyncio.run(runner.run(agent, state, user=ALICE, approvals=approvals)))
    assert text.startswith("[approval_required]" if answer == "none" else "[policy_denied]")
    assert shop.ran == []


def test_an_approval_is_for_its_caller(watched: Watched, shop: Shop) -> None:
    runner, agent, result = paused(watched, shop)
    agent.model = model()
    state = result.to_state()
    state.approve(result.interruptions[0])
    bob = hexgate.User("bob", "support")
    (text,) = outputs(asyncio.run(runner.run(agent, state, user=bob)))
    assert text.startswith("[policy_denied]") and shop.ran == []


def test_approving_always_approves_once(watched: Watched, shop: Shop) -> None:
    runner, agent, result = paused(
        watched, shop, [call("refund_order", "c1", amount=100)], [call("refund_order", "c2", amount=200)]
    )
    state = result.to_state()
    state.approve(result.interruptions[0], always_approve=True)
    first, second = outputs(asyncio.run(runner.run(agent, state, user=ALICE)))
    assert first == "refunded 100.0" and second.startswith("[approval_required]")
    assert shop.ran == [("refund_order", 100.0, "alice")]


def test_two_calls_alike_are_two_questions(watched: Watched, shop: Shop) -> None:
    for approved in (1, 2):
        shop.ran.clear()
        runner = HexgateRunner(watched.enforcer, pauses=True)
        agent = agent_of(shop, [call("refund_order", "c1", amount=100), call("refund_order", "c2", amount=100)])
        result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
        assert len(runner.pending(result)) == len(result.interruptions) == 2
        state = result.to_state()
        for it in result.interruptions[:approved]:
            state.approve(it)
        for it in result.interruptions[approved:]:
            state.reject(it)
        found = sorted(outputs(asyncio.run(runner.run(agent, state, user=ALICE))))
        assert shop.ran == [("refund_order", 100.0, "alice")] * approved
        assert found[-1] == "refunded 100.0" and (found[0] == "refunded 100.0") is (approved == 2)


def test_another_policy_after_the_answer(tmp_path: Path, shop: Shop) -> None:
    tmp_path.chmod(0o700)
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    policy.chmod(0o600)
    runner = HexgateRunner(hexgate.Enforcer.from_file("triage", policy), pauses=True)
    for changed, begins in [
        (POLICY.replace("<= 1000", "<= 2000"), "[policy_denied]"),
        (POLICY.replace("mode: approval_required", "mode: deny"), "[policy_denied]"),
    ]:
        policy.write_text(POLICY)
        agent = agent_of(shop, [call("refund_order", amount=100)])
        result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
        state = result.to_state()
        state.approve(result.interruptions[0])
        policy.write_text(changed)
        (text,) = outputs(asyncio.run(runner.run(agent, state, user=ALICE)))
        assert text.startswith(begins) and shop.ran == []


@pytest.mark.parametrize("same_process", [True, False])
def test_an_agent_below_pauses_the_run(watched: Watched, shop: Shop, same_process: bool) -> None:
    below = [call("refund_order", amount=100)]
    researcher: Agent[Any] = Agent(name="researcher", tools=[shop.refund_order], model=model(below))
    ask = function_call("ask", '{"input": "look"}', call_id="a")
    agent = agent_of(shop, [ask])
    agent.tools.append(researcher.as_tool("ask", "Asks the researcher."))
    runner = HexgateRunner(watched.enforcer, pauses=True)
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert shop.ran == [] and len(result.interruptions) == len(runner.pending(result)) == 1
    (pending,) = runner.pending(result)
    state, answers = result.to_state(), []
    if not same_process:
        runner, state = restored(watched, agent, result)
        answers = [hexgate.Approval(pending.key, by="carol")]
    state.approve(state.get_interruptions()[0])
    result = asyncio.run(runner.run(agent, state, user=ALICE, approvals=answers))
    assert shop.ran == [("refund_order", 100.0, "alice")] and result.final_output == "Done."
    assert "carol" in [it.approved_by for it in watched.decisions] or same_process


def test_what_was_permitted_before_a_guardrail_rejected_it(watched: Watched, shop: Shop) -> None:
    @tool_input_guardrail
    def rejects(data: Any) -> ToolGuardrailFunctionOutput:
        watched.enforcer.kill_switch.stop_user("alice", "fraud")
        seen.append(data.context.tool_call_id)
        if seen == ["c1"]:
            return ToolGuardrailFunctionOutput.reject_content("not now")
        return ToolGuardrailFunctionOutput.allow()

    seen: list[str] = []
    shop.view_order.tool_input_guardrails = [rejects]
    runner = HexgateRunner(watched.enforcer, pauses=True)
    agent = agent_of(shop, [call("view_order", "c1", id=1)], [call("view_order", "c2", id=1)])
    first, second = outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE)))
    assert first == "not now" and second.startswith("[policy_denied]") and shop.ran == []
    # The same call again is decided again: by then the user is stopped.
    assert [it.cause for it in watched.decisions] == ["policy", "stopped"]
    assert watched.ends() == [("view_order", "cancelled", False)]


def test_a_stream_pauses_and_goes_on(watched: Watched, shop: Shop) -> None:
    async def run() -> list[str]:
        runner = HexgateRunner(watched.enforcer, pauses=True)
        agent = agent_of(shop, [call("refund_order", amount=100), call("view_order", id=1)])
        result = runner.run_streamed(agent, "Go.", user=ALICE)
        async for _ in result.stream_events():
            pass
        assert len(runner.pending(result)) == 1
        state = result.to_state()
        state.approve(result.interruptions[0])
        result = runner.run_streamed(agent, state, user=ALICE)
        async for _ in result.stream_events():
            pass
        return outputs(result)

    assert sorted(asyncio.run(run())) == ["order 1", "refunded 100.0"]
    assert {it[1] for it in watched.ends()} == {"completed"}


def test_a_refusal_holds_and_is_recorded(watched: Watched, shop: Shop) -> None:
    runner, agent, result = paused(watched, shop)
    state = result.to_state()
    state.reject(result.interruptions[0])
    (text,) = outputs(asyncio.run(runner.run(agent, state, user=ALICE)))
    assert text.startswith("[policy_denied]") and shop.ran == []
    assert watched.told() == [("refund_order", "needs_approval"), ("refund_order", "deny")]


def test_the_sdk_asks_too(watched: Watched, shop: Shop) -> None:
    shop.view_order.needs_approval = True
    runner = HexgateRunner(watched.enforcer, pauses=True)
    agent = agent_of(shop, [call("view_order", id=1), call("delete_order", id=1)])
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert len(result.interruptions) == 1 and shop.ran == [] and runner.pending(result) == []
    state = result.to_state()
    state.approve(result.interruptions[0])
    found = outputs(asyncio.run(runner.run(agent, state, user=ALICE)))
    assert sorted(it[:15] for it in found) == ["[policy_denied]", "order 1"]
    # Without pauses of ours it is the same.
    agent.model = model([call("view_order", "c2", id=2)])
    plain = HexgateRunner(watched.enforcer)
    result = asyncio.run(plain.run(agent, "Go.", user=ALICE))
    assert len(result.interruptions) == 1 and len(shop.ran) == 1


def test_a_function_of_the_sdk_is_asked_about_what_runs(watched: Watched, shop: Shop) -> None:
    asked: list[Any] = []

    async def asks(context: Any, params: Any, call_id: str) -> bool:
        asked.append(params)
        return False

    shop.refund_order.needs_approval = asks
    runner = HexgateRunner(watched.enforcer, pauses=True)
    # A whole number becomes a fraction when it is read: the SDK wants a person to look at that.
    agent = agent_of(shop, [call("refund_order", amount=10)], [call("refund_order", amount=10.5)])
    result = asyncio.run(runner.run(agent, "Go.", user=ALICE))
    assert len(result.interruptions) == 1 and asked == [] and shop.ran == []
    state = result.to_state()
    state.approve(result.interruptions[0])
    assert outputs(asyncio.run(runner.run(agent, state, user=ALICE))) == ["refunded 10.0", "refunded 10.5"]
    assert asked == [{"amount": 10.5}]


def test_a_state_that_was_not_gated(runner: HexgateRunner, shop: Shop) -> None:
    shop.view_order.needs_approval = True
    agent = agent_of(shop, [call("view_order", id=1)])
    result = asyncio.run(Runner.run(agent, "Go."))
    state = result.to_state()
    state.approve(result.interruptions[0])
    with pytest.raises(hexgate.HexgateError) as refused:
        asyncio.run(runner.run(agent, state, user=ALICE))
    assert refused.value.code == "ungated" and shop.ran == []


def test_contradictions(watched: Watched, tmp_path: Path) -> None:
    asking = hexgate.Enforcer.from_yaml("triage", POLICY, approvals=True)
    with pytest.raises(hexgate.ApprovalError):
        HexgateRunner(asking, pauses=True)
    with pytest.raises(hexgate.HexgateError):
        HexgateRunner(watched.enforcer, approvals=True)
    with pytest.raises(hexgate.HexgateError):
        HexgateRunner(watched.enforcer, accept_ungated="web_search")
    answer = hexgate.Approval("k", by="carol")
    with pytest.raises(hexgate.ApprovalError):
        asyncio.run(HexgateRunner(watched.enforcer).run(Agent(name="a"), "Go.", approvals=[answer]))


def test_the_enforcer_asks_by_itself(tmp_path: Path, shop: Shop) -> None:
    watched = Watched(tmp_path, approvals=lambda decision: hexgate.Answer(True, by="carol"))
    agent = agent_of(shop, [call("refund_order", amount=100)])
    assert outputs(asyncio.run(HexgateRunner(watched.enforcer).run(agent, "Go.", user=ALICE))) == ["refunded 100.0"]
    assert watched.told() == [("refund_order", "needs_approval"), ("refund_order", "allow")]


# What the SDK tells


def test_unknown_tools_and_what_the_program_says_of_them(runner: HexgateRunner, watched: Watched, shop: Shop) -> None:
    def theirs(args: Any) -> str | None:
        return "there is no such thing" if args.tool_name == "theirs" else None

    agent = agent_of(shop, [call("launch", now=True), call("theirs")])
    found = outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE, run_config={"tool_error_formatter": theirs})))
    assert found[0].startswith("[") and found[1] == "there is no such thing"
    assert watched.told() == [("launch", "deny"), ("theirs", "deny")]
    assert watched.decisions[0].arguments_json == '{"now": true}'


def test_the_environment_names_the_policy(tmp_path: Path, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    tmp_path.chmod(0o700)
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    policy.chmod(0o600)
    monkeypatch.setenv("HEXGATE_LOCAL_POLICY", str(policy))
    runner = HexgateRunner()
    for _ in range(2):
        agent = agent_of(shop, [call("view_order", id=1)])
        assert outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE))) == ["order 1"]
    monkeypatch.setenv("HEXGATE_LOCAL_POLICY", str(tmp_path / "nowhere.yaml"))
    with pytest.raises(hexgate.PolicyError):
        asyncio.run(HexgateRunner().run(agent_of(shop), "Go.", user=ALICE))


def test_a_class_of_the_program(runner: HexgateRunner, shop: Shop) -> None:
    class Own(Agent[Any]):
        async def get_all_tools(self, run_context: Any) -> list[Any]:
            return [*await super().get_all_tools(run_context), shop.delete_order]

    agent = Own(name="triage", tools=[shop.view_order], model=model([call("view_order", id=1), call("delete_order", id=1)]))
    found = outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE)))
    assert found[0] == "order 1" and found[1].startswith("[policy_denied]")
    gated = runner.gate(agent)
    assert isinstance(gated, Own) and type(gated).__qualname__ == Own.__qualname__
    copied = gated.clone(name="triage", model=model([call("delete_order", id=2)]))
    assert outputs(asyncio.run(runner.run(copied, "Go.", user=ALICE)))[0].startswith("[policy_denied]")


def test_the_tools_of_a_sandbox(runner: HexgateRunner, watched: Watched) -> None:
    from agents.sandbox import SandboxAgent, SandboxRunConfig
    from agents.sandbox.capabilities.shell import Shell
    from agents.sandbox.sandboxes.unix_local import UnixLocalSandboxClient

    agent = SandboxAgent(
        name="triage", model=model([call("exec_command", cmd="echo hello")]), capabilities=[Shell()]
    )
    config = RunConfig(sandbox=SandboxRunConfig(client=UnixLocalSandboxClient()))
    (text,) = outputs(asyncio.run(runner.run(agent, "Go.", user=ALICE, run_config=config)))
    assert text.startswith("[policy_denied]") and watched.told() == [("exec_command", "deny")]


def test_without_the_framework() -> None:
    code = "import sys; sys.modules['agents'] = None\nimport hexgate_host\nimport hexgate_host.openai_agents"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "ImportError" in ran.stderr
    assert "pip install 'hexgate-host[openai-agents]'" in ran.stderr
