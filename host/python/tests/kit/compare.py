"""What was seen against what must be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .driver import Driver
from .play import Play
from .same import same
from .scenario import ExpectedRead, ExpectedRecord
from .seen import Record, Seen


@dataclass(frozen=True)
class Difference:
    """Something that was seen and must not be, or the other way round."""

    aspect: str
    text: str

    def __str__(self) -> str:
        return self.text


def differences(driver: Driver, play: Play, seen: Seen) -> list[Difference]:
    """All differences. None: the scenario holds."""
    comparison = _Comparison(play, seen, driver.keeps_bytes)
    found: list[Difference] = []

    def look(aspect: str, *compare: Callable[[], list[str]]) -> None:
        found.extend(Difference(aspect, text) for it in compare for text in it())

    look("ran", comparison.runs)
    if seen.no_gate is not None:
        look("begins", comparison.begins)
        look("records", comparison.no_permissions)
        return found
    look("read", comparison.read)
    look("records", comparison.records, comparison.laws)
    look("asked", comparison.asked)
    look("named", comparison.named)
    return found


class _Comparison:
    def __init__(self, play: Play, seen: Seen, keeps_bytes: bool) -> None:
        self.play = play
        self.scenario = play.scenario
        self.expect = play.scenario.expect
        self.seen = seen
        self.keeps_bytes = keeps_bytes

    def is_same(self, one: str, other: str) -> bool:
        return one == other or (not self.keeps_bytes and same(one, other))

    def runs(self) -> list[str]:
        found = []
        left = list(self.seen.ran)
        for run in self.expect.ran:
            at = next(
                (
                    nth
                    for nth, ran in enumerate(left)
                    if ran.tool == run.tool and self.is_same(ran.arguments, run.arguments)
                ),
                None,
            )
            if at is not None and (at == 0 or self.expect.any_order):
                del left[at]
            elif not run.optional:
                found.append(f"`{run.tool}` did not run in its turn with {_shown(run.arguments)}")
        return found + [f"`{ran.tool}` ran with {_shown(ran.arguments)}, which must not be" for ran in left]

    def begins(self) -> list[str]:
        return [] if self.expect.without_gate else [f"the host refused to begin: {self.seen.no_gate}"]

    def no_permissions(self) -> list[str]:
        permitted = [it for it in self.seen.records if it.outcome == "allow"]
        return [f"it has no gate, and permitted `{it.tool}`" for it in permitted]

    def read(self) -> list[str]:
        wanted, read = self.expect.read, self.seen.read
        if wanted is None:
            return []
        found = []
        if len(wanted) != len(read):
            found.append(f"the model reads {len(read)} results of {len(wanted)} calls")
        for nth, (one, text) in enumerate(zip(wanted, read), 1):
            what = self.differs(one, text)
            if what is not None:
                found.append(f"the result of call {nth} {what}: {_shown(text)}")
        return found

    def differs(self, wanted: ExpectedRead, text: str) -> str | None:
        def has(piece: str) -> bool:
            return self.play.filled(piece) in text

        lacking = next((piece for piece in wanted.contains if not has(piece)), None)
        if lacking is not None:
            return f"lacks `{self.play.filled(lacking)}`"
        if wanted.one_of and not any(has(piece) for piece in wanted.one_of):
            return f"has none of {wanted.one_of}"
        secret = next((piece for piece in wanted.lacks if has(piece)), None)
        return None if secret is None else f"has `{self.play.filled(secret)}`"

    def records(self) -> list[str]:
        found = []
        left = list(self.seen.records)
        for wanted in self.expect.records:
            at = next((nth for nth, it in enumerate(left) if self.is_record(wanted, it)), None)
            if at is not None and (at == 0 or self.expect.any_order):
                del left[at]
            elif not wanted.optional:
                name = self.play.policy_name(wanted.tool)
                found.append(f"there is no record in its place of `{name}`, {wanted.outcome}, {wanted.ended}")
        return found + [f"there is a record too many: {record}" for record in left]

    def is_record(self, wanted: ExpectedRecord, record: Record) -> bool:
        end = record.ended
        is_end = {
            "completed": end is not None and end.ran and end.state == "completed",
            "failed": end is not None and end.ran and end.state == "failed",
            "cancelled": end is not None and end.ran and end.state == "cancelled",
            "not_run": end is not None and not end.ran,
            "unrecorded": end is None,
            "any": end is not None,
        }
        return (
            record.tool == self.play.policy_name(wanted.tool)
            and record.outcome in wanted.outcome
            and (not wanted.cause or record.cause is None or record.cause in wanted.cause)
            and (
                wanted.arguments is None
                or record.arguments is None
                or self.is_same(wanted.arguments, record.arguments)
            )
            and (record.outcome != "allow" or is_end[wanted.ended])
        )

    def laws(self) -> list[str]:
        """What holds in every scenario: what ran was permitted with these arguments, on behalf of this user, and has its end."""
        found = list(self.seen.oddities)
        permitted = [it for it in self.seen.records if it.outcome == "allow"]
        for ran in self.seen.ran:
            name = self.play.policy_name(ran.tool)
            at = next(
                (
                    nth
                    for nth, it in enumerate(permitted)
                    if it.tool == name and (it.arguments is None or self.is_same(it.arguments, ran.arguments))
                ),
                None,
            )
            if at is not None:
                del permitted[at]
            else:
                found.append(f"`{ran.tool}` ran with {_shown(ran.arguments)}, and no record permits that")
        user = None if self.scenario.caller is None else self.scenario.caller.user
        for record in self.seen.records:
            if record.user != user:
                found.append(f"`{record.tool}` is recorded for {record.user}, and it was {user}")
            if record.outcome == "allow":
                if record.ended is None and self.scenario.gate != "ends_unrecorded":
                    found.append(f"how `{record.tool}` ended is not recorded")
            elif record.ended is not None:
                found.append(f"`{record.tool}` ended and was not permitted")
        return found

    def asked(self) -> list[str]:
        found = []
        wanted, asked = self.expect.asked, self.seen.asked
        if len(wanted) != len(asked):
            found.append(f"people were asked {len(asked)} times, and not {len(wanted)}")
        for one, ask in zip(wanted, asked):
            is_it = ask.tool == self.play.policy_name(one.tool) and self.is_same(one.arguments, ask.arguments)
            if not is_it:
                found.append(f"people were asked about `{ask.tool}` with {_shown(ask.arguments)}")
            if ask.after != one.after:
                found.append(f"{ask.after} calls had begun when people were asked, and not {one.after}")
        return found

    def named(self) -> list[str]:
        missing = [tool for tool in self.expect.named_uncovered if tool not in self.seen.named_uncovered]
        return [f"the host does not say that `{tool}` is not gated" for tool in missing]


def _shown(text: str) -> str:
    """A text for a message, not too long."""
    return f"`{text if len(text) <= 300 else text[:300] + '…'}`"
