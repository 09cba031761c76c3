"""Arguments of every kind: exactly decided, or denied."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import uuid

import pytest

import hexgate_host as hexgate
from hexgate_host import _native

ANY = "roles: {support: {tools: {t: {mode: allow}, big: {mode: allow, constraints: [args.n == 1180591620717411303424]}}}}"


@pytest.fixture(scope="module")
def enforcer() -> hexgate.Enforcer:
    """Allows every argument: what is denied is denied for what it is."""
    return hexgate.Enforcer.from_yaml("bot", ANY)


@dataclasses.dataclass
class Model:
    n: int = 1


class Text(str):
    def __str__(self) -> str:
        return "another"


class Number(int):
    def __repr__(self) -> str:
        return "0"

    __str__ = __repr__


class Members(dict):
    def items(self):
        return []


def recursive() -> dict[str, object]:
    value: dict[str, object] = {}
    value["self"] = value
    return value


def wide() -> list[object]:
    value: list[object] = []
    for _ in range(60):
        value = [value, value]
    return value


REFUSED = {
    "nan": {"n": float("nan")},
    "infinity": {"n": float("-inf")},
    "set": {"xs": {1, 2}},
    "datetime": {"at": datetime.datetime(2026, 1, 1)},
    "decimal": {"n": decimal.Decimal("1.5")},
    "uuid": {"id": uuid.UUID(int=1)},
    "bytes": {"data": b"x"},
    "model": {"m": Model()},
    "object": {"o": object()},
    "class": {"o": Model},
    "lone surrogate": {"t": "\ud800"},
    "lone surrogate in a key": {"\udfff": 1},
    "lone surrogate in a text": '{"t": "\ud800"}',
    "key that is no text": {1: 2},
    "key that is none": {None: 2},
    "recursive": recursive(),
    "deep": json.loads("[" * 200 + "]" * 200),
    "wide": {"xs": wide()},
    "digits": {"n": 10**5000},
    "generator": {"xs": (x for x in [1])},
    "mapping": {"m": collections.UserDict(a=1)},
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_json_is_denied_by_name(name: str, enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    arguments = REFUSED[name]
    decision = enforcer.decide("t", arguments, caller=alice)
    assert decision.outcome == "deny"
    assert "the arguments are no JSON" in decision.reason
    with pytest.raises(hexgate.CallDenied) as denied:
        enforcer.authorize_sync("t", arguments, caller=alice)
    assert denied.value.as_error_message().startswith("[policy_denied]")
    with pytest.raises(hexgate.ArgumentsError) as refused:
        _native.encode(arguments)
    assert refused.value.code == "arguments" and refused.value.remedy


def test_the_place_is_named() -> None:
    with pytest.raises(hexgate.ArgumentsError, match=r"`\$\.a\[1\]\.b` is a `datetime.date`"):
        _native.encode({"a": [0, {"b": datetime.date(2026, 1, 1)}]})


MALFORMED = {
    "none": None,
    "a list": [1],
    "a number": 1,
    "an empty text": "",
    "a word": "yes",
    "NaN as text": '{"n": NaN}',
    "a key twice": '{"a": 1, "a": 2}',
    "a key twice by escape": '{"a": 1, "\\u0061": 2}',
    "an escaped lone surrogate": '{"t": "\\ud800"}',
    "more behind": '{"a": 1} x',
    "too deep": '{"a":' + "[" * 70 + "]" * 70 + "}",
    "an object as text in a list": '[{"a": 1}]',
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_object_is_denied(name: str, enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    decision = enforcer.decide("t", MALFORMED[name], caller=alice)
    assert decision.outcome == "deny"
    assert decision.cause in ("malformed", "exceeded")
    with pytest.raises(hexgate.CallDenied):
        enforcer.authorize_sync("t", MALFORMED[name], caller=alice)


def test_huge_arguments_are_denied(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    for arguments in ({"t": "x" * (40 << 20)}, '{"t": "' + "x" * (40 << 20) + '"}'):
        assert enforcer.decide("t", arguments, caller=alice).outcome == "deny"


EXACT = {
    "empty": {},
    "all kinds": {"a": None, "b": True, "c": -1, "d": 1.5, "e": "é\n\u2028\x00\"\\", "f": [1, [2]], "g": {"h": {}}},
    "beyond 64 bits": {"n": 2**70, "m": -(2**64)},
    "tuple": {"xs": [1, 2]},
    "floats": {"xs": [0.1, 1e22, 5e-324, 1.7976931348623157e308, -0.0, 1e16]},
}


@pytest.mark.parametrize("name", EXACT)
def test_what_is_decided_is_what_runs(name: str, enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    permit = enforcer.authorize_sync("t", EXACT[name], caller=alice)
    assert permit.arguments == EXACT[name]
    assert repr(permit.arguments) == repr(EXACT[name])
    assert json.loads(permit.arguments_json) == EXACT[name]
    permit.cancel()


def test_integers_beyond_64_bits_are_compared_exactly(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    assert enforcer.decide("big", {"n": 2**70}, caller=alice).outcome == "allow"
    assert enforcer.decide("big", {"n": 2**70 + 1}, caller=alice).outcome == "deny"


def test_of_a_subclass_counts_what_it_is() -> None:
    colour = enum.StrEnum("Colour", ["RED"])
    level = enum.IntEnum("Level", ["LOW"])
    assert _native.encode({"c": colour.RED, "l": level.LOW}) == '{"c":"red","l":1}'
    assert _native.encode({"t": Text("this"), "n": Number(7), "big": Number(2**70)}) == (
        '{"t":"this","n":7,"big":1180591620717411303424}'
    )
    assert _native.encode(Members(a=1)) == '{"a":1}'
    assert _native.encode(collections.OrderedDict(b=(1,), a=2)) == '{"b":[1],"a":2}'


def test_a_text_is_kept_byte_for_byte(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    text = '{ "b" : 1.50 ,\n "a":"\\u00e9" }'
    permit = enforcer.authorize_sync("t", text, caller=alice)
    assert permit.arguments_json == text
    assert permit.arguments == {"b": 1.5, "a": "é"}
    permit.cancel()


@pytest.mark.parametrize("number", ["1e400", "0.1000000000000000000001", "9007199254740993.5"])
def test_a_number_that_would_run_as_another_one_does_not_run(
    number: str, enforcer: hexgate.Enforcer, alice: hexgate.User
) -> None:
    ran = []
    with pytest.raises(hexgate.HexgateError) as refused:
        enforcer.call_sync("t", lambda n: ran.append(n), f'{{"n": {number}}}', caller=alice)
    assert not ran
    assert isinstance(refused.value, hexgate.CallDenied) or refused.value.code == "arguments_inexact"


def test_changing_what_was_passed_changes_nothing(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    arguments = {"xs": [1]}
    permit = enforcer.authorize_sync("t", arguments, caller=alice)
    arguments["xs"].append(2)
    permit.arguments["xs"].append(3)
    assert permit.arguments == {"xs": [1]}
    permit.cancel()


def test_tool_names_of_every_kind(enforcer: hexgate.Enforcer, alice: hexgate.User) -> None:
    for name in ["", "T", "t ", "t\x00", "x" * 5000, "ｔ"]:
        assert enforcer.decide(name, {}, caller=alice).outcome == "deny", name
    with pytest.raises(UnicodeEncodeError):
        enforcer.decide("\ud800", {}, caller=alice)
    with pytest.raises(TypeError):
        enforcer.decide(None, {}, caller=alice)  # type: ignore[arg-type]
