"""Whether two texts are the same JSON value. Whole numbers count digit by digit, so that one that was rounded is another one."""

from __future__ import annotations

import json
from typing import Any


class _NoJson(Exception):
    pass


def same(one: str, other: str) -> bool:
    """Whether they are. Texts that are no JSON are the same if their bytes are."""
    try:
        return bool(_canonical(one) == _canonical(other))
    except _NoJson:
        return one == other


def _canonical(text: str) -> Any:
    """One spelling of a value: members sorted, fractions as numbers, whole numbers as they stand."""

    def members(pairs: list[tuple[str, Any]]) -> Any:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise _NoJson
        return ("object", sorted(found.items(), key=lambda it: it[0]))

    def constant(_: str) -> Any:
        raise _NoJson

    try:
        value = json.loads(
            text,
            object_pairs_hook=members,
            parse_int=lambda it: ("whole", it),
            parse_float=lambda it: ("fraction", repr(float(it))),
            parse_constant=constant,
        )
    except (ValueError, RecursionError):
        raise _NoJson from None
    return _tagged(value)


def _tagged(value: Any) -> Any:
    # True equals 1 for Python, so what is no tuple yet gets its type.
    if isinstance(value, list):
        return ("list", [_tagged(it) for it in value])
    if isinstance(value, tuple):
        kind, inside = value
        return (kind, [(name, _tagged(it)) for name, it in inside]) if kind == "object" else value
    return (type(value).__name__, value)
