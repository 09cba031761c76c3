"""Tools that run from a permission and not otherwise.

A sealed tool is a second object of the same tool, whose class is a subclass of the tool's own. A call is decided where the framework runs the tool, after
every middleware, with the arguments as the tool's function gets them. What the function gets is what the permission says: the schema is not asked again.
"""

from __future__ import annotations

import functools
import types
import weakref
from contextlib import ExitStack
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import merge_configs
from langchain_core.tools import BaseTool
from langgraph.errors import GraphBubbleUp, ParentCommand

from ._errors import ArgumentsError, CallDenied, HexgateError
from ._langchain_calls import Prepared, prepare
from ._permit import Permit

if TYPE_CHECKING:
    from ._langchain_gate import Bound

_KEY = "_hexgate_seal"


class Token:
    """Lets the body of one tool run, once, with these arguments."""

    __slots__ = ("tool", "positional", "named", "fault", "used")

    def __init__(
        self, tool: BaseTool, positional: tuple[Any, ...], named: dict[str, Any], fault: Exception | None = None
    ) -> None:
        self.tool = tool
        self.positional = positional
        self.named = named
        self.fault = fault
        self.used = False


_TOKEN: ContextVar[Token | None] = ContextVar("hexgate_langchain_token", default=None)


def is_within_a_tool() -> bool:
    """Whether this code was called by a tool that was permitted."""
    token = _TOKEN.get()
    return token is not None and token.used


def is_about_to_run(name: str) -> bool:
    """Whether a permitted tool of this name begins here."""
    token = _TOKEN.get()
    return token is not None and not token.used and token.tool.name == name


class Seal:
    """Who decides the calls of a tool."""

    def __init__(
        self, original: type[BaseTool], gates: tuple[Bound, ...], *, is_of_node: bool, outer: Seal | None = None
    ) -> None:
        self.original = original
        self.gates = gates
        # Whether a `ToolNode` calls it, which takes away what a model says in the place of what the host injects.
        self.is_of_node = is_of_node
        self._outer = outer
        self.reached = False

    def reach(self) -> None:
        """The framework came to the tool, for each gate that sent it there."""
        self.reached = True
        if self._outer is not None:
            self._outer.reach()

    def __deepcopy__(self, memo: dict[int, Any]) -> Seal:
        # Gates are not data.
        return self


_SEALS: dict[int, tuple[weakref.ref[BaseTool], Seal]] = {}


def seal_of(tool: BaseTool) -> Seal | None:
    found = _SEALS.get(id(tool))
    if found is not None and found[0]() is tool:
        return found[1]
    return cast("Seal | None", tool.__dict__.get(_KEY))


def why_not(tool: BaseTool) -> str | None:
    """Why a tool cannot be sealed: it has a way of its own to read arguments and to run."""
    kind = type(tool)
    for name in ("run", "arun"):
        if getattr(kind, name) is not getattr(BaseTool, name):
            return f"its class {kind.__name__} has a `{name}` of its own, so what it runs with cannot be held to what is decided"
    return None


def sealed(tool: BaseTool, gate: Bound) -> BaseTool:
    """The same tool for one call of a node, which runs only what the gate permits. One that is sealed for another agent is decided by both."""
    before = seal_of(tool)
    if before is not None and before.is_of_node and any(it.is_same(gate) for it in before.gates):
        return tool
    seal = _with(tool, gate, is_of_node=True)
    twin: BaseTool = object.__new__(_sealed_class(seal.original))
    # They share their state, so a tool that changes itself is changed.
    for name in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__"):
        object.__setattr__(twin, name, getattr(tool, name))
    key = id(twin)
    _SEALS[key] = (weakref.ref(twin, lambda _: _SEALS.pop(key, None)), seal)
    return twin


def seal_in_place(tool: BaseTool, gate: Bound) -> None:
    """Seals the tool itself, for code that has it by name."""
    seal = _with(tool, gate, is_of_node=False)
    object.__setattr__(tool, "__class__", _sealed_class(seal.original))
    tool.__dict__[_KEY] = seal


def _with(tool: BaseTool, gate: Bound, *, is_of_node: bool) -> Seal:
    before = seal_of(tool)
    if before is None:
        return Seal(type(tool), (gate,), is_of_node=is_of_node)
    gates = before.gates if any(it.is_same(gate) for it in before.gates) else (*before.gates, gate)
    return Seal(before.original, gates, is_of_node=is_of_node, outer=before)


