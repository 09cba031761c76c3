"""An agent that is wrapped: a compiled graph behind its gate, with every way to enter it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Unpack

from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import merge_configs
from langchain_core.tools import BaseTool
from langgraph.pregel import Pregel
from langgraph.types import Command

from ._adapting import resolve
from ._approvals import Approval
from ._enforcer import Enforcer, EnforcerOptions
from ._errors import HexgateError
from ._langchain_asking import as_answer
from ._langchain_gate import ACTIVE, Active, Bound, ToolGate, new_name
from ._langchain_graph import gated_graph
from ._langchain_seal import seal_in_place, why_not
from ._native import Run
from ._scope import Caller

_Graph = Pregel[Any, Any, Any, Any]

# What looks at a graph or at its states, and runs nothing of it.
_LOOKS = frozenset(
    {
        "aget_graph",
        "aget_state",
        "aget_state_history",
        "aget_subgraphs",
        "aupdate_state",
        "builder",
        "channels",
        "checkpointer",
        "config",
        "config_schema",
        "context_schema",
        "get_config_jsonschema",
        "get_context_jsonschema",
        "get_state",
        "get_state_history",
        "get_subgraphs",
        "input_channels",
        "nodes",
        "output_channels",
        "store",
        "stream_mode",
        "update_state",
    }
)

_NO_EVENTS = "events of this kind go on outside of the call that asks for them: use `astream_events` with `v2`, or `stream` and `astream`"


def wrap_langchain_agent(
    agent: Any,
    enforcer: Enforcer | None = None,
    *,
    tools: Sequence[BaseTool | Callable[..., Any]] = (),
    interrupts: bool = False,
    agents: Mapping[str, str] | None = None,
    handoffs: Mapping[str, str] | None = None,
    accept_ungated: Sequence[str] = (),
    api_key: str | None = None,
    **options: Unpack[EnforcerOptions],
) -> HexgateLangchainAgent:
    """Puts a compiled graph behind its policy. The graph itself stays as it is; the agent that is returned runs a copy.

    Without an enforcer, what the environment names for the name of the graph decides, with these options. ``tools`` are sealed in place, for nodes that call
    them by themselves. ``interrupts`` and the others are those of :class:`HexgateMiddleware`.
    """
    graph = agent
    if not isinstance(graph, Pregel):
        raise TypeError(f"an agent is a compiled graph, not {type(agent).__name__}: call `compile()`, or `create_agent`")
    if enforcer is None:
        enforcer = resolve(graph.name, api_key, options)
    elif api_key is not None or options:
        raise HexgateError(
            "an enforcer has its options already", "contradiction", "give them to the enforcer, or leave it out"
        )
    gate = ToolGate(enforcer, interrupts=interrupts, agents=agents, handoffs=handoffs, accept_ungated=accept_ungated)
    given = [tool for tool in tools if isinstance(tool, BaseTool)]
    gate.must_be_gated({tool.name: reason for tool in given if (reason := why_not(tool)) is not None})
    gated = gated_graph(graph, gate)
    for tool in given:
        if why_not(tool) is None:
            seal_in_place(tool, Bound(gate))
    return HexgateLangchainAgent(gated, gate)


class _Addressed:
    """One input of a batch, with its user."""

    __slots__ = ("input", "user")

    def __init__(self, input: Any, user: Caller | None) -> None:
        self.input = input
        self.user = user


class HexgateLangchainAgent(Runnable[Any, Any]):
    """A graph behind its policy. Each way to run it takes ``user=``, on whose behalf it runs; without it, it is the caller in scope."""

    def __init__(self, graph: _Graph, gate: ToolGate) -> None:
        self.graph = graph
        self.gate = gate
        self.name = graph.name

    @property
    def agent_name(self) -> str:
        """What policies call this agent."""
        return self.gate.enforcer.agent_name

    @property
    def ungated(self) -> dict[str, str]:
        """What runs undecided because it was accepted, and why it cannot be decided, as far as it was seen."""
        return self.gate.ungated

    # Entries.

    def invoke(self, input: Any, config: RunnableConfig | None = None, *, user: Caller | None = None, **kwargs: Any) -> Any:
        entry = _Entry(self, input, config, user)
        with entry:
            entry.begin_sync()
            return self.graph.invoke(entry.input, entry.config, **kwargs)

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, *, user: Caller | None = None, **kwargs: Any
    ) -> Any:
        entry = _Entry(self, input, config, user)
        with entry:
            await entry.begin()
            return await self.graph.ainvoke(entry.input, entry.config, **kwargs)

    def stream(
        self, input: Any, config: RunnableConfig | None = None, *, user: Caller | None = None, **kwargs: Any
    ) -> Iterator[Any]:
        entry = _Entry(self, input, config, user)
        return entry.steps(lambda: self.graph.stream(entry.input, entry.config, **kwargs))

    def astream(
        self, input: Any, config: RunnableConfig | None = None, *, user: Caller | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        entry = _Entry(self, input, config, user)
        return entry.asteps(lambda: self.graph.astream(entry.input, entry.config, **kwargs))

    def astream_events(
        self,
        input: Any,
        config: RunnableConfig | None = None,
        *,
        version: Any = "v2",
        user: Caller | None = None,
        **kwargs: Any,
    ) -> Any:
        if version not in ("v1", "v2"):
            raise NotImplementedError(_NO_EVENTS)
        entry = _Entry(self, input, config, user)
        return entry.asteps(lambda: self.graph.astream_events(entry.input, entry.config, version=version, **kwargs))

    def stream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        raise NotImplementedError(_NO_EVENTS)

    def astream_log(
        self, input: Any, config: RunnableConfig | None = None, *, user: Caller | None = None, **kwargs: Any
    ) -> AsyncIterator[Any]:
        entry = _Entry(self, input, config, user)
        return entry.asteps(lambda: self.graph.astream_log(entry.input, entry.config, **kwargs))

    def batch(
        self,
        inputs: Sequence[Any],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        user: Caller | Sequence[Caller] | None = None,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        """One run for each input. ``user`` is one for all, or one for each."""
        each = [_Addressed(*pair) for pair in zip(inputs, _users(user, len(inputs)), strict=True)]
        return _Batch(self).batch(each, config, return_exceptions=return_exceptions, **kwargs)

    async def abatch(
        self,
        inputs: Sequence[Any],
        config: RunnableConfig | list[RunnableConfig] | None = None,
        *,
        user: Caller | Sequence[Caller] | None = None,
        return_exceptions: bool = False,
        **kwargs: Any,
    ) -> list[Any]:
        each = [_Addressed(*pair) for pair in zip(inputs, _users(user, len(inputs)), strict=True)]
        return await _Batch(self).abatch(each, config, return_exceptions=return_exceptions, **kwargs)

    # What it is.

    def get_name(self, suffix: str | None = None, *, name: str | None = None) -> str:
        return self.graph.get_name(suffix, name=name)

    @property
    def InputType(self) -> Any:
        return self.graph.InputType

    @property
    def OutputType(self) -> Any:
        return self.graph.OutputType

    def get_input_schema(self, config: RunnableConfig | None = None) -> Any:
        return self.graph.get_input_schema(config)

    def get_output_schema(self, config: RunnableConfig | None = None) -> Any:
        return self.graph.get_output_schema(config)

    def get_input_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        return self.graph.get_input_jsonschema(config)

    def get_output_jsonschema(self, config: RunnableConfig | None = None) -> dict[str, Any]:
        return self.graph.get_output_jsonschema(config)

    def get_graph(self, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return self.graph.get_graph(config, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name in _LOOKS:
            return getattr(self.graph, name)
        raise AttributeError(f"a gated agent has no `{name}`; what does not run it is at `.graph`")

    def __repr__(self) -> str:
        return f"HexgateLangchainAgent({self.graph.name!r}, agent={self.agent_name!r})"


class _Batch(Runnable[_Addressed, Any]):
    """Gives each input of a batch to its user."""

    def __init__(self, agent: HexgateLangchainAgent) -> None:
        self._agent = agent

    def invoke(self, input: _Addressed, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return self._agent.invoke(input.input, config, user=input.user, **kwargs)

    async def ainvoke(self, input: _Addressed, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return await self._agent.ainvoke(input.input, config, user=input.user, **kwargs)


def _users(user: Caller | Sequence[Caller] | None, count: int) -> Sequence[Caller | None]:
    if user is None or isinstance(user, Caller):
        return [user] * count
    if len(user) != count:
        raise ValueError(f"there are {count} inputs and {len(user)} users")
    return user


class _Entry:
    """One run. The graph works within it, and what goes on after it was left has no caller."""

    def __init__(self, agent: HexgateLangchainAgent, input: Any, config: RunnableConfig | None, user: Caller | None) -> None:
        if user is not None and not isinstance(user, Caller):
            raise TypeError(f"`user` is a User or a Caller, not {type(user).__name__}")
        self._gate = agent.gate
        self._active: Active | None = None
        self._user = user
        self.input = _readable(input)
        self.config = merge_configs(config, {"callbacks": [agent.gate.net]})
        thread = (self.config.get("configurable") or {}).get("thread_id")
        # With nothing new to say a thread goes on with its run.
        self._goes_on = thread is not None and (input is None or (isinstance(input, Command) and input.resume is not None))
        self._name = new_name() if thread is None else f"thread:{thread}"

    def __enter__(self) -> _Entry:
        if self._active is None:
            self._active = Active(self._gate, self._user, None)
        self._before = ACTIVE.set(self._active)
        return self

    def pause(self) -> None:
        ACTIVE.reset(self._before)

    def __exit__(self, *error: object) -> None:
        self.pause()
        if self._active is not None:
            self._active.ended = True

    def _begun(self, run: Run) -> None:
        if self._active is not None:
            self._active.run = run

    def begin_sync(self) -> None:
        self._begun(self._gate.begin_sync(self._name, anew=not self._goes_on))

    async def begin(self) -> None:
        self._begun(await self._gate.begin(self._name, anew=not self._goes_on))

    def steps(self, start: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        """The steps of a stream. Between them, the code of whoever reads it is not within the run."""
        source: Iterator[Any] | None = None
        try:
            while True:
                with _Step(self):
                    if source is None:
                        self.begin_sync()
                        source = start()
                    try:
                        item = next(source)
                    except StopIteration:
                        return
                yield item
        finally:
            try:
                close = getattr(source, "close", None)
                if close is not None:
                    with _Step(self):
                        close()
            finally:
                self._end()

    async def asteps(self, start: Callable[[], AsyncIterator[Any]]) -> AsyncIterator[Any]:
        source: AsyncIterator[Any] | None = None
        try:
            while True:
                with _Step(self):
                    if source is None:
                        await self.begin()
                        source = start()
                    try:
                        item = await anext(source)
                    except StopAsyncIteration:
                        return
                yield item
        finally:
            try:
                aclose: Callable[[], Awaitable[None]] | None = getattr(source, "aclose", None)
                if aclose is not None:
                    with _Step(self):
                        await aclose()
            finally:
                self._end()

    def _end(self) -> None:
        if self._active is not None:
            self._active.ended = True


class _Step:
    """One step of a stream, which runs within the entry."""

    def __init__(self, entry: _Entry) -> None:
        self._entry = entry

    def __enter__(self) -> None:
        self._entry.__enter__()

    def __exit__(self, *error: object) -> None:
        self._entry.pause()


def _readable(input: Any) -> Any:
    """Answers in the form that a checkpointer can keep."""
    if not isinstance(input, Command):
        return input
    answer = input.resume
    if isinstance(answer, Approval):
        return Command(graph=input.graph, update=input.update, resume=as_answer(answer), goto=input.goto)
    if isinstance(answer, dict) and answer and all(isinstance(value, Approval) for value in answer.values()):
        answers: dict[str, Any] = {name: as_answer(value) for name, value in answer.items()}
        return Command(graph=input.graph, update=input.update, resume=answers, goto=input.goto)
    return input
