"""What the user said."""

from __future__ import annotations

import pytest

import hexgate_host as hexgate

POLICY = """
roles:
  support:
    tools:
      mail:
        - mode: allow
          constraints: ['every(args.to, . in said.emails)']
        - mode: approval_required
"""


def test_the_turns_of_the_user_are_facts(alice: hexgate.User) -> None:
    facts = hexgate.said("Write to Bob@Example.com.", "And pay 49,90 € by 4 March 2026.")
    assert facts["emails"] == ["bob@example.com"]
    assert "49.9" in [str(number) for number in facts["numbers"]]
    assert "2026-03-04" in facts["dates"]
    assert hexgate.said() == hexgate.said("")
    assert hexgate.said()["emails"] == []


def test_a_policy_asks_where_nobody_named_the_target(alice: hexgate.User) -> None:
    enforcer = hexgate.Enforcer.from_yaml("bot", POLICY)
    assert enforcer.uses_fact("said")
    facts: hexgate.Facts = {"said": hexgate.said("Write to bob@example.com.")}
    for to, outcome in [("bob@example.com", "allow"), ("eve@example.net", "needs_approval")]:
        assert enforcer.decide("mail", {"to": [to]}, caller=alice, facts=facts).outcome == outcome
    # Without the facts nobody was named.
    assert enforcer.decide("mail", {"to": ["bob@example.com"]}, caller=alice).outcome == "needs_approval"


def test_what_is_no_text_is_an_error() -> None:
    with pytest.raises(hexgate.ArgumentsError, match="lone surrogate"):
        hexgate.said("ok", "\ud800")
    for turn in [None, b"bytes", 5]:
        with pytest.raises(TypeError):
            hexgate.said(turn)  # type: ignore[arg-type]


def test_a_long_turn_is_read_in_linear_time_and_cut() -> None:
    assert isinstance(hexgate.said("a@b.example " * 100_000), dict)
