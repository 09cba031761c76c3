"""The record of decisions: is it whole, and would another policy decide otherwise?

What the command line does (``python -m hexgate_host audit``), for programs. It runs in a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from ._errors import AuditError

Path = str | os.PathLike[str]


def verify(
    log: Path,
    *,
    public_keys: Sequence[Path] = (),
    heads: Sequence[str] = (),
    since: str | None = None,
) -> dict[str, Any]:
    """Whether the log is as it was written. An :class:`AuditError` if it is not."""
    line = ["verify", os.fspath(log), "--json"]
    for key in public_keys:
        line += ["--pubkey", os.fspath(key)]
    for head in heads:
        line += ["--head", head]
    if since is not None:
        line += ["--from", since]
    return _run(line, "audit_not_intact", "find out who could write there; compare with what was delivered")


def replay(
    log: Path,
    *,
    policy: Path | None = None,
    policy_public_keys: Sequence[Path] = (),
    allow_withheld: bool = False,
) -> dict[str, Any]:
    """Decides every call in the log again: by what decided then, which must agree, or by another policy, to see what it changes."""
    line = ["replay", os.fspath(log), "--format", "json"]
    if policy is not None:
        line += ["--policy", os.fspath(policy)]
    for key in policy_public_keys:
        line += ["--policy-pubkey", os.fspath(key)]
    if allow_withheld:
        line.append("--allow-withheld")
    return _run(line, "audit_replay", "look at the differences, which the message has")


def _run(line: list[str], code: str, remedy: str) -> dict[str, Any]:
    # Isolated: neither the folder nor the environment of the program brings other modules along.
    command = [sys.executable, "-I", "-m", "hexgate_host", "audit", *line]
    ran = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    said = (ran.stderr or ran.stdout).strip()
    if ran.returncode != 0:
        code = code if ran.returncode == 1 else "audit_log"
        raise AuditError(said, code, remedy)
    try:
        answer = json.loads(ran.stdout)
    except ValueError as error:
        raise AuditError(f"the command line answers no JSON: {said[:500]}", "internal", remedy) from error
    if not isinstance(answer, dict):
        raise AuditError("the command line answers no object", "internal", remedy)
    return answer
