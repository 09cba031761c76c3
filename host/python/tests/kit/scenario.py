"""What is in a scenario, and reading the files. What is unknown or not sound is an error, as in the kit's Rust."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, TypeVar

FOLDER = Path(__file__).resolve().parents[4] / "tests" / "adapters"

T = TypeVar("T")


class ScenarioError(Exception):
    """A file is no scenario."""


def _read(kind: type[T], value: Any, /, **members: Callable[[Any], Any]) -> T:
    """An object with the members of a dataclass, and no others. A member that is left out has its default, if it has one."""
    if not isinstance(value, dict):
        raise ScenarioError(f"{kind.__name__} is no object: {value!r}")
    known = {it.name: it for it in dataclasses.fields(kind) if it.init}  # type: ignore[arg-type]
    unknown = set(value) - set(known)
    if unknown:
        raise ScenarioError(f"unknown in {kind.__name__}: {sorted(unknown)}")
    missing = {
        name
        for name, it in known.items()
        if it.default is dataclasses.MISSING and it.default_factory is dataclasses.MISSING and name not in value
    }
    if missing:
        raise ScenarioError(f"missing in {kind.__name__}: {sorted(missing)}")
    return kind(**{name: members.get(name, lambda it: it)(it) for name, it in value.items()})


def _one_of(*names: str) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value not in names:
            raise ScenarioError(f"{value!r} is none of {names}")
        return value

    return check


def _all(read: Callable[[Any], T]) -> Callable[[Any], list[T]]:
    return lambda values: [read(value) for value in values]


def _maybe(read: Callable[[Any], T]) -> Callable[[Any], T | None]:
    return lambda value: None if value is None else read(value)


@dataclass(frozen=True)
class CallerSpec:
    user: str
    roles: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Call:
    """A proposed call: the arguments are the very text that the model writes."""

    tool: str
    arguments: str


@dataclass(frozen=True)
class Change:
    """What changes while a play goes on: one of both."""

    policy: list[str] | None = None
    stop_user: str | None = None


@dataclass(frozen=True)
class Turn:
    calls: list[Call]
    before: Change | None = None
    adds: list[str] = field(default_factory=list)
    text: str = ""
    broken: bool = False


@dataclass(frozen=True)
class AgentSpec:
    tools: list[Tool]
    turns: list[Turn]
    policy: list[str] | None = None


@dataclass(frozen=True)
class Tool:
    name: str
    kind: str = "function"
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "object"})
    does: list[tuple[str, Any]] = field(default_factory=lambda: [("text", "done")])
    parallel: bool = False
    agent: AgentSpec | None = None

    def description(self) -> str:
        return f"The tool `{self.name}` of a test."


@dataclass(frozen=True)
class Answers:
    answer: str
    meanwhile: Change | None = None


@dataclass(frozen=True)
class Rewrite:
    tool: str
    arguments: str


@dataclass(frozen=True)
class Around:
    rewrite_before: Rewrite | None = None
    rewrite_after: Rewrite | None = None
    wrapped_twice: bool = False
    cancel: str | None = None
    entry: str = "plain"


@dataclass(frozen=True)
class ExpectedRun:
    tool: str
    arguments: str
    optional: bool = False


@dataclass(frozen=True)
class ExpectedRead:
    contains: list[str] = field(default_factory=list)
    one_of: list[str] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ExpectedRecord:
    tool: str
    outcome: list[str]
    arguments: str | None = None
    cause: list[str] = field(default_factory=list)
    ended: str = "completed"
    optional: bool = False


@dataclass(frozen=True)
class ExpectedAsk:
    tool: str
    arguments: str
    after: int = 0


@dataclass(frozen=True)
class Expect:
    ran: list[ExpectedRun]
    records: list[ExpectedRecord]
    read: list[ExpectedRead] | None = None
    asked: list[ExpectedAsk] = field(default_factory=list)
    any_order: bool = False
    without_gate: bool = False
    named_uncovered: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Scenario:
    section: str
    behaviour: str
    policy: list[str]
    tools: list[Tool]
    turns: list[Turn]
    expect: Expect
    caller: CallerSpec | None = CallerSpec("alice", ["user"])
    approvals: list[Answers] | None = None
    gate: str = "none"
    around: Around = Around()
    name: str = field(default="", init=False)

    def agents(self) -> list[tuple[str, AgentSpec]]:
        return [(tool.name, tool.agent) for tool in self.tools if tool.agent is not None]

    def all_tools(self) -> list[Tool]:
        return self.tools + [tool for _, agent in self.agents() for tool in agent.tools]


def _act(value: Any) -> tuple[str, Any]:
    if value == "hang":
        return ("hang", None)
    if not isinstance(value, dict) or len(value) != 1:
        raise ScenarioError(f"{value!r} is nothing that a tool does")
    [(what, how)] = value.items()
    _one_of("text", "fail", "panic", "meet")(what)
    if not isinstance(how, int if what == "meet" else str):
        raise ScenarioError(f"{value!r} is nothing that a tool does")
    return (what, how)


def _change(value: Any) -> Change:
    change = _read(Change, value)
    if (change.policy is None) == (change.stop_user is None):
        raise ScenarioError(f"a change is one thing: {value!r}")
    return change


def _call(value: Any) -> Call:
    return _read(Call, value)


def _turn(value: Any) -> Turn:
    return _read(Turn, value, calls=_all(_call), before=_maybe(_change))


def _tool(value: Any) -> Tool:
    kinds = _one_of("function", "mcp", "agent", "handoff", "later", "provider", "unknown")
    return _read(Tool, value, kind=kinds, does=_all(_act), agent=_maybe(_agent))


def _agent(value: Any) -> AgentSpec:
    return _read(AgentSpec, value, tools=_all(_tool), turns=_all(_turn))


def _answers(value: Any) -> Answers:
    answers = _one_of("approve", "refuse", "hang", "fail", "panic")
    return _read(Answers, value, answer=answers, meanwhile=_maybe(_change))


def _rewrite(value: Any) -> Rewrite:
    return _read(Rewrite, value)


def _around(value: Any) -> Around:
    return _read(
        Around,
        value,
        rewrite_before=_maybe(_rewrite),
        rewrite_after=_maybe(_rewrite),
        cancel=_maybe(_one_of("in_tool", "while_asked")),
        entry=_one_of("plain", "streamed"),
    )


def _outcomes(value: Any) -> list[str]:
    known = _one_of("allow", "needs_approval", "deny")
    return [known(it) for it in (value if isinstance(value, list) else [value])]


def _record(value: Any) -> ExpectedRecord:
    ends = _one_of("completed", "failed", "cancelled", "not_run", "unrecorded", "any")
    return _read(ExpectedRecord, value, outcome=_outcomes, ended=ends)


def _expect(value: Any) -> Expect:
    return _read(
        Expect,
        value,
        ran=_all(lambda it: _read(ExpectedRun, it)),
        read=_maybe(_all(lambda it: _read(ExpectedRead, it))),
        records=_all(_record),
        asked=_all(lambda it: _read(ExpectedAsk, it)),
    )


def _scenario(value: Any) -> Scenario:
    return _read(
        Scenario,
        value,
        tools=_all(_tool),
        turns=_all(_turn),
        caller=_maybe(lambda it: _read(CallerSpec, it)),
        approvals=_maybe(_all(_answers)),
        gate=_one_of(
            "none", "traps", "loops", "expired", "missing", "recorder_fails", "recorder_panics", "ends_unrecorded"
        ),
        around=_around,
        expect=_expect,
    )


def _sound(scenario: Scenario) -> None:
    """What a scenario names is there."""
    names: set[str] = set()
    for tool in scenario.all_tools():
        if tool.name in names:
            raise ScenarioError(f"there are two tools `{tool.name}`")
        names.add(tool.name)
        if (tool.kind in ("agent", "handoff")) != (tool.agent is not None):
            raise ScenarioError(f"whether `{tool.name}` is an agent is not clear")
    around = scenario.around
    named = [it.tool for it in (around.rewrite_before, around.rewrite_after) if it is not None]
    named += [it.tool for it in scenario.expect.ran] + [it.tool for it in scenario.expect.asked]
    for name in named:
        if name not in names:
            raise ScenarioError(f"there is no tool `{name}`")
    if scenario.expect.read is not None:
        calls = sum(len(turn.calls) for turn in scenario.turns)
        if len(scenario.expect.read) != calls:
            raise ScenarioError(f"{calls} calls are proposed, and {len(scenario.expect.read)} results are read")


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ScenarioError(f"a key stands twice among {[key for key, _ in pairs]}")
    return found


def read(folder: Path) -> list[Scenario]:
    """All scenarios of a folder, by name."""
    found = []
    for path in sorted(folder.glob("*.json"), key=lambda it: it.stem):
        try:
            value = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_no_key_twice)
            scenario = _scenario(value)
            _sound(scenario)
        except (ScenarioError, ValueError) as error:
            raise ScenarioError(f"{path}: {error}") from error
        object.__setattr__(scenario, "name", path.stem)
        found.append(scenario)
    return found


def scenarios() -> list[Scenario]:
    """The scenarios of the kit."""
    return read(FOLDER / "scenarios")
