"""Playing all scenarios in a host."""

from __future__ import annotations

import asyncio
import json
import os
import traceback
from pathlib import Path
from typing import Any

from .compare import Difference, differences
from .driver import Absent, Driver
from .play import Play
from .scenario import FOLDER, Scenario, scenarios

# How long one play may take. None takes a tenth of it.
PATIENCE = 60.0


class DoesNotHold(Exception):
    """A scenario does not hold and is not declared, or it is declared to be open and holds."""


async def check(driver: Driver, folder: Path = FOLDER / "coverage") -> dict[str, Any]:
    """Plays all scenarios in a host, and compares the outcome with the host's file of coverage in this folder."""
    everything = scenarios()
    only = os.environ.get("HEXGATE_SCENARIO")
    found: dict[str, Any] = {}
    failures = []
    for scenario in everything:
        if only is not None and not scenario.name.startswith(only):
            continue
        try:
            found[scenario.name] = await outcome(driver, scenario)
        except DoesNotHold as failure:
            failures.append(f"{scenario.name}: {failure}")
    if failures:
        counts = f"{len(failures)} of {len(everything)} scenarios do not hold"
        raise DoesNotHold(f"{driver.host}: {counts}:\n" + "\n".join(failures))
    coverage = {
        "host": driver.host,
        "title": driver.title,
        "keeps_bytes": driver.keeps_bytes,
        "scenarios": found,
        "ungated": [{"name": it.name, "reason": it.reason} for it in driver.ungated()],
    }
    if only is None:
        _agree(coverage, folder / f"{driver.host}.json")
    return coverage


def _agree(coverage: dict[str, Any], path: Path) -> None:
    """Compares with the file of the host, or writes it with `HEXGATE_BLESS`."""
    text = json.dumps(coverage, indent=2, ensure_ascii=False) + "\n"
    if "HEXGATE_BLESS" in os.environ:
        path.write_text(text, encoding="utf-8")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        raise DoesNotHold(f"{path} says otherwise; HEXGATE_BLESS=1 writes it")


async def outcome(driver: Driver, scenario: Scenario) -> Any:
    """Plays one scenario: what the file of coverage says of it."""
    declared = driver.uncovered(scenario)
    if isinstance(declared, Absent):
        return declared.as_json()
    play = Play(driver, scenario)
    try:
        found = await _play(driver, play)
    finally:
        play.close()
    if declared is None:
        if found:
            raise DoesNotHold(_list(found))
        return "passes"
    if not found:
        raise DoesNotHold(f"it holds, and the driver says that it does not: {declared}")
    others = [it for it in found if not declared.declares(it.aspect)]
    if others:
        raise DoesNotHold(f"it differs in more than is declared:{_list(others)}")
    return declared.as_json()


async def _play(driver: Driver, play: Play) -> list[Difference]:
    # A task of its own: what is raised there is a failure of this scenario alone.
    task = asyncio.ensure_future(driver.play(play))
    done, _ = await asyncio.wait({task}, timeout=PATIENCE)
    if not done:
        task.cancel()
        await asyncio.wait({task}, timeout=5.0)
        return [Difference("begins", f"it did not end within {PATIENCE} seconds")]
    try:
        seen = task.result()
    except (Exception, asyncio.CancelledError) as error:
        lines = "".join(traceback.format_exception(error))
        raise DoesNotHold(f"the driver failed: {lines}") from error
    return differences(driver, play, seen)


def _list(found: list[Difference]) -> str:
    return "".join(f"\n  - {it}" for it in found)
