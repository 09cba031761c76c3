"""The package by itself, in a loop of its own, and the kit that looks at it."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

import hexgate_host as hexgate
from kit import (
    Absent,
    Bug,
    Call,
    Driver,
    NoGate,
    Open,
    OpenIn,
    Play,
    Scenario,
    Seen,
    ToolFails,
    Uncovered,
    check,
    outcome,
    scenarios,
)
from kit.run import DoesNotHold
from kit.same import same
from kit.scenario import FOLDER, ScenarioError, read


class Bare(Driver):
    """What `docs/python.md` says under "In short": a loop that calls the enforcer."""

    host = "python"
    title = "Python"
    keeps_bytes = False

    def uncovered(self, scenario: Scenario) -> Uncovered | None:
        kinds = {tool.kind for tool in scenario.tools}
        if kinds & {"agent", "handoff", "mcp", "later", "provider"}:
            return Absent("the package runs functions; what a framework makes of them is each adapter's")
        if scenario.gate == "recorder_panics":
            return Absent("what records is the audit log; a program in Python brings none of its own")
        around = scenario.around
        if around.rewrite_before or around.rewrite_after or around.wrapped_twice:
            return Absent("nothing stands between the program and the enforcer")
        return None

    async def play(self, play: Play) -> Seen:
        try:
            enforcer = play.enforcer()
        except NoGate as reason:
            return play.without_gate(str(reason))
        caller = play.caller
        known = {tool.name for tool in play.tools if tool.kind == "function"}
        read: list[str] = []

        async def one(call: Call, run: hexgate.Run) -> str:
            if call.tool not in known:
                return enforcer.in_vain(call.tool, call.arguments, "unknown_tool", caller=caller)

            async def function(**arguments: object) -> str:
                return await play.toolbox.run(call.tool, json.dumps(arguments))

            try:
                return await enforcer.call(call.tool, function, call.arguments, caller=caller, run=run)
            except hexgate.CallDenied as denied:
                return denied.as_error_message()
            except hexgate.HexgateError as error:
                return str(error)
            except RuntimeError:
                return "the tool failed"
            except Exception as error:
                return str(error)

        async def loop() -> None:
            run = hexgate.Run("r-1")
            while (turn := play.script.next()) is not None:
                if not turn.broken:
                    read.extend(await asyncio.gather(*(one(call, run) for call in turn.calls)))

        await play.until_cancelled(loop())
        return await play.seen(read)


def test_every_scenario_holds() -> None:
    asyncio.run(check(Bare()))


class Plain(Driver):
    """A host that is wrong in one way, so that the kit has something to find."""

    host = "plain"
    title = "Plain"

    def __init__(self, fault: str = "") -> None:
        self.fault = fault

    async def play(self, play: Play) -> Seen:
        try:
            enforcer = play.enforcer()
        except NoGate as reason:
            return play.without_gate(str(reason))
        read: list[str] = []
        kept: dict[Call, str] = {}
        while (turn := play.script.next()) is not None:
            for call in turn.calls:
                if call not in kept or self.fault != "keeps results":
                    kept[call] = await self.call(play, enforcer, call)
                read.append(kept[call])
        seen = await play.seen(read)
        if self.fault == "ends twice":
            seen.oddities.append("the call `echo` ended twice")
        if self.fault != "names nothing":
            seen.named_uncovered = [tool.name for tool in play.tools if tool.kind == "provider"]
        return seen

    async def call(self, play: Play, enforcer: hexgate.Enforcer, call: Call) -> str:
        async def run(arguments: str) -> tuple[bool, str]:
            try:
                return True, await play.toolbox.run(call.tool, arguments)
            except ToolFails as failure:
                return False, str(failure)
            except Bug:
                return False, "a bug"

        if self.fault in ("does not ask", "runs first"):
            _, text = await run(call.arguments)
            if self.fault == "does not ask":
                return text
        caller = hexgate.User("root", "user") if self.fault == "another caller" else play.caller
        try:
            permit = await enforcer.authorize(call.tool, call.arguments, caller=caller)
        except hexgate.CallDenied as denied:
            if self.fault == "takes ask for yes" and isinstance(denied, hexgate.ApprovalRequired):
                return (await run(call.arguments))[1]
            if self.fault == "decides twice":
                enforcer.decide(call.tool, call.arguments, caller=caller)
            if self.fault == "tells the reason" and denied.decision is not None:
                return f"{denied} {denied.decision.human()}"
            return "" if self.fault == "tells nothing" else denied.as_error_message()
        with permit:
            if self.fault == "runs twice":
                await run(permit.arguments_json)
            anew = json.dumps(json.loads(permit.arguments_json), separators=(",", ":"))
            completed, text = await run(anew if self.fault == "writes anew" else permit.arguments_json)
            if completed or self.fault == "tells wrong end":
                permit.complete(text)
            else:
                permit.fail("failed", text)
        return text


PLAYED = """allow approval-counts-once approval-given approval-by-nobody arguments-unicode caller-missing deny deny-hides-the-policy
gate-expired gate-traps mixed-verdicts policy-replaced recorder-fails result-kept tool-fails tool-of-the-provider tool-panics user-stopped"""
ALL = {scenario.name: scenario for scenario in scenarios()}


def plays(driver: Driver, name: str) -> object:
    return asyncio.run(outcome(driver, ALL[name]))


def test_a_plain_host_holds() -> None:
    for name in PLAYED.split():
        assert plays(Plain(), name) == "passes", name


@pytest.mark.parametrize(
    ("fault", "name", "why"),
    [
        ("does not ask", "deny", "ran with"),
        ("runs first", "allow", "which must not be"),
        ("takes ask for yes", "approval-by-nobody", "ran with"),
        ("runs twice", "allow", "no record permits that"),
        ("writes anew", "allow", "no record permits that"),
        ("tells wrong end", "tool-fails", "there is no record"),
        ("ends twice", "allow", "ended twice"),
        ("tells the reason", "deny-hides-the-policy", "has `7531`"),
        ("tells nothing", "deny", "lacks `[policy_denied]`"),
        ("decides twice", "deny", "a record too many"),
        ("names nothing", "tool-of-the-provider", "does not say that `web_search` is not gated"),
        ("another caller", "allow", "is recorded for"),
        ("keeps results", "result-kept", "lacks `[policy_denied]`: `the secret is 7715`"),
    ],
)
def test_each_fault_of_a_host_is_found(fault: str, name: str, why: str) -> None:
    with pytest.raises(DoesNotHold, match=re.escape(why)):
        plays(Plain(fault), name)


class Excused(Plain):
    """A host that excuses itself."""

    def __init__(self, excuse: Uncovered, fault: str = "") -> None:
        super().__init__(fault)
        self.excuse = excuse

    def uncovered(self, scenario: Scenario) -> Uncovered | None:
        return self.excuse


def test_an_excuse_covers_nothing_else() -> None:
    careless = Excused(OpenIn(["records"], "it does not record how calls end"), "does not ask")
    with pytest.raises(DoesNotHold, match="more than is declared") as failure:
        plays(careless, "deny")
    assert "`drop` ran with" in str(failure.value)


def test_an_excuse_that_is_out_of_date_is_found() -> None:
    for excuse in (Open("it is not gated"), OpenIn(["ran"], "it is not gated")):
        with pytest.raises(DoesNotHold, match="it holds"):
            plays(Excused(excuse), "deny")
    assert plays(Excused(Open("it is not gated"), "does not ask"), "deny") == {"open": "it is not gated"}
    assert plays(Excused(Absent("there is none")), "deny") == {"absent": "there is none"}


def test_a_coverage_that_says_otherwise_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEXGATE_BLESS", raising=False)
    monkeypatch.delenv("HEXGATE_SCENARIO", raising=False)
    driver = Excused(Absent("there is none"))
    with pytest.raises(DoesNotHold, match="says otherwise"):
        asyncio.run(check(driver, tmp_path))
    monkeypatch.setenv("HEXGATE_BLESS", "1")
    asyncio.run(check(driver, tmp_path))
    monkeypatch.delenv("HEXGATE_BLESS")
    asyncio.run(check(driver, tmp_path))
    (tmp_path / "plain.json").write_text((tmp_path / "plain.json").read_text().replace("none", "one"))
    with pytest.raises(DoesNotHold, match="says otherwise"):
        asyncio.run(check(driver, tmp_path))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ('{"a": 1, "b": [true, null]}', '{"b":[true,null],"a":1}', True),
        ('{"a": "\\u0041"}', '{"a":"A"}', True),
        ('{"a": 1.50}', '{"a":1.5}', True),
        ('{"a": 18446744073709551617}', '{"a":18446744073709551616}', False),
        ('{"a": 1}', '{"a":"1"}', False),
        ('{"a": 1}', '{"a":true}', False),
        ('{"a": 1}', '{"a":1,"b":2}', False),
        ("[1,2]", "[2,1]", False),
        ("{", "[", False),
        ('{"a":1,"a":1}', '{"a":1}', False),
    ],
)
def test_values_are_compared_and_not_their_spelling(one: str, other: str, is_same: bool) -> None:
    assert same(one, other) is is_same


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"extra": 1}, "unknown in Scenario"),
        ({"gate": "melts"}, "none of"),
        ({"turns": [{"calls": [], "befor": None}]}, "unknown in Turn"),
        ({"expect": {"ran": [{"tool": "other", "arguments": "{}"}], "records": []}}, "no tool `other`"),
        ({"tools": [{"name": "echo"}, {"name": "echo"}]}, "two tools"),
        ({"tools": [{"name": "echo", "does": [{"sing": "la"}]}]}, "none of"),
        ({"tools": None}, "not iterable"),
    ],
)
def test_what_is_no_scenario_is_found(change: dict[str, object], why: str, tmp_path: Path) -> None:
    path = FOLDER / "scenarios" / "allow.json"
    value = json.loads(path.read_text()) | change
    (tmp_path / "broken.json").write_text(json.dumps(value))
    with pytest.raises((ScenarioError, TypeError), match=why):
        read(tmp_path)
