"""The conformance kit of hosts, for drivers in Python. ``tests/adapters/README.md`` says what must hold; the scenarios are the same files.

A driver subclasses :class:`Driver`, and one test calls ``await check(MyDriver())``. ``HEXGATE_SCENARIO=approval-`` plays those whose names begin so,
``HEXGATE_BLESS=1`` writes the file of coverage.
"""

from .driver import Absent, Driver, Open, OpenIn, Uncovered, Ungated
from .people import People, Unreachable
from .play import NoGate, Play, Script
from .run import check, outcome
from .scenario import Call, Rewrite, Scenario, Tool, Turn, scenarios
from .seen import Ask, End, Ran, Record, Seen
from .toolbox import Bug, Toolbox, ToolFails

__all__ = [
    "Absent",
    "Ask",
    "Bug",
    "Call",
    "Driver",
    "End",
    "NoGate",
    "Open",
    "OpenIn",
    "People",
    "Play",
    "Ran",
    "Record",
    "Rewrite",
    "Scenario",
    "Script",
    "Seen",
    "Tool",
    "ToolFails",
    "Toolbox",
    "Turn",
    "Uncovered",
    "Ungated",
    "Unreachable",
    "check",
    "outcome",
    "scenarios",
]
