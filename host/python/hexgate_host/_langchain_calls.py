"""What a call of a LangChain tool is to a policy: its name, and the arguments as the tool's own function gets them."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from langchain_core.tools import BaseTool, InjectedToolArg
from langgraph.prebuilt import ToolRuntime
from langgraph.pregel import Pregel
from langgraph.store.base import BaseStore
from pydantic_core import to_jsonable_python

from . import _native
from ._errors import ArgumentsError, HexgateError

_PLAIN = (str, int, float, bool, type(None))
# What the framework itself passes to a function, whatever the model says.
_FRAMEWORK = frozenset({"callbacks", "config", "run_manager"})


class Inexact(Exception):
    """What the tool would get cannot be written as what is decided."""


@dataclass(frozen=True)
class Prepared:
    """A call, with the arguments that were read as the tool reads them."""

    tool_call_id: str | None
    raw: dict[str, Any]
    """What the model wrote, without what the host adds."""
    text: str | None = None
    """The arguments that are decided. None: they cannot be written, or not be read."""
    positional: str | None = None
    """The name of the one argument that the function gets without a name."""
    injected: Mapping[str, Any] = field(default_factory=dict)
    """What the host adds: the state, the store, the runtime. It is not the model's, and no policy decides it."""
    built: Mapping[str, Any] | None = None
    """What was built from `text`, where it is more than JSON: models, dates, enumerations."""
    fault: Exception | None = None
    """Why the tool cannot read them, for the framework to tell."""
    inexact: str | None = None
    """Why they cannot be decided."""

    def runs_with(self, decided: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What the function is called with."""
        values = dict(decided if self.built is None else self.built)
        positional = () if self.positional is None else (values.pop(self.positional),)
        return positional, {**values, **self.injected}


def prepare(tool: BaseTool, kind: type[BaseTool], given: object, *, is_of_node: bool) -> Prepared:
    """Reads a call as the tool does, and what it becomes is what is decided: defaults are filled in, texts made numbers.

    What a tool declares as injected is the host's only in a ``ToolNode``, which takes away what a model says in its place.
    """
    call_id: str | None = None
    if isinstance(given, Mapping) and given.get("type") == "tool_call":
        call_id = given["id"]
        given = given["args"]
    if isinstance(given, str):
        given = {next(iter(tool.args), "input"): given}
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        return Prepared(call_id, {}, inexact="the arguments are no object")
    # A model writes no objects of the framework, so these are the host's whatever the tool declares.
    hosts = injected_names(tool) if is_of_node else frozenset()
    hosts |= {key for key, value in given.items() if isinstance(value, (ToolRuntime, BaseStore))}
    raw = {key: value for key, value in given.items() if key not in hosts}
    try:
        # The same method that the tool itself reads its arguments with.
        args, named = kind._to_args_and_kwargs(tool, dict(given), call_id)
    except Exception as fault:
        return Prepared(call_id, raw, fault=fault)
    if _FRAMEWORK & named.keys():
        taken = ", ".join(sorted(_FRAMEWORK & named.keys()))
        return Prepared(call_id, raw, inexact=f"the framework fills in {taken} itself")
    injected = {key: value for key, value in named.items() if key in hosts}
    decidable = {key: value for key, value in named.items() if key not in hosts}
    positional = None
    if args:
        positional = next(iter(raw), "input")
        decidable[positional] = args[0]
    try:
        if all(_is_plain(value) for value in decidable.values()):
            text, built = _native.encode(decidable), None
        else:
            text, built = _build(tool, kind, given, hosts, decidable, call_id, positional)
    except ArgumentsError as error:
        return Prepared(call_id, raw, inexact=error.message)
    except Inexact as error:
        return Prepared(call_id, raw, inexact=str(error))
    except RecursionError:
        return Prepared(call_id, {}, inexact="the arguments are nested too deeply")
    return Prepared(call_id, raw, text, positional, injected, built)


def _build(
    tool: BaseTool,
    kind: type[BaseTool],
    given: dict[str, Any],
    hosts: frozenset[str],
    decidable: dict[str, Any],
    call_id: str | None,
    positional: str | None,
) -> tuple[str, dict[str, Any]]:
    """The JSON of values that are more than that, and the values that the tool's schema makes of this JSON: these run, so they must be the same."""
    try:
        written = to_jsonable_python(decidable)
        text = _native.encode(written)
        aliases = _aliases(tool)
        rest = {key: value for key, value in given.items() if key in hosts}
        args, named = kind._to_args_and_kwargs(
            tool, {**{aliases.get(key, key): value for key, value in written.items()}, **rest}, call_id
        )
        again = {key: value for key, value in named.items() if key in decidable}
        if positional is not None and args:
            again[positional] = args[0]
        is_same = again == decidable and _native.encode(to_jsonable_python(again)) == text
    except HexgateError:
        raise
    except Exception as error:
        raise Inexact(f"what the tool makes of the arguments is not read as the same again: {error}") from error
    if not is_same:
        raise Inexact("what the tool makes of the arguments is not read as the same again")
    return text, again


def _is_plain(value: object) -> bool:
    """Whether JSON keeps a value as it is."""
    if type(value) is list:
        return all(_is_plain(item) for item in value)
    if type(value) is dict:
        return all(type(key) is str and _is_plain(item) for key, item in value.items())
    return type(value) in _PLAIN


def _aliases(tool: BaseTool) -> dict[str, str]:
    fields = getattr(tool.args_schema, "model_fields", {})
    found = {}
    for name, info in fields.items():
        alias = info.validation_alias or info.alias
        if isinstance(alias, str):
            found[name] = alias
    return found


def injected_names(tool: BaseTool) -> frozenset[str]:
    """The arguments that the host adds, and the framework takes away from what the model says."""
    found: set[str] = set()
    for source in (getattr(tool, "func", None), getattr(tool, "coroutine", None), type(tool)._run, type(tool)._arun):
        if source is not None:
            found |= _injected_of(source)
    if isinstance(tool.args_schema, type):
        found |= _injected_of(tool.args_schema)
    return frozenset(found)


def _injected_of(source: Any) -> frozenset[str]:
    try:
        return _injected_of_hashable(source)
    except TypeError:
        return _hints_of(source)


@functools.lru_cache(maxsize=4096)
def _injected_of_hashable(source: Any) -> frozenset[str]:
    return _hints_of(source)


def _hints_of(source: Any) -> frozenset[str]:
    try:
        hints = typing.get_type_hints(source, include_extras=True)
    except Exception:
        # The framework could not read them either.
        return frozenset()
    return frozenset(name for name, hint in hints.items() if name != "return" and _is_injected(hint))


def _is_injected(hint: Any) -> bool:
    origin = get_origin(hint) or hint
    if isinstance(origin, type) and issubclass(origin, (InjectedToolArg, ToolRuntime)):
        return True
    if origin is Annotated:
        first, *marks = get_args(hint)
        return _is_injected(first) or any(
            isinstance(mark, InjectedToolArg) or (isinstance(mark, type) and issubclass(mark, InjectedToolArg))
            for mark in marks
        )
    return get_origin(hint) in (Union, UnionType) and any(_is_injected(part) for part in get_args(hint))


def agent_of(tool: BaseTool) -> str | None:
    """The name of the agent that `as_tool` made this tool of."""
    for function in (getattr(tool, "func", None), getattr(tool, "coroutine", None)):
        for candidate in _made_of(function):
            name = getattr(candidate, "agent_name", None)
            if isinstance(name, str):
                return name
            while not isinstance(candidate, Pregel) and hasattr(candidate, "bound"):
                candidate = candidate.bound
            if isinstance(candidate, Pregel):
                return candidate.name if candidate.name != "LangGraph" else tool.name
    return None


def _made_of(function: Callable[..., Any] | None) -> list[Any]:
    if function is None:
        return []
    owner = getattr(function, "__self__", None)
    if owner is not None:
        return [owner] if getattr(function, "__name__", "") in ("invoke", "ainvoke") else []
    if not getattr(function, "__qualname__", "").startswith("convert_runnable_to_tool."):
        return []
    return [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
