"""What a host has to bring so that it can be looked at."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from .scenario import Scenario, Tool
from .seen import Seen

if TYPE_CHECKING:
    from .play import Play

ASPECTS = ("ran", "read", "records", "asked", "named", "begins")


@dataclass(frozen=True)
class Absent:
    """The host has no such thing, so the scenario is not played."""

    reason: str

    def declares(self, aspect: str) -> bool:
        return False

    def as_json(self) -> Any:
        return {"absent": self.reason}


@dataclass(frozen=True)
class Open:
    """The host has it, and it does not hold there."""

    reason: str

    def declares(self, aspect: str) -> bool:
        return True

    def as_json(self) -> Any:
        return {"open": self.reason}


@dataclass(frozen=True)
class OpenIn:
    """The host has it, and it does not hold there in these respects. In all others it has to."""

    aspects: Sequence[str]
    reason: str

    def __post_init__(self) -> None:
        if not self.aspects or set(self.aspects) - set(ASPECTS):
            raise ValueError(f"aspects are among {ASPECTS}, and these are {self.aspects}")

    def declares(self, aspect: str) -> bool:
        return aspect in self.aspects

    def as_json(self) -> Any:
        return {"open_in": [list(self.aspects), self.reason]}


Uncovered = Union[Absent, Open, OpenIn]


@dataclass(frozen=True)
class Ungated:
    """Something that a host can do without asking."""

    name: str
    reason: str


class Driver(ABC):
    """Plays scenarios in one host."""

    @property
    @abstractmethod
    def host(self) -> str:
        """The name of the host's file of coverage: letters, digits and `-`."""

    @property
    @abstractmethod
    def title(self) -> str:
        """What people call the host, with the version of the framework if there is one."""

    @property
    def keeps_bytes(self) -> bool:
        """Whether the host hands the very bytes to a tool that the model wrote. If not, arguments are compared as JSON values."""
        return True

    def policy_name(self, tool: Tool) -> str:
        """What the host's policies call a tool."""
        prefix = {"mcp": "mcp-files-", "agent": "agent.tool:", "handoff": "agent.handoff:"}.get(tool.kind, "")
        return prefix + tool.name

    def uncovered(self, scenario: Scenario) -> Uncovered | None:
        """Why this scenario does not hold in this host. None: it holds."""
        return None

    def ungated(self) -> list[Ungated]:
        """What the host can do without asking."""
        return []

    @abstractmethod
    async def play(self, play: Play) -> Seen:
        """Plays a scenario, and tells what was seen."""