@functools.lru_cache(maxsize=4096)
def _sealed_class(original: type[BaseTool]) -> type[BaseTool]:
    def invoke(self: BaseTool, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        token = _TOKEN.get()
        if token is not None and token.tool is self and not token.used:
            # The framework's own way from `ainvoke` to here.
            return original.invoke(self, input, config, **kwargs)
        return _invoke(self, input, config, kwargs)

    async def ainvoke(self: BaseTool, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        return await _ainvoke(self, input, config, kwargs)

    def to_args(self: BaseTool, tool_input: Any, tool_call_id: str | None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        token = _TOKEN.get()
        if token is None or token.tool is not self or token.used:
            raise _seal(self).gates[0].refuse(self, tool_input, "the tool was run past its gate")
        token.used = True
        if token.fault is not None:
            raise token.fault
        return token.positional, dict(token.named)

    namespace = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
        "invoke": invoke,
        "ainvoke": ainvoke,
        "_to_args_and_kwargs": to_args,
    }
    return cast("type[BaseTool]", types.new_class(original.__name__, (original,), exec_body=lambda body: body.update(namespace)))


def _seal(tool: BaseTool) -> Seal:
    seal = seal_of(tool)
    if seal is None:
        raise HexgateError(
            f"the tool {tool.name!r} is a copy that has lost its gate", "ungated_tools", "use the tool that was sealed"
        )
    return seal


def _invoke(tool: BaseTool, given: Any, config: RunnableConfig | None, kwargs: dict[str, Any]) -> Any:
    seal = _seal(tool)
    seal.reach()
    call = prepare(tool, seal.original, given, is_of_node=seal.is_of_node)
    permits: list[Permit] = []
    try:
        token = _token_for_a_fault(tool, seal, call)
        if token is None:
            for gate in seal.gates:
                permits.append(gate.permit_sync(tool, call, config))
            token = _token(tool, call, permits, seal)
            _start(seal, config, call)
    except CallDenied as denied:
        _drop(permits)
        return _told(tool, call, denied)
    except BaseException:
        _drop(permits)
        raise
    with _Running(permits, token) as running:
        return running.ended(seal.original.invoke(tool, given, _watched(seal, config), **kwargs))


async def _ainvoke(tool: BaseTool, given: Any, config: RunnableConfig | None, kwargs: dict[str, Any]) -> Any:
    seal = _seal(tool)
    seal.reach()
    call = prepare(tool, seal.original, given, is_of_node=seal.is_of_node)
    permits: list[Permit] = []
    try:
        token = _token_for_a_fault(tool, seal, call)
        if token is None:
            for gate in seal.gates:
                permits.append(await gate.permit(tool, call, config))
            token = _token(tool, call, permits, seal)
            _start(seal, config, call)
    except CallDenied as denied:
        _drop(permits)
        return _told(tool, call, denied)
    except BaseException:
        _drop(permits)
        raise
    with _Running(permits, token) as running:
        return running.ended(await seal.original.ainvoke(tool, given, _watched(seal, config), **kwargs))


class _Running:
    """A tool runs: on behalf of the caller, with its token, and how it ends is recorded."""

    def __init__(self, permits: list[Permit], token: Token) -> None:
        self._permits = permits
        self._token = token
        self._scopes = ExitStack()

    def __enter__(self) -> _Running:
        with ExitStack() as scopes:
            for permit in self._permits:
                scopes.enter_context(permit)
            before = _TOKEN.set(self._token)
            scopes.callback(_TOKEN.reset, before)
            self._scopes = scopes.pop_all()
        return self

    def ended(self, result: Any) -> Any:
        if not self._token.used:
            # INVARIANT: the framework reads the arguments of every call.
            raise HexgateError(
                f"the tool {self._token.tool.name!r} ran past what was decided, so its result is withheld",
                "ungated_tools",
                "use a version of langchain-core that hexgate-host[langchain] names",
            )
        text, failed = _text_of(result)
        for permit in self._permits:
            if failed:
                permit.fail("ToolException", text)
            else:
                permit.complete(text)
        return result

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            for permit in self._permits:
                if isinstance(error, ParentCommand):
                    # A tool hands over to another node by an exception.
                    permit.complete(None)
                elif isinstance(error, GraphBubbleUp):
                    # The tool itself asks somebody, and is run again.
                    permit.cancel()
        finally:
            self._scopes.__exit__(kind, error, traceback)


def _text_of(result: Any) -> tuple[str | None, bool]:
    if not isinstance(result, ToolMessage):
        return (result if isinstance(result, str) else None), False
    content = result.content
    return (content if isinstance(content, str) else result.text), result.status == "error"


def _token_for_a_fault(tool: BaseTool, seal: Seal, call: Prepared) -> Token | None:
    """For arguments that cannot be decided, or not be read. The attempt is on record, and the framework tells the model why."""
    if call.inexact is not None:
        raise seal.gates[0].refuse(tool, call.raw, call.inexact)
    if call.fault is None:
        return None
    for gate in seal.gates:
        gate.in_vain(tool, call.raw)
    return Token(tool, (), {}, call.fault)


def _token(tool: BaseTool, call: Prepared, permits: list[Permit], seal: Seal) -> Token:
    try:
        decided = permits[0].arguments
    except ArgumentsError as error:
        raise seal.gates[0].refuse(tool, call.raw, error.message) from error
    if any(permit.arguments_json != call.text for permit in permits):
        # INVARIANT: what is permitted is what was asked.
        raise seal.gates[0].refuse(tool, call.raw, "what was decided is another call")
    positional, named = call.runs_with(decided)
    return Token(tool, positional, named)


def _start(seal: Seal, config: RunnableConfig | None, call: Prepared) -> None:
    for gate in seal.gates:
        gate.starts(config, call.tool_call_id)


def _drop(permits: list[Permit]) -> None:
    for permit in permits:
        permit.cancel()


def _told(tool: BaseTool, call: Prepared, denied: CallDenied) -> Any:
    message = denied.as_error_message()
    if call.tool_call_id is None:
        return message
    return ToolMessage(message, name=tool.name, tool_call_id=call.tool_call_id, status="error")


def _watched(seal: Seal, config: RunnableConfig | None) -> RunnableConfig:
    """What a tool calls is looked at, too."""
    return merge_configs(config, {"callbacks": [gate.net for gate in seal.gates]})
