"""The policies of a play, each in a bundle that is signed and bound to its agent."""

from __future__ import annotations

import datetime
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import hexgate_host as hexgate
from hexgate_host import _native

from .scenario import FOLDER, Change

# A policy that allows everything, and what replaces its decision.
FLOOR = FOLDER.parents[1] / "host" / "core" / "benches" / "floor.wat"
DECIDES = "(i32.const 16))\n\n    ;; part about"
HOSTILE = {
    "traps": "unreachable)\n\n    ;; part about",
    "loops": "(loop $again (br $again)) unreachable)\n\n    ;; part about",
}
# Enough for a debug build to use up within a second.
FUEL = 50_000_000


class NoGate(Exception):
    """There is no policy that decides. The host has to do what it does then."""


def command(*line: str) -> None:
    """The program of the host, in this process. What it prints is kept for its failure."""
    sys.stdout.flush()
    sys.stderr.flush()
    with tempfile.TemporaryFile() as printed:
        kept = os.dup(1), os.dup(2)
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
        try:
            code = _native.command_line(list(line))
        finally:
            for number, old in enumerate(kept, 1):
                os.dup2(old, number)
                os.close(old)
        printed.seek(0)
        if code != 0:
            raise RuntimeError(f"{line}: {printed.read().decode()}")


@cache
def _engine(fault: str) -> hexgate.Engine:
    """Most plays share an engine: its code is compiled once."""
    return hexgate.Engine(fuel=FUEL) if fault in HOSTILE else hexgate.Engine()


@cache
def _component(fault: str) -> bytes:
    import wasmtime

    text = FLOOR.read_text(encoding="utf-8")
    assert DECIDES in text
    return bytes(wasmtime.wat2wasm(text.replace(DECIDES, HOSTILE[fault])))


class Gates:
    """The policies, and the switch that stops users."""

    def __init__(self, folder: Path, fault: str, names: dict[str, str]) -> None:
        self.folder = folder
        self.fault = fault
        self.kill = hexgate.KillSwitch()
        self._names = names
        self._sequence = 0
        self._open: dict[str, hexgate.Enforcer] = {}
        self._expires: dict[str, float] = {}
        command("policy", "keygen", "--out", str(folder / "release"))
        self.key_file = folder / "release.public"

    def bundle(self, agent: str) -> Path:
        return self.folder / f"{agent}.bundle"

    def audit_log(self, agent: str) -> Path:
        return self.folder / f"{agent}.audit"

    def filled(self, text: str) -> str:
        """A text with the names of tools as policies have them in the place of `<NAME>`."""
        for name, gate in self._names.items():
            text = text.replace(f"<{name}>", gate)
        return text

    def write(self, agent: str, policy: list[str]) -> None:
        """Writes the policy of an agent, and has it decide where it is asked already."""
        if self.fault == "missing":
            return
        if self.fault in HOSTILE:
            source = self.folder / f"{agent}.wasm"
            source.write_bytes(_component(self.fault))
        else:
            source = self.folder / f"{agent}.yaml"
            source.write_text(self.filled("\n".join(policy)), encoding="utf-8")
        self._sequence += 1
        line = ["policy", "build", str(source), "--out", str(self.bundle(agent)), "--agent", agent]
        line += ["--sign-key", str(self.folder / "release.private"), "--sequence", str(self._sequence)]
        if self.fault == "expired":
            # Nothing turns the clock from Python, so it is opened while it is valid, and waited for.
            self._expires[agent] = float(int(time.time()) + 2)
            end = datetime.datetime.fromtimestamp(self._expires[agent], datetime.UTC)
            line += ["--expires-at", end.strftime("%Y-%m-%dT%H:%M:%SZ")]
        command(*line)
        if agent in self._open:
            self._open[agent].refresh()

    def open(self, agent: str, **options: Any) -> hexgate.Enforcer:
        """What decides the calls of an agent: one enforcer for a play, since a record has one writer."""
        if agent not in self._open:
            try:
                self._open[agent] = hexgate.Enforcer.from_bundle(
                    agent,
                    self.bundle(agent),
                    public_keys=[self.key_file],
                    kill_switch=self.kill,
                    engine=_engine(self.fault),
                    audit_log=self.audit_log(agent),
                    **options,
                )
            except hexgate.HexgateError as error:
                raise NoGate(str(error)) from error
            time.sleep(max(0.0, self._expires.get(agent, 0.0) + 0.1 - time.time()))
        return self._open[agent]

    def changer(self, agent: str) -> Callable[[Change], None]:
        def change(it: Change) -> None:
            if it.policy is not None:
                self.write(agent, it.policy)
            if it.stop_user is not None:
                self.kill.stop_user(it.stop_user, "as the scenario says")

        return change
