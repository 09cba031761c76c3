"""One scenario that is played in one host."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hexgate_host as hexgate

from .driver import Driver
from .full import FullDisk
from .gate import Gates, NoGate
from .people import People
from .scenario import AgentSpec, Around, Change, Scenario, Tool, Turn
from .seen import End, Record, Seen
from .toolbox import Toolbox

__all__ = ["AGENT", "NoGate", "Play", "Script"]

# The agent of a play, as bundles and records call it.
AGENT = "kit"
# How long ends of calls are waited for.
PATIENCE = 5.0


class Script:
    """What a model proposes, turn by turn. Each turn is played once."""

    def __init__(self, turns: list[Turn], change: Callable[[Change], None]) -> None:
        self._turns = deque(turns)
        self._change = change

    def adds(self) -> list[str]:
        """The tools that come into being before the next turn."""
        return self._turns[0].adds if self._turns else []

    def next(self) -> Turn | None:
        """The next turn, after what changes before it. None: the model says `Done.` and proposes nothing any more."""
        if not self._turns:
            return None
        turn = self._turns.popleft()
        if turn.before is not None:
            self._change(turn.before)
        return turn


class Play:
    def __init__(self, driver: Driver, scenario: Scenario) -> None:
        self.scenario = scenario
        self._temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self._temporary.name)
        self._disk = FullDisk()
        self._decisions: list[hexgate.Decision] = []
        self._names = {tool.name: driver.policy_name(tool) for tool in scenario.all_tools()}
        self._gates = Gates(self.folder, scenario.gate, self._names)
        self._gates.write(AGENT, scenario.policy)
        for name, agent in scenario.agents():
            self._gates.write(name, scenario.policy if agent.policy is None else agent.policy)
        self.toolbox = Toolbox(scenario, self._began)
        self._people = People(self.toolbox, scenario.approvals or [], self._gates.changer(AGENT))
        self.script = Script(scenario.turns, self._gates.changer(AGENT))
        self._logs: list[Path] = []

    def close(self) -> None:
        self._disk.free()
        self._temporary.cleanup()

    @property
    def agent(self) -> str:
        """The agent, as the bundle and the records call it."""
        return AGENT

    @property
    def caller(self) -> hexgate.User | None:
        """On whose behalf. None: nobody is known."""
        spec = self.scenario.caller
        return None if spec is None else hexgate.User(spec.user, roles=spec.roles)

    def enforcer(self, agent: str = AGENT, *, asks: bool = True) -> hexgate.Enforcer:
        """What decides, with the play's record, people and kill switch. The same one each time. :class:`NoGate`: there is no policy that decides."""
        people = self._people if asks and self.scenario.approvals is not None else None
        enforcer = self._gates.open(agent, approvals=people, observers=[self._decisions.append])
        if self._gates.audit_log(agent) not in self._logs:
            self._logs.append(self._gates.audit_log(agent))
        if self.scenario.gate == "recorder_fails":
            self._disk.fill(self._logs)
        return enforcer

    @property
    def bundle(self) -> Path:
        return self._gates.bundle(AGENT)

    @property
    def key_file(self) -> Path:
        return self._gates.key_file

    @property
    def tools(self) -> list[Tool]:
        return self.scenario.tools

    @property
    def people(self) -> People | None:
        """Who is asked, for hosts that ask by a road of their own. None: nobody can be asked."""
        return None if self.scenario.approvals is None else self._people

    @property
    def around(self) -> Around:
        return self.scenario.around

    def script_of(self, name: str, agent: AgentSpec) -> Script:
        """What the model of another agent proposes."""
        return Script(agent.turns, self._gates.changer(name))

    def policy_name(self, tool: str) -> str:
        return self._names.get(tool, tool)

    def filled(self, text: str) -> str:
        return self._gates.filled(text)

    async def until_cancelled(self, run: Any) -> Any:
        """Awaits a run, and cancels it when the scenario says so. What it gave; None if it was cancelled."""
        task = asyncio.ensure_future(run)
        cancelled = asyncio.ensure_future(self.toolbox.cancelled())
        try:
            await asyncio.wait({task, cancelled}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            task.cancel()
            await asyncio.wait({task})
            return None
        finally:
            cancelled.cancel()
            await asyncio.wait({cancelled})

    def _began(self) -> None:
        if self.scenario.gate == "ends_unrecorded":
            self._disk.fill(self._logs)

    async def seen(self, read: list[str]) -> Seen:
        """What was seen, with what the model read of each call. Waits a while for the ends of calls to be recorded."""
        end = time.monotonic() + PATIENCE
        while True:
            records, oddities = self._records()
            is_settled = all(it.outcome != "allow" or it.ended is not None for it in records)
            if is_settled or self.scenario.gate == "ends_unrecorded" or time.monotonic() > end:
                break
            await asyncio.sleep(0.01)
        return Seen(self.toolbox.ran, read, records, self._people.asked, None, [], oddities)

    def without_gate(self, reason: str) -> Seen:
        """What was seen of a host that refuses to begin."""
        records, _ = self._records()
        return Seen(self.toolbox.ran, [], records, self._people.asked, reason)

    def _records(self) -> tuple[list[Record], list[str]]:
        """What the log says. Observers tell what the log withholds (the cause of a decision, the arguments of an approved one), and their order is that of
        the decisions across the logs of several agents; but only what is in a log counts."""
        on_record: dict[str, dict[str, Any]] = {}
        ends: dict[str, list[End]] = {}
        for log in self._logs:
            for path in sorted(log.glob("*.jsonl")):
                for line in path.read_text(encoding="utf-8").splitlines():
                    try:
                        entry = json.loads(line)
                    except ValueError:
                        # The disk was full within this line.
                        continue
                    if entry["kind"] == "decision":
                        on_record[entry["id"]] = entry
                    elif entry["kind"] == "outcome":
                        end = End(entry["ran"], entry["state"])
                        ends.setdefault(entry["decision"], []).append(end)
                    elif entry["kind"] == "note":
                        details = entry["details"]
                        if isinstance(details, dict) and isinstance(details.get("decision"), str):
                            on_record[details["decision"]] = details
        records, oddities, known = [], [], set()
        for decision in self._decisions:
            if decision.id in known:
                oddities.append(f"the decision about `{decision.tool_name}` was told twice")
            known.add(decision.id)
            entry = on_record.get(decision.id)
            if entry is None:
                continue
            told = (entry.get("tool"), entry.get("user"), entry.get("arguments", decision.arguments_json))
            if told != (decision.tool_name, decision.user_id, decision.arguments_json):
                oddities.append(f"`{decision.tool_name}` is on record as {told}")
            record = Record(
                decision.id,
                decision.tool_name,
                decision.outcome,
                decision.cause,
                decision.arguments_json,
                decision.user_id,
            )
            found = ends.pop(decision.id, [])
            if found:
                record.ended = found[0]
            if len(found) > 1:
                oddities.append(f"the call `{decision.tool_name}` ended twice")
            if found and decision.outcome != "allow":
                oddities.append(f"`{decision.tool_name}` ended and was not permitted")
            records.append(record)
        oddities += [f"a call ended that was never decided: {name}" for name in ends]
        oddities += [f"on record, and nobody was told: {entry}" for name, entry in on_record.items() if name not in known]
        return records, oddities
