"""The host for agents of the OpenAI Agents SDK. Needs the extra ``hexgate-host[openai-agents]``.

>>> runner = HexgateRunner(hexgate.Enforcer.resolve("support-bot"))  # doctest: +SKIP
>>> result = await runner.run(agent, "Refund order A-7.", user=hexgate.User("alice", "support"))  # doctest: +SKIP
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Unpack

try:
    import agents as _agents  # noqa: F401
except ImportError as error:
    raise ImportError(
        "the OpenAI Agents SDK is not installed: pip install 'hexgate-host[openai-agents]'"
    ) from error

from agents import Agent, Runner, RunConfig, RunResult, RunResultStreaming, RunState

from ._adapting import resolve
from ._approvals import Approval
from ._enforcer import Enforcer, EnforcerOptions
from ._errors import ApprovalError, HexgateError
from ._openai_agents_gate import Gate, Gated
from ._openai_agents_run import Going, Pending, Questions, going_on
from ._openai_agents_told import run_config as told
from ._scope import Caller

__all__ = ["HexgateRunner", "Pending"]

Input = str | list[Any] | RunState[Any]


class HexgateRunner:
    """In the place of ``agents.Runner``: every tool of the agent, and of all agents that it can reach, is decided before it runs.

    ``user`` of each run is on whose behalf it acts; without it the caller in scope. Everything else goes to ``Runner`` as it is.
    """

    def __init__(
        self,
        enforcer: Enforcer | None = None,
        *,
        enforcers: Mapping[str, Enforcer] | None = None,
        accept_ungated: Iterable[str] = (),
        pauses: bool = False,
        api_key: str | None = None,
        **options: Unpack[EnforcerOptions],
    ) -> None:
        """``enforcer`` decides; without one, what the environment names for the name of the agent. ``enforcers`` are those of other agents, by their names.
        ``accept_ungated`` names what may run undecided, at the provider. ``pauses``: a call that needs approval interrupts the run, as the SDK has it."""
        if enforcer is not None and (api_key is not None or options):
            raise HexgateError(
                "an enforcer has its options already", "contradiction", "give them to the enforcer, or leave it out"
            )
        if isinstance(accept_ungated, str):
            raise HexgateError("`accept_ungated` is one text", "contradiction", "pass a list")
        self._enforcer = enforcer
        self._enforcers = dict(enforcers or {})
        self._accept = frozenset(accept_ungated)
        self._pauses = pauses
        self._api_key = api_key
        self._options = options
        self._resolved: dict[str, Enforcer] = {}
        self._questions = Questions()
        self._ungated: dict[str, str] = {}
        for it in [enforcer, *self._enforcers.values()]:
            self._can_pause(it)

    @property
    def ungated(self) -> dict[str, str]:
        """What runs undecided because it was accepted, and why it cannot be decided: of the agents that were run or gated so far."""
        return dict(self._ungated)

    def gate(self, agent: Agent[Any]) -> Agent[Any]:
        """The agent, gated: a copy. For what wants an agent beside the runs of this runner, such as ``RunState.from_json(runner.gate(agent), ...)``."""
        if self._gate_of(agent) is not None:
            return agent
        gate = Gate(
            self._enforcer_of(agent.name), self._enforcers, self._accept, self._pauses, self._questions
        )
        gated = gate.agent(agent)
        # Shared, since tools may come later.
        gate.ungated = self._ungated
        gate.check(gated)
        return gated

    async def run(
        self,
        starting_agent: Agent[Any],
        input: Input,
        *,
        user: Caller | None = None,
        approvals: Iterable[Approval] = (),
        run_config: RunConfig | dict[str, Any] | None = None,
        **options: Any,
    ) -> RunResult:
        """As ``Runner.run``. ``approvals`` are answers to questions of a run that is resumed in another process."""
        if self._enforcer is None and not isinstance(input, RunState):
            # The platform is asked over the network.
            await asyncio.to_thread(self._enforcer_of, starting_agent.name)
        agent, runs = self._begin(starting_agent, input, user, approvals)
        for run in runs:
            await run.begin(run.gate.of(agent.name))
        try:
            with going_on(*runs):
                return await Runner.run(agent, input, run_config=told(runs[-1].gate, run_config), **options)
        finally:
            _close(runs)

    def run_sync(
        self,
        starting_agent: Agent[Any],
        input: Input,
        *,
        user: Caller | None = None,
        approvals: Iterable[Approval] = (),
        run_config: RunConfig | dict[str, Any] | None = None,
        **options: Any,
    ) -> RunResult:
        """As ``Runner.run_sync``: not within a running event loop."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("`run_sync` cannot be called when an event loop is already running: use `await run(...)`")
        agent, runs = self._begin(starting_agent, input, user, approvals)
        for run in runs:
            run.begin_sync(run.gate.of(agent.name))
        try:
            with going_on(*runs):
                return Runner.run_sync(agent, input, run_config=told(runs[-1].gate, run_config), **options)
        finally:
            _close(runs)

    def run_streamed(
        self,
        starting_agent: Agent[Any],
        input: Input,
        *,
        user: Caller | None = None,
        approvals: Iterable[Approval] = (),
        run_config: RunConfig | dict[str, Any] | None = None,
        **options: Any,
    ) -> RunResultStreaming:
        """As ``Runner.run_streamed``. Whether the run may begin is decided before the model is asked; a refusal is raised by ``stream_events()``."""
        agent, runs = self._begin(starting_agent, input, user, approvals)
        with going_on(*runs):
            result = Runner.run_streamed(agent, input, run_config=told(runs[-1].gate, run_config), **options)
        if result.run_loop_task is not None:
            result.run_loop_task.add_done_callback(lambda _: _close(runs))
        return result

    def pending(self, result: RunResult | RunResultStreaming) -> list[Pending]:
        """The questions of a run that paused. Those of the SDK's own ``needs_approval`` are not among them."""
        waiting = {
            (getattr(it.raw_item, "call_id", None), getattr(it.raw_item, "arguments", None) or "{}")
            for it in result.interruptions
        }
        return self._questions.among(waiting)

    def _begin(
        self, agent: Agent[Any], input: Input, user: Caller | None, approvals: Iterable[Approval]
    ) -> tuple[Agent[Any], list[Going]]:
        if isinstance(input, RunState):
            current = input._current_agent
            if current is None or self._gate_of(current) is None:
                raise HexgateError(
                    "the state is of a run that was not gated by this runner",
                    "ungated",
                    "read it with `RunState.from_json(runner.gate(agent), ...)`",
                )
            gated: Agent[Any] = current
        else:
            gated = self.gate(agent)
        answers = list(approvals)
        if answers and not self._pauses:
            raise ApprovalError(
                "answers are given to a runner that does not pause", "contradiction", "`HexgateRunner(pauses=True)`"
            )
        own = self._gate_of(gated)
        # INVARIANT: it was gated above.
        if own is None or not isinstance(gated, Gated):
            raise HexgateError("the agent is not gated", "internal", "report this as a defect")
        run_id = uuid.uuid4().hex
        # Other runners that gated the agent count, too. Ours comes last.
        gates = [gate for gate in gated._hexgate_gates if gate is not own]
        runs = [*(Going(gate, run_id, user, ()) for gate in gates), Going(own, run_id, user, answers)]
        if isinstance(input, RunState):
            # What was proposed before the run paused.
            items: list[Any] = [item for response in input._model_responses for item in response.output]
            items += [it.raw_item for it in input.get_interruptions()]
            for run in runs:
                run.propose(items, gated.name)
        return gated, runs

    def _gate_of(self, agent: Agent[Any]) -> Gate | None:
        gates = agent._hexgate_gates if isinstance(agent, Gated) else ()
        return next((gate for gate in gates if gate.questions is self._questions), None)

    def _enforcer_of(self, name: str) -> Enforcer:
        if self._enforcer is not None:
            return self._enforcer
        if name not in self._resolved:
            enforcer = resolve(name, self._api_key, self._options)
            self._can_pause(enforcer)
            self._resolved[name] = enforcer
        return self._resolved[name]

    def _can_pause(self, enforcer: Enforcer | None) -> None:
        if self._pauses and enforcer is not None and enforcer.asks:
            raise ApprovalError(
                "the enforcer asks people itself, so no run would pause",
                "contradiction",
                "leave out `approvals` of the enforcer, or `pauses`",
            )


def _close(runs: list[Going]) -> None:
    for run in runs:
        run.close()
