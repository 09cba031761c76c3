"""What was seen of a play."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Ran:
    """A tool that began to run, by its name in the scenario, with the bytes that it got."""

    tool: str
    arguments: str


@dataclass(frozen=True)
class Ask:
    """A question to a person, the tool as policies name it, and how many calls had begun by then."""

    tool: str
    arguments: str
    after: int


@dataclass(frozen=True)
class End:
    """How a call ended."""

    ran: bool
    state: str


@dataclass
class Record:
    """One decision that is on record, and how the call ended. None: the record does not tell."""

    id: str
    tool: str
    outcome: str
    cause: str | None
    arguments: str | None
    user: str | None
    ended: End | None = None


@dataclass
class Seen:
    ran: list[Ran] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    asked: list[Ask] = field(default_factory=list)
    no_gate: str | None = None
    named_uncovered: list[str] = field(default_factory=list)
    oddities: list[str] = field(default_factory=list)
