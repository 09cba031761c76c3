"""Testing a policy: calls with the verdicts that are expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from ._errors import ArgumentsError, DecideError
from ._native import Policy


class Case(TypedDict, total=False):
    """One call. ``tool`` and ``expect`` are needed."""

    name: str
    role: str
    roles: Sequence[str]
    tool: str
    args: Mapping[str, Any] | str
    facts: Mapping[str, Any]
    expect: str
    violations: Sequence[str]


@dataclass(frozen=True)
class Mismatch:
    """A case that came out otherwise."""

    case: Case
    outcome: str
    reason: str

    def __str__(self) -> str:
        name = self.case.get("name") or self.case.get("tool")
        because = f": {self.reason}" if self.reason else ""
        return f"{name}: expected {self.case.get('expect')}, came {self.outcome}{because}"


_KNOWN = frozenset(Case.__annotations__)
_OUTCOMES = ("allow", "deny", "needs_approval")


def check(policy: Policy, cases: Iterable[Case]) -> list[Mismatch]:
    """The cases that come out otherwise than expected. A call without a verdict is a denial, as for a host."""
    mismatches = []
    for case in cases:
        unknown = set(case) - _KNOWN
        if unknown or "tool" not in case or case.get("expect") not in _OUTCOMES:
            raise ValueError(
                f"a case has `tool`, `expect` (one of {', '.join(_OUTCOMES)}), and may have "
                f"{', '.join(sorted(_KNOWN - {'tool', 'expect'}))}; this one is {case!r}"
            )
        roles = ([case["role"]] if "role" in case else []) + list(case.get("roles", ()))
        try:
            verdict = policy.decide(
                case["tool"], case.get("args", {}), roles=roles, facts=case.get("facts")
            )
            outcome, reason, violations = verdict.outcome, verdict.reason, verdict.violations
        except (ArgumentsError, DecideError) as error:
            outcome, reason, violations = "deny", error.message, []
        if outcome != case["expect"]:
            mismatches.append(Mismatch(case, outcome, reason))
        elif "violations" in case and list(case["violations"]) != violations:
            mismatches.append(Mismatch(case, outcome, f"violations {violations}"))
    return mismatches
